"""The queries that match a prefix in one call: a run of ids, or ids that are no run."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._native import Among

if TYPE_CHECKING:
    from .catalogue import Catalogue

__all__ = ["Matches", "Run"]

Run = tuple[int, int]  # the first id, and the one behind the last

_SEARCHED = 1024  # queries that the rankers look at, at most, where they are no run


@dataclass(eq=False)  # not frozen: one is made for every keystroke
class Matches:
    """The queries that match a prefix.

    Attributes
    ----------
    catalogue : Catalogue
    run : (int, int)
        The range of ids, of which all match unless there are ``ids``.
    ids : int64 array, optional
        Ids of those that match, ascending, where they are no run.
    """

    catalogue: "Catalogue"
    run: Run
    ids: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.run[1] - self.run[0] if self.ids is None else self.ids.size

    def among(self, only: NDArray[np.int64]) -> "Matches":
        """Return those that are among some ids, in ascending order."""
        if self.ids is None:
            first, end = np.searchsorted(only, self.run)
            ids = only[first:end]
        else:
            ids = np.intersect1d(self.ids, only, assume_unique=True)
        return Matches(self.catalogue, (0, len(self.catalogue)), ids)

    def has(self, label: int) -> bool:
        """Whether a query matches."""
        if self.ids is None:
            return self.run[0] <= label < self.run[1]
        place = int(np.searchsorted(self.ids, label))
        return place < self.ids.size and bool(self.ids[place] == label)

    def frequent(self, k: int) -> list[int]:
        """Return the ids of the ``k`` most frequent that are not blocked; among equals in order."""
        if self.ids is None:
            return self.catalogue.frequent(*self.run, k)
        best: list[int] = self._best(self.catalogue.counts, k).tolist()
        return best

    def lately(self, k: int) -> list[int]:
        """Return the ids of those that were sent most often lately; none where times are not known."""
        if self.ids is None:
            return self.catalogue.lately(*self.run, k)
        aged = self.catalogue.aged
        best: list[int] = [] if aged is None else self._best(aged.values[0], k).tolist()
        return best

    def _best(self, counts: NDArray[np.int64] | NDArray[np.float64], k: int) -> NDArray[np.int64]:
        ids = self._open
        of = counts[ids]
        if ids.size > 4 * k:  # what cannot be among the best is not sorted
            least = np.partition(of, ids.size - k)[ids.size - k]
            ids, of = ids[of >= least], of[of >= least]
        return ids[np.argsort(-of, kind="stable")[:k]]

    @property
    def total(self) -> int:
        """How often they were sent in all, at least 1."""
        if self.ids is None:
            return self.catalogue.sent.total(*self.run)
        return max(int(self.catalogue.counts[self.ids].sum()), 1)

    @cached_property
    def _open(self) -> NDArray[np.int64]:
        """Those of ``ids`` that are not blocked."""
        assert self.ids is not None
        ids = self.ids[self.catalogue.counts[self.ids] > 0]
        blocked = self.catalogue.blocked
        return ids[~np.isin(ids, blocked)] if blocked.size else ids

    @cached_property
    def likely(self) -> NDArray[np.int64]:
        """Those of ``ids`` that are not blocked; the most frequent of many."""
        if self._open.size <= _SEARCHED:
            return self._open
        return np.sort(self._best(self.catalogue.counts, _SEARCHED))

    @cached_property
    def native(self) -> Among | None:
        """The same for native code, where they are no run."""
        if self.ids is None:
            return None
        aged = self.catalogue.aged
        lately = [0.0, 0.0] if aged is None else aged.values[:, self.ids].sum(axis=1).tolist()
        return Among(self.ids, float(self.catalogue.counts[self.ids].sum()), lately)
