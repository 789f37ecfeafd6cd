"""Whether rows are still like those that a model was calibrated on: told by how many answers are right."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..calibration import Calibration
from ..calibration.held_out import HeldOut
from ..core.sparse import Csr
from ..core.types import TopK

__all__ = ["DRIFT_DEPTH", "Drift"]

DRIFT_DEPTH = 5
"""Answers of a row that count."""

_ERRORS, _SHARE = 4.0, 0.2  # standard errors, and share of what was expected, from where on it is a drift


@dataclass(frozen=True)
class Drift:
    """What the first five answers to new rows should have been worth, and were.

    Attributes
    ----------
    n_rows : int
    expected : float
        Right answers a row, by the model's probabilities.
    observed : float
        Right answers a row.
    error : float
        Standard error of their difference.
    """

    n_rows: int
    expected: float
    observed: float
    error: float

    @property
    def drifted(self) -> bool:
        """Whether the difference is more than a fifth of what was expected, and four times its standard error."""
        off = abs(self.observed - self.expected)
        return off > _ERRORS * self.error and off > _SHARE * self.expected

    @classmethod
    def measure(cls, calibration: Calibration, top: TopK, Y: Csr) -> Self:
        """Compare the probabilities of ranked lists with the labels of their rows."""
        ids, scores = top
        chances = np.maximum(calibration.apply(ids, scores), 0.0).astype(np.float64)  # padding has -inf
        hits = HeldOut.of(top, Y).hits
        off = hits.sum(axis=1) - chances.sum(axis=1)
        error = float(off.std() / np.sqrt(max(off.size, 1)))
        return cls(off.size, float(chances.sum(axis=1).mean()), float(hits.sum(axis=1).mean()), error)
