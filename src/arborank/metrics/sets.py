"""F1 of sets of labels: of a decision, rather than of a ranking that is cut at k."""

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from . import labels
from .judgement import Judgement, JudgeOptions, Predictions, Truth, judge

__all__ = ["example_f1", "macro_f1", "micro_f1"]


def micro_f1(truth: Truth, chosen: Predictions, **options: Unpack[JudgeOptions]) -> float:
    """``2 TP / (2 TP + FP + FN)`` over all pairs of row and label.

    Parameters
    ----------
    truth, **options
        As in `judge`.
    chosen : sparse matrix of shape (n_rows, n_labels), or integer array of shape (n_rows, width)
        The labels chosen for each row: every stored entry, as `arborank.decisions.Rule.decide` returns them; or ids,
        padded with -1.

    Raises
    ------
    TypeError, ValueError
        As in `judge`.

    Examples
    --------
    >>> from arborank.metrics import micro_f1
    >>> round(micro_f1([[0, 2], [1]], [[0, 1], [1, -1]]), 3)
    0.667
    """
    return micro(row_counts(judge(truth, chosen, **options)).sum(axis=1))


def macro_f1(truth: Truth, chosen: Predictions, **options: Unpack[JudgeOptions]) -> float:
    """Mean of each label's F1, over the labels true in some row; parameters and errors are those of `micro_f1`."""
    judged = judge(truth, chosen, **options)
    return labels.macro_f1(labels.counts(judged, max(judged.ids.shape[1], 1)))


def example_f1(truth: Truth, chosen: Predictions, **options: Unpack[JudgeOptions]) -> float:
    """Mean of each row's F1; parameters and errors are those of `micro_f1`."""
    return float(np.mean(by_row(row_counts(judge(truth, chosen, **options)))))


def row_counts(judged: Judgement) -> NDArray[np.int64]:
    """Count of every row: true positives, chosen, true; shape (3, n_rows)."""
    return np.stack([judged.hits.sum(axis=1), (judged.ids >= 0).sum(axis=1), judged.n_true])


def micro(counts: NDArray[np.int64]) -> float:
    """Micro-F1 of sums of `row_counts`."""
    hits, chosen, true = counts
    return float(2.0 * hits / max(chosen + true, 1))


def by_row(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 of every row of `row_counts`."""
    hits, chosen, true = counts
    f1: NDArray[np.float64] = 2.0 * hits / np.maximum(chosen + true, 1)
    return f1
