"""How good completions are, by length of the prefix."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LENGTHS", "PrefixQuality", "quality_by_length", "reciprocal_ranks"]

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)  # the last one: and more


def reciprocal_ranks(answers: Sequence[Sequence[str]], wanted: Sequence[str]) -> NDArray[np.float64]:
    """Return one over the place of the wanted query among the completions, 0 where it is missing.

    Parameters
    ----------
    answers : sequence of lists of str, best first
    wanted : sequence of str
        What the user was about to type, in the same spelling.
    """
    ranks = np.zeros(len(wanted))
    for row, (answer, query) in enumerate(zip(answers, wanted, strict=True)):
        if query in answer:
            ranks[row] = 1.0 / (list(answer).index(query) + 1)
    return ranks


class PrefixQuality(NamedTuple):
    """Mean of a measure over prefixes of one length, and over all.

    Attributes
    ----------
    lengths : tuple of int
        The last stands for that length and more.
    counts : tuple of int
        Prefixes of each length.
    means : tuple of float
        NaN for a length without prefixes.
    overall, short : float
        Over all prefixes; over those of at most 3 characters.
    """

    lengths: tuple[int, ...]
    counts: tuple[int, ...]
    means: tuple[float, ...]
    overall: float
    short: float


def quality_by_length(values: NDArray[np.float64], prefixes: Sequence[str]) -> PrefixQuality:
    """Average a measure by the length of the prefix."""
    lengths = np.array([len(prefix) for prefix in prefixes], dtype=np.int64)
    binned = np.clip(lengths, LENGTHS[0], LENGTHS[-1])
    groups = [values[binned == length] for length in LENGTHS]
    return PrefixQuality(
        LENGTHS,
        tuple(group.size for group in groups),
        tuple(map(_mean, groups)),
        _mean(values),
        _mean(values[lengths <= 3]),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")
