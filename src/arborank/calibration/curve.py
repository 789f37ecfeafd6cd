"""A curve that rises: the rate of hits as a function of a value, whatever the value's scale."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.logistic import log_odds_of

__all__ = ["Curve", "increasing"]

_BINS = 40
_HITS = 25  # in a bin, and as many misses, at least
_FEW = 5  # the same, for a few bins: where there are few of both, these say more than one rate for all
_FEW_BINS = 4
_PRIOR = 2.0  # pairs that the prior counts for in every bin
_LEAST = 1e-7  # the rate of hits of a bin, and its distance from 1


@dataclass(frozen=True, eq=False)
class Curve:
    """A function that is linear between knots, constant beyond them, and never falls.

    Attributes
    ----------
    x : float64 array of shape (n_knots,)
        Ascending, without repetition.
    y : float64 array of shape (n_knots,)
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float64))
        x, y = self.x, self.y
        if x.ndim != 1 or x.shape != y.shape or not x.size:
            raise ValueError(f"a curve needs as many x as y, found shapes {x.shape} and {y.shape}")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError("a curve has a knot that is not finite")
        if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any():
            raise ValueError("a curve falls, or its knots are out of order")

    @classmethod
    def of_rates(
        cls,
        values: NDArray[np.floating],
        hits: NDArray[np.bool_],
        *,
        prior: Self | None = None,
        strength: float = _PRIOR,
    ) -> Self:
        """Fit the rate of hits by isotonic regression over bins.

        Bins are narrow where hits are, and hold 25 hits and 25 misses or more; up to four bins do with 5 of each.

        Parameters
        ----------
        values : array of shape (n,)
            Finite.
        hits : bool array of shape (n,)
        prior : Curve, optional
            What the rates are shrunk to; by default the rate of all.
        strength : float, default=2.0
            Pairs that ``prior`` counts for, in every bin.
        """
        order = np.argsort(values, kind="stable")
        x, hit = np.asarray(values, np.float64)[order], hits[order]
        n_hits = int(hit.sum())
        n_misses = hit.size - n_hits
        rarer = min(n_hits, n_misses)
        n_bins = max(min(_BINS, rarer // _HITS), min(_FEW_BINS, rarer // _FEW), 1)
        share = np.cumsum(np.where(hit, 0.5 / max(n_hits, 1), 0.5 / max(n_misses, 1)))
        bins = np.minimum((share / share[-1] * n_bins * (1 - 1e-9)).astype(np.int64), n_bins - 1)
        first = np.concatenate([[True], x[1:] > x[:-1]])  # equal values are in one bin
        bins = bins[np.maximum.accumulate(np.where(first, np.arange(x.size), 0))]
        _, bins = np.unique(bins, return_inverse=True)
        n = np.bincount(bins)
        centre = np.bincount(bins, x) / n
        expected = hit.mean() if prior is None else prior(centre)
        rates = (np.bincount(bins, hit) + strength * expected) / (n + strength)
        return cls(centre, np.clip(increasing(rates, n), _LEAST, 1 - _LEAST))

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the function of values of any shape."""
        found: NDArray[np.float64] = np.interp(values, self.x, self.y)
        return found

    def log_odds(self) -> Self:
        """Return the curve whose values are the log odds of these."""
        return type(self)(self.x, log_odds_of(self.y))


def increasing(values: NDArray[np.float64], weights: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the sequence nearest to ``values`` that never falls, by pooling adjacent violators."""
    means: list[float] = []
    weight: list[float] = []
    lengths: list[int] = []
    for value, own in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        weight.append(own)
        lengths.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            mean, both, length = means.pop(), weight.pop(), lengths.pop()
            means[-1] = (means[-1] * weight[-1] + mean * both) / (weight[-1] + both)
            weight[-1] += both
            lengths[-1] += length
    return np.repeat(means, lengths)
