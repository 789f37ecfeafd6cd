"""Text in, label names out."""

from .ranker import TextRanker

__all__ = ["TextRanker"]
