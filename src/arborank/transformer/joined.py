"""Sparse features and dense embeddings side by side in one sparse matrix."""

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr

__all__ = ["dense_rows", "join", "ranker_rows"]

_BLOCK = 16_384  # rows joined at once, which bounds the memory beyond the result


def join(sparse: Csr, dense: NDArray[np.float32], weight: float = 1.0) -> Csr:
    """Put dense columns behind sparse ones.

    Only the dense block is stored in full: 8 bytes for each of its values.

    Parameters
    ----------
    sparse : Csr of shape (n, d)
    dense : float32 array of shape (n, e)
        May be a memory map; it is read block by block.
    weight : float, default 1.0
        Dense values are multiplied by it.

    Returns
    -------
    Csr of shape (n, d + e)

    Raises
    ------
    ValueError
        If the numbers of rows differ.
    """
    n, d = sparse.shape
    if dense.shape[0] != n:
        raise ValueError(f"sparse features have {n} rows, but there are {dense.shape[0]} embeddings")
    e = dense.shape[1]
    old = np.asarray(sparse.indptr)
    indptr = old + e * np.arange(n + 1)
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    columns = np.arange(d, d + e, dtype=np.int32)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        widths = np.diff(old[start : stop + 1])
        own = slice(int(old[start]), int(old[stop]))
        shift = np.repeat(e * np.arange(start, stop), widths)
        places = np.arange(own.start, own.stop) + shift
        indices[places], data[places] = sparse.indices[own], sparse.data[own]
        behind = (indptr[start + 1 : stop + 1] - e)[:, None] + np.arange(e)
        indices[behind], data[behind] = columns, np.float32(weight) * dense[start:stop]
    return Csr(indptr, indices, data, d + e)


def ranker_rows(sparse: Csr, dense: NDArray[np.float32], weight: float | None) -> Csr:
    """Return what a ranker sees of texts: both, embeddings with this weight; or the embeddings alone."""
    return dense_rows(dense) if weight is None else join(sparse, dense, weight)


def dense_rows(dense: NDArray[np.float32]) -> Csr:
    """Return a dense matrix as a `Csr` that stores every value."""
    n, e = dense.shape
    indices = np.tile(np.arange(e, dtype=np.int32), n)
    return Csr(e * np.arange(n + 1), indices, np.array(dense, np.float32).ravel(), e)
