"""From a query to its arms."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import _native
from ..core.sparse import Csr
from ..matching.beam import Drawn, ShownSlots
from .arms import Arms
from .subject import Subject

__all__ = ["Frontier", "Limits"]

Ids = NDArray[np.int64]

_FEW = 1000  # excluded labels that are taken out of the arms of a query, not out of the tree


class Limits:
    """Which labels may be shown; by default all.

    Parameters
    ----------
    allowed, excluded : int64 arrays of label ids, optional
    """

    def __init__(self, allowed: Ids | None = None, excluded: Ids | None = None) -> None:
        self.allowed = None if allowed is None else np.unique(allowed)
        self.excluded = None if excluded is None else np.unique(excluded)

    def same(self, other: "Limits") -> bool:
        """Whether the same labels may be shown."""
        return all(
            a is b or (a is not None and b is not None and np.array_equal(a, b))
            for a, b in ((self.allowed, other.allowed), (self.excluded, other.excluded))
        )


class Frontier:
    """Turns the rows of queries into arms.

    Parameters
    ----------
    subject : Subject
    tried : int64 array of label ids
        Labels that are no newcomers, though the model has not learned from any row of them.
    """

    def __init__(self, subject: Subject, tried: Ids) -> None:
        self.subject = subject
        self._fresh = subject.fresh
        if self._fresh is not None and tried.size:
            self._fresh = self._fresh & ~np.isin(subject.fitted.tree.labels, tried)
        self._last: tuple[Limits, Ids] | None = None

    @cached_property
    def _firsts(self) -> Ids | None:
        """How many labels have their first slot before each slot; None where labels have one slot each."""
        tree = self.subject.fitted.tree
        return self._eligible(np.arange(tree.n_labels)) if tree.overlapping else None

    @cached_property
    def _is_plain(self) -> bool:
        """Whether the best labels of the search are those of the model."""
        return not (self.subject.fitted.tree.overlapping or self.subject.inner.rerank)

    def arms(self, row: Csr, k: int, limits: Limits, policy: _native.ArmPolicy, n_explore: int) -> Arms:
        """Return the arms of a query of which ``k`` labels are to be shown, ``n_explore`` of them by a policy."""
        subject = self.subject
        slots = self._slots(row, k, limits, policy)
        found = subject.fitted.search.frontier(
            row, k, policy, n_explore, slots=slots, beam_size=subject.beam_size, combine=subject.combine
        )
        return Arms(*found, slots)

    def decide(
        self, row: Csr, k: int, limits: Limits, policy: _native.ArmPolicy, n_explore: int, uniform: float
    ) -> Drawn:
        """Return labels to show, drawn from the arms of a query: see `BeamSearch.decide`."""
        subject = self.subject
        return subject.fitted.search.decide(
            row,
            k,
            policy,
            n_explore,
            uniform,
            slots=self._slots(row, k, limits, policy),
            beam_size=subject.beam_size,
            combine=subject.combine,
        )

    def _slots(self, row: Csr, k: int, limits: Limits, policy: _native.ArmPolicy) -> ShownSlots:
        eligible, removed = self._limit(limits)
        fresh = self._fresh if policy.newcomers else None
        if self._is_plain:
            return ShownSlots(eligible, removed, fresh=fresh)
        best, promise = self._best(row, k, limits)
        removed = np.sort(best) if removed is None else np.union1d(removed, best)
        return ShownSlots(eligible, removed, best, promise, fresh)

    def _best(self, row: Csr, k: int, limits: Limits) -> tuple[Ids, NDArray[np.float64]]:
        ids, scores = self.subject.topk(row, k, candidates=limits.allowed, exclude=limits.excluded)
        there = ids[0] >= 0
        promise = scores[0][there].astype(np.float64)
        return self.subject.slots[ids[0][there]], np.exp(promise) if self.subject.logarithmic else promise

    def _limit(self, limits: Limits) -> tuple[Ids | None, Ids | None]:
        """Return how many slots before each may be shown, and which of them are taken out again."""
        allowed, excluded = limits.allowed, limits.excluded
        if allowed is None and excluded is None:
            return self._firsts, None
        if allowed is None and excluded is not None and excluded.size <= _FEW:
            slots = self.subject.slots[excluded]
            return self._firsts, np.sort(slots[slots >= 0])
        if self._last is None or not self._last[0].same(limits):
            labels = np.arange(self.subject.fitted.n_labels) if allowed is None else allowed
            if excluded is not None:
                labels = np.setdiff1d(labels, excluded, assume_unique=True)
            self._last = limits, self._eligible(labels)
        return self._last[1], None

    def _eligible(self, labels: Ids) -> Ids:
        slots = self.subject.slots[labels]
        shown = np.zeros(self.subject.fitted.tree.labels.size + 1, np.int64)
        shown[1:][slots[slots >= 0]] = 1
        return np.cumsum(shown)
