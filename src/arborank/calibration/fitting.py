"""From ranked labels of held-out rows to what turns scores into probabilities.

The log odds of a score are read from one curve over all pairs. A logistic model corrects them for the place in the
list, the scores before, and how many instances the label has; then every label is corrected for its own hits, shrunk
to none. A last curve makes rates of the sums, after these were made to fall within each list as they will be in
answers. With few rows the corrections vanish, and the curve over all pairs is left.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.logistic import chances_of, fit_logistic
from ..core.notices import warn
from .curve import Curve
from .held_out import HeldOut

__all__ = ["FEW_ROWS", "N_BINS", "Correction", "bin_of", "fit_curves"]

FEW_ROWS = 200
"""Rows below which one curve over all scores is all that is learned."""

N_BINS = 13
"""Bins of label frequency: 0, 1, 2-3, 4-7, ... instances, 2048-4095, and more."""

_STRENGTH = 8.0  # of the prior of a label's own correction
_STEPS = 4
_RANGES = (0, 1, 3, 10)  # of places, whose mean chances are made right
_FARTHEST, _HALVINGS = 1.0, 12


class Correction(NamedTuple):
    """How the log odds of a score become those of a label.

    Attributes
    ----------
    weights : float64 array of shape (4,)
        Of the odds of the first label of a list; and of the others: of their own odds, of those of the first, and of
        the distance to the odds of the one before.
    places : float64 array of shape (n_places,)
        What is added by place; the last holds for all beyond.
    bins : float64 array of shape (N_BINS,)
        What is added by the frequency of the label.
    labels : float64 array of shape (n_labels,)
        What is added by label.
    """

    weights: NDArray[np.float64]
    places: NDArray[np.float64]
    bins: NDArray[np.float64]
    labels: NDArray[np.float64]


def bin_of(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the bins of labels with so many instances."""
    bits = np.frexp(np.maximum(counts, 0).astype(np.float64))[1]  # 0, 1, 2-3, 4-7 have 0, 1, 2, 3 bits
    return np.asarray(np.minimum(bits, N_BINS - 1), np.int64)


def fit_curves(held: HeldOut, n_labels: int) -> tuple[Curve, Correction, Curve, NDArray[np.float32]]:
    """Fit the log odds of scores, their correction, and the curve that makes rates of the sums.

    The last is the probability of every listed label, of shape (n_rows, width), padded with -inf.

    Raises
    ------
    ValueError
        If no listed label is relevant, or all are.
    """
    listed = held.listed
    held.check_odds()
    hits, n_rows = held.hits[listed], len(held.ids)
    rates = Curve.of_rates(held.scores[listed], hits)
    odds = rates.log_odds()
    if n_rows < FEW_ROWS:
        warn(
            f"{n_rows} rows are few to calibrate: one curve over all scores is learned; {FEW_ROWS} are needed to tell "
            "places and labels apart, and some thousands are better"
        )
        none = Correction(np.array([1.0, 1.0, 0.0, 0.0]), np.zeros(1), np.zeros(N_BINS), np.zeros(n_labels))
        return odds, none, _inverse(odds, rates), _filled(listed, rates(held.scores[listed]))
    values = odds(np.where(listed, held.scores, odds.x[0]))
    inputs, known = _inputs(values)[listed], values[listed]
    bins = np.where(held.counts >= 0, bin_of(held.counts), -1)[listed]
    binned = (bins[:, None] == np.arange(N_BINS)).astype(np.float64)
    fitted = fit_logistic(np.hstack([inputs, binned]), hits, offset=known)
    head, is_first, own, first, before, place = fitted[:_N_INPUTS]
    base = fitted[-1]
    sums = known + inputs @ fitted[:_N_INPUTS] + binned @ fitted[_N_INPUTS:-1] + base
    places = place * np.log1p(np.arange(held.ids.shape[1])) + base
    places[0] += is_first
    ids, even = held.ids[listed], np.nonzero(listed)[0] % 2 == 0
    halves = [_own(sums[half], hits[half], ids[half], n_labels) for half in (even, ~even)]
    table = np.full(held.ids.shape, np.inf)
    table[listed] = sums + np.where(even, halves[1][ids], halves[0][ids])  # learned from other rows
    chances = Curve.of_rates(np.minimum.accumulate(table, axis=1)[listed], hits)
    shifts = _shifts(table, held.hits, listed, chances)
    falling = np.minimum.accumulate(table + shifts, axis=1)[listed]
    weights = np.array([1 + head, 1 + own, first, before])
    correction = Correction(weights, places + shifts, fitted[_N_INPUTS:-1], _own(sums, hits, ids, n_labels))
    return odds, correction, chances, _filled(listed, chances(falling))


def _filled(listed: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float32]:
    table = np.full(listed.shape, -np.inf, np.float32)
    table[listed] = values
    return table


def _shifts(
    table: NDArray[np.float64], hits: NDArray[np.bool_], listed: NDArray[np.bool_], chances: Curve
) -> NDArray[np.float64]:
    """Return what is to be added by place, so that the mean chance is the rate of hits in every range of places."""
    shifts = np.zeros(table.shape[1])
    before = np.full((len(table), 1), np.inf)
    for begin, end in zip(_RANGES, (*_RANGES[1:], table.shape[1]), strict=True):
        own = slice(begin, min(end, table.shape[1]))
        some = listed[:, own]
        if not some.any():
            break
        rate, low, high = hits[:, own][some].mean(), -_FARTHEST, _FARTHEST
        for _ in range(_HALVINGS):
            shift = (low + high) / 2
            least = np.minimum.accumulate(np.hstack([before, table[:, own] + shift]), axis=1)
            low, high = (shift, high) if chances(least[:, 1:][some]).mean() < rate else (low, shift)
        shifts[own] = shift
        before = least[:, -1:]
    return shifts


def _inverse(odds: Curve, rates: Curve) -> Curve:
    """Return the curve that makes rates of log odds."""
    kept = np.concatenate([[True], np.diff(odds.y) > 0])
    return Curve(odds.y[kept], rates.y[kept])


_N_INPUTS = 6


def _inputs(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the odds of every label of lists are corrected by, of shape (n_rows, width, 6)."""
    first = np.broadcast_to(np.arange(odds.shape[1]) == 0, odds.shape)
    before = np.hstack([np.zeros((len(odds), 1)), odds[:, :-1] - odds[:, 1:]])
    others = np.where(first, 0.0, odds), np.where(first, 0.0, odds[:, :1]), before
    place = np.broadcast_to(np.log1p(np.arange(odds.shape[1])), odds.shape)
    return np.stack([np.where(first, odds, 0.0), first.astype(np.float64), *others, place], axis=-1)


def _own(
    sums: NDArray[np.float64], hits: NDArray[np.bool_], ids: NDArray[np.int64], n_labels: int
) -> NDArray[np.float64]:
    """Return what is to be added to the log odds of each label for its own hits, the less the fewer there are."""
    own = np.zeros(n_labels)
    for _ in range(_STEPS):
        chance = chances_of(sums + own[ids])
        slope = np.bincount(ids, hits - chance, n_labels) - _STRENGTH * own
        own += np.clip(slope / (np.bincount(ids, chance * (1 - chance), n_labels) + _STRENGTH), -1, 1)
    return own
