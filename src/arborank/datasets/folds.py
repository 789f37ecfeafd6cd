"""Folds for many labels a row, in which rare labels are spread evenly."""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrow import from_arrow
from ..core.checks import check_integer
from ..core.label_lists import is_row, name_rows
from ..core.sequences import as_column
from ..core.sparse import as_csr, is_matrix
from ..core.types import Labels, Targets

__all__ = ["StratifiedFolds"]


class StratifiedFolds:
    """Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011): every fold gets its share of every label.

    Labels are taken one after the other, the rarest among the rows that are left first; each of its rows goes to the
    fold that lacks most of the label, then most rows. Give it to the tools of scikit-learn as ``cv``.

    Parameters
    ----------
    n_splits : int, default=5
        Folds, at least 2.
    random_state : int, default=0
        Seed of what is left to chance: the order of rows, and equals among folds.

    Examples
    --------
    >>> from arborank.datasets import StratifiedFolds
    >>> folds = StratifiedFolds(n_splits=2)
    >>> sorted(folds.assign([["a"], ["a", "b"], ["b"], ["a"]]).tolist())
    [0, 0, 1, 1]
    """

    def __init__(self, n_splits: int = 5, *, random_state: int = 0) -> None:
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds."""
        return check_integer("n_splits", self.n_splits, 2)

    def split(
        self, X: object, y: Targets | Labels, groups: object = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the rows to train on and those that are held out, for every fold; ``X`` and ``groups`` are ignored."""
        fold = self.assign(y)
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def assign(self, y: Targets | Labels) -> NDArray[np.int64]:
        """Return the fold of every row.

        Parameters
        ----------
        y : indicator of shape (n_rows, n_labels), lists of label names or ids, or one class a row

        Raises
        ------
        TypeError, ValueError
            If there are fewer rows than folds, or labels are of another kind.
        """
        n_folds = check_integer("n_splits", self.n_splits, 2)
        seed = check_integer("random_state", self.random_state, 0)
        rows, n_labels = _label_rows(y)
        if len(rows) < n_folds:
            raise ValueError(f"y has {len(rows)} rows, too few for {n_folds} folds")
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(rows)).tolist()
        holders: list[list[int]] = [[] for _ in range(n_labels)]
        for row in order:
            for label in rows[row]:
                holders[label].append(row)
        left = [len(own) for own in holders]  # rows of a label without a fold
        lacking = np.repeat(np.array(left, np.float64)[:, None] / n_folds, n_folds, axis=1)
        room = np.full(n_folds, len(rows) / n_folds)
        chance = rng.random(n_folds)
        fold = np.full(len(rows), -1)
        queue = [(n, label) for label, n in enumerate(left) if n]
        heapq.heapify(queue)
        while queue:
            n, label = heapq.heappop(queue)
            if n != left[label]:  # an entry for each time that it has changed
                continue
            for row in holders[label]:
                if fold[row] >= 0:
                    continue
                best = int(np.lexsort((chance, -room, -lacking[label]))[0])
                fold[row] = best
                room[best] -= 1
                for other in rows[row]:
                    lacking[other, best] -= 1
                    left[other] -= 1
                    if other != label and left[other]:
                        heapq.heappush(queue, (left[other], other))
        for row in order:  # those without a label
            if fold[row] < 0:
                best = int(np.lexsort((chance, -room))[0])
                fold[row] = best
                room[best] -= 1
        return fold


def _label_rows(y: Any) -> tuple[list[list[int]], int]:
    """Return the labels of every row as numbers, and how many there are."""
    y = from_arrow(y)
    if is_matrix(y):
        matrix = as_csr(y, "y")
        kept = matrix.data != 0
        ends = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr].tolist()
        labels = matrix.indices[kept].tolist()
        return [labels[a:b] for a, b in pairwise(ends)], matrix.shape[1]
    entries = list(as_column(y, "y", "an indicator, a list of label lists, or one class a row"))
    if all(isinstance(one, str) or is_row(one) for one in entries) and not _numbered(entries):
        found: list[list[Any]] = list(name_rows(entries, None, "y"))
    else:
        found = [list(dict.fromkeys(one)) if is_row(one) else [one] for one in entries]
    numbers: dict[Any, int] = {}
    rows = [[numbers.setdefault(name, len(numbers)) for name in row] for row in found]
    return rows, len(numbers)


def _numbered(entries: list[Any]) -> bool:
    first = next((name for row in entries if is_row(row) for name in row), None)
    return first is not None and not isinstance(first, str)
