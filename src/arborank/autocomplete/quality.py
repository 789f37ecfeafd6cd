"""How good completions are: the measures of Yadav et al. (KDD 2021), by length of the prefix."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LENGTHS", "PrefixQuality", "bleu", "bleu_rr", "quality_by_length", "reciprocal_ranks"]

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)  # the last one: and more
_ORDER = 4
_EPSILON = 0.1


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


def bleu(candidate: str, wanted: str) -> float:
    """Return the BLEU score of a completion by its words, n-grams of up to four.

    Where no n-gram matches, 0.1 does (method 1 of Chen and Cherry, WMT 2014), as in the paper's evaluation.
    """
    found, right = candidate.split(), wanted.split()
    if not found or not set(found) & set(right):
        return 0.0
    total = 0.0
    for n in range(1, _ORDER + 1):
        grams = Counter(tuple(found[i : i + n]) for i in range(len(found) - n + 1))
        known = Counter(tuple(right[i : i + n]) for i in range(len(right) - n + 1))
        matches = sum(min(count, known[gram]) for gram, count in grams.items())
        total += math.log((matches or _EPSILON) / max(sum(grams.values()), 1))
    brevity = min(0.0, 1.0 - len(right) / len(found))
    return math.exp(total / _ORDER + brevity)


def bleu_rr(answers: Sequence[Sequence[str]], wanted: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean BLEU of each list of completions, weighted by one over the place; 0 for an empty list."""
    means = np.zeros(len(wanted))
    for row, (answer, query) in enumerate(zip(answers, wanted, strict=True)):
        weights = [1.0 / place for place in range(1, len(answer) + 1)]
        scores = [weight * bleu(text, query) for weight, text in zip(weights, answer, strict=True)]
        means[row] = sum(scores) / sum(weights) if weights else 0.0
    return means


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
