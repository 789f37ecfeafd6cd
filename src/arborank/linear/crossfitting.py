"""Calibration within a fit: models of most of the rows are asked about the others."""

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration, cross_fit
from ..calibration.held_out import DEPTH
from ..core.estimator import clone
from ..core.sparse import Csr, as_csr, select_rows
from ..core.types import FilePath, LabelModel, MatrixLike, TopK
from .calibrated import Instances, of_score, score_of, take_rows, unreached
from .defaults import AUTOMATIC
from .fitted import FittedTree
from .options import LinearOptions

if TYPE_CHECKING:
    from .xrlinear import XRLinear

__all__ = ["calibrate_linear", "cross_fitted"]


def calibrate_linear(
    model: "XRLinear",
    fitted: FittedTree,
    X: Csr,
    Y: Csr,
    options: LinearOptions,
    *,
    n_instances: int,
    work_dir: FilePath | None,
    label_features: MatrixLike | None,
    weights: NDArray[np.float32] | None = None,
    **weighing: MatrixLike | None,
) -> Calibration:
    """Learn the calibration of a tree from the rows that it was fitted on; ``weighing`` are matrices of their shape.

    ``weights`` are those of the rows: held-out rows count once.
    """
    of_rows = {name: as_csr(one, name) for name, one in weighing.items() if one is not None}
    values = {name: getattr(options.resolved, name) for name in AUTOMATIC}

    def fit(rest: NDArray[np.bool_], part: int) -> "XRLinear":
        more: dict[str, Any] = {name: take_rows(matrix, rest) for name, matrix in of_rows.items()}
        if weights is not None:
            more["sample_weight"] = weights[rest]
        if work_dir is not None:
            more["work_dir"] = Path(work_dir) / f"calibration_{part}"
        twin = clone(model).set_params(calibrate=False, single_label=False, verbose=0, **values)
        return twin.fit(
            take_rows(X, rest),
            take_rows(Y, rest),
            label_features=label_features,
            row_length=fitted.row_length,
            n_documents=X.shape[0] - n_instances,
            **more,
        )

    calibration = cross_fitted(X, Y, fitted.label_counts, fit, n_rows=n_instances, seed=model.random_state)
    return of_score(calibration, score_of(values["combine"], model.rerank))


def cross_fitted(
    X: Instances,
    Y: Csr,
    counts: NDArray[np.int64] | None,
    fit: Callable[[NDArray[np.bool_], int], LabelModel],
    *,
    n_rows: int | None = None,
    seed: int = 0,
    depth: int | None = None,
) -> Calibration:
    """Learn a calibration from rows that are held out.

    Parameters
    ----------
    X : matrix or sequence of texts
    Y : Csr of shape (n, n_labels)
    counts : int64 array of shape (n_labels,), optional
        Instances in all rows.
    fit : callable
        Gets which rows to train on, a bool array of shape (n,), and the number of the part that is held out; returns a
        fitted model.
    n_rows, seed : see `arborank.calibration.cross_fit`
    depth : int, optional
        Labels asked of every row; by default 30, or all where there are fewer.
    """
    beyond: list[float | None] = []
    part = itertools.count()

    def answer(rest: NDArray[np.bool_], held: NDArray[np.int64]) -> TopK:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit on all rows warns
            model, rows = fit(rest, next(part)), take_rows(X, held)
        if not beyond:  # takes a while, and one part tells enough
            beyond.append(unreached(model, rows, select_rows(Y, held)))
        top: TopK = model.predict_topk(rows, depth or min(DEPTH, Y.shape[1]))
        return top

    held = cross_fit(Y, answer, n_rows=n_rows, seed=seed)
    return Calibration.of(held, Y.shape[1], counts, unreached=beyond[0])
