"""Which copy of a label an instance is an example of: the one in the leaf that the matcher prefers for it.

Were an instance an example of all leaves that hold its label, the matcher would learn to send every instance to every
copy, and the copies could not part its senses. So at the inner levels it is a positive of the preferred leaf's
ancestors; for the ancestors of the other copies it is neither positive nor negative. At the bottom, where the copies
themselves are ranked, it stays a positive of all of them.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..sparse import Csr, as_csr, to_scipy

__all__ = ["keep_routed", "route"]


def route(Y: Csr, membership: Csr, beams: NDArray[np.int64], scores: NDArray[np.float32]) -> Csr:
    """Return the leaves that every instance is an example of.

    Parameters
    ----------
    Y : Csr of shape (n, n_labels)
    membership : Csr of shape (n_labels, n_leaves)
        The leaves of every label.
    beams : int array of shape (n, width)
        The leaves in every instance's beam, -1 where there are fewer.
    scores : float array of shape (n, width)
        Their scores, at least 0.

    Returns
    -------
    Csr of shape (n, n_leaves), all values 1
        For each label of an instance, the leaf among the label's with the best score; all its leaves if none is in
        the beam.
    """
    leaves = to_scipy(membership)
    copies = np.diff(leaves.indptr)
    rows = np.repeat(np.arange(Y.shape[0]), np.diff(Y.indptr))
    labels = Y.indices
    widest = int(copies.max(initial=0))
    worth = np.full((rows.size, widest), -1.0, np.float32)
    nodes = np.zeros((rows.size, widest), np.int32)
    for turn in range(widest):
        has = np.flatnonzero(copies[labels] > turn)
        leaf = leaves.indices[leaves.indptr[labels[has]] + turn]
        nodes[has, turn] = leaf
        worth[has, turn] = ((beams[rows[has]] == leaf[:, None]) * scores[rows[has]]).max(axis=1, initial=0.0)
    row, best = np.nonzero((worth >= 0) & (worth == worth.max(axis=1, keepdims=True, initial=-1.0)))
    pairs = (np.ones(row.size, np.float32), (rows[row], nodes[row, best]))
    matrix = sp.coo_array(pairs, shape=(Y.shape[0], membership.shape[1])).tocsr()
    matrix.data[:] = 1
    return as_csr(matrix, "routes")


def keep_routed(costs: Csr, routed: Csr) -> Csr:
    """Give positives that are not routed no cost, which makes them neither positive nor negative.

    Parameters
    ----------
    costs : Csr of shape (n_nodes, n)
        Positives of every node with the multipliers of their costs.
    routed : Csr of shape (n_nodes, n)
        A part of the pattern of ``costs``: those that keep theirs.
    """
    kept = np.zeros(costs.nnz, bool)
    kept[np.searchsorted(_places(costs), _places(routed))] = True
    values = np.where(kept, costs.data, np.float32(0))
    return Csr(costs.indptr, costs.indices, values, costs.shape[1])


def _places(matrix: Csr) -> NDArray[np.int64]:
    """Return the row and the column of every entry as one number, ascending."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    places: NDArray[np.int64] = rows * matrix.shape[1] + matrix.indices
    return places
