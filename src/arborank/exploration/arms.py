"""The arms of one query, and how probable each is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..matching.beam import ShownSlots

__all__ = ["Arms"]

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Arms:
    """Runs of slots that hold every label that may be shown once, and how probable it is to show one of each.

    Attributes
    ----------
    begin, end : int64 arrays of shape (n,)
        The slots of each arm: first of those that are labels, the best first, then of the nodes.
    count : int64 array of shape (n,)
        How many of them may be shown, every one as probable as another.
    score : float64 array of shape (n,)
        From 0 to 1.
    chance : float64 array of shape (n,)
        The probability that a label of the arm is shown.
    n_labels : int
        How many arms are labels.
    slots : ShownSlots
        Which slots of the runs of nodes may be shown.
    """

    begin: Ids
    end: Ids
    count: Ids
    score: Floats
    chance: Floats
    n_labels: int
    slots: ShownSlots

    def labels(self) -> tuple[Ids, Floats]:
        """Return every slot that may be shown, and how probable it is to show each."""
        nodes = slice(self.n_labels, None)
        lengths = self.end[nodes] - self.begin[nodes]
        shift = self.begin[nodes] - np.concatenate(([0], np.cumsum(lengths)))[:-1]
        slots = np.repeat(shift, lengths) + np.arange(lengths.sum())
        each = np.repeat(self.chance[nodes] / self.count[nodes], lengths)
        kept = np.ones(slots.size, np.bool_)
        if self.slots.eligible is not None:
            kept &= np.diff(self.slots.eligible)[slots] > 0
        if self.slots.removed is not None:
            kept &= np.isin(slots, self.slots.removed, invert=True)
        own = slice(self.n_labels)
        return np.concatenate([self.begin[own], slots[kept]]), np.concatenate([self.chance[own], each[kept]])
