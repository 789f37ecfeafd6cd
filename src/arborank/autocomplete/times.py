"""When a query was sent: numbers, dates, and what NumPy and pandas have of them."""

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import numpy as np

from ..core.errors import ArgumentError

__all__ = ["Time", "TimeUnit", "check_in_unit", "check_unit", "is_word", "parse_time", "seconds", "shown"]

Time = float | str | Decimal | date | np.datetime64
TimeUnit = Literal["s", "ms", "us", "ns"]

_UNITS = {
    "s": ("seconds", 1),
    "ms": ("milliseconds", 1e3),
    "us": ("microseconds", 1e6),
    "ns": ("nanoseconds", 1e9),
}
_LARGEST = 1e11  # seconds: the year 5138, but as milliseconds only 1973
_LIKELY = (6e8, 4.2e9)  # seconds since 1970 of the years from 1989 to 2103
_FIRST_YEAR = 1900  # programs that know no date write one before that


def check_unit(unit: str) -> None:
    """Raise `ValueError` if there is no such unit of time."""
    if not isinstance(unit, str) or unit not in _UNITS:
        raise ValueError(f"time_unit is {unit!r}; expected one of {', '.join(_UNITS)}")


def check_in_unit(times: Sequence[float], unit: TimeUnit, place: str) -> None:
    """Refuse a unit in which no time is of today's years, if all of them are in another.

    Parameters
    ----------
    times : sequence of float
        Seconds, as they were converted from ``unit``.
    place : str
        Where they stand, for the error.
    """
    if not times:
        return
    first, last = min(times) * _UNITS[unit][1], max(times) * _UNITS[unit][1]
    for name, (word, size) in _UNITS.items():
        if name != unit and _LIKELY[0] <= first / size and last / size < _LIKELY[1]:
            moment = datetime.fromtimestamp(first // size, UTC)
            raise ArgumentError(
                "time_unit",
                f"is {unit!r}, but the numbers seem to count {word} since 1970, from {moment:%Y-%m-%d %H:%M:%S} UTC on",
                ({"time_unit": name}, "if they do; otherwise let them begin at 0"),
                place=place,
            )


def is_word(time: object) -> bool:
    """Whether a time is written in letters only, as the name of a column is."""
    return isinstance(time, str) and time.replace("_", "").replace(" ", "").isalpha()


def seconds(time: Time) -> float:
    """Return a time in seconds since 1970; see `parse_time`."""
    if type(time) is float and abs(time) < _LARGEST:  # quick, for it comes with every keystroke
        return time
    parsed = parse_time(time)
    return parsed.timestamp() if isinstance(parsed, datetime) else parsed


def parse_time(time: Time, unit: TimeUnit = "s") -> float | datetime:
    """Return seconds or a date from a time in any form.

    Parameters
    ----------
    time : number, str, datetime, date or datetime64
        A str is a number or an ISO 8601 date. Dates are in UTC unless they have a zone. Numbers may begin anywhere, as
        only their differences count.
    unit : {"s", "ms", "us", "ns"}, default "s"
        Of numbers.

    Raises
    ------
    ValueError
        If it is none of these, is not finite or a date before 1900, or if a number is so large that it must be in
        another unit: 1e11 seconds or more.
    """
    if (found := _date(time)) is not None:
        if found.year < _FIRST_YEAR:
            raise ValueError(f"the time {shown(time)} is before {_FIRST_YEAR}, as dates that nobody set are")
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    number = _number(time)
    if not math.isfinite(number):
        raise ValueError(
            f"a time must be a number of {_UNITS[unit][0]}, an ISO 8601 date or a datetime, found {shown(time)}"
        )
    if abs(number) >= _LARGEST * _UNITS[unit][1]:
        raise ValueError(
            f"the time {shown(time)} is too large for {_UNITS[unit][0]} since 1970{_advice(number)}"
        )
    return number / _UNITS[unit][1]


def _date(time: Any) -> datetime | None:
    if isinstance(time, np.datetime64):
        given = time.astype("datetime64[us]").item()  # None for no time, an int beyond the year 9999
        return given if isinstance(given, datetime) else None
    if isinstance(time, datetime):
        return time if isinstance(time.year, int) else None  # pandas' NaT is a datetime of no year
    if isinstance(time, date):
        return datetime.combine(time, time_of_day())
    if isinstance(time, str) and math.isnan(_number(time)):
        with suppress(ValueError):
            return datetime.fromisoformat(time.strip())
    return None


def _number(time: Any) -> float:
    if isinstance(time, str | Real | Decimal) and not isinstance(time, bool | np.bool_ | np.timedelta64):
        with suppress(ValueError, OverflowError):  # the latter for an int beyond all floats
            return float(time)
    return math.nan


def _advice(number: float) -> str:
    for name, (word, size) in _UNITS.items():
        if _LIKELY[0] <= number / size < _LIKELY[1]:
            moment = datetime.fromtimestamp(number // size, UTC)
            return (
                f"; in {word} it is {moment:%Y-%m-%d %H:%M:%S} UTC. Give seconds, or name the unit: "
                f"read_log(..., time_unit={name!r}), --time-unit {name}"
            )
    return ". Give seconds or ISO 8601 dates, or name another unit: read_log(..., time_unit=), --time-unit"


def shown(value: object) -> str:
    """Return what a message shows of a value of a log."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
