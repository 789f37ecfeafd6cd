"""What users pass as labels becomes one indicator matrix."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrow import from_arrow
from ..core.errors import ArgumentError
from ..core.label_lists import id_rows, is_row
from ..core.lazy import sp
from ..core.memory import check_room
from ..core.sequences import as_column, column_names
from ..core.sparse import Csr, as_csr, check_unmasked, is_matrix, rows_to_csr, without_zeros
from ..core.state import State
from ..core.strings import StringTable
from ..core.structure import is_plausible
from ..core.types import AnyArray, Json, Targets

__all__ = ["as_indicator", "check_classes", "classes_from_state", "classes_to_state", "one_column"]

_USUAL = 1_000_000  # ids in lists are taken for column numbers up to here, or where many labels are named


def as_indicator(Y: Targets, n_rows: int, of: str = "X") -> tuple[Csr, AnyArray | None]:
    """Convert labels to an indicator matrix of ones.

    Parameters
    ----------
    Y : sparse matrix, 2-D array or data frame of shape (n_rows, n_labels); list of label-id lists; or 1-D array-like
        A value of a matrix above zero marks a label of the row. A list of lists holds the label ids of every row (it is
        never read as a dense matrix: pass an array for that). A 1-D array gives every row the class of its value. Lists
        may be generators or a Series.
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
        If labels are neither numbers nor, in the 1-D form, all numbers or all str, or ``Y`` is a mapping or a set.
    ValueError
        If the number of rows differs, a value is negative, NaN or infinite, an array of integers holds more than 0 and
        1, lists are an indicator row by row, an id is negative or far beyond the number of labels that are named, a str
        cannot be stored as UTF-8, or there is no label at all.
    """
    if Y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None")
    Y = from_arrow(Y)
    classes: NDArray[Any] | None = None
    if is_matrix(Y):
        matrix = _from_matrix(Y)
    else:
        check_unmasked(Y, "Y")
        _check_no_objects(Y)
        entries = list(
            as_column(Y, "Y", "an indicator matrix, a list of label-id lists or a list of classes")
        )
        if any(map(is_row, entries)):
            matrix = _from_lists(entries)
        else:
            classes, matrix = _from_classes(
                np.asarray(entries if column_names(Y) or not hasattr(Y, "__array__") else Y)
            )
    if matrix.shape[0] != n_rows:
        raise ValueError(
            f"{of} has {n_rows} rows but Y has {matrix.shape[0]}; every instance needs its labels"
        )
    if matrix.shape[1] == 0:
        raise ValueError("Y has 0 labels; at least one is needed")
    return _ones(matrix), classes


def _from_matrix(Y: Any) -> Csr:
    matrix = as_csr(Y, "Y")
    if matrix.nnz and matrix.data.min() < 0:
        raise ValueError(
            f"Y holds the negative value {matrix.data.min():g}; an indicator, of ones where a label is, was expected"
        )
    if isinstance(Y, np.ndarray) and Y.dtype.kind in "iu" and Y.size and Y.max() > 1:
        raise ValueError(
            f"Y is an array of integers up to {Y.max()}, but an indicator holds 0 and 1; of label ids give lists, "
            "Y.tolist(), of one column with classes Y.ravel(), and of counts or relevance Y > 0, with the parameter "
            "relevance for their values"
        )
    return matrix


def _check_no_objects(Y: Any) -> None:
    if isinstance(Y, np.ndarray) and Y.ndim == 2 and Y.shape[1] > 1:
        raise TypeError(
            f"Y is an array of shape {Y.shape} and dtype {Y.dtype}; an indicator must hold numbers, such as "
            "Y.astype(np.float32), and label names go to TextRanker"
        )


def _from_lists(rows: list[Any]) -> Csr:
    single = next((number for number, row in enumerate(rows) if not is_row(row)), None)
    if single is not None:
        first = next(number for number, row in enumerate(rows) if is_row(row))
        raise TypeError(
            f"Y row {single} is {rows[single]!r}, but row {first} is a list of label ids; give a list for every row "
            "([] where there is no label), or a single class for every row"
        )
    lists = id_rows(rows, "Y")
    n_labels = max((max(row) for row in lists if row), default=0) + 1
    n_named = sum(map(len, lists))
    if not is_plausible(n_labels, n_named, _USUAL):
        number = next(i for i, row in enumerate(lists) if n_labels - 1 in row)
        raise ValueError(
            f"Y row {number} holds label {n_labels - 1}, but all rows together hold only {n_named} labels; ids are "
            f"column numbers, so this asks for {n_labels:,} labels. Number the labels from 0 on, or, if it is meant, "
            "pass a sparse Y of shape (n_rows, n_labels)"
        )
    return rows_to_csr(lists, n_labels, "Y")


def _from_classes(values: NDArray[Any]) -> tuple[NDArray[Any], Csr]:
    if values.dtype.kind in "OT":
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
    """Convert an array of objects, or of str of any length, to what it holds: all str, or all numbers."""
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


def one_column(Y: Targets) -> Targets:
    """Return an array of one column as its only dimension, with the warning that scikit-learn gives."""
    if not isinstance(Y, np.ndarray) or Y.ndim != 2 or Y.shape[1] != 1:
        return Y
    from sklearn.exceptions import DataConversionWarning

    warnings.warn(
        "A column-vector y was passed when a 1d array was expected", DataConversionWarning, stacklevel=3
    )
    return Y.ravel()


def check_classes(classes: AnyArray | None) -> None:
    """Raise ``ValueError`` unless a target holds a class for every row, as ``single_label`` says."""
    if classes is None:
        raise ArgumentError("Y", "must hold one class for every row, since single_label is True")
    if classes.dtype.kind == "f" and (classes != np.round(classes)).any():
        wrong = classes[classes != np.round(classes)][0]
        raise ArgumentError("Y", f"holds {wrong:g}. Unknown label type: continuous; classes were expected")


def classes_to_state(classes: AnyArray | None) -> tuple[dict[str, AnyArray], Json]:
    """Return the arrays and the parts that a saved model holds of its class values."""
    if classes is None:
        return {}, {}
    if classes.dtype.kind == "U":
        return {}, {"classes": StringTable(classes.tolist())}
    return {"classes": classes}, {}


def classes_from_state(state: State, n_labels: int) -> AnyArray | None:
    """Return the class values of a saved model.

    Raises
    ------
    ValueError
        If there is not one for each label.
    MemoryError
        If they are names, and an array as wide as the longest would need more memory than there is.
    """
    classes: Any = state.arrays.get("classes")
    if "classes" in state.parts:
        names = state.part("classes", StringTable)
        if len(names) != n_labels:
            raise ValueError(f"classes has shape ({len(names)},), but the model has {n_labels} labels")
        longest = int(names.lengths().max(initial=1))
        check_room(4 * longest * n_labels, "the names of the classes need", "the longest decides")
        classes = np.array(list(names), dtype=np.str_)
    if classes is not None and classes.shape != (n_labels,):
        raise ValueError(f"classes has shape {classes.shape}, but the model has {n_labels} labels")
    return classes  # type: ignore[no-any-return]


def check_plausible(name: str, n_labels: int, n_named: int) -> None:
    """Raise ``ValueError`` for a number of labels that is far beyond what of them is there."""
    if not is_plausible(n_labels, n_named, _USUAL):
        raise ValueError(f"{name} is {n_labels}, but only {n_named} labels have a place")


def _ones(matrix: Csr) -> Csr:
    kept = without_zeros(matrix)
    return Csr(kept.indptr, kept.indices, np.ones(kept.nnz, np.float32), kept.shape[1])
