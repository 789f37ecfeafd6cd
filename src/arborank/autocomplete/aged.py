"""Counts that age: how often each query was sent lately."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.state import State

__all__ = ["AgedCounts"]

_PARTS = (32, 8)  # half-lives in the time that a log covers


@dataclass(frozen=True, eq=False)
class AgedCounts:
    """How often queries were sent, where a sending counts half as much after every half-life.

    Attributes
    ----------
    values : float64 array of shape (2, n_queries)
        For a shorter and a longer half-life, the counts as of ``at``.
    half_lives : float64 array of shape (2,)
        In seconds.
    at : float
        Time of the last query sent.
    """

    values: NDArray[np.float64]
    half_lives: NDArray[np.float64]
    at: float

    @classmethod
    def of_log(
        cls,
        labels: NDArray[np.int64],
        times: NDArray[np.float64],
        n_queries: int,
        half_lives: NDArray[np.float64] | None = None,
    ) -> Self:
        """Count what was sent when; by default with half-lives of a thirty-second and an eighth of the log."""
        at = float(times.max(initial=-np.inf)) if times.size else 0.0
        if half_lives is None:
            half_lives = np.maximum(np.ptp(times) if times.size else 0.0, 1.0) / np.array(_PARTS, np.float64)
        values = [
            np.bincount(labels, 0.5 ** ((at - times) / half_life), minlength=n_queries)
            for half_life in half_lives
        ]
        return cls(np.array(values), half_lives, at)

    def left(self, now: float) -> list[float]:
        """Return what is left of the counts of both half-lives at a later time, as shares."""
        since = max(now - self.at, 0.0)
        return [0.5 ** (since / half_life) for half_life in self.half_lives.tolist()]

    def selected(self, kept: NDArray[np.bool_]) -> Self:
        """Return the counts of some queries."""
        return type(self)(np.ascontiguousarray(self.values[:, kept]), self.half_lives, self.at)

    def merged(self, newer: Self, own: NDArray[np.int64], others: NDArray[np.int64], n_queries: int) -> Self:
        """Add the counts of a newer log; ``own`` and ``others`` are the new ids of both sides' queries."""
        at = max(self.at, newer.at)
        values = np.zeros((len(self.half_lives), n_queries))
        for side, ids in ((self, own), (newer, others)):
            values[:, ids] += side.values * 0.5 ** ((at - side.at) / self.half_lives)[:, None]
        return type(self)(values, self.half_lives, at)

    def to_state(self) -> State:
        """Return what is saved."""
        return State({"at": self.at}, {"values": self.values.ravel(), "half_lives": self.half_lives}, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved counts.

        Raises
        ------
        ValueError
            If they are not finite, or below 0.
        """
        half_lives, at = state.vector("half_lives", np.float64), state.config["at"]
        values = state.vector("values", np.float64)
        if half_lives.size != len(_PARTS) or values.size % len(_PARTS) or not (half_lives > 0).all():
            raise ValueError(f"half_lives must be {len(_PARTS)} numbers above 0, with as many values each")
        if not isinstance(at, float) or not np.isfinite(at):
            raise ValueError(f"at must be a time, found {at!r}")
        if values.size and not (np.isfinite(values).all() and values.min() >= 0):
            raise ValueError("values must be finite, and at least 0")
        return cls(values.reshape(len(_PARTS), -1), half_lives, at)
