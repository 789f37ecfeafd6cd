"""Where a level's vectors begin: at a linear solution on the encoder's present embeddings, or at their parents."""

import numpy as np
from numpy.typing import NDArray

from ...core.sparse import Csr, as_csr, to_scipy, transpose
from ...ranking import SolverParams, train_layer
from ..joined import dense_rows

__all__ = ["active_pattern", "inherit", "solve"]

_SOLVER = SolverParams(Cp=10.0, Cn=10.0, bias=1.0, threshold=0.0, max_iter=50)


def solve(
    vectors: NDArray[np.float32],
    active: Csr,
    positives: Csr,
    bounds: NDArray[np.int64],
    fallback: NDArray[np.float32] | None,
    *,
    n_threads: int,
) -> NDArray[np.float32]:
    """Fit each node's vector among its siblings by the squared hinge loss.

    Parameters
    ----------
    vectors : float32 array of shape (n_instances, d)
        The encoder's vectors of the instances.
    active : Csr of shape (n_instances, n_upper)
        Which instances are examples below which node of the level above.
    positives : Csr of shape (n_instances, n_nodes)
    bounds : int64 array of shape (n_upper + 1,)
        Nodes below each upper node.
    fallback : float32 array of shape (n_nodes, d + 1), optional
        For nodes without a positive among these instances.

    Returns
    -------
    float32 array of shape (n_nodes, d + 1)
        The last column is the bias.
    """
    own = transpose(positives)
    layer = train_layer(dense_rows(vectors), transpose(active), own, bounds, _SOLVER, n_threads=n_threads)
    weights, bias = layer.to_matrix()
    solved = np.concatenate([weights.toarray().T, bias[:, None]], axis=1).astype(np.float32)
    if fallback is not None:
        missing = np.diff(np.asarray(own.indptr)) == 0
        solved[missing] = fallback[missing]
    return solved


def inherit(parent: NDArray[np.float32], bounds: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the vector of its parent for every node."""
    return np.repeat(parent, np.diff(bounds), axis=0)


def active_pattern(positives: Csr, beam: NDArray[np.int32] | None) -> Csr:
    """Return the union of right nodes and those that a beam holds."""
    matrix = to_scipy(positives)
    if beam is not None:
        i, j = np.nonzero(beam >= 0)
        held = type(matrix)((np.ones(i.size, np.float32), (i, beam[i, j])), shape=matrix.shape)
        matrix = matrix + held
    matrix.data[:] = 1.0
    return as_csr(matrix, "active")
