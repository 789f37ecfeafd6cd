"""Index: label representations, and the trees they are grouped into."""
