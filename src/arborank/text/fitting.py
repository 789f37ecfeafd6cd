"""Fitting features, label names and model to texts with label names."""

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import ArgumentError
from ..core.label_lists import weighted_rows
from ..core.lazy import sp
from ..core.sequences import text_list
from ..core.sparse import Csr, to_scipy
from ..core.strings import StringTable
from ..core.types import FilePath, LabelModel, Relevance, WeightedLabels
from ..features.base import TextTransformer, fit_rows, rows_of
from ..indexing.representing import uses_label_features
from .names import check_label_texts, encode_names

__all__ = [
    "Fitted",
    "LabelModel",
    "check_stage",
    "fit_texts",
    "label_features",
    "learn_unseen",
    "others",
    "paired_rows",
]


class Fitted(NamedTuple):
    """A model whose labels have names, and the features that it takes."""

    features: TextTransformer
    model: Any
    labels: StringTable
    normalization: str | None


def fit_texts(
    features: TextTransformer,
    model: LabelModel,
    texts: Sequence[str],
    labels: WeightedLabels,
    *,
    normalization: str | None,
    relevance: Relevance | None = None,
    label_texts: Mapping[str, str] | None = None,
    cold_start: bool = False,
    work_dir: FilePath | None = None,
) -> Fitted:
    """Fit features and model; parameters and errors are those of `TextRanker.fit`."""
    rows, weights = weighted_rows(labels, relevance, normalization)
    texts, rows = paired_rows(texts, rows)
    about = check_label_texts(label_texts, normalization)
    names = sorted({name for row in rows for name in row})
    if not names:
        raise ValueError("labels holds no label name at all; at least one is needed")
    table = _table(names)
    seen, unseen = _split(about, names, cold_start)
    more = _extras(model, work_dir, weights, label_texts is not None and not cold_start, unseen)
    rows += [[name] for name in seen]
    X = fit_rows(features, [*texts, *seen.values(), *unseen.values()])
    if weights is not None:
        weights += [[1.0] for _ in seen]
        more["relevance"] = encode_names(rows, table, "error", weights)
    more |= label_features(features, model, names, about, cold_start)
    # X may be no matrix, for a model that reads texts
    model.fit(_first(X, len(rows)) if unseen else X, encode_names(rows, table, "error"), **more)
    fitted = Fitted(features, model, table, normalization)
    if unseen:
        fitted = learn_unseen(fitted, list(unseen), about, _first(X, len(texts)), rows[: len(texts)])
    return fitted


def paired_rows(texts: Iterable[str], rows: list[list[str]]) -> tuple[Sequence[str], list[list[str]]]:
    """Return texts as a list, with the labels of each; ``ValueError`` if their numbers differ."""
    texts = text_list(texts)
    if len(texts) != len(rows):
        raise ValueError(f"texts has {len(texts)} entries but labels has {len(rows)}; they go in pairs")
    return texts, rows


def check_stage(name: str, stage: object, *methods: str) -> None:
    """Raise ``TypeError`` unless an object has some methods."""
    missing = [method for method in methods if not hasattr(stage, method)]
    if missing:
        raise TypeError(
            f"{name} must be an estimator with {' and '.join(methods)}; {type(stage).__name__} has no {missing[0]}"
        )


def label_features(
    features: TextTransformer,
    model: LabelModel,
    names: Iterable[str],
    about: Mapping[str, str],
    optional: bool,
) -> dict[str, Csr]:
    """Return the keyword ``label_features`` of a model's ``fit``, if there are texts about labels.

    ``optional`` texts have another use, and are not given to a model that does not represent labels by them.
    """
    if not about or (optional and not uses_label_features(getattr(model, "representation", None))):
        return {}
    return {"label_features": rows_of(features, [about.get(name, "") for name in names])}


