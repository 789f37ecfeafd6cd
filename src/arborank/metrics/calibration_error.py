"""Whether probabilities are what they say: of labels with probability 0.3, three in ten should be true."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.errors import ArgumentError
from ..core.figures import Cells, Tabled, new_figure, per_cent
from ..core.types import MatrixLike
from .judgement import Truth
from .pairs import paired

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Reliability", "brier_score", "ece_at_k", "reliability"]

_BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability(Tabled):
    """Probabilities beside what became of them, in bins of equal width.

    Attributes
    ----------
    edges : float64 array of shape (n_bins + 1,)
        From 0 to 1; a bin holds its lower edge, the last one 1, too.
    counts : int64 array of shape (n_bins,)
        Predictions in each bin.
    predicted, observed : float64 arrays of shape (n_bins,)
        Their mean probability, and the share of them that is true; NaN in empty bins.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between the two, weighted by the counts."""
        held = self.counts > 0
        gaps = np.abs(self.predicted - self.observed)[held]
        return float(gaps @ self.counts[held] / max(self.counts.sum(), 1))

    def tables(self) -> list[Cells]:
        """Return the bins that hold predictions, in per cent."""
        rows: list[list[object]] = [["probability", "answers", "mean", "true"]]
        for i in np.flatnonzero(self.counts).tolist():
            span = f"{self.edges[i]:.2g} - {self.edges[i + 1]:.2g}"
            shares = map(per_cent, (float(self.predicted[i]), float(self.observed[i])))
            rows.append([span, f"{self.counts[i]:,}", *shares])
        return [rows]

    def plot(self) -> "Figure":
        """Draw which share of predictions is true by their probability; ``ImportError`` without matplotlib."""
        figure = new_figure(4.5, 4.2)
        self.draw(figure.add_subplot())
        return figure

    def draw(self, axes: "Axes") -> None:
        """Draw the same into a part of a figure."""
        held = self.counts > 0
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
        axes.plot(self.predicted[held], self.observed[held], "o-", markersize=4, linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="share that is true")
        share = self.counts / max(self.counts.sum(), 1)
        widths = self.edges[1:] - self.edges[:-1]
        axes.bar(self.edges[:-1], share, width=widths, align="edge", color="#9ecae1", alpha=0.6)
        axes.grid(alpha=0.3)


def reliability(
    truth: Truth,
    probabilities: MatrixLike,
    k: int = 5,
    *,
    n_bins: int = _BINS,
) -> Reliability:
    """Compare the probabilities of the ``k`` best labels of every row with the truth.

    Parameters
    ----------
    truth : sparse matrix or 2-D array of shape (n_rows, n_labels), or list of label-id lists
        True labels. Rows without any are left out.
    probabilities : sparse matrix of shape (n_rows, n_labels)
        Every stored entry is a prediction.
    k : int, default=5
        On long tails nearly all labels are rightly improbable, so only the best count (Ullah et al. 2024).
    n_bins : int, default=15

    Raises
    ------
    TypeError, ValueError
        As in `judge`, or if a value is no probability.
    """
    check_integer("n_bins", n_bins, 1)
    hits, chances = _chances(truth, probabilities, k)
    bins = np.minimum((chances * n_bins).astype(np.int64), n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(bins, chances, n_bins) / counts
        observed = np.bincount(bins, hits, n_bins) / counts
    return Reliability(np.linspace(0.0, 1.0, n_bins + 1), counts, predicted, observed)


def ece_at_k(
    truth: Truth,
    probabilities: MatrixLike,
    k: int,
    *,
    n_bins: int = _BINS,
) -> float:
    """Return the expected calibration error of the ``k`` best labels; parameters and errors as in `reliability`.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from arborank.metrics import ece_at_k
    >>> round(ece_at_k([[0], [1]], sp.csr_array([[0.8, 0.1], [0.8, 0.2]]), k=1), 3)
    0.3
    """
    return reliability(truth, probabilities, k, n_bins=n_bins).error


def brier_score(truth: Truth, probabilities: MatrixLike, k: int) -> float:
    """Return the mean squared difference between the probabilities of the ``k`` best labels and 1 or 0.

    Parameters and errors are those of `reliability`.
    """
    hits, chances = _chances(truth, probabilities, k)
    return float(np.mean((chances - hits) ** 2)) if chances.size else 0.0


def _chances(
    truth: Truth, probabilities: MatrixLike, k: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return hits and probabilities of the best labels, checked."""
    pairs = paired(truth, probabilities, check_integer("k", k, 1), name="probabilities")
    wrong = (pairs.scores < 0) | (pairs.scores > 1)
    if wrong.any():
        raise ArgumentError("probabilities", f"must lie between 0 and 1, found {pairs.scores[wrong][0]:g}")
    return pairs.hits, pairs.scores.astype(np.float64)
