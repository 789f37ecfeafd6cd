"""The weights of one tree layer, in the chunked layout that prediction reads (see ``native/weights.hpp``)."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._native import Layer, pack_layer, rank_features
from ..sparse import Csr, as_csr
from ..state import State

__all__ = ["LayerWeights", "check_ranks", "feature_ranks"]


def feature_ranks(X: Csr) -> NDArray[np.int32]:
    """Return the place of every column of ``X`` (int32 of shape (n_features,)) when those with most entries come first.

    Layers whose ``ranks`` follow the frequency of features in the instances answer fastest; those of one model share
    the array.
    """
    return rank_features(X)


def check_ranks(ranks: NDArray[np.int32], n_features: int) -> None:
    """Raise ``ValueError`` unless ``ranks`` is an int32 permutation of the features."""
    if ranks.dtype == np.int32 and ranks.shape == (n_features,):
        taken = np.zeros(n_features, bool)
        taken[ranks[(ranks >= 0) & (ranks < n_features)]] = True
        if taken.all():
            return
    raise ValueError(
        f"ranks must be a permutation of the {n_features} features in int32, found {ranks.dtype}{list(ranks.shape)}"
    )


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One linear ranker for every child of every parent node, siblings stored side by side.

    Attributes
    ----------
    branches : int64 array of shape (n_parents + 1,)
        Children of parent ``p`` are ``branches[p]`` to ``branches[p + 1]``.
    ranks : int32 array of shape (n_features,)
        The place of every feature in the layout, commonest first: a permutation.
    extents : int64 array of shape (n_parents + 1, 5)
        Where each parent's chunk begins in ``index``, the second part of its index, and where it begins in
        ``starts``, ``keys`` and ``units``.
    index : uint32 array of shape (n_entries, 2)
        Bitmaps of 32 features, or buckets of features, that tell where there is a row, each with the number of rows
        before.
    starts : uint32 array
        The first unit of every row of a chunk, relative to the chunk, and where its last row ends.
    keys : uint32 array
        The hashed ranks of the chunk's rare features, ascending, then a sentinel.
    units : uint16 array
        Rows: for every block of 16 siblings a lane mask, the number of the block if there are several, and the
        packed float32 weights. Padding follows the last row.
    bias : float32 array of shape (n_children,)
        The contribution of the constant feature to every child's margin.
    n_features : int
        Width of the instances that the layer scores.
    """

    branches: NDArray[np.int64]
    ranks: NDArray[np.int32]
    extents: NDArray[np.int64]
    index: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    keys: NDArray[np.uint32]
    units: NDArray[np.uint16]
    bias: NDArray[np.float32]
    n_features: int

    @classmethod
    def from_matrix(
        cls,
        W: Any,
        bias: NDArray[np.float32],
        branches: NDArray[np.int64],
        *,
        ranks: NDArray[np.int32] | None = None,
        n_threads: int = 1,
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
        ranks : int32 array of shape (n_features,), optional
            What `feature_ranks` tells of the instances; by default features are ranked by their weights here.
        n_threads : int, default 1
            Threads; 0 means all cores. The result does not depend on it.

        Raises
        ------
        ValueError
            If a shape does not fit, a weight is not finite, ``branches`` does not partition the columns or ``ranks``
            is no permutation.
        """
        children = as_csr(W.T, "W")
        bias = np.ascontiguousarray(bias, dtype=np.float32)
        if bias.shape != (children.shape[0],):
            raise ValueError(f"bias has shape {bias.shape}, but W has {children.shape[0]} columns")
        if not np.isfinite(bias).all():
            raise ValueError("bias contains NaN or infinity")
        branches = np.ascontiguousarray(branches, dtype=np.int64)
        n_features = children.shape[1]
        if ranks is None:
            ranks = rank_features(children)
        check_ranks(ranks, n_features)
        return cls(
            branches=branches,
            ranks=ranks,
            bias=bias,
            n_features=n_features,
            **pack_layer(children, branches, ranks, n_threads),
        )

    def to_matrix(self) -> tuple[sp.csc_array, NDArray[np.float32]]:
        """Return the weights as a matrix of shape (n_features, n_children), and the bias."""
        self.check()
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
        self.check()
        return int(self.native.nnz())

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return sum(array.nbytes for array in self._arrays().values())

    @cached_property
    def native(self) -> Layer:
        """The layer as native kernels take it, which is safe whatever the arrays hold; reads no weights.

        Raises
        ------
        ValueError
            If the arrays do not fit one another.
        """
        return self._native()

    def check(self) -> None:
        """Read the whole layer to see whether it is well-formed.

        Raises
        ------
        ValueError
            If it is not: the arrays were damaged, and the layer's scores may be wrong.
        """
        self.native.check()

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
        expected = {field.name for field in fields(cls)} - {"n_features"}
        if set(state.arrays) != expected:
            raise ValueError(
                f"layer weights hold the arrays {', '.join(sorted(state.arrays))}, but {', '.join(sorted(expected))} "
                f"were expected; models of versions before 0.2 must be trained again"
            )
        return cls(**state.arrays, n_features=state.config["n_features"])
