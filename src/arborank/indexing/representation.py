"""What a label is to the clustering: a vector made from the instances that carry it.

With ``X`` of shape (n, d) and ``Y`` of shape (n, n_labels), a label without positives is a row of zeros.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from .._native import CompactRows
from ..core.checks import check_choice
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, multiply, normalize_rows, select_rows, to_scipy, transpose
from ..core.types import MatrixLike

__all__ = ["pifa", "pifa_compact", "pifa_with_features", "pii"]

Progress = Callable[[int], None]


def pii(Y: MatrixLike) -> "sp.csr_array":
    """Positive instance indices: the instances of a label, as a unit vector.

    Parameters
    ----------
    Y : matrix of shape (n, n_labels)

    Returns
    -------
    csr_array of shape (n_labels, n)
        ``Y.T`` with rows of unit Euclidean length.
    """
    return to_scipy(normalize_rows(transpose(as_csr(Y, "Y"))))


def pifa(
    X: MatrixLike, Y: MatrixLike, *, n_threads: int = 0, progress: Progress | None = None
) -> "sp.csr_array":
    """Positive instance feature aggregation: the mean of a label's instances, as a unit vector.

    An instance with many labels says less about each: rows of ``Y`` are first divided by their Euclidean norm.

    Parameters
    ----------
    X : matrix of shape (n, d)
    Y : matrix of shape (n, n_labels)
    n_threads : int, default 0
        0 for all cores.
    progress : callable, optional
        Called now and then with the number of labels done.

    Returns
    -------
    csr_array of shape (n_labels, d)
        ``normalize_rows(Y).T @ X`` with rows of unit Euclidean length.

    Raises
    ------
    ValueError
        If ``X`` and ``Y`` have different numbers of rows.
    """
    weights, features = _factors(X, Y)
    return to_scipy(multiply(weights, features, normalize=True, n_threads=n_threads, progress=progress))


def pifa_compact(
    X: MatrixLike,
    Y: MatrixLike,
    *,
    labels: tuple[int, int] | None = None,
    n_threads: int = 0,
    progress: Progress | None = None,
) -> CompactRows:
    """`pifa` in the form that `balanced_kmeans` works on, with 6 bytes per value instead of 8.

    Values are rounded to 8 significant bits. The parameters and errors are those of `pifa`; with ``labels``, only the
    rows from the first up to before the second are returned. These need no other instances than their own.
    """
    weights, features = _factors(X, Y)
    if labels is not None:
        weights = select_rows(weights, slice(*labels))
    return _native.multiply_compact(weights, features, n_threads, progress)


def _factors(X: MatrixLike, Y: MatrixLike) -> tuple[Csr, Csr]:
    features = as_csr(X, "X")
    labels = as_csr(Y, "Y", n_rows=features.shape[0])
    return transpose(normalize_rows(labels)), features


def pifa_with_features(
    X: MatrixLike,
    Y: MatrixLike,
    Z: MatrixLike,
    *,
    how: Literal["concat", "convex"] = "concat",
    alpha: ArrayLike = 0.5,
    n_threads: int = 0,
    progress: Progress | None = None,
) -> "sp.csr_array":
    """PIFA together with features of the labels themselves, such as the TF-IDF of their names.

    Parameters
    ----------
    X : matrix of shape (n, d)
    Y : matrix of shape (n, n_labels)
    Z : matrix of shape (n_labels, d_label)
        Taken as it is: its rows weigh against PIFA's unit rows by their length.
    how : {"concat", "convex"}, default "concat"
        Side by side, ``[pifa, Z]``; or mixed, ``alpha * pifa + (1 - alpha) * Z``, which needs ``d_label == d`` and
        is not normalised again.
    alpha : float or array of shape (n_labels,), default 0.5
        Share of PIFA in the mixture, from 0 to 1; only for ``how="convex"``.
    n_threads, progress
        As in `pifa`.

    Raises
    ------
    ValueError
        If shapes do not fit, ``how`` is unknown, or ``alpha`` is outside [0, 1].
    """
    check_choice("how", how, ("concat", "convex"))
    features = as_csr(X, "X")
    labels = as_csr(Y, "Y", n_rows=features.shape[0])
    own = as_csr(Z, "Z", n_rows=labels.shape[1], n_cols=features.shape[1] if how == "convex" else None)
    share = _shares(alpha, labels.shape[1])
    mean = pifa(features, labels, n_threads=n_threads, progress=progress)
    if how == "concat":
        return to_scipy(as_csr(sp.hstack([mean, to_scipy(own)], format="csr"), "[pifa, Z]"))
    mixed = sp.diags_array(share) @ mean + sp.diags_array(1 - share) @ to_scipy(own)
    return to_scipy(as_csr(mixed, "the mixture of pifa and Z"))


def _shares(alpha: ArrayLike, n_labels: int) -> NDArray[np.float32]:
    share = np.asarray(alpha, dtype=np.float32)
    if share.ndim > 1 or (share.ndim == 1 and share.size != n_labels):
        raise ValueError(f"alpha has shape {share.shape}; one number or {n_labels} were expected")
    wrong = share[~((share >= 0) & (share <= 1))]
    if wrong.size:
        raise ValueError(f"alpha holds {float(wrong.flat[0])}; it must be from 0 to 1")
    return np.ascontiguousarray(np.broadcast_to(share, n_labels))
