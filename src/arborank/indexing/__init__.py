"""Index: label representations, and the trees they are grouped into."""

from .kmeans import balanced_kmeans, n_halvings
from .overlap import home_leaves, overlapping_tree, place_labels
from .representation import pifa, pifa_with_features, pii
from .spectral import graph_spectral, spectral
from .tree import LabelTree

__all__ = [
    "LabelTree",
    "balanced_kmeans",
    "graph_spectral",
    "home_leaves",
    "n_halvings",
    "overlapping_tree",
    "pifa",
    "pifa_with_features",
    "pii",
    "place_labels",
    "spectral",
]
