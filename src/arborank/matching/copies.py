"""Several copies of a label reached: their scores become one. `BeamSearch` does it natively; this is for stages."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from .. import _native
from ..core.checks import check_choice

__all__ = ["MERGES", "Merge", "merge_copies"]

Merge = Literal["max", "mean", "log-sum", "average"]
MERGES: Final = {merge.name.replace("_", "-"): merge for merge in _native.Merge}


def merge_copies(
    keys: NDArray[np.int64],
    scores: NDArray[np.float32],
    merge: Merge,
    *,
    n_slots: NDArray[np.int64] | None = None,
    logarithms: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Merge the scores of equal keys, each of which is one label of one row; better scores should come first.

    The merged score is the best one; the mean of those found; ``log(sum(exp(score)))``, for scores that are logarithms
    of shares, as those of the ``log-`` combinations are; or the average over all slots of the label, of which there
    are ``n_slots`` for every key (by default those found), scores not found counting 0: of shares whose logarithms the
    scores are, if ``logarithms``. Returns where in ``keys`` the best score of every distinct key is, ascending keys,
    and the merged scores.
    """
    check_choice("merge", merge, MERGES)
    order = np.lexsort((np.arange(keys.size), -scores, keys))
    ordered = keys[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1)) if keys.size else np.zeros(0, np.int64)
    first = order[begins]
    best = scores[first]
    if merge == "max" or not keys.size:
        return first, best
    counts = np.diff(np.append(begins, keys.size))
    group = np.repeat(np.arange(begins.size), counts)
    own = scores[order].astype(np.float64)
    n = 1 if merge == "log-sum" else counts if merge == "mean" or n_slots is None else n_slots[first]
    if merge == "log-sum" or (merge == "average" and logarithms):
        total = np.bincount(group, np.exp(own - best[group]))
        return first, (best + np.log(total / n)).astype(np.float32)
    return first, (np.bincount(group, own) / n).astype(np.float32)
