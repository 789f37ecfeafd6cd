"""Ranking quality of the first ten labels, computed by the same code for every side."""

import numpy as np
from scipy.sparse import csr_matrix

A, B = 0.55, 1.5  # propensity model of Jain et al. 2016, the values used where a data set has none of its own


def inverse_propensities(Y: csr_matrix) -> np.ndarray:
    """1 / p of every label, from its number of training instances (Jain et al. 2016, eq. 3)."""
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    return 1 + (np.log(Y.shape[0]) - 1) * (B + 1) ** A * (counts + B) ** -A


def top_ids(scores: csr_matrix, k: int) -> np.ndarray:
    """Column ids of the k highest values of every row, N x k, padded with -1."""
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    order = np.lexsort((-scores.data, rows))
    place = np.arange(scores.nnz) - scores.indptr[rows]
    kept = place < k
    ids = np.full((scores.shape[0], k), -1, np.int64)
    ids[rows[kept], place[kept]] = scores.indices[order][kept]
    return ids


def quality(ids: np.ndarray, truth: csr_matrix, train: csr_matrix) -> dict[str, float]:
    """P@1, P@3, P@5, R@10 and PSP@5 in per cent, over the rows of `ids` (the first rows of `truth`)."""
    truth = truth[: len(ids)]
    n_rows, n_labels = truth.shape
    rows = np.repeat(np.arange(n_rows), np.diff(truth.indptr))
    keys = rows.astype(np.int64) * n_labels + truth.indices
    hit = np.isin(np.arange(n_rows)[:, None] * n_labels + ids, keys) & (ids >= 0)
    weights = inverse_propensities(train)

    best_first = np.lexsort((-weights[truth.indices], rows))
    place = np.arange(truth.nnz) - truth.indptr[rows]
    best = weights[truth.indices[best_first]][place < 5].sum()
    gained = (weights[ids[:, :5]] * hit[:, :5]).sum()
    positives = np.maximum(np.diff(truth.indptr), 1)
    return {
        **{f"P@{k}": float(100 * hit[:, :k].mean()) for k in (1, 3, 5)},
        "R@10": float(100 * (hit.sum(axis=1) / positives).mean()),
        "PSP@5": float(100 * gained / best),
    }
