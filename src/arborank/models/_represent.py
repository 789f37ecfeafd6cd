"""The label representation that an estimator's parameters name."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._native import CompactRows
from ..indexing import pifa_compact, pifa_with_features, pii
from ..progress import progress_bar
from ..sparse import Csr, as_csr, to_scipy

__all__ = ["represent"]

_KINDS = ("pifa", "pii", "pifa-concat", "pifa-convex")


def represent(
    kind: str, X: Csr, Y: Csr, label_features: Any, *, alpha: float, n_threads: int, verbose: bool
) -> tuple[Csr | CompactRows, NDArray[np.int32]]:
    """Represent the labels that have a positive instance; the others have nothing to learn from.

    Parameters
    ----------
    kind : {"pifa", "pii", "pifa-concat", "pifa-convex"}
    X, Y : Csr of shapes (n_instances, n_features) and (n_instances, n_labels)
    label_features : matrix of shape (n_labels, d) or None
    alpha : float
        Share of PIFA in ``pifa-convex``.
    verbose : bool
        Whether a progress bar may be shown.

    Returns
    -------
    representation : Csr or CompactRows of shape (n_present, d)
    labels : int32 array of shape (n_present,)
        The label of every row, ascending.

    Raises
    ------
    ValueError
        If ``kind`` is unknown, if it needs label features or does not use them, or if no label has a positive.
    """
    if kind not in _KINDS:
        raise ValueError(f"representation is {kind!r}; expected one of {', '.join(_KINDS)}")
    combined = kind.startswith("pifa-")
    if combined and label_features is None:
        raise ValueError(f"representation {kind!r} needs label_features, which fit was not given")
    if not combined and label_features is not None:
        raise ValueError(f"label_features is given, but representation {kind!r} does not use it")
    own = None
    if combined:
        own = to_scipy(as_csr(label_features, "label_features", n_rows=Y.shape[1]))
    present = np.unique(Y.indices)
    if present.size == 0:
        raise ValueError("Y has no positive at all; at least one instance needs a label")
    if present.size < Y.shape[1]:
        Y = as_csr(to_scipy(Y)[:, present], "Y")
    if kind == "pii":
        return pii(Y), present
    with progress_bar("representing labels", present.size, enabled=verbose) as progress:
        if own is None:
            return pifa_compact(X, Y, n_threads=n_threads, progress=progress), present
        how: Literal["concat", "convex"] = "concat" if kind == "pifa-concat" else "convex"
        mixed = pifa_with_features(
            X, Y, own[present], how=how, alpha=alpha, n_threads=n_threads, progress=progress
        )
        return mixed, present
