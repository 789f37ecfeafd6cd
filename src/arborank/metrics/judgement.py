"""The border of the metrics: truth and predictions, checked once, become a table of hits."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.arrow import from_arrow
from ..core.checks import check_integer, check_top_ids
from ..core.label_lists import id_rows
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, is_matrix, rows_to_csr, to_scipy, without_zeros
from ..core.topk import no_answers, put_best

__all__ = ["JudgeOptions", "Judgement", "judge"]

Truth = Any  # an indicator matrix (scipy sparse, Csr, 2-D numpy array) or a sequence of label-id sequences
Predictions = Any  # ids, integers of shape (N, k), or a sparse matrix of scores of shape (N, L)


class JudgeOptions(TypedDict, total=False):
    """Keywords that every metric passes on to `judge`."""

    filter_pairs: ArrayLike | None
    empty_rows: Literal["exclude", "zero"]
    n_labels: int | None


@dataclass(frozen=True)
class Judgement:
    """Predictions compared with the truth, over the rows that count.

    Attributes
    ----------
    ids : int64 array of shape (n_rows, width)
        Predicted labels, best first, padded with -1.
    hits : bool array of shape (n_rows, width)
        Whether the prediction is a true label.
    truth : csr_array of shape (n_rows, n_labels)
        The true labels; their values do not matter.
    n_true : int64 array of shape (n_rows,)
        True labels of every row.
    n_empty : int
        Rows without any true label among the rows given.
    n_filtered : int
        Predictions dropped because of ``filter_pairs``.
    complete : bool
        Whether no row has further predictions than these: further columns would be padding.
    """

    ids: NDArray[np.int64]
    hits: NDArray[np.bool_]
    truth: "sp.csr_array"
    n_true: NDArray[np.int64]
    n_empty: int
    n_filtered: int
    complete: bool

    @property
    def n_labels(self) -> int:
        """Columns of the truth."""
        return int(self.truth.shape[1])

    def top(self, k: int) -> NDArray[np.bool_]:
        """Return the hits among the first ``k`` predictions, in fewer columns where no row has so many.

        Raises
        ------
        ValueError
            If rows may have more predictions than there are columns, and ``k`` asks for them.
        """
        check_integer("k", k, 1)
        if k > self.hits.shape[1] and not self.complete:
            raise ValueError(f"k is {k}, but the predictions have {self.hits.shape[1]} columns")
        return self.hits[:, :k]


def judge(
    truth: Truth,
    predictions: Predictions,
    k: int | None = None,
    *,
    filter_pairs: ArrayLike | None = None,
    empty_rows: Literal["exclude", "zero"] = "exclude",
    n_labels: int | None = None,
) -> Judgement:
    """Compare predictions with the truth.

    Parameters
    ----------
    truth : sparse matrix, `Csr` or 2-D array of shape (n_rows, n_labels), or list of label-id lists
        True labels. Of a matrix, every entry above zero is a true label.
    predictions : integer array of shape (n_rows, width), or sparse matrix of shape (n_rows, n_labels)
        Label ids, best first, padded at the end of a row with -1; or scores, of which every stored entry (a
        stored zero too) is a prediction, ranked by descending score, ties by ascending label.
    k : int, optional
        How many columns are needed; there may be fewer if every row ends with padding.
        Scores are cut to ``k`` a row; default: the longest row.
    filter_pairs : integer array of shape (n_pairs, 2), optional
        (row, label) pairs to drop from the predictions before scoring, as the label-feature (LF) data sets
        require for reciprocal pairs; later predictions move up. The truth is left as it is. Ask the model for
        more than ``k`` labels, so that ``k`` remain.
    empty_rows : {"exclude", "zero"}, default "exclude"
        Rows without a true label: left out of every average, or counted with the value 0 as PECOS does.
    n_labels : int, optional
        Number of labels; needed only with lists of ids, default there: the largest id seen plus one.

    Raises
    ------
    TypeError
        If ids are not integers or scores not a sparse matrix.
    ValueError
        If shapes differ, an id is out of range, a row repeats an id or has padding before an id, or no row counts.
    """
    if k is not None:
        check_integer("k", k, 1)
    if empty_rows not in ("exclude", "zero"):
        raise ValueError(f"empty_rows is {empty_rows!r}; 'exclude' or 'zero' was expected")
    truth, predictions = from_arrow(truth), from_arrow(predictions)
    scored = sp.issparse(predictions) or isinstance(predictions, Csr)
    ids = None if scored else _as_ids(predictions)
    known = int(predictions.shape[1]) if scored and n_labels is None else n_labels
    Y = to_scipy(_as_truth(truth, known, ids))
    pairs = None if filter_pairs is None else _as_pairs(filter_pairs, Y.shape)
    if ids is None:
        scores = as_csr(predictions, "predictions")
        if scores.shape != Y.shape:
            raise ValueError(
                f"predictions have shape {scores.shape}, truth has shape {Y.shape}; equal shapes are needed"
            )
        # a row may lose that many predictions to the filter
        spare = 0 if pairs is None or not len(pairs) else int(np.bincount(pairs[:, 0]).max())
        ids = _rank_scores(scores, None if k is None else k + spare)
        complete = True  # as far as k, which cut them
    else:
        _check_shape(ids, Y.shape)
        complete = ids.size > 0 and not (ids[:, -1] >= 0).any()
    n_filtered = 0
    if pairs is not None:
        ids, n_filtered = _drop(ids, pairs, Y.shape[1])
    n_true = np.diff(Y.indptr).astype(np.int64)
    empty = n_true == 0
    n_empty = int(empty.sum())
    if empty_rows == "exclude" and n_empty:
        keep = np.flatnonzero(~empty)
        ids, n_true, Y = ids[keep], n_true[keep], Y[keep]
    if not len(n_true):
        raise ValueError(f"no row to score: {len(empty)} rows given, {n_empty} without a true label")
    return Judgement(ids, _is_true(ids, Y), Y, n_true, n_empty, n_filtered, complete)


def _as_truth(truth: Truth, n_labels: int | None, ids: NDArray[np.int64] | None) -> Csr:
    if not is_matrix(truth):
        rows = id_rows(truth, "truth")
        if n_labels is None:
            seen = 0 if ids is None else int(ids.max(initial=-1)) + 1
            n_labels = max(seen, 1 + max((max(row) for row in rows if row), default=0))
        return rows_to_csr(rows, n_labels, "truth")
    csr = as_csr(truth, "truth")
    if n_labels is not None and csr.shape[1] != n_labels:
        raise ValueError(f"truth has {csr.shape[1]} labels, but {n_labels} were expected")
    if csr.nnz and csr.data.min() < 0:
        raise ValueError(
            f"truth holds the negative value {csr.data.min()}; an indicator or relevance >= 0 was expected"
        )
    return without_zeros(csr)


def _as_ids(predictions: Predictions) -> NDArray[np.int64]:
    try:
        return check_top_ids("predictions", predictions)
    except TypeError as error:
        raise TypeError(
            f"{error}, or a scipy sparse matrix of scores; predict_topk gives ids, rank_batch names"
        ) from None


def _check_shape(ids: NDArray[np.int64], shape: tuple[int, int]) -> None:
    if len(ids) != shape[0]:
        raise ValueError(f"predictions have {len(ids)} rows, truth has {shape[0]}")
    if ids.size and ids.max() >= shape[1]:
        row, column = np.argwhere(ids >= shape[1])[0]
        raise ValueError(f"predictions hold id {ids[row, column]} in row {row}, outside [0, {shape[1]})")


def _as_pairs(filter_pairs: ArrayLike, shape: tuple[int, int]) -> NDArray[np.int64]:
    pairs = np.asarray(filter_pairs)
    if not pairs.size:
        return np.empty((0, 2), np.int64)
    if pairs.dtype.kind not in "iu":
        raise TypeError(f"filter_pairs have dtype {pairs.dtype}; integers were expected")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"filter_pairs have shape {pairs.shape}; (n_pairs, 2) was expected")
    wrong = ((pairs < 0) | (pairs >= np.asarray(shape))).any(axis=1)
    if wrong.any():
        raise ValueError(
            f"filter_pairs hold {tuple(pairs[wrong][0].tolist())}, outside the shape {shape} of truth"
        )
    return pairs.astype(np.int64, copy=False)


def _rank_scores(scores: Csr, k: int | None) -> NDArray[np.int64]:
    """Ids of the stored entries, best first; ties by ascending label."""
    lengths = np.diff(scores.indptr)
    longest = max(int(lengths.max(initial=0)), 1)
    width = longest if k is None else min(k, longest)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    ids, best = no_answers(len(lengths), width)
    put_best(rows, scores.indices, scores.data, (ids, best))
    return ids


def _drop(ids: NDArray[np.int64], pairs: NDArray[np.int64], n_labels: int) -> tuple[NDArray[np.int64], int]:
    """Remove pairs from the predictions; what follows moves up."""
    rows = np.unique(pairs[:, 0])
    some = ids[rows]
    dropped = np.isin(some + rows[:, None] * n_labels, pairs[:, 0] * n_labels + pairs[:, 1]) & (some >= 0)
    some[dropped] = -1
    some = np.take_along_axis(some, np.argsort(some < 0, axis=1, kind="stable"), axis=1)
    ids = ids.copy()
    ids[rows] = some
    return ids, int(dropped.sum())


def _is_true(ids: NDArray[np.int64], truth: "sp.csr_array") -> NDArray[np.bool_]:
    """Membership of every id in its row of the truth: one binary search in the sorted (row, label) keys."""
    n_rows, n_labels = truth.shape
    if not truth.nnz or not ids.size:
        return np.zeros(ids.shape, np.bool_)
    keys = np.repeat(np.arange(n_rows) * n_labels, np.diff(truth.indptr)) + truth.indices
    wanted = ids + (np.arange(n_rows) * n_labels)[:, None]
    found = np.searchsorted(keys, wanted.ravel()).reshape(ids.shape)
    np.minimum(found, len(keys) - 1, out=found)
    hits: NDArray[np.bool_] = (keys[found] == wanted) & (ids >= 0)
    return hits
