"""Propensity-scored metrics (Jain, Prabhu, Varma, KDD 2016): a hit on a rare label counts more."""

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import check_integer, check_real
from .judgement import Judgement, JudgeOptions, Predictions, Truth, judge
from .ranking import discounts, ideal_gains

__all__ = ["LEAST_ROWS", "known_frequencies", "propensities", "psndcg_at_k", "psp_at_k"]

LEAST_ROWS = 3
"""Training instances below which the formula of `propensities` gives no probability."""


def known_frequencies(
    counts: NDArray[np.int64] | None, n_train: int, n_labels: int
) -> tuple[NDArray[np.int64] | None, int | None]:
    """Return the training instances of every label, and of all; None for both where they are unknown or too few.

    ``counts`` are those of the first labels; the others have none.
    """
    if counts is None or n_train < LEAST_ROWS:
        return None, None
    return np.pad(counts, (0, n_labels - len(counts))), n_train


def propensities(
    label_counts: ArrayLike, n_instances: int, A: float = 0.55, B: float = 1.5
) -> NDArray[np.float64]:
    """Return the propensity of every label: the chance that a relevant label was recorded.

    ``p_l = 1 / (1 + C (n_l + B)^-A)`` with ``C = (ln N - 1) (B + 1)^A`` (Jain et al. 2016, equation 4).

    Parameters
    ----------
    label_counts : array-like of shape (n_labels,)
        Training instances of every label, ``n_l``.
    n_instances : int
        Training instances, ``N``; at least 3, below which the formula gives no probability.
    A, B : float, default 0.55 and 1.5
        Constants of the data: 0.6 and 2.6 for Amazon, 0.5 and 0.4 for Wikipedia, the default otherwise.

    Returns
    -------
    float64 array of shape (n_labels,), in (0, 1]

    Raises
    ------
    ValueError
        If a count is negative or above ``n_instances``, or a constant is out of its range (``A >= 0``, ``B > 0``).

    Examples
    --------
    >>> from arborank.metrics import propensities
    >>> propensities([1, 10, 100], n_instances=1000).round(3).tolist()
    [0.145, 0.282, 0.565]
    """
    counts = np.asarray(label_counts)
    if counts.dtype.kind not in "iuf":
        raise TypeError(f"label_counts have dtype {counts.dtype}; numbers were expected")
    if counts.ndim != 1:
        raise ValueError(f"label_counts must be 1-dimensional, found {counts.ndim} dimension(s)")
    check_integer("n_instances", n_instances, LEAST_ROWS)
    check_real("A", A, least=0.0)
    check_real("B", B, above=0.0)
    wrong = ~((counts >= 0) & (counts <= n_instances))
    if wrong.any():
        label = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"label_counts[{label}] is {counts[label]}; between 0 and n_instances = "
            f"{n_instances} was expected"
        )
    C = (np.log(n_instances) - 1.0) * (B + 1.0) ** A
    chances: NDArray[np.float64] = 1.0 / (1.0 + C * (counts.astype(np.float64) + B) ** -A)
    return chances


def psp_at_k(
    truth: Truth, predictions: Predictions, k: int, propensity: ArrayLike, **options: Unpack[JudgeOptions]
) -> float:
    """PSP@k, normalised by the best value attainable, as the XMC repository and pyxclib report it.

    With ``g_i = sum_{j<=k} h_ij / p_ij`` and ``b_i`` the same sum over the ``k`` true labels of row ``i`` of the
    smallest propensity: ``PSP@k = sum_i g_i / sum_i b_i`` (a ratio of sums, not a mean of ratios; the ``1/k`` cancels).

    Parameters
    ----------
    truth, predictions, k, **options
        As in `judge`.
    propensity : array-like of shape (n_labels,)
        From `propensities`.

    Raises
    ------
    ValueError
        If ``propensity`` has not ``n_labels`` entries in (0, 1], or for the reasons of `judge`.
    """
    judged = judge(truth, predictions, k, **options)
    return psp(judged, k, inverse(propensity, judged.n_labels))


def psndcg_at_k(
    truth: Truth, predictions: Predictions, k: int, propensity: ArrayLike, **options: Unpack[JudgeOptions]
) -> float:
    """PSnDCG@k, normalised by the best value attainable, as the XMC repository and pyxclib report it.

    With ``g_i = sum_{j<=k} h_ij / (p_ij log2(j+1))``, ``b_i`` the same sum with the true labels of the smallest
    propensity first, and ``n_i = sum_{j<=min(k,|y_i|)} 1 / log2(j+1)``: ``PSnDCG@k = sum_i g_i/n_i / sum_i b_i/n_i``.

    Parameters and errors are those of `psp_at_k`.
    """
    judged = judge(truth, predictions, k, **options)
    return psndcg(judged, k, inverse(propensity, judged.n_labels))


def inverse(propensity: ArrayLike, n_labels: int) -> NDArray[np.float64]:
    """Return ``1 / p`` of every label, checked."""
    chances = np.asarray(propensity, np.float64)
    if chances.shape != (n_labels,):
        raise ValueError(f"propensity has shape {chances.shape}, but the truth has {n_labels} labels")
    if not ((chances > 0) & (chances <= 1)).all():
        raise ValueError(
            "propensity must lie in (0, 1] for every label; use propensities(label_counts, n_instances)"
        )
    return 1.0 / chances


def psp(judged: Judgement, k: int, weights: NDArray[np.float64]) -> float:
    """PSP@k of a judgement; ``weights`` are inverse propensities."""
    best = _best_gains(judged, k, weights)
    return float(_gains(judged, k, weights).sum() / best.sum()) if best.any() else 0.0


def psndcg(judged: Judgement, k: int, weights: NDArray[np.float64]) -> float:
    """PSnDCG@k of a judgement; ``weights`` are inverse propensities."""
    attainable, gains = _best_gains(judged, k, weights), _gains(judged, k, weights)
    best = attainable @ discounts(attainable.shape[1])
    gain = gains @ discounts(gains.shape[1])
    ideal = ideal_gains(judged, k)
    return float((gain / ideal).sum() / (best / ideal).sum()) if best.any() else 0.0


def _gains(judged: Judgement, k: int, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    gains: NDArray[np.float64] = np.where(judged.top(k), weights[judged.ids[:, :k]], 0.0)
    return gains


def _best_gains(judged: Judgement, k: int, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the heaviest true labels of every row, heaviest first, 0 after the last; k columns or fewer."""
    truth = judged.truth
    n_rows, n_labels = truth.shape
    heaviest = np.argsort(-weights, kind="stable")
    rank = np.empty(n_labels, np.int64)
    rank[heaviest] = np.arange(n_labels)
    rows = np.repeat(np.arange(n_rows), judged.n_true)
    ranks = np.sort(rows * n_labels + rank[truth.indices]) - rows * n_labels  # rows keep their extent
    place = np.arange(truth.nnz) - truth.indptr[rows]
    kept = place < k
    best = np.zeros((n_rows, min(k, int(judged.n_true.max(initial=1)))))
    best[rows[kept], place[kept]] = weights[heaviest[ranks[kept]]]
    return best
