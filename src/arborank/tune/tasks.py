"""What settings are tried on: all the data are a task, a sample of them is a lesson, a ranker trained on it a fit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import fitted_clone
from ..core.types import Json, JsonMapping
from ..hybrid import HybridRanker
from ..linear import XRLinear
from ..text import TextRanker
from .sampling import Sample
from .setting import Setting

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Fit", "Lesson", "Ranker", "Task"]

Ranker: TypeAlias = TextRanker | XRLinear | HybridRanker


@dataclass(frozen=True)
class Fit:
    """A trained ranker, and what it is asked.

    Attributes
    ----------
    ranker : TextRanker, XRLinear or HybridRanker
        As it would be saved.
    seconds : float
        Of the training, with that of features, were they fitted by it or before.
    chosen : dict
        What the data chose for parameters that are ``"auto"``.
    n_instances : int
        Rows that it learned from.
    queries : sequence
        The held-out rows, one by one: lists of a text, or matrices of a row.
    truth : csr_array of shape (n_queries, n_labels or more)
        Their labels; the columns behind those of the ranker are labels that it does not know.
    """

    ranker: Ranker
    seconds: float
    chosen: Json
    n_instances: int
    queries: Sequence[Any]
    truth: "csr_array"
    _asked: Ranker = field(repr=False)  # the same, with remembered rows
    _rows: Any = field(repr=False)

    def answers(self, k: int, search: JsonMapping) -> NDArray[np.int64]:
        """Return the ids of the best labels of every held-out row."""
        return self._asked.predict_topk(self._rows, k, **search)[0]

    @property
    def model(self) -> XRLinear | HybridRanker:
        """The model of matrices."""
        model: XRLinear | HybridRanker
        model = self.ranker.model_ if isinstance(self.ranker, TextRanker) else self.ranker
        return model

    @property
    def tree(self) -> XRLinear:
        """The label tree."""
        return self.model.ranker_ if isinstance(self.model, HybridRanker) else self.model

    def single_threaded(self) -> Ranker:
        """Return a copy of the ranker that uses one thread."""
        if not isinstance(self.ranker, TextRanker):
            return fitted_clone(self.ranker, n_jobs=1)
        stages = {name: _on_one_thread(getattr(self.ranker, name)) for name in ("features_", "model_")}
        return fitted_clone(self.ranker, **stages)


def _on_one_thread(stage: Any) -> Any:
    has = hasattr(stage, "get_params") and "n_jobs" in stage.get_params(deep=False)
    return fitted_clone(stage, n_jobs=1) if has else stage


class Lesson(Protocol):
    """A sample of the data."""

    @property
    def n_rows(self) -> int:
        """Rows to learn from."""

    @property
    def n_labels(self) -> int:
        """Labels to learn."""

    def fit(self, params: JsonMapping) -> Fit:
        """Train with the values of the axes."""


class Task(Protocol):
    """All the data, of which a part may be held out."""

    @property
    def Y(self) -> "csr_array":
        """Labels of the rows to learn from."""

    @property
    def merges(self) -> bool:
        """Whether a hybrid ranker can learn from the data."""

    @property
    def n_held(self) -> int:
        """Rows that are held out, and learned from in the end."""

    def hold_out(self, held: NDArray[np.bool_]) -> None:
        """Compare settings on some of the rows, and learn from the others."""

    def lesson(self, sample: Sample) -> Lesson:
        """Return what settings are tried on."""

    def setting(self, params: JsonMapping) -> Setting:
        """Return the estimators that these values stand for."""

    def fit_all(self, setting: Setting) -> Ranker:
        """Train on everything."""

    def fingerprint(self) -> Json:
        """Return what the data are recognised by."""
