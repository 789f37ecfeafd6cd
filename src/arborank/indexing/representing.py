"""The label representation that a parameter names."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._native import CompactRows
from ..core.checks import check_real
from ..core.lazy import sp
from ..core.progress import progress_bar
from ..core.sparse import Csr, as_csr, normalize_rows, to_scipy
from ..core.types import MatrixLike
from .representation import pifa, pifa_compact, pifa_with_features, pii
from .spectral import spectral

__all__ = ["Representation", "check_representation", "represent", "uses_label_features"]

Representation = str | Mapping[str, float] | Callable[["sp.csr_array", "sp.csr_array"], Any] | MatrixLike
"""A name, shares by name, a function of ``X`` and ``Y``, or a matrix with a row per label."""
Vectors = Csr | CompactRows | NDArray[np.float32]

_BLOCKS = ("pifa", "pii", "spectral", "features")
_WITH_FEATURES = ("pifa-concat", "pifa-convex")
_KINDS = (*_BLOCKS, *_WITH_FEATURES)


def represent(
    kind: Representation,
    X: Csr,
    Y: Csr,
    label_features: MatrixLike | None,
    *,
    alpha: float,
    random_state: int,
    n_threads: int,
    verbose: bool,
) -> tuple[Vectors, NDArray[np.int32]]:
    """Represent the labels that have a positive instance; the others have nothing to learn from.

    Returns an array of shape (n_present, d) and the label of every row, ascending. Raises ``TypeError`` or
    ``ValueError`` if a matrix does not have one row per label, label features are missing or not used, or no label has
    a positive.
    """
    check_representation("representation", kind)
    weights = _weights(kind)
    uses_features = uses_label_features(kind)
    if uses_features and label_features is None:
        raise ValueError(f"representation {kind!r} needs label_features, which fit was not given")
    if not uses_features and label_features is not None:
        raise ValueError(f"label_features is given, but representation {_name(kind)} does not use it")
    own = None
    if uses_features:
        own = to_scipy(as_csr(label_features, "label_features", n_rows=Y.shape[1]))
    present = np.unique(Y.indices)
    if present.size == 0:
        raise ValueError("Y has no positive at all; at least one instance needs a label")
    if not isinstance(kind, (str, Mapping)):
        return _given(kind, X, Y)[present], present
    if present.size < Y.shape[1]:
        Y = as_csr(to_scipy(Y)[:, present], "Y")
        own = None if own is None else own[present]
    with progress_bar("representing labels", present.size, enabled=verbose, unit="labels") as progress:
        if weights is not None and list(weights) == ["pifa"]:
            return pifa_compact(X, Y, n_threads=n_threads, progress=progress), present
        if weights is not None:
            block = partial(_block, X, Y, own, random_state, n_threads, progress)
            if len(weights) == 1:
                return block(*weights), present
            scaled = [_scaled(block(name), weight) for name, weight in weights.items()]
            return as_csr(sp.hstack(scaled, format="csr"), "representation"), present
        how: Literal["concat", "convex"] = "concat" if kind == "pifa-concat" else "convex"
        mixed = pifa_with_features(X, Y, own, how=how, alpha=alpha, n_threads=n_threads, progress=progress)
        return as_csr(mixed, "representation"), present


def check_representation(argument: str, kind: Representation) -> None:
    """Raise TypeError or ValueError unless ``kind`` may be the ``representation`` of an estimator."""
    if isinstance(kind, str):
        parts = kind.split("+")
        unknown = [part for part in parts if part not in (_KINDS if len(parts) == 1 else _BLOCKS)]
        if unknown or len(set(parts)) < len(parts):
            raise ValueError(
                f"{argument} is {kind!r}; expected one of {', '.join(_KINDS)}, or different ones of "
                f"{', '.join(_BLOCKS)} joined by '+'"
            )
    elif isinstance(kind, Mapping):
        if not kind or any(name not in _BLOCKS for name in kind):
            raise ValueError(f"{argument} is {dict(kind)!r}; its keys must be of {', '.join(_BLOCKS)}")
        for name, weight in kind.items():
            check_real(f"{argument}[{name!r}]", weight, above=0.0)
    elif not (callable(kind) or isinstance(kind, (np.ndarray, Csr)) or sp.issparse(kind)):
        raise TypeError(
            f"{argument} must be a name, a mapping of names to weights, a callable or a matrix; found {kind!r}"
        )


def uses_label_features(kind: Representation | None) -> bool:
    """Whether a representation is made with the label features given to ``fit``."""
    if isinstance(kind, str):
        return kind in _WITH_FEATURES or "features" in kind.split("+")
    return isinstance(kind, Mapping) and "features" in kind


def _weights(kind: Representation) -> dict[str, float] | None:
    """Return the blocks that a name or a mapping joins, and their shares of the similarity."""
    if isinstance(kind, str) and kind not in _WITH_FEATURES:
        return dict.fromkeys(kind.split("+"), 1.0)
    if isinstance(kind, Mapping):
        total = sum(kind.values())
        return {name: weight / total for name, weight in kind.items()}
    return None


def _block(
    X: Csr,
    Y: Csr,
    own: Any,
    random_state: int,
    n_threads: int,
    progress: Callable[[int], None] | None,
    name: str,
) -> Csr | NDArray[np.float32]:
    """Return the representation of a name, in unit rows."""
    if name == "pii":
        return as_csr(pii(Y), name)
    if name == "pifa":
        return as_csr(pifa(X, Y, n_threads=n_threads, progress=progress), name)
    if name == "spectral":
        return spectral(Y, random_state=random_state)
    return normalize_rows(as_csr(own, "label_features"))


def _scaled(vectors: Csr | NDArray[np.float32], weight: float) -> "sp.csr_array":
    """Scale unit rows so that their part of an inner product is ``weight`` times their own."""
    matrix = to_scipy(vectors) if isinstance(vectors, Csr) else sp.csr_array(vectors)
    return sp.csr_array(matrix * np.float32(np.sqrt(weight)))


def _given(kind: Representation, X: Csr, Y: Csr) -> Any:
    """Return the user's own vectors, one row per label, in a form that can be indexed by rows."""
    vectors = kind(to_scipy(X), to_scipy(Y)) if callable(kind) else kind
    where = f"representation {_name(kind)} returned" if callable(kind) else "representation is"
    if isinstance(vectors, Csr) or sp.issparse(vectors):
        matrix: Any = to_scipy(as_csr(vectors, "representation"))
    else:
        matrix = np.asarray(vectors)
        if matrix.dtype.kind not in "biuf":
            raise TypeError(f"{where} an array of dtype {matrix.dtype}; numbers were expected")
        matrix = matrix.astype(np.float32, copy=False)
    if matrix.ndim != 2 or matrix.shape[0] != Y.shape[1]:
        raise ValueError(
            f"{where} of shape {matrix.shape}; one row for each of {Y.shape[1]} labels was expected"
        )
    return matrix


def _name(kind: Representation) -> str:
    return repr(kind) if isinstance(kind, (str, Mapping)) else getattr(kind, "__name__", type(kind).__name__)
