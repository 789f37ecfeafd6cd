"""Precision and recall by threshold."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.types import MatrixLike
from .judgement import Truth
from .pairs import paired

__all__ = ["Sweep", "ThresholdCurve", "sweep", "threshold_curve"]


class Sweep(NamedTuple):
    """What every threshold chooses, the highest first.

    Attributes
    ----------
    thresholds : float32 array of shape (n_thresholds,)
        The scores that occur; entries of at least a threshold are chosen.
    hits, chosen : int64 arrays of shape (n_thresholds,)
        Entries that are true and chosen, and that are chosen.
    """

    thresholds: NDArray[np.float32]
    hits: NDArray[np.int64]
    chosen: NDArray[np.int64]


def sweep(scores: NDArray[np.float32], hits: NDArray[np.bool_]) -> Sweep:
    """Count what each threshold chooses, over entries in any order."""
    order = np.argsort(-scores, kind="stable")
    ordered, found = scores[order], np.cumsum(hits[order], dtype=np.int64)
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)[: ordered.size])
    return Sweep(ordered[last], found[last], last + 1)


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """What a threshold on the scores is worth, over all pairs of row and label (micro).

    Attributes
    ----------
    thresholds : float32 array of shape (n_thresholds,)
        Highest first; labels with at least this score are chosen.
    precision, recall, f1 : float64 arrays of shape (n_thresholds,)
        NaN is the precision of a threshold that nothing reaches.
    """

    thresholds: NDArray[np.float32]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]

    def at(self, thresholds: NDArray[np.floating]) -> "ThresholdCurve":
        """Return the curve at other thresholds."""
        given = np.asarray(thresholds, np.float32)
        # the lowest score that reaches a threshold; -1, the last of the arrays below, if there is none
        found = np.searchsorted(-self.thresholds, -given, side="right") - 1
        curves = ((self.precision, np.nan), (self.recall, 0.0), (self.f1, 0.0))
        return ThresholdCurve(given, *(np.append(values, none)[found] for values, none in curves))


def threshold_curve(truth: Truth, scores: MatrixLike) -> ThresholdCurve:
    """Return precision, recall and F1 for every threshold on the scores.

    Parameters
    ----------
    truth : sparse matrix or 2-D array of shape (n_rows, n_labels), or list of label-id lists
        True labels. Rows without any are left out.
    scores : sparse matrix of shape (n_rows, n_labels)
        Probabilities, or other scores that mean the same in all rows. Every stored entry is a candidate.

    Raises
    ------
    TypeError, ValueError
        As in `judge`.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from arborank.metrics import threshold_curve
    >>> curve = threshold_curve([[0], [1]], sp.csr_array([[0.9, 0.3], [0.4, 0.2]]))
    >>> curve.precision.round(2).tolist(), curve.recall.tolist()
    ([1.0, 0.5, 0.33, 0.5], [0.5, 0.5, 0.5, 1.0])
    """
    pairs = paired(truth, scores)
    found = sweep(pairs.scores, pairs.hits)
    precision, recall = found.hits / found.chosen, found.hits / max(pairs.n_true, 1)
    return ThresholdCurve(
        found.thresholds, precision, recall, 2.0 * found.hits / (found.chosen + pairs.n_true)
    )
