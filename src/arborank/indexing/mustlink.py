"""K-means with must-link constraints: labels that begin alike stay together, longer beginnings further down."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.lazy import sp
from ..core.sequences import text_list
from ..core.sparse import Csr, as_csr, to_scipy
from .options import TreeOptions
from .tree import LabelTree
from .trie import IntArray, prefix_runs, tree_from_runs

__all__ = ["mustlink_tree"]


def mustlink_tree(
    names: Sequence[str],
    representation: Csr | NDArray[np.float32],
    *,
    depth: int = 3,
    branching: int = TreeOptions.branching,
    max_leaf_size: int = TreeOptions.max_leaf_size,
    spherical: bool = TreeOptions.spherical,
    max_iter: int = 20,
    random_state: int = TreeOptions.random_state,
) -> LabelTree:
    """Halve labels by k-means, keeping those with a common prefix on one side (Yadav et al., KDD 2021, section 3.2).

    At the ``i``-th halving labels with the same first ``i`` code points move as one, by the mean of their vectors;
    after ``depth`` halvings every label moves alone. The halves are as even in labels as the groups allow. A node whose
    labels are all one group is split by the next longer prefix.

    Parameters
    ----------
    names : sequence of str, one per label
    representation : matrix of shape (n_labels, d)
        See `arborank.indexing.representation`.
    depth : int, default 3
        Halvings that keep prefixes together.
    branching : int, default 16
        Most children of an inner node: a power of 2.
    max_leaf_size, spherical, max_iter, random_state
        As for `balanced_kmeans`.

    Raises
    ------
    TypeError
        If a name is not a str.
    ValueError
        If there is no name, an argument is out of range, or ``representation`` has another number of rows.
    """
    given: dict[str, Any] = {"branching": branching, "max_leaf_size": max_leaf_size, "spherical": spherical}
    TreeOptions(**given, random_state=random_state)  # which checks them
    check_integer("max_iter", max_iter, 1)
    step = branching.bit_length() - 1
    if branching != 1 << step:
        raise ValueError(f"branching is {branching}; for must-link k-means it must be a power of 2")
    names = text_list(names, "names")
    rows = to_scipy(as_csr(representation, "representation", n_rows=len(names)))
    order, runs = prefix_runs(names, check_integer("depth", depth, 1))
    rows = rows[order]
    places = np.arange(len(names))
    groups = [np.searchsorted(run, places, side="right") for run in runs]
    random = np.random.default_rng(random_state)
    bounds = np.array([0, len(names)])
    halvings: list[IntArray] = []
    while np.diff(bounds).max() > max_leaf_size:
        keys = groups[min(len(halvings), len(groups)) :]
        cuts = [bounds]
        for begin, end in pairwise(bounds):
            if end - begin > max_leaf_size:
                node = places[begin:end]
                right = _split(rows[node], [key[node] for key in keys], spherical, max_iter, random)
                places[begin:end] = np.concatenate([node[~right], node[right]])
                cuts.append(np.array([end - np.count_nonzero(right)]))
        bounds = np.sort(np.concatenate(cuts))
        halvings.append(bounds)
    return tree_from_runs(halvings[::-1][::step][::-1], order[places], len(names))


def _split(
    rows: Any, keys: list[IntArray], spherical: bool, max_iter: int, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which rows go right; at least one stays left."""
    group = np.arange(rows.shape[0])
    for key in keys:  # the shortest prefix that tells some apart
        if key[0] != key[-1] or (key != key[0]).any():
            group = np.unique(key, return_inverse=True)[1]
            break
    sizes = np.bincount(group)
    member = sp.csr_array(
        (np.ones(group.size, np.float32), (group, np.arange(group.size))), shape=(sizes.size, group.size)
    )
    vectors = member @ rows
    left, right = random.choice(sizes.size, 2, replace=False)
    direction = _centroid(vectors[[right]], spherical, 1) - _centroid(vectors[[left]], spherical, 1)
    side = np.zeros(sizes.size, dtype=bool)
    for _ in range(max_iter):
        ranked = np.argsort(vectors @ direction / sizes, kind="stable")
        heads = np.cumsum(sizes[ranked])[:-1]
        cut = int(np.argmin(np.abs(heads - group.size / 2))) + 1
        new = np.zeros(sizes.size, dtype=bool)
        new[ranked[cut:]] = True
        if (new == side).all():
            break
        side = new
        n_right = int(sizes[side].sum())
        direction = _centroid(vectors[side], spherical, n_right)
        direction -= _centroid(vectors[~side], spherical, group.size - n_right)
    return side[group]


def _centroid(vectors: Any, spherical: bool, n_labels: int) -> NDArray[np.float32]:
    total = np.asarray(vectors.sum(axis=0), dtype=np.float32)
    length = float(np.linalg.norm(total)) if spherical else float(n_labels)
    return total / length if length else total
