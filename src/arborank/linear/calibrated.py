"""Probabilities beside scores: the methods that every ranker over matrices has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration
from ..calibration.held_out import DEPTH, HeldOut
from ..core.arrow import from_arrow
from ..core.checks import check_flag, check_integer
from ..core.errors import ArgumentError
from ..core.estimator import check_fitted, fitted_clone, method_beside_parameter, method_where
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, is_matrix, select_rows
from ..core.state import State
from ..core.types import AnyArray, LabelModel, MatrixLike, Targets, TopK
from .answers import FEW_LABELS, share_matrix
from .defaults import search_of
from .targets import as_indicator

__all__ = [
    "CalibratedMixin",
    "Instances",
    "calibration_from_state",
    "calibration_of",
    "calibration_to_parts",
    "label_counts",
    "relevant_labels",
    "take_rows",
    "unreached",
    "updated_calibration",
]

Instances = MatrixLike | Sequence[str]  # whatever a ranker takes

_OTHER_SCORES = ("combine", "label_weights", "merge", "rerank")  # options that change what a score is
_ASKED = 1000  # rows that are asked for all that the search reaches


def _gives_probabilities(model: Any) -> bool:
    return getattr(model, "calibration_", None) is not None or bool(vars(model).get("calibrate"))


class CalibratedMixin:
    """Gives a ranker with ``predict_topk``, ``n_labels_`` and ``classes_`` the methods below.

    Attributes
    ----------
    calibration_ : Calibration or None
        Set by ``fit``.
    """

    calibration_: Calibration | None

    @property
    def _depth_of_scores(self) -> int | None:
        """The length of list that scores are of, where they depend on it."""
        return None

    @method_beside_parameter
    def calibrate(self, X: MatrixLike, Y: Targets) -> Self:
        """Learn from held-out rows what scores mean as probabilities.

        With the parameter ``calibrate=True``, `fit` does it on rows that it holds out itself.

        Parameters
        ----------
        X, Y : as for `fit`
            Rows that the model was not fitted on, some thousands; with fewer than 200 only one curve over all scores is
            learned, with a warning.

        Returns
        -------
        estimator
            A fitted copy, which shares everything else with this one.

        Raises
        ------
        TypeError, ValueError
            If ``X`` or ``Y`` does not fit the model, or none or all of the answers are right.
        """
        X = from_arrow(X)  # a stream is read once, and asked about twice
        top, truth = _asked(self, X, Y)
        counts = label_counts(self)
        held = HeldOut.of(top, truth, counts)
        calibration = Calibration.of(
            held, truth.shape[1], counts, unreached=unreached(cast(LabelModel, self), X, truth)
        )
        return fitted_clone(self, calibration_=of_score(calibration, _score(self)))

    def recalibrate(self, X: MatrixLike, Y: Targets) -> Self:
        """Adapt probabilities to rows of another domain; a thousand are enough.

        Parameters
        ----------
        X, Y : as for `fit`
            Labelled rows of the new domain.

        Returns
        -------
        estimator
            A fitted copy, whose probabilities are shrunk to those of this one.

        Raises
        ------
        ValueError
            If the model is not calibrated, or for the reasons of `calibrate`.
        """
        calibration, X = calibration_of(self), from_arrow(X)
        top, truth = _asked(self, X, Y)
        beyond = unreached(cast(LabelModel, self), X, truth)
        return fitted_clone(self, calibration_=calibration.recalibrated(top, truth, unreached=beyond))

    def predict_proba_topk(
        self, X: MatrixLike, k: int = 10, *, reorder: bool = False, **options: object
    ) -> TopK:
        """Return the best labels of every instance with the probability that they are relevant.

        Parameters
        ----------
        X, k : as for `predict_topk`
        reorder : bool, default=False
            Whether labels are ordered by probability. By default their order is that of `predict_topk`, and none is
            more probable than one before it.
        **options
            Further options of `predict_topk`, but for those that change what a score is: ``combine``,
            ``label_weights``, ``merge`` and ``rerank``.

        Returns
        -------
        ids : int64 array of shape (n_instances, k)
            Label ids, padded with -1.
        probabilities : float32 array of shape (n_instances, k)
            In descending order, padded with -inf.

        Raises
        ------
        ValueError
            If the model is not calibrated, or an option changes what a score is.
        """
        calibration = calibration_of(self)
        if options:
            _check_scores(options)
        predict: Callable[..., TopK] = cast(Any, self).predict_topk
        depth = self._depth_of_scores
        if reorder is False and depth is None:
            ids, scores = predict(X, k, **options)
            return ids, calibration.apply(ids, scores)
        check_flag("reorder", reorder)
        check_integer("k", k, 1)
        ids, scores = predict(X, max(k, DEPTH if depth is None else depth), **options)
        if not reorder:
            ids, scores = np.ascontiguousarray(ids[:, :k]), np.ascontiguousarray(scores[:, :k])
            return ids, calibration.apply(ids, scores)
        chances = calibration.apply(ids, scores, ordered=False)
        order = np.argsort(-chances, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(ids, order, axis=1), np.take_along_axis(chances, order, axis=1)

    @method_where(
        _gives_probabilities, "fit it with calibrate=True, or give held-out rows to calibrate(X, Y)"
    )
    def predict_proba(self, X: MatrixLike) -> "AnyArray | sp.csr_array":
        """Return the probability of every label that the search reaches; of the others it is 0.

        There is this method only with the parameter ``calibrate=True`` or in a model that is calibrated.

        Parameters
        ----------
        X : as for `predict_topk`

        Returns
        -------
        array of shape (n_instances, n_labels), sparse for more than 1000 labels
            The probability that a label is relevant. After a fit on a 1-D target: that it is the class, 1 as a sum.

        Raises
        ------
        ValueError
            As `predict_proba_topk`.
        """
        model: Any = self
        ids, chances = self.predict_proba_topk(
            X, getattr(model, "n_reachable_", min(model.n_labels_, FEW_LABELS))
        )
        classes = getattr(model, "classes_", None)
        return share_matrix(ids, chances, model.n_labels_, of_classes=classes is not None)


def _check_scores(options: Mapping[str, Any]) -> None:
    for name in _OTHER_SCORES:
        if options.get(name) is not None:
            raise ArgumentError(name, "changes what a score is; probabilities are of the model's own scores")
    if getattr(options.get("label_filter"), "weighted", False):
        raise ArgumentError("label_filter", "weighs labels; probabilities are of the model's own scores")


def calibration_of(model: object) -> Calibration:
    """Return the calibration of a model, or raise if it is not fitted, has none, or one of other scores."""
    check_fitted(model, "calibration_")
    calibration = getattr(model, "calibration_", None)
    if not isinstance(calibration, Calibration):
        raise ValueError(
            f"this {type(model).__name__} has no probabilities: fit it with calibrate=True, or give held-out rows to "
            "calibrate(X, Y), which returns a calibrated copy"
        )
    if calibration.facts.score not in ("", now := _score(model)):
        raise ValueError(
            f"this {type(model).__name__} was calibrated with {calibration.facts.score}, and has {now}: set these "
            "back, or give held-out rows to calibrate(X, Y)"
        )
    return calibration


@cache
def score_of(combine: str, rerank: float) -> str:
    """Return how scores are made, in the words of `calibration_of`."""
    return f"combine={combine!r}, rerank={rerank:g}"


def of_score(calibration: Calibration, score: str) -> Calibration:
    """Return a calibration that knows how the scores are made which it is for."""
    return replace(calibration, facts=replace(calibration.facts, score=score))


def _score(model: object) -> str:
    """Return how a label tree makes scores; "" of other models, which have no such parameters."""
    if getattr(model, "resolved_", None) is None:
        return ""
    tree: Any = model
    return score_of(search_of(tree)[1], tree.rerank)


def label_counts(model: object) -> NDArray[np.int64] | None:
    """Return the training instances of every label, where a model or the first of its members knows them."""
    counts: NDArray[np.int64] | None = getattr(model, "label_counts_", None)
    if counts is None and getattr(model, "models_", None):
        return label_counts(cast(Any, model).models_[0])
    return counts


def relevant_labels(Y: Targets, n_rows: int, n_labels: int, classes: AnyArray | None) -> Csr:
    """Return the labels of rows as those of a fitted model, of shape (n_rows, n_labels).

    Raises
    ------
    TypeError, ValueError
        If ``Y`` is not of the kind that the model was fitted on, or has other labels.
    """
    truth, values = as_indicator(Y, n_rows)
    if (values is None) != (classes is None):
        kinds = ("labels", "classes, one a row") if values is None else ("classes, one a row", "labels")
        raise ValueError(f"Y holds {kinds[0]}, but the model was fitted on {kinds[1]}")
    if values is not None and classes is not None:
        known = np.isin(values, classes)
        if not known.all():
            raise ValueError(f"Y holds {values[~known].tolist()[0]!r}, which is no class of the model")
        places = np.searchsorted(classes, values)
        return Csr(truth.indptr, places[truth.indices].astype(np.int32), truth.data, n_labels)
    width = truth.shape[1]
    if width > n_labels or (is_matrix(Y) and width != n_labels):
        raise ArgumentError("Y", f"has {width} labels, but the model has {n_labels}")
    return Csr(truth.indptr, truth.indices, truth.data, n_labels)


def unreached(model: LabelModel, X: Instances, truth: Csr) -> float | None:
    """Return how many relevant labels a row has, on average, that a search does not reach; None if it tells not."""
    most = getattr(model, "n_reachable_", None)
    if most is None or not truth.shape[0]:
        return None
    n = min(_ASKED, truth.shape[0])
    ids, scores = model.predict_topk(take_rows(X, slice(n)), most)
    return float(HeldOut.of((ids, scores), select_rows(truth, slice(n))).missed[-1])


def calibration_to_parts(model: object) -> dict[str, Calibration]:
    """Return the part that a saved model has of its calibration."""
    calibration = getattr(model, "calibration_", None)
    return {} if calibration is None else {"calibration": calibration}


def calibration_from_state(state: State, n_labels: int) -> Calibration | None:
    """Return the calibration of a saved model.

    Raises
    ------
    ValueError
        If it is of another number of labels.
    """
    if "calibration" not in state.parts:
        return None
    calibration = state.part("calibration", Calibration)
    if calibration.n_labels != n_labels:
        raise ValueError(f"the calibration has {calibration.n_labels} labels, but the model has {n_labels}")
    return calibration


def updated_calibration(
    model: object,
    n_labels: int,
    counts: NDArray[np.int64] | None,
    *,
    learned: NDArray[np.int64] | None = None,
    kept: NDArray[np.int64] | None = None,
) -> Calibration | None:
    """Return the calibration of a model after its labels have changed.

    Parameters
    ----------
    model : estimator
        As it was before.
    n_labels : int
    counts : int64 array of shape (n_labels,), optional
        Training instances of every label now.
    learned : int array, optional
        Labels that are new, or were learned again.
    kept : int array of shape (n_labels,), optional
        The old ids of labels, instead; -1 for those that are new.
    """
    calibration: Calibration | None = getattr(model, "calibration_", None)
    if calibration is None:
        return None
    if kept is None:
        kept = np.arange(n_labels)
        kept[learned] = -1
    return calibration.after_update(kept, counts)


def take_rows(X: Instances, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Csr | list[str]:
    """Return some rows of a matrix, or some texts of a list."""
    if isinstance(X, Csr) or is_matrix(X):
        return select_rows(as_csr(X), rows)
    texts: list[str] = np.asarray(X, object)[rows].tolist()
    return texts


def _asked(model: Any, X: Instances, Y: Targets) -> tuple[TopK, Csr]:
    """Return what a model answers to rows, and their labels."""
    top: TopK = model.predict_topk(X, model._depth_of_scores or min(DEPTH, model.n_labels_))
    truth = relevant_labels(Y, len(top[0]), model.n_labels_, getattr(model, "classes_", None))
    return top, truth
