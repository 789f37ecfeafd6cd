"""Two rankings of the same rows side by side."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.figures import Cells, Tabled, new_figure, per_cent
from ..core.types import Json
from . import labels, ranking
from .intervals import Interval, bootstrap, error_bars
from .judgement import Judgement, Truth, judge
from .report import check_ks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparison", "Difference", "compare"]

Rows = NDArray[np.float64]
Weighted = Callable[[NDArray[np.int64]], float]
_BY_ROW: dict[str, Callable[[Judgement, int], Rows]] = {
    "precision": ranking.row_precision,
    "recall": ranking.row_recall,
    "ndcg": ranking.row_ndcg,
}


@dataclass(frozen=True)
class Difference:
    """A metric of two rankings.

    Attributes
    ----------
    first, second : float
    change : Interval
        The second less the first, with a 95 % interval: both are drawn on the same rows.
    """

    first: float
    second: float
    change: Interval

    @property
    def is_clear(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.change.low > 0 or self.change.high < 0


@dataclass(frozen=True, eq=False)
class Comparison(Tabled):
    """Two rankings side by side. ``str(comparison)`` is a table in per cent.

    Attributes
    ----------
    metrics : dict of str to Difference
        By name, such as ``"precision@5"``; coverage and macro-F1 at the largest k.
    by_row : float64 array of shape (n_rows,)
        How much nDCG at the largest k changes in every row; 0 in rows without a true label.
    n_scored : int
        Rows with a true label.
    """

    metrics: dict[str, Difference]
    by_row: Rows
    n_scored: int

    def to_dict(self) -> Json:
        """Return the metrics as plain dictionaries, ready for JSON."""
        return {
            "n_scored": self.n_scored,
            "metrics": {
                name: {"first": one.first, "second": one.second, "change": asdict(one.change)}
                for name, one in self.metrics.items()
            },
        }

    def tables(self) -> list[Cells]:
        """Return the metrics of both and the change in per cent, with its interval."""
        rows: list[list[object]] = [["%", "first", "second", "change", "from", "to"]]
        for name, one in self.metrics.items():
            metric, _, k = name.partition("@")
            values = (one.first, one.second, one.change.value, one.change.low, one.change.high)
            rows.append([f"{ranking.TITLES[metric]}@{k}", *map(per_cent, values)])
        return [rows]

    def plot(self) -> "Figure":
        """Draw how much each metric changes, with its 95 % interval; ``ImportError`` without matplotlib."""
        figure = new_figure(6, 0.3 * len(self.metrics) + 1)
        axes = figure.add_subplot()
        found = [one.change for one in self.metrics.values()]
        values = [one.value for one in found]
        axes.errorbar(values, list(self.metrics), xerr=error_bars(found), fmt="o", capsize=3)
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set(xlabel="change")
        axes.invert_yaxis()
        return figure

    def __str__(self) -> str:
        lines = [f"{'%':<14}{'first':>9}{'second':>9}{'change':>9}{'95 % interval':>19}"]
        for name, one in self.metrics.items():
            metric, _, k = name.partition("@")
            values = "".join(f"{100 * value:>9.2f}" for value in (one.first, one.second))
            interval = f"{100 * one.change.low:+.2f} to {100 * one.change.high:+.2f}"
            mark = "  *" if one.is_clear else ""
            title = f"{ranking.TITLES[metric]}@{k}"
            lines.append(f"{title:<14}{values}{100 * one.change.value:>+9.2f}{interval:>19}{mark}")
        return "\n".join(lines)


def compare(
    truth: Truth,
    first: ArrayLike,
    second: ArrayLike,
    ks: Sequence[int] = (1, 3, 5),
    *,
    n_labels: int | None = None,
    n_draws: int = 1000,
    random_state: int = 0,
) -> Comparison:
    """Compare two rankings of the same rows, with paired confidence intervals by bootstrap.

    Parameters
    ----------
    truth : sparse matrix or 2-D array of shape (n_rows, n_labels), or list of label-id lists
        True labels. Rows without any are left out.
    first, second : int array of shape (n_rows, width)
        Label ids, best first, padded with -1.
    ks : sequence of int, default (1, 3, 5)
        Cut-offs.
    n_labels : int, optional
        As in `judge`.
    n_draws, random_state : int, default 1000 and 0
        Of the intervals; see `bootstrap`.

    Raises
    ------
    TypeError, ValueError
        As in `judge`.

    Examples
    --------
    >>> from arborank.metrics import compare
    >>> found = compare([[0], [1], [2]], [[0], [0], [2]], [[0], [1], [2]], ks=(1,))
    >>> round(found.metrics["precision@1"].change.value, 3), found.by_row.tolist()
    (0.333, [0.0, 1.0, 0.0])
    """
    cuts = check_ks(ks)
    top = cuts[-1]
    sides = [judge(truth, ids, top, n_labels=n_labels, empty_rows="zero") for ids in (first, second)]
    kept = sides[0].n_true > 0
    if not kept.any():
        raise ValueError(f"no row to score: {len(kept)} rows given, all without a true label")

    def difference(statistics: Sequence[Weighted]) -> Difference:
        one, other = statistics
        change = bootstrap(
            lambda weights: other(weights) - one(weights),
            int(kept.sum()),
            n_draws=n_draws,
            random_state=random_state,
        )
        weights = np.ones(int(kept.sum()), np.int64)
        return Difference(one(weights), other(weights), change)

    metrics = {}
    for name, of_rows in _BY_ROW.items():
        for k in cuts:
            metrics[f"{name}@{k}"] = difference([_mean(of_rows(side, k)[kept]) for side in sides])
    by_label = [_of_rows(labels.weighted_counts(side, top), kept) for side in sides]
    metrics[f"coverage@{top}"] = difference([_after(labels.coverage, counts) for counts in by_label])
    metrics[f"macro_f1@{top}"] = difference([_after(labels.macro_f1, counts) for counts in by_label])
    before, after = (np.where(kept, ranking.row_ndcg(side, top), 0.0) for side in sides)
    return Comparison(metrics, after - before, int(kept.sum()))


def _mean(values: Rows) -> Weighted:
    return lambda weights: float(weights @ values / weights.sum())


Table = NDArray[np.int64]


def _of_rows(counts: Callable[[Table], Table], kept: NDArray[np.bool_]) -> Callable[[Table], Table]:
    """Return counts that take the weights of the rows that are scored."""

    def weighted(weights: Table) -> Table:
        every = np.zeros(kept.size, np.int64)
        every[kept] = weights
        return counts(every)

    return weighted


def _after(value: Callable[[Table], float], counts: Callable[[Table], Table]) -> Weighted:
    return lambda weights: value(counts(weights))
