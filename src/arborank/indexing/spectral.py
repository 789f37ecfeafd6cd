"""Graph-spectral label vectors: labels that are near in a graph are near in space.

Without a graph of the user's, the graph is the bipartite one of instances and labels, and the vectors are those of
Dhillon, "Co-clustering documents and words using bipartite spectral graph partitioning" (KDD 2001).
"""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..core.checks import check_integer
from ..core.lazy import sp
from ..core.sparse import as_csr, to_scipy, unit_rows
from ..core.types import MatrixLike

__all__ = ["graph_spectral", "spectral"]

_SMALL = 64  # so few rows are decomposed densely
_TINY = 1e-12  # lengths of rows of rounding errors


def spectral(Y: MatrixLike, *, n_components: int = 32, random_state: int = 0) -> NDArray[np.float32]:
    """Return vectors from the bipartite graph of instances and labels.

    Parameters
    ----------
    Y : matrix of shape (n, n_labels), values at least 0
    n_components : int, default 32
        Numbers a label; fewer where the matrix has fewer singular values.
    random_state : int, default 0
        Seed of the randomised decomposition.

    Returns
    -------
    float32 array of shape (n_labels, n_components)
        The right singular vectors, after the first, of ``D1**-0.5 @ Y @ D2**-0.5`` (``D1``, ``D2``: sums of rows and of
        columns), times their singular values, as rows of unit length; zeros for a label without instances.

    Raises
    ------
    ValueError
        If a value is negative or ``n_components`` is below 1.
    """
    check_integer("n_components", n_components, 1)
    matrix = to_scipy(_non_negative(Y, "Y")).astype(np.float64)
    scaled = sp.diags_array(_inverse_root(matrix.sum(axis=1))) @ matrix
    scaled = scaled @ sp.diags_array(_inverse_root(matrix.sum(axis=0)))
    rank = min(n_components + 1, *scaled.shape)
    if min(scaled.shape) <= _SMALL:
        _, values, right = np.linalg.svd(scaled.toarray(), full_matrices=False)
        values, right = values[:rank], right[:rank]
    else:
        from sklearn.utils.extmath import randomized_svd

        with threadpool_limits(1):  # sums of the same order, whatever the number of threads
            _, values, right = randomized_svd(scaled, rank, n_iter=7, random_state=random_state)
    return unit_rows(right[1:].T * values[1:], _TINY)


def graph_spectral(
    graph: MatrixLike, *, n_labels: int | None = None, n_components: int = 32, random_state: int = 0
) -> NDArray[np.float32]:
    """Return vectors from a graph over the labels.

    Parameters
    ----------
    graph : matrix of shape (n_labels, n_labels), values at least 0
        How strongly labels are related. Directions are forgotten: the graph is added to its transpose.
    n_labels : int, optional
        What the shape must be.
    n_components : int, default 32
        Numbers a label; at most ``n_labels - 1``.
    random_state : int, default 0
        Seed of the iteration's first vector.

    Returns
    -------
    float32 array of shape (n_labels, n_components)
        The eigenvectors, after the first, of ``D**-0.5 @ A @ D**-0.5`` with the largest eigenvalues, times one plus
        their eigenvalues, as rows of unit length; zeros for a label without neighbours.

    Raises
    ------
    ValueError
        If the graph is not square, does not fit ``n_labels`` or holds a negative value.
    """
    check_integer("n_components", n_components, 1)
    csr = _non_negative(graph, "graph")
    expected = csr.shape[0] if n_labels is None else n_labels
    if csr.shape != (expected, expected):
        raise ValueError(
            f"graph has shape {csr.shape}; a label graph is square: ({expected}, {expected}) was expected"
        )
    matrix = to_scipy(csr).astype(np.float64)
    matrix = matrix + matrix.T
    root = sp.diags_array(_inverse_root(matrix.sum(axis=1)))
    scaled = root @ matrix @ root
    rank = min(n_components + 1, expected)
    if expected <= max(_SMALL, rank + 1):
        values, vectors = np.linalg.eigh(scaled.toarray())
    else:
        from scipy.sparse.linalg import eigsh

        start = np.random.default_rng(random_state).uniform(0.5, 1.5, expected)
        with threadpool_limits(1):
            values, vectors = eigsh(scaled, rank, which="LA", v0=start)
    best = np.argsort(-values, kind="stable")[1:rank]
    connected = np.asarray(matrix.sum(axis=1)).ravel() > 0
    return unit_rows(vectors[:, best] * (1 + values[best]) * connected[:, None], _TINY)


def _non_negative(matrix: MatrixLike, name: str) -> "sp.csr_array":
    csr = as_csr(matrix, name)
    if csr.nnz and csr.data.min() < 0:
        raise ValueError(f"{name} holds {float(csr.data.min()):g}; values of at least 0 were expected")
    return csr


def _inverse_root(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = np.asarray(sums, dtype=np.float64).ravel()
    out = np.zeros_like(flat)
    np.divide(1.0, np.sqrt(flat), out=out, where=flat > 0)
    return out
