"""What probabilities are worth, in one report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.figures import Cells, Tabled, new_figure, per_cent
from ..core.types import Json, MatrixLike
from .calibration_error import Reliability, brier_score, reliability
from .judgement import Truth
from .report import check_ks
from .thresholds import ThresholdCurve, threshold_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ProbabilityReport", "evaluate_probabilities"]

_TENTHS = np.arange(1, 10) / 10.0
_BAR = 20


@dataclass(frozen=True, eq=False)
class ProbabilityReport(Tabled):
    """Errors of probabilities, and what a threshold on them is worth. ``str(report)`` is a table in per cent.

    Attributes
    ----------
    ece, brier : dict of int to float
        Calibration error and Brier score of the k best labels of every row, by k.
    reliability : Reliability
        Of the largest k, in ten bins.
    curve : ThresholdCurve
        For every threshold.
    """

    ece: dict[int, float]
    brier: dict[int, float]
    reliability: Reliability
    curve: ThresholdCurve

    def to_dict(self) -> Json:
        """Return the report as plain dictionaries, lists and numbers, ready for JSON; thresholds in tenths."""
        at, found = self.curve.at(_TENTHS), self.reliability
        return {
            "ece": {f"@{k}": value for k, value in self.ece.items()},
            "brier": {f"@{k}": value for k, value in self.brier.items()},
            "reliability": [
                {
                    "from": low,
                    "to": high,
                    "answers": n,
                    "predicted": None if n == 0 else p,
                    "true": None if n == 0 else y,
                }
                for low, high, n, p, y in zip(
                    found.edges[:-1].tolist(),
                    found.edges[1:].tolist(),
                    found.counts.tolist(),
                    found.predicted.tolist(),
                    found.observed.tolist(),
                    strict=True,
                )
            ],
            "thresholds": [
                {"threshold": t, "precision": None if p != p else p, "recall": r, "f1": f}
                for t, p, r, f in zip(
                    _TENTHS.tolist(), at.precision.tolist(), at.recall.tolist(), at.f1.tolist(), strict=True
                )
            ],
        }

    def tables(self) -> list[Cells]:
        """Return the errors, the reliability and what thresholds are worth, in per cent."""
        errors: list[list[object]] = [["%", *(f"@{k}" for k in self.ece)]]
        errors += [["ECE", *map(per_cent, self.ece.values())], ["Brier", *map(per_cent, self.brier.values())]]
        thresholds: list[list[object]] = [["threshold", "precision", "recall", "F1"]]
        for one in self.to_dict()["thresholds"]:
            shares = map(per_cent, (one["precision"], one["recall"], one["f1"]))
            thresholds.append([f"{one['threshold']:.1f}", *shares])
        return [errors, *self.reliability.tables(), thresholds]

    def plot(self) -> "Figure":
        """Draw how often predictions of a probability are true, and precision, recall and F1 by threshold.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure, curve = new_figure(9, 4.2), self.curve
        left, right = figure.subplots(1, 2)
        self.reliability.draw(left)
        errors = ", ".join(f"ECE@{k} {100 * error:.1f} %" for k, error in self.ece.items())
        left.set_title(errors, fontsize=9)
        for name, values in (("precision", curve.precision), ("recall", curve.recall), ("F1", curve.f1)):
            right.plot(curve.thresholds, values, linewidth=1, label=name)
        right.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold")
        right.legend(fontsize=8)
        right.grid(alpha=0.3)
        return figure

    def __str__(self) -> str:
        plain = self.to_dict()
        lines = [f"{'%':<12}" + "".join(f"{f'@{k}':>9}" for k in self.ece)]
        for title, values in (("ECE", self.ece), ("Brier", self.brier)):
            lines.append(f"{title:<12}" + "".join(f"{100 * value:>9.2f}" for value in values.values()))
        lines += ["", f"{'probability':<12}{'answers':>9}{'mean':>9}{'true':>9}"]
        for one in plain["reliability"]:
            if one["answers"]:
                shares = f"{100 * one['predicted']:>9.1f}{100 * one['true']:>9.1f}"
                lines.append(
                    f"{one['from']:.1f} - {one['to']:.1f}   {one['answers']:>9,}{shares}  {bar(one['true'])}"
                )
        lines += ["", f"{'threshold':<12}{'precision':>10}{'recall':>9}{'F1':>9}"]
        for one in plain["thresholds"]:
            precision = "-" if one["precision"] is None else f"{100 * one['precision']:.2f}"
            rest = f"{100 * one['recall']:>9.2f}{100 * one['f1']:>9.2f}"
            lines.append(f"{one['threshold']:<12.1f}{precision:>10}{rest}")
        return "\n".join(lines)


def bar(share: float) -> str:
    """Return a share as a bar of characters."""
    return "█" * round(_BAR * share)


def evaluate_probabilities(
    truth: Truth, probabilities: MatrixLike, ks: Sequence[int] = (1, 5, 10)
) -> ProbabilityReport:
    """Compare probabilities with the truth.

    Parameters
    ----------
    truth : sparse matrix or 2-D array of shape (n_rows, n_labels), or list of label-id lists
        True labels. Rows without any are left out.
    probabilities : sparse matrix of shape (n_rows, n_labels)
        Of the best labels of every row.
    ks : sequence of int, default (1, 5, 10)
        How many of these count.

    Raises
    ------
    TypeError, ValueError
        As in `reliability`.
    """
    cuts = check_ks(ks)
    return ProbabilityReport(
        {k: reliability(truth, probabilities, k).error for k in cuts},
        {k: brier_score(truth, probabilities, k) for k in cuts},
        reliability(truth, probabilities, cuts[-1], n_bins=10),
        threshold_curve(truth, probabilities),
    )
