"""Overlapping trees: a label in every leaf that its instances are sent to.

A tree of k-means gives every label one leaf, although a label of several senses has instances that a matcher sends to
several leaves. Here the matcher's own beams say where a label is missed, and it gets copies there.

The counting rule is that of Liu, Chang, Yu, Hsieh and Dhillon, "Label Disentanglement in Partition-based Extreme
Multilabel Classification" (NeurIPS 2021), equation 10. The covering rule, the default, differs in three ways: a second
leaf counts for what it adds to the first, a leaf counts by the score the matcher gives it rather than by being in the
beam, and no leaf grows beyond a limit.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from ..checks import check_integer, check_real
from ..sparse import Csr, MatrixLike, as_csr, lists_to_csr, to_scipy, transpose
from .tree import LabelTree

__all__ = ["RULES", "home_leaves", "overlapping_tree", "place_labels"]

Rule = Literal["cover", "count"]
RULES: Final = ("cover", "count")


def overlapping_tree(
    tree: LabelTree,
    Y: MatrixLike,
    beams: ArrayLike,
    scores: ArrayLike,
    *,
    max_clusters: int = 2,
    max_leaf_size: int | None = None,
    min_gain: float = 0.02,
    rule: Rule = "cover",
) -> tuple[LabelTree, NDArray[np.int64]]:
    """Put labels into further leaves of a tree, so that beams retain more of the positives.

    Parameters
    ----------
    tree : LabelTree
        The provisional tree, a label in one leaf at most; its upper levels stay as they are. Leaves are the nodes of
        level ``depth - 1``.
    Y : matrix of shape (n, n_labels)
        Labels of the training instances.
    beams : int array of shape (n, width)
        The leaves in every instance's beam, -1 where there are fewer. They should come from matchers that did not
        see the instance: see `arborank.models.disentangle.matched_by_others`.
    scores : float array of shape (n, width)
        The matcher's scores of those leaves, at least 0; 0 (or -inf) where there is none.
    max_clusters : int, default 2
        Most leaves of a label.
    max_leaf_size : int, optional
        Most labels in a leaf after copying, by default a sixth more than the fullest leaf holds. Labels already in a
        leaf stay, however many there are.
    min_gain : float, default 0.02
        Least gain of a copy, as a mean over the label's positive instances (scores are at most 1 with the usual
        combinations); only for ``rule="cover"``. A copy costs time wherever its leaf is opened.
    rule : {"cover", "count"}, default "cover"
        ``"cover"``: a label keeps its leaf; copies are taken one after the other, always the one that adds most to
        the sum, over the positives, of the best score among the label's leaves. ``"count"``, the paper's: pairs of a
        label and a leaf in descending number of positives whose beam holds the leaf; the first moves the label. Labels
        that no beam finds keep their leaf.

    Returns
    -------
    tree : LabelTree
        With the same leaves, less those that ``"count"`` leaves empty.
    leaves : int64 array of shape (n_leaves,)
        The number in the provisional tree of every leaf.

    Raises
    ------
    ValueError
        If shapes do not fit, ``tree`` overlaps already, has fewer leaves than ``max_clusters``, or an argument is out
        of range.
    """
    homes = home_leaves(tree)
    n_leaves = tree.level_sizes[-2]
    check_integer("max_clusters", max_clusters, 1)
    if max_clusters > n_leaves:
        raise ValueError(f"max_clusters is {max_clusters}, but the tree has {n_leaves} leaves")
    check_real("min_gain", min_gain, least=0.0)
    if rule not in RULES:
        raise ValueError(f"rule is {rule!r}; expected one of {', '.join(RULES)}")
    fullest = int(np.diff(tree.branches[-1]).max())
    limit = fullest + -(-fullest // 6) if max_leaf_size is None else max_leaf_size
    check_integer("max_leaf_size", limit, 1)
    labels = as_csr(Y, "Y", n_cols=tree.n_labels)
    leaves, worth = _checked_beams(beams, scores, labels.shape[0], n_leaves)
    if rule == "count":
        placed = _by_count(labels, leaves, homes, n_leaves, max_clusters, limit)
    else:
        copies = _native.cover_labels(
            transpose(labels), leaves, worth, homes, n_leaves, max_clusters, limit, float(min_gain)
        )
        at_home = np.flatnonzero(homes >= 0)
        placed = np.concatenate([at_home, copies[0]]), np.concatenate([homes[at_home], copies[1]])
    return place_labels(tree, *placed), np.unique(placed[1]).astype(np.int64)


def home_leaves(tree: LabelTree) -> NDArray[np.int32]:
    """Return the leaf of every label, -1 for one that is in none.

    Raises
    ------
    ValueError
        If the tree overlaps: then a label has several.
    """
    if tree.overlapping:
        raise ValueError("tree is overlapping; a tree with every label in one leaf was expected")
    homes = np.full(tree.n_labels, -1, np.int32)
    homes[tree.labels] = tree.parents(tree.depth)
    return homes


def place_labels(tree: LabelTree, labels: ArrayLike, leaves: ArrayLike) -> LabelTree:
    """Return the tree with the same levels above the labels and other labels in its leaves.

    Parameters
    ----------
    tree : LabelTree
    labels, leaves : int arrays of equal length
        Label ``labels[i]`` goes into leaf ``leaves[i]``, in ascending order of labels there. Leaves that get none
        vanish, and so do the nodes above that have no other.

    Raises
    ------
    ValueError
        If a label is twice in one leaf or an id is out of range.
    """
    ids, into = np.asarray(labels), np.asarray(leaves)
    n_leaves = tree.level_sizes[-2]
    if ids.shape != into.shape or ids.ndim != 1:
        raise ValueError(
            f"labels and leaves have shapes {ids.shape} and {into.shape}; equal lengths were expected"
        )
    if into.size and (into.min() < 0 or into.max() >= n_leaves):
        wrong = int(into.min() if into.min() < 0 else into.max())
        raise ValueError(f"leaves holds {wrong}, which is outside [0, {n_leaves})")
    order = np.lexsort((ids, into))
    sizes = np.bincount(into, minlength=n_leaves)
    kept = sizes > 0
    branches = [np.concatenate([[0], np.cumsum(sizes[kept])])]
    for branch in tree.branches[-2::-1]:
        below = np.concatenate([[0], np.cumsum(kept)])
        children = np.diff(below[branch])
        kept = children > 0
        branches.insert(0, np.concatenate([[0], np.cumsum(children[kept])]))
    return LabelTree(tuple(branches), ids[order].astype(np.int32), tree.n_labels)


def _checked_beams(
    beams: ArrayLike, scores: ArrayLike, n: int, n_leaves: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    leaves, worth = np.asarray(beams), np.asarray(scores, dtype=np.float32)
    if leaves.dtype.kind not in "iu":
        raise TypeError(f"beams must hold integers, found {leaves.dtype}")
    if leaves.ndim != 2 or leaves.shape[0] != n or leaves.shape != worth.shape:
        raise ValueError(
            f"beams and scores have shapes {leaves.shape} and {worth.shape}; two of ({n}, width) were expected"
        )
    if leaves.size and (leaves.min() < -1 or leaves.max() >= n_leaves):
        wrong = int(leaves.min() if leaves.min() < -1 else leaves.max())
        raise ValueError(f"beams holds {wrong}, which is neither a leaf of [0, {n_leaves}) nor -1")
    worth = np.where(leaves >= 0, worth, np.float32(0))
    if not (np.isfinite(worth).all() and (worth >= 0).all()):
        raise ValueError("scores must be finite and at least 0 wherever beams holds a leaf")
    return np.ascontiguousarray(leaves, dtype=np.int32), np.ascontiguousarray(worth)


def _by_count(
    Y: Csr, beams: NDArray[np.int32], homes: NDArray[np.int32], n_leaves: int, max_clusters: int, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place labels by the paper's rule, with the limit on a leaf that it lacks."""
    counts = (to_scipy(Y).T @ lists_to_csr(beams, n_leaves)).tocoo()
    best_first = np.lexsort((counts.col, counts.row, -counts.data))
    found = np.zeros(homes.size, np.int64)
    sizes = np.zeros(n_leaves, np.int64)
    labels: list[int] = []
    leaves: list[int] = []
    for label, leaf in zip(counts.row[best_first].tolist(), counts.col[best_first].tolist(), strict=True):
        if homes[label] >= 0 and found[label] < max_clusters and sizes[leaf] < limit:
            found[label] += 1
            sizes[leaf] += 1
            labels.append(label)
            leaves.append(leaf)
    lost = np.flatnonzero((found == 0) & (homes >= 0))
    return np.concatenate([labels, lost]).astype(np.int64), np.concatenate([leaves, homes[lost]]).astype(
        np.int64
    )
