"""The model that merges: logistic regression on what the sources say of a candidate."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_logistic"]

_RIDGE = 1.0  # on weights of inputs of unit variance
_STEPS = 50
_ENOUGH = 1e-6  # of the loss, that a step gains


def fit_logistic(inputs: NDArray[np.float32], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit the chance of a candidate to be relevant, by Newton's method.

    Parameters
    ----------
    inputs : float32 array of shape (n, n_inputs)
    relevant : bool array of shape (n,)

    Returns
    -------
    float64 array of shape (n_inputs + 1,)
        A weight for every input, as it is, and the intercept.
    """
    mean, spread = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-6, spread, np.inf)  # an input that is always the same says nothing
    Z = np.column_stack([(inputs - mean) / spread, np.ones(len(inputs))])
    y = relevant.astype(np.float64)
    ridge = np.full(Z.shape[1], _RIDGE)
    ridge[-1] = 1e-3  # so that there is a best one whatever the labels
    w = np.zeros(Z.shape[1])
    loss = _loss(Z, y, ridge, w)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(Z @ w, -500, 500)))
        gradient = Z.T @ (chance - y) + ridge * w
        curvature = (Z * (chance * (1 - chance))[:, None]).T @ Z + np.diag(ridge)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (there := _loss(Z, y, ridge, w - size * step)) > loss and size > 1e-6:
            size /= 2
        if there >= loss:
            break
        w, gained, loss = w - size * step, loss - there, there
        if gained < _ENOUGH * loss:
            break
    weights = w[:-1] / spread
    return np.append(weights, w[-1] - weights @ mean)


def _loss(
    Z: NDArray[np.float64], y: NDArray[np.float64], ridge: NDArray[np.float64], w: NDArray[np.float64]
) -> float:
    margins = Z @ w
    return float((np.logaddexp(0, margins) - y * margins).sum() + (ridge * w * w).sum() / 2)
