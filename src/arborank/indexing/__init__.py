"""Index: label representations, and the trees they are grouped into."""

from .kmeans import balanced_kmeans, n_halvings
from .overlap import home_leaves, overlapping_tree, place_labels
from .representation import pifa, pifa_compact, pifa_with_features, pii
from .tree import LabelTree

__all__ = [
    "LabelTree",
    "balanced_kmeans",
    "home_leaves",
    "n_halvings",
    "overlapping_tree",
    "pifa",
    "pifa_compact",
    "pifa_with_features",
    "pii",
    "place_labels",
]
