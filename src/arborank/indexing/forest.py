"""Several trees over the same labels as one: every label has a slot in each."""

from collections.abc import Sequence
from functools import reduce

from .grafting import deepen, graft, shape_branch
from .tree import LabelTree

__all__ = ["join_trees"]


def join_trees(trees: Sequence[LabelTree]) -> LabelTree:
    """Join trees side by side under one root.

    Parameters
    ----------
    trees : sequence of LabelTree
        Over the same number of labels, at least one of them with levels between root and labels.

    Returns
    -------
    LabelTree
        As deep as the deepest one. Trees follow one another on every level, in the order given.

    Raises
    ------
    ValueError
        If there is no tree, they have different numbers of labels, or several are flat and none is not: their labels
        would be below the root twice.
    """
    if not trees:
        raise ValueError("trees is empty; at least one LabelTree was expected")
    depth = max(tree.depth for tree in trees)
    return reduce(graft, (deepen(shape_branch(tree, depth), depth) for tree in trees))
