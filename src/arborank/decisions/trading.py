"""How much of the precision a utility may cost."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .shortlists import ShortLists

__all__ = ["largest_weight"]

_STEPS = 5  # of the search: to 1/32


def largest_weight(
    lists: ShortLists, k: int, chosen: Callable[[float], NDArray[np.bool_]], most_loss: float
) -> float:
    """Return the largest weight of a utility whose answers keep P@k, but for so much.

    Parameters
    ----------
    lists : ShortLists
        With their true labels.
    k : int
    chosen : callable
        Which entries are chosen with a weight from 0 to 1; more weight costs more precision.
    most_loss : float
        Of P@k, as a fraction.
    """
    hits = lists.known_hits
    least = float(hits[lists.places < k].sum()) - most_loss * k * lists.n_rows
    if most_loss >= 1.0 or hits[chosen(1.0)].sum() >= least:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if hits[chosen(middle)].sum() >= least:
            low = middle
        else:
            high = middle
    return low
