"""How long rows are: what the costs, the constant feature and the pruning of linear rankers are relative to.

A squared hinge with cost ``C`` on rows ``c x`` is that with cost ``c ** 2 C`` on rows ``x``, and its weights are ``c``
times as small. So rankers are trained on rows of about unit length, whatever the user's features are measured in, and
the rows that they meet later are divided by the same number.
"""

import numpy as np
from numpy.typing import NDArray

from .._native import Csr
from .notices import warn
from .sparse import as_csr

__all__ = ["divide_rows", "typical_length", "warn_of_scales"]

_ABOUT_UNIT = 2.0  # lengths from a half to this are as good as 1
_LONGEST = 1e18  # of a divided row: its square is still a number in single precision
_BLOCK = 1 << 20  # values at a time
_SAMPLE = 1000  # rows
_LARGE = 4.0  # times the median of a row's values; larger ones count as much
_DIFFERENT = 10.0  # quarters of the rows are that much shorter and longer than others
_DOMINATES = 0.995  # of the sum of squares, in one column


def typical_length(X: Csr) -> float:
    """Return what the rows of ``X`` are to be divided by to be about as long as 1.

    Parameters
    ----------
    X : Csr of shape (n_rows, n_features)

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
    """
    lengths = _lengths(X)
    filled = np.flatnonzero(lengths)
    median = float(np.median(lengths[filled])) if filled.size else 1.0
    if _is_about_unit(median):
        median = 1.0
    else:
        some = filled[np.linspace(0, filled.size - 1, min(filled.size, _SAMPLE)).astype(np.int64)]
        median = float(np.median([_without_large(X, row) for row in some.tolist()]))
    if lengths.max(initial=0) > _LONGEST * median:
        row = int(lengths.argmax())
        raise ValueError(
            f"row {row} of X has the length {lengths[row]:.3g}, but rows are typically {median:.3g} long; divide every "
            "row by its length, as sklearn.preprocessing.normalize does, or leave that row out"
        )
    return 1.0 if _is_about_unit(median) else median


def divide_rows(X: Csr, length: float) -> Csr:
    """Return ``X / length``; ``X`` itself where that is 1."""
    if length == 1.0:
        return X
    with np.errstate(over="ignore", under="ignore"):  # what becomes infinite is reported by its place
        data = (X.data / np.float64(length)).astype(np.float32)
    return as_csr(Csr(X.indptr, X.indices, data, X.shape[1]))


def warn_of_scales(X: Csr) -> None:
    """Warn of rows or columns of ``X`` that hide others by their scale.

    Warns
    -----
    UserWarning
        If a quarter of the rows is more than ten times as long as another quarter, or one column of many has nearly
        all of the sum of squares.
    """
    lengths = _lengths(X)
    lengths = lengths[lengths > 0]
    if not lengths.size:
        return
    short, long = np.quantile(lengths, [0.25, 0.75])
    if long > _DIFFERENT * short:
        warn(
            f"rows of X have very different lengths, a quarter of them below {short:.3g} and another above {long:.3g}; "
            "what the short ones say is hardly learned. Divide every row by its length, as "
            "sklearn.preprocessing.normalize does"
        )
    rows = np.unique(np.linspace(0, X.shape[0] - 1, _SAMPLE).astype(np.int64))
    places = np.concatenate([np.arange(X.indptr[row], X.indptr[row + 1]) for row in rows])
    columns, values = X.indices[places], X.data[places].astype(np.float64)
    used, numbers = np.unique(columns, return_inverse=True)
    squares = np.bincount(numbers, weights=values * values)
    if used.size > 1 and squares.max() > _DOMINATES * squares.sum():
        warn(
            f"column {used[squares.argmax()]} of X holds much larger numbers than all others together, of which little "
            "is learned beside it. Scale the columns, as sklearn.preprocessing.MaxAbsScaler does, or leave it out"
        )


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
