"""XR-Linear: a tree of linear one-versus-rest rankers, searched with a beam.

Index, match and rank of the PECOS framework (Yu et al., JMLR 2022) with both learned stages linear: every node of the
label tree has a ranker among its siblings, trained on the instances that reach its parent, and the whole stack is one
structure that one native call searches.
"""

import time
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np

from ..core.checks import check_integer, check_real
from ..core.estimator import check_fitted
from ..core.lengths import divide_rows, typical_length, warn_of_scales
from ..core.sparse import Csr
from ..core.state import State, lasting
from ..core.threads import n_threads
from ..indexing import LabelTree
from ..indexing.overlap import Copies
from ..ranking import LayerWeights
from ..storage import SaveMixin
from .checkpoint import Checkpoint, checkpoint_in
from .cold_start import ColdStartMixin
from .disentangle import refine_tree
from .growing import given_tree
from .parameters import CUSTOM, check_parameters, solver_params
from .targets import as_indicator, check_plausible, classes_from_state, classes_to_state

__all__ = ["XRLinear"]


class XRLinear(SaveMixin, ColdStartMixin):
    """Recursive linear model for extreme multi-label ranking.

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
        arrays and returns a matrix with a row a label, such as text embeddings; such a matrix can be given, too.
    alpha : float, default=0.5
        Share of PIFA in ``pifa-convex``.
    branching : int, default=16
        Children of an inner node.
    max_leaf_size : int, default=100
        Most labels in a leaf cluster.
    spherical : bool, default=True
        Whether k-means normalises its centroids.
    max_clusters : int, default=1
        Most leaves of a label. With 2 or more, labels get copies in further leaves that their instances are sent to:
        see `arborank.linear.disentangle`.
    copies : {"needed", "all", "counted"}, default="needed"
        Which labels get copies when ``max_clusters`` is above 1. ``"needed"``: those that beams miss, a sixth of all at
        most; training takes about twice as long, ranking a tenth longer. ``"all"``: nearly every label gets
        ``max_clusters`` leaves; this ranks better, and with four leaves takes five to nine times as long to train, two
        to four times as long to rank, and four times the space. ``"counted"``: all labels, by the rule of Liu et al.
        (NeurIPS 2021), for comparisons.
    solver : {"l2svc-dual", "l1svc-dual", "logistic-dual", "l2svc-primal"} or one a layer, default="l2svc-dual"
        Rankers learn from ``X`` divided by the typical length of its rows, ``row_length_``, so that ``Cp``, ``Cn``,
        ``bias`` and ``threshold`` mean the same for embeddings of length 20, counts and unit rows. Rows of very
        different lengths are better brought to one length first, with `sklearn.preprocessing.normalize`.
    Cp, Cn : float or one a layer, default=1.0
        Cost of an error on a positive and on a negative example.
    bias : float or one a layer, default=1.0
        Value of the constant feature; 0 for none.
    eps : float, None or one a layer, default=None
        Solver tolerance; None is 0.1 for the dual solvers and 0.01 for the primal.
    max_iter : int or one a layer, default=100
    threshold : float or one a layer, default=0.1
        Weights smaller than this in absolute value are dropped, by default most of a ranker's; 0 keeps them all. It is
        relative to ``row_length_``, and less goes of labels whose instances are much shorter or longer than that.
        When next to nothing is left, `fit` warns.
    max_nonzeros : int, None or one a layer, default=None
        Largest weights kept per label.
    negatives : str or one a layer, default="tfn"
        Where a layer's negative examples come from: ``"tfn"`` (teacher forcing: instances with a positive below the
        same parent), ``"man"`` (matcher-aware: instances whose beam reaches the parent), ``"usn"`` (given to `fit`),
        or a union such as ``"tfn+man"``.
    relevance : {"induce", "ranker-only"}, default="induce"
        Where the relevance given to `fit` weighs positives: at every layer, or at the bottom layer only.
    relevance_norm : {"none", "l1", "l2", "max"}, default="none"
        Norm of each instance's relevance at a layer.
    beam_size : int, default=10
        Nodes kept at every inner layer of the search.
    combine : str, default="l3-hinge"
        How a margin becomes a score and joins its parent's; see `arborank.matching.combine`.
    random_state : int, default=0
        Seed of the tree and, with ``max_clusters`` above 1, of the halves that its matchers learn from. Everything
        else is the same whatever the seed.
    n_jobs : int, optional
        Threads; None or -1 for every core. The result does not depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    tree_ : LabelTree
    layers_ : list of LayerWeights
        One a layer of the tree, top first.
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
    fit_times_ : dict of str to float
        Seconds spent on ``"representation"``, ``"index"``, ``"train"`` and, with ``max_clusters`` above 1,
        ``"disentangle"``; on the parts of the last update, after one.

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

    def __init__(
        self,
        *,
        tree: LabelTree | None = None,
        representation: Any = "pifa",
        alpha: float = 0.5,
        branching: int = 16,
        max_leaf_size: int = 100,
        spherical: bool = True,
        max_clusters: int = 1,
        copies: Copies = "needed",
        solver: str | Sequence[str] = "l2svc-dual",
        Cp: float | Sequence[float] = 1.0,
        Cn: float | Sequence[float] = 1.0,
        bias: float | Sequence[float] = 1.0,
        eps: float | Sequence[float | None] | None = None,
        max_iter: int | Sequence[int] = 100,
        threshold: float | Sequence[float] = 0.1,
        max_nonzeros: int | Sequence[int | None] | None = None,
        negatives: str | Sequence[str] = "tfn",
        relevance: str = "induce",
        relevance_norm: str = "none",
        beam_size: int = 10,
        combine: str = "l3-hinge",
        random_state: int = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.tree = tree
        self.representation = representation
        self.alpha = alpha
        self.branching = branching
        self.max_leaf_size = max_leaf_size
        self.spherical = spherical
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
        self.relevance = relevance
        self.relevance_norm = relevance_norm
        self.beam_size = beam_size
        self.combine = combine
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        X: Any,
        Y: Any,
        *,
        label_features: Any = None,
        relevance: Any = None,
        user_negatives: Any = None,
        work_dir: str | PathLike[str] | None = None,
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
        return self._fit(
            X,
            Y,
            label_features=label_features,
            relevance=relevance,
            user_negatives=user_negatives,
            work_dir=work_dir,
        )

    def _fit(
        self,
        X: Any,
        Y: Any,
        *,
        label_features: Any = None,
        relevance: Any = None,
        user_negatives: Any = None,
        work_dir: str | PathLike[str] | None = None,
        refinement: dict[str, Any] | None = None,
        row_length: float | None = None,
    ) -> Self:
        """Fit; ``refinement`` holds options of `refine_tree` that are no parameters of the estimator.

        ``row_length`` is given where rows are made to measure, and their lengths say something.
        """
        check_parameters(self)
        given, own = X, self._instances(X, reset=True)
        if row_length is None:
            row_length = typical_length(own)
            warn_of_scales(own)
        X = divide_rows(own, row_length)
        Y, classes = as_indicator(Y, X.shape[0])
        label_counts = self._count(
            X, Y, keeps_weights=work_dir is None, grows_tree=self.tree is None, divided=X is not own
        )
        extras = {"label_features": label_features, "relevance": relevance, "user_negatives": user_negatives}
        if work_dir is not None and self.tree is None and callable(self.representation):
            raise ValueError(
                "representation is a callable, which work_dir cannot recognise when training goes on; "
                "call it, and give the matrix that it returns"
            )
        if not isinstance(self.representation, (str, Mapping)) and not callable(self.representation):
            extras["representation"] = self.representation
        with checkpoint_in(work_dir, self._settings(), self.tree, X=X, Y=Y, **extras) as checkpoint:
            seen = own if callable(self.representation) else X
            tree, times = self._obtain_tree(seen, Y, label_features, checkpoint)
            routes = None
            if self.max_clusters > 1:
                refined = refine_tree(
                    X,
                    Y,
                    tree,
                    solver_params(self, tree.depth),
                    max_clusters=self.max_clusters,
                    copies=self.copies,
                    beam_size=self.beam_size,
                    combine=self.combine,
                    random_state=self.random_state,
                    n_threads=n_threads(self.n_jobs),
                    verbose=bool(self.verbose),
                    **(refinement or {}),
                )
                tree, routes, times["disentangle"] = refined.tree, refined.routes, refined.seconds
            start = time.perf_counter()
            layers = self._train(
                X, Y, tree, tree.depth, relevance, user_negatives, routes, checkpoint=checkpoint
            )
            times["train"] = time.perf_counter() - start
        # together, and last: a fit that fails leaves the model as it was
        self._set_features(given, X.shape[1])
        self.n_instances_ = X.shape[0]
        self.label_counts_, self.classes_, self.fit_times_ = label_counts, classes, times
        self._set_fitted(tree, layers, row_length)
        return self

    def _obtain_tree(
        self, X: Csr, Y: Csr, label_features: Any, checkpoint: Checkpoint | None
    ) -> tuple[LabelTree, dict[str, float]]:
        if self.tree is not None:
            return given_tree(self.tree, Y, label_features)
        if checkpoint is None:
            return self._grow(X, Y, label_features, self.representation)
        return checkpoint.tree(lambda: self._grow(X, Y, label_features, self.representation))

    def _settings(self) -> dict[str, Any]:
        """Return the parameters as JSON holds them, but for the tree."""
        settings = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.get_params(deep=False).items()
            if name != "tree"
        }
        if not isinstance(self.representation, (str, Mapping)):
            settings["representation"] = CUSTOM
        elif isinstance(self.representation, Mapping):
            settings["representation"] = dict(self.representation)
        return settings

    # ------------------------------------------------------------------ save

    @classmethod
    def from_pecos(cls, directory: str | PathLike[str], **options: Any) -> Self:
        """Take over a model that PECOS saved; ``options`` are those of `arborank.linear.pecos.import_xlinear`."""
        from .pecos import import_xlinear

        parts = import_xlinear(directory, **options)
        model = cls(bias=list(parts.bias), beam_size=parts.beam_size, combine=parts.combine)
        model.n_features_in_ = parts.layers[0].n_features
        model.classes_ = None
        model._set_fitted(parts.tree, list(parts.layers), 1.0)
        return model

    def to_state(self) -> State:
        """Take the fitted model apart for saving."""
        check_fitted(self, "layers_")
        check_parameters(self, saved=True)
        arrays, parts = classes_to_state(self.classes_)
        parts |= {f"layer{level}": layer for level, layer in enumerate(self.layers_)}
        parts["tree"] = self.tree_
        config: dict[str, Any] = {"params": lasting(self._settings()), "n_features": self.n_features_in_}
        config["row_length"] = self.row_length_
        if hasattr(self, "label_counts_"):  # an imported model does not know them
            arrays["label_counts"] = self.label_counts_
            config["n_instances"] = self.n_instances_
        return State(config, arrays, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved model together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or the parts do not fit one another.
        """
        model = cls(**lasting(state.config["params"]))
        check_parameters(model, saved=True)
        tree = state.part("tree", LabelTree)
        layers = [state.part(f"layer{level}", LayerWeights) for level in range(tree.depth)]
        model.n_features_in_ = check_integer("n_features", state.config["n_features"], 1)
        if model.n_features_in_ != layers[0].n_features:
            raise ValueError(f"n_features is {model.n_features_in_}, but layer0 takes {layers[0].n_features}")
        row_length = check_real("row_length", state.config["row_length"], above=0.0)
        if "label_counts" in state.arrays:
            model.label_counts_ = state.arrays["label_counts"]
            model.n_instances_ = check_integer("n_instances", state.config["n_instances"], 0)
            if model.label_counts_.shape != (tree.n_labels,) or model.label_counts_.dtype != np.int64:
                raise ValueError(
                    f"label_counts is {model.label_counts_.dtype} of shape {model.label_counts_.shape}; int64 of "
                    f"shape ({tree.n_labels},) was expected"
                )
        else:
            check_plausible("n_labels", tree.n_labels, tree.labels.size)
        model.classes_ = classes_from_state(state, tree.n_labels)
        model._set_fitted(tree, layers, row_length)
        return model
