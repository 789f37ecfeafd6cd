"""Some of the examples of nodes that have very many: fewer tell as much at the top of a tree, in less time and memory.

Which ones are drawn depends on the number of the row, the level and the node alone. So parts of a layer that are
trained apart, on other machines and on some of the rows, draw the same ones.
"""

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr

__all__ = ["draw_examples", "drawn"]


def drawn(rows: NDArray[np.integer], max_rows: int, level: int, parent: int) -> NDArray[np.bool_]:
    """Return which rows, by their numbers, are examples of a parent node; ``max_rows`` at most."""
    kept = np.ones(rows.size, np.bool_)
    if rows.size > max_rows:
        places = _scattered(rows.astype(np.uint64), level, parent)
        kept[np.argpartition(places, max_rows)[max_rows:]] = False
    return kept


def draw_examples(
    active: Csr,
    positives: Csr,
    branches: NDArray[np.int64],
    max_rows: int,
    *,
    level: int,
    first: int = 0,
    numbers: NDArray[np.int64] | None = None,
) -> tuple[Csr, Csr]:
    """Leave no parent more than ``max_rows`` examples.

    Parameters
    ----------
    active : Csr of shape (n_parents, n_instances)
    positives : Csr of shape (n_children, n_instances)
    branches : int64 array of shape (n_parents + 1,)
        All as for `arborank.ranking.train_layer`.
    max_rows : int
    level : int
        Of the parents; 0 for the root.
    first : int, default 0
        The number of the first parent on its level, where these are not all.
    numbers : int64 array of shape (n_instances,), optional
        The number of every instance among all, where these are not all.

    Returns
    -------
    active, positives : Csr
        The same without the examples that were not drawn.
    """
    sizes = np.diff(active.indptr)
    large = np.flatnonzero(sizes > max_rows)
    if not large.size:
        return active, positives
    kept, positive = np.ones(active.nnz, np.bool_), np.ones(positives.nnz, np.bool_)
    held = np.zeros(active.shape[1], np.bool_)
    for parent in large.tolist():
        own = slice(active.indptr[parent], active.indptr[parent + 1])
        rows = active.indices[own]
        kept[own] = drawn(rows if numbers is None else numbers[rows], max_rows, level, first + parent)
        held[rows] = kept[own]
        below = slice(positives.indptr[branches[parent]], positives.indptr[branches[parent + 1]])
        positive[below] = held[positives.indices[below]]
    return _only(active, kept), _only(positives, positive)


def _only(matrix: Csr, kept: NDArray[np.bool_]) -> Csr:
    before = np.concatenate([[0], np.cumsum(kept)])
    return Csr(before[matrix.indptr], matrix.indices[kept], matrix.data[kept], matrix.shape[1])


def _scattered(rows: NDArray[np.uint64], level: int, parent: int) -> NDArray[np.uint64]:
    """Return a different number for every row, in no order (Steele, Lea and Flood 2014, splitmix64)."""
    node = np.uint64((parent << 8 | level) * 0xD1342543DE82EF95 % 2**64)
    z = (rows ^ node) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
