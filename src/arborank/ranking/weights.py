"""The weights of one tree layer, in the chunked layout that prediction reads (see ``native/weights.hpp``)."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._native import Layer, pack_layer
from ..sparse import as_csr
from ..state import State

__all__ = ["LayerWeights"]


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One linear ranker for every child of every parent node, siblings stored side by side.

    Attributes
    ----------
    branches : int64 array of shape (n_parents + 1,)
        Children of parent ``p`` are ``branches[p]`` to ``branches[p + 1]``.
    extents : int64 array of shape (n_parents + 1, 3)
        Where each parent's chunk begins in ``index``, ``rows`` and ``words``.
    index : uint32 array of shape (n_entries, 2)
        For every 32 buckets of a chunk, a bitmap of the buckets that hold a row and the number of rows before.
    rows : uint32 array of shape (n_rows, 2)
        The hashed feature of a row, ascending within a chunk, and the row's first word relative to its chunk.
        The last row of a chunk is a sentinel.
    words : uint32 array
        Rows: for every block of 16 siblings a header ``block << 16 | lane mask`` and the packed float32 weights.
    bias : float32 array of shape (n_children,)
        The contribution of the constant feature to every child's margin.
    n_features : int
        Width of the instances that the layer scores.
    """

    branches: NDArray[np.int64]
    extents: NDArray[np.int64]
    index: NDArray[np.uint32]
    rows: NDArray[np.uint32]
    words: NDArray[np.uint32]
    bias: NDArray[np.float32]
    n_features: int

    @classmethod
    def from_matrix(
        cls, W: Any, bias: NDArray[np.float32], branches: NDArray[np.int64], *, n_threads: int = 1
    ) -> Self:
        """Pack a weight matrix.

        Parameters
        ----------
        W : scipy.sparse matrix of shape (n_features, n_children)
            One column a child. Explicit zeros are dropped.
        bias : array of shape (n_children,)
            Contribution of the constant feature to each child's margin.
        branches : int64 array of shape (n_parents + 1,)
            Children of parent ``p`` are columns ``branches[p]`` to ``branches[p + 1]``.
        n_threads : int, default 1
            Threads; 0 means all cores. The result does not depend on it.

        Raises
        ------
        ValueError
            If a shape does not fit, a weight is not finite or ``branches`` does not partition the columns.
        """
        children = as_csr(W.T, "W")
        bias = np.ascontiguousarray(bias, dtype=np.float32)
        if bias.shape != (children.shape[0],):
            raise ValueError(f"bias has shape {bias.shape}, but W has {children.shape[0]} columns")
        if not np.isfinite(bias).all():
            raise ValueError("bias contains NaN or infinity")
        branches = np.ascontiguousarray(branches, dtype=np.int64)
        return cls(
            branches=branches,
            bias=bias,
            n_features=children.shape[1],
            **pack_layer(children, branches, n_threads),
        )

    def to_matrix(self) -> tuple[sp.csc_array, NDArray[np.float32]]:
        """Return the weights as a matrix of shape (n_features, n_children), and the bias."""
        indptr, features, weights = self.native.unpack()
        W = sp.csc_array((weights, features, indptr), shape=(self.n_features, self.n_children))
        W.sort_indices()
        return W, self.bias

    @property
    def n_children(self) -> int:
        """Number of rankers."""
        return int(self.bias.shape[0])

    @cached_property
    def nnz(self) -> int:
        """Number of stored weights, biases apart."""
        return int(self.native.nnz())

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return sum(array.nbytes for array in self._arrays().values())

    @cached_property
    def native(self) -> Layer:
        """The layer as native kernels take it; its structure is checked when it is first asked for.

        Raises
        ------
        ValueError
            If the arrays are not a well-formed layer.
        """
        return self._native()

    def _native(self) -> Layer:
        try:
            return Layer(**self._arrays(), n_features=self.n_features)
        except TypeError:
            found = ", ".join(f"{name} {a.dtype}{list(a.shape)}" for name, a in self._arrays().items())
            raise ValueError(
                f"corrupt layer weights: an array has the wrong type or shape: {found}"
            ) from None

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "n_features"}

    def __getstate__(self) -> dict[str, Any]:  # without what is cached
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_state(self) -> State:
        """Return what a saved model holds of this layer."""
        return State(config={"n_features": self.n_features}, arrays=self._arrays(), parts={})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild a layer from its saved state; arrays are not copied."""
        return cls(**state.arrays, n_features=state.config["n_features"])
