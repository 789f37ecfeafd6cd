"""Index: label representations, and the trees they are grouped into."""

from .kmeans import balanced_kmeans, n_halvings
from .representation import pifa, pifa_compact, pifa_with_features, pii
from .tree import LabelTree

__all__ = ["LabelTree", "balanced_kmeans", "n_halvings", "pifa", "pifa_compact", "pifa_with_features", "pii"]
