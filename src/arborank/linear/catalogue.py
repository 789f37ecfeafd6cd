"""Catalogue life: labels come, change and go without the tree being trained anew.

New labels get a branch of their own, grown and trained as `XRLinear.fit` does, but on the labels at hand only. Its top
nodes become children of the root, trained against all instances of the update; below them nothing differs from an
ordinary tree. The weights that were there stay as they are, so an old label's score does not change; only its rank may,
where a new label goes before it or a new branch takes the place of its own in the beam.
"""

import math
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from ..core.checks import IGNORE_MISSING, Missing, check_integer, check_missing, check_real
from ..core.errors import ArgumentError
from ..core.lengths import divide_rows, typical_length
from ..core.notices import warn
from ..core.sequences import as_column
from ..core.sparse import Csr
from ..indexing import LabelTree
from ..indexing.grafting import deepen, graft, prune, shape_branch
from ..ranking import LayerWeights, parse_scheme
from ..ranking.chunks import append_chunks, concat_siblings, select_children
from ..ranking.training import CERTAIN
from .growing import given_tree
from .learner import TreeLearner
from .parameters import values_of
from .targets import as_indicator

__all__ = ["CatalogueMixin"]

# What a sample of negatives leaves out, a branch with fewer levels has fewer rankers to make up for. Its margins at the
# root are lowered by so much for every level that it lacks, and every factor of e that the sample is smaller by; found
# as in benchmarks/HOW-WE-KNOW.md.
_LESS = 0.065
_ALIKE = 10  # lengths of rows in fit and an update; more, and they were not made in the same way


