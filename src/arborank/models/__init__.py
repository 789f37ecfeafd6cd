"""The estimators that users fit."""

from .disentangle import disentangle
from .ensemble import Ensemble
from .linear_stages import KMeansIndexer, LinearMatcher, LinearRanker
from .staged import StagedRanker
from .xrlinear import XRLinear

__all__ = [
    "Ensemble",
    "KMeansIndexer",
    "LinearMatcher",
    "LinearRanker",
    "StagedRanker",
    "XRLinear",
    "disentangle",
]
