"""The arms of one query, and how probable each is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .policies import Policy

__all__ = ["Arms", "explore"]

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
    eligible : int64 array of shape (n_slots + 1,), optional
        How many slots before each one may be shown; None if all may.
    removed : int64 array, optional
        Slots, ascending, that do not belong to the node whose run they lie in.
    """

    begin: Ids
    end: Ids
    count: Ids
    score: Floats
    chance: Floats
    n_labels: int
    eligible: Ids | None
    removed: Ids | None

    def labels(self) -> tuple[Ids, Floats]:
        """Return every slot that may be shown, and how probable it is to show each."""
        nodes = slice(self.n_labels, None)
        lengths = self.end[nodes] - self.begin[nodes]
        shift = self.begin[nodes] - np.concatenate(([0], np.cumsum(lengths)))[:-1]
        slots = np.repeat(shift, lengths) + np.arange(lengths.sum())
        each = np.repeat(self.chance[nodes] / self.count[nodes], lengths)
        kept = np.ones(slots.size, np.bool_)
        if self.eligible is not None:
            kept &= np.diff(self.eligible)[slots] > 0
        if self.removed is not None:
            kept &= np.isin(slots, self.removed, invert=True)
        own = slice(self.n_labels)
        return np.concatenate([self.begin[own], slots[kept]]), np.concatenate([self.chance[own], each[kept]])


def explore(best: Floats, others: Floats, policy: Policy) -> tuple[Floats, Floats]:
    """Return how probable it is that each of some places shows its own arm, and that any of them shows another arm.

    Parameters
    ----------
    best : float64 array of shape (n,)
        What the own arm of each place promises.
    others : float64 array of shape (K,)
        What other arms promise, none more than an own one.
    policy : Policy

    Returns
    -------
    own : float64 array of shape (n,)
    other : float64 array of shape (K,)
        At most 1.
    """
    shares = policy.shares(best[:, None], others)
    total: Floats = shares.sum(axis=0)
    if total.max() > 1.0:  # an arm is shown once at most
        shares = shares / np.maximum(total, 1.0)
        total = np.minimum(total, 1.0)
    own: Floats = np.maximum(1.0 - shares.sum(axis=1), 0.0)
    return own, total
