"""What is good for labels rather than rows: how much each more right or wrong answer adds to a utility.

Every label counts the same, however rare it is. With the sums over rows of the chances of chosen labels, ``found``, the
rows that they are chosen for, ``chosen``, and the rows that have them, ``true``:

- macro-recall is the mean of ``found / true``,
- macro-F1 the mean of ``2 found / (chosen + true)``,
- coverage the mean of the chance that a label is right at least once,
- the propensity-scored utility the sum of ``found / propensity``.
"""

import numpy as np
from numpy.typing import NDArray

from ..metrics import propensities

__all__ = ["PER_LABEL", "coverage_slopes", "f1_weights", "propensity_slopes", "recall_slopes"]

Values = NDArray[np.float64]
PER_LABEL = ("macro-recall", "propensity", "macro-f1", "coverage")


def recall_slopes(label_counts: NDArray[np.int64], n_instances: int) -> Values:
    """Return one over the frequency of every label, drawn a little to the middle: none is infinite."""
    return np.asarray((n_instances + 2.0) / (label_counts + 1.0), np.float64)


def propensity_slopes(label_counts: NDArray[np.int64], n_instances: int) -> Values:
    """Return one over the propensity of every label; see `arborank.metrics.propensities`."""
    return np.asarray(1.0 / propensities(label_counts, max(n_instances, 3)))


def f1_weights(found: Values, chosen: Values, true: Values) -> tuple[Values, Values]:
    """Return the derivatives of the sum of F1 by what is found, and by what is chosen."""
    size = np.maximum(chosen + true, 1e-9)
    return 2.0 / size, -2.0 * found / size**2


def coverage_slopes(found: Values) -> Values:
    """Return the chance that a label is never right, if right answers are as rare events are."""
    return np.asarray(np.exp(-found))
