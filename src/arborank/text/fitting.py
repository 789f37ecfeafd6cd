"""Fitting features, label names and model to texts with label names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import signature
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import check_sample_weight
from ..core.errors import ArgumentError
from ..core.label_lists import weighted_rows
from ..core.lazy import sp
from ..core.sequences import frame_rows, text_list
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.strings import StringTable
from ..core.types import FilePath, LabelModel, Relevance, WeightedLabels
from ..features.base import TextTransformer, fit_rows, reads_once, rows_of
from ..indexing.representing import uses_label_features
from .documents import documents_of, joined
from .names import LabelTexts, check_label_texts, encode_names
from .worth import names_help

__all__ = [
    "Fitted",
    "LabelModel",
    "check_stage",
    "fit_texts",
    "label_features",
    "labels_of_documents",
    "learn_unseen",
    "listed",
    "others",
    "reads_fields",
]


class Fitted(NamedTuple):
    """A model whose labels have names, the features that it takes, and whether it learns from names."""

    features: TextTransformer
    model: Any
    labels: StringTable
    normalization: str | None
    label_names: bool


def fit_texts(
    features: TextTransformer,
    model: LabelModel,
    texts: Iterable[str],
    labels: WeightedLabels,
    *,
    X: Csr | None = None,
    normalization: str | None,
    relevance: Relevance | None = None,
    sample_weight: ArrayLike | None = None,
    label_names: bool | Literal["auto"] = "auto",
    label_texts: LabelTexts | None = None,
    learn_label_texts: bool = True,
    work_dir: FilePath | None = None,
    n_jobs: int | None = None,
) -> Fitted:
    """Fit features and model; parameters and errors are those of `TextRanker` and its ``fit``.

    Without texts, ``X`` are their rows, made by features that are fitted.
    """
    rows, weights = weighted_rows(labels, relevance, normalization)
    texts, label_names = _readable(features, texts, X, len(rows), label_names)
    counts = check_sample_weight(sample_weight, len(rows))
    about = check_label_texts(label_texts, normalization)
    names = sorted({name for row in rows for name in row})
    if not names:
        raise ValueError("labels holds no label name at all; at least one is needed")
    unseen = sorted(set(about).difference(names))
    by_itself = learn_label_texts and takes_documents(model)
    if by_itself:
        names, unseen = sorted([*names, *unseen]), []
    table = _table(names)
    more = _extras(model, work_dir, weights, counts, about, learn_label_texts, unseen)
    Y = encode_names(rows, table, "error")
    if label_names == "auto":
        label_names = names_help(text_list(texts), Y, names, n_jobs=n_jobs)
    documents = documents_of([*names, *unseen], about if learn_label_texts else {}, label_names)
    seen = [] if by_itself else [(name, text) for name in names for text in documents[name]]
    whole = joined(documents)
    last = names if by_itself and any(whole.values()) else unseen
    further = [*(text for _, text in seen), *(whole[name] for name in last)]
    if X is None:
        X = fit_rows(features, texts, further, len(rows))
        if isinstance(X, Csr):
            _check_paired(X.shape[0] - len(further), len(rows))
    elif further:
        X = _stacked(X, rows_of(features, further), "X")
    n_rows = len(rows) + len(seen)
    marked = labels_of_documents([name for name, _ in seen], X, n_rows)
    if weights is not None:
        ones = [[1.0] * len(row) for row in marked]
        more["relevance"] = encode_names([*rows, *marked], table, "error", [*weights, *ones])
    more |= _with_documents(counts, len(seen))
    more |= label_features(features, model, names, whole if learn_label_texts else joined(about))
    if seen and knows_documents(model):
        more["n_documents"] = len(seen)
    # X may be no matrix, for a model that reads texts
    taught = encode_names(marked, table, "error")
    model.fit(_first(X, n_rows) if last else X, _stacked(Y, taught, "labels"), **more)
    fitted = Fitted(features, model, table, normalization, label_names)
    if unseen:
        fitted = learn_unseen(fitted, unseen, whole, _first(X, len(rows)), rows)
    return fitted


def _readable(
    features: TextTransformer,
    texts: Iterable[str],
    X: Csr | None,
    n_rows: int,
    label_names: bool | Literal["auto"],
) -> tuple[Iterable[str], bool | Literal["auto"]]:
    """Return texts as they can be read, in a list unless once is enough, and whether names are tried on them."""
    if X is not None:  # nothing could tell whether names help
        _check_paired(X.shape[0], n_rows, "X")
        return (), label_names is True
    if reads_fields(features):
        texts, label_names = listed(features, texts), label_names is True
    elif label_names == "auto" or not isinstance(texts, Iterator) or not reads_once(features):
        texts = text_list(texts)
    else:
        return texts, label_names
    _check_paired(len(texts), n_rows)
    return texts, label_names


def reads_fields(features: object) -> bool:
    """Whether a vectoriser takes instances of several fields in the place of texts."""
    return bool(getattr(features, "reads_fields", False))


def listed(features: object, texts: Iterable[str], n_rows: int | None = None) -> Sequence[str]:
    """Return texts as a list, or the instances of several fields that features read.

    Raises ``ValueError`` if there are not ``n_rows``, the number of their labels.
    """
    if reads_fields(features):
        rows = frame_rows(texts, "texts")
        texts = list(texts) if rows is None else rows
    else:
        texts = text_list(texts)
    if n_rows is not None:
        _check_paired(len(texts), n_rows)
    return texts


def _check_paired(n_texts: int, n_rows: int, name: str = "texts") -> None:
    if n_texts != n_rows:
        raise ValueError(f"{name} has {n_texts} entries but labels has {n_rows}; they go in pairs")


def check_stage(name: str, stage: object, *methods: str) -> None:
    """Raise ``TypeError`` unless an object has some methods."""
    missing = [method for method in methods if not hasattr(stage, method)]
    if missing:
        raise TypeError(
            f"{name} must be an estimator with {' and '.join(methods)}; {type(stage).__name__} has no {missing[0]}"
        )


def label_features(
    features: TextTransformer, model: LabelModel, names: Iterable[str], about: Mapping[str, str]
) -> dict[str, Csr]:
    """Return the keyword ``label_features`` of a model's ``fit``, if texts represent labels in it."""
    if not represents(model) or not any(about.values()):
        return {}
    return {"label_features": rows_of(features, [about.get(name, "") for name in names])}


