"""Training of one tree layer: a linear ranker for every child, against its siblings' examples."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from .._native import CERTAIN
from ..core.notices import warn
from ..core.sparse import as_csr
from ..core.types import MatrixLike
from .solver import SolverParams
from .weights import LayerWeights, check_ranks, feature_ranks

__all__ = ["CERTAIN", "train_layer", "training_work"]

_SOMETHING = 0.1  # a sum of squared weights that can change a margin by 0.3
_LITTLE = 0.05  # of that sum


def train_layer(
    X: MatrixLike,
    active: MatrixLike,
    positives: MatrixLike,
    branches: ArrayLike,
    params: SolverParams | None = None,
    *,
    parents: tuple[int, int] | None = None,
    ranks: NDArray[np.int32] | None = None,
    n_documents: int = 0,
    n_values: int | None = None,
    weights: NDArray[np.float32] | None = None,
    n_threads: int = 0,
    progress: Callable[[int], None] | None = None,
) -> LayerWeights:
    """Fit every child of every parent node of a layer.

    Child ``c`` of parent ``p`` is a binary problem over the active instances of ``p``, those positive for
    ``c`` against all others. Where a parent's only child is right for all its instances there is nothing to learn: the
    child gets no weights and a bias that every combination takes for certain, so that it passes its parent's score on.
    The result is the same, to the byte, for any number of threads.

    Parameters
    ----------
    X : Csr or matrix of shape (n_instances, n_features)
        Instances.
    active : Csr or matrix of shape (n_parents, n_instances)
        Which instances are examples of which parent; only the pattern counts.
    positives : Csr or matrix of shape (n_children, n_instances)
        The positive instances of every child; the values multiply ``params.Cp`` (1: plain). An explicit zero
        is a positive that costs nothing, so it is neither positive nor negative.
    branches : int64 array-like of shape (n_parents + 1,)
        Children of parent ``p`` are ``branches[p]`` to ``branches[p + 1]``.
    params : SolverParams, optional
        The defaults when not given.
    parents : (first, last), optional
        Train the parents from ``first`` up to ``last`` only. The result is that part of the whole layer.
    ranks : int32 array of shape (n_features,), optional
        ``feature_ranks(X)``, when the layers of a model are to share it.
    n_documents : int, default 0
        How many instances, the last ones, are documents of labels, such as their names. They are no negatives of a
        child whose share of its family's instances is greater than its share of the documents, as these would make it
        seem rarer than it is.
    n_values : int, optional
        Stored values of all instances, where ``X`` has only those that are examples of these parents.
    weights : float32 array of shape (n_instances,), optional
        What the cost of an error on each instance is multiplied by, where it is positive and where it is not.
    n_threads : int
        Threads to use; 0 means one per processor.
    progress : callable, optional
        Called about ten times a second with the work done so far, of `training_work` in all.

    Returns
    -------
    LayerWeights

    Warns
    -----
    UserWarning
        If the threshold drops more than 95 % of the squared weights of most children.

    Raises
    ------
    ValueError
        If shapes do not fit, ``branches`` is not a partition, a positive instance is not active for its
        parent, a value of ``positives`` is negative, ``parents`` is not a range of them, or there are more documents
        than instances.
    """
    params = SolverParams() if params is None else params
    X = as_csr(X, "X")
    n_instances = X.shape[0]
    active = as_csr(active, "active", n_cols=n_instances)
    positives = as_csr(positives, "positives", n_cols=n_instances)
    branches = _integers(branches)
    if positives.nnz and positives.data.min() < 0:
        raise ValueError(f"positives holds cost multipliers of at least 0, found {positives.data.min():g}")
    if ranks is None:
        ranks = feature_ranks(X)
    check_ranks(ranks, X.shape[1])
    first, last = (0, active.shape[0]) if parents is None else parents
    layer, learned, reaching = _native.train_layer(
        X,
        active,
        positives,
        branches,
        ranks,
        params.native,
        first=first,
        last=last,
        n_documents=n_documents,
        n_values=n_values,
        n_threads=int(n_threads),
        progress=progress,
        weights=weights,
    )
    _warn_if_pruned(learned, reaching, params.threshold)
    return LayerWeights(layer)


def _warn_if_pruned(learned: NDArray[np.float32], reaching: NDArray[np.float32], threshold: float) -> None:
    """Warn if the threshold leaves next to nothing of most rankers that have learned something."""
    told = learned > _SOMETHING
    if told.any() and np.median(reaching[told] / learned[told]) < _LITTLE:
        warn(
            f"threshold={threshold:g} drops nearly all weights of most rankers, which can hardly tell labels apart "
            "without them; lower it (0 keeps all weights)"
        )


def training_work(active: MatrixLike, branches: ArrayLike) -> int:
    """Return what the ``progress`` of `train_layer` counts up to: pairs of an active instance and a child."""
    active = as_csr(active, "active")
    return int(np.diff(active.indptr) @ np.diff(np.asarray(branches, dtype=np.int64)))


def _integers(branches: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(branches)
    if array.dtype.kind not in "iu":
        raise TypeError(f"branches must hold integers, found {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"branches must have 1 dimension, found {array.ndim}")
    return np.ascontiguousarray(array, dtype=np.int64)
