"""All that is known of a search: trials, limits, and what a trial on a sample says of one on everything."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.figures import Cells, Tabled, new_figure
from ..core.types import Json
from .options import TuneOptions
from .setting import changes
from .trial import SHOWN, Outcome, Trial, Variant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Candidate", "Study"]


@dataclass(frozen=True)
class Candidate:
    """A trial with one way to search its tree, on one sample: sizes and times are those to be expected of everything.

    Attributes
    ----------
    trial : Trial
    rung : int
        The sample.
    variant : Variant
    score : float
        By the metric of the search.
    n_bytes : float
    microseconds : float
    excess : float
        The most that a limit is exceeded by, as a factor less 1; 0 within the limits.
    """

    trial: Trial
    rung: int
    variant: Variant
    score: float
    n_bytes: float
    microseconds: float
    excess: float

    @property
    def order(self) -> tuple[float, float, int]:
        """Less is better: within the limits first, then by score; the earlier trial of equals."""
        return self.excess, -self.score, self.trial.number

    @property
    def is_default(self) -> bool:
        """Whether these are the defaults as they are."""
        return self.trial.number == 0 and not self.variant.search

    @property
    def changes(self) -> Json:
        """What differs from the defaults, by name."""
        return changes(self.trial.params) | self.variant.search

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.changes.items()) or "the defaults"


@dataclass
class Study(Tabled):
    """A search while it goes on.

    Attributes
    ----------
    options : TuneOptions
    shares : list of float
        The samples, as shares of the data; the last is 1.
    final_share : float
        What the training on everything has to learn, as a multiple of what trials on the last sample have.
    trials : list of Trial
        The first are the defaults.
    seconds : float
        Time spent.
    now : (int, int) or None
        Trial and sample that are being tried.
    latest : (int, int) or None
        Those that were tried last.
    exhausted : bool
        Whether there is no further setting to try.
    training : bool
        Whether the best setting is being trained on everything.
    """

    options: TuneOptions
    shares: list[float]
    final_share: float = 1.0
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0.0
    now: tuple[int, int] | None = None
    latest: tuple[int, int] | None = None
    exhausted: bool = False
    training: bool = False

    def tables(self) -> list[Cells]:
        """Return what was tried on everything, the best first."""
        rows: list[list[object]] = [["changes", self.options.metric, "bytes", "µs"]]
        for one in sorted(self.tried, key=lambda one: one.order):
            rows.append([str(one), f"{one.score:.4f}", f"{one.n_bytes:,.0f}", f"{one.microseconds:.0f}"])
        return [rows]

    @property
    def tried(self) -> list[Candidate]:
        """What was tried on everything."""
        trials = [trial for trial in self.trials if self.top in trial.outcomes]
        return [one for trial in trials for one in self.candidates(trial, self.top)]

    def plot(self) -> "Figure":
        """Draw what was tried on everything: quality against size, and against the time of a query.

        A dot for every setting and search, a line along those that nothing beats in quality and in the other value, a
        cross for the defaults and a star for the best.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure = new_figure(9, 4)
        best, default = self.best(), self.plain_default(self.top)
        tried = self.tried
        measures: tuple[tuple[str, Callable[[Candidate], float]], ...] = (
            ("size of the model, MB", lambda one: one.n_bytes / 1e6),
            ("time of a query, µs", lambda one: one.microseconds),
        )
        for axes, (label, cost) in zip(figure.subplots(1, 2, sharey=True), measures, strict=True):
            points = sorted((cost(one), one.score) for one in tried)
            axes.plot(*zip(*points, strict=True), ".", color="tab:gray", alpha=0.5, label="tried")
            line, top = [], -1.0
            for value, score in points:
                if score > top:
                    line.append((value, score))
                    top = score
            axes.plot(
                *zip(*line, strict=True), color="tab:blue", linewidth=1, label="best of its size or time"
            )
            axes.plot(cost(default), default.score, "x", color="black", label="the defaults")
            axes.plot(cost(best), best.score, "*", color="black", markersize=12, label="chosen")
            axes.set_xscale("log")
            axes.set_xlabel(label)
            axes.grid(alpha=0.3)
        left = figure.axes[0]
        left.set_ylabel(self.options.metric)
        left.legend(fontsize=7)
        return figure

    @property
    def top(self) -> int:
        """The last sample, which is everything."""
        return len(self.shares) - 1

    @property
    def default(self) -> Trial:
        """The trial of the defaults."""
        return self.trials[0]

    @property
    def seconds_left(self) -> float | None:
        """Time that is left; None where time does not count."""
        return None if self.options.minutes is None else 60 * self.options.minutes - self.seconds

    def candidates(self, trial: Trial, rung: int) -> Iterator[Candidate]:
        """Yield a trial on a sample with every way to search its tree."""
        outcome = trial.outcomes[rung]
        n_bytes = outcome.n_bytes * self._growth(rung, lambda one: one.n_bytes)
        slower = self._growth(rung, lambda one: one.variants[0].microseconds)
        for variant in outcome.variants:
            microseconds = variant.microseconds * slower
            limits = (
                (n_bytes, self.options.max_size),
                (microseconds / 1e6, self.options.max_query_time),
            )
            excess = max((value / most - 1 for value, most in limits if most is not None), default=0.0)
            score = variant.quality[self.options.metric]
            yield Candidate(trial, rung, variant, score, n_bytes, microseconds, max(excess, 0.0))

    def best_of(self, trial: Trial, rung: int) -> Candidate:
        """Return a trial on a sample with the best way to search its tree."""
        return min(self.candidates(trial, rung), key=lambda one: one.order)

    def ranked(self, rung: int) -> list[Candidate]:
        """Return what was tried on a sample, best first."""
        tried = [self.best_of(trial, rung) for trial in self.trials if rung in trial.outcomes]
        return sorted(tried, key=lambda one: one.order)

    def best(self) -> Candidate:
        """Return the best of what was tried on everything, or comes nearest to the limits."""
        return self.ranked(self.top)[0]

    @property
    def chosen(self) -> Json:
        """What all data have chosen for parameters that are ``"auto"``: what they are in every other trial.

        A sample would choose otherwise, and choosing takes time.
        """
        seen = self.default.outcomes.get(self.top)
        return {} if seen is None else dict(seen.chosen)

    def values(self, one: Candidate) -> Json:
        """Return the values by which a candidate is trained again: none for the defaults, which choose some."""
        return {} if one.is_default else self.chosen | one.changes

    def plain_default(self, rung: int) -> Candidate:
        """Return the defaults as they are, on a sample."""
        return next(self.candidates(self.default, rung))

    def default_score(self, rung: int) -> float:
        """Return what the defaults reach on a sample."""
        return self.plain_default(rung).score

    def frontier(self) -> list[Candidate]:
        """Return what was tried on everything and is beaten in score, size and time by nothing else, by size."""
        tried = [
            one
            for trial in self.trials
            if self.top in trial.outcomes
            for one in self.candidates(trial, self.top)
        ]
        kept = [one for one in tried if not any(_beats(other, one) for other in tried)]
        return sorted(kept, key=lambda one: (one.n_bytes, one.microseconds))

    def rows(self) -> list[Json]:
        """Return every trial as a flat row of a table, as good as it was on its largest sample."""
        best = (self.best_of(one, one.highest) if one.outcomes else None for one in self.trials)
        return [
            {"trial": one.number, **self._row(found), "failure": one.failure, **one.params}
            for one, found in zip(self.trials, best, strict=True)
        ]

    def frontier_rows(self) -> list[Json]:
        """Return the frontier as flat rows."""
        return [{"trial": one.trial.number, **self._row(one), **one.changes} for one in self.frontier()]

    def _row(self, one: Candidate | None) -> Json:
        if one is None:
            return {}
        names = dict.fromkeys((self.options.metric, *SHOWN))
        return {
            **{name: one.variant.quality[name] for name in names},
            "n_bytes": round(one.n_bytes),
            "microseconds": one.microseconds,
            "seconds": one.trial.outcomes[one.rung].seconds,
            "share": self.shares[one.rung],
            "within_limits": one.excess == 0,
            **one.variant.search,
        }

    # ------------------------------------------------------------------ what time it takes

    def expected(self, trial: Trial | None, rung: int) -> float:
        """Return the seconds to be expected of a trial on a sample, None being one that is not known yet.

        A trial takes as much longer than the defaults as it did on its largest sample; one that is not known, as much
        as half of the others did.
        """
        default = self.default.outcomes
        if trial is self.default and rung in default:
            return default[rung].seconds
        if trial is not None and trial.outcomes:
            return self._expected(trial.outcomes[trial.highest].seconds, trial.highest, rung)
        low = min(default)
        seen = sorted(one.outcomes[low].seconds for one in self.trials if low in one.outcomes)
        return self._expected(seen[len(seen) // 2], low, rung)

    def _expected(self, seconds: float, seen: int, rung: int) -> float:
        default = self.default.outcomes
        if rung in default:
            return seconds * default[rung].seconds / default[seen].seconds
        return seconds * self.shares[rung] / self.shares[seen]

    def climb(self, trial: Trial | None) -> float:
        """Return the seconds to be expected until a trial has been tried on everything."""
        left = [rung for rung in range(self.top + 1) if trial is None or rung not in trial.outcomes]
        return sum(self.expected(trial, rung) for rung in left)

    def final(self, trial: Trial | None) -> float:
        """Return the seconds to be expected of the training on everything."""
        return self.expected(trial, self.top) * self.final_share

    def _growth(self, rung: int, of: Callable[[Outcome], float]) -> float:
        """Return by what factor a value of the defaults grows from a sample to everything, as far as that is known."""
        default = self.default.outcomes
        if self.top not in default or rung not in default or rung == self.top:
            return 1.0
        return of(default[self.top]) / max(of(default[rung]), 1e-9)


def _beats(other: Candidate, one: Candidate) -> bool:
    theirs, mine = ((c.n_bytes, -c.score, c.microseconds) for c in (other, one))
    return theirs != mine and all(a <= b for a, b in zip(theirs, mine, strict=True))
