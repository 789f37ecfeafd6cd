"""Weights of the evidence on a candidate, by what is there and how much was typed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._native import N_EVIDENCE
from ..core.state import State
from .lesson import COUNTING, FORMULA, KINDS, LENGTHS, Lesson, learn, length_of
from .logit import Fit

__all__ = ["UNLEARNED", "Blend", "Example", "learn_blend"]

_UNKNOWN = 2  # whether a query is not in the catalogue
_AFTER_LAST = 16  # how often it followed the last query in the history, which the context tells
_OF_CONTEXT = ("formula", "context", "words", "session")


_OWN = np.zeros(N_EVIDENCE)
_OWN[KINDS["history"][0]], _OWN[KINDS["history"][2]] = 40, -1
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
        kinds = [*(["history"] if history else []), *(_OF_CONTEXT if context else [])]
        if not kinds:
            return self
        hidden = [column for kind in kinds for column in KINDS[kind]] + ([_AFTER_LAST] if context else [])
        kept = np.full(len(self.evidence), True)
        if history:  # which alone knows queries that are not in the catalogue
            kept = self.evidence[:, _UNKNOWN] == 0
        evidence = self.evidence[kept]
        evidence[:, hidden] = 0.0
        wanted = int(kept[: self.wanted].sum()) if self.wanted >= 0 and kept[self.wanted] else -1
        with_history = self.with_history and not history
        return Example(evidence, wanted, self.typed, with_history, self.in_context and not context)


@dataclass(frozen=True, eq=False)
class Blend:
    """Weights of the evidence.

    Attributes
    ----------
    lessons : tuple of Lesson
        What was learned without and with a history, for each without and with a known context.
    """

    lessons: tuple[Lesson, ...]

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """The weights by history, characters typed and context; shape (2, n_lengths, 2, N_EVIDENCE)."""
        ways = UNLEARNED.reshape(-1, N_EVIDENCE)
        rows = [lesson.weights(unlearned) for lesson, unlearned in zip(self.lessons, ways, strict=True)]
        by_lesson = np.array(rows).reshape(2, 2, len(LENGTHS), N_EVIDENCE)
        return np.ascontiguousarray(by_lesson.swapaxes(1, 2))

    def of(self, with_history: bool, typed: int) -> NDArray[np.float64]:
        """Return the weights without and with a known context, of shape (2, N_EVIDENCE)."""
        return self.weights[int(with_history), length_of(typed)]  # type: ignore[no-any-return]

    def uses(self, kind: str) -> bool:
        """Whether a kind of evidence ever has weight."""
        return bool(self.weights[..., KINDS[kind]].any())

    @property
    def gained(self) -> float:
        """What the better of rules and weights gained over counting where a context was known, in reciprocal ranks."""
        return float(sum(lesson.gains[:2, :, 1].sum(axis=1).max() for lesson in self.lessons[1::2]))

    @property
    def names_help(self) -> bool:
        """Whether words of a query's own text ever speak for it."""
        return bool((self.weights[..., KINDS["words"][0]] > 0).any())

    def taught(self, examples: Sequence[Example]) -> Self:
        """Return what is known after newer examples, which count as much as the same number of older ones."""
        parts = zip(self.lessons, UNLEARNED.reshape(-1, N_EVIDENCE), _by_lesson(examples), strict=True)
        return type(self)(tuple(lesson.taught(*part, unlearned) for lesson, unlearned, part in parts))

    def to_state(self) -> State:
        """Return what is saved."""
        return State(
            {},
            {
                "weights": np.concatenate([lesson.fit.weights for lesson in self.lessons]),
                "information": np.concatenate([lesson.fit.information.ravel() for lesson in self.lessons]),
                "gains": np.concatenate([lesson.gains.ravel() for lesson in self.lessons]),
            },
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved weights.

        Raises
        ------
        ValueError
            If they are not as many as they must be, or not finite.
        """
        n = UNLEARNED.shape[0] * UNLEARNED.shape[1]
        shapes = {
            "weights": (n, N_EVIDENCE),
            "information": (n, N_EVIDENCE, N_EVIDENCE),
            "gains": (n, 3, len(LENGTHS), 3),
        }
        arrays = {}
        for name, shape in shapes.items():
            values = state.vector(name, np.float64)
            if values.size != np.prod(shape) or not np.isfinite(values).all():
                raise ValueError(f"{name} must be {np.prod(shape)} finite numbers")
            arrays[name] = values.reshape(shape)
        rows = zip(*arrays.values(), strict=True)
        return cls(tuple(Lesson(Fit(weights, information), gains) for weights, information, gains in rows))


def learn_blend(examples: Sequence[Example]) -> Blend:
    """Learn weights from examples; see `learn`.

    What is there (a history, a known context) decides on the weights; examples teach what there is without a part of
    it, too.
    """
    parts = zip(UNLEARNED.reshape(-1, N_EVIDENCE), _by_lesson(examples), strict=True)
    return Blend(tuple(learn(*part, unlearned) for unlearned, part in parts))


def _by_lesson(
    examples: Sequence[Example],
) -> Iterator[tuple[list[NDArray[np.float64]], list[int], list[int]]]:
    """Return evidence, wanted rows and characters typed of the examples for each lesson."""
    for with_history in (False, True):
        for in_context in (False, True):
            alike = [
                one.without(history=not with_history, context=not in_context)
                for one in examples
                if one.with_history >= with_history and one.in_context >= in_context
            ]
            alike = [one for one in alike if len(one.evidence)]
            yield (
                [one.evidence for one in alike],
                [one.wanted for one in alike],
                [one.typed for one in alike],
            )
