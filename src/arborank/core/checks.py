"""Checks of arguments that several parts take, with errors that name them."""

import math
from collections.abc import Collection
from numbers import Integral, Real
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ArgumentError, Remedy
from .sequences import as_column

__all__ = [
    "IGNORE_MISSING",
    "MISSING",
    "Missing",
    "check_choice",
    "check_flag",
    "check_integer",
    "check_real",
    "check_sample_weight",
    "check_top_ids",
]

C = TypeVar("C")
Missing = Literal["error", "ignore"]  # what the name of something that is not there becomes
MISSING = ("error", "ignore")
IGNORE_MISSING: Remedy = ({"missing": "ignore"}, "to pass over it")

_LARGEST = 1e18  # its square is still a number in single precision


def check_flag(name: str, value: object) -> bool:
    """Return ``value`` as a bool, or raise if it is neither True nor False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, found {value!r}")
    return bool(value)


def check_choice(name: str, value: C, choices: Collection[str | None]) -> C:
    """Return ``value``, or raise if it is not one of the choices, which are str or None."""
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise ArgumentError(name, f"must be one of {', '.join(map(repr, choices))}, found {value!r}")
    return value


def check_integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int, or raise if it is not an integer from ``low`` to ``high``."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, found {value!r}")
    number = int(value)
    if high is not None and not low <= number <= high:
        raise ArgumentError(name, f"must be between {low} and {high}, found {number}")
    if number < low:
        raise ArgumentError(name, f"must be at least {low}, found {number}")
    return number


def check_real(
    name: str,
    value: object,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> float:
    """Return ``value`` as a float, or raise if it is not a finite number within the bounds."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, found {value!r}")
    try:
        number = float(value)
    except OverflowError:  # an int beyond all floats
        number = math.inf
    if math.isnan(number):
        raise ArgumentError(name, f"must be finite, found {value!r}")
    largest = max(_LARGEST, most or 0.0)
    if not math.isfinite(number) or abs(number) > largest:
        raise ArgumentError(name, f"must be finite and at most {largest:g} in magnitude, found {value!r}")
    if above is not None and number <= above:
        raise ArgumentError(name, f"must be above {above:g}, found {value!r}")
    if least is not None and number < least:
        raise ArgumentError(name, f"must be at least {least:g}, found {value!r}")
    if most is not None and number > most:
        raise ArgumentError(name, f"must be at most {most:g}, found {value!r}")
    return number


def check_sample_weight(weights: ArrayLike | None, n_rows: int) -> NDArray[np.float32] | None:
    """Return the weights of rows as an array, or None if none are given.

    Raises
    ------
    TypeError
        If they are not a list of numbers.
    ValueError
        If there is not one for each row, one is not a finite number of at least 0, or all are 0.
    """
    if weights is None:
        return None
    if isinstance(weights, Real):
        weights = [float(weights)] * n_rows
    if getattr(weights, "ndim", 1) != 1:
        raise ValueError(
            f"sample_weight.shape == {np.shape(weights)}, expected {(n_rows,)}: one weight for each row"
        )
    column = as_column(weights, "sample_weight", "a list of numbers, one for each row")
    values = np.asarray(list(column))
    if values.dtype.kind not in "biuf" and values.size:
        wrong = next((row for row, one in enumerate(values.tolist()) if not isinstance(one, Real)), 0)
        raise TypeError(
            f"sample_weight holds {values.tolist()[wrong]!r} in row {wrong}; numbers were expected"
        )
    if values.shape != (n_rows,):
        raise ValueError(
            f"sample_weight.shape == {values.shape}, expected {(n_rows,)}: one weight for each row"
        )
    values = values.astype(np.float32)
    wrong_rows = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if wrong_rows.size:
        row = int(wrong_rows[0])
        raise ValueError(
            f"sample_weight of row {row} is {values[row]:g}; a finite number of at least 0 was expected"
        )
    if not values.any():
        raise ValueError("sample_weight is zero in every row; at least one row must count")
    return values


def check_top_ids(name: str, ids: ArrayLike) -> NDArray[np.int64]:
    """Return top lists, one per row, as int64, or raise if they are not ids that end in padding.

    Parameters
    ----------
    name : str
        The argument's name, for error messages.
    ids : integer array of shape (n_rows, width)
        Label ids, best first, each at most once a row, padded at the end with -1.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are not 2-dimensional, one is below -1, a row repeats one, or padding stands before an id.
    """
    try:
        array = np.asarray(ids)
    except ValueError:
        raise ValueError(
            f"{name} have rows of different lengths; pad those that are shorter with -1"
        ) from None
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} have dtype {array.dtype}; integer ids were expected")
    if array.ndim != 2:
        raise ValueError(f"{name} must be 2-dimensional ids, found {array.ndim} dimension(s)")
    array = array.astype(np.int64, copy=False)
    if array.size and array.min() < -1:
        row, column = np.argwhere(array < -1)[0]
        raise ValueError(
            f"{name} hold id {array[row, column]} in row {row}, neither a label nor the padding -1"
        )
    late = (array[:, 1:] >= 0) & (array[:, :-1] < 0)
    if late.any():
        raise ValueError(
            f"{name} have padding (-1) before an id in row {np.argwhere(late)[0][0]}; pad only at the end"
        )
    in_order = np.sort(array, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    if twice.any():
        row, column = np.argwhere(twice)[0]
        raise ValueError(f"{name} repeat id {in_order[row, column]} in row {row}")
    return array
