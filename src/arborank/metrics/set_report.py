"""Everything about one decision in one report: sets of labels, of any size, with confidence intervals."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.figures import Cells, Tabled, new_figure, per_cent
from ..core.types import Json
from . import labels, sets
from .intervals import Interval, bootstrap, error_bars
from .judgement import Judgement, JudgeOptions, Predictions, Truth, judge
from .report import Bucket, bucket_lines, bucket_tables, buckets_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SetReport", "evaluate_sets", "set_values"]

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class SetReport(Tabled):
    """Metrics of the labels that were chosen for each row. ``str(report)`` is a table in per cent.

    Attributes
    ----------
    metrics : dict of str to Interval
        ``"precision"``, ``"recall"`` and ``"micro_f1"`` over all pairs of row and label; ``"example_f1"`` and
        ``"macro_f1"``, means over rows and over the labels that are true in some row; ``"coverage"``, the share of
        these labels that is right for some row.
    labels_per_row : float
        Labels chosen for a row, on average.
    answered : float
        Share of the rows that got a label.
    buckets : tuple of Bucket
        By frequency in training; empty without ``train_counts``. ``precision`` is the share of all chosen labels that
        the bucket's right ones make up.
    n_scored, n_empty, n_labels : int
        Rows averaged over, rows without a true label among the rows given, labels.
    """

    metrics: dict[str, Interval]
    labels_per_row: float
    answered: float
    buckets: tuple[Bucket, ...]
    n_scored: int
    n_empty: int
    n_labels: int

    def to_dict(self) -> Json:
        """Return the report as plain dictionaries, lists and numbers, ready for JSON."""
        return asdict(self) | {"buckets": [asdict(bucket) for bucket in self.buckets]}

    def tables(self) -> list[Cells]:
        """Return the metrics in per cent with their intervals, and the buckets."""
        rows: list[list[object]] = [["%", "", "from", "to"]]
        for name, one in self.metrics.items():
            rows.append([name.replace("_f1", "-F1"), *map(per_cent, (one.value, one.low, one.high))])
        return [rows, *bucket_tables(self.buckets)]

    def plot(self) -> "Figure":
        """Draw the metrics with their 95 % intervals; ``ImportError`` without matplotlib."""
        figure = new_figure(6, 3.5)
        axes = figure.add_subplot()
        found = list(self.metrics.values())
        names = [name.replace("_f1", "-F1") for name in self.metrics]
        axes.bar(names, [one.value for one in found], yerr=error_bars(found), capsize=3, color="#9ecae1")
        axes.set(ylim=(0, 1))
        return figure

    def __str__(self) -> str:
        lines = [
            f"{self.labels_per_row:.2f} labels a row, {100 * self.answered:.1f} % of the rows answered",
            "",
            f"{'%':<12}{'':>9}{'95 % interval':>17}",
        ]
        for name, found in self.metrics.items():
            title = name.replace("_f1", "-F1")
            interval = f"{100 * found.low:.2f} - {100 * found.high:.2f}"
            lines.append(f"{title:<12}{100 * found.value:>9.2f}{interval:>17}")
        return "\n".join([*lines, *bucket_lines(self.buckets)])


def evaluate_sets(
    truth: Truth,
    chosen: Predictions,
    *,
    train_counts: ArrayLike | None = None,
    head_above: int = 100,
    tail_up_to: int = 10,
    n_draws: int = 1000,
    random_state: int = 0,
    **options: Unpack[JudgeOptions],
) -> SetReport:
    """Score the labels that were chosen for each row, such as those of `arborank.decisions.Rule.decide`.

    Parameters
    ----------
    truth, **options
        As in `judge`.
    chosen : sparse matrix of shape (n_rows, n_labels), or integer array of shape (n_rows, width)
        The labels chosen for each row: every stored entry; or ids, padded with -1.
    train_counts : array-like of shape (n_labels,), optional
        Training instances of every label. With it come the buckets.
    head_above, tail_up_to : int, default 100 and 10
        Borders of the buckets, as in `evaluate`.
    n_draws, random_state : int, default 1000 and 0
        Of the confidence intervals; see `bootstrap`.

    Raises
    ------
    TypeError, ValueError
        As in `judge` and `evaluate`.

    Examples
    --------
    >>> from arborank.metrics import evaluate_sets
    >>> report = evaluate_sets([[0, 2], [1]], [[0, 1], [1, -1]])
    >>> round(report.metrics["micro_f1"].value, 3), report.labels_per_row
    (0.667, 1.5)
    """
    judged = judge(truth, chosen, **options)
    rows = sets.row_counts(judged)
    metrics = {
        name: bootstrap(statistic, len(judged.n_true), n_draws=n_draws, random_state=random_state)
        for name, statistic in set_statistics(judged).items()
    }
    buckets: tuple[Bucket, ...] = ()
    if train_counts is not None:
        table = labels.counts(judged, max(judged.ids.shape[1], 1))
        buckets = buckets_of(
            table, np.asarray(train_counts), head_above, tail_up_to, max(int(rows[1].sum()), 1)
        )
    per_row, answered = float(rows[1].mean()), float((rows[1] > 0).mean())
    return SetReport(metrics, per_row, answered, buckets, len(judged.n_true), judged.n_empty, judged.n_labels)


def set_values(truth: Truth, chosen: Predictions, **options: Unpack[JudgeOptions]) -> dict[str, float]:
    """Return the metrics of `evaluate_sets` without intervals, and ``"labels_per_row"``.

    Parameters and errors are those of `evaluate_sets`.
    """
    judged = judge(truth, chosen, **options)
    every = np.ones(len(judged.n_true), np.int64)
    values = {name: statistic(every) for name, statistic in set_statistics(judged).items()}
    return {"labels_per_row": float((judged.ids >= 0).sum() / len(judged.n_true)), **values}


def set_statistics(judged: Judgement) -> dict[str, Callable[[Counts], float]]:
    """Return the metrics of a `SetReport` as functions of how often each row counts, for `bootstrap`."""
    rows = sets.row_counts(judged)
    own = sets.by_row(rows)
    of_label = labels.weighted_counts(judged, max(judged.ids.shape[1], 1))
    return {
        "precision": lambda weights: _ratio(rows[0] @ weights, rows[1] @ weights),
        "recall": lambda weights: _ratio(rows[0] @ weights, rows[2] @ weights),
        "micro_f1": lambda weights: sets.micro(rows @ weights),
        "example_f1": lambda weights: float(own @ weights / weights.sum()),
        "macro_f1": lambda weights: labels.macro_f1(of_label(weights)),
        "coverage": lambda weights: labels.coverage(of_label(weights)),
    }


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
