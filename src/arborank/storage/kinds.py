"""The classes that may be in a saved model. Names found in a file are looked up here, and only here."""

import importlib

from ..core.state import Savable

__all__ = ["KINDS", "class_of"]

KINDS: dict[str, str] = {
    "Abstain": "arborank.decisions.abstaining",
    "AgedCounts": "arborank.autocomplete.aged",
    "Answers": "arborank.calibration.answers",
    "Autocompleter": "arborank.autocomplete.completer",
    "BatchTopK": "arborank.decisions.batch",
    "Blend": "arborank.autocomplete.blend",
    "Calibration": "arborank.calibration.calibration",
    "Catalogue": "arborank.autocomplete.catalogue",
    "Centroids": "arborank.linear.centroids",
    "ContextRows": "arborank.autocomplete.rows",
    "Encoder": "arborank.transformer.encoders.encoder",
    "Ensemble": "arborank.linear.ensemble",
    "ExpectedF1": "arborank.decisions.expected_f1",
    "FittedTree": "arborank.linear.fitted",
    "FixedK": "arborank.decisions.fixed",
    "Followers": "arborank.autocomplete.followers",
    "ForeignVectorizer": "arborank.features.foreign",
    "HybridRanker": "arborank.hybrid.ranker",
    "LabelThresholds": "arborank.decisions.label_thresholds",
    "KeptRows": "arborank.linear.kept",
    "LabelTree": "arborank.indexing.tree",
    "LayerWeights": "arborank.ranking.weights",
    "MultiFieldFeatures": "arborank.features.fields",
    "NgramTfidf": "arborank.features.tfidf",
    "OwnRows": "arborank.autocomplete.own_rows",
    "PlainTexts": "arborank.transformer.plain",
    "PrecisionFloor": "arborank.decisions.thresholds",
    "PrefixTfidf": "arborank.features.prefix",
    "SharedWords": "arborank.autocomplete.words",
    "StringTable": "arborank.core.strings",
    "TextFeatures": "arborank.features.union",
    "TextRanker": "arborank.text.ranker",
    "Threshold": "arborank.decisions.thresholds",
    "TokenModel": "arborank.features.tokens",
    "WeightedTopK": "arborank.decisions.weighted",
    "XRLinear": "arborank.linear.xrlinear",
    "XRTransformer": "arborank.transformer.xrtransformer",
    "XTransformer": "arborank.transformer.xtransformer",
}


def class_of(kind: str) -> type[Savable]:
    """Import a class by its name in ``KINDS``."""
    found: type[Savable] = getattr(importlib.import_module(KINDS[kind]), kind)
    return found
