"""Metrics that average over labels instead of rows: they show what happens in the tail."""

from collections.abc import Callable
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from ..core.types import AnyArray
from .judgement import Judgement, JudgeOptions, Predictions, Truth, judge

__all__ = ["coverage_at_k", "macro_f1_at_k", "per_label"]


def coverage_at_k(truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]) -> float:
    """Share of the labels true in some row that are rightly predicted among the first ``k`` of some row.

    Parameters and errors are those of `judge`.
    """
    return coverage(counts(judge(truth, predictions, k, **options), k))


def macro_f1_at_k(truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]) -> float:
    """Mean of ``2 TP / (2 TP + FP + FN)`` over the labels true in some row.

    The first ``k`` of a row are its predicted labels. Labels true in no row have no defined recall and are
    left out. Parameters and errors are those of `judge`.
    """
    return macro_f1(counts(judge(truth, predictions, k, **options), k))


def per_label(
    truth: Truth, predictions: Predictions, k: int, **options: Unpack[JudgeOptions]
) -> dict[str, AnyArray]:
    """Return what the first ``k`` predictions are worth, label by label.

    Parameters and errors are those of `judge`.

    Returns
    -------
    dict of str to arrays of shape (n_labels,), ready for a data frame
        ``"true"``, ``"predicted"`` and ``"right"``: rows, int64; ``"precision"``, ``"recall"`` and ``"f1"``: float64,
        NaN where nothing was predicted, or nothing true.

    Examples
    --------
    >>> from arborank.metrics import per_label
    >>> per_label([[0], [0, 1]], [[0], [2]], 1)["recall"].tolist()
    [0.5, 0.0, nan]
    """
    right, predicted, true = counts(judge(truth, predictions, k, **options), k)
    with np.errstate(invalid="ignore"):
        shares = {
            "precision": right / predicted,
            "recall": right / true,
            "f1": 2 * right / (predicted + true),
        }
    return {"true": true, "predicted": predicted, "right": right, **shares}


def counts(judged: Judgement, k: int) -> NDArray[np.int64]:
    """Count of every label: true positives, predicted among the first k, true; shape (3, n_labels)."""
    hits = judged.top(k)
    ids = judged.ids[:, :k]
    counted = (ids[hits], ids[ids >= 0], judged.truth.indices)
    return np.stack([np.bincount(some, minlength=judged.n_labels) for some in counted])


def weighted_counts(judged: Judgement, k: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """Return a function from how often each row counts to the `counts` of the first ``k`` predictions."""
    hits = judged.top(k)
    ids = judged.ids[:, :k]
    n_rows = len(ids)
    rows = np.broadcast_to(np.arange(n_rows)[:, None], ids.shape)
    held = ids >= 0
    true_rows = np.repeat(np.arange(n_rows), judged.n_true)
    pairs = ((ids[hits], rows[hits]), (ids[held], rows[held]), (judged.truth.indices, true_rows))

    def weighted(weights: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = [np.bincount(found, weights[of], minlength=judged.n_labels) for found, of in pairs]
        return np.stack(sums).astype(np.int64)

    return weighted


def coverage(table: NDArray[np.int64]) -> float:
    """Coverage from the columns of `counts`; 0 if no label is true."""
    hits, _, true = table
    return float((hits > 0).sum() / max((true > 0).sum(), 1))


def macro_f1(table: NDArray[np.int64]) -> float:
    """Macro F1 from the columns of `counts`; 0 if no label is true."""
    hits, predicted, true = table[:, table[2] > 0]
    return float(np.mean(2.0 * hits / (predicted + true))) if len(true) else 0.0
