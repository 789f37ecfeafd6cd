"""Chains of cluster matrices, the form in which PECOS keeps its label trees."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.structure import check_structure
from ..core.types import Matrix

__all__ = ["chain_orders"]

IntArray = NDArray[np.int64]


def chain_orders(chain: Sequence[Matrix]) -> tuple[list[IntArray], list[IntArray]]:
    """Renumber the nodes of a chain of cluster matrices, see `LabelTree.from_chain`, so that siblings are neighbours.

    Returns
    -------
    branches : list of int64 arrays
        As in `LabelTree`, in the new numbers.
    orders : list of int64 arrays, one for each of ``branches``
        ``orders[t][i]`` is the old number (row of the matrix) of node ``i`` of level ``t + 1``; whoever imports weights
        permutes their columns so. When a root was added, ``orders[0]`` is the old columns of the first matrix.

    Raises
    ------
    TypeError, ValueError
        If a member is not a sparse matrix, shapes do not follow each other, a node has no child or no parent, or an
        inner node several parents.
    """
    if isinstance(chain, str) or not isinstance(chain, Sequence):
        raise TypeError(f"chain must be a list of cluster matrices, found {type(chain).__name__}")
    if len(chain) == 0:
        raise ValueError("chain is empty; at least one cluster matrix is needed")
    matrices = [_csc(matrix, t) for t, matrix in enumerate(chain)]
    n_top = matrices[0].shape[1]
    order = np.arange(n_top)
    branches: list[IntArray] = []
    orders: list[IntArray] = []
    if n_top > 1:
        branches.append(np.array([0, n_top]))
        orders.append(order)
    for t, matrix in enumerate(matrices):
        if matrix.shape[1] != order.size:
            raise ValueError(
                f"chain[{t}] has {matrix.shape[1]} columns, but chain[{t - 1}] has {order.size} rows"
            )
        _check_links(matrix, t, is_last=t == len(matrices) - 1)
        ordered = sp.csc_array(matrix[:, order])
        branches.append(ordered.indptr.astype(np.int64))
        order = ordered.indices.astype(np.int64)
        orders.append(order)
    return branches, orders


def _csc(matrix: Any, t: int) -> "sp.csc_array":
    if not sp.issparse(matrix):
        raise TypeError(f"chain[{t}] must be a scipy sparse matrix, found {type(matrix).__name__}")
    given: Any = check_structure(matrix, f"chain[{t}]")
    csc: sp.csc_array[Any] = sp.csc_array(given, copy=True)
    csc.sum_duplicates()
    csc.eliminate_zeros()
    return csc


def _check_links(matrix: "sp.csc_array", t: int, *, is_last: bool) -> None:
    childless = np.flatnonzero(np.diff(matrix.indptr) == 0)
    if childless.size:
        raise ValueError(f"chain[{t}] gives column {int(childless[0])} no row: a node without children")
    n_parents = np.bincount(matrix.indices, minlength=matrix.shape[0])
    orphans = np.flatnonzero(n_parents == 0)
    if orphans.size:
        raise ValueError(f"chain[{t}] gives row {int(orphans[0])} no column: a node without a parent")
    several = np.flatnonzero(n_parents > 1)
    if several.size and not is_last:
        raise ValueError(f"chain[{t}] gives row {int(several[0])} several columns; only labels may overlap")
