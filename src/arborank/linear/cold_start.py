"""Cold start: labels without an instance stand in the tree by a text about each."""

import math
import time
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from ..core.checks import check_real
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.threads import n_threads
from ..indexing import LabelTree
from ..indexing.grafting import shape_branch
from ..matching.combine import is_logarithmic
from ..ranking import LayerWeights
from .catalogue import CatalogueMixin
from .unseen import margin_of, rankers_of_texts

__all__ = ["ColdStartMixin"]

# The chance from which on a label takes a place among the ten best of half of the instances, found with
# benchmarks/HOW-WE-KNOW.md; how many instances are looked at; what labels weigh where none can be.
_LEAST_CHANCE, _ASKED, _UNSEEN_WEIGHT = 1 / 300, 2000, 0.5


class ColdStartMixin(CatalogueMixin):
    """Ranks labels that nobody has chosen yet, in a fitted `XRLinear`."""

    def learn_unseen_labels(
        self,
        labels: ArrayLike,
        label_texts: Any,
        X: Any,
        Y: Any,
        *,
        known_texts: Any = None,
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
        self._check_changeable()
        if weight is not None:
            check_real("weight", weight, above=0.0, most=1.0)
        ids = self._all_known(labels)
        texts, instances = self._instances(label_texts, "label_texts"), self._instances(X)
        if texts.shape[0] != ids.size:
            raise ValueError(
                f"label_texts has {texts.shape[0]} rows, but labels has {ids.size} entries; a row a label"
            )
        marks = as_csr(Y, "Y", n_rows=instances.shape[0], n_cols=self.n_labels_)
        if known_texts is None:
            known_texts = sp.csr_array((self.n_labels_, self.n_features_in_), dtype=np.float32)
        known = self._instances(known_texts, "known_texts")
        if known.shape[0] != self.n_labels_:
            raise ValueError(
                f"known_texts has {known.shape[0]} rows, but the model has {self.n_labels_} labels"
            )
        start = time.perf_counter()
        rankers = rankers_of_texts(
            texts,
            instances,
            marks,
            known,
            self.combine,
            seed=self.random_state,
            n_threads=n_threads(self.n_jobs),
        )
        times = {"rankers": time.perf_counter() - start}
        leaf = LabelTree((np.array([0, ids.size]),), np.arange(ids.size, dtype=np.int32), ids.size)
        ranks = self.layers_[0].ranks
        learned = [LayerWeights.from_matrix(*rankers, leaf.branches[0], ranks=ranks)]
        depth = self.tree_.depth
        if depth > 1:
            gate = sp.csc_array((self.n_features_in_, 1), dtype=np.float32)
            share = self._weight_of_unseen(instances) if weight is None else float(weight)
            margin = np.array([margin_of(share, self.combine)], np.float32)
            learned.insert(0, LayerWeights.from_matrix(gate, margin, np.array([0, 1]), ranks=ranks))
            leaf = shape_branch(leaf, depth)
        return self._grafted(leaf, learned, ids, np.zeros(ids.size, np.int64), 0, times)

    def _weight_of_unseen(self, X: Csr) -> float:
        """Return the default of ``weight`` in `learn_unseen_labels`."""
        if not X.shape[0]:
            return _UNSEEN_WEIGHT
        rows = np.random.default_rng(self.random_state).permutation(X.shape[0])[:_ASKED]
        _, scores = self.predict_topk(to_scipy(X)[np.sort(rows)], 10)
        tenth = float(np.median(scores[:, 9].astype(np.float64)))
        if is_logarithmic(self.combine):
            tenth = math.exp(tenth) if math.isfinite(tenth) else tenth
        return min(max(tenth / _LEAST_CHANCE, 0.2), 1.0) if math.isfinite(tenth) else _UNSEEN_WEIGHT
