"""Match: from an input down the tree to its best clusters and labels."""

from .beam import BeamSearch, LabelFilter
from .combine import COMBINATIONS, combination

__all__ = ["COMBINATIONS", "BeamSearch", "LabelFilter", "combination"]
