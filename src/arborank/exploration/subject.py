"""A ranker as exploration sees it: queries of its kind, labels by name or id, and the tree inside."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArgumentError
from ..core.sparse import Csr
from ..core.types import TopK
from ..features.base import rows_of
from ..linear import XRLinear
from ..linear.defaults import search_of
from ..linear.fitted import FittedTree
from ..linear.instances import known_rows
from ..matching.combine import is_logarithmic
from ..text import TextRanker
from ..text.names import label_ids
from .log import Label, Row

__all__ = ["Subject"]


class Subject:
    """A fitted `XRLinear`, or a `TextRanker` around one.

    Raises
    ------
    TypeError
        If the model is something else.
    ValueError
        If it is not fitted, or its scores are margins (``combine="noop"``), which say nothing of rewards.
    """

    def __init__(self, model: TextRanker | XRLinear) -> None:
        inner = model.model_ if isinstance(model, TextRanker) and hasattr(model, "model_") else model
        if not isinstance(inner, XRLinear):
            raise TypeError(
                f"model must be a fitted XRLinear, or a TextRanker around one, found {type(model).__name__}"
                + (f" around {type(inner).__name__}" if inner is not model else "")
            )
        if not hasattr(inner, "fitted_"):
            raise ValueError(f"this {type(model).__name__} is not fitted; call fit first")
        self.model, self.inner = model, inner
        self.text = model if isinstance(model, TextRanker) else None
        self.beam_size, self.combine = search_of(inner)
        if self.combine == "noop":
            raise ValueError(
                "combine is 'noop', whose scores are margins; exploration needs scores from 0 to 1"
            )
        self.logarithmic = is_logarithmic(self.combine)

    @property
    def fitted(self) -> FittedTree:
        """The label tree and its layers."""
        return self.inner.fitted_

    @cached_property
    def revision(self) -> str:
        """What tells this model from others: a hash of its tree and biases."""
        digest = blake2b(digest_size=8)
        tree = self.fitted.tree
        for array in (tree.labels, *tree.branches, *(layer.bias for layer in self.fitted.layers)):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def calibrated(self) -> bool:
        """Whether the model tells probabilities."""
        return self.inner.calibration_ is not None

    def rows(self, queries: Sequence[str | Row]) -> Csr:
        """Return the rows of queries, which are texts for a model that reads texts."""
        if self.text is not None:
            if not all(isinstance(one, str) for one in queries):
                raise TypeError("the model ranks texts, but a query is a row of features")
            return cast(Csr, rows_of(self.text.features_, cast(Sequence[str], queries)))
        if any(isinstance(one, str) for one in queries):
            raise TypeError("the model ranks rows of features, but a query is a text")
        pairs = cast(Sequence[Row], queries)
        bounds = np.cumsum([0, *(len(features) for features, _ in pairs)])
        features = np.array([one for row, _ in pairs for one in row], np.int32)
        values = np.array([one for _, row in pairs for one in row], np.float32)
        return known_rows(self.inner, Csr(bounds, features, values, self.inner.n_features_in_))

    def query_of(self, query: str | Csr) -> str | Row:
        """Return a query as it stands in a log."""
        if isinstance(query, str):
            return query
        return tuple(query.indices.tolist()), tuple(query.data.tolist())

    def name(self, label: int) -> Label:
        """Return what a label is called."""
        return label if self.text is None else self.text.labels_[label]

    def find(self, labels: Iterable[Label]) -> NDArray[np.int64]:
        """Return the ids of labels, -1 for those that the model does not know."""
        given = list(labels)
        if self.text is None:
            n = self.inner.n_labels_
            return np.array([one if type(one) is int and 0 <= one < n else -1 for one in given], np.int64)
        found = [self.text.labels_.find(one) if isinstance(one, str) else None for one in given]
        return np.array([-1 if one is None else one for one in found], np.int64)

    def known(self, labels: Iterable[Label] | None) -> NDArray[np.int64] | None:
        """Return the ids of the labels that the model knows; None for None."""
        if labels is None:
            return None
        found = self.find(labels)
        return found[found >= 0]

    def ids(self, labels: Iterable[Label], argument: str) -> NDArray[np.int64]:
        """Return the ids of labels, or raise an error that names the argument if one is unknown."""
        given = list(labels)
        if self.text is not None:
            return np.array(
                label_ids(self.text.labels_, cast(list[str], given), self.text.normalization, argument),
                np.int64,
            )
        found = self.find(given)
        if (found < 0).any():
            raise ArgumentError(
                argument,
                f"holds {given[int(np.argmin(found))]!r}, but the model has labels 0 to {self.inner.n_labels_ - 1}",
            )
        return found

    def topk(
        self,
        rows: Csr,
        k: int,
        *,
        probabilities: bool = False,
        candidates: NDArray[np.int64] | None = None,
        exclude: NDArray[np.int64] | None = None,
    ) -> TopK:
        """Return the best labels of rows, with scores or probabilities."""
        predict: Any = self.inner.predict_proba_topk if probabilities else self.inner.predict_topk
        top: TopK = predict(rows, k, candidates=candidates, exclude=exclude)
        return top

    @cached_property
    def slots(self) -> NDArray[np.int64]:
        """The first slot of every label in the tree, -1 for a label without one."""
        tree = self.fitted.tree
        slots = np.full(tree.n_labels, -1, np.int64)
        slots[tree.labels[::-1]] = np.arange(tree.labels.size)[::-1]
        return slots

    @cached_property
    def fresh(self) -> NDArray[np.bool_] | None:
        """Whether the label of each slot is new: it had no row to be learned from. None where that is not known."""
        counts = self.fitted.label_counts
        return None if counts is None else counts[self.fitted.tree.labels] == 0

    @cached_property
    def ancestors(self) -> NDArray[np.int64]:
        """The nodes above every slot, from the level below the root down to the leaves: shape (n_slots, depth - 1)."""
        tree = self.fitted.tree
        above = np.empty((tree.labels.size, tree.depth - 1), np.int64)
        node = np.arange(tree.labels.size)
        for level in range(tree.depth, 1, -1):
            node = tree.parents(level)[node]
            above[:, level - 2] = node
        return above

    def above(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the nodes above labels, of shape (n, depth - 1); -1 for labels that are not in the tree."""
        slots = np.where(labels >= 0, self.slots[labels], -1)
        return np.where(slots[:, None] >= 0, self.ancestors[slots], -1)
