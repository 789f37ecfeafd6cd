"""Index: label representations, and the trees they are grouped into."""

from .kmeans import balanced_kmeans
from .representation import pifa, pifa_with_features, pii
from .tree import LabelTree

__all__ = ["LabelTree", "balanced_kmeans", "pifa", "pifa_with_features", "pii"]
