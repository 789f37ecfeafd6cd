"""Weights under which the queries that were sent are likeliest among all candidates: a conditional logit model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._native import N_EVIDENCE

__all__ = ["Choices", "Fit", "fit_logit"]

_RIDGE = 1e-3  # an example, on weights of evidence of unit variance
_STEPS = 30
_ENOUGH = 1e-5  # of the loss of an example, that a step gains
_FIRST = 10  # completions that count
_ENOUGH_CANDIDATES = 40  # of an example, to learn from: others are left out by chance


@dataclass(frozen=True)
class Choices:
    """The candidates of all examples, one after the other.

    Attributes
    ----------
    rows : float64 array of shape (n_rows, N_EVIDENCE)
    starts, sizes : int64 arrays of shape (n_examples,)
        Where the candidates of each begin, and how many there are, at least one.
    wanted : int64 array of shape (n_examples,)
        The query that was sent, among all rows; -1 if it is no candidate.
    """

    rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    wanted: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[NDArray[np.float64]], wanted: Sequence[int]) -> Self:
        """Take the candidates of each example, and the row of the one that was sent, or -1."""
        sizes = np.array([len(part) for part in rows], np.int64)
        starts = np.cumsum(sizes) - sizes
        places = np.array(wanted, np.int64)
        return cls(np.concatenate(rows), starts, sizes, np.where(places < 0, -1, starts + places))

    def thinned(self) -> Self:
        """Return fewer candidates of examples that have many, but the wanted one."""
        share = np.repeat(_ENOUGH_CANDIDATES / self.sizes, self.sizes)
        kept = np.random.default_rng(0).random(share.size) < share
        kept[self.starts] = True  # at least one of each
        kept[self.wanted[self.wanted >= 0]] = True
        places = np.cumsum(kept) - 1
        sizes = np.add.reduceat(kept, self.starts, dtype=np.int64)
        wanted = np.where(self.wanted >= 0, places[self.wanted], -1)
        return type(self)(self.rows[kept], places[self.starts], sizes, wanted)

    def reciprocal_ranks(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one over the place of each wanted query, 0 behind the first ten; among equals, rows are in order."""
        scores = self.rows @ weights
        own = np.repeat(np.where(self.wanted < 0, np.inf, scores[self.wanted]), self.sizes)
        before = np.arange(scores.size) < np.repeat(self.wanted, self.sizes)
        places = 1 + np.add.reduceat((scores > own) | ((scores == own) & before), self.starts, dtype=np.int64)
        return np.where((self.wanted >= 0) & (places <= _FIRST), 1.0 / places, 0.0)

    def log_chances(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logarithm of the chance of each wanted query, 0 where it is no candidate."""
        scores = self.rows @ weights
        highest = np.maximum.reduceat(scores, self.starts)
        sums = np.add.reduceat(np.exp(scores - np.repeat(highest, self.sizes)), self.starts)
        return np.where(self.wanted >= 0, scores[self.wanted] - highest - np.log(sums), 0.0)


@dataclass(frozen=True)
class Fit:
    """Weights, and how sure they are.

    Attributes
    ----------
    weights : float64 array of shape (N_EVIDENCE,)
    information : float64 array of shape (N_EVIDENCE, N_EVIDENCE)
        Second derivatives of the penalised loss; 0 for evidence that was always the same.
    """

    weights: NDArray[np.float64]
    information: NDArray[np.float64]

    def without(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """Return the best weights with some of them 0, as far as a quadratic loss tells."""
        used = np.flatnonzero(self.information.diagonal())
        gone = np.isin(used, list(columns))
        weights = self.weights.copy()
        if gone.any():
            covariance = np.linalg.inv(self.information[np.ix_(used, used)])
            share = np.linalg.solve(covariance[np.ix_(gone, gone)], weights[used[gone]])
            weights[used] -= covariance[:, gone] @ share
            weights[used[gone]] = 0.0
        return weights


def fit_logit(
    choices: Choices,
    columns: Sequence[int],
    prior: Fit | None = None,
    start: NDArray[np.float64] | None = None,
) -> Fit:
    """Maximise the likelihood of the wanted candidates by Newton's method.

    Parameters
    ----------
    choices : Choices
    columns : sequence of int
        Evidence that gets weights; the rest gets 0.
    prior : Fit, optional
        Weights that the examples before these spoke for; without it, a ridge draws weights to 0.
    start : float64 array of shape (N_EVIDENCE,), optional
        Weights to begin with.
    """
    choices = choices.thinned()
    kept = choices.wanted >= 0
    nothing = Fit(np.zeros(N_EVIDENCE), np.zeros((N_EVIDENCE, N_EVIDENCE)))
    if not kept.any():
        return prior or nothing
    in_kept = np.repeat(kept, choices.sizes)
    sizes = choices.sizes[kept]
    starts = np.cumsum(sizes) - sizes
    wanted = starts + (choices.wanted - choices.starts)[kept]
    rows = choices.rows[in_kept]
    spread = rows.std(axis=0)
    chosen = np.isin(np.arange(N_EVIDENCE), list(columns))
    # evidence that is always the same says nothing
    used = np.flatnonzero(chosen & (spread > 1e-6 if prior is None else prior.information.diagonal() > 0))
    scale = np.maximum(spread[used], 1e-6) if prior is None else np.ones(used.size)
    Z = rows[:, used] / scale
    group = np.repeat(np.arange(sizes.size), sizes)
    centre, penalty = np.zeros(used.size), _RIDGE * sizes.size * np.eye(used.size)
    if prior is not None:
        centre, penalty = prior.weights[used], prior.information[np.ix_(used, used)]
    problem = _Problem(Z, starts, group, wanted, centre, penalty)
    begin = centre if start is None else start[used] * scale
    weights = problem.solve(begin)
    whole, information = nothing.weights, nothing.information
    whole[used] = weights / scale
    information[np.ix_(used, used)] = problem.derivatives(weights, problem.loss(weights)[1])[1] * np.outer(
        scale, scale
    )
    return Fit(whole, information)


@dataclass(frozen=True)
class _Problem:
    """The negative likelihood of the wanted rows, and a quadratic penalty."""

    Z: NDArray[np.float64]
    starts: NDArray[np.int64]
    group: NDArray[np.int64]
    wanted: NDArray[np.int64]
    centre: NDArray[np.float64]
    penalty: NDArray[np.float64]

    def solve(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        loss, chances = self.loss(weights)
        for _ in range(_STEPS):
            gradient, hessian = self.derivatives(weights, chances)
            step = np.linalg.solve(hessian, gradient)
            size = 1.0
            there, changed = self.loss(weights - step)
            while there > loss and size > 1e-3:
                size /= 2
                there, changed = self.loss(weights - size * step)
            gained = loss - there
            if gained <= 0:
                break
            weights, loss, chances = weights - size * step, there, changed
            if gained < _ENOUGH * self.starts.size:
                break
        return weights

    def loss(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss, and the chances of all candidates."""
        margins = self.Z @ weights
        highest = np.maximum.reduceat(margins, self.starts)
        chances = np.exp(margins - highest[self.group])
        sums = np.add.reduceat(chances, self.starts)
        away = weights - self.centre
        loss = (highest + np.log(sums) - margins[self.wanted]).sum() + away @ self.penalty @ away / 2
        return float(loss), chances / sums[self.group]

    def derivatives(
        self, weights: NDArray[np.float64], chances: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        weighted = self.Z * chances[:, None]
        means = np.add.reduceat(weighted, self.starts, axis=0)
        gradient = (
            means.sum(axis=0) - self.Z[self.wanted].sum(axis=0) + self.penalty @ (weights - self.centre)
        )
        return gradient, weighted.T @ self.Z - means.T @ means + self.penalty
