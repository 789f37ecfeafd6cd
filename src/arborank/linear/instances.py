"""What users pass as instances becomes rows; their number of features, and the names of them, are kept and compared."""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from ..core.arrow import from_arrow
from ..core.errors import ArgumentError
from ..core.estimator import check_fitted
from ..core.lazy import sp
from ..core.sequences import check_columns, column_names
from ..core.sparse import Csr, as_csr, check_unmasked
from ..core.types import Json, MatrixLike

__all__ = ["known_rows", "new_rows"]


class RowModel(Protocol):
    """An estimator over rows."""

    n_features_in_: int


def new_rows(model: RowModel, X: MatrixLike) -> tuple[Csr, Json]:
    """Read what a model is to be fitted on; return the rows and the attributes that `fit` sets to tell the features.

    The model does not have these yet: a fit that fails leaves it as it was.
    """
    features: dict[str, Any] = {}
    if not (isinstance(X, Csr) or sp.issparse(X)):
        check_unmasked(X, "X")
        blank = type(model)()
        X = _validated(blank, X, reset=True)
        features = {name: value for name, value in vars(blank).items() if name == "feature_names_in_"}
    rows = as_csr(X, "X")
    if 0 in rows.shape:
        raise ValueError(f"X has shape {rows.shape}; at least one instance and one feature are needed")
    return rows, {"n_features_in_": rows.shape[1], **features}


def known_rows(model: RowModel, X: MatrixLike, name: str = "X") -> Csr:
    """Read instances for a fitted model, or raise if they are not a matrix of finite numbers with its features."""
    check_fitted(model, "fitted_")
    if not (isinstance(X, Csr) or sp.issparse(X)):
        check_unmasked(X, name)
        plain = type(X) is np.ndarray and X.dtype.kind in "biuf" and not hasattr(model, "feature_names_in_")
        if name == "X" and not plain:
            X = _validated(model, X, reset=False)
    rows = as_csr(X, name)
    if rows.shape[1] != model.n_features_in_:
        expected = f"{type(model).__name__} is expecting {model.n_features_in_} features as input"
        raise ArgumentError(name, f"has {rows.shape[1]} features, but {expected}")
    return rows


def _validated(model: Any, X: object, *, reset: bool) -> Any:
    """Let scikit-learn look at the names of features, and raise its own errors for what is not a matrix."""
    from sklearn.utils.validation import validate_data

    if isinstance(X, Iterable) and (isinstance(X, (str, list, tuple)) or getattr(X, "ndim", 2) == 1):
        first = X if isinstance(X, str) else next(iter(X), None)
        if isinstance(first, str):
            raise TypeError(
                f"X must be a matrix of numbers, found texts such as {str(first)!r}; texts go to arborank.TextRanker"
            )
    X = from_arrow(X)
    names = column_names(X)
    if names is not None:  # of a data frame the names only: `as_csr` reads more kinds of it
        check_columns(names, "X")
        return validate_data(model, X, reset=reset, skip_check_array=True)
    plain = np.asarray(X) if isinstance(X, np.matrix) else X  # a matrix of NumPy it would refuse
    return validate_data(model, plain, reset=reset, dtype="numeric")
