"""Parameters that may have one value for each layer of a tree."""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["per_layer", "values_of"]


def values_of(name: str, value: Any) -> list[Any]:
    """Return the values of a parameter that may be given for all layers at once or one a layer."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            raise ValueError(f"{name} is empty; give one value, or one a layer")
        return list(value)
    return [value]


def per_layer(name: str, value: Any, depth: int) -> list[Any]:
    """Spread a parameter over the layers of a tree, top first: one value for all, or a sequence with one a layer."""
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        if len(value) != depth:
            raise ValueError(
                f"{name} has {len(value)} entries, but the tree has {depth} layers; give one a layer"
            )
        return list(value)
    return [value] * depth
