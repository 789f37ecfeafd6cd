"""Texts with label names as the task of a search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import clone, fitted_clone, pass_on
from ..core.sparse import to_scipy
from ..core.strings import StringTable
from ..core.types import Json, JsonMapping
from ..datasets import TextData
from ..features import TextFeatures
from ..linear import XRLinear
from ..linear.defaults import chosen as chosen_by_data
from ..storage.runs import fingerprint
from ..text import TextRanker
from ..text.names import encode_names
from .remembering import Memory
from .sampling import Sample
from .setting import Setting, make_setting, with_threads
from .space import of_features
from .tasks import Fit

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["TextLesson", "TextTask"]

T = TypeVar("T")


class TextTask:
    """Texts with label names.

    Parameters
    ----------
    base : TextRanker
        With the defaults; its model is None or an `XRLinear`.
    data : TextData
        Labels spelt alike, and distinct in every row.
    valid : TextData or None
        What settings are compared on, if that is no part of ``data``.
    n_jobs : int or None
    """

    def __init__(self, base: TextRanker, data: TextData, valid: TextData | None, n_jobs: int | None) -> None:
        self._base, self._data, self._n_jobs = base, data, n_jobs
        self.names = StringTable(sorted({name for row in data.labels for name in row}))
        self._train, self._valid, self.n_held = data, valid, 0
        self.Y = self._encoded(data)
        self._memory = Memory()
        self.merges = True

    def _encoded(self, data: TextData) -> "csr_array":
        return to_scipy(encode_names(data.labels, self.names, "ignore"))

    def hold_out(self, held: NDArray[np.bool_]) -> None:
        """Compare settings on some of the rows, and learn from the others."""
        self._train, self._valid = self._data.take(~held), self._data.take(held)
        self.Y, self.n_held = self._encoded(self._train), int(held.sum())

    def lesson(self, sample: Sample) -> "TextLesson":
        """Return what settings are tried on."""
        assert self._valid is not None
        if sample.rows.all() and sample.labels.all():
            return TextLesson(self, self._train, self._valid, sample.labels.size)
        kept = set(self.names.take(np.flatnonzero(sample.labels).tolist()))
        train, valid = self._train.take(sample.rows), self._valid
        return TextLesson(self, _restricted(train, kept), _restricted(valid, kept), len(kept))

    def setting(self, params: JsonMapping) -> Setting:
        """Return the estimators that these values stand for."""
        model = self._base.model if isinstance(self._base.model, XRLinear) else XRLinear()
        base = Setting(self._base.features, model, self._base.label_names)
        return make_setting(base, params)

    def fit_all(self, setting: Setting) -> TextRanker:
        """Train on everything."""
        data = self._data
        return self._ranker(setting).fit(data.texts, data.labels, **_weights(data))

    def _ranker(self, setting: Setting) -> TextRanker:
        with_threads(setting.model, self._n_jobs)
        return clone(self._base).set_params(**vars(setting), n_jobs=self._n_jobs)

    def fit(self, lesson: "TextLesson", params: JsonMapping) -> Fit:
        """Train on a lesson; features that another training has fitted are shared."""
        setting, data = self.setting(params), lesson.train
        features = TextFeatures() if setting.features is None else setting.features
        pass_on(features, n_jobs=self._n_jobs)
        key = lesson.n_rows, lesson.n_labels, of_features(params)
        remembered = self._memory.of(key, features)
        start = perf_counter()
        asked = self._ranker(replace(setting, features=remembered))
        asked.fit(data.texts, data.labels, **_weights(data))
        seconds = perf_counter() - start
        if not remembered.is_fresh:  # what another training has fitted counts for this one, too
            seconds += remembered.seconds
        ranker = fitted_clone(asked, features_=remembered.fitted)
        truth = ranker.encode_labels(lesson.valid.labels, "extend")
        queries = [[text] for text in lesson.valid.texts]
        found = {} if setting.label_names != "auto" else {"label_names": ranker.label_names_}
        chosen = chosen_by_data(ranker.model_) if isinstance(ranker.model_, XRLinear) else {}
        return Fit(ranker, seconds, chosen | found, lesson.n_rows, queries, truth, asked, lesson.valid.texts)

    def fingerprint(self) -> Json:
        """Return what the data are recognised by."""
        texts, labels = self._data.texts, self._data.labels
        weights = np.array([weight for row in self._data.relevance or () for weight in row], np.float64)
        rows = ["\x1f".join(row) for row in labels]
        counts = np.array(self._data.sample_weight or (), np.float64)
        return fingerprint(*texts, *rows, weights, counts, rows=len(texts), labels=len(self.names))


def _weights(data: TextData) -> dict[str, Any]:
    return {"relevance": data.relevance, "sample_weight": data.sample_weight}


def _restricted(data: TextData, kept: set[str]) -> TextData:
    """Return the rows that have some of the labels, without the others."""
    data = data.take(np.array([not kept.isdisjoint(row) for row in data.labels], np.bool_))
    places = [[place for place, name in enumerate(row) if name in kept] for row in data.labels]
    relevance = None if data.relevance is None else _taken(data.relevance, places)
    return TextData(data.texts, _taken(data.labels, places), relevance, sample_weight=data.sample_weight)


def _taken(rows: Sequence[Sequence[T]], places: Sequence[Sequence[int]]) -> list[list[T]]:
    return [[row[place] for place in some] for row, some in zip(rows, places, strict=True)]


@dataclass(frozen=True)
class TextLesson:
    """A sample of texts."""

    task: TextTask
    train: TextData
    valid: TextData
    n_labels: int

    @property
    def n_rows(self) -> int:
        """Rows to learn from."""
        return len(self.train)

    def fit(self, params: JsonMapping) -> Fit:
        """Train with the values of the axes."""
        return self.task.fit(self, params)
