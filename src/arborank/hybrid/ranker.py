"""HybridRanker: a label tree and other sources of candidates, merged on calibrated scores.

A tree is strong where labels have many instances; the mean of few instances, similar training rows and a label's own
name find others. A logistic model of what each of them says gives one probability.
"""

from dataclasses import asdict
from typing import Any, ClassVar, Self

from ..core.checks import check_integer
from ..core.errors import ArgumentError
from ..core.estimator import Estimator, check_fitted, fitted_clone
from ..core.memory import check_answers_fit
from ..core.sparse import as_csr
from ..core.state import State
from ..core.threads import n_threads
from ..core.types import LabelIds, MatrixLike, Targets, TopK
from ..linear import XRLinear
from ..linear.answers import quality
from ..linear.filters import check_ids, of_rows
from ..linear.instances import known_rows, new_rows
from ..linear.targets import as_indicator
from ..storage import SaveMixin
from .fitted import Evidence, FittedHybrid
from .fitting import fit_hybrid
from .options import HybridOptions

__all__ = ["HybridRanker"]


class HybridRanker(SaveMixin, Estimator):
    """A label tree merged with three other sources of candidates.

    The sources are `XRLinear`; the mean instance of every label; the labels of similar training rows; and, where label
    features are given, the likeness of a row and a label's name. Each lists candidates, and a logistic model turns what
    all of them say of one, and how frequent it is, into the probability that it is relevant. It is learned from rows
    that the sources have not seen: these are fitted on a part of the rows first, and then on all. Training takes at
    least twice as long as that of the tree, ranking about three times as long.

    Parameters
    ----------
    ranker : XRLinear, optional
        The label tree, by default with its defaults; ``combine="noop"``, whose scores are no probabilities, is refused.
    n_candidates : int, default=50
        Labels that each source lists.
    n_neighbours : int, default=50
        Similar training rows whose labels are candidates.
    random_state : int, default=0
        Seed of the rows that are held out; the tree has its own.
    n_jobs : int, optional
        Threads; None or -1 for every core. The result does not depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    fitted_ : FittedHybrid
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
        random_state: int = HybridOptions.random_state,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.ranker = ranker
        self.n_candidates = n_candidates
        self.n_neighbours = n_neighbours
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: MatrixLike, Y: Targets, *, label_features: MatrixLike | None = None) -> Self:
        """Fit the sources and learn how to merge them.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        Y : sparse or dense indicator of shape (n_instances, n_labels), or list of label-id lists
        label_features : sparse matrix or array of shape (n_labels, n_features), optional
            The name of every label in the features of ``X``; rows may be empty. A label without an instance can be
            found by its name alone.

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter is of the wrong kind, shape or range; the message names it. Also if there are
            too few rows to hold some out.
        MemoryError
            If training would need more memory than the machine has.
        """
        options, threads = HybridOptions.of(self), n_threads(self.n_jobs)
        ranker = _ranker(self.ranker, self.n_jobs)
        rows, features = new_rows(self, X)
        labels, classes = as_indicator(Y, rows.shape[0])
        if classes is not None:
            raise ArgumentError("Y", "is 1-dimensional; give a list of labels for every row, or an indicator")
        names = None
        if label_features is not None:
            names = as_csr(label_features, "label_features", n_rows=labels.shape[1], n_cols=rows.shape[1])
        fitted, times = fit_hybrid(
            rows, labels, names, ranker, options, n_threads=threads, verbose=bool(self.verbose)
        )
        # together, and last: a fit that fails leaves the model as it was
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__ |= {"fitted_": fitted, "fit_times_": times, **features}
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
        allowed = of_rows(candidates, "candidates", rows.shape[0], n_labels)
        excluded = of_rows(exclude, "exclude", rows.shape[0], n_labels)
        check_ids(candidates, "candidates", n_labels)
        check_ids(exclude, "exclude", n_labels)
        return self.fitted_.topk(
            rows,
            k,
            allowed=allowed,
            excluded=excluded,
            beam_size=beam_size,
            n_threads=n_threads(self.n_jobs),
        )

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

    def score(self, X: MatrixLike, y: Targets) -> float:
        """Return the mean nDCG@5 against the labels ``y``."""
        check_fitted(self, "fitted_")
        return quality(y, self.predict_topk(X, 5)[0], self.n_labels_, None)

    def quantize(self, precision: str = "int8") -> Self:
        """Return a fitted copy whose tree stores its weights in another precision; see `XRLinear.quantize`."""
        check_fitted(self, "fitted_")
        return fitted_clone(self, fitted_=self.fitted_.quantize(precision))

    def to_state(self) -> State:
        """Take the fitted model apart for saving."""
        check_fitted(self, "fitted_")
        return self.fitted_.to_state()

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved model together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or the parts do not fit one another.
        """
        fitted = FittedHybrid.from_state(state)
        model = cls(fitted.sources.ranker, **asdict(fitted.options))
        model.fitted_ = fitted
        model.n_features_in_ = model.ranker_.n_features_in_
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _ranker(given: XRLinear | None, n_jobs: int | None) -> XRLinear:
    """Return the tree's estimator, or raise unless it can be merged."""
    ranker = XRLinear(n_jobs=n_jobs) if given is None else given
    if not isinstance(ranker, XRLinear):
        raise TypeError(f"ranker must be an XRLinear, found {type(ranker).__name__}")
    if ranker.combine == "noop":
        raise ArgumentError("ranker", "has combine='noop', whose scores are no probabilities; choose another")
    return ranker
