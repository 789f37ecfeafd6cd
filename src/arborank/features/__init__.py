"""Text to sparse rows: n-gram TF-IDF, prefixes by position, and unions of these."""

from typing import Final

from .fields import MultiFieldFeatures
from .part import TfidfPart
from .prefix import PrefixTfidf
from .reading import register
from .tfidf import NgramTfidf
from .tokens import TokenModel
from .union import TextFeatures

__all__ = [
    "PARTS",
    "MultiFieldFeatures",
    "NgramTfidf",
    "PrefixTfidf",
    "TextFeatures",
    "TokenModel",
    "register",
]

PARTS: Final[dict[str, type[TfidfPart]]] = {"NgramTfidf": NgramTfidf, "PrefixTfidf": PrefixTfidf}
"""What `TextFeatures` may consist of, by the names that configuration files use."""
