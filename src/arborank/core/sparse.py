"""The border: whatever matrix a user passes becomes one checked `Csr`, converted at most once.

Kernels take nothing else, so they never meet a wrong dtype, an unsorted row, a NaN or an index out of range.

Arrays that fit already are shared with the caller, and checked once. Kernels trust them from then on, without the GIL:
whoever writes into them afterwards, from another thread during a call or into the arrays of a `Csr` that is kept,
breaks that trust, and a wrong index makes the process read or write outside its memory. SciPy's own routines ask the
same. Every call of an estimator checks a SciPy or NumPy matrix anew, so between calls it may be changed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._native import Csr
from .arrow import from_arrow
from .lazy import sp
from .notices import warn
from .sequences import column_names
from .structure import check_structure
from .types import AnyArray, MatrixLike

__all__ = [
    "Csr",
    "as_csr",
    "check_unmasked",
    "is_matrix",
    "lists_to_csr",
    "multiply",
    "normalize_rows",
    "places_of",
    "row_places",
    "rows_to_csr",
    "scale_rows",
    "select_rows",
    "to_scipy",
    "transpose",
    "unit_rows",
    "without_zeros",
]


def as_csr(X: MatrixLike, name: str = "X", *, n_cols: int | None = None, n_rows: int | None = None) -> Csr:
    """Convert a matrix to a canonical, finite float32 `Csr`.

    Parameters
    ----------
    X : Csr, scipy.sparse matrix or array of any format and index width, or array-like of shape (n_rows, n_cols)
        A data frame of numbers, of pandas also a sparse one, does as well. Already fitting arrays are not copied: they
        must not be changed while the result is in use (see above). To be safe from that, pass a copy.
    name : str
        The argument's name, for error messages.
    n_cols, n_rows : int, optional
        The shape that the matrix must have.

    Raises
    ------
    TypeError
        If ``X`` is not a matrix of real numbers.
    ValueError
        If ``X`` is not 2-D, has another shape than required, holds NaN or infinity, is malformed, or has values of
        which all would be 0 in float32.

    Warns
    -----
    UserWarning
        If a row has values of which all are 0 in float32.
    """
    csr = X if isinstance(X, Csr) else _convert(X, name)
    if not (csr.canonical and csr.finite):
        csr = _convert(to_scipy(csr), name)
    if n_cols is not None and csr.shape[1] != n_cols:
        unit = "features" if name == "X" else "columns"
        raise ValueError(f"{name} has {csr.shape[1]} {unit}, but {n_cols} were expected")
    if n_rows is not None and csr.shape[0] != n_rows:
        raise ValueError(f"{name} has {csr.shape[0]} rows, but {n_rows} were expected")
    return csr


def _convert(X: MatrixLike, name: str) -> Csr:
    X = from_arrow(X)
    if sp.issparse(X):
        X = _rows_of_sparse(X, name)
    else:
        check_unmasked(X, name)
        names = column_names(X)
        if names is not None:
            return _convert(_from_frame(X, names, name), name)
        dense = np.asarray(X)
        _check_numeric(dense.dtype, name)
        if dense.ndim != 2:
            raise ValueError(
                f"{name} must be 2-dimensional, found {dense.ndim} dimension(s). Reshape your data"
            )
        narrow = _narrowed(dense)
        if _loses(dense, narrow):
            places = np.arange(len(dense) + 1) * dense.shape[1]
            _check_rows(dense.ravel(), narrow.ravel(), places, name)
        X = sp.csr_array(narrow)
    csr = _checked(X, name)
    if not csr.canonical:
        X = X.copy()
        X.sum_duplicates()
        csr = _checked(X, name)
    if not csr.finite:
        where = int(np.flatnonzero(~np.isfinite(csr.data))[0])
        row = int(np.searchsorted(csr.indptr, where, side="right")) - 1
        found = "NaN" if np.isnan(csr.data[where]) else "infinity"
        raise ValueError(
            f"{name} contains {found}, first at row {row}, column {int(csr.indices[where])} (float32)"
        )
    return csr


def is_matrix(X: object) -> bool:
    """Whether an argument is a matrix rather than a list: sparse, a 2-D array of numbers, or a data frame.

    A data frame of one column that holds no numbers is a list.
    """
    X = from_arrow(X)
    if isinstance(X, Csr) or sp.issparse(X):
        return True
    if isinstance(X, np.ndarray) and X.dtype.names is None:
        return X.ndim >= 2 and X.dtype.kind not in "OUT"
    names = column_names(X)
    if names is None or len(names) != 1:
        return names is not None
    frame: Any = X
    return np.asarray(frame[names[0]]).dtype.kind in "biuf"


def _from_frame(X: Any, names: list[Any], name: str) -> Any:
    """Return a data frame as a matrix, sparse where all of its columns are."""
    if hasattr(X, "sparse"):  # of pandas
        try:
            return X.sparse.to_coo()
        except ValueError:
            raise ValueError(
                f"{name} is a sparse data frame whose fill value is not 0; give {name}.sparse.to_dense()"
            ) from None
    dense = np.asarray(X)
    if dense.dtype.kind in "biufc":
        return dense
    columns = (
        [X.iloc[:, i] for i in range(len(names))] if hasattr(X, "iloc") else [X[label] for label in names]
    )
    return np.column_stack(
        [_numbers(column, label, name) for column, label in zip(columns, names, strict=True)]
    )


def _numbers(column: Any, label: Any, name: str) -> NDArray[Any]:
    kind = getattr(getattr(column, "dtype", None), "kind", None)
    if kind in ("b", "i", "u", "f") and hasattr(column, "iloc"):  # nullable, too
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    values = np.asarray(column)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{name} has a column {label!r} of dtype {values.dtype}; numbers were expected")
    return values


def check_unmasked(X: MatrixLike, name: str) -> None:
    """Raise ``ValueError`` for a NumPy array with masked values, which a conversion would silently unmask."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(f"{name} has masked values; fill them first, with X.filled(...)")


