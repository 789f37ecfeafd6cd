"""Scores of one label that several of its copies reached, as one score."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..ranking.weights import LayerWeights
from ..sparse import Csr, multiply
from .beam import BeamSearch

if TYPE_CHECKING:
    from ..indexing import LabelTree

__all__ = ["MERGES", "Merge", "check_merge", "keep_best", "merge_copies", "merged_topk"]

Merge = Literal["max", "mean", "log-sum"]
MERGES: Final = ("max", "mean", "log-sum")

_SCORES = 1 << 24  # scored at a time


def merge_copies(
    keys: NDArray[np.int64], scores: NDArray[np.float32], merge: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Merge the scores of equal keys.

    Parameters
    ----------
    keys : int64 array of shape (n,)
        What is one label of one row.
    scores : float32 array of shape (n,)
        The better of equal scores should come first.
    merge : {"max", "mean", "log-sum"}
        The best score; the mean of those found; or ``log(sum(exp(score)))``, for scores that are logarithms of
        shares, as those of the ``log-`` combinations are.

    Returns
    -------
    first : int64 array
        Where in ``keys`` the best score of every distinct key is, ascending keys.
    merged : float32 array of the same length
    """
    check_merge(merge)
    order = np.lexsort((np.arange(keys.size), -scores, keys))
    ordered = keys[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1)) if keys.size else np.zeros(0, np.int64)
    first = order[begins]
    best = scores[first]
    if merge == "max" or not keys.size:
        return first, best
    counts = np.diff(np.append(begins, keys.size))
    group = np.repeat(np.arange(begins.size), counts)
    if merge == "mean":
        total = np.bincount(group, scores[order].astype(np.float64))
        return first, (total / counts).astype(np.float32)
    total = np.bincount(group, np.exp(scores[order].astype(np.float64) - best[group]))
    return first, (best + np.log(total)).astype(np.float32)


def merged_topk(
    tree: "LabelTree",
    layers: Sequence[LayerWeights],
    X: Csr,
    k: int,
    merge: Merge,
    *,
    beam_size: int,
    combine: str,
    allowed: Csr | None,
    excluded: Csr | None,
    n_threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Search an overlapping tree, and merge the scores of a label before the best are taken.

    Every slot below the beam is scored, since a mean or a sum needs them all. Parameters are those of
    `arborank.matching.BeamSearch.topk`, and the tree with its layers.
    """
    n_slots = tree.level_sizes[-1]
    search = BeamSearch(tree.branches, layers, np.arange(n_slots, dtype=np.int32), n_slots)
    slots = tree.membership(tree.depth)
    own = {
        name: None if pattern is None else multiply(pattern, slots, n_threads=n_threads)
        for name, pattern in {"allowed": allowed, "excluded": excluded}.items()
    }
    widest = int(np.diff(tree.branches[-1]).max())
    room = min(n_slots, min(beam_size, tree.level_sizes[-2]) * widest)
    ids = np.full((X.shape[0], k), -1, np.int64)
    scores = np.full((X.shape[0], k), -np.inf, np.float32)
    step = max(1, _SCORES // room)
    for begin in range(0, X.shape[0], step):
        part = slice(begin, min(begin + step, X.shape[0]))
        filters = {name: _rows(pattern, part) for name, pattern in own.items()}
        options: dict[str, Any] = {"beam_size": beam_size, "combine": combine, "n_threads": n_threads}
        found, worth = search.topk(_rows(X, part, whole=True), room, **options, **filters)
        row, place = np.nonzero(found >= 0)
        label = tree.labels[found[row, place]].astype(np.int64)
        first, merged = merge_copies(row * np.int64(tree.n_labels) + label, worth[row, place], merge)
        keep_best(row[first], label[first], merged, ids[part], scores[part])
    return ids, scores


def keep_best(
    row: NDArray[np.int64],
    label: NDArray[np.int64],
    score: NDArray[np.float32],
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Write the best entries of every row into ``ids`` and ``scores``; equals stay in their order."""
    order = np.lexsort((np.arange(row.size), -score, row))
    row = row[order]
    begins = np.searchsorted(row, np.arange(len(ids)))
    place = np.arange(row.size) - begins[row]
    kept = place < ids.shape[1]
    ids[row[kept], place[kept]] = label[order][kept]
    scores[row[kept], place[kept]] = score[order][kept]


def _rows(matrix: Csr | None, part: slice, *, whole: bool = False) -> Any:
    """Return some rows of a matrix; a filter of one row holds for all."""
    if matrix is None or (matrix.shape[0] == 1 and not whole):
        return matrix
    indptr = matrix.indptr[part.start : part.stop + 1]
    inside = slice(int(indptr[0]), int(indptr[-1]))
    return Csr(indptr - indptr[0], matrix.indices[inside], matrix.data[inside], matrix.shape[1])


def check_merge(merge: str) -> None:
    """Raise ValueError unless a way to merge scores is known."""
    if merge not in MERGES:
        raise ValueError(f"merge is {merge!r}; expected one of {', '.join(MERGES)}")
