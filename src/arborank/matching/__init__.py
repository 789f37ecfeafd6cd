"""Match: from an input down the tree to its best clusters and labels."""