def labels_of_documents(names: Sequence[str], X: object, end: int | None = None) -> list[list[str]]:
    """Return the labels of documents, the last rows of ``X`` before ``end``; none where a row is empty.

    A document without a word that the features know teaches nothing.
    """
    if not isinstance(X, Csr):
        return [[name] for name in names]
    filled = np.diff(X.indptr)[:end][-len(names) :] if names else ()
    return [[name] if full else [] for name, full in zip(names, filled, strict=True)]


def takes_documents(model: LabelModel) -> bool:
    """Whether a model makes use of the documents of labels itself, given as label features, as `HybridRanker` does."""
    return bool(getattr(model, "takes_documents", False))


def represents(model: LabelModel) -> bool:
    """Whether a model, or one of its members, represents labels by the label features given to ``fit``."""
    members = getattr(model, "models", None) or [model]
    return takes_documents(model) or any(
        uses_label_features(getattr(member, "representation", None)) for member in members
    )


def knows_documents(model: LabelModel) -> bool:
    """Whether a model, or each of its members, tells documents of labels from instances, as `XRLinear` does."""
    members = getattr(model, "models", None) or [model]
    return all("n_documents" in signature(member.fit).parameters for member in members)


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


def _extras(
    model: LabelModel,
    work_dir: FilePath | None,
    weights: list[list[float]] | None,
    counts: NDArray[np.float32] | None,
    about: Mapping[str, object],
    learn_label_texts: bool,
    unseen: Sequence[str],
) -> dict[str, Any]:
    """Return keywords for a model's ``fit``, or raise if it has no use for something that is given."""
    if work_dir is not None:
        _check_taken(model, "work_dir", "work_dir")
    if weights is not None:
        _check_taken(model, "relevance", "a relevance of labels")
    if counts is not None:
        _check_taken(model, "sample_weight", "sample_weight")
    if not learn_label_texts:
        _check_represents(model, about, unseen)
    if unseen and not hasattr(model, "learn_unseen_labels"):
        raise TypeError(
            f"{type(model).__name__} has no learn_unseen_labels, which the {len(unseen)} labels without an "
            "instance need"
        )
    return {} if work_dir is None else {"work_dir": work_dir}


def _with_documents(counts: NDArray[np.float32] | None, n_documents: int) -> dict[str, Any]:
    """Return the weights of texts, and of documents behind them, as a keyword for a model's ``fit``."""
    if counts is None:
        return {}
    return {"sample_weight": np.concatenate([counts, np.ones(n_documents, np.float32)])}


def _check_represents(model: LabelModel, about: Mapping[str, object], unseen: Sequence[str]) -> None:
    """Raise unless texts about labels that are not learned from have another use."""
    if not about:
        raise ArgumentError("learn_label_texts", "is False, but label_texts is not given or empty")
    problem = None
    if unseen:
        problem = f"is about {unseen[0]!r}{others(unseen)}, which no text has as a label"
    elif not represents(model):
        kind = getattr(model, "representation", None)
        problem = "has no use: " + (
            f"{type(model).__name__} does not represent labels by texts"
            if kind is None
            else f"representation {kind!r} is made without it"
        )
    if problem is not None:
        remedy = {"learn_label_texts": True}, "for labels that are learned from these texts"
        raise ArgumentError("label_texts", problem, remedy)


def _check_taken(model: LabelModel, keyword: str, argument: str) -> None:
    """Refuse an argument for which the model's ``fit`` has no keyword."""
    known = signature(model.fit).parameters
    if keyword not in known and not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        raise TypeError(f"{argument} is given, but {type(model).__name__} has no use for it")


def _stacked(above: Csr, below: Csr, name: str) -> Csr:
    return as_csr(sp.vstack([to_scipy(above), to_scipy(below)], format="csr"), name)


def _first(X: Csr, n_rows: int) -> Csr:
    """Return the first rows of a matrix, without a copy of their values."""
    end = X.indptr[n_rows]
    return Csr(X.indptr[: n_rows + 1], X.indices[:end], X.data[:end], X.shape[1])


def _table(names: list[str]) -> StringTable:
    try:
        return StringTable(names)
    except ValueError as error:
        raise ValueError(f"labels hold a name that cannot be stored: {error}") from None
