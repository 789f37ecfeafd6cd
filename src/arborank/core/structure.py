"""Whether a SciPy matrix is what it says: checked before SciPy's routines, which trust it, follow its indices.

SciPy's own ``check_format`` is not enough. It looks at the inner ends of rows only where the last one is not 0, and by
differences, which wrap round; of blocks and of lists of lists it looks at less. A matrix from a file, or one whose
arrays were set, could then make a conversion read or write outside its memory.
"""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lazy import sp
from .types import Sparse

__all__ = ["check_claims", "check_structure", "is_plausible"]


def check_structure(X: Sparse, name: str) -> Sparse:
    """Check a sparse matrix of any format.

    Parameters
    ----------
    X : scipy.sparse matrix or array with two dimensions
    name : str
        For error messages.

    Returns
    -------
    scipy.sparse matrix or array
        ``X``, or an equal one in coordinates where conversions of its own format trust what cannot be checked alone.

    Raises
    ------
    ValueError
        If it is malformed.
    """
    try:
        match X.format:
            case "csr" | "csc" | "bsr":
                _check_compressed(X)
            case "coo":
                _check_coordinates(X)
            case "dia":
                return _inner_diagonals(X)
            case "dok":
                X = X.tocoo()
                _check_coordinates(X)
            case "lil":
                X = _coordinates_of_lists(X)
                _check_coordinates(X)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(f"{name} is malformed: {error}") from None
    return X


def is_plausible(size: int, n_entries: int, usual: int = 1 << 24) -> bool:
    """Whether a number of rows or columns is usual, or at most 1000 times that of the entries."""
    return size <= max(usual, 1000 * n_entries)


def check_claims(shape: tuple[int, ...], n_entries: int, name: str) -> None:
    """Refuse a shape that a file claims far beyond what it holds: memory would be taken for every row and column.

    Raises
    ------
    ValueError
        If there are more rows or columns than 2^24 and than 1000 an entry.
    """
    for what, size in zip(("rows", "columns"), shape, strict=True):
        if not is_plausible(size, n_entries):
            raise ValueError(f"{name} claims {size:,} {what}, but holds {n_entries:,} entries")


def _check_compressed(X: Any) -> None:
    n_major, n_minor = X.shape[::-1] if X.format == "csc" else X.shape
    minor = "row" if X.format == "csc" else "column"
    if X.format == "bsr":
        blocks = X.data.shape
        if len(blocks) != 3 or 0 in blocks[1:] or X.shape[0] % blocks[1] or X.shape[1] % blocks[2]:
            raise ValueError(f"blocks of shape {blocks[1:]} do not fill a matrix of shape {X.shape}")
        n_major, n_minor = X.shape[0] // blocks[1], X.shape[1] // blocks[2]
        minor = "block column"
    indptr, indices = _integers("indptr", X.indptr), _integers("indices", X.indices)
    if indptr.size != n_major + 1:
        raise ValueError(f"indptr has {indptr.size} entries, but {n_major + 1} were expected")
    if indices.size != len(X.data):
        raise ValueError(f"there are {indices.size} indices, but {len(X.data)} values")
    if indptr[0] != 0 or indptr[-1] > indices.size or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"indptr does not ascend from 0 to {indices.size}")
    _check_range(minor, indices, n_minor)


def _check_coordinates(X: Any) -> None:
    for what, places, size in zip(("row", "column"), (X.row, X.col), X.shape, strict=True):
        places = _integers(what, places)
        if np.ndim(X.data) != 1 or places.size != X.data.size:
            raise ValueError(f"it has {X.data.size} values, but {places.size} {what}s of them")
        _check_range(what, places, size)


def _inner_diagonals(X: Any) -> Any:
    """Return a matrix without the diagonals that lie outside of it, of which SciPy reads nothing."""
    offsets = _integers("offsets", X.offsets)
    if X.data.ndim != 2 or X.data.shape[0] != offsets.size:
        raise ValueError(f"it has {offsets.size} offsets, but data of shape {X.data.shape}")
    if np.unique(offsets).size != offsets.size:
        raise ValueError("an offset is repeated")
    inner = (offsets > -X.shape[0]) & (offsets < X.shape[1])
    data, offsets = X.data[:, : X.shape[1]], offsets.astype(np.int64)
    diagonals, columns = np.nonzero(data)  # most of them may be zeros
    rows = columns - offsets[diagonals]
    held = inner[diagonals] & (rows >= 0) & (rows < X.shape[0])
    diagonals, rows, columns = diagonals[held], rows[held], columns[held]
    return sp.coo_array((data[diagonals, columns], (rows, columns)), shape=X.shape)


def _coordinates_of_lists(X: Any) -> "sp.coo_array":
    for what, lists in (("rows", X.rows), ("data", X.data)):
        if lists.shape != (X.shape[0],) or not all(isinstance(row, list) for row in lists):
            raise ValueError(f"its {what} are no {X.shape[0]} lists")
    lengths = [len(row) for row in X.rows]
    if lengths != [len(row) for row in X.data]:
        raise ValueError("a row has not as many values as columns")
    columns = np.fromiter(chain.from_iterable(X.rows), np.int64, sum(lengths))
    values = np.fromiter(chain.from_iterable(X.data), X.dtype, sum(lengths))
    _check_range("column", columns, X.shape[1])
    return sp.coo_array((values, (np.repeat(np.arange(X.shape[0]), lengths), columns)), shape=X.shape)


def _integers(what: str, values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{what} is {array.dtype} of {array.ndim} dimension(s); integers of one were expected"
        )
    return array


def _check_range(what: str, places: NDArray[Any], size: int) -> None:
    if places.size and (places.min() < 0 or places.max() >= size):
        raise ValueError(f"a {what} index is outside [0, {size})")
