"""What scikit-learn asks of top lists: a matrix of scores, a mean quality."""

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, is_matrix, lists_to_csr
from ..core.types import AnyArray, Targets
from .targets import as_indicator

__all__ = ["FEW_LABELS", "class_scores", "quality", "score_matrix", "share_matrix"]

FEW_LABELS = 1000  # up to which a dense row of them all is small


def score_matrix(ids: NDArray[np.int64], scores: NDArray[np.float32], n_labels: int) -> "sp.csr_array":
    """Return top lists, padded with -1, as a sparse matrix of shape (n_rows, n_labels)."""
    matrix = lists_to_csr(ids, n_labels, scores)
    matrix.sort_indices()
    return matrix


def class_scores(ids: NDArray[np.int64], scores: NDArray[np.float32], n_labels: int) -> NDArray[np.float32]:
    """Return top lists, padded with -1, as scikit-learn has the scores of classes.

    Returns
    -------
    float32 array of shape (n_rows, n_labels), or (n_rows,) for two labels
        What a list lacks has its lowest score. Of two labels: how much better the second one is.
    """
    lowest = np.min(scores, axis=1, initial=np.inf, where=ids >= 0)
    dense = np.repeat(np.where(np.isfinite(lowest), lowest, 0)[:, None].astype(np.float32), n_labels, axis=1)
    rows, places = np.nonzero(ids >= 0)
    dense[rows, ids[rows, places]] = scores[rows, places]
    return np.asarray(dense[:, 1] - dense[:, 0]) if n_labels == 2 else dense


def share_matrix(
    ids: NDArray[np.int64], chances: NDArray[np.float32], n_labels: int, *, of_classes: bool
) -> "AnyArray | sp.csr_array":
    """Return the probabilities of top lists as a matrix of shape (n_rows, n_labels), dense for at most `FEW_LABELS`.

    Those ``of_classes`` add up to 1 in every row.
    """
    if of_classes:
        chances = np.where(ids >= 0, chances, 0).astype(np.float32)
        sums = chances.sum(axis=1, keepdims=True)
        chances = np.divide(
            chances, sums, out=np.where(ids >= 0, np.float32(1 / n_labels), 0), where=sums > 0
        )
    matrix = score_matrix(ids, chances, n_labels)
    return matrix.toarray() if n_labels <= FEW_LABELS else matrix


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
