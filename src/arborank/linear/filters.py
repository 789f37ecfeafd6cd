"""Label filters of a prediction: which labels may, or may not, be returned."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._native import label_ids
from ..core.label_lists import is_row
from ..core.sequences import as_column
from ..core.sparse import Csr, as_csr, is_matrix, rows_to_csr, without_zeros
from ..core.types import LabelIds

__all__ = ["check_ids", "label_filter", "label_weights", "of_all", "of_rows"]


def of_rows(labels: LabelIds | None, name: str, n_rows: int, n_labels: int) -> NDArray[np.int64] | Csr | None:
    """Return the ids of a filter that holds for all rows, not checked, or see `label_filter`."""
    if labels is None:
        return None
    ids = _shared_ids(labels)
    return label_filter(labels, name, n_rows, n_labels) if ids is None else ids


def of_all(labels: LabelIds | None, name: str, n_labels: int) -> NDArray[np.integer] | None:
    """Return the ids of a filter that must hold for all rows; see `label_filter` for the errors."""
    check_ids(labels, name, n_labels)
    ids = _shared_ids(labels)
    if ids is not None:
        return ids
    pattern = label_filter(labels, name, None, n_labels)
    return None if pattern is None else pattern.indices


def _shared_ids(labels: LabelIds | None) -> NDArray[np.int64] | None:
    """Return the label ids of a filter that is one list of them, for all instances; None if it is anything else.

    Whether they are in range is for the search to see.
    """
    if isinstance(labels, np.ndarray):
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            return None
        if labels.dtype == np.uint64 and labels.max(initial=0) >= 1 << 63:
            return None  # would be another number as int64
        return np.ascontiguousarray(labels, np.int64)
    if isinstance(labels, (list, tuple)) and labels:
        return label_ids(labels)
    return None


def check_ids(labels: LabelIds | None, name: str, n_labels: int) -> None:
    """Raise ``ValueError`` if a list of ids that holds for all rows has one outside ``[0, n_labels)``."""
    ids = _shared_ids(labels)
    if ids is not None and ids.size:
        _check_range(int(ids.min()), int(ids.max()), name, n_labels)


def _check_range(least: int, most: int, name: str, n_labels: int) -> None:
    for label in (least, most):
        if not 0 <= label < n_labels:
            raise ValueError(f"{name} holds index {label}, which is outside [0, {n_labels})")


def label_filter(labels: LabelIds | None, name: str, n_rows: int | None, n_labels: int) -> Csr | None:
    """Convert a filter to a pattern of one row, which holds for all instances, or one row per instance.

    Parameters
    ----------
    labels : None, 1-D sequence of label ids, list of label-id lists, or matrix of shape (n_rows, n_labels)
        A matrix, sparse or a 2-D array, marks labels by its non-zeros.
    name : str
        The argument's name, for error messages.
    n_rows, n_labels : int
        The shape that the filter must fit; without ``n_rows``, it must be one that holds for all instances.

    Raises
    ------
    TypeError, ValueError
        If it holds something other than label ids, or does not fit the shape.
    """
    if labels is None:
        return None
    if is_matrix(labels):
        pattern = without_zeros(as_csr(labels, name))
        if pattern.shape[1] != n_labels:
            raise ValueError(f"{name} has {pattern.shape[1]} columns, but the model has {n_labels} labels")
    else:
        rows = list(as_column(labels, name, "label ids, or one list of label ids per row", ordered=False))
        if all(isinstance(row, (int, np.integer)) for row in rows):
            return _one_row(rows, name, n_labels)
        for row in rows:
            if not is_row(row) or isinstance(row, Mapping):
                raise TypeError(
                    f"{name} must hold label ids, or one list of label ids per row; found {row!r}"
                )
        wanted = "a list of label ids"
        pattern = rows_to_csr(
            [list(as_column(row, name, wanted, ordered=False)) for row in rows], n_labels, name
        )
    if n_rows is None and pattern.shape[0] != 1:
        raise ValueError(f"{name} has {pattern.shape[0]} rows; one filter for all instances was expected")
    if n_rows is not None and pattern.shape[0] != n_rows:
        raise ValueError(f"{name} has {pattern.shape[0]} rows, but X has {n_rows}")
    return pattern


def label_weights(weights: ArrayLike, n_labels: int) -> NDArray[np.float32]:
    """Return weights of the labels as float32, or raise if they are not finite numbers of at least 0."""
    array = np.asarray(weights)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"label_weights must be numbers, found {array.dtype}")
    if array.shape != (n_labels,):
        raise ValueError(f"label_weights has shape {array.shape}, but the model has {n_labels} labels")
    limits = np.finfo(np.float32)
    if not ((array >= 0) & (array <= limits.max)).all():
        raise ValueError(f"label_weights must be finite, at least 0 and at most {limits.max:g}")
    return np.where(array > 0, np.maximum(array, limits.tiny), 0).astype(np.float32)  # only 0 is 0


def _one_row(labels: list[int], name: str, n_labels: int) -> Csr:
    if any(isinstance(label, bool) for label in labels):
        raise TypeError(
            f"{name} must hold label ids, found True or False; of a mask give np.flatnonzero(mask)"
        )
    if labels:
        _check_range(min(labels), max(labels), name, n_labels)
    ids = np.unique(np.array(labels, np.int64)).astype(np.int32)
    return Csr(np.array([0, ids.size]), ids, np.ones(ids.size, np.float32), n_labels)
