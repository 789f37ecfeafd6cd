"""Several rankers fitted on the same data and asked together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..calibration import Calibration
from ..calibration.held_out import DEPTH
from ..core.checks import Missing, check_flag, check_integer
from ..core.estimator import Estimator, check_fitted, clone, fitted_clone
from ..core.lazy import sp
from ..core.sequences import text_list
from ..core.sparse import Csr, is_matrix
from ..core.state import State
from ..core.types import AnyArray, FilePath, LabelIds, LabelModel, MatrixLike, Targets
from ..storage import SaveMixin
from .answers import quality, score_matrix
from .calibrated import (
    CalibratedMixin,
    Instances,
    calibration_from_state,
    calibration_to_parts,
    label_counts,
    take_rows,
    updated_calibration,
)
from .crossfitting import cross_fitted
from .deciding import check_rule, chosen_labels, rule_to_parts
from .defaults import chosen
from .targets import as_indicator
from .toplists import Method, TopK, check_method, check_weights, combine_topk

if TYPE_CHECKING:
    from ..decisions import Rule

__all__ = ["Ensemble", "MemberFilters", "combine_topk"]

_OF_ROWS = ("relevance", "user_negatives", "sample_weight")  # options with a row per instance


class Ensemble(CalibratedMixin, SaveMixin, Estimator):
    """Rankers fitted on the same data and asked together.

    Parameters
    ----------
    models : list of estimators
        Anything with ``fit(X, Y)`` and ``predict_topk(X, k)`` -> (ids, scores). Copies are fitted, so give
        them different parameters or seeds.
    method : {"average", "rank", "softmax", "sigmoid", "round-robin"}, default "average"
        How lists are merged; see `combine_topk`.
    weights : array-like of shape (n_models,), optional
        Weights of the models; default: equal.
    member_k : int, optional
        Labels asked of every model; default: as many as are asked of the ensemble. More let a label win that
        no model ranks among the first.
    calibrate : bool, default False
        Whether `fit` also learns what the merged scores mean as probabilities, for `predict_proba_topk`: it fits all
        models once more on nine tenths of the rows, and ranks the others; see `XRLinear`. Merged scores depend on how
        many labels are asked of every model, so probabilities are of lists of ``member_k`` labels, by default 30.
    decide : Rule or str, optional
        How `predict` chooses labels, as for `XRLinear`; by default by majority.

    Attributes
    ----------
    models_ : list of fitted estimators
    calibration_ : Calibration or None

    Examples
    --------
    >>> from arborank import XRLinear  # doctest: +SKIP
    >>> both = Ensemble([XRLinear(random_state=0), XRLinear(random_state=1)])  # doctest: +SKIP
    >>> ids, scores = both.fit(X, Y).predict_topk(X_new, k=10)  # doctest: +SKIP
    """

    models_: list[Any]

    def __init__(
        self,
        models: Sequence[LabelModel],
        method: Method = "average",
        weights: ArrayLike | None = None,
        member_k: int | None = None,
        calibrate: bool = False,
        decide: "Rule | str | None" = None,
    ) -> None:
        vars(self)["calibrate"] = calibrate  # also the name of a method
        self.decide = decide
        self.models = models
        self.method = method
        self.weights = weights
        self.member_k = member_k

    @classmethod
    def from_fitted(
        cls,
        models: Sequence[LabelModel],
        method: Method = "average",
        weights: ArrayLike | None = None,
        member_k: int | None = None,
    ) -> Self:
        """Make an ensemble that can predict at once, of models that are fitted already and are not copied."""
        ensemble = cls(models, method, weights, member_k)
        ensemble._check(models)
        ensemble.models_, ensemble.calibration_ = list(models), None
        return ensemble

    def fit(self, X: Instances, Y: Targets, *, work_dir: FilePath | None = None, **options: object) -> Self:
        """Fit a copy of every model on X and Y.

        Parameters
        ----------
        X, Y
            Whatever the models take.
        work_dir : path, optional
            Directory for trainings that outlive an interruption, see `XRLinear.fit`: model ``i`` is trained in its
            subdirectory ``model_<i>``.
        **options
            Further options of every model's ``fit``.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or for the reasons of a model.
        TypeError
            If a model has no ``predict_topk``.
        """
        self._check(self.models)
        check_rule("decide", self.decide)
        calibrates = check_flag("calibrate", self.get_params(deep=False)["calibrate"])
        if calibrates and not isinstance(X, Csr) and not is_matrix(X):
            X = text_list(cast(Sequence[str], X))  # read more than once
        fitted = self._fitted(X, Y, work_dir, options)
        calibration = None
        if calibrates:
            calibration = self._cross_fitted(fitted, X, Y, work_dir, options)
        self.models_, self.calibration_ = fitted, calibration
        return self

    def _fitted(
        self, X: Instances, Y: Targets, work_dir: FilePath | None, options: dict[str, object]
    ) -> list[Any]:
        fitted = []
        for number, model in enumerate(self.models):
            place = {} if work_dir is None else {"work_dir": Path(work_dir) / f"model_{number}"}
            fitted.append(clone(model).fit(X, Y, **options, **place))
        return fitted

    def _cross_fitted(
        self, fitted: list[Any], X: Any, Y: Targets, work_dir: FilePath | None, options: dict[str, Any]
    ) -> Calibration:
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        labels, _ = as_indicator(Y, n_rows)

        def fit(rest: NDArray[np.bool_], part: int) -> "Ensemble":
            own = {
                name: take_rows(value, rest) if name in _OF_ROWS and value is not None else value
                for name, value in options.items()
            }
            place = None if work_dir is None else Path(work_dir) / f"calibration_{part}"
            twin: Ensemble = clone(self)
            twin.models = [
                clone(model).set_params(**chosen(model) if hasattr(model, "resolved_") else {})
                for model in fitted
            ]
            twin.models_ = twin._fitted(take_rows(X, rest), take_rows(labels, rest), place, own)
            return twin

        counts = getattr(fitted[0], "label_counts_", None)
        n_instances = n_rows - int(options.get("n_documents", 0))
        return cross_fitted(X, labels, counts, fit, n_rows=n_instances, depth=self._depth_of_scores)

    @property
    def _depth_of_scores(self) -> int:
        return DEPTH if self.member_k is None else self.member_k

    def predict_topk(
        self,
        X: Instances,
        k: int = 10,
        *,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        label_filter: "MemberFilters | None" = None,
        **options: object,
    ) -> TopK:
        """Rank labels by all models together.

        Parameters
        ----------
        X : matrix of shape (n_rows, n_features), or what the models take
        k : int, default 10
            Labels a row.
        candidates, exclude : optional
            Passed on to every model.
        label_filter : MemberFilters, optional
            What `prepare_filter` has made.
        **options
            Further options of every model's ``predict_topk``, such as ``beam_size``.

        Returns
        -------
        ids : int64 array of shape (n_rows, k)
            Best first, padded with -1.
        scores : float32 array of shape (n_rows, k)
            As `combine_topk` defines them, padded with -inf.

        Raises
        ------
        NotFittedError
            If `fit` has not been called.
        ValueError
            If ``k`` is below 1 or above ``member_k``, or for the reasons of `combine_topk`.
        """
        self._check_fitted()
        k = check_integer("k", k, 1)
        depth = k if self.member_k is None else self.member_k
        if k > depth:
            raise ValueError(f"k is {k}, but member_k is {depth}; k <= member_k was expected")
        limits = {"candidates": candidates, "exclude": exclude}
        # an iterator could be read by one model only
        given = {
            name: list(value) if isinstance(value, Iterator) else value
            for name, value in limits.items()
            if value is not None
        }
        if all(hasattr(model, "n_labels_") for model in self.models_):
            depth = min(depth, self.n_labels_)  # what is beyond would be padding
        return self._merged(X, depth, k, label_filter, **given, **options)

    def prepare_filter(self, **limits: object) -> "MemberFilters":
        """Prepare a filter that many calls of `predict_topk` share; see `XRLinear.prepare_filter` for ``limits``.

        Raises
        ------
        TypeError
            If a model has no such filters.
        """
        return MemberFilters(tuple(self._of_each("prepare_filter", **limits)))

    def decision_function(self, X: Instances) -> "sp.csr_array":
        """Return the merged score of every label that some model lists, as a sparse (n_rows, n_labels) array.

        Every model is asked for all labels that it can reach, whatever ``member_k``.
        """
        self._check_fitted()
        n_labels = self.n_labels_
        depth = max(getattr(model, "n_reachable_", n_labels) for model in self.models_)
        ids, scores = self._merged(X, depth, min(n_labels, depth * len(self.models_)))
        return score_matrix(ids, scores, n_labels)

    def predict(self, X: Instances) -> "AnyArray | sp.csr_array":
        """Return the labels that the models assert by majority.

        Without ``decide``, every model's own ``predict`` is asked, so that the rule is the same for all methods of
        merging, some of which have no natural limit.

        Returns
        -------
        sparse indicator of shape (n_rows, n_labels)
            Labels that the rule ``decide`` chooses; without one, those asserted by models that have at least half of
            the weight. When the models were fitted on a 1-D target: the class that `predict_topk` ranks first in every
            row instead.
        """
        self._check_fitted()
        classes = self.classes_
        if classes is not None:
            return classes[np.maximum(self.predict_topk(X, 1)[0][:, 0], 0)]
        if self.decide is not None:
            return chosen_labels(self, X, self.decide)
        shares = check_weights(self.weights, len(self.models_))
        votes = sum(
            share * sp.csr_array(model.predict(X)) for share, model in zip(shares, self.models_, strict=True)
        ).tocoo()
        kept = votes.data >= 0.5 - 1e-9
        ones = np.ones(int(kept.sum()), np.float32)
        return sp.csr_array((ones, (votes.row[kept], votes.col[kept])), shape=votes.shape)

    def score(self, X: Instances, y: Targets) -> float:
        """Return the mean nDCG@5 against the labels ``y``, or the accuracy after a 1-D target.

        The lists are shorter than 5 if ``member_k`` is.
        """
        self._check_fitted()
        k = 5 if self.classes_ is None else 1
        k = k if self.member_k is None else min(k, self.member_k)
        return quality(y, self.predict_topk(X, k)[0], self.n_labels_, self.classes_)

    @property
    def n_labels_(self) -> int:
        """Number of labels, as the models have it."""
        known = _widths(self.models_)
        if not known:
            raise AttributeError(
                "no model of this Ensemble has n_labels_, which says how many labels there are"
            )
        return int(known[0])

    @property
    def classes_(self) -> AnyArray | None:
        """Class values when the models were fitted on a 1-D target, otherwise None."""
        return getattr(self.models_[0], "classes_", None)

    def _fitted_stages(self) -> Mapping[str, Any]:
        return {f"model_{number}": model for number, model in enumerate(getattr(self, "models_", ()))}

    def _check_fitted(self) -> None:
        check_fitted(self, "models_")
        self._check(self.models_)

    def _merged(
        self, X: Instances, depth: int, k: int, prepared: "MemberFilters | None" = None, **options: object
    ) -> TopK:
        each: Sequence[dict[str, object]] = [{}] * len(self.models_)
        if prepared is not None:
            if not isinstance(prepared, MemberFilters) or len(prepared.filters) != len(each):
                raise TypeError(
                    f"label_filter must be what prepare_filter of this Ensemble returned, found {prepared!r}"
                )
            each = [{"label_filter": one} for one in prepared.filters]
        lists = [
            model.predict_topk(X, depth, **own, **options)
            for model, own in zip(self.models_, each, strict=True)
        ]
        return combine_topk(lists, self.method, k, weights=self.weights)

    # Smaller models, and labels that come and go: every method asks each model for its own, and returns a new ensemble.

    def quantize(self, precision: str = "int8") -> Self:
        """Return a fitted copy whose models store weights in another precision; see `XRLinear.quantize`."""
        return fitted_clone(self, models_=self._of_each("quantize", precision))

    def prune(self, *, threshold: float = 0.0, max_nonzeros: int | None = None) -> Self:
        """Return a fitted copy whose models have only their largest weights; see `XRLinear.prune`."""
        pruned = self._of_each("prune", threshold=threshold, max_nonzeros=max_nonzeros)
        return fitted_clone(self, models_=pruned)

    def add_labels(self, X: MatrixLike, Y: Targets, *, n_documents: int = 0, **options: object) -> Self:
        """Return an ensemble that knows further labels; see `XRLinear.add_labels`."""
        options |= {"n_documents": n_documents} if n_documents else {}
        models = self._of_each("add_labels", X, Y, **options)
        learned = np.arange(self.n_labels_, models[0].n_labels_)
        return self._updated(models, learned=learned)

    def refresh_labels(
        self, labels: ArrayLike, X: MatrixLike, Y: Targets, *, n_documents: int = 0, **options: object
    ) -> Self:
        """Return an ensemble that has learned some of its labels again; see `XRLinear.refresh_labels`."""
        options |= {"n_documents": n_documents} if n_documents else {}
        models = self._of_each("refresh_labels", labels, X, Y, **options)
        return self._updated(models, learned=np.asarray(labels))

    def learn_labels(self, labels: ArrayLike, X: MatrixLike, Y: Targets, **options: object) -> Self:
        """Add labels and refresh others in one step; see `XRLinear.learn_labels`."""
        return self._updated(
            self._of_each("learn_labels", labels, X, Y, **options), learned=np.asarray(labels)
        )

    def learn_unseen_labels(
        self, labels: ArrayLike, label_texts: MatrixLike, X: MatrixLike, Y: MatrixLike, **options: object
    ) -> Self:
        """Rank labels without an instance by a text about each; see `XRLinear.learn_unseen_labels`."""
        models = self._of_each("learn_unseen_labels", labels, label_texts, X, Y, **options)
        return self._updated(models, learned=np.asarray(labels))

    def renumber_labels(self, ids: ArrayLike, n_labels: int) -> Self:
        """Return the same ensemble for other label ids; see `XRLinear.renumber_labels`."""
        places = np.full(n_labels, -1)
        models = self._of_each("renumber_labels", ids, n_labels)
        places[np.asarray(ids)] = np.arange(self.n_labels_)
        return self._updated(models, kept=places)

    def remove_labels(self, labels: ArrayLike, *, renumber: bool = False, missing: Missing = "error") -> Self:
        """Return an ensemble that never predicts some of its labels; see `XRLinear.remove_labels`."""
        models = self._of_each("remove_labels", labels, renumber=renumber, missing=missing)
        places = np.arange(self.n_labels_)
        return self._updated(models, kept=np.setdiff1d(places, labels) if renumber else places)

    def _of_each(self, method: str, *given: Any, **options: Any) -> list[Any]:
        """Return what a method of every model returns; ``TypeError`` if one has no such method."""
        self._check_fitted()
        for number, model in enumerate(self.models_):
            if not hasattr(model, method):
                raise TypeError(f"models[{number}] is a {type(model).__name__}, which has no {method}")
        return [getattr(model, method)(*given, **options) for model in self.models_]

    def _updated(self, models: list[Any], **changed: NDArray[Any]) -> Self:
        """Return an ensemble of changed models; ``changed`` are the arguments of `updated_calibration`."""
        counts = label_counts(fitted_clone(self, models_=models))
        calibration = updated_calibration(self, models[0].n_labels_, counts, **changed)
        return fitted_clone(self, models_=models, calibration_=calibration)

    def to_state(self) -> State:
        """Return the parameters and the fitted models for saving."""
        check_fitted(self, "models_")
        weights = None if self.weights is None else np.asarray(self.weights, np.float64).tolist()
        config = {
            "method": self.method,
            "weights": weights,
            "member_k": self.member_k,
            "n_models": len(self.models_),
            "decide": self.decide if isinstance(self.decide, str) else None,
        }
        parts = {f"model_{number}": model for number, model in enumerate(self.models_)}
        return State(
            config=config, parts={**parts, **calibration_to_parts(self), **rule_to_parts(self.decide)}
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild a fitted ensemble; ``ValueError`` if the state is not one."""
        wanted = {"method", "weights", "member_k", "n_models", "decide"}
        if set(state.config) != wanted:
            raise ValueError(
                f"the state of an Ensemble has {sorted(state.config)}; {sorted(wanted)} were expected"
            )
        config = state.config
        n_models = check_integer("n_models", config["n_models"], 1)
        n_found = len(set(state.parts) - {"calibration", "decide"})
        if n_models != n_found:
            raise ValueError(f"the state of an Ensemble has {n_found} models, but n_models is {n_models}")
        models = [state.parts[f"model_{number}"] for number in range(n_models)]
        ensemble = cls.from_fitted(models, config["method"], config["weights"], config["member_k"])
        ensemble.decide = state.parts.get("decide", config["decide"])
        check_rule("decide", ensemble.decide)
        if "calibration" in state.parts:
            vars(ensemble)["calibrate"] = True
            ensemble.calibration_ = calibration_from_state(state, ensemble.n_labels_)
        return ensemble

    def _check(self, models: Sequence[LabelModel]) -> None:
        if isinstance(models, str) or not isinstance(models, Sequence) or not models:
            raise ValueError(f"models is {models!r}; a list of at least one estimator was expected")
        for number, model in enumerate(models):
            if not hasattr(model, "predict_topk"):
                raise TypeError(f"models[{number}] is a {type(model).__name__}, which has no predict_topk")
        widths = set(_widths(models))
        if len(widths) > 1:
            raise ValueError(f"models have different numbers of labels: {sorted(widths)}")
        classes = [_listed(getattr(model, "classes_", None)) for model in models]
        if any(other != classes[0] for other in classes):
            raise ValueError("models were fitted on different classes; the same target is needed")
        check_method(self.method)
        if self.method == "round-robin" and self.weights is not None:
            raise ValueError("round-robin takes no weights; the order of the models decides")
        check_weights(self.weights, len(models))
        if self.member_k is not None:
            check_integer("member_k", self.member_k, 1)


@dataclass(frozen=True)
class MemberFilters:
    """What `Ensemble.prepare_filter` returns: a filter for each of its models."""

    filters: tuple[Any, ...]

    @property
    def weighted(self) -> bool:
        """Whether it weighs labels."""
        return any(one.weighted for one in self.filters)


def _widths(models: Sequence[LabelModel]) -> list[int]:
    """Return the numbers of labels, of models that know theirs; asked once, for an ensemble asks its models in turn."""
    widths = [getattr(model, "n_labels_", None) for model in models]
    return [width for width in widths if width is not None]


def _listed(classes: NDArray[Any] | None) -> list[Any] | None:
    return None if classes is None else classes.tolist()
