"""Training of one tree layer: a linear ranker for every child, against its siblings' examples."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from ..core.notices import warn
from ..core.sparse import Csr, as_csr
from ..core.types import MatrixLike
from .solver import SOLVERS, SolverParams
from .weights import LayerWeights, check_ranks, feature_ranks

__all__ = ["CERTAIN", "train_layer", "training_work"]

_SOMETHING = 0.1  # a sum of squared weights that can change a margin by 0.3
_LITTLE = 0.05  # of that sum

CERTAIN = 20.0  # a margin: what hinges make of it is exactly 1, and its sigmoid 1 in single precision


def train_layer(
    X: MatrixLike,
    active: MatrixLike,
    positives: MatrixLike,
    branches: ArrayLike,
    params: SolverParams | None = None,
    *,
    parents: tuple[int, int] | None = None,
    ranks: NDArray[np.int32] | None = None,
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
    n_threads : int
        Threads to use; 0 means one a processor.
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
        parent, a value of ``positives`` is negative, or ``parents`` is not a range of them.
    """
    params = SolverParams() if params is None else params
    X = as_csr(X, "X")
    n_instances = X.shape[0]
    active = as_csr(active, "active", n_cols=n_instances)
    positives = as_csr(positives, "positives", n_cols=n_instances)
    branches = _checked_branches(branches, active.shape[0], positives.shape[0])
    if positives.nnz and positives.data.min() < 0:
        raise ValueError(f"positives holds cost multipliers of at least 0, found {positives.data.min():g}")
    if ranks is None:
        ranks = feature_ranks(X)
    check_ranks(ranks, X.shape[1])
    first, last = (0, active.shape[0]) if parents is None else parents
    if not 0 <= first <= last <= active.shape[0]:
        raise ValueError(f"parents is ({first}, {last}), but there are {active.shape[0]} parents")
    certain = _certain_parents(active, positives, branches)
    certain = certain[(certain >= first) & (certain < last)]
    children = branches[certain]
    if certain.size:
        active, positives = _without_rows(active, certain), _without_rows(positives, children)
    arrays = _native.train_layer(
        X,
        active,
        positives,
        branches,
        first,
        last,
        ranks,
        solver=SOLVERS.index(params.solver),
        Cp=float(params.Cp),
        Cn=float(params.Cn),
        bias=max(float(params.bias), 0.0),
        eps=float(params.tolerance),
        max_iter=int(params.max_iter),
        threshold=float(params.threshold),
        max_nonzeros=-1 if params.max_nonzeros is None else int(params.max_nonzeros),
        n_threads=int(n_threads),
        progress=progress,
    )
    _warn_if_pruned(arrays.pop("learned"), arrays.pop("reaching"), params.threshold)
    arrays["bias"][children - branches[first]] = CERTAIN
    own = branches[first : last + 1] - branches[first]
    return LayerWeights(branches=own, ranks=ranks, n_features=X.shape[1], **arrays)


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


def _certain_parents(active: Csr, positives: Csr, branches: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the parents with a single child that is positive for all their instances, at least one."""
    alone = np.flatnonzero(np.diff(branches) == 1)
    n_active = np.diff(active.indptr)[alone]
    n_positive = np.diff(positives.indptr)[branches[alone]]
    alone = alone[(n_active > 0) & (n_active == n_positive)]
    same = np.array([_same_row(active, parent, positives, branches[parent]) for parent in alone], bool)
    certain: NDArray[np.int64] = alone[same]
    return certain


def _same_row(a: Csr, i: int, b: Csr, j: int) -> bool:
    first = a.indices[a.indptr[i] : a.indptr[i + 1]]
    return np.array_equal(first, b.indices[b.indptr[j] : b.indptr[j + 1]])


def _without_rows(csr: Csr, rows: NDArray[np.int64]) -> Csr:
    """Empty some rows."""
    lengths = np.diff(csr.indptr)
    dropped = np.zeros(lengths.size, dtype=bool)
    dropped[rows] = True
    kept = np.repeat(~dropped, lengths)
    indptr = np.concatenate([[0], np.cumsum(np.where(dropped, 0, lengths))])
    return Csr(indptr, csr.indices[kept], csr.data[kept], csr.shape[1])


def _checked_branches(branches: ArrayLike, n_parents: int, n_children: int) -> NDArray[np.int64]:
    array = np.asarray(branches)
    if array.dtype.kind not in "iu":
        raise TypeError(f"branches must hold integers, found {array.dtype}")
    array = np.ascontiguousarray(array, dtype=np.int64)
    if array.shape != (n_parents + 1,):
        raise ValueError(f"branches must have shape ({n_parents + 1},), found {array.shape}")
    if array[0] != 0 or array[-1] != n_children:
        raise ValueError(f"branches must run from 0 to {n_children}, found {array[0]} to {array[-1]}")
    widths = np.diff(array)
    if widths.size and widths.min() < 0:
        raise ValueError(f"branches decreases after parent {int(np.argmax(widths < 0))}")
    if widths.size and widths.max() > 2**20:
        raise ValueError(f"a parent has {int(widths.max())} children; at most {2**20} are supported")
    return array
