"""Everything about one set of predictions in one report, with the tail apart from the head."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.figures import Cells, Tabled, new_figure, per_cent
from ..core.types import Json
from . import labels, propensity, ranking
from .judgement import Judgement, JudgeOptions, Predictions, Truth, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bucket", "Report", "evaluate"]

_BY_ROW: dict[str, Callable[[Judgement, int], float]] = {
    "precision": ranking.precision,
    "recall": ranking.recall,
    "ndcg": ranking.ndcg,
    "r_precision": ranking.r_precision,
}


@dataclass(frozen=True)
class Bucket:
    """Labels of similar frequency in training.

    Attributes
    ----------
    name : str
        "head", "torso", "tail" or "unseen" (no training instance).
    range : str
        Training instances of its labels.
    n_labels : int
        Labels in the bucket.
    n_true : int
        True (row, label) pairs to be found.
    precision : float
        Share of P@k that its hits make up: over all buckets these add up to P@k.
    recall : float
        Found pairs / ``n_true`` (micro), 0 if there is none.
    coverage, macro_f1 : float
        As in `coverage_at_k` and `macro_f1_at_k`, over the labels of the bucket.
    """

    name: str
    range: str
    n_labels: int
    n_true: int
    precision: float
    recall: float
    coverage: float
    macro_f1: float


@dataclass(frozen=True)
class Report(Tabled):
    """Metrics of one set of predictions. ``str(report)`` is a table in per cent.

    Attributes
    ----------
    metrics : dict of str to float
        Fractions by name, such as ``"precision@5"``; MRR and MAP at the largest k.
    ks : tuple of int
        Cut-offs.
    buckets : tuple of Bucket
        By frequency in training, at the largest k; empty without ``train_counts``.
    n_scored, n_empty, n_filtered, n_labels : int
        Rows averaged over, rows without a true label among the rows given, predictions dropped by
        ``filter_pairs``, labels.
    A, B : float or None
        Constants of the propensities, if these were used.
    """

    metrics: dict[str, float]
    ks: tuple[int, ...]
    buckets: tuple[Bucket, ...]
    n_scored: int
    n_empty: int
    n_filtered: int
    n_labels: int
    A: float | None = None
    B: float | None = None

    def to_dict(self) -> Json:
        """Return the report as plain dictionaries, lists and numbers, ready for JSON."""
        plain = asdict(self)
        plain["ks"] = list(self.ks)
        plain["buckets"] = [asdict(bucket) for bucket in self.buckets]
        return plain

    def tables(self) -> list[Cells]:
        """Return the metrics in per cent, and the buckets."""
        rows: list[list[object]] = [["%", *(f"@{k}" for k in self.ks)]]
        for name, title in ranking.TITLES.items():
            values = [self.metrics.get(f"{name}@{k}") for k in self.ks]
            if any(value is not None for value in values):
                rows.append([title, *map(per_cent, values)])
        return [rows, *bucket_tables(self.buckets, f"@{self.ks[-1]}")]

    def plot(self) -> "Figure":
        """Draw the metrics by cut-off and, where they are known, the buckets.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure = new_figure(9 if self.buckets else 5, 4)
        left, *right = figure.subplots(1, 1 + bool(self.buckets), squeeze=False)[0]
        for name, title in ranking.TITLES.items():
            values = [(k, self.metrics[f"{name}@{k}"]) for k in self.ks if f"{name}@{k}" in self.metrics]
            if values:
                left.plot(*zip(*values, strict=True), "o-", markersize=4, linewidth=1, label=title)
        left.set(xlabel="cut-off", ylim=(0, 1), xticks=self.ks)
        left.legend(fontsize=8)
        left.grid(alpha=0.3)
        for axes in right:
            names = [f"{one.name}\n{one.n_labels:,} labels" for one in self.buckets]
            axes.bar(names, [one.recall for one in self.buckets], color="#9ecae1")
            axes.set(ylabel=f"recall@{self.ks[-1]}", ylim=(0, 1))
        return figure

    def __str__(self) -> str:
        lines = [
            f"{self.n_scored:,} rows scored, {self.n_empty:,} without a true label, {self.n_labels:,} labels"
        ]
        if self.n_filtered:
            lines[0] += f", {self.n_filtered:,} predictions filtered"
        lines += ["", f"{'%':<12}" + "".join(f"{f'@{k}':>9}" for k in self.ks)]
        for name, title in ranking.TITLES.items():
            values = [self.metrics.get(f"{name}@{k}") for k in self.ks]
            if any(value is not None for value in values):
                cells = "".join(f"{'' if value is None else f'{100 * value:.2f}':>9}" for value in values)
                lines.append(f"{title:<12}{cells}")
        if self.A is not None:
            lines.append(f"propensities with A = {self.A:g}, B = {self.B:g}")
        lines += bucket_lines(self.buckets, f"@{self.ks[-1]}")
        return "\n".join(line.rstrip() for line in lines)


def bucket_tables(buckets: tuple[Bucket, ...], cut: str = "") -> list[Cells]:
    """Return the table of buckets, if there are any; see `bucket_lines`."""
    if not buckets:
        return []
    heads = ("in training", "labels", "true", f"of P{cut}", f"R{cut}", f"cover{cut}", f"F1{cut}")
    rows: list[list[object]] = [["bucket", *heads]]
    for b in buckets:
        shares = map(per_cent, (b.precision, b.recall, b.coverage, b.macro_f1))
        rows.append([b.name, b.range, f"{b.n_labels:,}", f"{b.n_true:,}", *shares])
    return [rows]


