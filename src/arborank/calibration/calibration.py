"""What turns scores of ranked lists into probabilities. A value, which nothing changes."""

from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from ..core.checks import check_integer, check_real, check_top_ids
from ..core.logistic import chances_of, fit_logistic, log_odds_of
from ..core.sparse import Csr
from ..core.state import State
from ..core.types import TopK
from .answers import Answers
from .curve import Curve
from .fitting import N_BINS, bin_of, fit_curves
from .held_out import HeldOut

__all__ = ["Calibration"]

_RIDGE = 20.0  # on how the odds of another domain differ from the old ones
_PRIOR = 200.0  # pairs that these count for, in every bin of new ones
_SAME = Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


@dataclass(frozen=True)
class Facts:
    """Where a calibration comes from.

    Attributes
    ----------
    n_rows : int
        Held-out rows that it was learned from.
    date : str
        The day it was learned, as ISO 8601 writes it.
    n_updates : int, default=0
        How often labels of the model came, changed or went since.
    n_recalibrated : int, default=0
        Rows of another domain that it was adapted to since.
    score : str, default=""
        The parameters that the model's scores were made with, where they can be changed after `fit`.
    """

    n_rows: int
    date: str = field(default_factory=lambda: date.today().isoformat())
    n_updates: int = 0
    n_recalibrated: int = 0
    score: str = ""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What turns the scores of ranked lists into probabilities.

    The log odds of a score are read from a curve, ``odds``; they are corrected for the place in the list, the scores
    before, the frequency of the label and the label itself; ``chances`` makes probabilities of the sums.

    Attributes
    ----------
    odds : Curve
        From scores to log odds.
    weights, places : float64 arrays
        See `arborank.calibration.fitting.Correction`.
    bins : float64 array of shape (13,)
        What is added for labels with 0, 1, 2-3, 4-7, ... training instances.
    labels : float32 array of shape (n_labels,)
        What is added for every label, that of its bin included.
    chances : Curve
        From corrected log odds to probabilities.
    missed : float64 array of shape (depth + 1,)
        How many relevant labels a row has, on average, that are not among its first 0, 1, ... answers.
    unreached : float
        How many a row has, on average, that the search does not reach, however long the list is.
    facts : Facts
    answers : Answers
        To the held-out rows; those of the new domain after `recalibrated`.
    """

    odds: Curve
    weights: NDArray[np.float64]
    places: NDArray[np.float64]
    bins: NDArray[np.float64]
    labels: NDArray[np.float32]
    chances: Curve
    missed: NDArray[np.float64]
    unreached: float
    facts: Facts
    answers: Answers

    @classmethod
    def fit(
        cls, ids: ArrayLike, scores: ArrayLike, Y: Csr, *, counts: NDArray[np.int64] | None = None
    ) -> Self:
        """Learn from ranked labels of rows that the model has not seen.

        Parameters
        ----------
        ids : int array of shape (n_rows, width)
            Best first, padded with -1. Some 30 labels of some thousand rows are good.
        scores : float array of shape (n_rows, width)
        Y : Csr of shape (n_rows, n_labels)
            The relevant labels.
        counts : int64 array of shape (n_labels,), optional
            Training instances of every label.

        Raises
        ------
        TypeError, ValueError
            If shapes do not fit, or no listed label is relevant, or all are.
        """
        top = check_top_ids("ids", ids), np.asarray(scores, np.float32)
        if top[0].shape != top[1].shape or len(top[0]) != Y.shape[0]:
            raise ValueError(
                f"ids have shape {top[0].shape} and scores {top[1].shape}, but Y has {Y.shape[0]} rows"
            )
        return cls.of(HeldOut.of(top, Y, counts), Y.shape[1], counts)

    @classmethod
    def of(
        cls,
        held: HeldOut,
        n_labels: int,
        counts: NDArray[np.int64] | None = None,
        *,
        unreached: float | None = None,
    ) -> Self:
        """Learn from held-out rows, asked of models that are like the one to calibrate.

        ``counts`` are training instances of that one; ``unreached`` is by default what the longest lists miss.
        """
        odds, correction, chances, table = fit_curves(held, n_labels)
        labels = correction.labels + (0.0 if counts is None else correction.bins[bin_of(counts)])
        missed = held.missed
        return cls(
            odds,
            correction.weights,
            correction.places,
            correction.bins,
            labels.astype(np.float32),
            chances,
            missed,
            float(missed[-1] if unreached is None else unreached),
            Facts(len(held.ids)),
            _answers(held, table),
        )

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.labels.size

    @cached_property
    def native(self) -> _native.Calibration:
        """The arrays as the kernel takes them."""
        curves = self.odds.x, self.odds.y, self.chances.x, self.chances.y
        return _native.Calibration(*curves, self.weights, self.places, self.labels)

    def apply(
        self, ids: NDArray[np.int64], scores: NDArray[np.float32], *, ordered: bool = True
    ) -> NDArray[np.float32]:
        """Return the probability that each label of ranked lists is relevant.

        Parameters
        ----------
        ids : int64 array of shape (n_rows, k)
            Best first, padded with -1; from the first place on, since those before a label say something of it.
        scores : float32 array of shape (n_rows, k)
        ordered : bool, default=True
            No label is more probable than one before it: a label whose own evidence says so has the probability of the
            least probable one before it.

        Returns
        -------
        float32 array of shape (n_rows, k), padded with -inf
        """
        return self.native.apply(ids, scores, ordered)

    def expected_missed(self, k: int) -> float:
        """Return how many relevant labels a row has, on average, beyond its first ``k`` answers."""
        return float(self.missed[min(check_integer("k", k, 0), self.missed.size - 1)])

    def recalibrated(self, top: TopK, Y: Csr, *, unreached: float | None = None) -> Self:
        """Adapt to rows of another domain, whose odds are shrunk to the old ones.

        Parameters
        ----------
        top : pair of arrays (ids, scores) of shape (n_rows, width)
        Y : Csr of shape (n_rows, n_labels)
            The relevant labels.
        unreached : float, optional
            As of the new rows; by default what the longest lists miss.

        Raises
        ------
        ValueError
            If no listed label is relevant, or all are.
        """
        held = HeldOut.of(top, Y)
        held.check_odds()
        hits = held.hits[held.listed]
        old = log_odds_of(self.apply(*top)[held.listed].astype(np.float64))
        slope, shift = fit_logistic(old[:, None], hits, offset=old, ridge_of_all=_RIDGE)
        slope = max(1 + slope, 0.0)
        rates = Curve.of_rates(chances_of(slope * old + shift), hits, prior=_SAME, strength=_PRIOR)
        odds = slope * log_odds_of(self.chances.y) + shift
        more = np.interp(odds, log_odds_of(rates.x), log_odds_of(rates.y) - log_odds_of(rates.x))
        chances = Curve(self.chances.x, chances_of(np.maximum.accumulate(odds + more)))
        missed = held.missed
        facts = replace(self.facts, n_recalibrated=len(held.ids))
        beyond = float(missed[-1] if unreached is None else unreached)
        adapted = replace(self, chances=chances, missed=missed, unreached=beyond, facts=facts)
        return replace(adapted, answers=_answers(held, adapted.apply(*top)))

    def after_update(self, places: NDArray[np.int64], counts: NDArray[np.int64] | None) -> Self:
        """Follow labels that came, changed or went.

        Parameters
        ----------
        places : int64 array of shape (n_labels,)
            The old id of every label; -1 for those that were learned since, which get what their bin has.
        counts : int64 array of shape (n_labels,), optional
            Their training instances.
        """
        of_bin = np.zeros(places.size) if counts is None else self.bins[bin_of(counts)]
        labels = np.where(places >= 0, self.labels[places], of_bin).astype(np.float32)
        facts = replace(self.facts, n_updates=self.facts.n_updates + 1)
        return replace(
            self, labels=labels, facts=facts, answers=self.answers.after_update(places, self.n_labels)
        )

    def __getstate__(self) -> dict[str, Any]:  # without what is native
        return {name: value for name, value in vars(self).items() if name != "native"}

    def to_state(self) -> State:
        """Return what is saved."""
        arrays = {name: getattr(self, name) for name in ("weights", "places", "bins", "labels", "missed")}
        for name in ("odds", "chances"):
            curve = getattr(self, name)
            arrays |= {f"{name}_x": curve.x, f"{name}_y": curve.y}
        return State({**asdict(self.facts), "unreached": self.unreached}, arrays, {"answers": self.answers})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved one together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a number is out of its range, or arrays do not fit one another.
        """
        config = dict(state.config)
        unreached = config.pop("unreached")
        vectors = {name: state.vector(name, np.float64) for name in ("weights", "places", "bins", "missed")}
        odds, chances = (
            Curve(state.vector(f"{name}_x", np.float64), state.vector(f"{name}_y", np.float64))
            for name in ("odds", "chances")
        )
        made = cls(
            odds=odds,
            chances=chances,
            labels=state.vector("labels", np.float32),
            unreached=check_real("unreached", unreached, least=0.0),
            facts=Facts(**config),
            answers=state.part("answers", Answers),
            **vectors,
        )
        for name in ("n_rows", "n_updates", "n_recalibrated"):
            check_integer(name, config[name], 0)
        if made.bins.size != N_BINS or not made.missed.size:
            raise ValueError(f"a calibration has {N_BINS} bins and at least one number of missed labels")
        if made.answers.ids.size and made.answers.ids.max() >= made.n_labels:
            raise ValueError(f"a calibration of {made.n_labels} labels has answers with others")
        made.native  # noqa: B018  is made now, which checks the arrays
        return made


def _answers(held: HeldOut, chances: NDArray[np.float32]) -> Answers:
    return Answers(held.ids.astype(np.int32), chances, held.hits, held.n_relevant.astype(np.int32))
