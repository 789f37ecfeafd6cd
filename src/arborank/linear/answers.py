"""What scikit-learn asks of top lists: a matrix of scores, a mean quality."""

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, is_matrix, lists_to_csr
from ..core.types import AnyArray, Targets
from .targets import as_indicator

__all__ = ["quality", "score_matrix"]


def score_matrix(ids: NDArray[np.int64], scores: NDArray[np.float32], n_labels: int) -> "sp.csr_array":
    """Return top lists, padded with -1, as a sparse matrix of shape (n_rows, n_labels)."""
    matrix = lists_to_csr(ids, n_labels, scores)
    matrix.sort_indices()
    return matrix


def quality(Y: Targets, ids: NDArray[np.int64], n_labels: int, classes: AnyArray | None) -> float:
    """Return how good top lists are, as ``score`` of every estimator says it.

    Parameters
    ----------
    Y : what the estimator's ``fit`` takes
        Lists of label ids may hold some that the model does not have: they count as missed.
    ids : int64 array of shape (n_rows, width)
        The top lists.
    n_labels : int
    classes : array of shape (n_labels,) or None
        Those of a model that was fitted on a 1-D target.

    Returns
    -------
    float
        The mean nDCG over the whole width or, with classes, the accuracy of the first answers.

    Raises
    ------
    TypeError, ValueError
        If ``Y`` is not of the kind that the model was fitted on, or does not fit the number of instances or labels.
    """
    from ..metrics import ndcg_at_k  # which whoever only ranks need not wait for

    truth, values = as_indicator(Y, len(ids))
    if (values is None) != (classes is None):
        fitted, given = (
            ("an indicator or label ids", "1-dimensional")
            if classes is None
            else ("classes", "not 1-dimensional")
        )
        raise ValueError(
            f"Y is {given}, but the model was fitted on {fitted}; a target of the same kind is needed"
        )
    if values is not None and classes is not None:
        if (values.dtype.kind == "U") != (classes.dtype.kind == "U"):
            raise TypeError(
                f"Y has dtype {values.dtype}, but the model was fitted on classes of dtype {classes.dtype}"
            )
        return float(np.mean(classes[np.maximum(ids[:, 0], 0)] == values[truth.indices]))
    width = truth.shape[1]
    if is_matrix(Y) and width != n_labels:
        raise ValueError(f"Y has {width} labels, but {n_labels} were expected")
    width = max(width, n_labels)  # lists of ids need not name the last labels
    return ndcg_at_k(Csr(truth.indptr, truth.indices, truth.data, width), ids, ids.shape[1])
