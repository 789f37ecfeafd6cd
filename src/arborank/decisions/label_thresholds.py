"""A threshold for every label."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..core.options import option, real
from .rule import Rule, Tuning, check_width, vector
from .shortlists import ShortLists
from .thresholds import Threshold

__all__ = ["LabelThresholds"]


@dataclass(frozen=True, eq=False)
class LabelThresholds(Rule):
    """The labels whose probability reaches the label's own threshold, the one with the label's best F1.

    A label with few instances would learn a threshold from chance. So thresholds are drawn to the one of all labels:
    one learned from ``n`` true pairs counts ``n / (n + shrinkage)``.

    Parameters
    ----------
    shrinkage : float, default=20
        At least 0.
    thresholds : float32 array of shape (n_labels,), optional
        By default `fit` chooses them.
    """

    __eq__, __hash__ = object.__eq__, object.__hash__  # arrays have no equality that is one

    kind: ClassVar[str] = "per-label"
    main: ClassVar[str] = "shrinkage"

    shrinkage: float = option(20.0, real(least=0.0))
    thresholds: NDArray[np.float32] | None = option(None, vector(least=0.0, most=1.0))

    @property
    def is_tuned(self) -> bool:
        """Whether the thresholds are known."""
        return self.thresholds is not None

    def _tuned(self, tuning: Tuning) -> Self:
        if self.thresholds is not None:
            return self
        shared = Threshold()._tuned(tuning).threshold
        assert shared is not None
        own, n_hits = _best_cuts(tuning.lists)
        weight = np.divide(n_hits, n_hits + self.shrinkage, out=np.zeros(n_hits.size), where=n_hits > 0)
        return replace(self, thresholds=(weight * own + (1.0 - weight) * shared).astype(np.float32))

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.thresholds is not None
        check_width("thresholds", self.thresholds, lists)
        chosen: NDArray[np.bool_] = lists.chances >= self.thresholds[lists.labels]
        return chosen


def _best_cuts(lists: ShortLists) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the threshold of every label with its best F1, 0 for labels never right, and its hits."""
    assert lists.true_counts is not None
    order = np.lexsort((-lists.chances, lists.labels))
    labels, chances, hits = lists.labels[order], lists.chances[order], lists.known_hits[order]
    counts = np.bincount(labels, minlength=lists.n_labels)
    starts = np.cumsum(counts) - counts
    total = np.cumsum(hits)
    before = np.append(0, total)[starts][labels]
    chosen = np.arange(labels.size) - starts[labels] + 1
    f1 = 2.0 * (total - before) / (chosen + lists.true_counts[labels])
    same = (labels[1:] == labels[:-1]) & (chances[1:] == chances[:-1])
    f1[:-1][same] = -1.0  # all entries of a probability are chosen, or none
    best = np.lexsort((chances, f1, labels))  # the last of a label has its best F1
    last = (starts + counts - 1)[counts > 0]
    own = np.zeros(lists.n_labels)
    own[counts > 0] = chances[best[last]]
    return own, lists.by_label(lists.known_hits)
