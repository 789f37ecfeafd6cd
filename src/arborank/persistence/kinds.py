"""The classes that may be in a saved model. Names found in a file are looked up here, and only here."""

import importlib
from typing import Any

__all__ = ["KINDS", "class_of"]

# class: module
KINDS: dict[str, str] = {
    "Ensemble": "arborank.models",
    "LabelTree": "arborank.indexing.tree",
    "LayerWeights": "arborank.ranking.weights",
    "NgramTfidf": "arborank.features",
    "StringTable": "arborank.strings",
    "TextFeatures": "arborank.features",
    "TextRanker": "arborank.text",
    "XRLinear": "arborank.models",
}


def class_of(kind: str) -> Any:  # noqa: ANN401
    """Import a class by its name in ``KINDS``."""
    return getattr(importlib.import_module(KINDS[kind]), kind)
