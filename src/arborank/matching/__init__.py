"""Match: from an input down the tree to its best clusters and labels."""

from .beam import BeamSearch
from .combine import COMBINATIONS, combination

__all__ = ["COMBINATIONS", "BeamSearch", "combination"]
