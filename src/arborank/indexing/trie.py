"""A trie of the label names: labels that begin alike stand together."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.sequences import text_list
from .tree import LabelTree

__all__ = ["trie_tree"]

IntArray = NDArray[np.int64]


def trie_tree(names: Sequence[str], *, depth: int = 16) -> LabelTree:
    """Arrange labels by the first characters of their names (Yadav et al., KDD 2021, section 3.2).

    A level is a code point. Below the last one are the labels that begin with the same ``depth`` code points. A name
    that ends earlier is continued by nodes with a single child. Levels on which no two names part are left out.

    Parameters
    ----------
    names : sequence of str, one per label
        In any order; names that are equal stay together. In the tree they are in code point order.
    depth : int, default 16
        Most levels of characters.

    Raises
    ------
    TypeError
        If a name is not a str.
    ValueError
        If there is no name, or ``depth`` is below 1.

    Examples
    --------
    >>> trie_tree(["ant", "bee", "bat"]).level_sizes
    (1, 2, 3)
    """
    names = text_list(names, "names")
    order, runs = prefix_runs(names, check_integer("depth", depth, 1))
    return tree_from_runs(runs, order, len(names))


def prefix_runs(names: Sequence[str], depth: int) -> tuple[IntArray, list[IntArray]]:
    """Sort names, and find the runs that share their first 1, 2, ... ``depth`` code points.

    Returns the positions of the names in code point order, equal ones in their own order, and runs for ``depth``
    lengths or as many as the longest name has code points: run ``i`` of a length is names ``run[i]`` to ``run[i + 1]``.
    """
    points = _code_points(names, depth)
    order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
    points = points[order]
    parts = np.zeros(max(len(names) - 1, 0), dtype=bool)  # from the name before
    runs = []
    for level in range(points.shape[1]):
        parts |= points[1:, level] != points[:-1, level]
        runs.append(np.concatenate([[0], np.flatnonzero(parts) + 1, [len(names)]]))
    return order, runs


def tree_from_runs(runs: Sequence[IntArray], order: NDArray[np.int64], n_labels: int) -> LabelTree:
    """Build a tree over slots that stand in their final order, with the label of every slot.

    ``runs`` are the inner levels, top first: node ``i`` of a level holds slots ``run[i]`` to ``run[i + 1]``, and every
    level refines the one above. Levels that split nothing are left out of the tree.
    """
    n_slots = order.size
    levels = [np.array([0, n_slots])]
    for run in [*runs, np.arange(n_slots + 1)]:
        if run.size > levels[-1].size:
            levels.append(run)
    if len(levels) == 1:  # a single label
        levels.append(np.array([0, n_slots]))
    branches = tuple(np.searchsorted(low, high) for high, low in pairwise(levels))
    return LabelTree(branches, order.astype(np.int32), n_labels)


def _code_points(names: Sequence[str], depth: int) -> NDArray[np.int64]:
    """Return the first code points of every name, counted from 1; 0 is behind the end."""
    if len(names) == 0:
        raise ValueError("names is empty; a tree needs at least 1 label")
    width = min(depth, max(max(map(len, names)), 1))
    text = "".join(name[:width] for name in names)
    lengths = np.array([min(len(name), width) for name in names])
    flat = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    points = np.zeros((len(names), width), dtype=np.int64)
    points[np.arange(width) < lengths[:, None]] = flat.astype(np.int64) + 1
    return points