def _rows_of_sparse(X: Any, name: str) -> Any:
    if X.ndim != 2:
        raise ValueError(f"{name} must be 2-dimensional, found {X.ndim} dimension(s)")
    _check_numeric(X.dtype, name)
    if X.format == "csr":  # which is checked as it becomes a `Csr`
        return X
    return check_structure(X, name).tocsr()


def _check_numeric(dtype: np.dtype[Any], name: str) -> None:
    if dtype.kind == "c":
        raise ValueError(f"{name} has dtype {dtype}. Complex data not supported")
    if dtype.kind not in "biuf":
        hint = "; texts go to arborank.TextRanker" if dtype.kind in "UT" else ""
        raise TypeError(f"{name} has dtype {dtype}; numbers were expected{hint}")


def _checked(X: Any, name: str) -> Csr:
    if X.shape[1] > np.iinfo(np.int32).max:
        raise ValueError(f"{name} has {X.shape[1]} columns; at most {np.iinfo(np.int32).max} are supported")
    if np.shape(X.indptr) != (X.shape[0] + 1,) or np.ndim(X.indices) != 1 or np.ndim(X.data) != 1:
        raise ValueError(f"{name} is malformed: its arrays do not fit its shape {X.shape}")
    indices = X.indices
    if indices.dtype != np.int32:
        if indices.size and (indices.min() < 0 or indices.max() >= X.shape[1]):
            raise ValueError(f"{name} is malformed: a column index is outside [0, {X.shape[1]})")
        indices = indices.astype(np.int32)
    data = np.ascontiguousarray(_narrowed(X.data))
    try:
        csr = Csr(
            np.ascontiguousarray(X.indptr, dtype=np.int64), np.ascontiguousarray(indices), data, X.shape[1]
        )
    except ValueError as error:
        raise ValueError(f"{name} is malformed: {error}") from None
    if _loses(X.data, data):
        _check_rows(X.data, data, csr.indptr, name)
    return csr


def _narrowed(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return values as float32; those beyond it become infinity, which is reported by its place."""
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32, copy=False)


def _loses(values: NDArray[Any], narrow: NDArray[np.float32]) -> bool:
    """Whether a value is 0 in float32 that was none before."""
    return values.dtype.itemsize > 4 and bool(np.count_nonzero(narrow) < np.count_nonzero(values))


def _check_rows(
    values: NDArray[Any], narrow: NDArray[np.float32], indptr: NDArray[np.int64], name: str
) -> None:
    """Warn of rows that have values but none in float32; raise ``ValueError`` if there are no others."""
    had, has = (np.diff(np.append(0, np.cumsum(some != 0))[indptr]) > 0 for some in (values, narrow))
    lost = np.flatnonzero(had & ~has)
    if not lost.size:
        return
    found = (
        "no value that float32 can hold: all are 0 or closer to 0 than 1.4e-45, such as "
        f"{values[(values != 0) & (narrow == 0)][0]}; multiply {name} by a constant first"
    )
    if not has.any():
        raise ValueError(f"{name} has {found}")
    warn(f"{lost.size} of {had.size} rows of {name}, first row {lost[0]}, have {found}")


def to_scipy(csr: Csr) -> "sp.csr_array":
    """View a `Csr` as a SciPy array; values are shared, indices are copied where SciPy needs one width."""
    narrow = csr.nnz <= np.iinfo(np.int32).max  # SciPy wants indptr as wide as indices, or widens those
    indptr = csr.indptr.astype(np.int32) if narrow else csr.indptr
    matrix = sp.csr_array((csr.data, csr.indices, indptr), shape=csr.shape)
    if csr.canonical:  # so that SciPy need not look
        matrix.has_canonical_format = True
    return matrix


def select_rows(csr: Csr, rows: slice | NDArray[np.integer] | NDArray[np.bool_]) -> Csr:
    """Return some rows, in the order given; ``rows`` is a slice, positions or a mask."""
    return as_csr(to_scipy(csr)[rows])


def transpose(csr: Csr) -> Csr:
    """Return the transpose, canonical again."""
    indptr, indices, data = _native.transpose(csr)
    return Csr(indptr, indices, data, csr.shape[0])


def multiply(
    a: Csr,
    b: Csr,
    *,
    normalize: bool = False,
    n_threads: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Csr:
    """Return the product of two sparse matrices, canonical and without stored zeros.

    Parameters
    ----------
    a : Csr of shape (n, m)
    b : Csr of shape (m, p)
    normalize : bool, default False
        Divide every row of the product by its Euclidean norm; empty rows stay empty.
    n_threads : int, default 0
        0 for all cores; the result does not depend on it.
    progress : callable, optional
        Called now and then with the number of rows done.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"matrices of shapes {a.shape} and {b.shape} cannot be multiplied")
    indptr, indices, data = _native.multiply(a, b, normalize, n_threads, progress)
    return Csr(indptr, indices, data, b.shape[1])


