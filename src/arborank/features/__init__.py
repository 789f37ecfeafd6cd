"""Text to sparse rows: n-gram TF-IDF, prefixes by position, and unions of these."""

from .prefix import PrefixTfidf
from .tfidf import NgramTfidf
from .union import TextFeatures

__all__ = ["NgramTfidf", "PrefixTfidf", "TextFeatures"]
