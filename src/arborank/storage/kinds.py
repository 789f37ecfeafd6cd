"""The classes that may be in a saved model. Names found in a file are looked up here, and only here."""

import importlib

from ..core.state import Savable

__all__ = ["KINDS", "class_of"]

KINDS: dict[str, str] = {
    "Autocompleter": "arborank.autocomplete.completer",
    "Calibration": "arborank.calibration.calibration",
    "Catalogue": "arborank.autocomplete.catalogue",
    "Centroids": "arborank.linear.centroids",
    "ContextRows": "arborank.autocomplete.rows",
    "Encoder": "arborank.transformer.encoders.encoder",
    "Ensemble": "arborank.linear.ensemble",
    "FittedTree": "arborank.linear.fitted",
    "Followers": "arborank.autocomplete.followers",
    "HybridRanker": "arborank.hybrid.ranker",
    "LabelTree": "arborank.indexing.tree",
    "LayerWeights": "arborank.ranking.weights",
    "NgramTfidf": "arborank.features.tfidf",
    "PlainTexts": "arborank.transformer.plain",
    "PrefixTfidf": "arborank.features.prefix",
    "StringTable": "arborank.core.strings",
    "TextFeatures": "arborank.features.union",
    "TextRanker": "arborank.text.ranker",
    "XRLinear": "arborank.linear.xrlinear",
    "XRTransformer": "arborank.transformer.xrtransformer",
    "XTransformer": "arborank.transformer.xtransformer",
}


def class_of(kind: str) -> type[Savable]:
    """Import a class by its name in ``KINDS``."""
    found: type[Savable] = getattr(importlib.import_module(KINDS[kind]), kind)
    return found
