"""A fitted tree of linear rankers answers: what every estimator of that kind has beside its `fit`."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ..checks import check_integer
from ..indexing import LabelTree
from ..matching import BeamSearch
from ..matching.merging import Merge, check_merge, merged_topk
from ..ranking import LayerWeights
from ..sparse import Csr, as_csr
from ..threads import n_threads
from .answers import mean_ndcg, score_matrix
from .filters import label_filter

__all__ = ["TreePredictor"]


class TreePredictor(BaseEstimator):
    """Base of estimators whose fitted self is a `LabelTree` with a layer of linear rankers a level.

    ``fit`` calls `_set_fitted` and sets ``classes_`` and ``n_features_in_``.

    Attributes
    ----------
    tree_ : LabelTree
    layers_ : list of LayerWeights
        One a layer of the tree, top first.
    classes_ : array of shape (n_labels,) or None
        Class values when `fit` was given a 1-D target.
    n_features_in_, n_labels_ : int
    """

    beam_size: int
    combine: str
    n_jobs: int | None
    tree_: LabelTree
    layers_: list[LayerWeights]
    classes_: NDArray[Any] | None
    n_features_in_: int
    n_labels_: int

    def _set_fitted(self, tree: LabelTree, layers: list[LayerWeights]) -> None:
        self.tree_ = tree
        self.layers_ = layers
        self.n_labels_ = tree.n_labels
        self._search = BeamSearch(tree.branches, layers, tree.labels, tree.n_labels)

    @property
    def n_reachable_(self) -> int:
        """Most labels that a search can return: those of ``beam_size`` leaves, if all are as wide as the widest."""
        widest = int(np.diff(self.tree_.branches[-1]).max())
        return min(self.n_labels_, self.beam_size * widest)

    def predict_topk(
        self,
        X: Any,
        k: int = 10,
        *,
        beam_size: int | None = None,
        combine: str | None = None,
        merge: Merge = "max",
        candidates: Any = None,
        exclude: Any = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best labels of every instance, best first.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        k : int, default=10
        beam_size, combine : optional
            Instead of the model's own.
        merge : {"max", "mean", "log-sum"}, default="max"
            How the scores of a label that is reached in several leaves become one; see `arborank.matching.merging`.
            All but ``"max"`` score every label below the beam, and take several times as long on an overlapping tree.
        candidates : array of label ids, list of label-id lists, or sparse matrix of shape (n_instances, n_labels)
            Labels that may be returned, for all rows or row by row. Nodes that lead to none of them are not opened, and
            the beam counts only nodes that are: with ``beam_size=n_labels`` every candidate is scored.
        exclude : like ``candidates``
            Labels that may not be returned. They take no place among the k.

        Returns
        -------
        ids : int64 array of shape (n_instances, k)
            Label ids, padded with -1 where the beam holds fewer than k labels.
        scores : float32 array of shape (n_instances, k)
            Scores in descending order, padded with -inf.
        """
        X = self._instances(X)
        check_merge(merge)
        check_integer("k", k, 1)
        options: dict[str, Any] = {
            "beam_size": self.beam_size if beam_size is None else check_integer("beam_size", beam_size, 1),
            "combine": self.combine if combine is None else combine,
            "allowed": label_filter(candidates, "candidates", X.shape[0], self.n_labels_),
            "excluded": label_filter(exclude, "exclude", X.shape[0], self.n_labels_),
            "n_threads": n_threads(self.n_jobs),
        }
        if merge != "max" and self.tree_.overlapping:
            return merged_topk(self.tree_, self.layers_, X, k, merge, **options)
        return self._search.topk(X, k, **options)

    def decision_function(self, X: Any) -> sp.csr_array:
        """Return the score of every label that the beam reaches, as a sparse (n_instances, n_labels) array.

        Departs from scikit-learn, whose scores are dense: a row has at most ``beam_size`` leaves' labels.
        """
        self._check_fitted()
        ids, scores = self.predict_topk(X, self.n_reachable_)
        return score_matrix(ids, scores, self.n_labels_)

    def predict(self, X: Any) -> Any:
        """Return the labels that the model asserts.

        Returns
        -------
        sparse indicator of shape (n_instances, n_labels)
            Labels with a score of at least one half (of its exponential for the ``log-`` combinations; of a margin of
            at least zero for ``noop``). When `fit` was given a 1-D target: the best class of every row instead.
        """
        self._check_fitted()
        if self.classes_ is not None:
            ids, _ = self.predict_topk(X, 1)
            return self.classes_[np.maximum(ids[:, 0], 0)]
        scores = self.decision_function(X)
        cut = 0.0 if self.combine == "noop" else np.log(0.5) if self.combine.startswith("log-") else 0.5
        coo = scores.tocoo()
        kept = coo.data >= cut
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        return sp.csr_array((ones, (coo.row[kept], coo.col[kept])), shape=scores.shape)

    def score(self, X: Any, y: Any) -> float:
        """Return the mean nDCG@5 against the labels ``y``, or the accuracy when `fit` was given a 1-D target."""
        self._check_fitted()
        if self.classes_ is not None:
            return float(np.mean(self.predict(X) == np.asarray(y)))
        return mean_ndcg(y, self.predict_topk(X, 5)[0], self.n_labels_)

    def _instances(self, X: Any, *, reset: bool = False) -> Csr:
        if not reset:
            self._check_fitted()
        if not (isinstance(X, Csr) or sp.issparse(X)):
            X = validate_data(self, X, reset=reset, dtype="numeric")
        csr = as_csr(X, "X")
        if reset:
            if csr.shape[0] == 0 or csr.shape[1] == 0:
                raise ValueError(f"X has shape {csr.shape}; at least one instance and one feature are needed")
        elif csr.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {csr.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return csr

    def _check_fitted(self) -> None:
        if not hasattr(self, "layers_"):  # check_is_fitted alone costs as much as a query
            check_is_fitted(self, "layers_")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "layers_"):
            self._set_fitted(self.tree_, self.layers_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
