"""Checks of single arguments, with errors that name them."""

from numbers import Integral
from typing import Any

__all__ = ["check_integer"]


def check_integer(name: str, value: Any, low: int) -> int:
    """Return ``value`` as an int, or raise if it is not an integer of at least ``low``."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, found {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, found {value}")
    return int(value)
