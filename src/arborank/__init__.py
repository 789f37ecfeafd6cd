"""Arborank: extreme multi-label ranking, from raw text to ranked label names.

Names are imported when first used, so that ``import arborank`` stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .autocomplete import Autocompleter
    from .features import NgramTfidf, PrefixTfidf, TextFeatures
    from .hybrid import HybridRanker
    from .indexing import LabelTree, balanced_kmeans
    from .linear import Ensemble, XRLinear
    from .linear.disentangling import disentangle
    from .stages import StagedRanker
    from .storage import load
    from .text import TextRanker
    from .transformer import XRTransformer, XTransformer

__version__ = "0.1.0"

_HOMES = {
    "Autocompleter": ".autocomplete",
    "Ensemble": ".linear",
    "HybridRanker": ".hybrid",
    "LabelTree": ".indexing",
    "NgramTfidf": ".features",
    "PrefixTfidf": ".features",
    "StagedRanker": ".stages",
    "TextFeatures": ".features",
    "TextRanker": ".text",
    "XRLinear": ".linear",
    "XRTransformer": ".transformer",
    "XTransformer": ".transformer",
    "balanced_kmeans": ".indexing",
    "disentangle": ".linear",
    "load": ".storage",
}

__all__ = [
    "Autocompleter",
    "Ensemble",
    "HybridRanker",
    "LabelTree",
    "NgramTfidf",
    "PrefixTfidf",
    "StagedRanker",
    "TextFeatures",
    "TextRanker",
    "XRLinear",
    "XRTransformer",
    "XTransformer",
    "balanced_kmeans",
    "disentangle",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
