"""What another policy would have earned, from decisions of the one that was in force: the estimators.

The value of a policy is the mean over decisions of the sum of the rewards of the labels that it shows. The reward of a
label must not depend on the others that stand beside it. With one label a decision these are the textbook's estimators.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_real
from ..metrics import bootstrap

__all__ = [
    "Estimate",
    "Shown",
    "Terms",
    "coarsest",
    "doubly_robust",
    "ips",
    "logged",
    "marginalised_ips",
    "snips",
]

_WIDTH = 1.0  # half of an interval that must meet others, in standard errors

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shown:
    """Labels that were shown, all decisions in one array.

    Attributes
    ----------
    decision : int64 array of shape (n_shown,)
        The decision of each label, from 0 to ``n_decisions - 1``.
    reward : float64 array of shape (n_shown,)
    propensity : float64 array of shape (n_shown,)
        The probability that the logged policy shows the label.
    chance : float64 array of shape (n_shown,)
        The probability that the policy to judge shows it.
    n_decisions : int
    """

    decision: NDArray[np.int64]
    reward: Floats
    propensity: Floats
    chance: Floats
    n_decisions: int

    def sums(self, values: Floats) -> Floats:
        """Add up values of labels by decision."""
        return np.asarray(np.bincount(self.decision, values, self.n_decisions), np.float64)


class Terms(NamedTuple):
    """An estimate taken apart by decision: the mean of ``values``, by that of ``shares`` where these are given."""

    values: Floats
    weights: Floats
    shares: Floats | None = None

    @property
    def value(self) -> float:
        """The estimate."""
        return self._of(np.ones(self.values.size))

    def _of(self, counts: NDArray[np.int64] | Floats) -> float:
        total = counts @ self.values
        whole = counts.sum() if self.shares is None else counts @ self.shares
        return float(total / whole) if whole else float("nan")

    @property
    def effective(self) -> float:
        """The effective sample size: as many decisions of the policy itself would say as much."""
        squares = float(self.weights @ self.weights)
        return float(self.weights.sum()) ** 2 / squares if squares else 0.0

    @property
    def error(self) -> float:
        """The standard error of the estimate, by the delta method where it is a ratio."""
        shares = np.ones(self.values.size) if self.shares is None else self.shares
        whole = float(shares.sum())
        rest = self.values - self.value * shares
        return float(np.sqrt(rest @ rest)) / whole if whole else float("inf")

    def estimate(self, *, confidence: float, n_draws: int, random_state: int) -> "Estimate":
        """Return the estimate with its bootstrap interval."""
        found = bootstrap(
            self._of, self.values.size, confidence=confidence, n_draws=n_draws, random_state=random_state
        )
        return Estimate(found.value, found.low, found.high, self.effective)


@dataclass(frozen=True)
class Estimate:
    """The value of a policy.

    Attributes
    ----------
    value, low, high : float
        Rewards a decision, with the bounds of the interval.
    effective : float
        The effective sample size.
    """

    value: float
    low: float
    high: float
    effective: float


def _weights(shown: Shown, clip: float | None) -> Floats:
    ratio = shown.chance / shown.propensity
    return ratio if clip is None else np.minimum(ratio, check_real("clip", clip, above=0.0))


def logged(shown: Shown) -> Terms:
    """Take what the logged policy earned itself."""
    return Terms(shown.sums(shown.reward), np.ones(shown.n_decisions))


def ips(shown: Shown, clip: float | None = None) -> Terms:
    """Weigh rewards by how much more probable a label is: inverse propensity scores.

    ``clip`` is the most that a weight may be, which trades variance for bias.
    """
    weights = _weights(shown, clip)
    return Terms(shown.sums(weights * shown.reward), shown.sums(weights))


def snips(shown: Shown, size: Floats, clip: float | None = None) -> Terms:
    """Divide `ips` by what its weights add up to instead of what they should: self-normalised.

    Parameters
    ----------
    shown : Shown
    size : float64 array of shape (n_decisions,)
        Labels that the policy shows, as expected.
    clip : float, optional
    """
    terms = ips(shown, clip)
    mean = float(size.mean())
    return terms._replace(shares=terms.weights / mean if mean else terms.weights)


def coarsest(levels: Sequence[Terms]) -> int:
    """Return which of some estimates to trust, of which each has less variance and more bias than the one before.

    It is the last one whose interval meets those of all before it: a larger bias would show (SLOPE; Su, Srinath and
    Krishnamurthy, ICML 2020).
    """
    low, high = -np.inf, np.inf
    for place, terms in enumerate(levels):
        width = _WIDTH * terms.error
        low, high = max(low, terms.value - width), min(high, terms.value + width)
        if low > high:
            return place - 1
    return len(levels) - 1


def doubly_robust(shown: Shown, expected: Floats, told: Floats, clip: float | None = None) -> Terms:
    """Take what a model of rewards tells of the policy, and weigh only how far the model was off where it was seen.

    Parameters
    ----------
    shown : Shown
    expected : float64 array of shape (n_decisions,)
        What the policy earns, by the model.
    told : float64 array of shape (n_shown,)
        The rewards of the labels that were shown, by the model.
    clip : float, optional
    """
    weights = _weights(shown, clip)
    return Terms(expected + shown.sums(weights * (shown.reward - told)), shown.sums(weights))


def marginalised_ips(
    shown: Shown, marginal: Floats, chance: Floats, clip: float | None = None, *, size: Floats | None = None
) -> Terms:
    """Weigh by groups of labels instead of labels: far less variance, and right as far as groups tell the reward.

    Parameters
    ----------
    shown : Shown
    marginal, chance : float64 arrays of shape (n_shown,)
        How many labels of the group of each one the logged policy shows, and the policy to judge, as expected.
    clip : float, optional
    size : float64 array of shape (n_decisions,), optional
        As for `snips`: self-normalised, too.
    """
    groups = Shown(shown.decision, shown.reward, marginal, chance, shown.n_decisions)
    return ips(groups, clip) if size is None else snips(groups, size, clip)
