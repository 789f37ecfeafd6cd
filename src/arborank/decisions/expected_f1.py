"""The number of labels that each row's probabilities call for."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.options import flag, integer, option, optional
from .rule import Rule
from .shortlists import ShortLists

__all__ = ["ExpectedF1", "expected_f1"]

_BLOCK = 1024  # rows at a time
_WIDEST = 40  # of the labels that may be chosen


@dataclass(frozen=True)
class ExpectedF1(Rule):
    """For every row, as many of its best labels as have the best expected F1.

    The labels are taken to be independent of each other, given their probabilities; then the best set is a number of
    the most probable ones. A row with candidates gets one label at least, and 40 at most.

    Parameters
    ----------
    exact : bool, default=True
        Whether the expectation is computed from the chances of every number of hits; otherwise it is taken to be
        ``2 * sum(p of the chosen) / (n_chosen + sum(p))``, which is faster.
    at_most : int, optional
        No more labels than so many are chosen.

    Examples
    --------
    >>> from arborank.decisions import ExpectedF1
    >>> ExpectedF1().decide([[0.9, 0.8, 0.1], [0.4, 0.1, 0.1]]).indices.tolist()
    [0, 1, 0]
    """

    kind: ClassVar[str] = "expected-f1"

    exact: bool = option(True, flag())
    at_most: int | None = option(None, optional(integer(1)))

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        indptr, places = lists.matrix.indptr, lists.places
        width = min(int(np.diff(indptr).max(initial=0)), _WIDEST)
        counts = np.zeros(lists.n_rows, np.int64)
        for start in range(0, lists.n_rows if width else 0, _BLOCK):
            n_rows = min(_BLOCK, lists.n_rows - start)
            block = slice(indptr[start], indptr[start + n_rows])
            rows, at, chances = lists.rows[block] - start, places[block], lists.chances[block]
            best = np.zeros((n_rows, width))
            kept = at < width
            best[rows[kept], at[kept]] = chances[kept]
            rest = np.bincount(rows[~kept], chances[~kept], n_rows).astype(np.float64, copy=False)
            values = (expected_f1 if self.exact else _quick)(best, rest)
            counts[start : start + n_rows] = np.argmax(values[:, : self.at_most], axis=1) + 1
        chosen: NDArray[np.bool_] = places < counts[lists.rows]
        return chosen


def expected_f1(chances: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected F1 of the first 1, 2, ... labels of every row, by the algorithm of Ye et al. (ICML 2012).

    Parameters
    ----------
    chances : float64 array of shape (n_rows, width)
        Probabilities, largest first, padded with 0.
    rest : float64 array of shape (n_rows,)
        True labels beyond these, on average.

    Returns
    -------
    float64 array of shape (n_rows, width)
    """
    n_rows, width = chances.shape
    # below[:, a] is the mean of 1 / (a + 1 + true labels after the first k), from the last k to the first
    below = 1.0 / (np.arange(1, 2 * width + 2) + rest[:, None])
    after = np.empty((width, n_rows, width + 1))
    for k in range(width, 0, -1):
        after[k - 1] = below[:, k - 1 : k + width]  # 0, 1, ... hits make the sizes k, k + 1, ...
        p = chances[:, k - 1, None]
        below[:, :-1] = p * below[:, 1:] + (1.0 - p) * below[:, :-1]
    n_hits = np.zeros((n_rows, width + 1))  # chances of 0, 1, ... hits among the first k
    n_hits[:, 0] = 1.0
    values = np.empty((n_rows, width))
    for k in range(1, width + 1):
        p = chances[:, k - 1, None]
        n_hits[:, 1:] = p * n_hits[:, :-1] + (1.0 - p) * n_hits[:, 1:]
        n_hits[:, :1] *= 1.0 - p
        values[:, k - 1] = 2.0 * ((n_hits * after[k - 1]) @ np.arange(width + 1))
    return values


def _quick(chances: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[np.float64]:
    n_true = (chances.sum(axis=1) + rest)[:, None]
    quick: NDArray[np.float64] = (
        2.0 * np.cumsum(chances, axis=1) / (np.arange(1, chances.shape[1] + 1) + n_true)
    )
    return quick
