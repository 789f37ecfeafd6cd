"""A fitted tree of linear rankers answers: what every estimator of that kind has beside its `fit`."""

import copy
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.errors import ArgumentError
from ..core.estimator import Estimator, check_fitted
from ..core.sequences import column_names
from ..core.sparse import Csr, as_csr, check_unmasked
from ..core.threads import n_threads
from ..indexing import LabelTree
from ..matching import BeamSearch, LabelFilter
from ..matching.combine import is_logarithmic
from ..matching.merging import Merge
from ..ranking import LayerWeights
from . import filters
from .answers import quality, score_matrix

__all__ = ["TreePredictor"]


class TreePredictor(Estimator):
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
    row_length_ : float
        What every row is divided by, as those were that the layers learned from; see `arborank.core.lengths`.
    """

    beam_size: int
    combine: str
    n_jobs: int | None
    tree_: LabelTree
    layers_: list[LayerWeights]
    classes_: NDArray[Any] | None
    n_features_in_: int
    n_labels_: int
    row_length_: float
    n_instances_: int
    label_counts_: NDArray[np.int64]
    fit_times_: dict[str, float]

    def _set_fitted(self, tree: LabelTree, layers: list[LayerWeights], row_length: float) -> None:
        self.tree_ = tree
        self.row_length_ = row_length
        self.layers_ = layers
        self.n_labels_ = tree.n_labels
        self._search = BeamSearch(tree.branches, layers, tree.labels, tree.n_labels, row_length)

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
        label_weights: Any = None,
        label_filter: LabelFilter | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best labels of every instance, best first.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        k : int, default=10
        beam_size, combine : optional
            Instead of the model's own.
        merge : {"max", "mean", "log-sum"}, default="max"
            How the scores of a label that is reached in several leaves become one, before the ``k`` best are taken:
            the best; their mean; or ``log(sum(exp(score)))``, for the ``log-`` combinations. All but ``"max"`` score
            every label below the beam, and take longer on an overlapping tree.
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
        X = self._instances(X)
        if label_filter is not None and not isinstance(label_filter, LabelFilter):
            raise TypeError(
                f"label_filter must be what prepare_filter returned, found {type(label_filter).__name__}"
            )
        check_integer("k", k, 1, 2**31 - 1)
        options: dict[str, Any] = {
            "beam_size": self.beam_size if beam_size is None else check_integer("beam_size", beam_size, 1),
            "combine": self.combine if combine is None else combine,
            "n_threads": n_threads(self.n_jobs),
        }
        given = {"allowed": ("candidates", candidates), "excluded": ("exclude", exclude)}
        weights = None if label_weights is None else self._label_weights(label_weights)
        for name, (argument, labels) in given.items():
            ids = filters.shared_ids(labels)
            options[name] = ids if ids is not None else self._rows_filter(labels, argument, X)
        try:
            return self._search.topk(X, k, label_filter=label_filter, weights=weights, merge=merge, **options)
        except ValueError:
            for argument, labels in given.values():  # with the name that the caller knows
                filters.check_ids(labels, argument, self.n_labels_)
            raise

    def _rows_filter(self, labels: Any, argument: str, X: Csr) -> Csr | None:
        return filters.label_filter(labels, argument, X.shape[0], self.n_labels_)

    def prepare_filter(
        self, *, candidates: Any = None, exclude: Any = None, label_weights: Any = None
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
        self._check_fitted()
        ids: dict[str, NDArray[Any] | None] = {}
        for name, argument, labels in (
            ("allowed", "candidates", candidates),
            ("excluded", "exclude", exclude),
        ):
            filters.check_ids(labels, argument, self.n_labels_)
            ids[name] = filters.shared_ids(labels)
            if ids[name] is None:
                rows = filters.label_filter(labels, argument, None, self.n_labels_)
                ids[name] = None if rows is None else rows.indices
        weights = None if label_weights is None else self._label_weights(label_weights)
        return self._search.filter(**ids, weights=weights)

    def _label_weights(self, weights: Any) -> NDArray[np.float32]:
        array = np.asarray(weights)
        if array.dtype.kind not in "iuf":
            raise TypeError(f"label_weights must be numbers, found {array.dtype}")
        if array.shape != (self.n_labels_,):
            raise ValueError(
                f"label_weights has shape {array.shape}, but the model has {self.n_labels_} labels"
            )
        limits = np.finfo(np.float32)
        if not ((array >= 0) & (array <= limits.max)).all():
            raise ValueError(f"label_weights must be finite, at least 0 and at most {limits.max:g}")
        return np.where(array > 0, np.maximum(array, limits.tiny), 0).astype(np.float32)  # only 0 is 0

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
        self._check_fitted()
        threads = n_threads(self.n_jobs)
        return self._with_layers([layer.astype(precision, n_threads=threads) for layer in self.layers_])

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
        self._check_fitted()
        threads = n_threads(self.n_jobs)
        return self._with_layers(
            [
                layer.prune(threshold=threshold, max_nonzeros=max_nonzeros, n_threads=threads)
                for layer in self.layers_
            ]
        )

    def _with_layers(self, layers: list[LayerWeights]) -> Self:
        other = copy.copy(self)
        other._set_fitted(self.tree_, layers, self.row_length_)
        return other

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
        cut = 0.0 if self.combine == "noop" else np.log(0.5) if is_logarithmic(self.combine) else 0.5
        coo = scores.tocoo()
        kept = coo.data >= cut
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        return sp.csr_array((ones, (coo.row[kept], coo.col[kept])), shape=scores.shape)

    def score(self, X: Any, y: Any) -> float:
        """Return the mean nDCG@5 against the labels ``y``, or the accuracy when `fit` was given a 1-D target."""
        self._check_fitted()
        k = 5 if self.classes_ is None else 1
        return quality(y, self.predict_topk(X, k)[0], self.n_labels_, self.classes_)

    def _instances(self, X: Any, name: str = "X", *, reset: bool = False) -> Csr:
        if not reset:
            self._check_fitted()
        if not (isinstance(X, Csr) or sp.issparse(X)):
            check_unmasked(X, name)
            plain = (
                type(X) is np.ndarray and X.dtype.kind in "biuf" and not hasattr(self, "feature_names_in_")
            )
            # a fit reads through a blank estimator: this one learns its features only when all has gone well
            reader = type(self)() if reset else self
            if name == "X" and column_names(X) is not None:
                from sklearn.utils.validation import _check_feature_names

                _check_feature_names(reader, X, reset=reset)
            elif name == "X" and (reset or not plain):  # the name in the errors of scikit-learn
                from sklearn.utils.validation import validate_data

                X = validate_data(reader, X, reset=reset, dtype="numeric")
        csr = as_csr(X, name)
        if reset:
            if csr.shape[0] == 0 or csr.shape[1] == 0:
                raise ValueError(f"X has shape {csr.shape}; at least one instance and one feature are needed")
        elif csr.shape[1] != self.n_features_in_:
            expected = f"{type(self).__name__} is expecting {self.n_features_in_} features as input"
            raise ArgumentError(name, f"has {csr.shape[1]} features, but {expected}")
        return csr

    def _set_features(self, X: Any, n_features: int) -> None:
        """Take the number of features from a fit, and their names where ``X`` has some."""
        self.n_features_in_ = n_features
        if isinstance(X, (Csr, np.ndarray)) or sp.issparse(X):
            self.__dict__.pop("feature_names_in_", None)
        else:
            from sklearn.utils.validation import _check_feature_names

            _check_feature_names(self, X, reset=True)

    def _check_fitted(self) -> None:
        check_fitted(self, "layers_")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if hasattr(self, "layers_"):
            self._set_fitted(self.tree_, self.layers_, self.row_length_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
