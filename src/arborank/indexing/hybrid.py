"""A trie on top, balanced k-means below: prefixes are exact where they are short, and branches stay even below."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.sequences import text_list
from ..core.sparse import Csr, as_csr, to_scipy
from .kmeans import balanced_kmeans
from .options import TreeOptions
from .tree import LabelTree
from .trie import prefix_runs, tree_from_runs

__all__ = ["hybrid_tree"]


def hybrid_tree(
    names: Sequence[str],
    representation: Csr | NDArray[np.float32],
    *,
    depth: int = 2,
    branching: int = TreeOptions.branching,
    max_leaf_size: int = TreeOptions.max_leaf_size,
    spherical: bool = TreeOptions.spherical,
    random_state: int = TreeOptions.random_state,
    n_threads: int = 0,
) -> LabelTree:
    """Cluster the labels that share their first ``depth`` code points (Yadav et al., KDD 2021, section 3.2).

    Every node of the trie's last level becomes the root of a k-means tree of its own. Where these differ in height,
    single children between the trie and the lower ones make up for it.

    Parameters
    ----------
    names : sequence of str, one per label
    representation : matrix of shape (n_labels, d)
        See `arborank.indexing.representation`.
    depth : int, default 2
        Levels of characters.
    branching, max_leaf_size, spherical, random_state, n_threads
        Of `balanced_kmeans`, for every node.

    Raises
    ------
    TypeError
        If a name is not a str.
    ValueError
        If there is no name, an argument is out of range, or ``representation`` has another number of rows.
    """
    names = text_list(names, "names")
    rows = to_scipy(as_csr(representation, "representation", n_rows=len(names)))
    order, runs = prefix_runs(names, check_integer("depth", depth, 1))
    starts = runs[-1]
    shape: dict[str, Any] = {
        "branching": branching,
        "max_leaf_size": max_leaf_size,
        "spherical": spherical,
        "random_state": random_state,
    }
    TreeOptions(**shape)  # which checks them
    subtrees = []
    for begin, end in pairwise(starts):
        if end - begin <= max_leaf_size:  # most of them: nothing is to be split
            subtree = LabelTree.one_vs_all(int(end - begin))
        else:
            vectors = as_csr(rows[order[begin:end]], "representation")
            subtree = balanced_kmeans(vectors, **shape, n_threads=n_threads)
        order[begin:end] = order[begin:end][subtree.labels]
        subtrees.append(subtree)
    height = max(subtree.depth for subtree in subtrees)
    for level in range(1, height):  # below the trie, without the labels
        parts = [
            begin + subtree.slot_bounds(max(level - (height - subtree.depth), 0))[:-1]
            for begin, subtree in zip(starts[:-1], subtrees, strict=True)
        ]
        runs.append(np.append(np.concatenate(parts), len(names)))
    return tree_from_runs(runs, order, len(names))
