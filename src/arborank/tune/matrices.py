"""Features and labels as matrices, as the task of a search."""

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.types import Json, JsonMapping, Targets
from ..hybrid import HybridRanker
from ..linear import XRLinear
from ..linear.defaults import chosen
from ..storage.runs import fingerprint
from .sampling import Sample
from .setting import Setting, make_setting, with_threads
from .tasks import Fit

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["MatrixLesson", "MatrixTask", "Pair"]


class Pair(NamedTuple):
    """Features and labels of some rows."""

    X: "csr_array"
    Y: "csr_array"

    def take(self, rows: NDArray[np.bool_]) -> "Pair":
        """Return some of the rows."""
        places = np.flatnonzero(rows)
        return Pair(self.X[places], self.Y[places])

    def of_labels(self, labels: NDArray[np.bool_]) -> "Pair":
        """Return the rows that have some of the labels, and the columns of these."""
        Y = sp.csr_array(self.Y[:, np.flatnonzero(labels)])
        return Pair(self.X, Y).take(np.diff(Y.indptr) > 0)


class MatrixTask:
    """Features and labels; the parameters are those of `arborank.tune.texts.TextTask`, for an `XRLinear`.

    ``targets`` are the labels as the user gave them; ``of_classes``, whether these are classes.
    """

    def __init__(
        self,
        base: XRLinear,
        data: Pair,
        valid: Pair | None,
        n_jobs: int | None,
        targets: Targets,
        *,
        of_classes: bool = False,
    ) -> None:
        self.merges = not of_classes
        self._base, self._data, self._n_jobs, self._targets = base, data, n_jobs, targets
        self._train, self._valid, self.n_held = data, valid, 0

    @property
    def Y(self) -> "csr_array":
        """Labels of the rows to learn from."""
        return self._train.Y

    def hold_out(self, held: NDArray[np.bool_]) -> None:
        """Compare settings on some of the rows, and learn from the others."""
        self._train, self._valid = self._data.take(~held), self._data.take(held)
        self.n_held = int(held.sum())

    def lesson(self, sample: Sample) -> "MatrixLesson":
        """Return what settings are tried on."""
        assert self._valid is not None
        train, valid = self._train.take(sample.rows), self._valid
        if not sample.labels.all():
            train, valid = train.of_labels(sample.labels), valid.of_labels(sample.labels)
        return MatrixLesson(self, train, valid)

    def setting(self, params: JsonMapping) -> Setting:
        """Return the estimators that these values stand for."""
        return make_setting(Setting(None, self._base), params)

    def fit_all(self, setting: Setting) -> XRLinear | HybridRanker:
        """Train on everything."""
        return self._trained(setting, self._data.X, self._targets)

    def _trained(self, setting: Setting, X: "csr_array", Y: Targets) -> XRLinear | HybridRanker:
        return with_threads(setting.model, self._n_jobs).fit(X, Y)

    def fit(self, lesson: "MatrixLesson", params: JsonMapping) -> Fit:
        """Train on a lesson."""
        start = perf_counter()
        model = self._trained(self.setting(params), *lesson.train)
        seconds = perf_counter() - start
        X = lesson.valid.X
        queries = [X[row : row + 1] for row in range(X.shape[0])]
        found = chosen(model) if isinstance(model, XRLinear) else {}
        return Fit(model, seconds, found, lesson.n_rows, queries, lesson.valid.Y, model, X)

    def fingerprint(self) -> Json:
        """Return what the data are recognised by."""
        arrays = [getattr(M, name) for M in self._data for name in ("indptr", "indices", "data")]
        return fingerprint(*arrays, rows=self._data.X.shape[0], labels=self._data.Y.shape[1])


@dataclass(frozen=True)
class MatrixLesson:
    """A sample of matrices."""

    task: MatrixTask
    train: Pair
    valid: Pair

    @property
    def n_rows(self) -> int:
        """Rows to learn from."""
        return int(self.train.X.shape[0])

    @property
    def n_labels(self) -> int:
        """Labels to learn."""
        return int(self.train.Y.shape[1])

    def fit(self, params: JsonMapping) -> Fit:
        """Train with the values of the axes."""
        return self.task.fit(self, params)
