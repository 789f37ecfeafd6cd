"""HybridRanker: a label tree and other sources of candidates, merged on calibrated scores.

A tree is strong where labels have many instances; the mean of few instances, similar training rows and a label's own
name find others. A logistic model of what each of them says makes a short list. The tree is asked about all labels of
it, also those that it has not listed, and a second model of all this gives each its probability.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..calibration import Calibration
from ..core.checks import Missing, check_flag, check_integer, check_sample_weight
from ..core.errors import ArgumentError
from ..core.estimator import Estimator, check_fitted, fitted_clone
from ..core.lazy import sp
from ..core.memory import check_answers_fit
from ..core.sparse import Csr, as_csr
from ..core.state import State
from ..core.threads import n_threads
from ..core.types import FilePath, LabelIds, MatrixLike, Targets, TopK
from ..linear import XRLinear
from ..linear.answers import quality
from ..linear.calibrated import (
    CalibratedMixin,
    calibration_from_state,
    calibration_to_parts,
    updated_calibration,
)
from ..linear.deciding import check_rule, chosen_labels, rule_to_parts
from ..linear.filters import check_ids, of_all, of_rows
from ..linear.filters import label_weights as checked_weights
from ..linear.instances import known_rows, new_rows
from ..linear.targets import as_indicator
from ..linear.updating import NegativeCosts, check_log, check_new_ids
from ..linear.updating import check_ids as check_labels
from ..ranking.relevance import check_relevance
from ..storage import SaveMixin
from .fitted import Evidence, FittedHybrid, HybridFilter
from .fitting import fit_hybrid
from .lesson import Lesson
from .options import HybridOptions
from .updating import learn_labels, learn_unseen_labels, remove_labels

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..decisions import Rule

__all__ = ["HybridRanker"]

_DEPTH = 30  # labels that are looked at where no rule says how many


class HybridRanker(CalibratedMixin, SaveMixin, Estimator):
    """A label tree merged with three other sources of candidates.

    The sources are `XRLinear`; the mean instance of every label; the labels of similar training rows; and, where label
    features are given, the likeness of a row and a label's name. Each lists candidates, and a logistic model of what
    all of them say of one, and how frequent it is, keeps the best 30 (``k``, if that is more). Of these the tree is
    asked again, wherever they stand, and a second model gives the probabilities. Both are learned from rows that the
    sources have not seen: these are fitted on a part of the rows first, and then on all. Training takes three to
    five times as long as that of the tree, a query two to six times.

    Parameters
    ----------
    ranker : XRLinear, optional
        The label tree, by default with its defaults; ``combine="noop"``, whose scores are no probabilities, is refused.
    n_candidates : int, default=25
        Labels that each source lists.
    n_neighbours : int, default=30
        Similar training rows whose labels are candidates.
    calibrate : bool, default=False
        Whether `fit` also learns how the merged scores, which are probabilities of candidates, are corrected for places
        and labels, for `predict_proba_topk`. It takes the rows that the merger learns from, and next to no time.
    decide : Rule or str, optional
        How `predict` chooses labels, as for `XRLinear`; by default all with a probability of at least one half.
    random_state : int, default=0
        Seed of the rows that are held out; the tree has its own.
    n_jobs : int, optional
        Threads; None or -1 for every core. The result does not depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    fitted_ : FittedHybrid
    calibration_ : Calibration or None
    ranker_ : XRLinear
    n_features_in_, n_labels_ : int
    fit_times_ : dict of str to float
        Seconds spent on ``"merger"`` and ``"sources"``.

    Examples
    --------
    >>> import numpy as np
    >>> from arborank import HybridRanker
    >>> X = np.tile(np.eye(4, dtype=np.float32), (8, 1))
    >>> model = HybridRanker().fit(X, [[0], [1], [2], [2, 3]] * 8)
    >>> ids, probabilities = model.predict_topk(X[:4], k=1)
    >>> ids.ravel().tolist()
    [0, 1, 2, 2]
    """

    takes_documents: ClassVar[bool] = True  # `TextRanker` gives those of labels as label_features

    fitted_: FittedHybrid
    n_features_in_: int
    fit_times_: dict[str, float]

    def __init__(
        self,
        ranker: XRLinear | None = None,
        *,
        n_candidates: int = HybridOptions.n_candidates,
        n_neighbours: int = HybridOptions.n_neighbours,
        calibrate: bool = False,
        decide: "Rule | str | None" = None,
        random_state: int = HybridOptions.random_state,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.ranker = ranker
        self.n_candidates = n_candidates
        self.n_neighbours = n_neighbours
        vars(self)["calibrate"] = calibrate  # also the name of a method
        self.decide = decide
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _meant_by_none(self, name: str) -> Any:
        return XRLinear() if name == "ranker" else None

    def fit(
        self,
        X: MatrixLike,
        Y: Targets,
        *,
        label_features: MatrixLike | None = None,
        relevance: MatrixLike | None = None,
        sample_weight: ArrayLike | None = None,
        work_dir: FilePath | None = None,
    ) -> Self:
        """Fit the sources and learn how to merge them.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        Y : sparse or dense indicator of shape (n_instances, n_labels), or list of label-id lists
        label_features : sparse matrix or array of shape (n_labels, n_features), optional
            The name of every label in the features of ``X``; rows may be empty. A label without an instance can be
            found by its name alone.
        relevance : sparse matrix of shape (n_instances, n_labels), optional
            Importance of every label of a row, with a value wherever ``Y`` has a label: for the tree as in
            `XRLinear.fit`, and as weights of the instances in the mean instance of a label.
        sample_weight : array of shape (n_instances,), optional
            How often each row counts, for the tree as in `XRLinear.fit`, and in the mean instance of a label. How
            sources are merged is learned from rows that count once.
        work_dir : path, optional
            Directory where trees are kept while they are trained, as in `XRLinear.fit`: the same fit goes on from there
            when it was interrupted, and the fitted model maps the files of its tree.

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter is of the wrong kind, shape or range; the message names it. Also if there are
            too few rows to hold some out, or ``work_dir`` holds a training of other data or parameters.
        MemoryError
            If training would need more memory than the machine has.
        FileExistsError, BlockingIOError
            If ``work_dir`` holds something else, or another process is training there.
        """
        options, threads = HybridOptions.of(self), n_threads(self.n_jobs)
        calibrates = check_flag("calibrate", self.get_params(deep=False)["calibrate"])
        check_rule("decide", self.decide)
        ranker = _ranker(self.ranker, self.n_jobs)
        rows, features = new_rows(self, X)
        labels, classes = as_indicator(Y, rows.shape[0])
        if classes is not None:
            raise ArgumentError("Y", "is 1-dimensional; give a list of labels for every row, or an indicator")
        lesson = Lesson(
            rows,
            labels,
            _names(label_features, labels.shape[1], rows.shape[1]),
            None if relevance is None else check_relevance(relevance, labels),
            check_sample_weight(sample_weight, rows.shape[0]),
        )
        if lesson.sample_weight is not None:
            lesson = lesson.take(lesson.sample_weight > 0)
        fitted, held, times = fit_hybrid(
            lesson,
            ranker,
            options,
            n_threads=threads,
            verbose=bool(self.verbose),
            work_dir=work_dir,
            calibrate=calibrates,
        )
        counts = lesson.label_counts
        calibration = None if held is None else Calibration.of(held, counts.size, counts)
        # together, and last: a fit that fails leaves the model as it was
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__ |= {"fitted_": fitted, "fit_times_": times, **features}
        self.calibration_ = calibration
        return self

    @property
    def ranker_(self) -> XRLinear:
        """The label tree."""
        return self.fitted_.sources.ranker

    @property
    def n_labels_(self) -> int:
        """Number of labels."""
        return self.fitted_.n_labels

    @property
    def label_counts_(self) -> NDArray[np.int64]:
        """Training instances of every label."""
        return self.fitted_.sources.ranker.label_counts_

    @property
    def n_instances_(self) -> int:
        """Rows of ``X`` in `fit`."""
        return self.fitted_.sources.ranker.n_instances_

    def predict_topk(
        self,
        X: MatrixLike,
        k: int = 10,
        *,
        beam_size: int | None = None,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        label_weights: ArrayLike | None = None,
        label_filter: HybridFilter | None = None,
    ) -> TopK:
        """Return the best labels of every instance, best first.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        k : int, default=10
        beam_size : int, optional
            Of the tree, instead of its own.
        candidates, exclude : as for `XRLinear.predict_topk`
            Labels that may, or may not, be returned.
        label_weights : array of shape (n_labels,), optional
            Probabilities are multiplied by these before the ``k`` best are taken: finite numbers of at least 0. A label
            of weight 0 is not returned. They bring in no label that no source lists.
        label_filter : HybridFilter, optional
            Instead of the three for all rows of many calls: what `prepare_filter` has made of them.

        Returns
        -------
        ids : int64 array of shape (n_instances, k)
            Label ids, padded with -1 where the sources list fewer than k labels.
        scores : float32 array of shape (n_instances, k)
            Probabilities in descending order, padded with -inf.
        """
        rows = known_rows(self, X)
        check_integer("k", k, 1, 2**31 - 1)
        check_answers_fit(rows.shape[0], k)
        n_labels = self.n_labels_
        if label_filter is not None:
            if candidates is not None or exclude is not None or label_weights is not None:
                raise ArgumentError("label_filter", "is given beside other limits; prepare one filter of all")
            return self._filtered(rows, k, beam_size, label_filter)
        allowed = of_rows(candidates, "candidates", rows.shape[0], n_labels)
        excluded = of_rows(exclude, "exclude", rows.shape[0], n_labels)
        check_ids(candidates, "candidates", n_labels)
        check_ids(exclude, "exclude", n_labels)
        weights = None if label_weights is None else checked_weights(label_weights, n_labels)
        return self.fitted_.topk(
            rows,
            k,
            allowed=allowed,
            excluded=excluded,
            weights=weights,
            beam_size=beam_size,
            n_threads=n_threads(self.n_jobs),
        )

    def prepare_filter(
        self,
        *,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        label_weights: ArrayLike | None = None,
    ) -> HybridFilter:
        """Check limits once for many calls of `predict_topk`.

        Parameters
        ----------
        candidates, exclude, label_weights : optional
            As for `predict_topk`, for all rows.

        Raises
        ------
        TypeError, ValueError
            If one does not fit the labels, or holds a list for each row.
        """
        check_fitted(self, "fitted_")
        n_labels = self.n_labels_
        allowed, excluded = (
            None if ids is None else np.asarray(ids, np.int64)
            for ids in (
                of_all(candidates, "candidates", n_labels),
                of_all(exclude, "exclude", n_labels),
            )
        )
        weights = None if label_weights is None else checked_weights(label_weights, n_labels)
        return HybridFilter(n_labels, allowed, excluded, weights)

    def _filtered(self, rows: Csr, k: int, beam_size: int | None, prepared: HybridFilter) -> TopK:
        if not isinstance(prepared, HybridFilter) or prepared.n_labels != self.n_labels_:
            raise ArgumentError("label_filter", "must be what prepare_filter of this model has returned")
        return self.fitted_.topk(
            rows,
            k,
            allowed=prepared.allowed,
            excluded=prepared.excluded,
            weights=prepared.weights,
            beam_size=beam_size,
            n_threads=n_threads(self.n_jobs),
        )

    def predict(self, X: MatrixLike) -> "csr_array":
        """Return the labels that the model asserts.

        Returns
        -------
        sparse indicator of shape (n_instances, n_labels)
            Labels that the rule ``decide`` chooses; without one, those with a probability of at least one half.

        Raises
        ------
        ValueError
            If the rule needs probabilities and the model is not calibrated, or it has to be tuned first.
        """
        check_fitted(self, "fitted_")
        if self.decide is not None:
            return chosen_labels(self, X, self.decide)
        ids, chances = self.predict_topk(X, min(_DEPTH, self.n_labels_))
        rows, places = np.nonzero(chances >= 0.5)
        marks = np.ones(rows.size, np.float32), (rows, ids[rows, places])
        return sp.coo_array(marks, (ids.shape[0], self.n_labels_)).tocsr()

    def explain_topk(self, X: MatrixLike, k: int = 10) -> list[list[Evidence]]:
        """Return the best labels of every instance, best first, with what each source says of them.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        k : int, default=10

        Returns
        -------
        list of lists of Evidence
            Named tuples of the label, its probability, and the scores of the sources, 0 where one does not list it.
        """
        rows = known_rows(self, X)
        check_integer("k", k, 1, 2**31 - 1)
        return self.fitted_.evidence(rows, k, n_threads(self.n_jobs))

    def _fitted_stages(self) -> Mapping[str, Any]:
        return {"ranker": self.ranker_} if hasattr(self, "fitted_") else {}

    def score(self, X: MatrixLike, y: Targets) -> float:
        """Return the mean nDCG@5 against the labels ``y``."""
        check_fitted(self, "fitted_")
        return quality(y, self.predict_topk(X, 5)[0], self.n_labels_, None)

    def quantize(self, precision: str = "int8") -> Self:
        """Return a fitted copy whose tree stores its weights in another precision; see `XRLinear.quantize`."""
        check_fitted(self, "fitted_")
        return fitted_clone(self, fitted_=self.fitted_.quantize(precision))

    # Labels come and go as in `XRLinear`: every method returns a new model, and this one stays as it is.

    def add_labels(
        self,
        X: MatrixLike,
        Y: Targets,
        *,
        label_features: MatrixLike | None = None,
        negative_share: float = NegativeCosts.negative_share,
        negative_cost: float = NegativeCosts.negative_cost,
    ) -> Self:
        """Return a model that knows further labels.

        The tree gets a branch, and the other sources get the new labels' instances, means and names. How the sources
        are merged stays as `fit` has learned it.

        Parameters
        ----------
        X, Y, negative_share, negative_cost
            As for `XRLinear.add_labels`.
        label_features : sparse matrix or array of shape (n_new, n_features), optional
            The name of every new label in the features of ``X``; rows may be empty.

        Raises
        ------
        ValueError
            As `XRLinear.add_labels`.
        """
        rows = known_rows(self, X)
        marks = check_log(rows, Y)
        ids = np.arange(self.n_labels_, self.n_labels_ + marks.shape[1])
        return self._learned(ids, rows, marks, label_features, NegativeCosts(negative_share, negative_cost))

    def refresh_labels(
        self,
        labels: ArrayLike,
        X: MatrixLike,
        Y: Targets,
        *,
        label_features: MatrixLike | None = None,
        negative_share: float = NegativeCosts.negative_share,
        negative_cost: float = NegativeCosts.negative_cost,
    ) -> Self:
        """Return a model that has learned some of its labels again; what it knew of them is forgotten, their names too.

        Parameters
        ----------
        labels : int array of shape (n_refreshed,)
            Label ids, without repetition.
        X, Y, label_features, negative_share, negative_cost
            As for `add_labels`; column ``j`` of ``Y`` is ``labels[j]``.

        Raises
        ------
        ValueError
            As `XRLinear.refresh_labels`.
        """
        check_fitted(self, "fitted_")
        ids = check_labels(labels, self.n_labels_)
        rows = known_rows(self, X)
        marks = check_log(rows, Y, ids.size)
        return self._learned(ids, rows, marks, label_features, NegativeCosts(negative_share, negative_cost))

    def learn_unseen_labels(
        self,
        labels: ArrayLike,
        label_texts: MatrixLike,
        X: MatrixLike,
        Y: MatrixLike,
        *,
        known_texts: MatrixLike | None = None,
        weight: float | None = None,
    ) -> Self:
        """Add labels without an instance, or forget what was learned of labels, and rank them by a text about each.

        Parameters and errors are those of `XRLinear.learn_unseen_labels`, for the tree; the other sources take the
        texts for names.
        """
        check_fitted(self, "fitted_")
        ids, texts = check_new_ids(labels, self.n_labels_), known_rows(self, label_texts, "label_texts")
        fitted = learn_unseen_labels(
            self.fitted_,
            ids,
            texts,
            X,
            Y,
            n_threads=n_threads(self.n_jobs),
            known_texts=known_texts,
            weight=weight,
        )
        return self._updated(fitted, learned=ids)

    def remove_labels(self, labels: ArrayLike, *, renumber: bool = False, missing: Missing = "error") -> Self:
        """Return a model that never predicts some of its labels; see `XRLinear.remove_labels`."""
        check_fitted(self, "fitted_")
        fitted = remove_labels(self.fitted_, labels, renumber=renumber, missing=missing)
        kept = np.arange(self.n_labels_)
        return self._updated(fitted, kept=np.setdiff1d(kept, labels) if renumber else kept)

    def _learned(
        self,
        ids: NDArray[np.int64],
        rows: Csr,
        marks: Csr,
        label_features: MatrixLike | None,
        costs: NegativeCosts,
    ) -> Self:
        lesson = Lesson(rows, marks, _names(label_features, ids.size, rows.shape[1]))
        fitted = learn_labels(self.fitted_, ids, lesson, costs, n_threads=n_threads(self.n_jobs))
        return self._updated(fitted, learned=ids)

    def _updated(
        self,
        fitted: FittedHybrid,
        *,
        learned: NDArray[np.int64] | None = None,
        kept: NDArray[np.int64] | None = None,
    ) -> Self:
        counts = fitted.sources.ranker.label_counts_
        calibration = updated_calibration(self, fitted.n_labels, counts, learned=learned, kept=kept)
        return fitted_clone(self, fitted_=fitted, calibration_=calibration)

    def to_state(self) -> State:
        """Take the fitted model apart for saving."""
        check_fitted(self, "fitted_")
        state = self.fitted_.to_state()
        rule = self.decide if isinstance(self.decide, str) else None
        parts = {**state.parts, **calibration_to_parts(self), **rule_to_parts(self.decide)}
        return replace(state, config={**state.config, "decide": rule}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved model together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or the parts do not fit one another.
        """
        fitted = FittedHybrid.from_state(state)
        calibration = calibration_from_state(state, fitted.n_labels)
        rule = state.parts.get("decide", state.config["decide"])
        check_rule("decide", rule)
        model = cls(
            fitted.sources.ranker,
            calibrate=calibration is not None,
            decide=cast("Rule | str | None", rule),
            **asdict(fitted.options),
        )
        model.fitted_, model.calibration_ = fitted, calibration
        model.n_features_in_ = model.ranker_.n_features_in_
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _names(label_features: MatrixLike | None, n_labels: int, n_features: int) -> Csr | None:
    """Return the names of labels, checked."""
    if label_features is None:
        return None
    return as_csr(label_features, "label_features", n_rows=n_labels, n_cols=n_features)


def _ranker(given: XRLinear | None, n_jobs: int | None) -> XRLinear:
    """Return the tree's estimator, or raise unless it can be merged."""
    ranker = XRLinear(n_jobs=n_jobs) if given is None else given
    if not isinstance(ranker, XRLinear):
        raise TypeError(f"ranker must be an XRLinear, found {type(ranker).__name__}")
    if ranker.combine == "noop":
        raise ArgumentError("ranker", "has combine='noop', whose scores are no probabilities; choose another")
    return ranker