class CatalogueMixin(TreeLearner):
    """Adds, refreshes, renumbers and removes labels of a fitted `XRLinear`.

    Every method returns a new model that shares most arrays with the old one, which stays as it is and can serve
    meanwhile; whatever stops an update leaves no trace.
    """

    def add_labels(
        self,
        X: Any,
        Y: Any,
        *,
        label_features: Any = None,
        negative_share: float = 1.0,
        negative_cost: float = 1.0,
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

        Raises
        ------
        ValueError
            If a new label has no instance (let a text about it be one), no instance is without a new label, ``X`` has
            another number of features, or the model was fitted on a 1-D target or has ``negatives`` with ``"usn"``.
        """
        self._check_trainable()
        X, Y = self._log(X, Y)
        ids = np.arange(self.n_labels_, self.n_labels_ + Y.shape[1])
        return self._with_branch(X, Y, ids, label_features, None, _costs(negative_share, negative_cost))

    def refresh_labels(
        self,
        labels: ArrayLike,
        X: Any,
        Y: Any,
        *,
        label_features: Any = None,
        negative_share: float = 1.0,
        negative_cost: float = 1.0,
    ) -> Self:
        """Return a model that has learned some of its labels anew; what it knew of them is forgotten.

        Parameters
        ----------
        labels : int array of shape (n_refreshed,)
            Label ids, without repetition.
        X, Y, label_features, negative_share, negative_cost
            As for `add_labels`; column ``j`` of ``Y`` is ``labels[j]``.

        Raises
        ------
        ValueError
            As `add_labels`, or if an id is unknown or repeated, or ``Y`` has another number of columns.
        """
        self._check_trainable()
        return self.learn_labels(
            self._known(labels, self.n_labels_),
            X,
            Y,
            label_features=label_features,
            negative_share=negative_share,
            negative_cost=negative_cost,
        )

    def learn_labels(
        self,
        labels: ArrayLike,
        X: Any,
        Y: Any,
        *,
        tree: LabelTree | None = None,
        label_features: Any = None,
        negative_share: float = 1.0,
        negative_cost: float = 1.0,
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
        X, Y, label_features, negative_share, negative_cost
            As for `add_labels`; column ``j`` of ``Y`` is ``labels[j]``.

        Raises
        ------
        ValueError
            As `refresh_labels`, or if ``tree`` does not fit ``Y``.
        """
        self._check_trainable()
        ids = self._all_known(labels)
        X, Y = self._log(X, Y)
        if Y.shape[1] != ids.size:
            raise ValueError(
                f"Y has {Y.shape[1]} columns, but labels has {ids.size} entries; a column a label"
            )
        return self._with_branch(X, Y, ids, label_features, tree, _costs(negative_share, negative_cost))

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
            If an id is no integer, repeated or out of range, or their number is another.
        """
        self._check_changeable()
        check_integer("n_labels", n_labels, 1, 2**31 - 1)
        given = np.asarray(ids)
        if given.dtype.kind not in "iu":
            raise TypeError(f"ids must hold integer ids, found {given.dtype}")
        new = given.astype(np.int64)
        if new.shape != (self.n_labels_,) or np.unique(new).size < new.size:
            raise ValueError(f"ids must hold a different id for each of {self.n_labels_} labels")
        if new.min() < 0 or new.max() >= n_labels:
            raise ValueError(f"ids must be from 0 to {n_labels - 1}, found {new.min()} to {new.max()}")
        counts = _counts_of(self)
        if counts is not None:
            own, counts = counts, np.zeros(n_labels, np.int64)
            counts[new] = own
        return self._successor(self.tree_.relabel(new, n_labels), self.layers_, counts, 0)

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
        self._check_changeable()
        ids = self._known(labels, None if check_missing(missing) == "ignore" else self.n_labels_)
        there = ids < self.n_labels_
        if not renumber:  # what was removed before has an id still
            there[there] = np.isin(ids[there], self.tree_.labels)
        if missing == "error" and not there.all():
            raise ArgumentError("labels", f"holds {ids[~there][0]}, which was removed before", IGNORE_MISSING)
        ids = ids[there]
        tree, kept = prune(self.tree_, ids)
        if tree is None or ids.size == self.n_labels_:
            raise ArgumentError("labels", "holds every label of the model; at least one must be left")
        layers = _select(self.layers_, kept)
        counts = _counts_of(self)
        if counts is not None:
            counts[ids] = 0
        if renumber:
            left = np.ones(self.n_labels_, np.bool_)
            left[ids] = False
            tree = tree.relabel(np.cumsum(left) - 1, int(left.sum()))
            counts = None if counts is None else counts[left]
        return self._successor(tree, layers, counts, 0)

    # ------------------------------------------------------------------ parts

    def _with_branch(
        self,
        X: Csr,
        Y: Csr,
        ids: NDArray[np.int64],
        label_features: Any,
        given: LabelTree | None,
        costs: tuple[float, float],
    ) -> Self:
        self._check_lengths(X)
        X = divide_rows(X, self.row_length_)
        counts = self._count(X, Y)
        depth = self.tree_.depth
        if given is None:
            named = isinstance(self.representation, (str, Mapping)) and self.representation != "custom"
            grown, times = self._grow(X, Y, label_features, self.representation if named else "pifa")
        else:
            grown, times = given_tree(given, Y, label_features)
        branch = shape_branch(grown, depth)
        start = time.perf_counter()
        learned = self._train(X, Y, branch, depth, costs=costs)
        times["train"] = time.perf_counter() - start
        less = np.float32(_LESS * (depth - branch.depth) * math.log(costs[0]))
        learned[0] = replace(learned[0], bias=learned[0].bias - less)
        return self._grafted(branch, learned, ids, counts, X.shape[0], times)

    def _grafted(
        self,
        branch: LabelTree,
        learned: list[LayerWeights],
        ids: NDArray[np.int64],
        counts: NDArray[np.int64],
        n_further: int,
        times: dict[str, float],
    ) -> Self:
        """Hang a branch over labels ``ids``, with its layers, from the root; what the tree has of them goes."""
        start = time.perf_counter()
        depth, layers = self.tree_.depth, self.layers_
        n_labels = max(self.n_labels_, int(ids.max()) + 1)
        stem = prune(self.tree_, ids[ids < self.n_labels_])
        learned = _deepen(learned, depth, self.combine)
        tree = deepen(branch, depth).relabel(ids, n_labels)
        if stem[0] is not None:
            layers = layers if stem[0].labels.size == self.tree_.labels.size else _select(layers, stem[1])
            tree = graft(stem[0].relabel(np.arange(self.n_labels_), n_labels), tree)
            top = concat_siblings([layers[0], learned[0]])
            with ThreadPoolExecutor() as pool:  # copying, which is not bound to the interpreter
                learned = [top, *pool.map(append_chunks, layers[1:], learned[1:])]
        known = _counts_of(self)
        if known is not None:
            known = np.concatenate([known, np.zeros(n_labels - known.size, np.int64)])
            known[ids] = counts
        model = self._successor(tree, learned, known, n_further)
        times["graft"] = time.perf_counter() - start
        model.fit_times_ = times
        return model

    def _successor(
        self, tree: LabelTree, layers: list[LayerWeights], counts: NDArray[np.int64] | None, n_further: int
    ) -> Self:
        model = type(self)(**self.get_params(deep=False))
        model.n_features_in_, model.classes_ = self.n_features_in_, None
        if counts is not None:
            model.label_counts_, model.n_instances_ = counts, self.n_instances_ + n_further
        model._set_fitted(tree, layers, self.row_length_)
        return model

    def _check_changeable(self) -> None:
        self._check_fitted()
        if self.classes_ is not None:
            raise ValueError("the model was fitted on a 1-D target, whose classes cannot change; fit it anew")

    def _check_trainable(self) -> None:
        self._check_changeable()
        if any("usn" in parse_scheme(scheme) for scheme in values_of("negatives", self.negatives)):
            raise ValueError(
                f"negatives is {self.negatives!r}, but an update takes no user negatives; set_params(negatives='tfn') "
                "first, or fit the model anew"
            )

    def _log(self, X: Any, Y: Any) -> tuple[Csr, Csr]:
        instances = self._instances(X)
        marks, classes = as_indicator(Y, instances.shape[0])
        if classes is not None:
            raise ValueError(
                "Y is 1-dimensional; an indicator matrix, or a list of labels a row, was expected"
            )
        idle = np.flatnonzero(np.bincount(marks.indices, minlength=marks.shape[1]) == 0)
        if idle.size:
            raise ValueError(
                f"column {idle[0]} of Y (and {idle.size - 1} more) has no instance; every label needs one, which may "
                "be a text about the label"
            )
        if np.diff(marks.indptr).all():
            raise ArgumentError(
                "Y",
                "has a label in every row; there must also be instances without any, like the queries to come",
            )
        return instances, marks

    def _check_lengths(self, X: Csr) -> None:
        length = typical_length(X)
        ratio = max(length, self.row_length_) / min(length, self.row_length_)
        if ratio > _ALIKE:
            warn(
                f"rows of X have a typical length of {length:.3g}, but those that the model was fitted on had "
                f"{self.row_length_:.3g}; make them as for fit"
            )

    def _all_known(self, labels: ArrayLike) -> NDArray[np.int64]:
        """Check ids of labels of the model and of new ones, which leave no gap."""
        ids = self._known(labels, None)
        new = np.sort(ids[ids >= self.n_labels_])
        gaps = np.flatnonzero(new != self.n_labels_ + np.arange(new.size))
        if gaps.size:
            raise ValueError(
                f"labels leaves out {self.n_labels_ + gaps[0]}; ids of new labels follow {self.n_labels_ - 1}"
            )
        return ids

    def _known(self, labels: ArrayLike, n_labels: int | None) -> NDArray[np.int64]:
        """Check label ids below ``n_labels``, or of any size for None."""
        is_array = isinstance(labels, np.ndarray)
        ids = np.asarray(labels if is_array else list(as_column(labels, "labels", "a list of label ids")))
        if ids.ndim != 1 or ids.size == 0:
            raise ValueError(f"labels must be a list of at least one label id, found shape {ids.shape}")
        if ids.dtype.kind not in "iu" and not all(type(label) is int for label in ids.tolist()):
            raise TypeError(f"labels must hold integer ids, found {ids.dtype}")
        most = 2**31 - 1 if n_labels is None else n_labels
        wrong = ids[(ids < 0) | (ids >= most)]
        if wrong.size:
            there = (
                "label ids are below 2**31" if n_labels is None else f"the model has labels 0 to {most - 1}"
            )
            raise ArgumentError("labels", f"holds {wrong[0]}, but {there}")
        values, times = np.unique(ids, return_counts=True)
        if values.size < ids.size:
            raise ArgumentError("labels", f"holds {values[times > 1][0]} twice")
        return ids.astype(np.int64)


def _costs(negative_share: float, negative_cost: float) -> tuple[float, float]:
    share = check_real("negative_share", negative_share, above=0.0, most=1.0)
    return 1 / share, check_real("negative_cost", negative_cost, above=0.0)


def _counts_of(model: Any) -> NDArray[np.int64] | None:
    return model.label_counts_.astype(np.int64) if hasattr(model, "label_counts_") else None


def _select(layers: list[LayerWeights], kept: list[NDArray[np.bool_]]) -> list[LayerWeights]:
    return [
        layer if nodes.all() else select_children(layer, nodes)
        for layer, nodes in zip(layers, kept, strict=True)
    ]


def _deepen(layers: list[LayerWeights], depth: int, combine: str) -> list[LayerWeights]:
    """Insert layers of only children, see `deepen`, that pass the scores of their parents on."""
    n = layers[0].n_children
    if combine == "noop":  # scores do not come down from the parents, so the parents' rankers do
        W, bias = layers[0].to_matrix()
    else:
        W = sp.csc_array((layers[0].n_features, n), dtype=np.float32)
        bias = np.full(n, CERTAIN, np.float32)
    only = LayerWeights.from_matrix(W, bias, np.arange(n + 1), ranks=layers[0].ranks)
    return [layers[0], *[only] * (depth - len(layers)), *layers[1:]]
