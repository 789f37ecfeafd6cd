"""The estimators that users fit."""

from .disentangle import disentangle
from .ensemble import Ensemble
from .linear_stages import KMeansIndexer, LinearMatcher, LinearRanker
from .neighbourhood import NeighbourhoodRanker
from .staged import StagedRanker
from .xrlinear import XRLinear

__all__ = [
    "Ensemble",
    "KMeansIndexer",
    "LinearMatcher",
    "LinearRanker",
    "NeighbourhoodRanker",
    "StagedRanker",
    "XRLinear",
    "disentangle",
]
