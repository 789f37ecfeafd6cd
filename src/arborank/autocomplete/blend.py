"""Weights of the evidence on a candidate: learned from examples, never below counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._native import N_EVIDENCE
from ..core.state import State

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
_RIDGE = 1e-3  # an example, on weights of evidence of unit variance
_STEPS = 30
_ENOUGH = 1e-5  # of the loss of an example, that a step gains
_FIRST = 10  # completions that count
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
    it, too. Weights maximise the likelihood of the queries that were sent (a conditional logit model). Those learned
    from the earlier half are tried on the later half: at a length of the prefix they hold where they are not worse than
    counting there, and better by more than two standard errors, there or on the whole. The formula is tried in the same
    way, and the better one of both taken; where neither helps, counting ranks.
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
    tried = _fitted(_Grouped.of(examples[:middle]))
    judged = _Grouped.of(examples[middle:])
    rows = {"counting": COUNTING, "unlearned": unlearned, "learned": tried}
    ranks = {name: judged.reciprocal_ranks(weights) for name, weights in rows.items()}
    rows["learned"] = _fitted(_Grouped.of(examples))
    lengths = np.array([_length(one.typed) for one in examples[middle:]])
    gains = {name: ranks[name] - ranks["counting"] for name in ("unlearned", "learned")}
    helpful = {name: gain.mean() > 2 * _error(gain) for name, gain in gains.items()}
    chosen = []
    for length in range(len(_STARTS)):
        cases = lengths == length
        best, most = "counting", 0.0
        if cases.sum() >= _FEWEST:
            for name, gain in gains.items():
                mean = gain[cases].mean()
                if mean >= most and (helpful[name] or mean > 2 * _error(gain[cases])):
                    best, most = name, mean
        else:
            best = max(
                (name for name in gains if helpful[name]), key=lambda name: gains[name].mean(), default=best
            )
        chosen.append(rows[best])
    return np.array(chosen)


def _error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the mean."""
    return float(values.std() / np.sqrt(values.size))


def _length(typed: int) -> int:
    return int(np.searchsorted(_STARTS, typed, side="right")) - 1


@dataclass(frozen=True)
class _Grouped:
    """The candidates of all examples, one after the other."""

    rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    wanted: NDArray[np.int64]  # of each example, among all rows; -1 if it is missing

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Self:
        """Take examples, each of which has candidates."""
        sizes = np.array([len(one.evidence) for one in examples], np.int64)
        starts = np.cumsum(sizes) - sizes
        wanted = np.array([one.wanted for one in examples], np.int64)
        rows = np.concatenate([one.evidence for one in examples])
        return cls(rows, starts, sizes, np.where(wanted < 0, -1, starts + wanted))

    def reciprocal_ranks(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one over the place of each wanted query, 0 behind the first ten; among equals, rows are in order."""
        scores = self.rows @ weights
        own = np.repeat(np.where(self.wanted < 0, np.inf, scores[self.wanted]), self.sizes)
        before = np.arange(scores.size) < np.repeat(self.wanted, self.sizes)
        places = 1 + np.add.reduceat((scores > own) | ((scores == own) & before), self.starts, dtype=np.int64)
        return np.where((self.wanted >= 0) & (places <= _FIRST), 1.0 / places, 0.0)


def _fitted(examples: _Grouped) -> NDArray[np.float64]:
    """Maximise the likelihood of the wanted candidates by Newton's method."""
    kept = examples.wanted >= 0
    if not kept.any():
        return FORMULA
    in_kept = np.repeat(kept, examples.sizes)
    sizes = examples.sizes[kept]
    starts = np.cumsum(sizes) - sizes
    wanted = starts + (examples.wanted - examples.starts)[kept]
    spread = examples.rows[in_kept].std(axis=0)
    used = spread > 1e-6  # evidence that is always the same says nothing
    Z = examples.rows[in_kept][:, used] / spread[used]
    group = np.repeat(np.arange(sizes.size), sizes)
    ridge = _RIDGE * sizes.size
    weights = np.zeros(Z.shape[1])
    loss, chances = _loss(Z, starts, group, wanted, weights, ridge)
    for _ in range(_STEPS):
        weighted = Z * chances[:, None]
        means = np.add.reduceat(weighted, starts, axis=0)
        gradient = means.sum(axis=0) - Z[wanted].sum(axis=0) + ridge * weights
        step = np.linalg.solve(weighted.T @ Z - means.T @ means + ridge * np.eye(weights.size), gradient)
        size = 1.0
        there, changed = _loss(Z, starts, group, wanted, weights - size * step, ridge)
        while there > loss and size > 1e-3:
            size /= 2
            there, changed = _loss(Z, starts, group, wanted, weights - size * step, ridge)
        gained = loss - there
        if gained <= 0:
            break
        weights -= size * step
        loss, chances = there, changed
        if gained < _ENOUGH * sizes.size:
            break
    whole = np.zeros(N_EVIDENCE)
    whole[used] = weights / spread[used]
    return whole


def _loss(
    Z: NDArray[np.float64],
    starts: NDArray[np.int64],
    group: NDArray[np.int64],
    wanted: NDArray[np.int64],
    weights: NDArray[np.float64],
    ridge: float,
) -> tuple[float, NDArray[np.float64]]:
    """Return the penalised negative likelihood, and the chances of all candidates."""
    margins = Z @ weights
    highest = np.maximum.reduceat(margins, starts)
    chances = np.exp(margins - highest[group])
    sums = np.add.reduceat(chances, starts)
    loss = (highest + np.log(sums) - margins[wanted]).sum() + ridge / 2 * weights @ weights
    return float(loss), chances / sums[group]
