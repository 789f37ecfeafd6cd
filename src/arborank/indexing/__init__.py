"""Index: label representations, and the trees they are grouped into."""

from .hybrid import hybrid_tree
from .kmeans import balanced_kmeans, n_halvings
from .mustlink import mustlink_tree
from .representation import pifa, pifa_with_features, pii
from .tree import LabelTree
from .trie import trie_tree

__all__ = [
    "LabelTree",
    "balanced_kmeans",
    "hybrid_tree",
    "mustlink_tree",
    "n_halvings",
    "pifa",
    "pifa_with_features",
    "pii",
    "trie_tree",
]
