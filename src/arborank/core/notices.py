"""Warnings that name the user's own line."""

import sys
import warnings

__all__ = ["warn"]

_INNER = ("arborank", "sklearn")


def warn(message: str) -> None:
    """Issue a `UserWarning` as of the line outside of Arborank and scikit-learn that led here."""
    level = 1
    while True:
        try:
            frame = sys._getframe(level)
        except ValueError:  # all of it is inside, as on the command line
            break
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _INNER:
            break
        level += 1
    warnings.warn(message, UserWarning, stacklevel=level + 1)
