"""Training rows that a model keeps, so that parts of it can be trained anew when more rows come."""

from copy import deepcopy
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, select_rows, to_scipy
from ..core.state import State

__all__ = ["KeptRows"]


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Rows as the layers learn from them, and their labels; 8 bytes a value, 4 a label.

    Attributes
    ----------
    n_features, n_labels : int
    n_documents : int
        How many rows, the last ones, are documents of their labels; see `XRLinear.fit`.
    starts : int64 array of shape (n_rows + 1,)
    features : int32 array of shape (nnz,)
    values : float32 array of shape (nnz,)
    label_starts : int64 array of shape (n_rows + 1,)
    labels : int32 array
    weights : float32 array of shape (n_rows,)
        What an error on each row costs.
    """

    n_features: int
    n_labels: int
    n_documents: int
    starts: NDArray[np.int64]
    features: NDArray[np.int32]
    values: NDArray[np.float32]
    label_starts: NDArray[np.int64]
    labels: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        X: Csr,
        Y: Csr,
        *,
        n_documents: int = 0,
        weights: NDArray[np.float32] | None = None,
        copy: bool = False,
    ) -> Self:
        """Take rows, which are divided by the model's row length, and the pattern of their labels."""
        if weights is None:
            weights = np.ones(X.shape[0], np.float32)
        rows = cls(
            X.shape[1], Y.shape[1], n_documents, X.indptr, X.indices, X.data, Y.indptr, Y.indices, weights
        )
        return deepcopy(rows) if copy else rows

    @property
    def n_rows(self) -> int:
        """Rows and documents."""
        return self.weights.size

    @cached_property
    def X(self) -> Csr:
        """The rows, of shape (n_rows, n_features); ``ValueError`` if they are damaged."""
        return as_csr(Csr(self.starts, self.features, self.values, self.n_features), "rows")

    @cached_property
    def Y(self) -> Csr:
        """Their labels, of shape (n_rows, n_labels); ``ValueError`` if they are damaged."""
        ones = np.ones(self.labels.size, np.float32)
        return as_csr(Csr(self.label_starts, self.labels, ones, self.n_labels), "labels of rows")

    def joined(self, X: Csr, Y: Csr, *, n_documents: int = 0) -> Self:
        """Return these rows and further ones, of the same widths; their documents come last."""
        rows, marks = (
            as_csr(sp.vstack([to_scipy(old), to_scipy(more)], format="csr"))
            for old, more in ((self.X, X), (self.Y, Y))
        )
        weights = np.append(self.weights, np.ones(X.shape[0], np.float32))
        if self.n_documents:
            place = np.arange(weights.size)
            is_document = (place >= weights.size - n_documents) | (
                (place >= self.n_rows - self.n_documents) & (place < self.n_rows)
            )
            order = np.argsort(is_document, kind="stable")
            rows, marks, weights = select_rows(rows, order), select_rows(marks, order), weights[order]
        return type(self).of(rows, marks, n_documents=self.n_documents + n_documents, weights=weights)

    def take(self, places: NDArray[np.int64]) -> Self:
        """Return the rows for other labels: label ``i`` is what ``places[i]`` was, or new where that is no label.

        Rows that lose all their labels are left out.
        """
        there = (places >= 0) & (places < self.n_labels)
        now = np.full(self.n_labels, -1)
        now[places[there]] = np.flatnonzero(there)
        marks = to_scipy(self.Y)
        marks = sp.csr_array((marks.data, now[marks.indices], marks.indptr), shape=marks.shape)
        left = marks.indices >= 0
        lengths = np.diff(np.concatenate(([0], np.cumsum(left)))[marks.indptr])
        indptr = np.concatenate(([0], np.cumsum(lengths)))
        kept = (lengths > 0) | (np.diff(marks.indptr) == 0)
        Y = as_csr(
            sp.csr_array((marks.data[left], marks.indices[left], indptr), shape=(self.n_rows, places.size))
        )
        n_documents = int(np.count_nonzero(kept[self.n_rows - self.n_documents :]))
        X, Y = select_rows(self.X, kept), select_rows(Y, kept)
        return type(self).of(X, Y, n_documents=n_documents, weights=self.weights[kept])

    def __getstate__(self) -> dict[str, Any]:  # without what is native
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def to_state(self) -> State:
        """Return what is saved."""
        values = self.__getstate__()
        config = {name: values.pop(name) for name in ("n_features", "n_labels", "n_documents")}
        return State(config, values)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put saved rows together again; arrays are used where they lie, and are read when rows are added.

        Raises
        ------
        TypeError, ValueError
            If the arrays do not fit one another.
        """
        for name in ("n_features", "n_labels", "n_documents"):
            check_integer(name, state.config[name], 0)
        values: dict[str, Any] = {**state.config, **state.arrays}
        rows = cls(**values)
        n = rows.n_rows
        if rows.starts.shape != (n + 1,) or rows.label_starts.shape != (n + 1,) or rows.n_documents > n:
            raise ValueError(
                f"the kept rows do not fit one another: {n} weights were expected for {rows.starts.size - 1} rows"
            )
        return rows
