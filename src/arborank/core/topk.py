"""The best of every row: of dense rows, of sparse rows, and as padded lists."""

import numpy as np
from numpy.typing import NDArray

from .types import TopK

__all__ = ["best_columns", "no_answers", "place_in_rows", "put_best"]


def best_columns(values: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Return the columns of the ``k`` largest values of every row, largest first, equals in order of the columns.

    Parameters
    ----------
    values : array of shape (n_rows, n_columns)
    k : int
        With fewer columns, all of them are returned.
    """
    columns = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    if k < values.shape[1]:
        least = np.partition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k, None]
        equal = values == least
        wanted = k - (values > least).sum(axis=1, keepdims=True)
        kept = (values > least) | (equal & (np.cumsum(equal, axis=1) <= wanted))
        columns = np.nonzero(kept)[1].reshape(values.shape[0], k)
    order = np.argsort(-np.take_along_axis(values, columns, axis=1), axis=1, kind="stable")
    best: NDArray[np.int64] = np.take_along_axis(columns, order, axis=1)
    return best


def place_in_rows(
    indptr: NDArray[np.integer], values: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Order the entries of sparse rows, best first; equals stay in their order.

    Returns
    -------
    rows, places, order : int64 arrays of shape (n_entries,)
        Entry ``order[i]`` has place ``places[i]`` in row ``rows[i]``.
    """
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return rows, np.arange(len(rows)) - indptr[rows], np.lexsort((-values, rows))


def no_answers(n_rows: int, k: int) -> TopK:
    """Return ids and scores of lists that are all padding, to be filled."""
    return np.full((n_rows, k), -1, np.int64), np.full((n_rows, k), -np.inf, np.float32)


def put_best(
    row: NDArray[np.int64], label: NDArray[np.integer], score: NDArray[np.float32], into: TopK
) -> None:
    """Write the best of entries, whose rows ascend, into top lists; equals stay in their order."""
    ids, scores = into
    rows, places, order = place_in_rows(np.searchsorted(row, np.arange(len(ids) + 1)), score)
    kept = places < ids.shape[1]
    rows, places, order = rows[kept], places[kept], order[kept]
    ids[rows, places], scores[rows, places] = label[order], score[order]
