"""What scikit-learn asks of top lists: a matrix of scores, a mean quality."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..metrics import ndcg_at_k
from ..sparse import Csr, lists_to_csr
from .targets import as_indicator

__all__ = ["mean_ndcg", "score_matrix"]


def score_matrix(ids: NDArray[np.int64], scores: NDArray[np.float32], n_labels: int) -> sp.csr_array:
    """Return top lists, padded with -1, as a sparse matrix of shape (n_rows, n_labels)."""
    matrix = lists_to_csr(ids, n_labels, scores)
    matrix.sort_indices()
    return matrix


def mean_ndcg(Y: Any, ids: NDArray[np.int64], n_labels: int) -> float:
    """Return the mean nDCG of top lists over their whole width, against the labels ``Y`` in any form of a target."""
    truth, _ = as_indicator(Y, ids.shape[0])
    width = max(truth.shape[1], n_labels)  # lists of ids need not name the last labels
    return ndcg_at_k(Csr(truth.indptr, truth.indices, truth.data, width), ids, ids.shape[1])
