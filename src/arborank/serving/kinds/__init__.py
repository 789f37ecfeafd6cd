"""The kinds of models that are served, asked in the same words."""

from collections.abc import Callable
from typing import Any

from ...autocomplete import Autocompleter
from ...hybrid import HybridRanker
from ...linear import Ensemble, XRLinear
from ...text import TextRanker
from .base import Kind, Ranked
from .completions import Completions
from .rows import Rows
from .texts import Texts

__all__ = ["Completions", "Kind", "MakeKind", "Ranked", "Rows", "Texts", "kind_of"]

MakeKind = Callable[[object], Kind[Any]]
"""Makes of a model what is asked."""


def kind_of(model: object) -> Texts | Rows | Completions:
    """Return a model as the service asks it; ``TypeError`` if it is none that answers."""
    if isinstance(model, TextRanker):
        return Texts(model)
    if isinstance(model, Autocompleter):
        return Completions(model)
    if isinstance(model, XRLinear | Ensemble | HybridRanker):
        return Rows(model)
    hint = "; put it into a TextRanker" if hasattr(model, "predict_topk") else ""
    raise TypeError(f"a {type(model).__name__} cannot be served{hint}")
