"""Overlapping trees: a label in every leaf that its instances are sent to.

A tree of k-means gives every label one leaf, although a label of several senses has instances that a matcher sends to
several leaves. Here the matcher's own beams say where a label is missed, and it gets copies there.

Copies by count are those of Liu, Chang, Yu, Hsieh and Dhillon, "Label Disentanglement in Partition-based Extreme
Multilabel Classification" (NeurIPS 2021), equation 10. The others count a leaf by the score that the matcher gives it
rather than by being in the beam, and let no leaf grow beyond a limit. Copies where they are needed, the default, differ
in a third way: a second leaf counts for what it adds to the first.
"""

import math
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from ..core.checks import check_choice, check_integer, check_real
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, to_scipy, transpose
from ..core.types import MatrixLike
from .tree import LabelTree

__all__ = ["COPIES", "Copies", "check_gain", "home_leaves", "overlapping_tree", "place_labels"]

Copies = Literal["needed", "all", "counted"]
COPIES: Final = ("needed", "all", "counted")
_MIN_GAIN = 0.02
_ROOM: Final = {"needed": 7 / 6, "all": 8.0, "counted": 8.0}  # of the fullest leaf


def overlapping_tree(
    tree: LabelTree,
    Y: MatrixLike,
    beams: ArrayLike,
    scores: ArrayLike,
    *,
    max_clusters: int = 2,
    copies: Copies = "needed",
    max_leaf_size: int | None = None,
    min_gain: float | None = None,
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
        see the instance: see `arborank.linear.refining.matched_by_others`.
    scores : float array of shape (n, width)
        The matcher's scores of those leaves, at least 0; 0 (or -inf) where there is none.
    max_clusters : int, default 2
        Most leaves of a label.
    copies : {"needed", "all", "counted"}, default "needed"
        ``"needed"``: a label keeps its leaf; copies are taken one after the other, always the one that adds most to
        the sum, over the positives, of the best score among the label's leaves. ``"all"``: pairs of a label and a leaf
        in descending sum of the positives' scores of that leaf, so that nearly every label gets ``max_clusters``
        leaves; the first moves the label. ``"counted"``, the paper's: the same by the number of positives whose beam
        holds the leaf. Labels that no beam finds keep their leaf.
    max_leaf_size : int, optional
        Most labels in a leaf after copying, by default a sixth more than the fullest leaf holds, and eight times as
        many for ``"all"`` and ``"counted"``. Labels that stay in their leaf do so however many there are.
    min_gain : float, optional
        Least gain of a copy that is needed, as a mean over the label's positive instances (scores are at most 1 with
        the usual combinations); 0.02 by default. A copy costs time wherever its leaf is opened.

    Returns
    -------
    tree : LabelTree
        With the same leaves, less those that are left empty.
    leaves : int64 array of shape (n_leaves,)
        The number in the provisional tree of every leaf.

    Raises
    ------
    ValueError
        If shapes do not fit, ``tree`` overlaps already, has fewer leaves than ``max_clusters``, an argument is out of
        range, or ``min_gain`` is given for copies that are not by need.
    """
    homes = home_leaves(tree)
    n_leaves = tree.level_sizes[-2]
    check_integer("max_clusters", max_clusters, 1)
    if max_clusters > n_leaves:
        raise ValueError(f"max_clusters is {max_clusters}, but the tree has {n_leaves} leaves")
    check_choice("copies", copies, COPIES)
    check_gain(min_gain, copies)
    room = math.ceil(_ROOM[copies] * int(np.diff(tree.branches[-1]).max()))
    limit = check_integer("max_leaf_size", room if max_leaf_size is None else max_leaf_size, 1)
    labels = as_csr(Y, "Y", n_cols=tree.n_labels)
    leaves, worth = _checked_beams(beams, scores, labels.shape[0], n_leaves)
    if copies == "needed":
        least = _MIN_GAIN if min_gain is None else float(min_gain)
        taken = _native.cover_labels(
            transpose(labels),
            leaves,
            worth,
            homes,
            n_clusters=n_leaves,
            max_clusters=max_clusters,
            capacity=limit,
            min_gain=least,
        )
        at_home = np.flatnonzero(homes >= 0)
        placed = np.concatenate([at_home, taken[0]]), np.concatenate([homes[at_home], taken[1]])
    else:
        if copies == "counted":
            worth = np.ones_like(worth)
        placed = _most_worth(labels, leaves, worth, homes, n_leaves, max_clusters, limit)
    return place_labels(tree, *placed), np.unique(placed[1]).astype(np.int64)


def check_gain(min_gain: float | None, copies: Copies) -> None:
    """Raise unless ``min_gain`` is in its range, and goes with ``copies``."""
    if min_gain is not None:
        check_real("min_gain", min_gain, least=0.0)
        if copies != "needed":
            raise ValueError(f"min_gain is {min_gain}, but copies is {copies!r}; it is for copies='needed'")


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


def _most_worth(
    Y: Csr,
    beams: NDArray[np.int32],
    scores: NDArray[np.float32],
    homes: NDArray[np.int32],
    n_leaves: int,
    max_clusters: int,
    limit: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take pairs of a label and a leaf in descending sum of scores, as long as both have room.

    That is the one stable matching of labels with leaves: labels ask for their best leaves, full leaves refuse the
    pairs worth least, until nobody is refused (Gale and Shapley 1962); a few passes over all pairs.
    """
    held = beams >= 0
    rows = np.repeat(np.arange(beams.shape[0]), beams.shape[1])[held.ravel()]
    shape = (beams.shape[0], n_leaves)
    chosen = sp.csr_array((scores[held].astype(np.float64), (rows, beams[held])), shape=shape)
    pairs = (to_scipy(Y).T @ chosen).tocoo()
    known = homes[pairs.row] >= 0
    best_first = np.lexsort((pairs.col[known], pairs.row[known], -pairs.data[known]))
    labels, leaves = pairs.row[known][best_first], pairs.col[known][best_first]
    by_label, by_leaf = (np.argsort(ids, kind="stable") for ids in (labels, leaves))
    free = np.ones(labels.size, bool)
    while True:
        asked = free & (_turn(labels, free, by_label) < max_clusters)
        refused = asked & (_turn(leaves, asked, by_leaf) >= limit)
        if not refused.any():
            break
        free[refused] = False
    lost = np.setdiff1d(np.flatnonzero(homes >= 0), labels[asked])
    return (
        np.concatenate([labels[asked], lost]).astype(np.int64),
        np.concatenate([leaves[asked], homes[lost]]).astype(np.int64),
    )


def _turn(ids: NDArray[Any], counted: NDArray[np.bool_], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many counted entries of the same id come before each; ``order`` sorts by id, then by place."""
    held = counted[order]
    before: NDArray[np.int64] = np.cumsum(held) - held
    begins = np.flatnonzero(np.diff(ids[order], prepend=-1))
    sizes = np.diff(np.append(begins, ids.size))
    turns = np.empty(ids.size, np.int64)
    turns[order] = before - np.repeat(before[begins], sizes)
    return turns
