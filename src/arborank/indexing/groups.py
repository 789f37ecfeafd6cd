"""Grouping by nearest neighbours: labels that are near one another share a leaf, whatever the shape of their region."""

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.types import Matrix
from ..matching.neighbours import NeighbourIndex

__all__ = ["neighbour_clusters"]


def neighbour_clusters(
    vectors: Matrix, *, max_leaf_size: int = 100, n_neighbours: int = 10, approximate: bool = False
) -> NDArray[np.int64]:
    """Group labels by nearest neighbours: a seed takes those near it, then those near them, until its leaf is full.

    Parameters
    ----------
    vectors, approximate
        As for `NeighbourIndex`, a row a label.
    max_leaf_size : int, default 100
    n_neighbours : int, default 10
        Neighbours of a label that count as near.

    Returns
    -------
    int64 array of shape (n_labels,)
        The cluster of every label, for `LabelTree.from_clusters`.
    """
    check_integer("max_leaf_size", max_leaf_size, 1)
    check_integer("n_neighbours", n_neighbours, 1)
    n_labels = vectors.shape[0]
    near, similarity = NeighbourIndex(vectors, approximate=approximate).search(vectors, n_neighbours + 1)
    order = np.argsort(-similarity[:, 1:].sum(axis=1), kind="stable")  # the densest places first
    cluster = np.full(n_labels, -1, np.int64)
    sizes: list[int] = []
    for seed in order.tolist():
        if cluster[seed] >= 0:
            continue
        queue, size = [seed], 0
        while queue and size < max_leaf_size:
            label = queue.pop(0)
            if cluster[label] >= 0:
                continue
            cluster[label] = len(sizes)
            size += 1
            queue += [
                other
                for other, close in zip(near[label].tolist(), similarity[label].tolist(), strict=True)
                if close > 0 and cluster[other] < 0
            ]
        sizes.append(size)
    return _packed(cluster, np.array(sizes, np.int64), max_leaf_size)


def _packed(cluster: NDArray[np.int64], sizes: NDArray[np.int64], room: int) -> NDArray[np.int64]:
    """Join neighbouring small clusters while they fit into one leaf."""
    leaf = np.zeros(sizes.size, np.int64)
    used = 0
    for number, size in enumerate(sizes.tolist()):
        if number and used + size > room:
            leaf[number:] += 1
            used = 0
        used += size
    packed: NDArray[np.int64] = leaf[cluster]
    return packed
