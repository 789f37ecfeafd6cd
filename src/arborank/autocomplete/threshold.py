"""When something was sent often enough, by enough people, to be learned."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Threshold"]


@dataclass(frozen=True)
class Threshold:
    """How often, and by how many different users, something must have been sent.

    Attributes
    ----------
    min_count, min_users : int, default=1
    """

    min_count: int = 1
    min_users: int = 1

    def met(self, ids: NDArray[np.int64], users: Sequence[Hashable] | None, n: int) -> NDArray[np.bool_]:
        """Return which of the ids below ``n`` occur often enough; shape (n,).

        Parameters
        ----------
        ids : int64 array of shape (n_events,)
        users : sequence of length n_events, optional
            Who sent each; without them, only the count decides.
        n : int
        """
        enough = np.bincount(ids, minlength=n) >= self.min_count
        if users is not None and self.min_users > 1:
            numbers: dict[Hashable, int] = {}
            who = np.array([numbers.setdefault(user, len(numbers)) for user in users], np.int64)
            width = max(len(numbers), 1)
            different = np.unique(ids * width + who)
            enough &= np.bincount(different // width, minlength=n) >= self.min_users
        return enough
