"""The ``position_weight`` parameter: a weight for every place in a text."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_choice

__all__ = ["N_POSITIONS", "PositionWeight", "position_weights"]

PositionWeight: TypeAlias = (
    Literal["reciprocal", "none"] | Sequence[float] | NDArray[np.floating] | Callable[[int], float]
)

N_POSITIONS = 1024  # the weight of the last holds for all beyond


def position_weights(value: object) -> NDArray[np.float64]:
    """Return the weights of the first positions.

    Raises
    ------
    TypeError
        If the weights are not numbers.
    ValueError
        If a name is unknown, or a weight is not positive and finite.
    """
    if isinstance(value, str):
        check_choice("position_weight", value, ("reciprocal", "none"))
        return 1.0 / np.arange(1, N_POSITIONS + 1) if value == "reciprocal" else np.ones(1)
    if not callable(value) and not isinstance(value, (Sequence, np.ndarray)):
        raise TypeError(f"position_weight must be a name, weights or a function, found {value!r}")
    numbers = [value(i) for i in range(N_POSITIONS)] if callable(value) else value
    try:
        weights = np.array(numbers, dtype=np.float64, copy=None, order="C")
    except (TypeError, ValueError):
        found = f"a function with values such as {numbers[0]!r}" if callable(value) else repr(value)
        raise TypeError(f"position_weight must give numbers, found {found}") from None
    if weights.ndim != 1 or not len(weights):
        raise ValueError(
            f"position_weight must be one-dimensional and not empty, found an array of shape {weights.shape}"
        )
    wrong = np.flatnonzero(~((weights > 0) & (weights < np.inf)))
    if len(wrong):
        i = wrong[0]
        raise ValueError(f"position_weight must be positive and finite, found {weights[i]} at position {i}")
    return weights