def bucket_lines(buckets: tuple[Bucket, ...], cut: str = "") -> list[str]:
    """Return the lines of a table of buckets, none without any; ``cut`` is that of the predictions, such as "@5"."""
    if not buckets:
        return []
    heads = ("labels", "true", f"of P{cut}", f"R{cut}", f"cover{cut}", f"F1{cut}")
    head = f"{'bucket':<8}{'in training':>12}" + "".join(f"{head:>11}" for head in heads)
    return ["", head, *map(_bucket_line, buckets)]


def _bucket_line(b: Bucket) -> str:
    shares = "".join(f"{100 * value:>11.2f}" for value in (b.precision, b.recall, b.coverage, b.macro_f1))
    return f"{b.name:<8}{b.range:>12}{b.n_labels:>11,}{b.n_true:>11,}{shares}"


def evaluate(
    truth: Truth,
    predictions: Predictions,
    ks: Sequence[int] = (1, 3, 5),
    *,
    train_counts: ArrayLike | None = None,
    n_train: int | None = None,
    A: float = 0.55,
    B: float = 1.5,
    head_above: int = 100,
    tail_up_to: int = 10,
    **options: Unpack[JudgeOptions],
) -> Report:
    """Score predictions by every metric of this package.

    Parameters
    ----------
    truth, predictions, **options
        As in `judge`: ``filter_pairs``, ``empty_rows``, ``n_labels``.
    ks : sequence of int, default (1, 3, 5)
        Cut-offs; the largest one is used for MRR, MAP and the buckets.
    train_counts : array-like of shape (n_labels,), optional
        Training instances of every label. With it come PSP, PSnDCG and the buckets.
    n_train : int, optional
        Training instances; required with ``train_counts``.
    A, B : float, default 0.55 and 1.5
        Constants of `propensities`.
    head_above, tail_up_to : int, default 100 and 10
        Head: labels with more than ``head_above`` training instances; tail: 1 to ``tail_up_to``; torso:
        between; unseen: none.

    Raises
    ------
    ValueError
        If ``n_train`` is missing or without ``train_counts``, a border is wrong, or for the reasons of
        `judge` and `propensities`.

    Examples
    --------
    >>> from arborank.metrics import evaluate
    >>> report = evaluate([[0, 2], [1]], [[0, 1], [1, 2]], ks=(1, 2))
    >>> report.metrics["precision@1"], report.metrics["recall@2"]
    (1.0, 0.75)
    """
    cuts = check_ks(ks)
    if (train_counts is None) != (n_train is None):
        raise ValueError("train_counts and n_train must be given together")
    judged = judge(truth, predictions, cuts[-1], **options)
    metrics: dict[str, float] = {}
    for name, function in _BY_ROW.items():
        metrics.update({f"{name}@{k}": function(judged, k) for k in cuts})
    tables = {k: labels.counts(judged, k) for k in cuts}
    buckets: tuple[Bucket, ...] = ()
    if train_counts is not None and n_train is not None:
        weights = propensity.inverse(propensity.propensities(train_counts, n_train, A, B), judged.n_labels)
        metrics.update({f"psp@{k}": propensity.psp(judged, k, weights) for k in cuts})
        metrics.update({f"psndcg@{k}": propensity.psndcg(judged, k, weights) for k in cuts})
        seen = np.asarray(train_counts)
        buckets = buckets_of(tables[cuts[-1]], seen, head_above, tail_up_to, cuts[-1] * len(judged.n_true))
    metrics.update({f"coverage@{k}": labels.coverage(tables[k]) for k in cuts})
    metrics.update({f"macro_f1@{k}": labels.macro_f1(tables[k]) for k in cuts})
    metrics[f"mrr@{cuts[-1]}"] = ranking.reciprocal_rank(judged, cuts[-1])
    metrics[f"map@{cuts[-1]}"] = ranking.average_precision(judged, cuts[-1])
    constants = (A, B) if buckets else (None, None)
    sizes = (len(judged.n_true), judged.n_empty, judged.n_filtered, judged.n_labels)
    return Report(metrics, cuts, buckets, *sizes, *constants)


def check_ks(ks: Sequence[int]) -> tuple[int, ...]:
    """Return cut-offs in order, each once, checked."""
    if isinstance(ks, int | np.integer | str) or not all(isinstance(k, int | np.integer) for k in ks):
        raise TypeError(f"ks is {ks!r}; a sequence of integers was expected")
    cuts = tuple(sorted({int(k) for k in ks}))
    if not cuts or cuts[0] < 1:
        raise ValueError(f"ks is {ks!r}; one or more integers >= 1 were expected")
    return cuts


def buckets_of(
    table: NDArray[np.int64], seen: NDArray[Any], head_above: int, tail_up_to: int, n_slots: int
) -> tuple[Bucket, ...]:
    """Split the labels by frequency; ``n_slots`` = rows x k, the denominator of P@k."""
    if not 1 <= tail_up_to <= head_above:
        raise ValueError(
            f"tail_up_to is {tail_up_to} and head_above is {head_above}; 1 <= tail_up_to <= "
            f"head_above was expected"
        )
    parts = (
        ("head", f"> {head_above}", seen > head_above),
        ("torso", f"{tail_up_to + 1}-{head_above}", (seen > tail_up_to) & (seen <= head_above)),
        ("tail", f"1-{tail_up_to}", (seen > 0) & (seen <= tail_up_to)),
        ("unseen", "0", seen == 0),
    )
    buckets = []
    for name, span, chosen in parts:
        part = table[:, chosen]
        hits, _, true = part.sum(axis=1)
        shares = (hits / n_slots, hits / max(true, 1), labels.coverage(part), labels.macro_f1(part))
        buckets.append(Bucket(name, span, int(chosen.sum()), int(true), *(float(share) for share in shares)))
    return tuple(buckets)
