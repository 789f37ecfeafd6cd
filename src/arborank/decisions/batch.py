"""Answers to many rows at once, each chosen in view of the others, by block coordinate ascent."""

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..core.options import integer, one_of, option, optional, real
from .rule import Rule, Tuning
from .shortlists import ShortLists
from .trading import largest_weight

__all__ = ["BatchTopK"]

Values = NDArray[np.float64]
_PASSES = 2  # over the rows
_LEAST = 1e-6  # that a label's chance to be wrong is taken for


@dataclass(frozen=True)
class BatchTopK(Rule):
    """``k`` labels for every row that together are best for a utility over labels.

    Row by row, each answer is replaced by the best one in view of all others, as often as it takes (Schultheis et al.,
    NeurIPS 2023): a label that is found elsewhere for sure leaves its place to one that is not. So what a row gets
    depends on the rows that are decided with it, and a row alone gets its most probable labels.

    Parameters
    ----------
    utility : {"coverage", "macro-f1"}, default="coverage"
        ``"coverage"``: of how many labels at least one answer is right. ``"macro-f1"``: the mean F1 of labels.
    k : int, default=5
    weight : float, optional
        How much the utility counts against precision, from 0, where the most probable labels are chosen, to 1. By
        default `fit` chooses as much as ``precision_loss`` allows.
    precision_loss : float, optional
        How much P@k may fall on the rows of `fit`: by default 0.005, half a point, for coverage, and all for macro-F1.
        On other rows it falls a little more.

    Examples
    --------
    >>> from arborank.decisions import BatchTopK
    >>> BatchTopK(k=1, weight=1.0).decide([[0.9, 0.1], [0.8, 0.7]]).indices.tolist()
    [0, 1]
    """

    kind: ClassVar[str] = "batch"
    main: ClassVar[str] = "k"

    utility: str = option("coverage", one_of(("coverage", "macro-f1")))
    k: int = option(5, integer(1))
    weight: float | None = option(None, optional(real(least=0.0, most=1.0)))
    precision_loss: float | None = option(None, optional(real(least=0.0, most=1.0)))

    @property
    def name(self) -> str:
        """The utility."""
        return self.utility

    @property
    def is_tuned(self) -> bool:
        """Whether the weight is known."""
        return self.weight is not None

    def _tuned(self, tuning: Tuning) -> Self:
        if self.weight is not None:
            return self
        loss = self.precision_loss
        if loss is None:
            loss = 0.005 if self.utility == "coverage" else 1.0
        lists = tuning.lists
        weight = largest_weight(
            lists, self.k, lambda weight: _ascend(lists, self.utility, self.k, weight), loss
        )
        return replace(self, weight=weight)

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.weight is not None
        return _ascend(lists, self.utility, self.k, self.weight)


class _Total(Protocol):
    """What the answers are worth so far, while they change."""

    def add(self, labels: NDArray[np.int32], chances: Values, sign: int) -> None:
        """Let some answers of a row count, or no longer."""

    def gains(self, labels: NDArray[np.int32], chances: Values) -> Values:
        """Return what each answer would add, as probabilities are scaled."""


class _Coverage:
    def __init__(self, lists: ShortLists, chosen: NDArray[np.bool_]) -> None:
        self.missed = np.zeros(lists.n_labels)  # log of the chance that a label is never right
        np.add.at(self.missed, lists.labels[chosen], _log_wrong(lists.chances[chosen]))

    def add(self, labels: NDArray[np.int32], chances: Values, sign: int) -> None:
        self.missed[labels] += sign * _log_wrong(chances)

    def gains(self, labels: NDArray[np.int32], chances: Values) -> Values:
        gains: Values = chances * np.exp(self.missed[labels])
        return gains


def _log_wrong(chances: NDArray[np.floating]) -> Values:
    logs: Values = np.log1p(-np.minimum(chances.astype(np.float64), 1.0 - _LEAST))
    return logs


class _MacroF1:
    def __init__(self, lists: ShortLists, chosen: NDArray[np.bool_]) -> None:
        self.found, self.chosen = lists.by_label(lists.chances * chosen), lists.by_label(chosen)
        self.true = lists.by_label(lists.chances)
        sizes = (self.chosen + self.true)[lists.labels[chosen]]
        self.scale = float(sizes.mean()) / 2.0 if sizes.size else 1.0

    def add(self, labels: NDArray[np.int32], chances: Values, sign: int) -> None:
        self.found[labels] += sign * chances
        self.chosen[labels] += sign

    def gains(self, labels: NDArray[np.int32], chances: Values) -> Values:
        found, size = self.found[labels], self.chosen[labels] + self.true[labels]
        gains: Values = (
            2.0 * self.scale * ((found + chances) / (size + 1.0) - found / np.maximum(size, _LEAST))
        )
        return gains


def _ascend(lists: ShortLists, utility: str, k: int, weight: float) -> NDArray[np.bool_]:
    """Return which entries are chosen after some passes over the rows."""
    chosen = lists.places < k
    if weight == 0.0:
        return chosen
    total: _Total = _Coverage(lists, chosen) if utility == "coverage" else _MacroF1(lists, chosen)
    chances, labels = lists.chances.astype(np.float64), lists.labels
    bounds = lists.matrix.indptr.tolist()
    wide = [
        row for row in range(lists.n_rows) if bounds[row + 1] - bounds[row] > k
    ]  # others get all they have
    for _ in range(_PASSES):
        before = chosen.copy()
        for row in wide:
            entries = slice(bounds[row], bounds[row + 1])
            own, p, kept = labels[entries], chances[entries], chosen[entries]
            total.add(own[kept], p[kept], -1)
            values = (1.0 - weight) * p + weight * total.gains(own, p)
            kept[:] = False
            kept[np.argpartition(-values, k - 1)[:k]] = True
            total.add(own[kept], p[kept], 1)
        if np.array_equal(before, chosen):
            break
    return chosen
