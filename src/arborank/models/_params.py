"""Checks of constructor parameters, made when a model is fitted (scikit-learn's rule)."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

__all__ = ["check_integer", "per_layer"]


def check_integer(name: str, value: Any, low: int) -> int:
    """Return ``value`` as an int, or raise if it is not an integer of at least ``low``."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, found {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, found {value}")
    return int(value)


def per_layer(name: str, value: Any, depth: int) -> list[Any]:
    """Spread a parameter over the layers of a tree, top first: one value for all, or a sequence with one a layer."""
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        if len(value) != depth:
            raise ValueError(
                f"{name} has {len(value)} entries, but the tree has {depth} layers; give one a layer"
            )
        return list(value)
    return [value] * depth
