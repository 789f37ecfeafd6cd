"""The weights of one tree layer, in the chunked layout that prediction reads (see ``native/layer/layer.hpp``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from .._native import Layer, Precision, rank_features
from ..core.checks import check_choice, check_integer, check_real
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr
from ..core.state import State
from ..core.types import AnyArray, Matrix

__all__ = ["PRECISIONS", "LayerWeights", "check_ranks", "feature_ranks"]

PRECISIONS: Final = tuple(precision.name for precision in Precision)


def feature_ranks(X: Csr | NDArray[np.uint32]) -> NDArray[np.int32]:
    """Return the place of every column of ``X`` (int32 of shape (n_features,)) when those with most entries come first.

    In place of a matrix, the number of entries of every column will do.

    Layers whose ``ranks`` follow the frequency of features in the instances answer fastest; those of one model share
    the array.
    """
    return rank_features(X)


def check_ranks(ranks: NDArray[np.int32], n_features: int) -> None:
    """Raise ``ValueError`` unless ``ranks`` is an int32 array with an entry for every feature."""
    if ranks.dtype != np.int32 or ranks.shape != (n_features,):
        raise ValueError(
            f"ranks must be a permutation of the {n_features} features in int32, found {ranks.dtype}{list(ranks.shape)}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class LayerWeights:
    """One linear ranker for every child of every parent node, siblings stored side by side.

    Saved are the arrays ``branches``, ``ranks``, ``bias``, and:

    ``extents`` : int64 of shape (n_parents + 1, 6)
        Where each parent's chunk begins in ``index``, the second part of its index, and where it begins in
        ``starts``, ``keys``, ``units`` and ``bases``.
    ``index`` : uint32 of shape (n_entries, 2)
        Bitmaps of 32 features, or buckets of features, that tell where there is a row, each with the number of rows
        before.
    ``starts`` : uint16
        The first unit of every row of a chunk, relative to its base, and where its last row ends.
    ``bases`` : uint32
        Where every run of up to 256 rows begins, relative to the chunk.
    ``keys`` : uint16
        What the places of a chunk's rare features do not tell of their hashed ranks.
    ``units`` : uint16
        Rows: for every block of 16 siblings a lane mask, the number of the block if there are several, and the
        packed weights; int8 weights of 17 to 256 siblings are pairs of the sibling and the weight instead. Padding
        follows the last row.
    ``scales`` : float32 of shape (n_children,), or empty
        What the weights of every child are multiples of, if they are int8.

    Attributes
    ----------
    native : Layer
        The layer as native kernels take it. It is safe to search whatever the arrays hold.
    """

    native: Layer

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray], *, precision: str = "float32") -> Self:
        """Take over arrays that training has made; reads no weights.

        Raises
        ------
        ValueError
            If the arrays do not fit one another.
        """
        return cls(Layer.from_arrays(dict(arrays), Precision[precision]))

    @classmethod
    def from_matrix(
        cls,
        W: Matrix,
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
            is not a permutation.
        """
        children = as_csr(W.T, "W")
        bias = np.ascontiguousarray(bias, dtype=np.float32)
        if bias.shape != (children.shape[0],):
            raise ValueError(f"bias has shape {bias.shape}, but W has {children.shape[0]} columns")
        if not np.isfinite(bias).all():
            raise ValueError("bias contains NaN or infinity")
        if ranks is None:
            ranks = rank_features(children)
        check_ranks(ranks, children.shape[1])
        branches = np.ascontiguousarray(branches, dtype=np.int64)
        return cls(Layer.pack(children, bias, branches, ranks, n_threads))

    @property
    def branches(self) -> NDArray[np.int64]:
        """Children of parent ``p`` are ``branches[p]`` to ``branches[p + 1]``: shape (n_parents + 1,)."""
        return self.native.branches

    @property
    def ranks(self) -> NDArray[np.int32]:
        """The place of every feature in the layout, commonest first: a permutation, shape (n_features,)."""
        return self.native.ranks

    @property
    def bias(self) -> NDArray[np.float32]:
        """The contribution of the constant feature to every child's margin: shape (n_children,)."""
        return self.native.bias

    @property
    def arrays(self) -> dict[str, AnyArray]:
        """All arrays by name, not copied, not to be written to."""
        return self.native.arrays

    @property
    def n_features(self) -> int:
        """Width of the instances that the layer scores."""
        return self.native.n_features

    @property
    def precision(self) -> str:
        """How a weight is stored: "float32", "float16" or "int8". Sums are float32 always."""
        return self.native.precision.name

    @property
    def n_children(self) -> int:
        """Number of rankers."""
        return self.native.n_children

    def to_matrix(self) -> "tuple[sp.csc_array, NDArray[np.float32]]":
        """Return the weights as a float32 matrix of shape (n_features, n_children), and the bias."""
        indptr, features, weights = self.native.unpack()
        W = sp.csc_array((weights, features, indptr), shape=(self.n_features, self.n_children))
        W.sort_indices()
        return W, self.bias

    def astype(self, precision: str, *, n_threads: int = 1) -> Self:
        """Return a layer whose weights are stored in another precision.

        Weights that round to zero are dropped. float16 rounds to 11 bits; int8 rounds to 1/127 of the largest weight
        of the child.

        Parameters
        ----------
        precision : {"float32", "float16", "int8"}
        n_threads : int, default 1
            Threads; 0 means all cores. The result does not depend on it.

        Raises
        ------
        ValueError
            If there is no such precision, or a weight is beyond 65504, where float16 ends.
        """
        check_choice("precision", precision, PRECISIONS)
        if precision == self.precision:
            return self
        return type(self)(self.native.convert(Precision[precision], 0.0, None, n_threads))

    def with_bias(self, bias: NDArray[np.float32]) -> Self:
        """Return a layer of the same weights with other biases."""
        return self.from_arrays({**self.arrays, "bias": bias}, precision=self.precision)

    def prune(self, *, threshold: float = 0.0, max_nonzeros: int | None = None, n_threads: int = 1) -> Self:
        """Return a layer with only the weights of largest magnitude; biases stay.

        Parameters
        ----------
        threshold : float, default 0.0
            Weights of smaller magnitude are dropped.
        max_nonzeros : int, optional
            Of every child at most so many weights stay, the largest; of equal ones those of smaller features.
        n_threads : int, default 1
            Threads; 0 means all cores. The result does not depend on it.

        Raises
        ------
        TypeError, ValueError
            If ``threshold`` is not a number of at least 0 or ``max_nonzeros`` is not an integer of at least 0.
        """
        check_real("threshold", threshold, least=0.0)
        most = None if max_nonzeros is None else check_integer("max_nonzeros", max_nonzeros, 0, 2**31 - 1)
        return type(self)(self.native.convert(self.native.precision, float(threshold), most, n_threads))

    @cached_property
    def nnz(self) -> int:
        """Number of stored weights, biases apart."""
        return self.native.nnz()

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return sum(array.nbytes for array in self.arrays.values())

    def check(self) -> None:
        """Read the whole layer to see whether it is well-formed.

        Raises
        ------
        ValueError
            If it is not: the arrays were damaged, and the layer's scores may be wrong.
        """
        self.native.check()

    def continuing(self, lengths: Mapping[str, int], *, ends: bool) -> dict[str, AnyArray]:
        """Return what the arrays of a layer are extended by when these parents follow in it.

        Parameters
        ----------
        lengths : mapping of str to int
            Rows of every array so far; empty at the beginning.
        ends : bool
            Whether these are the layer's last parents. What closes the arrays is left out otherwise.

        Returns
        -------
        dict of str to ndarray
            ``extents``, ``index``, ``starts``, ``bases``, ``keys``, ``units`` and ``bias``.
        """
        arrays = self.arrays
        before = [lengths.get(name, 0) for name in ("index", "index", "starts", "keys", "units", "bases")]
        extents = arrays["extents"] + np.array(before, np.int64)
        if not ends:
            arrays["units"] = arrays["units"][: arrays["extents"][-1, 4]]
            extents = extents[:-1]
        return {
            **{name: arrays[name] for name in ("index", "starts", "keys", "bases", "units", "bias")},
            "extents": extents,
        }

    def __repr__(self) -> str:
        return (
            f"LayerWeights({self.n_children} children of {self.branches.size - 1} parents, {self.n_features} features, "
            f"{self.precision})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.arrays, self.precision)

    def to_state(self) -> State:
        """Return what a saved model holds of this layer."""
        config = {"n_features": self.n_features, "precision": self.precision}
        return State(config=config, arrays=self.arrays, parts={})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild a layer from its saved state; arrays are not copied."""
        check_choice("precision", state.config["precision"], PRECISIONS)
        n_features = check_integer("n_features", state.config["n_features"], 0, 2**31 - 1)
        layer = cls.from_arrays(state.arrays, precision=state.config["precision"])
        if layer.n_features != n_features:
            raise ValueError(
                f"corrupt layer weights: n_features is {n_features}, but there are {layer.n_features} ranks"
            )
        return layer


def _unpickled(arrays: dict[str, NDArray[Any]], precision: str) -> LayerWeights:
    return LayerWeights.from_arrays(arrays, precision=precision)