def places_of(csr: Csr) -> NDArray[np.int64]:
    """Return row and column of every stored value as one number, ``row * n_columns + column``; they ascend."""
    rows = np.repeat(np.arange(csr.shape[0], dtype=np.int64), np.diff(csr.indptr))
    places: NDArray[np.int64] = rows * csr.shape[1] + csr.indices
    return places


def row_places(
    indptr: NDArray[np.integer], rows: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the values of some rows of a sparse matrix are, one row after another, and where each row begins.

    Parameters
    ----------
    indptr : array of shape (n_rows + 1,)
    rows : array of shape (n,)
        In any order.

    Returns
    -------
    bounds : int64 array of shape (n + 1,)
    places : int64 array of shape (bounds[-1],)
    """
    lengths = indptr[rows + 1] - indptr[rows]
    bounds = np.zeros(rows.size + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds, np.arange(bounds[-1]) + np.repeat(indptr[rows] - bounds[:-1], lengths)


def without_zeros(csr: Csr) -> Csr:
    """Drop stored zeros; a matrix that has none is returned as it is."""
    if (csr.data != 0).all():
        return csr
    matrix = to_scipy(csr).copy()
    matrix.eliminate_zeros()
    return as_csr(matrix)


def normalize_rows(csr: Csr) -> Csr:
    """Divide every row by its Euclidean norm; empty rows stay empty."""
    return Csr(csr.indptr, csr.indices, _native.normalize_rows(csr), csr.shape[1])


def scale_rows(csr: Csr, factors: NDArray[np.float32]) -> Csr:
    """Multiply every row by a factor of its own."""
    return Csr(csr.indptr, csr.indices, csr.data * np.repeat(factors, np.diff(csr.indptr)), csr.shape[1])


def unit_rows(dense: NDArray[np.floating], least: float = 0.0) -> NDArray[np.float32]:
    """Divide every row of a dense matrix by its Euclidean norm; rows whose norm is not above ``least`` become zeros."""
    length = np.linalg.norm(dense, axis=1, keepdims=True)
    unit = np.divide(dense, length, out=np.zeros_like(dense), where=length > least)
    return np.ascontiguousarray(unit, dtype=np.float32)


def rows_to_csr(rows: Iterable[Sequence[int]], n_cols: int, name: str) -> Csr:
    """Build an indicator matrix from one sequence of column indices a row.

    Raises
    ------
    TypeError
        If an index is not an integer.
    ValueError
        If an index is outside ``[0, n_cols)``.
    """
    lengths: list[int] = []
    flat: list[int] = []
    for row in rows:
        flat.extend(row)
        lengths.append(len(row))
    if not {bool, np.bool_}.isdisjoint(map(type, flat)):  # beside integers NumPy would read them as 1 and 0
        raise TypeError(f"{name} must hold integer indices, found True or False")
    values = np.asarray(flat, dtype=None if flat else np.int64)
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integer indices, found {values.dtype}")
    if values.size and (values.min() < 0 or values.max() >= n_cols):
        wrong = int(values[(values < 0) | (values >= n_cols)][0])
        raise ValueError(f"{name} holds index {wrong}, which is outside [0, {n_cols})")
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    matrix = sp.csr_array(
        (np.ones(values.size, np.float32), values.astype(np.int64), indptr), (len(lengths), n_cols)
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return as_csr(matrix, name)


def lists_to_csr(ids: AnyArray, n_cols: int, values: NDArray[np.float32] | None = None) -> "sp.csr_array":
    """Return top lists, padded at their ends with -1, as a sparse matrix of shape (n_rows, n_cols).

    Columns of a row stand in the order of its list; ``values``, of the shape of ``ids``, are ones by default.
    """
    held = ids >= 0
    indptr = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    data = np.ones(indptr[-1], np.float32) if values is None else values[held]
    return sp.csr_array((data, ids[held], indptr), shape=(len(ids), n_cols))
