"""Instances with the features of their predicted neighbourhood.

After Chien et al., "PINA: Leveraging Side Information in eXtreme Multi-label Classification via Predicted Instance
Neighborhood Aggregation" (ICML 2023), with the labels themselves as the neighbours: a first ranker predicts a few
labels for an instance, and what is typical of these labels joins its features for a second ranker.
"""

from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from ..checks import check_integer, check_real
from ..indexing import pifa
from ..persistence import SaveMixin
from ..sparse import Csr, as_csr, multiply, normalize_rows, to_scipy
from ..state import State
from ..threads import n_threads
from .answers import mean_ndcg
from .targets import as_indicator
from .xrlinear import XRLinear

__all__ = ["NeighbourhoodRanker"]

Top = tuple[NDArray[np.int64], NDArray[np.float32]]


class NeighbourhoodRanker(SaveMixin, BaseEstimator):
    """Two rankers in a row: the second knows the labels that the first predicts by their typical features.

    A label's typical features are the largest of its PIFA vector; those of the first ranker's best labels are averaged,
    weighted by the softmax of their scores, made a unit vector and put beside the instance's own. Training instances
    are given the predictions of rankers that did not see them: two, each trained on a random half.

    Parameters
    ----------
    ranker : XRLinear, optional
        Its parameters are those of all rankers; default: ``XRLinear()``. Labels get no copies in the second and the
        halves, which use the first one's tree.
    n_neighbours : int, default 5
        Labels predicted by the first ranker.
    weight : float, default 0.7
        Length of the neighbourhood's vector.
    max_nonzeros : int, default 100
        Typical features of a label.
    random_state : int, default 0
        Seed of the halves.

    Attributes
    ----------
    first_, second_ : XRLinear
    n_labels_, n_features_in_ : int

    Notes
    -----
    Fitting takes about four times as long as one ranker, ranking three to four times: rows are that much longer.
    """

    first_: XRLinear
    second_: XRLinear

    def __init__(
        self,
        ranker: XRLinear | None = None,
        *,
        n_neighbours: int = 5,
        weight: float = 0.7,
        max_nonzeros: int = 100,
        random_state: int = 0,
    ) -> None:
        self.ranker = ranker
        self.n_neighbours = n_neighbours
        self.weight = weight
        self.max_nonzeros = max_nonzeros
        self.random_state = random_state

    def fit(self, X: Any, Y: Any) -> Self:
        """Train the rankers.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        Y : what `XRLinear.fit` takes, classes excepted

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter is of the wrong kind, shape or range.
        """
        check_integer("n_neighbours", self.n_neighbours, 1)
        check_integer("max_nonzeros", self.max_nonzeros, 1)
        check_real("weight", self.weight, above=0.0)
        if not isinstance(self.ranker, XRLinear | None):
            raise TypeError(f"ranker must be an XRLinear, found {type(self.ranker).__name__}")
        instances = as_csr(X, "X")
        labels, classes = as_indicator(Y, instances.shape[0])
        if classes is not None:
            raise ValueError("Y is 1-dimensional; an indicator matrix or lists of label ids were expected")
        ranker = XRLinear() if self.ranker is None else clone(self.ranker)
        threads = n_threads(ranker.n_jobs)
        first = ranker.fit(instances, labels)
        vectors = _largest(to_scipy(pifa(instances, labels, n_threads=threads)), self.max_nonzeros)
        later = clone(first).set_params(tree=first.tree_, max_clusters=1)
        rows, targets = to_scipy(instances), to_scipy(labels)
        ids = np.full((rows.shape[0], self.n_neighbours), -1, np.int64)
        scores = np.full(ids.shape, -np.inf, np.float32)
        half = np.random.default_rng(self.random_state).permutation(rows.shape[0]) % 2 == 0
        for held in (half, ~half):
            if held.any() and targets[~held].nnz:
                other = clone(later).fit(rows[~held], targets[~held])
                ids[held], scores[held] = other.predict_topk(rows[held], self.n_neighbours)
        joined = self._joined(instances, (ids, scores), vectors, threads)
        second = later.fit(joined, labels)
        # together, and last: a fit that fails leaves the model as it was
        self.first_, self.second_, self._vectors = first, second, vectors
        return self

    @property
    def n_labels_(self) -> int:
        """Number of labels."""
        self._check_fitted()
        return self.first_.n_labels_

    @property
    def n_features_in_(self) -> int:
        """Number of features of an instance, its neighbourhood's left out."""
        if not hasattr(self, "first_"):
            raise AttributeError("n_features_in_ is known once fit was called")
        return self.first_.n_features_in_

    def predict_topk(self, X: Any, k: int = 10, **options: Any) -> Top:
        """Return the best labels of every instance, best first; arguments and results are those of `XRLinear`.

        Options such as ``candidates`` hold for the second ranker; the first one always has all labels.
        """
        rows = self._augmented(X)
        return self.second_.predict_topk(rows, k, **options)

    def decision_function(self, X: Any) -> sp.csr_array:
        """Return the score of every label that the second ranker's beam reaches; see `XRLinear`."""
        rows = self._augmented(X)
        return self.second_.decision_function(rows)

    def predict(self, X: Any) -> Any:
        """Return the labels that the second ranker asserts; see `XRLinear`."""
        rows = self._augmented(X)
        return self.second_.predict(rows)

    def score(self, X: Any, y: Any) -> float:
        """Return the mean nDCG@5 against the labels ``y``."""
        return mean_ndcg(y, self.predict_topk(X, 5)[0], self.n_labels_)

    def _augmented(self, X: Any) -> Csr:
        self._check_fitted()
        instances = as_csr(X, "X", n_cols=self.n_features_in_)
        top = self.first_.predict_topk(instances, self.n_neighbours)
        return self._joined(instances, top, self._vectors, n_threads(self.first_.n_jobs))

    def _joined(self, X: Csr, top: Top, vectors: Csr, threads: int) -> Csr:
        """Return the instances with their neighbourhoods beside them."""
        ids, scores = top
        held = ids >= 0
        best = scores.max(axis=1, keepdims=True, initial=np.finfo(np.float32).min)
        shares = np.where(held, np.exp(np.where(held, scores, -np.inf) - best), 0).astype(np.float32)
        indptr = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
        weights = sp.csr_array((shares[held], ids[held], indptr), shape=(ids.shape[0], vectors.shape[0]))
        near = normalize_rows(multiply(as_csr(weights), vectors, n_threads=threads))
        return as_csr(sp.hstack([to_scipy(X), to_scipy(near) * np.float32(self.weight)], format="csr"))

    def _check_fitted(self) -> None:
        if not hasattr(self, "second_"):
            raise NotFittedError("this NeighbourhoodRanker is not fitted yet; call fit first")

    def to_state(self) -> State:
        """Return the parameters and the fitted rankers for saving."""
        self._check_fitted()
        names = ("n_neighbours", "weight", "max_nonzeros", "random_state")
        vectors = {name: getattr(self._vectors, name) for name in ("indptr", "indices", "data")}
        parts = {"first": self.first_, "second": self.second_}
        return State({name: getattr(self, name) for name in names}, vectors, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild a fitted model."""
        model = cls(**state.config)
        model.first_, model.second_ = state.parts["first"], state.parts["second"]
        indptr, indices, data = (state.arrays[name] for name in ("indptr", "indices", "data"))
        model._vectors = Csr(indptr, indices, data, model.first_.n_features_in_)
        return model


def _largest(vectors: sp.csr_array, k: int) -> Csr:
    """Keep the k largest values of every row."""
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    order = np.lexsort((vectors.indices, -vectors.data, rows))
    kept = np.sort(order[np.arange(order.size) - vectors.indptr[rows] < k])
    indptr = np.searchsorted(rows[kept], np.arange(vectors.shape[0] + 1))
    return Csr(indptr.astype(np.int64), vectors.indices[kept], vectors.data[kept], vectors.shape[1])
