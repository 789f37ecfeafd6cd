"""Scores of single pairs of row and label beside the truth, for metrics of the scores themselves."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import as_csr
from ..core.topk import no_answers, put_best
from ..core.types import MatrixLike
from .judgement import Truth, judge

__all__ = ["Pairs", "paired"]


class Pairs(NamedTuple):
    """The best pairs of the rows that have a true label.

    Attributes
    ----------
    scores : float32 array of shape (n_pairs,)
    hits : bool array of shape (n_pairs,)
    n_true : int
        True labels of these rows, found or not.
    """

    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    n_true: int


def paired(truth: Truth, scores: MatrixLike, k: int | None = None, *, name: str = "scores") -> Pairs:
    """Return the stored entries of a matrix of scores, or the best ``k`` of each row, and whether they are true."""
    csr = as_csr(scores, name)
    longest = max(int(np.diff(csr.indptr).max(initial=0)), 1)
    ids, best = no_answers(csr.shape[0], longest if k is None else min(k, longest))
    put_best(np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr)), csr.indices, csr.data, (ids, best))
    judged = judge(truth, ids, n_labels=csr.shape[1], empty_rows="zero")
    kept = (judged.ids >= 0) & (judged.n_true > 0)[:, None]
    return Pairs(best[kept], judged.hits[kept], int(judged.n_true.sum()))
