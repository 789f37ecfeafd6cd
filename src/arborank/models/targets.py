"""What users pass as labels becomes one indicator matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..sparse import Csr, as_csr, check_unmasked, rows_to_csr, without_zeros
from ..state import State
from ..strings import StringTable

__all__ = ["as_indicator", "classes_from_state", "classes_to_state"]

_ROWS = (list, tuple, set, frozenset, np.ndarray)  # what may hold the label ids of a row
# Ids in lists are taken for column numbers up to here, or up to so many times the labels that are named in all.
_PLAUSIBLE, _SPARSE = 1_000_000, 1_000


def as_indicator(Y: Any, n_rows: int, of: str = "X") -> tuple[Csr, NDArray[Any] | None]:
    """Convert labels to an indicator matrix of ones.

    Parameters
    ----------
    Y : sparse matrix or 2-D array of shape (n_rows, n_labels); list of label-id lists; or 1-D array-like
        A non-zero value of a matrix marks a label of the row. A list of lists holds the label ids of every row (it is
        never read as a dense matrix: pass an array for that). A 1-D array gives every row the class of its value.
    n_rows : int
        Rows of the instance matrix, which ``Y`` must match.
    of : str, default="X"
        The argument that holds the instances, for error messages.

    Returns
    -------
    Y : Csr of shape (n_rows, n_labels)
    classes : array of shape (n_labels,) or None
        The sorted distinct values of a 1-D ``Y``; None for the other forms, whose labels are column numbers.

    Raises
    ------
    TypeError
        If labels are neither numbers nor, in the 1-D form, all numbers or all str.
    ValueError
        If the number of rows differs, a value is NaN or infinite, an id is negative or far beyond the number of
        labels that are named, a str cannot be stored as UTF-8, or there is no label at all.
    """
    if Y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None")
    classes: NDArray[Any] | None = None
    if isinstance(Y, Csr) or sp.issparse(Y):
        matrix = as_csr(Y, "Y")
    elif _is_ragged(Y):
        matrix = _from_lists(Y)
    else:
        _check_even(Y)
        check_unmasked(Y, "Y")
        array = np.asarray(Y)
        if array.ndim == 1:
            classes, matrix = _from_classes(array)
        else:
            matrix = as_csr(array, "Y")
    if matrix.shape[0] != n_rows:
        raise ValueError(
            f"{of} has {n_rows} rows but Y has {matrix.shape[0]}; every instance needs its labels"
        )
    if matrix.shape[1] == 0:
        raise ValueError("Y has 0 labels; at least one is needed")
    return _ones(matrix), classes


def _is_ragged(Y: Any) -> bool:
    """Whether ``Y`` is a sequence of label-id lists, as opposed to a dense array."""
    if isinstance(Y, np.ndarray) or not isinstance(Y, Sequence) or isinstance(Y, str) or not len(Y):
        return False
    return all(isinstance(row, _ROWS) for row in Y)


def _check_even(Y: Any) -> None:
    """Refuse label-id lists among single values."""
    if isinstance(Y, Sequence) and not isinstance(Y, str):
        lists = [isinstance(row, _ROWS) for row in Y]
        if any(lists):
            single = lists.index(False)
            raise TypeError(
                f"Y row {single} is {Y[single]!r}, but row {lists.index(True)} is a list of label ids; give a list "
                "for every row, or a single class for every row"
            )


def _from_lists(rows: Sequence[Any]) -> Csr:
    lists = [list(row) for row in rows]
    for number, row in enumerate(lists):
        for label in row:
            if not isinstance(label, (int, np.integer)) or isinstance(label, bool):
                raise TypeError(
                    f"Y row {number} holds {label!r}; label lists of XRLinear hold integer ids "
                    "(for label names use arborank.TextRanker)"
                )
            if label < 0:
                raise ValueError(f"Y row {number} holds {label}; label ids start at 0")
    n_labels = max((max(row) for row in lists if row), default=0) + 1
    n_named = sum(map(len, lists))
    if n_labels > max(_PLAUSIBLE, _SPARSE * n_named):
        number = next(i for i, row in enumerate(lists) if n_labels - 1 in row)
        raise ValueError(
            f"Y row {number} holds label {n_labels - 1}, but all rows together hold only {n_named} labels; ids are "
            f"column numbers, so this asks for {n_labels:,} labels. Number the labels from 0 on, or, if it is meant, "
            "pass a sparse Y of shape (n_rows, n_labels)"
        )
    return rows_to_csr(lists, n_labels, "Y")


def _from_classes(values: NDArray[Any]) -> tuple[NDArray[Any], Csr]:
    if values.dtype.kind == "O":
        values = _of_one_kind(values)
    if values.dtype.kind not in "biufU":
        hint = "; decode them" if values.dtype.kind == "S" else ""
        raise TypeError(f"Y has dtype {values.dtype}; class values must be numbers or str{hint}")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("Input Y contains NaN or infinity")
        if values.dtype.itemsize > 8:  # long double, which is not the same everywhere
            values = values.astype(np.float64)
    classes, ids = np.unique(values, return_inverse=True)
    if classes.dtype.kind == "U":
        _check_text(classes)
    indptr = np.arange(len(values) + 1)
    return classes, as_csr(
        sp.csr_array((np.ones(len(values), np.float32), ids, indptr), (len(values), len(classes)))
    )


def _of_one_kind(values: NDArray[Any]) -> NDArray[Any]:
    """Convert an object array to what it holds: all str, or all numbers."""
    items = values.tolist()
    if all(isinstance(item, str) for item in items):
        converted = np.array(items, dtype=np.str_)
        if converted.tolist() != items:  # NumPy drops them
            raise ValueError("Y holds a str that ends in a NUL character, which a class value must not")
        return converted
    for row, item in enumerate(items):
        if not isinstance(item, (int, float, np.number, np.bool_)):
            raise TypeError(
                f"Y has dtype object and holds {item!r} in row {row}; class values must be all numbers or all str"
            )
    return np.array(items)


def _check_text(classes: NDArray[Any]) -> None:
    for name in classes.tolist():
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"Y holds {name!r}, which cannot be stored as UTF-8: {error}") from None


def classes_to_state(classes: NDArray[Any] | None) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the parts that a saved model holds of its class values."""
    if classes is None:
        return {}, {}
    if classes.dtype.kind == "U":
        return {}, {"classes": StringTable(classes.tolist())}
    return {"classes": classes}, {}


def classes_from_state(state: State, n_labels: int) -> NDArray[Any] | None:
    """Return the class values of a saved model.

    Raises
    ------
    ValueError
        If there is not one for each label.
    """
    classes: Any = state.arrays.get("classes")
    if "classes" in state.parts:
        classes = np.array(list(state.parts["classes"]), dtype=np.str_)
    if classes is not None and classes.shape != (n_labels,):
        raise ValueError(f"classes has shape {classes.shape}, but the model has {n_labels} labels")
    return classes  # type: ignore[no-any-return]


def _ones(matrix: Csr) -> Csr:
    kept = without_zeros(matrix)
    return Csr(kept.indptr, kept.indices, np.ones(kept.nnz, np.float32), kept.shape[1])
