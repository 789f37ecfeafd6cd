"""Log odds, and logistic regression on a few dense inputs by Newton's method."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["chances_of", "fit_logistic", "log_odds_of"]

_RIDGE = 1.0  # on weights of inputs of unit variance
_STEPS = 50
_ENOUGH = 1e-6  # of the loss, that a step gains
_LEAST = 1e-7  # distance of a chance from 0 and 1, as log odds


def chances_of(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chances of log odds."""
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    return found


def log_odds_of(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log odds of chances, which 0 and 1 have as well."""
    kept = np.clip(chances, _LEAST, 1 - _LEAST)
    found: NDArray[np.float64] = np.log(kept / (1 - kept))
    return found


def fit_logistic(
    inputs: NDArray[np.floating],
    relevant: NDArray[np.bool_],
    *,
    offset: NDArray[np.float64] | None = None,
    ridge_of_all: float | None = None,
) -> NDArray[np.float64]:
    """Fit the chance of an entry to be relevant.

    Parameters
    ----------
    inputs : array of shape (n, n_inputs)
    relevant : bool array of shape (n,)
    offset : float64 array of shape (n,), optional
        Log odds that the inputs correct; weights are shrunk to 0, so that with few entries these are the answer.
    ridge_of_all : float, optional
        How much all weights are shrunk, for inputs of unit variance; by default the intercept next to not at all.

    Returns
    -------
    float64 array of shape (n_inputs + 1,)
        A weight for every input, as it is, and the intercept.
    """
    mean, spread = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-6, spread, np.inf)  # an input that is always the same says nothing
    Z = np.column_stack([(inputs - mean) / spread, np.ones(len(inputs))])
    y = relevant.astype(np.float64)
    known = np.zeros(len(y)) if offset is None else offset
    ridge = np.full(Z.shape[1], _RIDGE if ridge_of_all is None else ridge_of_all)
    if ridge_of_all is None:
        ridge[-1] = 1e-3  # so that there is a best one whatever the labels
    w = np.zeros(Z.shape[1])
    loss = _loss(Z, y, known, ridge, w)
    for _ in range(_STEPS):
        chance = chances_of(Z @ w + known)
        gradient = Z.T @ (chance - y) + ridge * w
        curvature = (Z * (chance * (1 - chance))[:, None]).T @ Z + np.diag(ridge)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (there := _loss(Z, y, known, ridge, w - size * step)) > loss and size > 1e-6:
            size /= 2
        if there >= loss:
            break
        w, gained, loss = w - size * step, loss - there, there
        if gained < _ENOUGH * loss:
            break
    weights = w[:-1] / spread
    return np.append(weights, w[-1] - weights @ mean)


def _loss(
    Z: NDArray[np.float64],
    y: NDArray[np.float64],
    known: NDArray[np.float64],
    ridge: NDArray[np.float64],
    w: NDArray[np.float64],
) -> float:
    margins = Z @ w + known
    return float((np.logaddexp(0, margins) - y * margins).sum() + (ridge * w * w).sum() / 2)
