"""Text to sparse rows: n-gram TF-IDF and unions of it."""

from .tfidf import NgramTfidf
from .union import TextFeatures

__all__ = ["NgramTfidf", "TextFeatures"]
