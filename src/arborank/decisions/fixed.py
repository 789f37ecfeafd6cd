"""The same number of labels for every row."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..core.options import integer, option, optional
from .rule import Rule, Tuning
from .shortlists import ShortLists

__all__ = ["FixedK"]


@dataclass(frozen=True)
class FixedK(Rule):
    """The ``k`` best labels of every row.

    Parameters
    ----------
    k : int, optional
        By default `fit` chooses the one with the best micro-F1.

    Examples
    --------
    >>> from arborank.decisions import FixedK
    >>> FixedK(2).decide([[0.1, 0.6, 0.5]]).indices.tolist()
    [1, 2]
    """

    kind: ClassVar[str] = "fixed-k"
    main: ClassVar[str] = "k"
    needs_probabilities: ClassVar[bool] = False

    k: int | None = option(None, optional(integer(1)))

    @property
    def is_tuned(self) -> bool:
        """Whether ``k`` is known."""
        return self.k is not None

    def _tuned(self, tuning: Tuning) -> Self:
        if self.k is not None:
            return self
        lists = tuning.lists
        width = int(lists.places.max(initial=0)) + 1
        hits = np.cumsum(np.bincount(lists.places, lists.known_hits, width))
        chosen = np.cumsum(np.bincount(lists.places, minlength=width))
        return replace(self, k=int(np.argmax(hits / (chosen + lists.n_true))) + 1)

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.k is not None
        return lists.places < self.k
