"""Warnings that name the user's own line."""

import sys
import warnings

__all__ = ["warn"]

_INNER = ("arborank", "sklearn")


def warn(message: str) -> None:
    """Issue a `UserWarning` as of the line outside of Arborank and scikit-learn that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _INNER:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
