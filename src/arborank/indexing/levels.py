"""A tree from nodes that are given as runs of slots, level by level."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .tree import LabelTree

__all__ = ["tree_from_runs"]

IntArray = NDArray[np.int64]


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
