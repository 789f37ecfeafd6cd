"""One threshold for all labels: the best micro-F1, or a precision that is kept."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArgumentError
from ..core.notices import warn
from ..core.options import integer, option, optional, real
from ..metrics.thresholds import sweep
from .rule import Rule, Tuning
from .shortlists import ShortLists

__all__ = ["PrecisionFloor", "Threshold", "lowest"]


@dataclass(frozen=True)
class Threshold(Rule):
    """The labels whose probability reaches one threshold.

    Parameters
    ----------
    threshold : float, optional
        From 0 to 1. By default `fit` chooses the one with the best micro-F1.
    at_least : int, default=0
        So many labels are chosen even where fewer reach it.
    at_most : int, optional
        No more than so many are chosen.

    Examples
    --------
    >>> from arborank.decisions import Threshold
    >>> Threshold(0.5).decide([[0.1, 0.6, 0.5]]).indices.tolist()
    [1, 2]
    """

    kind: ClassVar[str] = "threshold"
    main: ClassVar[str] = "threshold"

    threshold: float | None = option(None, optional(real(least=0.0, most=1.0)))
    at_least: int = option(0, integer(0))
    at_most: int | None = option(None, optional(integer(1)))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_most is not None and self.at_least > self.at_most:
            raise ArgumentError("at_least", f"must be at most at_most={self.at_most}, found {self.at_least}")

    @property
    def is_tuned(self) -> bool:
        """Whether the threshold is known."""
        return self.threshold is not None

    def _tuned(self, tuning: Tuning) -> Self:
        if self.threshold is not None:
            return self
        lists = tuning.lists
        always = lists.places < self.at_least
        free = ~always if self.at_most is None else ~always & (lists.places < self.at_most)
        found = sweep(lists.chances[free], lists.known_hits[free])
        hits, chosen = found.hits + lists.known_hits[always].sum(), found.chosen + always.sum()
        best = int(np.argmax(hits / (chosen + lists.n_true))) if hits.size else None
        return replace(self, threshold=1.0 if best is None else float(found.thresholds[best]))

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.threshold is not None
        kept = lists.chances >= np.float32(self.threshold)
        if self.at_least:
            kept |= lists.places < self.at_least
        if self.at_most is not None:
            kept &= lists.places < self.at_most
        return kept


@dataclass(frozen=True)
class PrecisionFloor(Rule):
    """As many labels as a precision allows: the share of right ones among all that are chosen.

    Parameters
    ----------
    precision : float, default=0.8
        Above 0 and at most 1.
    threshold : float, optional
        What probabilities must reach; by default `fit` chooses the lowest with this precision. If none has it, `fit`
        warns and takes the one with the highest precision.
    """

    kind: ClassVar[str] = "precision"
    main: ClassVar[str] = "precision"

    precision: float = option(0.8, real(above=0.0, most=1.0))
    threshold: float | None = option(None, optional(real(least=0.0, most=1.0)))

    @property
    def is_tuned(self) -> bool:
        """Whether the threshold is known."""
        return self.threshold is not None

    def _tuned(self, tuning: Tuning) -> Self:
        if self.threshold is not None:
            return self
        return replace(self, threshold=lowest(tuning.lists.chances, tuning.lists.known_hits, self.precision))

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.threshold is not None
        chosen: NDArray[np.bool_] = lists.chances >= np.float32(self.threshold)
        return chosen


def lowest(chances: NDArray[np.float32], hits: NDArray[np.bool_], precision: float) -> float:
    """Return the lowest threshold above which so large a share is right; warn if there is none."""
    if not chances.size:
        return 1.0
    found = sweep(chances, hits)
    shares = found.hits / found.chosen
    enough = np.flatnonzero(shares >= precision)
    if not enough.size:
        best = int(np.argmax(shares))
        warn(
            f"no threshold has precision {precision:g}; the best, {shares[best]:.2f}, is that of "
            f"{found.thresholds[best]:.3f}, which is used"
        )
        return float(found.thresholds[best])
    return float(found.thresholds[enough[-1]])
