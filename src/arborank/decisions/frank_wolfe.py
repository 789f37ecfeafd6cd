"""Weights of labels for a utility of the population, by the Frank-Wolfe algorithm (Schultheis et al., ICLR 2024)."""

import numpy as np
from numpy.typing import NDArray

from .rule import Tuning
from .utilities import coverage_slopes, f1_weights

__all__ = ["learn_weights"]

Values = NDArray[np.float64]
_ROUNDS = 15
_STEPS = np.arange(1, 21) / 20.0  # of a line search


def learn_weights(tuning: Tuning, utility: str, k: int) -> tuple[Values, Values]:
    """Return slopes and offsets of every label, for macro-F1 or coverage.

    The utility is linearised at what the rules so far find on average; the best answers to that are a weighted top-k,
    which joins the average. The expectations are those of the probabilities, since the labels of some thousand rows say
    little of rare ones. Of all rounds, the weights whose own answers are best are returned.
    """
    lists = tuning.lists
    chances = lists.chances.astype(np.float64)
    true: Values = tuning.label_counts.astype(np.float64) * (lists.n_rows / max(tuning.n_instances, 1))

    def sums(chosen: NDArray[np.bool_]) -> tuple[Values, Values]:
        return lists.by_label(chances * chosen), lists.by_label(chosen)

    def value(found: Values, chosen: Values) -> float:
        if utility == "coverage":
            return -float(coverage_slopes(found).sum())
        return float((2.0 * found / np.maximum(chosen + true, 1e-9)).sum())

    found, chosen = sums(lists.places < k)
    best = -np.inf, (np.ones(lists.n_labels), np.zeros(lists.n_labels))
    for _ in range(_ROUNDS):
        if utility == "coverage":
            slopes, offsets = coverage_slopes(found), np.zeros(lists.n_labels)
        else:
            slopes, offsets = f1_weights(found, chosen, true)
        new = sums(lists.best(chances * slopes[lists.labels] + offsets[lists.labels], k))
        own = value(*new)
        if own > best[0]:
            best = own, (slopes, offsets)
        mixtures = [(found + s * (new[0] - found), chosen + s * (new[1] - chosen)) for s in _STEPS]
        found, chosen = max(mixtures, key=lambda one: value(*one))
    return best[1]
