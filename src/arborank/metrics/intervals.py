"""Confidence intervals by bootstrap: the rows are drawn again and again, with replacement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer, check_real

__all__ = ["Interval", "bootstrap", "error_bars"]

Weights = NDArray[np.int64]
Statistic = Callable[[Weights], float]
"""A value of the rows, each counted as often as its weight says."""


@dataclass(frozen=True)
class Interval:
    """A value and how far off it may be.

    Attributes
    ----------
    value : float
        Of the rows as they are.
    low, high : float
        Quantiles of the values of the drawn rows.
    """

    value: float
    low: float
    high: float


def error_bars(intervals: Sequence[Interval]) -> list[list[float]]:
    """Return how far intervals reach below and above their values, as pictures take it; a value may lie outside."""
    below = [max(one.value - one.low, 0.0) for one in intervals]
    return [below, [max(one.high - one.value, 0.0) for one in intervals]]


def bootstrap(
    statistic: Statistic,
    n_rows: int,
    *,
    confidence: float = 0.95,
    n_draws: int = 1000,
    random_state: int = 0,
) -> Interval:
    """Return a statistic with the interval that it has when other rows of the same kind are drawn.

    For a comparison of two models, let the statistic be their difference: both are then judged on the same rows.

    Parameters
    ----------
    statistic : callable
        Gets an int64 array of shape (n_rows,), how often each row is counted, and returns a number.
    n_rows : int
        At least 1.
    confidence : float, default=0.95
        Above 0 and below 1.
    n_draws : int, default=1000
    random_state : int, default=0
        The same seed draws the same rows.

    Examples
    --------
    >>> import numpy as np
    >>> from arborank.metrics import bootstrap
    >>> values = np.array([0.0, 1.0, 1.0, 1.0])
    >>> found = bootstrap(lambda weights: weights @ values / weights.sum(), 4)
    >>> found.value, found.low < 0.75 < found.high
    (0.75, True)
    """
    check_integer("n_rows", n_rows, 1)
    check_real("confidence", confidence, above=0.0, most=1.0)
    check_integer("n_draws", n_draws, 1)
    generator = np.random.default_rng(random_state)
    drawn = (np.bincount(generator.integers(n_rows, size=n_rows), minlength=n_rows) for _ in range(n_draws))
    values = np.array([statistic(weights) for weights in drawn])
    low, high = np.quantile(values, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(float(statistic(np.ones(n_rows, np.int64))), float(low), float(high))
