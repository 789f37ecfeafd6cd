"""A label tree that changes: branches are grafted onto its root, labels are cut out of it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .tree import LabelTree

__all__ = ["deepen", "graft", "prune", "shape_branch"]


def shape_branch(tree: LabelTree, depth: int) -> LabelTree:
    """Shape a tree so that it can be grafted onto one of ``depth`` levels: at most as deep, and not flat beside leaves.

    Upper levels are left out where there are too many. A flat tree becomes one leaf, unless ``depth`` is 1.
    """
    if tree.depth > depth:
        kept = tree.branches[tree.depth - depth :]
        return LabelTree((np.array([0, kept[0][-1]]), *kept[1:]), tree.labels, tree.n_labels)
    if tree.depth == 1 < depth:
        return LabelTree((np.array([0, 1]), *tree.branches), tree.labels, tree.n_labels)
    return tree


def deepen(tree: LabelTree, depth: int) -> LabelTree:
    """Insert levels of only children below the root's children until the tree has ``depth`` levels."""
    if tree.depth > depth:
        raise ValueError(f"the tree has depth {tree.depth}; at most {depth} was expected")
    only = np.arange(tree.level_sizes[1] + 1)
    branches = (tree.branches[0], *[only] * (depth - tree.depth), *tree.branches[1:])
    return LabelTree(branches, tree.labels, tree.n_labels)


def graft(tree: LabelTree, branch: LabelTree) -> LabelTree:
    """Hang the children of ``branch``'s root from the root of ``tree``, after its own.

    On every level the nodes of ``branch`` follow those of ``tree``. Both have the same depth and number of labels.
    """
    if tree.depth != branch.depth or tree.n_labels != branch.n_labels:
        raise ValueError(
            f"a branch of depth {branch.depth} over {branch.n_labels} labels does not fit a tree of depth "
            f"{tree.depth} over {tree.n_labels}"
        )
    pairs = zip(tree.branches[1:], branch.branches[1:], strict=True)
    return LabelTree(
        (
            np.array([0, tree.level_sizes[1] + branch.level_sizes[1]]),
            *(np.concatenate([own, own[-1] + other[1:]]) for own, other in pairs),
        ),
        np.concatenate([tree.labels, branch.labels]),
        tree.n_labels,
    )


def prune(tree: LabelTree, labels: ArrayLike) -> tuple[LabelTree | None, list[NDArray[np.bool_]]]:
    """Cut the slots of some labels, and every node that is left without a child.

    Returns the tree with the same label ids, or None if nothing is left, and for every level below the root which nodes
    of the old tree are left.
    """
    cut = np.zeros(tree.n_labels, np.bool_)
    cut[np.asarray(labels, np.int64)] = True
    kept = [~cut[tree.labels]]
    branches = []
    for branch in tree.branches[::-1]:
        before = np.concatenate([[0], np.cumsum(kept[0])])[branch]  # kept children of the nodes before
        left = np.diff(before) > 0
        branches.append(np.concatenate([[0], before[1:][left]]))
        kept.insert(0, left)
    slots = tree.labels[kept[-1]]
    pruned = LabelTree(tuple(branches[::-1]), slots, tree.n_labels) if slots.size else None
    return pruned, kept[1:]
