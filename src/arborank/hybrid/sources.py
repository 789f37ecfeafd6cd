"""The sources of candidates: a label tree, mean instances, similar training rows and the names of labels."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .. import _native
from ..core.estimator import clone, pass_on
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, normalize_rows, to_scipy, transpose, without_zeros
from ..core.state import State
from ..core.types import AnyArray, TopK
from ..linear import XRLinear
from ..linear.centroids import largest_entries, mean_instances
from ..linear.defaults import search_of
from ..matching.combine import is_logarithmic

__all__ = ["MOST_FEATURES", "Limit", "Sources", "fit_sources"]

MOST_FEATURES = 128  # of a query that are compared, the largest
_KEPT = 64  # of a training row
_COMMON, _FEW = 0.02, 1000  # share of vectors that may have a feature, and how many may at least
_MOST = 1 << 20  # rows stored
_NAME = 2.0  # what the name of a label counts beside its instances

Limit = NDArray[np.int64] | Csr | None
"""Labels that may, or may not, be returned: ids for all rows, or a pattern of each."""

_MATRICES = ("centroids", "names", "neighbours")


@dataclass(frozen=True, eq=False)
class Sources:
    """What lists candidates.

    Attributes
    ----------
    ranker : XRLinear
        The label tree.
    centroids, names : Csr of shape (n_features, n_labels)
        In its columns the mean instance of every label, and its name, of unit length. Names may be empty.
    neighbours : Csr of shape (n_features, n_rows)
        In its columns the training rows.
    labels : Csr of shape (n_rows, n_labels)
        The labels of these rows.
    """

    ranker: XRLinear
    centroids: Csr
    names: Csr
    neighbours: Csr
    labels: Csr

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """Training instances of every label, names apart."""
        return self.ranker.label_counts_

    @cached_property
    def native(self) -> _native.Sources:
        """The sources as kernels take them; made when they are first asked for, and not saved.

        Raises
        ------
        ValueError
            If they do not fit one another.
        """
        log_counts = np.log1p(self.label_counts).astype(np.float32)
        return _native.Sources(self.centroids, self.names, self.neighbours, self.labels, log_counts)

    @cached_property
    def search(self) -> tuple[int, str]:
        """The tree's beam, and how it combines scores."""
        return search_of(self.ranker)

    def tree_lists(
        self,
        X: Csr,
        n: int,
        *,
        allowed: Limit = None,
        excluded: Limit = None,
        beam_size: int | None = None,
        n_threads: int,
    ) -> TopK:
        """Return the labels that the tree lists, ``n`` for every row, with scores from 0 to 1."""
        own_beam, combine = self.search
        fitted = self.ranker.fitted_
        ids, scores = fitted.search.topk(
            X,
            min(n, self.ranker.n_labels_),
            beam_size=own_beam if beam_size is None else beam_size,
            combine=combine,
            allowed=allowed,
            excluded=excluded,
            merge=fitted.merge,
            n_threads=n_threads,
        )
        return ids, np.exp(scores) if is_logarithmic(combine) else scores

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_state, (self.to_state(),)

    def quantize(self, precision: str) -> Self:
        """Store the weights of the tree in another precision."""
        return replace(self, ranker=self.ranker.quantize(precision))

    def to_state(self) -> State:
        """Return what is saved."""
        arrays: dict[str, AnyArray] = {}
        for name in _MATRICES:
            matrix: Csr = getattr(self, name)
            arrays |= {
                f"{name}_starts": matrix.indptr,
                f"{name}_ids": matrix.indices,
                f"{name}_values": matrix.data,
            }
        arrays |= {"row_starts": self.labels.indptr, "row_labels": self.labels.indices}
        return State({}, arrays, {"ranker": self.ranker})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put saved sources together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If the parts do not fit one another.
        """
        ranker = state.part("ranker", XRLinear)
        starts, labels = state.vector("row_starts", np.int64), state.vector("row_labels", np.int32)
        if ranker.fitted_.label_counts is None:
            raise ValueError("the ranker does not know how many instances its labels have")
        matrices = {
            name: Csr(
                state.vector(f"{name}_starts", np.int64),
                state.vector(f"{name}_ids", np.int32),
                state.vector(f"{name}_values", np.float32),
                starts.size - 1 if name == "neighbours" else ranker.n_labels_,
            )
            for name in _MATRICES
        }
        rows = Csr(starts, labels, np.ones(labels.size, np.float32), ranker.n_labels_)
        if matrices["centroids"].shape[0] != ranker.n_features_in_:
            raise ValueError("centroids do not fit the features of the ranker")
        sources = cls(ranker, labels=rows, **matrices)
        sources.native  # noqa: B018  is made now, which checks that the parts fit
        return sources


def fit_sources(
    ranker: XRLinear, X: Csr, Y: Csr, names: Csr | None, *, seed: int, n_threads: int, verbose: bool
) -> Sources:
    """Learn from rows and their labels.

    Parameters
    ----------
    ranker : XRLinear
        A copy of it is fitted.
    X : Csr of shape (n, n_features)
    Y : Csr of shape (n, n_labels)
    names : Csr of shape (n_labels, n_features), optional
        A row of features for the name of every label, or an empty one; it is an instance of the label, too.
    seed, n_threads, verbose
    """
    rows, marks, weights = X, to_scipy(Y), None
    own = np.flatnonzero(np.diff(names.indptr)) if names is not None else np.empty(0, np.int64)
    if names is not None and own.size:
        named = sp.csr_array(
            (np.ones(own.size, np.float32), own, np.arange(own.size + 1)), (own.size, Y.shape[1])
        )
        rows = as_csr(sp.vstack([to_scipy(X), to_scipy(names)[own]], format="csr"))
        weights = sp.vstack([marks, named * np.float32(_NAME)], format="csr")
        marks = sp.vstack([marks, named], format="csr")
    twin = clone(ranker)
    pass_on(twin, verbose=int(verbose))
    twin.fit(rows, marks, relevance=weights, n_documents=own.size)
    unit = normalize_rows(rows)
    means = mean_instances(unit, as_csr(marks if weights is None else weights), n_threads)
    kept = np.arange(rows.shape[0])
    if kept.size > _MOST:
        kept = np.sort(np.random.default_rng(seed).permutation(kept)[:_MOST])
    empty = Csr(
        np.zeros(X.shape[1] + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32), Y.shape[1]
    )
    return Sources(
        twin,
        centroids=transpose(_telling(means)),
        names=empty if names is None else transpose(_telling(to_scipy(normalize_rows(names)))),
        neighbours=transpose(_telling(largest_entries(to_scipy(unit)[kept], _KEPT))),
        labels=as_csr(marks[kept]),
    )


def _telling(vectors: "sp.csr_array") -> Csr:
    """Leave out features that many vectors have: they tell little, and take most of the time."""
    n_vectors, n_features = vectors.shape
    common = np.bincount(vectors.indices, minlength=n_features) > max(_COMMON * n_vectors, _FEW)
    values = np.where(common[vectors.indices], np.float32(0), vectors.data)
    return without_zeros(as_csr(sp.csr_array((values, vectors.indices, vectors.indptr), shape=vectors.shape)))
