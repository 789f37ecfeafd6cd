"""Weights of the evidence on a candidate: learned from examples, never below counting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._native import N_EVIDENCE
from ..core.state import State
from .logit import Choices, Fit, fit_logit

__all__ = ["KINDS", "UNLEARNED", "Blend", "Example", "learn_blend"]

_STARTS = (0, 1, 2, 3, 4, 7)  # characters typed at which other weights may hold
KINDS = {  # columns of the evidence by where it comes from
    "formula": [0],
    "frequency": [1, 2],
    "lately": [3, 4],
    "context": [5, 6, 7],
    "session": [8, 15, 16],
    "history": [9, 10, 11, 12, 13, 14],
}
_UNKNOWN = 2  # whether a query is not in the catalogue
_PARTS: dict[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): (),
    (True, False): ("history",),
    (False, True): ("formula", "context", "session"),
    (True, True): ("formula", "context", "session", "history"),
}
_FEWEST = 50  # examples of a length to judge weights by, and of a half to learn them from


def _only(column: int) -> NDArray[np.float64]:
    weights = np.zeros(N_EVIDENCE)
    weights[column] = 1.0
    return weights


FORMULA, COUNTING = _only(0), _only(1)
_OWN = 40 * _only(9) - _only(11)
UNLEARNED = np.array([[COUNTING, FORMULA], [COUNTING + _OWN, FORMULA + _OWN]])
"""Weights where nothing could be learned, without and with a history, without and with a known context: own queries,
the last one first, then what the formula ranks high."""


@dataclass(frozen=True)
class Example:
    """What was known of the candidates when a query was sent.

    Attributes
    ----------
    evidence : float64 array of shape (n_candidates, N_EVIDENCE)
    wanted : int
        Row of the query that was sent; -1 if it is not among the candidates.
    typed : int
        Number of characters of the prefix.
    with_history, in_context : bool
        Whether the user's history was there, and anything known of the context.
    """

    evidence: NDArray[np.float64]
    wanted: int
    typed: int
    with_history: bool
    in_context: bool

    def without(self, *, history: bool, context: bool) -> "Example":
        """Return what is known without the history, or without the context and the session, if these are true."""
        hidden = [column for kind in _PARTS[history, context] for column in KINDS[kind]]
        if not hidden:
            return self
        kept = np.full(len(self.evidence), True)
        if history:  # which alone knows queries that are not in the catalogue
            kept = self.evidence[:, _UNKNOWN] == 0
        evidence = self.evidence[kept]
        evidence[:, hidden] = 0.0
        wanted = int(kept[: self.wanted].sum()) if self.wanted >= 0 and kept[self.wanted] else -1
        return Example(
            evidence, wanted, self.typed, self.with_history and not history, self.in_context and not context
        )


@dataclass(frozen=True, eq=False)
class Blend:
    """Weights of the evidence by what is there and how much was typed.

    Attributes
    ----------
    weights : float64 array of shape (2, n_lengths, 2, N_EVIDENCE)
        Without and with a history; by characters typed; without and with a known context.
    """

    weights: NDArray[np.float64]

    def of(self, with_history: bool, typed: int) -> NDArray[np.float64]:
        """Return the weights without and with a known context, of shape (2, N_EVIDENCE)."""
        return self.weights[int(with_history), _length(typed)]  # type: ignore[no-any-return]

    def to_state(self) -> State:
        """Return what is saved."""
        return State({}, {"weights": self.weights.ravel()}, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved weights.

        Raises
        ------
        ValueError
            If they are not as many as they must be, or not finite.
        """
        shape = 2, len(_STARTS), 2, N_EVIDENCE
        weights = state.vector("weights", np.float64)
        if weights.size != np.prod(shape) or not np.isfinite(weights).all():
            raise ValueError(f"weights must be {np.prod(shape)} finite numbers")
        return cls(weights.reshape(shape))


def learn_blend(examples: Sequence[Example]) -> Blend:
    """Learn weights from examples, in the order of their times.

    What is there (a history, a known context) decides on the weights; examples teach what there is without a part of
    it, too. Weights are those of `fit_logit`. Each half of the examples judges those that the other half teaches: a
    kind of evidence that does not make the other half's queries likelier by two standard errors gets no weight, and at
    a length of the prefix the weights hold where they rank better than counting by a standard error. The formula is
    tried in the same way, and the better one of both taken; where neither helps, counting ranks.
    """
    weights = np.empty((2, len(_STARTS), 2, N_EVIDENCE))
    for with_history in (False, True):
        for in_context in (False, True):
            alike = [
                one.without(history=not with_history, context=not in_context)
                for one in examples
                if one.with_history >= with_history and one.in_context >= in_context
            ]
            unlearned = UNLEARNED[int(with_history), int(in_context)]
            weights[int(with_history), :, int(in_context)] = _learned(alike, unlearned)
    return Blend(weights)


def _learned(examples: Sequence[Example], unlearned: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights of the evidence for every length; shape (n_lengths, N_EVIDENCE)."""
    examples = [one for one in examples if len(one.evidence)]
    if len(examples) < 2 * _FEWEST:
        return np.tile(unlearned, (len(_STARTS), 1))
    middle = len(examples) // 2
    halves = [_choices(part) for part in (examples[:middle], examples[middle:])]
    tried = [fit_logit(half, range(N_EVIDENCE)) for half in halves]
    useless = _useless(halves, tried)
    every = _choices(examples)
    rows = {
        "unlearned": unlearned,
        "learned": fit_logit(every, [i for i in range(N_EVIDENCE) if i not in useless]).weights,
    }
    counted = every.reciprocal_ranks(COUNTING)
    gains = {
        "unlearned": every.reciprocal_ranks(unlearned) - counted,
        "learned": np.concatenate(_judged(Choices.reciprocal_ranks, halves, tried, useless)) - counted,
    }
    lengths = np.array([_length(one.typed) for one in examples])
    chosen = []
    for length in range(len(_STARTS)):
        cases = lengths == length
        if cases.sum() < _FEWEST:
            cases = lengths >= 0
        sure = {name: gain[cases].mean() for name, gain in gains.items() if _certainty(gain[cases]) > 1}
        best = max(sure, key=lambda name: sure[name], default="")
        chosen.append(rows[best] if best else COUNTING)
    return np.array(chosen)


def _choices(examples: Sequence[Example]) -> Choices:
    return Choices.of([one.evidence for one in examples], [one.wanted for one in examples])


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
        certain = [_certainty(chances - other) for other in without]
        least = int(np.argmin(certain))
        if certain[least] > 2:
            break
        useless += left.pop(least)
        chances = without[least]
    return useless


def _certainty(values: NDArray[np.float64]) -> float:
    """Return by how many standard errors a mean is above 0; 0 where all values are."""
    return float(values.mean() / max(values.std() / np.sqrt(values.size), 1e-12))


def _length(typed: int) -> int:
    return int(np.searchsorted(_STARTS, typed, side="right")) - 1
