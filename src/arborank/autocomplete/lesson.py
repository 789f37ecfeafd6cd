"""What examples teach about the evidence: its weights, and at which lengths of a prefix they beat counting."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._native import N_EVIDENCE
from .logit import Choices, Fit, fit_logit

__all__ = ["COUNTING", "FORMULA", "KINDS", "LENGTHS", "Lesson", "learn", "length_of"]

LENGTHS = (0, 1, 2, 3, 4, 7)  # characters typed from which on other weights may hold
KINDS = {  # columns of the evidence by where it comes from
    "formula": [0],
    "frequency": [1, 2],
    "lately": [3, 4],
    "context": [5, 6, 7],
    "words": [8, 9],
    "session": [10, 17, 18],
    "history": [11, 12, 13, 14, 15, 16],
}
_PROVEN = 5  # standard errors by which something is much better than counting
_HANDICAP = 0.01  # in reciprocal ranks, of such rules, which rely on rankers that learned from a part
_FEWEST = 50  # examples of a length to judge weights by, and of a half to learn them from


def _only(column: int) -> NDArray[np.float64]:
    weights = np.zeros(N_EVIDENCE)
    weights[column] = 1.0
    return weights


FORMULA, COUNTING = _only(0), _only(1)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What examples have taught.

    Attributes
    ----------
    fit : Fit
        Weights that were learned, 0 for evidence that does not help.
    gains : float64 array of shape (3, n_lengths, 3)
        What rules that need no learning gain over counting in reciprocal ranks, what the weights that were learned do,
        and what these gain over the rules: by length, how many examples judged it, their sum, and that of their
        squares.
    """

    fit: Fit
    gains: NDArray[np.float64]

    def weights(self, unlearned: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights for every length, of shape (n_lengths, N_EVIDENCE).

        Learned weights come before rules if they are better by a standard error on the whole; where the rules are much
        better than counting, by a hundredth more, as the rankers that they rely on have learned less here than they
        will. At a length they hold where they rank better than counting by two standard errors, or not worse and so on
        the whole; where they are much better on the whole, unless they are worse by one. Where nothing does, counting
        ranks. With fewer than 50 examples it is ``unlearned`` unless these rank worse than counting.
        """
        whole = self.gains.sum(axis=1)
        if whole[0, 0] < _FEWEST:
            return np.tile(unlearned if whole[0, 1] >= 0 else COUNTING, (len(LENGTHS), 1))
        rows = (unlearned, self.fit.weights)
        more = _HANDICAP if _certainty(whole[0]) > _PROVEN else 0.0
        ways = (1, 0) if _certainty(whole[2], more) > 1 else (0, 1)
        chosen = []
        for length in range(len(LENGTHS)):
            better = [way for way in ways if _is_better(self.gains[way, length], whole[way])]
            chosen.append(rows[better[0]] if better else COUNTING)
        return np.array(chosen)

    def taught(
        self,
        rows: Sequence[NDArray[np.float64]],
        wanted: Sequence[int],
        typed: Sequence[int],
        unlearned: NDArray[np.float64],
    ) -> Self:
        """Return what is known after newer examples, in the place of as many older ones; see `learn`."""
        known = self.gains[0, :, 0].sum()
        if not len(rows) or known < 2 * _FEWEST:
            return self
        choices = Choices.of(rows, wanted)
        kept = known / (known + len(rows))
        ranks = choices.reciprocal_ranks(self.fit.weights)
        gains = self.gains + _gains(choices, unlearned, ranks, typed)
        prior = Fit(self.fit.weights, self.fit.information * kept)
        return type(self)(fit_logit(choices, range(N_EVIDENCE), prior), gains * kept)


def learn(
    rows: Sequence[NDArray[np.float64]],
    wanted: Sequence[int],
    typed: Sequence[int],
    unlearned: NDArray[np.float64],
) -> Lesson:
    """Learn from examples, given in the order of their times.

    Each half of the examples judges the weights that the other half teaches: a kind of evidence that does not make the
    other half's queries likelier by a standard error gets no weight.

    Parameters
    ----------
    rows : sequence of float64 arrays of shape (n_candidates, N_EVIDENCE)
    wanted : sequence of int
        The row of each query that was sent; -1 if it is no candidate.
    typed : sequence of int
        Characters of each prefix.
    unlearned : float64 array of shape (N_EVIDENCE,)
        Weights that need no learning.
    """
    if len(rows) < 2 * _FEWEST:
        nothing = Fit(np.zeros(N_EVIDENCE), np.zeros((N_EVIDENCE, N_EVIDENCE)))
        gains = np.zeros((3, len(LENGTHS), 3))
        if rows:
            few = Choices.of(rows, wanted)
            gains[0] = _summed(few.reciprocal_ranks(unlearned) - few.reciprocal_ranks(COUNTING), typed)
        return Lesson(nothing, gains)
    middle = len(rows) // 2
    halves = [Choices.of(rows[part], wanted[part]) for part in (slice(middle), slice(middle, None))]
    first = fit_logit(halves[0], range(N_EVIDENCE))
    tried = [first, fit_logit(halves[1], range(N_EVIDENCE), start=first.weights)]
    useless = _useless(halves, tried)
    every = Choices.of(rows, wanted)
    ranks = np.concatenate(_judged(Choices.reciprocal_ranks, halves, tried, useless))
    useful = [column for column in range(N_EVIDENCE) if column not in useless]
    fit = fit_logit(every, useful, start=tried[1].without(useless))
    return Lesson(fit, _gains(every, unlearned, ranks, typed))


def _gains(
    choices: Choices, unlearned: NDArray[np.float64], learned: NDArray[np.float64], typed: Sequence[int]
) -> NDArray[np.float64]:
    """Return the gains of a lesson; ``learned`` are reciprocal ranks."""
    counted, ruled = choices.reciprocal_ranks(COUNTING), choices.reciprocal_ranks(unlearned)
    return np.array([_summed(gain, typed) for gain in (ruled - counted, learned - counted, learned - ruled)])


def _summed(gains: NDArray[np.float64], typed: Sequence[int]) -> NDArray[np.float64]:
    """Return how many gains there are by length, their sums, and those of their squares; shape (n_lengths, 3)."""
    lengths = np.searchsorted(LENGTHS, typed, side="right") - 1
    parts = (np.bincount(lengths, gains**power, minlength=len(LENGTHS)) for power in range(3))
    return np.stack(list(parts), axis=1)


def _judged(
    judge: Callable[[Choices, NDArray[np.float64]], NDArray[np.float64]],
    halves: Sequence[Choices],
    tried: Sequence[Fit],
    useless: Sequence[int],
) -> list[NDArray[np.float64]]:
    """Judge both halves by the weights that the other one taught, without some evidence."""
    return [judge(half, fit.without(useless)) for half, fit in zip(halves, reversed(tried), strict=True)]


def _useless(halves: Sequence[Choices], tried: Sequence[Fit]) -> list[int]:
    """Return the columns of the kinds of evidence without which the other half's queries are as likely."""
    useless: list[int] = []
    left = [columns for kind, columns in KINDS.items() if kind != "frequency"]
    chances = np.concatenate(_judged(Choices.log_chances, halves, tried, useless))
    while left:
        without = [
            np.concatenate(_judged(Choices.log_chances, halves, tried, [*useless, *columns]))
            for columns in left
        ]
        certain = [_certainty(_moments(chances - other)) for other in without]
        least = int(np.argmin(certain))
        if certain[least] > 1:
            break
        useless += left.pop(least)
        chances = without[least]
    return useless


def _moments(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([values.size, values.sum(), (values**2).sum()])


def _certainty(moments: NDArray[np.float64], least: float = 0.0) -> float:
    """Return by how many standard errors a mean is above a number; 0 where all values are 0 and so is that."""
    n, sum_, squares = moments.tolist()
    mean = sum_ / max(n, 1e-12)
    error = np.sqrt(max(squares / max(n, 1e-12) - mean**2, 0.0) / max(n, 1e-12))
    return float((mean - least) / max(error, 1e-12))


def _is_better(here: NDArray[np.float64], whole: NDArray[np.float64]) -> bool:
    """Whether gains are above 0 by two standard errors here, or so on the whole and not below 0 here.

    Where they are much above 0 on the whole, only what is below it by a standard error here is.
    """
    on_the_whole = _certainty(whole)
    if here[0] < _FEWEST:
        return on_the_whole > 2
    if on_the_whole > _PROVEN:
        return _certainty(here) > -1
    return _certainty(here) > 2 or (on_the_whole > 2 and bool(here[1] >= 0))


def length_of(typed: int) -> int:
    """Return the place in `LENGTHS` of a number of characters."""
    return bisect_right(LENGTHS, typed) - 1
