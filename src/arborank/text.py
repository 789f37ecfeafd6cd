"""TextRanker: text in, label names out."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from .features import TextFeatures
from .models import XRLinear
from .persistence import SaveMixin
from .sparse import Csr, as_csr
from .state import State
from .strings import StringTable

__all__ = ["TextRanker"]

Labels = Sequence[Iterable[str] | str]


class TextRanker(SaveMixin, BaseEstimator):
    """Features, model and label names in one object.

    Parameters
    ----------
    features : NgramTfidf or TextFeatures, optional
        Turns texts into sparse rows; by default `TextFeatures` with its defaults, or nothing for a model that
        reads texts itself.
    model : XRLinear or any estimator with ``fit(X, Y)`` and ``predict_topk(X, k)``, optional
        By default `XRLinear` with its defaults.
    n_jobs : int, optional
        When given, it is set on the stages that have it; -1 for every core.
    verbose : int, default=0
        When 1, the stages show progress bars.

    Attributes
    ----------
    features_, model_ : the fitted stages
    labels_ : StringTable
        Label names; position ``i`` names label id ``i``.

    Examples
    --------
    >>> from arborank import NgramTfidf, TextRanker
    >>> texts = ["red fruit", "yellow fruit", "fast car", "old car"]
    >>> labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]]
    >>> ranker = TextRanker(features=NgramTfidf()).fit(texts, labels)
    >>> [name for name, score in ranker.rank("a yellow fruit", k=1)]
    ['banana']
    """

    def __init__(
        self, features: Any = None, model: Any = None, *, n_jobs: int | None = None, verbose: int = 0
    ) -> None:
        self.features = features
        self.model = model
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        texts: Sequence[str],
        labels: Labels,
        *,
        label_texts: Mapping[str, str] | None = None,
        work_dir: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn features, label tree and rankers.

        Parameters
        ----------
        texts : sequence of str, length n_instances
        labels : sequence of length n_instances
            The label names of every text: a list or set of str, or one str for a single label.
        label_texts : mapping from label name to a text about it, optional
            Represents labels in the tree, for a model with ``representation`` ``"pifa-concat"`` or ``"pifa-convex"``.
            Labels without an entry are represented by their instances only.
        work_dir : path, optional
            Where the training keeps what it has done, and goes on after an interruption; see `XRLinear.fit`.

        Raises
        ------
        TypeError
            If a text or a label name is not a str.
        ValueError
            If the lengths differ, or there is no label at all.
        """
        texts = texts if isinstance(texts, Sequence) else list(texts)
        rows = _label_rows(labels)
        if len(texts) != len(rows):
            raise ValueError(f"texts has {len(texts)} entries but labels has {len(rows)}; they go in pairs")
        names = sorted({name for row in rows for name in row})
        if not names:
            raise ValueError("labels holds no label name at all; at least one is needed")
        if label_texts is not None and not isinstance(label_texts, Mapping):
            raise TypeError(f"label_texts must map names to texts, found {type(label_texts).__name__}")
        table = StringTable(names)
        model = clone(self.model) if self.model is not None else XRLinear()
        default = getattr(model, "text_features", TextFeatures)
        features = clone(self.features) if self.features is not None else default()
        for stage in (features, model):
            _pass_on(stage, n_jobs=self.n_jobs, verbose=self.verbose or None)
        X = features.fit_encode(texts)
        about: dict[str, Any] = {} if work_dir is None else {"work_dir": work_dir}
        if label_texts is not None:
            about["label_features"] = features.encode([label_texts.get(name, "") for name in names])
        model.fit(X, _encode(rows, table, "error"), **about)
        # together, and last: a fit that fails leaves the ranker as it was
        self.features_, self.model_, self.labels_ = features, model, table
        return self

    def rank(self, text: str, k: int = 10, **options: Any) -> list[tuple[str, float]]:
        """Return the best labels of one text as ``(name, score)`` pairs, best first; at most ``k``.

        ``options`` are those of `rank_batch`.
        """
        if not isinstance(text, str):
            raise TypeError(
                f"text must be a str, found {type(text).__name__}; for several texts use rank_batch"
            )
        return self.rank_batch([text], k, **options)[0]

    def rank_batch(self, texts: Sequence[str], k: int = 10, **options: Any) -> list[list[tuple[str, float]]]:
        """Return `rank` for every text.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        **options
            As for `predict_topk`.
        """
        self._check_fitted()
        names = self.labels_
        if isinstance(k, Integral):  # lists are not padded
            k = min(k, len(names))
        ids, scores = self.predict_topk(texts, k, **options)
        return [
            [(names[label], score) for label, score in zip(row, row_scores, strict=True) if label >= 0]
            for row, row_scores in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def predict_topk(
        self,
        texts: Sequence[str],
        k: int = 10,
        *,
        candidates: Labels | None = None,
        exclude: Labels | None = None,
        **options: Any,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return label ids and scores, both of shape (n_texts, k); see `XRLinear.predict_topk`.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        candidates, exclude : label names for all texts (list of str), or a list of such lists, one a text; optional
            Labels that may be, or may not be, returned.
        **options
            Further options of the model's ``predict_topk``, such as ``beam_size``.
        """
        self._check_fitted()
        if candidates is not None:
            options["candidates"] = self._filter(candidates, "candidates")
        if exclude is not None:
            options["exclude"] = self._filter(exclude, "exclude")
        result: tuple[NDArray[np.int64], NDArray[np.float32]] = self.model_.predict_topk(
            self.features_.encode(texts), k, **options
        )
        return result

    def encode_labels(self, labels: Labels, unknown: Literal["error", "ignore", "extend"] = "error") -> Csr:
        """Return the indicator matrix of label names, of shape (n_instances, n_labels).

        Parameters
        ----------
        labels : sequence of label-name lists, or of single names
        unknown : {"error", "ignore", "extend"}, default="error"
            What a name that the model does not know becomes: a `ValueError`, nothing, or a further column. ``"extend"``
            suits evaluation: a label that cannot be predicted still counts as missed.
        """
        self._check_fitted()
        if unknown not in ("error", "ignore", "extend"):
            raise ValueError(f"unknown is {unknown!r}; expected 'error', 'ignore' or 'extend'")
        return _encode(_label_rows(labels), self.labels_, unknown)

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):  # check_is_fitted alone costs as much as a query
            check_is_fitted(self, "model_")

    def _filter(self, names: Labels, argument: str) -> list[int] | list[list[int]]:
        def label_id(name: str) -> int:
            label = self.labels_.find(name)
            if label is None:
                raise ValueError(f"{argument} holds {name!r}, which is not a label of this model")
            return label

        if isinstance(names, str) or not isinstance(names, Iterable):
            raise TypeError(f"{argument} must be a list of label names, or one a text; found {names!r}")
        rows = list(names)
        if all(isinstance(name, str) for name in rows):
            return [label_id(str(name)) for name in rows]
        return [[label_id(name) for name in row] for row in _label_rows(rows, argument)]

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted ranker apart for saving."""
        check_is_fitted(self, "model_")
        return State({}, {}, {"features": self.features_, "model": self.model_, "labels": self.labels_})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved ranker together again."""
        ranker = cls(features=state.parts["features"], model=state.parts["model"])
        ranker.features_ = state.parts["features"]
        ranker.model_ = state.parts["model"]
        ranker.labels_ = state.parts["labels"]
        return ranker


def _pass_on(stage: BaseEstimator, **settings: Any) -> None:
    """Set those parameters that the stage has and that are given here."""
    known = stage.get_params(deep=False)
    stage.set_params(
        **{name: value for name, value in settings.items() if name in known and value is not None}
    )


def _label_rows(labels: Labels, argument: str = "labels") -> list[list[str]]:
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise TypeError(f"{argument} must be a sequence with one entry a text, found {labels!r}")
    rows = []
    for number, row in enumerate(labels):
        if not isinstance(row, Iterable):
            raise TypeError(f"{argument} of row {number} are {row!r}; a list of label names was expected")
        names = [row] if isinstance(row, str) else list(dict.fromkeys(row))
        for name in names:
            if not isinstance(name, str):
                raise TypeError(
                    f"{argument} of row {number} hold {name!r}; label names are str (ids go to XRLinear)"
                )
        rows.append(names)
    return rows


def _encode(rows: list[list[str]], table: StringTable, unknown: str) -> Csr:
    extra: dict[str, int] = {}
    indptr, ids = [0], []
    for number, row in enumerate(rows):
        for name in row:
            label = table.find(name)
            if label is None and unknown == "error":
                raise ValueError(f"labels of row {number} hold {name!r}, which the model does not know")
            if label is None and unknown == "extend":
                label = len(table) + extra.setdefault(name, len(extra))
            if label is not None:
                ids.append(label)
        indptr.append(len(ids))
    shape = (len(rows), len(table) + len(extra))
    return as_csr(sp.csr_array((np.ones(len(ids), np.float32), ids, indptr), shape=shape), "labels")
