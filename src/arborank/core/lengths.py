"""How long rows are: what the costs, the constant feature and the pruning of linear rankers are relative to.

A squared hinge with cost ``C`` on rows ``c x`` is that with cost ``c ** 2 C`` on rows ``x``, and its weights are ``c``
times as small. So rankers are trained on rows of about unit length, whatever the user's features are measured in, and
the rows that they meet later are divided by the same number.
"""

import numpy as np
from numpy.typing import NDArray

from .._native import Csr
from .checks import check_real
from .notices import warn
from .sparse import as_csr

__all__ = ["check_row_length", "divide_rows", "typical_length"]

_ABOUT_UNIT = 2.0  # lengths from a half to this are as good as 1
_LONGEST = 1e18  # of a divided row: its square is still a number in single precision
_LONGEST_ROW = 1e45  # more than 2^31 of the largest values of single precision make
_BLOCK = 1 << 16  # values at a time
_SAMPLE, _SAMPLED_VALUES = 1000, 1 << 18  # rows, and values of theirs, that stand for all
_LARGE = 4.0  # times the median of a row's values; larger ones count as much
_DIFFERENT = 10.0  # quarters of the rows are that much shorter and longer than others
_LARGER = 10.0  # times the numbers of a column in the middle
# Of the squares of unit rows: precision suffers where a large column, several, or the mean of all have more.
_ONE_HIDES, _HIDES, _MEAN_HIDES = 0.995, 0.98, 0.97
_FEW = 20  # rows that may well be alike


def typical_length(X: Csr, *, warns: bool = False) -> float:
    """Return what the rows of ``X`` are to be divided by to be about as long as 1.

    Parameters
    ----------
    X : Csr of shape (n_rows, n_features)
    warns : bool, default False
        Whether to warn of rows and columns that hide others by their scale.

    Returns
    -------
    float
        The median of the Euclidean lengths of all rows but empty ones, where that is between 1/2 and 2 (and where all
        rows are empty) 1.0. A median does not mind a few rows that are much longer than the others, as a mean would.
        So that it does not mind a few columns of large numbers either, values count as at most four times the median
        of their row; 1000 rows are looked at.

    Raises
    ------
    ValueError
        If a row is more than 1e18 times as long as that.

    Warns
    -----
    UserWarning
        If a quarter of the rows is more than ten times as long as another quarter, or if nearly all of the sum of
        squares is in a few columns of larger numbers than those of others, or in the mean of all rows.
    """
    lengths = _lengths(X)
    filled = np.flatnonzero(lengths)
    median = float(np.median(lengths[filled])) if filled.size else 1.0
    if _is_about_unit(median):
        median = 1.0
    else:
        median = float(np.median([_without_large(X, row) for row in _some(filled).tolist()]))
    if lengths.max(initial=0) > _LONGEST * median:
        row = int(lengths.argmax())
        raise ValueError(
            f"row {row} of X has the length {lengths[row]:.3g}, but rows are typically {median:.3g} long; divide every "
            "row by its length, as sklearn.preprocessing.normalize does, or leave that row out"
        )
    if warns:
        _warn_of_lengths(lengths[filled])
        _warn_of_columns(X, lengths)
    return 1.0 if _is_about_unit(median) else median


def check_row_length(length: object) -> float:
    """Return what rows are to be divided by as a float, or raise if no rows are so long."""
    return check_real("row_length", length, above=0.0, most=_LONGEST_ROW)


def divide_rows(X: Csr, length: float) -> Csr:
    """Return ``X / length``; ``X`` itself where that is 1."""
    if length == 1.0:
        return X
    with np.errstate(over="ignore", under="ignore"):  # what becomes infinite is reported by its place
        data = (X.data / np.float64(length)).astype(np.float32)
    return as_csr(Csr(X.indptr, X.indices, data, X.shape[1]))


def _warn_of_lengths(lengths: NDArray[np.float64]) -> None:
    if not lengths.size:
        return
    short, long = np.quantile(lengths, [0.25, 0.75])
    if long > _DIFFERENT * short:
        warn(
            f"rows of X have very different lengths, a quarter of them below {short:.3g} and another above {long:.3g}; "
            "what the short ones say is hardly learned. Divide every row by its length, as "
            "sklearn.preprocessing.normalize does"
        )


def _warn_of_columns(X: Csr, lengths: NDArray[np.float64]) -> None:
    """Warn of what hides the rest of most rows: columns of larger numbers than others, or what all have in common."""
    filled = np.flatnonzero(lengths)
    per_row = X.nnz // max(filled.size, 1) + 1
    rows = _some(filled, max(_SAMPLED_VALUES // per_row, _FEW))
    counts = np.diff(X.indptr)[rows]
    places = np.concatenate([np.arange(X.indptr[row], X.indptr[row + 1]) for row in rows.tolist()] or [rows])
    values = X.data[places] / np.repeat(lengths[rows], counts)
    places, values = places[values != 0], values[values != 0]
    used, numbers = np.unique(X.indices[places], return_inverse=True)
    if used.size < 2:
        return
    squares = np.bincount(numbers, weights=values * values)
    sizes = squares / np.bincount(numbers)
    large = sizes > _LARGER**2 * np.median(sizes)
    held, n_large = squares[large].sum() / rows.size, int(large.sum())
    if held > (_ONE_HIDES if n_large == 1 else _HIDES):
        first = used[large].tolist()
        which = (
            f"column {first[0]} of X holds"
            if n_large == 1
            else f"{n_large} columns of X, such as {first[0]} and {first[1]}, hold"
        )
        warn(
            f"{which} much larger numbers than all others together, of which little is learned beside them. Scale the "
            "columns, as sklearn.preprocessing.MaxAbsScaler does, or leave out what is so large"
        )
        return
    means = np.bincount(numbers, weights=values)[~large] / rows.size
    common = np.square(means).sum() / (squares[~large].sum() / rows.size)
    if rows.size >= _FEW and common > _MEAN_HIDES:
        warn(
            f"the rows of X are nearly the same: their mean has {common:.1%} of all squares, and little is learned of "
            "what tells them apart. Subtract the mean, as sklearn.preprocessing.StandardScaler does"
        )


def _some(rows: NDArray[np.int64], most: int = _SAMPLE) -> NDArray[np.int64]:
    return rows[np.linspace(0, rows.size - 1, min(rows.size, most, _SAMPLE)).astype(np.int64)]


def _is_about_unit(length: float) -> bool:
    return 1 / _ABOUT_UNIT <= length <= _ABOUT_UNIT


def _without_large(X: Csr, row: int) -> float:
    """Return the length of a row in which no value counts more than a few times the median."""
    values = np.abs(X.data[X.indptr[row] : X.indptr[row + 1]].astype(np.float64))
    values = values[values > 0]
    return float(np.linalg.norm(np.minimum(values, _LARGE * np.median(values))))


def _lengths(X: Csr) -> NDArray[np.float64]:
    """Return the Euclidean length of every row."""
    squares = np.zeros(X.shape[0])
    starts = X.indptr
    begin = 0
    while begin < X.shape[0]:
        end = max(int(np.searchsorted(starts, starts[begin] + _BLOCK, side="right")) - 1, begin + 1)
        values = X.data[starts[begin] : starts[end]].astype(np.float64)
        filled = begin + np.flatnonzero(np.diff(starts[begin : end + 1]))
        if filled.size:
            squares[filled] = np.add.reduceat(values * values, starts[filled] - starts[begin])
        begin = end
    return np.sqrt(squares)