def learn_unseen(
    fitted: Fitted,
    names: Sequence[str],
    about: Mapping[str, str],
    X: Csr,
    rows: list[list[str]],
    weight: float | None = None,
) -> Fitted:
    """Rank labels by a text about each: `XRLinear.learn_unseen_labels` by name.

    Parameters
    ----------
    names : sequence of str
        The labels in question; those that are not known are numbered after the others, in this order.
    about : mapping from label name to text
        Of these, and of other labels that are known.
    X, rows
        Instances, and all their label names.
    weight : float, optional
    """
    known = fitted.labels
    new = [name for name in names if name not in known]
    labels = known.extended(StringTable(new)) if new else known
    described = [name for name in about if name in known and name not in set(names)]
    encoded = to_scipy(rows_of(fitted.features, [about[name] for name in described]))
    places = known.find_each(described), np.arange(len(described))
    scatter = sp.csr_array((np.ones(len(described), np.float32), places), (len(known), len(described)))
    model = fitted.model.learn_unseen_labels(
        labels.find_each(names),
        rows_of(fitted.features, [about[name] for name in names]),
        X,
        encode_names(rows, known, "ignore"),
        known_texts=scatter @ encoded,
        weight=weight,
    )
    return fitted._replace(model=model, labels=labels)


def others(names: Sequence[str]) -> str:
    """Return how many names there are beside the first, for an error message."""
    return f" and {len(names) - 1} more labels" if len(names) > 1 else ""


def _split(
    about: Mapping[str, str], names: Sequence[str], cold_start: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts to learn from: about the labels ``names``, which have instances, and about others, by name.

    Without ``cold_start`` there are none to learn from, and others are an error: they would have no effect.
    """
    known = set(names)
    unknown = sorted(set(about).difference(known))
    if not cold_start:
        if unknown:
            raise ArgumentError(
                "label_texts",
                f"is about {unknown[0]!r}{others(unknown)}, which no text has as a label",
                ({"cold_start": True}, "for labels that are ranked by these texts"),
            )
        return {}, {}
    if not about:
        raise ArgumentError("cold_start", "needs label_texts, which is not given or empty")
    seen = {name: text for name, text in about.items() if name in known}
    return seen, {name: about[name] for name in unknown}


def _extras(
    model: LabelModel,
    work_dir: FilePath | None,
    weights: list[list[float]] | None,
    represent: bool,
    unseen: Mapping[str, str],
) -> dict[str, Any]:
    """Return keywords for a model's ``fit``, or raise if it has no use for something that is given."""
    if work_dir is not None:
        _check_taken(model, "work_dir", "work_dir")
    if weights is not None:
        _check_taken(model, "relevance", "a relevance of labels")
    if represent:
        _check_taken(model, "label_features", "label_texts")
        kind = getattr(model, "representation", None)
        if isinstance(kind, str) and not uses_label_features(kind):
            raise ArgumentError(
                "label_texts",
                f"is given, but representation {kind!r} does not use it",
                ({"cold_start": True}, "for labels that are ranked by these texts"),
            )
    if unseen and not hasattr(model, "learn_unseen_labels"):
        raise TypeError(
            f"{type(model).__name__} has no learn_unseen_labels, which the {len(unseen)} labels without an "
            "instance need"
        )
    return {} if work_dir is None else {"work_dir": work_dir}


def _check_taken(model: LabelModel, keyword: str, argument: str) -> None:
    """Refuse an argument for which the model's ``fit`` has no keyword."""
    known = signature(model.fit).parameters
    if keyword not in known and not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        raise TypeError(f"{argument} is given, but {type(model).__name__} has no use for it")


def _first(X: Csr, n_rows: int) -> Csr:
    """Return the first rows of a matrix, without a copy of their values."""
    end = X.indptr[n_rows]
    return Csr(X.indptr[: n_rows + 1], X.indices[:end], X.data[:end], X.shape[1])


def _table(names: list[str]) -> StringTable:
    try:
        return StringTable(names)
    except ValueError as error:
        raise ValueError(f"labels hold a name that cannot be stored: {error}") from None
