"""A label tree and three other sources of candidates, merged by a small model that was learned on held-out rows."""

from .ranker import HybridRanker

__all__ = ["HybridRanker"]
