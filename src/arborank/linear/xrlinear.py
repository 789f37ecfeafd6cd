"""XR-Linear: a tree of linear one-versus-rest rankers, searched with a beam.

Index, match and rank of the PECOS framework (Yu et al., JMLR 2022) with both learned stages linear: every node of the
label tree has a ranker among its siblings, trained on the instances that reach its parent, and the whole stack is one
structure that one native call searches.

An `XRLinear` holds its parameters, what the data chose for those that are ``"auto"``, and one `FittedTree`. Its methods
check what they are given, and call a function that makes another `FittedTree` or searches this one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import Missing, check_choice, check_flag, check_integer, check_real, check_sample_weight
from ..core.estimator import Estimator, check_fitted, fitted_clone
from ..core.lazy import sp
from ..core.lengths import check_row_length
from ..core.notices import warn
from ..core.sparse import as_csr, select_rows
from ..core.state import State, lasting
from ..core.threads import n_threads
from ..core.types import AnyArray, FilePath, LabelIds, MatrixLike, Targets, TopK
from ..indexing import LabelTree
from ..indexing.options import TreeOptions
from ..indexing.overlap import Copies
from ..indexing.representing import Representation
from ..matching import LabelFilter
from ..matching.combine import is_logarithmic
from ..matching.copies import Merge
from ..ranking import LayerWeights, SolverParams
from ..ranking.relevance import RelevanceOptions
from ..storage import SaveMixin
from . import filters
from .answers import FEW_LABELS, class_scores, quality, score_matrix
from .calibrated import (
    CalibratedMixin,
    calibration_from_state,
    calibration_to_parts,
    relevant_labels,
    updated_calibration,
)
from .centroids import RERANK
from .crossfitting import calibrate_linear
from .deciding import chosen_labels, rule_to_parts
from .defaults import AUTO, PRESETS, Auto, Resolved, chosen, search_of
from .drift import DRIFT_DEPTH, Drift
from .fitted import FittedTree
from .fitting import fit_tree
from .instances import known_rows, new_rows
from .options import LinearOptions
from .streaming import learn_rows
from .targets import as_indicator, check_classes, classes_from_state, classes_to_state, one_column
from .trial import try_out
from .unseen import learn_unseen_labels
from .updating import (
    NegativeCosts,
    check_ids,
    check_log,
    check_new_ids,
    learn_labels,
    remove_labels,
    renumber_labels,
    warn_of_lengths,
)

if TYPE_CHECKING:
    from ..decisions import Rule

__all__ = ["XRLinear"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


class XRLinear(CalibratedMixin, SaveMixin, Estimator):
    """Recursive linear model for extreme multi-label ranking.

    Parameters that are ``"auto"`` follow from the training data, see `arborank.linear.defaults`: `fit` leaves them as
    they are, and keeps what they stand for as ``resolved_``.

    Parameters
    ----------
    tree : LabelTree, optional
        The label tree. By default it is grown from the data: balanced k-means over ``representation``.
    representation : str, mapping, callable or matrix, default="pifa"
        What stands for a label when the tree is grown: ``"pifa"``, the mean of its positive instances' features;
        ``"pii"``, the instances themselves; ``"spectral"``, its place in the graph of instances and labels;
        ``"features"``, the ``label_features`` given to `fit`. ``"pifa+spectral"`` joins any of them as unit vectors;
        ``{"pifa": 0.7, "spectral": 0.3}`` mixes their similarities. ``"pifa-concat"`` and ``"pifa-convex"`` join PIFA
        to label features as they are, or mix the two with the share ``alpha``. A callable gets ``X`` and ``Y`` as SciPy
        arrays and returns a matrix with one row per label, such as text embeddings; such a matrix can be given, too.
    alpha : float, default=0.5
        Share of PIFA in ``pifa-convex``.
    branching : int or "auto", default="auto"
        Children of an inner node.
    max_leaf_size : int or "auto", default="auto"
        Most labels in a leaf cluster.
    spherical : bool, default=True
        Whether k-means normalises its centroids.
    max_sample : int, optional
        Splits of more labels than this are decided by a random sample of so many. By default all labels decide. For
        very many labels, and training that is spread over processes: see `arborank.distributed`.
    n_trees : int, default=1
        Trees that are grown, each from a seed of its own (``random_state``, ``random_state + 1``, ...), joined under
        one root and searched together; a label's score is the average of those in the trees. Three trees rank better
        than one.
    max_clusters : int, default=1
        Most leaves of a label. With 2 or more, labels get copies in further leaves that their instances are sent to:
        see `arborank.linear.disentangle`.
    copies : {"needed", "all", "counted"}, default="needed"
        Which labels get copies when ``max_clusters`` is above 1. ``"needed"``: those that beams miss, a sixth of all at
        most; training takes about twice as long, ranking a tenth longer. ``"all"``: nearly every label gets
        ``max_clusters`` leaves; this ranks better, and with four leaves takes five to nine times as long to train, two
        to four times as long to rank, and four times the space. ``"counted"``: all labels, by the rule of Liu et al.
        (NeurIPS 2021), for comparisons.
    solver : {"l2svc-dual", "l1svc-dual", "logistic-dual", "l2svc-primal"} or one per layer, default="l2svc-dual"
        Rankers learn from ``X`` divided by the typical length of its rows, ``row_length_``, so that ``Cp``, ``Cn``,
        ``bias`` and ``threshold`` mean the same for embeddings of length 20, counts and unit rows. Rows of very
        different lengths are better brought to one length first, with `sklearn.preprocessing.normalize`.
    Cp : float, one per layer, or "auto", default="auto"
        Cost of an error on a positive example.
    Cn : float, one per layer, or "auto", default="auto"
        Cost of an error on a negative example.
    bias : float or one per layer, default=1.0
        Value of the constant feature; 0 for none.
    eps : float, None or one per layer, default=None
        Solver tolerance; None is 0.1 for the dual solvers, 0.2 with several trees, and 0.01 for the primal.
    max_iter : int, None or one per layer, default=None
        Most passes of the solver over the examples; None is 100, and with several trees 8 for the dual solvers: what
        is left to learn hardly changes the average of the trees.
    threshold : float, one per layer, or "auto", default="auto"
        Weights smaller than this in absolute value are dropped, by default most of a ranker's; 0 keeps them all. It is
        relative to ``row_length_``, and less goes of labels whose instances are much shorter or longer than that.
        When next to nothing is left, `fit` warns.
    max_nonzeros : int, None or one per layer, default=None
        Largest weights kept per label.
    negatives : str or one per layer, default="tfn"
        Where a layer's negative examples come from: ``"tfn"`` (teacher forcing: instances with a positive below the
        same parent), ``"man"`` (matcher-aware: instances whose beam reaches the parent), ``"usn"`` (given to `fit`),
        or a union such as ``"tfn+man"``.
    relevance : {"induce", "ranker-only"}, default="induce"
        Where the relevance given to `fit` weighs positives: at every layer, or at the bottom layer only.
    relevance_norm : {"none", "l1", "l2", "max"}, default="none"
        Norm of each instance's relevance at a layer.
    max_rows : int, optional
        Most instances that the children of a node learn from: where there are more, so many are drawn, the same ones
        whenever the rows have the same order. By default all. It spares time and memory at the top of the tree, where
        nodes see nearly all instances.
    tail : float or "auto", default="auto"
        How much more positives of rare labels cost at the bottom layer than those of frequent ones, from 0 to 1:
        ``Cp`` is multiplied by ``propensity ** -tail``, which is 1 as a mean over all positives. Rare labels are found
        more often; training and ranking take as long.
    beam_size : int or "auto", default="auto"
        Nodes kept at every inner layer of the search.
    combine : str, default="auto"
        How a margin becomes a score and joins its parent's; see `arborank.matching.combine`.
    rerank : float, default=0.0
        Weight of labels' centroids, the means of their instances, from 0 to 1. Above 0, the 50 best labels of a search
        (``k``, if that is more) are ranked again by their scores and by how alike the query and the centroids are, see
        `arborank.linear.centroids`: labels with few instances are found more often. Not with ``noop``.
    calibrate : bool, default=False
        Whether `fit` also learns what scores mean as probabilities, for `predict_proba_topk`. It trains once more on
        nine tenths of the rows and ranks the others, at most 10,000; where these are fewer than 4000, several times,
        five at most.
    keep_rows : bool, default=False
        Whether the model keeps its training rows, 8 bytes a value, so that `partial_fit` can train parts of it anew.
        They are saved with it: whoever has the model has the rows, see `without_rows`. Not with ``max_clusters`` above
        1.
    decide : Rule or str, optional
        How `predict` chooses labels: a rule of `arborank.decisions` or its name, such as ``"threshold"`` or
        ``"fixed-k=3"``. Most need probabilities. Rules are tuned on the rows that the model is calibrated on.
    single_label : bool, default=False
        Whether every row has one class. `fit` then refuses other targets, and scikit-learn takes the model for a
        classifier from the start, as its ``VotingClassifier`` asks. Without it, the model is one once it is fitted on a
        1-D target.
    random_state : int, default=0
        Seed of the tree; with ``max_clusters`` above 1, of the halves that its matchers learn from; with ``calibrate``,
        of the rows that are held out. Everything else is the same whatever the seed.
    n_jobs : int, optional
        Threads; None or -1 for every core. The result does not depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    fitted_ : FittedTree
        What `fit` made, and all that the attributes below but ``classes_``, ``n_features_in_`` and ``fit_times_`` show.
    resolved_ : Resolved
        Values of the automatic parameters in `fit`: those that the data chose, and those that were given. Parameters
        that are set since to something else than ``"auto"`` count instead.
    tree_ : LabelTree
    layers_ : list of LayerWeights
        One per level of the tree, top first.
    classes_ : array of shape (n_labels,) or None
        Class values when `fit` was given a 1-D target.
    n_features_in_, n_labels_ : int
    row_length_ : float
        What every row is divided by before it meets the layers: the median length of the training rows, or 1.0 where
        that is between 1/2 and 2.
    n_instances_ : int
        Rows of ``X`` in `fit`, and in every update since.
    label_counts_ : int64 array of shape (n_labels,)
        Training instances of every label. A model imported from PECOS has neither these nor ``n_instances_``.
    calibration_ : Calibration or None
        What `predict_proba_topk` makes probabilities with.
    drift_ : Drift or None
        What the last `partial_fit` of a calibrated model has told: see `arborank.linear.drift`.
    fit_times_ : dict of str to float
        Seconds spent on ``"representation"``, ``"index"``, ``"train"`` and, with ``max_clusters`` above 1,
        ``"disentangle"``, with ``rerank`` above 0, ``"centroids"``, with ``calibrate``, ``"calibration"``; on the parts
        of the last update, after one.

    Examples
    --------
    >>> import numpy as np
    >>> from arborank import XRLinear
    >>> X = np.eye(4, dtype=np.float32)
    >>> model = XRLinear().fit(X, [[0], [1], [2], [2, 3]])
    >>> ids, scores = model.predict_topk(X, k=1)
    >>> ids.ravel().tolist()
    [0, 1, 2, 2]
    """

    _at_use = (*Estimator._at_use, "beam_size", "combine", "rerank", "decide")

    fitted_: FittedTree
    resolved_: Resolved
    classes_: NDArray[Any] | None
    n_features_in_: int
    fit_times_: dict[str, float]
    drift_: Drift | None

    def __init__(
        self,
        *,
        tree: LabelTree | None = None,
        representation: Representation = TreeOptions.representation,
        alpha: float = TreeOptions.alpha,
        branching: int | Auto = AUTO,
        max_leaf_size: int | Auto = AUTO,
        spherical: bool = TreeOptions.spherical,
        max_sample: int | None = TreeOptions.max_sample,
        n_trees: int = TreeOptions.n_trees,
        max_clusters: int = TreeOptions.max_clusters,
        copies: Copies = TreeOptions.copies,
        solver: str | Sequence[str] = SolverParams.solver,
        Cp: float | Sequence[float] | Auto = AUTO,
        Cn: float | Sequence[float] | Auto = AUTO,
        bias: float | Sequence[float] = SolverParams.bias,
        eps: float | Sequence[float | None] | None = SolverParams.eps,
        max_iter: int | Sequence[int] | None = None,
        threshold: float | Sequence[float] | Auto = AUTO,
        max_nonzeros: int | Sequence[int | None] | None = SolverParams.max_nonzeros,
        negatives: str | Sequence[str] = "tfn",
        max_rows: int | None = None,
        relevance: str = RelevanceOptions.relevance,
        relevance_norm: str = RelevanceOptions.relevance_norm,
        tail: float | Auto = AUTO,
        beam_size: int | Auto = AUTO,
        combine: str = AUTO,
        rerank: float = RERANK,
        calibrate: bool = False,
        keep_rows: bool = False,
        decide: Rule | str | None = None,
        single_label: bool = False,
        random_state: int = TreeOptions.random_state,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.tree = tree
        self.representation = representation
        self.alpha = alpha
        self.branching = branching
        self.max_leaf_size = max_leaf_size
        self.spherical = spherical
        self.max_sample = max_sample
        self.n_trees = n_trees
        self.max_clusters = max_clusters
        self.copies = copies
        self.solver = solver
        self.Cp = Cp
        self.Cn = Cn
        self.bias = bias
        self.eps = eps
        self.max_iter = max_iter
        self.threshold = threshold
        self.max_nonzeros = max_nonzeros
        self.negatives = negatives
        self.max_rows = max_rows
        self.relevance = relevance
        self.relevance_norm = relevance_norm
        self.tail = tail
        self.beam_size = beam_size
        self.combine = combine
        self.rerank = rerank
        vars(self)["calibrate"] = calibrate  # also the name of a method
        self.keep_rows = keep_rows
        self.decide = decide
        self.single_label = single_label
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @classmethod
    def preset(cls, name: str, **changes: object) -> Self:
        """Return an estimator whose automatic parameters have named values, for comparisons.

        Parameters
        ----------
        name : {"pecos"}
            The published defaults of PECOS: ``branching=16``, ``max_leaf_size=100``, ``Cp=1.0``, ``Cn=1.0``,
            ``threshold=0.1``, ``beam_size=10`` and ``combine="l3-hinge"``.
        **changes
            Further parameters; they win.

        Raises
        ------
        ValueError
            If there is no such preset.
        """
        values: dict[str, Any] = {**PRESETS[check_choice("preset", name, PRESETS)], **changes}
        return cls(**values)

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        X: MatrixLike,
        Y: Targets,
        *,
        label_features: MatrixLike | None = None,
        relevance: MatrixLike | None = None,
        user_negatives: MatrixLike | None = None,
        sample_weight: ArrayLike | None = None,
        row_length: float | None = None,
        n_documents: int = 0,
        work_dir: FilePath | None = None,
    ) -> Self:
        """Grow the label tree and train its layers, top down.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        Y : sparse or dense indicator of shape (n_instances, n_labels), list of label-id lists, or 1-D classes
        label_features : sparse matrix or array of shape (n_labels, n_label_features), optional
            Needed by the representations with ``features``, ``pifa-concat`` and ``pifa-convex``; refused by the others.
        relevance : sparse matrix of shape (n_instances, n_labels), optional
            Importance of every positive; multiplies ``Cp``. It has a value wherever ``Y`` has a label.
        user_negatives : sparse matrix of shape (n_instances, n_labels), optional
            Labels that an instance should be held against, for ``negatives`` with ``"usn"``.
        sample_weight : array of shape (n_instances,), optional
            How often each row counts: an error on it costs that many times ``Cp`` or ``Cn``, and it counts as much in
            the mean instances of its labels. Rows of weight 0 are left out. Weights are taken as they are: to double
            all is to double ``Cp`` and ``Cn``. Automatic parameters, `label_counts_` and probabilities go by rows.
        row_length : float, optional
            What rows are divided by, where their lengths say something: `row_length_`. By default it is measured.
        n_documents : int, default=0
            How many rows, the last ones, are documents of their labels, such as names, and no instances: they are
            learned from, but `n_instances_` and `label_counts_` leave them out, and automatic parameters are chosen
            without them.
        work_dir : path, optional
            Directory for models that are larger than memory, or that take long: what is trained leaves memory for files
            in it, a few seconds of training at a time, and the same fit finds it there when it is run again after an
            interruption, a killed process or a power cut. The fitted model maps these files: `save` it, then remove the
            directory. The weights are the same as without.

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter is of the wrong kind, shape or range; the message names it. Also if
            ``work_dir`` holds a training of other data or parameters, or ``representation`` is a callable: give its
            result as a matrix.
        MemoryError
            If training would need more memory than the machine has.
        FileExistsError, BlockingIOError
            If ``work_dir`` holds something else, or another process is training there.
        """
        LinearOptions.of(self)  # checks, before data are read
        if row_length is not None:
            check_row_length(row_length)
        rows, features = new_rows(self, X)
        labels, classes = as_indicator(one_column(Y) if self.single_label else Y, rows.shape[0])
        if self.single_label:
            check_classes(classes)
        n_instances = rows.shape[0] - check_integer("n_documents", n_documents, 0, rows.shape[0])
        weights = check_sample_weight(sample_weight, rows.shape[0])
        if weights is not None and not weights.all():
            kept = weights > 0
            n_instances = int(np.count_nonzero(kept[:n_instances]))
            rows, labels, weights = select_rows(rows, kept), select_rows(labels, kept), weights[kept]
            n_documents = rows.shape[0] - n_instances
            relevance = None if relevance is None else select_rows(as_csr(relevance, "relevance"), kept)
            if user_negatives is not None:
                user_negatives = select_rows(as_csr(user_negatives, "user_negatives"), kept)
        options = LinearOptions.of(self, try_out(self, rows, labels, n_instances))
        fitted, times = fit_tree(
            rows,
            labels,
            options,
            tree=self.tree,
            label_features=label_features,
            relevance=relevance,
            user_negatives=user_negatives,
            row_length=row_length,
            n_documents=n_documents,
            weights=None if weights is None or (weights == 1).all() else weights,
            work_dir=work_dir,
        )
        calibration = None
        if options.calibrate:
            start = time.perf_counter()
            calibration = calibrate_linear(
                self,
                fitted,
                rows,
                labels,
                options,
                n_instances=n_instances,
                work_dir=work_dir,
                label_features=label_features,
                weights=weights,
                relevance=relevance,
                user_negatives=user_negatives,
            )
            times["calibration"] = time.perf_counter() - start
        # together, and last: a fit that fails leaves the model as it was
        for name in ("feature_names_in_", "drift_"):
            self.__dict__.pop(name, None)
        self.__dict__ |= {"fitted_": fitted, "classes_": classes, "fit_times_": times, **features}
        self.calibration_ = calibration
        self.resolved_ = options.resolved
        if values := chosen(self):
            _LOG.info(
                "chosen from the data: %s", ", ".join(f"{name}={one!r}" for name, one in values.items())
            )
        return self

    @classmethod
    def from_pecos(cls, directory: FilePath, **options: Any) -> Self:
        """Take over a model that PECOS saved; ``options`` are those of `arborank.linear.pecos.import_xlinear`."""
        from .pecos import import_xlinear

        parts = import_xlinear(directory, **options)
        model = cls.preset("pecos", bias=list(parts.bias), beam_size=parts.beam_size, combine=parts.combine)
        model.fitted_, model.resolved_ = FittedTree(parts.tree, parts.layers), Resolved.of_model(model)
        model.n_features_in_, model.classes_ = model.fitted_.n_features, None
        model.calibration_ = None
        return model

    # ------------------------------------------------------------------ what is fitted

    @property
    def tree_(self) -> LabelTree:
        """The label tree."""
        return self.fitted_.tree

    @property
    def layers_(self) -> list[LayerWeights]:
        """The rankers of every level, top first."""
        return list(self.fitted_.layers)

    @property
    def row_length_(self) -> float:
        """What every row is divided by."""
        return self.fitted_.row_length

    @property
    def n_labels_(self) -> int:
        """Number of labels."""
        return self.fitted_.n_labels

    @property
    def label_counts_(self) -> NDArray[np.int64]:
        """Training instances of every label."""
        return _told(self.fitted_.label_counts)

    @property
    def n_instances_(self) -> int:
        """Training instances in all."""
        return _told(self.fitted_.n_instances)

    @property
    def n_reachable_(self) -> int:
        """Most labels that a search can return: those of ``beam_size`` leaves, if all are as wide as the widest."""
        widest = int(np.diff(self.tree_.branches[-1]).max())
        return min(self.n_labels_, search_of(self)[0] * widest)

    # ------------------------------------------------------------------ rank

    def predict_topk(
        self,
        X: MatrixLike,
        k: int = 10,
        *,
        beam_size: int | None = None,
        combine: str | None = None,
        rerank: float | None = None,
        merge: Merge | None = None,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        label_weights: ArrayLike | None = None,
        label_filter: LabelFilter | None = None,
    ) -> TopK:
        """Return the best labels of every instance, best first.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        k : int, default=10
        beam_size, combine, rerank : optional
            Instead of the model's own; ``rerank=0`` returns the scores of the tree.
        merge : {"max", "mean", "log-sum", "average"}, optional
            How the scores of a label that is reached in several leaves become one, before the ``k`` best are taken:
            the best; their mean; ``log(sum(exp(score)))``, for the ``log-`` combinations; or the average over all
            leaves of the label, where those that were not reached count 0 (for the ``log-`` combinations, of the
            exponentials; with ``noop``, the mean). By default ``"average"`` with several trees, else ``"max"``. All
            but ``"max"`` score every label below the beam, and take longer on an overlapping tree.
        candidates : array of label ids, list of label-id lists, or sparse matrix of shape (n_instances, n_labels)
            Labels that may be returned, for all rows or row by row. Nodes that lead to none of them are not opened, and
            the beam counts only nodes that are: with ``beam_size=n_labels`` every candidate is scored.
        exclude : like ``candidates``
            Labels that may not be returned. They take no place among the k.
        label_weights : array of shape (n_labels,), optional
            Final scores are multiplied by these before the ``k`` best are taken, for boosts or propensities: finite
            numbers of at least 0. With the ``log-`` combinations their logarithms are added. A label of weight 0 is
            not returned, as if it were in ``exclude``. They do not count
            above the last layer: of the labels of the beam, the answer is exactly the ``k`` best. Not with ``noop``.
        label_filter : LabelFilter, optional
            Instead of the same ``candidates``, ``exclude`` and ``label_weights`` for all rows of many calls: what
            `prepare_filter` has made of them. Filters of a row each may be given beside it.

        Returns
        -------
        ids : int64 array of shape (n_instances, k)
            Label ids, padded with -1 where the beam holds fewer than k labels.
        scores : float32 array of shape (n_instances, k)
            Scores in descending order, padded with -inf.
        """
        rows = known_rows(self, X)
        if label_filter is not None and not isinstance(label_filter, LabelFilter):
            raise TypeError(
                f"label_filter must be what prepare_filter returned, found {type(label_filter).__name__}"
            )
        check_integer("k", k, 1, 2**31 - 1)
        own_beam, own_combine = search_of(self)
        beam_size = own_beam if beam_size is None else check_integer("beam_size", beam_size, 1)
        fitted = self.fitted_
        n_rows, n_labels = rows.shape[0], fitted.tree.n_labels
        allowed = filters.of_rows(candidates, "candidates", n_rows, n_labels)
        excluded = filters.of_rows(exclude, "exclude", n_rows, n_labels)
        weights = None if label_weights is None else filters.label_weights(label_weights, n_labels)
        try:
            return fitted.topk(
                rows,
                k,
                beam_size=beam_size,
                rerank=self.rerank if rerank is None else check_real("rerank", rerank, least=0.0, most=1.0),
                combine=own_combine if combine is None else combine,
                label_filter=label_filter,
                allowed=allowed,
                excluded=excluded,
                weights=weights,
                merge=fitted.merge if merge is None else merge,
                n_threads=n_threads(self.n_jobs),
            )
        except ValueError:
            filters.check_ids(candidates, "candidates", n_labels)  # with the name that the caller knows
            filters.check_ids(exclude, "exclude", n_labels)
            raise

    def prepare_filter(
        self,
        *,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        label_weights: ArrayLike | None = None,
    ) -> LabelFilter:
        """Prepare a filter that many calls of `predict_topk` share, so that it costs them next to nothing.

        Parameters
        ----------
        candidates, exclude : array or list of label ids, optional
        label_weights : array of shape (n_labels,), optional
            All as for `predict_topk`.

        Returns
        -------
        LabelFilter
            For ``predict_topk(..., label_filter=)`` of this model, until it is fitted again.
        """
        check_fitted(self, "fitted_")
        return self.fitted_.search.filter(
            allowed=filters.of_all(candidates, "candidates", self.n_labels_),
            excluded=filters.of_all(exclude, "exclude", self.n_labels_),
            weights=None if label_weights is None else filters.label_weights(label_weights, self.n_labels_),
        )

    def decision_function(self, X: MatrixLike) -> AnyArray | sp.csr_array:
        """Return the score of every label that the beam reaches.

        Returns
        -------
        sparse array of shape (n_instances, n_labels)
            Departs from scikit-learn, whose scores are dense: a row has at most ``beam_size`` leaves' labels. When
            `fit` was given a 1-D target of at most 1000 classes: a dense array, in which classes that the beam does not
            reach have the lowest score of the row; of shape (n_instances,) for two classes, above 0 for the second.
        """
        check_fitted(self, "fitted_")
        ids, scores = self.predict_topk(X, self.n_reachable_)
        if self.classes_ is not None and self.n_labels_ <= FEW_LABELS:
            return class_scores(ids, scores, self.n_labels_)
        return score_matrix(ids, scores, self.n_labels_)

    def predict(self, X: MatrixLike) -> AnyArray | sp.csr_array:
        """Return the labels that the model asserts.

        Returns
        -------
        sparse indicator of shape (n_instances, n_labels)
            Labels that the rule ``decide`` chooses. Without one: those with a score of at least one half (of its
            exponential for the ``log-`` combinations; of a margin of at least zero for ``noop``). When `fit` was given
            a 1-D target: the best class of every row instead.

        Raises
        ------
        ValueError
            If the rule needs probabilities and the model is not calibrated, or it has to be tuned first.
        """
        check_fitted(self, "fitted_")
        if self.classes_ is not None:
            ids, _ = self.predict_topk(X, 1)
            return self.classes_[np.maximum(ids[:, 0], 0)]
        if self.decide is not None:
            return chosen_labels(self, X, self.decide)
        scores = score_matrix(*self.predict_topk(X, self.n_reachable_), self.n_labels_)
        _, combine = search_of(self)
        cut = 0.0 if combine == "noop" else np.log(0.5) if is_logarithmic(combine) else 0.5
        coo = scores.tocoo()
        kept = coo.data >= cut
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        return sp.csr_array((ones, (coo.row[kept], coo.col[kept])), shape=scores.shape)

    def score(self, X: MatrixLike, y: Targets) -> float:
        """Return the mean nDCG@5 against the labels ``y``, or the accuracy when `fit` was given a 1-D target."""
        check_fitted(self, "fitted_")
        k = 5 if self.classes_ is None else 1
        return quality(y, self.predict_topk(X, k)[0], self.n_labels_, self.classes_)

    def quantize(self, precision: str = "int8") -> Self:
        """Return a model whose weights are stored in another precision: smaller, and a little faster.

        Parameters
        ----------
        precision : {"int8", "float16", "float32"}, default="int8"
            int8 rounds to 1/127 of a label's largest weight, float16 to 11 bits. float32 keeps what is left.

        Returns
        -------
        estimator
            A fitted copy; tree and parameters are shared with this one.

        Raises
        ------
        ValueError
            If there is no such precision, or a weight does not fit it.
        """
        check_fitted(self, "fitted_")
        fitted = self.fitted_.quantize(precision, n_threads=n_threads(self.n_jobs))
        return fitted_clone(self, fitted_=fitted)

    def prune(self, *, threshold: float = 0.0, max_nonzeros: int | None = None) -> Self:
        """Return a model with only the largest weights of every ranker: smaller and faster.

        Parameters
        ----------
        threshold : float, default=0.0
            Weights of smaller magnitude are dropped. As in `fit`, they are those for rows of about unit length.
        max_nonzeros : int, optional
            At most so many weights stay of every ranker.

        Returns
        -------
        estimator
            A fitted copy; tree and parameters are shared with this one.
        """
        check_fitted(self, "fitted_")
        fitted = self.fitted_.prune(
            threshold=threshold, max_nonzeros=max_nonzeros, n_threads=n_threads(self.n_jobs)
        )
        return fitted_clone(self, fitted_=fitted)

    def without_rows(self) -> Self:
        """Return a fitted copy that does not keep its training rows: smaller, and fit for being passed on."""
        check_fitted(self, "fitted_")
        return fitted_clone(self, fitted_=replace(self.fitted_, rows=None), keep_rows=False)

    # ------------------------------------------------------------------ labels come and go
    #
    # Every method returns a new model that shares most arrays with this one, which stays as it is and can serve
    # meanwhile; whatever stops an update leaves no trace.

    def add_labels(
        self,
        X: MatrixLike,
        Y: Targets,
        *,
        label_features: MatrixLike | None = None,
        negative_share: float = NegativeCosts.negative_share,
        negative_cost: float = NegativeCosts.negative_cost,
        n_documents: int = 0,
    ) -> Self:
        """Return a model that knows further labels.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
            Recent instances: those of the new labels, and others that have none of them. The others are what the
            new labels are told apart from, so they should be like the queries to come.
        Y : sparse or dense indicator of shape (n_instances, n_new), or list of lists of numbers from 0 to n_new - 1
            The new labels only. Column ``j`` becomes label id ``n_labels_ + j``.
        label_features : sparse matrix or array of shape (n_new, n_label_features), optional
            As for `fit`, of the new labels. If ``representation`` is a matrix or a callable, which say nothing of new
            labels or are not saved, PIFA groups them.
        negative_share : float, default=1.0
            The share of the instances without a new label that ``X`` holds, if only a sample of them is given: at
            the root every one of them counts ``1 / negative_share`` times, and a branch with fewer levels than the
            tree needs a larger margin to be entered, since it was not told apart from what a sample does not hold.
            To overstate it (to say 1 of a sample of 0.1) favours the new labels over the old.
        negative_cost : float, default=1.0
            Multiplies ``Cn`` in the branch. Less makes labels with few instances easier to find, at some cost to the
            others.
        n_documents : int, default=0
            How many rows, the last ones, are documents of their labels, which `n_instances_` and `label_counts_` leave
            out; as for `fit`.

        Raises
        ------
        ValueError
            If a new label has no instance (let a text about it be one), no instance is without a new label, ``X`` has
            another number of features, or the model was fitted on a 1-D target or has ``negatives`` with ``"usn"``.
        """
        _check_changeable(self)
        rows = known_rows(self, X)
        warn_of_lengths(rows, self.row_length_)
        marks = check_log(rows, Y)
        return self.learn_labels(
            np.arange(self.n_labels_, self.n_labels_ + marks.shape[1]),
            rows,
            marks,
            label_features=label_features,
            negative_share=negative_share,
            negative_cost=negative_cost,
            n_documents=n_documents,
        )

    def refresh_labels(
        self,
        labels: ArrayLike,
        X: MatrixLike,
        Y: Targets,
        *,
        label_features: MatrixLike | None = None,
        negative_share: float = NegativeCosts.negative_share,
        negative_cost: float = NegativeCosts.negative_cost,
        n_documents: int = 0,
    ) -> Self:
        """Return a model that has learned some of its labels again; what it knew of them is forgotten.

        Parameters
        ----------
        labels : int array of shape (n_refreshed,)
            Label ids, without repetition.
        X, Y, label_features, negative_share, negative_cost, n_documents
            As for `add_labels`; column ``j`` of ``Y`` is ``labels[j]``.

        Raises
        ------
        ValueError
            As `add_labels`, or if an id is unknown or repeated, or ``Y`` has another number of columns.
        """
        _check_changeable(self)
        rows = known_rows(self, X)
        warn_of_lengths(rows, self.row_length_)
        return self.learn_labels(
            check_ids(labels, self.n_labels_),
            rows,
            Y,
            label_features=label_features,
            negative_share=negative_share,
            negative_cost=negative_cost,
            n_documents=n_documents,
        )

    def learn_labels(
        self,
        labels: ArrayLike,
        X: MatrixLike,
        Y: Targets,
        *,
        tree: LabelTree | None = None,
        label_features: MatrixLike | None = None,
        negative_share: float = NegativeCosts.negative_share,
        negative_cost: float = NegativeCosts.negative_cost,
        n_documents: int = 0,
    ) -> Self:
        """Add labels and refresh others in one step and one branch.

        Parameters
        ----------
        labels : int array of shape (n_learned,)
            Label ids, without repetition: those of the model are learned anew; the others, from ``n_labels_`` on
            without a gap, are added.
        tree : LabelTree, optional
            The branch, over the columns of ``Y``; by default one is grown as `fit` does. Its upper levels are left out
            where it is deeper than the model's tree.
        X, Y, label_features, negative_share, negative_cost, n_documents
            As for `add_labels`; column ``j`` of ``Y`` is ``labels[j]``.

        Raises
        ------
        ValueError
            As `refresh_labels`, or if ``tree`` does not fit ``Y``.
        """
        _check_changeable(self)
        costs = NegativeCosts(negative_share, negative_cost)
        options = LinearOptions.of_update(self)
        ids = check_new_ids(labels, self.n_labels_)
        rows = known_rows(self, X)
        marks = check_log(rows, Y, ids.size)
        check_integer("n_documents", n_documents, 0, rows.shape[0])
        fitted, times = learn_labels(
            self.fitted_,
            rows,
            marks,
            ids,
            options,
            tree=tree,
            label_features=label_features,
            costs=costs,
            n_documents=n_documents,
        )
        return self._updated(fitted, times, learned=ids)

    def partial_fit(self, X: MatrixLike, Y: Targets, *, step: float = 0.2, upper: bool = False) -> Self:
        """Learn from further rows of labels that are there; the model itself changes, as in scikit-learn.

        With ``keep_rows``, the rows join those that the model has, and the children of a node are trained anew whenever
        its rows have grown by about a tenth; labels without an instance so far do not learn. Otherwise the rankers of a
        row's labels, and their siblings, learn from the new rows alone, and stay as close to what they were as these
        allow; weights that many old rows have settled hardly move.

        Other leaves are not touched, and neither is the tree: where labels come or go, see `add_labels` and
        `remove_labels`; when the model has changed much, fit it anew.

        A calibrated model first compares its probabilities with the labels of the new rows: see `drift_`.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
            The more rows at a time, the faster it is.
        Y : sparse or dense indicator of shape (n_instances, n_labels), or list of label-id lists
            All labels of the rows, of those that the model has.
        step : float, default=0.2
            What costs of the new rows are multiplied by without ``keep_rows``: the smaller, the closer rankers stay to
            what they were.
        upper : bool, default=False
            Whether the layers above the labels learn without ``keep_rows``, too. They have seen all rows before, and
            forget more by a few new ones than they learn, unless what queries mean has changed.

        Returns
        -------
        self

        Warns
        -----
        UserWarning
            If answers are right much more or less often than the model's probabilities say.

        Raises
        ------
        ValueError
            If a shape does not fit, a label is not the model's, the model was fitted on a 1-D target, or a ``solver``
            is ``"logistic-dual"``.
        """
        _check_changeable(self)
        rows = known_rows(self, X)
        warn_of_lengths(rows, self.row_length_)
        marks = relevant_labels(Y, rows.shape[0], self.n_labels_, None)
        check_real("step", step, above=0.0)
        check_flag("upper", upper)
        start = time.perf_counter()
        fitted = self.fitted_
        plan = LinearOptions.of_update(self).plan(fitted.tree.depth)
        drift = None
        if self.calibration_ is not None and rows.shape[0]:
            top = self.predict_topk(rows, min(DRIFT_DEPTH, self.n_labels_))
            drift = Drift.measure(self.calibration_, top, marks)
        learned = learn_rows(
            fitted, rows, marks, plan, step=step, upper=upper, n_threads=n_threads(self.n_jobs)
        )
        calibration = updated_calibration(
            self, learned.n_labels, learned.label_counts, kept=np.arange(learned.n_labels)
        )
        self.fitted_, self.calibration_, self.drift_ = learned, calibration, drift
        self.fit_times_ = {"train": time.perf_counter() - start}
        if drift is not None and drift.drifted:
            warn(
                f"{drift.observed:.3g} of the first {DRIFT_DEPTH} answers to these rows are right, but "
                f"{drift.expected:.3g} were expected; the rows are not like those that the model was calibrated on: "
                "recalibrate it, or fit it anew"
            )
        return self

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

        They stand in one leaf of their own, which every search opens for which it might matter; the query is compared
        with each of them. Their rankers are made by `arborank.linear.unseen`.

        Parameters
        ----------
        labels : int array of shape (n_unseen,)
            As for `learn_labels`.
        label_texts : sparse matrix or array of shape (n_unseen, n_features)
            The texts, as instances are. A label of an empty one stays at the end of all lists.
        X : sparse matrix or array of shape (n_instances, n_features)
            Instances that labels of the model are known of, the more the better; there may be none.
        Y : sparse or dense indicator of shape (n_instances, n_labels_)
            Which labels of the model they have.
        known_texts : sparse matrix or array of shape (n_labels_, n_features), optional
            Texts about labels of the model; rows may be empty.
        weight : float, optional
            What the scores of these labels are multiplied by, above 0 and at most 1: the less, the fewer places they
            take from labels with instances. By default such that a label with a chance of one in 300 is as good as the
            tenth best label of half of the instances, but at least 0.2; 0.5 without instances. Without effect where
            ``combine`` is ``noop`` or the tree has one level.

        Raises
        ------
        ValueError
            If an id is unknown or repeated, or a shape does not fit.
        """
        _check_changeable(self)
        options = LinearOptions.of_saved(self)
        if weight is not None:
            check_real("weight", weight, above=0.0, most=1.0)
        ids = check_new_ids(labels, self.n_labels_)
        texts, rows = known_rows(self, label_texts, "label_texts"), known_rows(self, X)
        if texts.shape[0] != ids.size:
            raise ValueError(
                f"label_texts has {texts.shape[0]} rows, but labels has {ids.size} entries; one row per label"
            )
        marks = as_csr(Y, "Y", n_rows=rows.shape[0], n_cols=self.n_labels_)
        if known_texts is None:
            known_texts = sp.csr_array((self.n_labels_, self.n_features_in_), dtype=np.float32)
        known = known_rows(self, known_texts, "known_texts")
        if known.shape[0] != self.n_labels_:
            raise ValueError(
                f"known_texts has {known.shape[0]} rows, but the model has {self.n_labels_} labels"
            )
        fitted, times = learn_unseen_labels(self.fitted_, ids, texts, rows, marks, known, options, weight)
        return self._updated(fitted, times, learned=ids)

    def renumber_labels(self, ids: ArrayLike, n_labels: int) -> Self:
        """Return the same model for other label ids.

        Parameters
        ----------
        ids : int array of shape (n_labels_,)
            The new id of every label, without repetition.
        n_labels : int
            Labels of the new model; ids that none has are of labels that it never predicts.

        Raises
        ------
        TypeError, ValueError
            If an id is not an integer, repeated or out of range, or their number is another.
        """
        _check_changeable(self)
        fitted = renumber_labels(self.fitted_, ids, n_labels)
        places = np.full(n_labels, -1)
        places[np.asarray(ids)] = np.arange(self.n_labels_)
        return self._updated(fitted, places=places)

    def remove_labels(self, labels: ArrayLike, *, renumber: bool = False, missing: Missing = "error") -> Self:
        """Return a model that never predicts some of its labels, and holds no weights of theirs.

        Parameters
        ----------
        labels : int array
            Label ids, without repetition.
        renumber : bool, default=False
            Whether the labels that are left are numbered from 0 again, in their order. By default they keep their ids.
        missing : {"error", "ignore"}, default="error"
            What an id is that the model does not have, or that was removed before and kept its place: a `ValueError`,
            or nothing, so that the same ids may be given twice.

        Raises
        ------
        ValueError
            If an id is missing, unless that is to be ignored, or repeated, or no label would be left.
        """
        _check_changeable(self)
        fitted = remove_labels(self.fitted_, labels, renumber=renumber, missing=missing)
        places = np.arange(self.n_labels_)
        return self._updated(fitted, places=np.setdiff1d(places, labels) if renumber else places)

    def _updated(
        self,
        fitted: FittedTree,
        times: dict[str, float] | None = None,
        *,
        learned: NDArray[np.int64] | None = None,
        places: NDArray[np.int64] | None = None,
    ) -> Self:
        """Return a model with another tree; ``places`` are the old ids of labels, or ``learned`` those that are new."""
        calibration = updated_calibration(
            self, fitted.n_labels, fitted.label_counts, learned=learned, kept=places
        )
        changed = {} if times is None else {"fit_times_": times}
        return fitted_clone(self, fitted_=fitted, calibration_=calibration, **changed)

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted model apart for saving."""
        check_fitted(self, "fitted_")
        params = lasting(LinearOptions.of_saved(self).as_json)
        arrays, parts = classes_to_state(self.classes_)
        parts |= {**calibration_to_parts(self), **rule_to_parts(self.decide)}
        return State(
            {"params": params, "resolved": asdict(self.resolved_)}, arrays, {"fitted": self.fitted_, **parts}
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved model together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or the parts do not fit one another.
        """
        model = cls(**lasting(state.config["params"]))
        if "decide" in state.parts:
            model.decide = state.parts["decide"]  # which the options check
        model.resolved_ = Resolved(**state.config["resolved"])
        LinearOptions.of_saved(model)
        model.fitted_ = state.part("fitted", FittedTree)
        model.n_features_in_ = model.fitted_.n_features
        model.classes_ = classes_from_state(state, model.n_labels_)
        model.calibration_ = calibration_from_state(state, model.n_labels_)
        return model

    def _is_classifier(self) -> bool:
        return bool(self.single_label) or getattr(self, "classes_", None) is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = not self.single_label
        return tags


def _check_changeable(model: XRLinear) -> None:
    """Raise unless labels of a model can be changed."""
    check_fitted(model, "fitted_")
    if model.classes_ is not None:
        raise ValueError("the model was fitted on a 1-D target, whose classes cannot change; fit it anew")


def _told(value: T | None) -> T:
    """Return what is known of the training."""
    if value is None:
        raise AttributeError("an imported model does not know its training instances")
    return value
