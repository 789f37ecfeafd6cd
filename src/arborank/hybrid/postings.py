"""Sparse vectors by feature, ready to be compared with queries."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, to_scipy, transpose, without_zeros
from ..core.state import State
from ..core.types import AnyArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Postings"]

_MOST = 1000  # vectors that may have a feature: of 92,000 rows, more find nothing that fewer do not


@dataclass(frozen=True, eq=False)
class Postings:
    """Vectors as the columns of a matrix, without the features that many of them have.

    Such features tell little, and take most of the time.

    Attributes
    ----------
    matrix : Csr of shape (n_features, n_vectors)
    common : int64 array, ascending
        Features that are left out.
    """

    matrix: Csr
    common: NDArray[np.int64]

    @classmethod
    def of(cls, vectors: "csr_array") -> Self:
        """Take vectors, the rows of a matrix."""
        n_features = vectors.shape[1]
        common = np.flatnonzero(np.bincount(vectors.indices, minlength=n_features) > _MOST)
        return cls(transpose(_without(vectors, common)), common)

    @classmethod
    def empty(cls, n_features: int, n_vectors: int) -> Self:
        """Return vectors without a feature."""
        return cls.of(sp.csr_array((n_vectors, n_features), dtype=np.float32))

    @property
    def n_vectors(self) -> int:
        """Number of vectors."""
        return int(self.matrix.shape[1])

    def take(self, places: NDArray[np.int64], further: "csr_array | None" = None) -> Self:
        """Return some of the vectors; -1 stands for an empty one.

        Those of ``further`` are numbered after these.
        """
        own = to_scipy(transpose(self.matrix))
        parts = [own, sp.csr_array((1, own.shape[1]), dtype=np.float32)]
        if further is not None:
            parts.insert(1, to_scipy(_without(further, self.common)))
        taken = sp.vstack(parts, format="csr")[places]
        return type(self)(transpose(as_csr(taken)), self.common)

    def to_arrays(self, name: str) -> dict[str, AnyArray]:
        """Return the arrays that are saved."""
        return {
            f"{name}_starts": self.matrix.indptr,
            f"{name}_ids": self.matrix.indices,
            f"{name}_values": self.matrix.data,
            f"{name}_common": self.common,
        }

    @classmethod
    def from_state(cls, state: State, name: str, n_vectors: int) -> Self:
        """Put saved ones together again; arrays are used where they lie.

        Raises
        ------
        ValueError
            If the parts do not fit one another.
        """
        matrix = Csr(
            state.vector(f"{name}_starts", np.int64),
            state.vector(f"{name}_ids", np.int32),
            state.vector(f"{name}_values", np.float32),
            n_vectors,
        )
        common = state.vector(f"{name}_common", np.int64)
        if common.size and not (
            common[0] >= 0 and common[-1] < matrix.shape[0] and (np.diff(common) > 0).all()
        ):
            raise ValueError(f"{name}_common must be ascending features below {matrix.shape[0]}")
        return cls(matrix, common)


def _without(vectors: "csr_array", features: NDArray[np.int64]) -> Csr:
    left_out = np.zeros(vectors.shape[1], np.bool_)
    left_out[features] = True
    values = np.where(left_out[vectors.indices], np.float32(0), vectors.data)
    return without_zeros(as_csr(sp.csr_array((values, vectors.indices, vectors.indptr), shape=vectors.shape)))
