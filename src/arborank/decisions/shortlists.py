"""Short lists of probabilities, and what is right in them: the input of every rule, checked once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.arrow import from_arrow
from ..core.errors import ArgumentError
from ..core.label_lists import id_rows
from ..core.sparse import Csr, as_csr, is_matrix, places_of, rows_to_csr, without_zeros
from ..core.topk import place_in_rows
from ..core.types import MatrixLike, Targets

__all__ = ["ShortLists"]


@dataclass(frozen=True, eq=False)
class ShortLists:
    """The candidates of every row with their probabilities.

    Attributes
    ----------
    matrix : Csr of shape (n_rows, n_labels)
        Every stored entry is a candidate, zeros too.
    hits : bool array of shape (n_entries,) or None
        Which candidates are true, where that is known.
    true_counts : int64 array of shape (n_labels,) or None
        Rows that have each label: those whose lists have it, and the others where they are known.
    n_true : int
        True labels of all rows, whether their lists have them or not; 0 where that is not known.
    """

    matrix: Csr
    hits: NDArray[np.bool_] | None = None
    true_counts: NDArray[np.int64] | None = None
    n_true: int = 0

    @classmethod
    def of(cls, probabilities: MatrixLike, Y: Targets | None = None, *, any_scores: bool = False) -> Self:
        """Check probabilities and, for tuning, the labels of the same rows.

        With ``any_scores`` the values need not be probabilities.

        Raises
        ------
        TypeError, ValueError
            If one is no matrix, holds something else than probabilities, or does not fit the other.
        """
        matrix = as_csr(probabilities, "probabilities")
        out = not any_scores and matrix.data.size and not (matrix.data.min() >= 0 and matrix.data.max() <= 1)
        if out:
            wrong = matrix.data[(matrix.data < 0) | (matrix.data > 1)][0]
            raise ArgumentError(
                "probabilities", f"must lie between 0 and 1, found {wrong:g}; calibrate scores first"
            )
        if Y is None:
            return cls(matrix)
        truth = _truth(Y, matrix)
        hits = np.isin(places_of(matrix), places_of(truth), assume_unique=True)
        true_counts = np.bincount(truth.indices, minlength=matrix.shape[1]).astype(np.int64)
        return cls(matrix, hits, true_counts, truth.nnz)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.matrix.shape[0]

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.matrix.shape[1]

    @property
    def labels(self) -> NDArray[np.int32]:
        """Label of every entry."""
        return self.matrix.indices

    @property
    def chances(self) -> NDArray[np.float32]:
        """Probability of every entry."""
        return self.matrix.data

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Row of every entry."""
        return np.repeat(np.arange(self.n_rows), np.diff(self.matrix.indptr))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Place of every entry in its row by probability, from 0; equals in order of the labels."""
        return self.ranked(self.chances)

    def ranked(self, values: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the place of every entry in its row by other values, from 0."""
        _, places, order = place_in_rows(self.matrix.indptr, values)
        ranks = np.empty(order.size, np.int64)
        ranks[order] = places
        return ranks

    def best(self, values: NDArray[np.floating], k: int) -> NDArray[np.bool_]:
        """Return which entries are the ``k`` of their row with the largest values; of equals, any."""
        padded = np.append(values, -np.inf)[self._grid]
        if padded.shape[1] <= k:
            return np.ones(values.size, np.bool_)
        columns = np.argpartition(-padded, k - 1, axis=1)[:, :k]
        chosen = np.zeros(values.size + 1, np.bool_)
        chosen[np.take_along_axis(self._grid, columns, axis=1)] = True
        return chosen[:-1]

    @cached_property
    def _grid(self) -> NDArray[np.int64]:
        """Every row's entries as an array of shape (n_rows, width), padded with one beyond the last."""
        indptr, n = self.matrix.indptr, self.matrix.nnz
        grid = indptr[:-1, None] + np.arange(int(np.diff(indptr).max(initial=0)))
        return np.where(grid < indptr[1:, None], grid, n)

    @property
    def known_hits(self) -> NDArray[np.bool_]:
        """Which candidates are true, in lists made with labels."""
        assert self.hits is not None
        return self.hits

    def by_label(self, weights: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the sum of the entries' weights for every label."""
        return np.bincount(self.labels, weights, self.n_labels).astype(np.float64, copy=False)


def _truth(Y: Targets, matrix: Csr) -> Csr:
    n_rows, n_labels = matrix.shape
    Y = from_arrow(Y)
    if is_matrix(Y):
        truth = without_zeros(as_csr(Y, "Y", n_rows=n_rows, n_cols=n_labels))
    else:
        truth = rows_to_csr(id_rows(Y, "Y"), n_labels, "Y")
        if truth.shape[0] != n_rows:
            raise ValueError(f"Y has {truth.shape[0]} rows, but probabilities have {n_rows}")
    if not truth.nnz:
        raise ValueError("Y has no label in any row, so a rule cannot be tuned on it")
    return truth
