"""Index, match and rank as three exchangeable stages: their protocols, and the estimator that puts them together."""

from .linear import KMeansIndexer, LinearMatcher, LinearRanker
from .protocols import Indexer, Matcher, Ranker
from .ranker import StagedRanker

__all__ = ["Indexer", "KMeansIndexer", "LinearMatcher", "LinearRanker", "Matcher", "Ranker", "StagedRanker"]
