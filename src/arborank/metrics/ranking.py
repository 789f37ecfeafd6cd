"""Metrics of one row's ranking, averaged over the rows.

``h_j`` is 1 if the j-th prediction of the row is true and 0 otherwise; ``|y|`` is the number of its true labels.
"""

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from .judgement import Judgement, JudgeOptions, Predictions, Truth, judge

__all__ = ["mean_average_precision", "mrr", "ndcg_at_k", "precision_at_k", "r_precision_at_k", "recall_at_k"]

TITLES = {
    "precision": "P",
    "recall": "R",
    "ndcg": "nDCG",
    "r_precision": "R-precision",
    "psp": "PSP",
    "psndcg": "PSnDCG",
    "coverage": "coverage",
    "macro_f1": "macro-F1",
    "mrr": "MRR",
    "map": "MAP",
}
"""What reports call the metrics of this package."""


def precision_at_k(truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]) -> float:
    """P@k: the mean over rows of ``sum_{j<=k} h_j / k``.

    The denominator is ``k`` even for rows with fewer true labels or predictions. Parameters and errors are
    those of `judge`.

    Examples
    --------
    >>> from arborank.metrics import precision_at_k
    >>> precision_at_k([[0, 2], [1]], [[0, 1], [1, -1]], k=2)
    0.5
    """
    return precision(judge(truth, predictions, k, **options), k)


def recall_at_k(truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]) -> float:
    """R@k: the mean over rows of ``sum_{j<=k} h_j / |y|``. Parameters and errors are those of `judge`."""
    return recall(judge(truth, predictions, k, **options), k)


def r_precision_at_k(
    truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]
) -> float:
    """RP@k: the mean over rows of ``sum_{j<=k} h_j / min(k, |y|)``.

    Unlike P@k it can always reach 1 (Chalkidis et al. 2019). Parameters and errors are those of `judge`.
    """
    return r_precision(judge(truth, predictions, k, **options), k)


def ndcg_at_k(truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]) -> float:
    """nDCG@k: the mean over rows of DCG@k over its best attainable value.

    DCG@k is ``sum_{j<=k} h_j / log2(j+1)``, the best ``sum_{j<=min(k,|y|)} 1 / log2(j+1)``. Parameters and
    errors are those of `judge`.
    """
    return ndcg(judge(truth, predictions, k, **options), k)


def mrr(
    truth: Truth, predictions: Predictions, k: int | None = None, **options: Unpack[JudgeOptions]
) -> float:
    """MRR: the mean over rows of one over the place of the first hit, 0 if there is none.

    Only the first ``k`` predictions are looked at (default: all). Parameters and errors are those of `judge`.
    """
    judgement = judge(truth, predictions, k, **options)
    return reciprocal_rank(judgement, judgement.hits.shape[1] if k is None else k)


def mean_average_precision(
    truth: Truth, predictions: Predictions, k: int | None = None, **options: Unpack[JudgeOptions]
) -> float:
    """MAP@k: the mean over rows of ``sum_{j<=k} h_j * (hits up to j) / j``, divided by ``min(k, |y|)``.

    ``k`` defaults to the width of the predictions. Parameters and errors are those of `judge`.
    """
    judgement = judge(truth, predictions, k, **options)
    return average_precision(judgement, judgement.hits.shape[1] if k is None else k)


def discounts(k: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """``1 / log2(j + 1)`` for the places ``j = 1 .. k``."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def ideal_gains(judged: Judgement, k: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """DCG@k of every row, were its true labels first."""
    n_first = np.clip(judged.n_true, 1, k)
    sums: np.ndarray[tuple[int], np.dtype[np.float64]] = np.cumsum(discounts(int(n_first.max())))
    return sums[n_first - 1]


def row_precision(judged: Judgement, k: int) -> NDArray[np.float64]:
    """P@k of every row."""
    return np.asarray(judged.top(k).sum(axis=1) / k)


def row_recall(judged: Judgement, k: int) -> NDArray[np.float64]:
    """R@k of every row."""
    return np.asarray(judged.top(k).sum(axis=1) / np.maximum(judged.n_true, 1))


def row_ndcg(judged: Judgement, k: int) -> NDArray[np.float64]:
    """nDCG@k of every row."""
    top = judged.top(k)
    return np.asarray(top @ discounts(top.shape[1]) / ideal_gains(judged, k))


def precision(judged: Judgement, k: int) -> float:
    """P@k of a judgement."""
    return float(np.mean(row_precision(judged, k)))


def recall(judged: Judgement, k: int) -> float:
    """R@k of a judgement."""
    return float(np.mean(row_recall(judged, k)))


def r_precision(judged: Judgement, k: int) -> float:
    """RP@k of a judgement."""
    return float(np.mean(judged.top(k).sum(axis=1) / np.clip(judged.n_true, 1, k)))


def ndcg(judged: Judgement, k: int) -> float:
    """nDCG@k of a judgement."""
    return float(np.mean(row_ndcg(judged, k)))


def reciprocal_rank(judged: Judgement, k: int) -> float:
    """MRR@k of a judgement."""
    top = judged.top(k)
    first = top.argmax(axis=1)
    return float(np.mean(top.any(axis=1) / (first + 1.0)))


def average_precision(judged: Judgement, k: int) -> float:
    """MAP@k of a judgement."""
    top = judged.top(k)
    at_hits = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1) * top
    return float(np.mean(at_hits.sum(axis=1) / np.clip(judged.n_true, 1, k)))
