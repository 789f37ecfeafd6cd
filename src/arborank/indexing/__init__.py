"""Index: label representations, and the trees they are grouped into."""

from .forest import join_trees
from .hybrid import hybrid_tree
from .kmeans import balanced_kmeans
from .mustlink import mustlink_tree
from .overlap import home_leaves, overlapping_tree, place_labels
from .representation import pifa, pifa_compact, pifa_with_features, pii
from .sampling import n_halvings
from .spectral import graph_spectral, spectral
from .tree import LabelTree
from .trie import trie_tree

__all__ = [
    "LabelTree",
    "balanced_kmeans",
    "graph_spectral",
    "home_leaves",
    "hybrid_tree",
    "join_trees",
    "mustlink_tree",
    "n_halvings",
    "overlapping_tree",
    "pifa",
    "pifa_compact",
    "pifa_with_features",
    "pii",
    "place_labels",
    "spectral",
    "trie_tree",
]
