"""The sources of candidates: a label tree, mean instances, similar training rows and the names of labels."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _native
from ..core.estimator import clone, pass_on
from ..core.lengths import divide_rows
from ..core.sparse import Csr, normalize_rows, scale_rows, select_rows, to_scipy
from ..core.state import State
from ..core.types import AnyArray, FilePath, TopK
from ..linear import XRLinear
from ..linear.centroids import largest_entries, mean_instances
from ..linear.defaults import search_of
from ..matching.combine import is_logarithmic
from .lesson import Lesson
from .options import HybridOptions
from .postings import Postings

__all__ = ["KEPT", "SHORT_LIST", "Asked", "Inputs", "Limit", "Sources", "fit_sources"]

SHORT_LIST = 30  # candidates that the tree is asked about again, at least
_MOST_FEATURES = 128  # of a query that are compared, the largest
KEPT = 64  # features of a training row
_MOST = 1 << 20  # rows stored

Limit = NDArray[np.int64] | Csr | None
"""Labels that may, or may not, be returned: ids for all rows, or a pattern of each."""

_POSTINGS = ("centroids", "names", "neighbours")

Inputs: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""Where the candidates of every row begin, their labels, and what their scores are made of: see `Sources.inputs`."""


class Asked(NamedTuple):
    """Rows, what the tree lists for them, and how the other sources are asked."""

    X: Csr
    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    options: _native.MergeOptions


@dataclass(frozen=True, eq=False)
class Sources:
    """What lists candidates.

    Attributes
    ----------
    ranker : XRLinear
        The label tree.
    centroids, names : Postings
        The mean instance of every label, and its name, of unit length. Names may be empty.
    neighbours : Postings
        The training rows.
    labels : Csr of shape (n_rows, n_labels)
        The labels of these rows.
    """

    ranker: XRLinear
    centroids: Postings
    names: Postings
    neighbours: Postings
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
        return _native.Sources(
            self.centroids.matrix, self.names.matrix, self.neighbours.matrix, self.labels, log_counts
        )

    @cached_property
    def search(self) -> tuple[int, str]:
        """The tree's beam, and how it combines scores."""
        return search_of(self.ranker)

    def asked(
        self,
        X: Csr,
        options: HybridOptions,
        *,
        allowed: Limit = None,
        excluded: Limit = None,
        beam_size: int | None = None,
        n_short: int = SHORT_LIST,
        n_threads: int,
    ) -> "Asked":
        """Ask the tree; return what the kernels of the other sources take of it."""
        return Asked(
            divide_rows(X, self.ranker.row_length_),
            *self.tree_lists(
                X,
                options.n_candidates,
                allowed=allowed,
                excluded=excluded,
                beam_size=beam_size,
                n_threads=n_threads,
            ),
            _native.MergeOptions(
                n_candidates=options.n_candidates,
                n_neighbours=options.n_neighbours,
                most_features=_MOST_FEATURES,
                n_short=n_short,
            ),
        )

    def inputs(self, X: Csr, options: HybridOptions, n_threads: int) -> Inputs:
        """Return the candidates of every row.

        Returns
        -------
        indptr : int64 array of shape (n_rows + 1,)
            Where those of each row begin.
        labels : int32 array of shape (n_candidates,)
        inputs : float32 array of shape (n_candidates, n_inputs)
            What their scores are made of; ``native/search/sources.hpp`` has the list.
        """
        return self.native.inputs(*self.asked(X, options, n_threads=n_threads))

    def short_inputs(
        self,
        X: Csr,
        options: HybridOptions,
        weights: NDArray[np.float64],
        n_threads: int,
        n_short: int = SHORT_LIST,
    ) -> Inputs:
        """Return the same of the best candidates of every row by the first model, with what the tree says of them."""
        asked = self.asked(X, options, n_short=n_short, n_threads=n_threads)
        return self.native.short_inputs(*asked, self.ranker.fitted_.search.native, weights)

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
        for name in _POSTINGS:
            arrays |= getattr(self, name).to_arrays(name)
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
        vectors = {
            name: Postings.from_state(
                state, name, starts.size - 1 if name == "neighbours" else ranker.n_labels_
            )
            for name in _POSTINGS
        }
        rows = Csr(starts, labels, np.ones(labels.size, np.float32), ranker.n_labels_)
        if vectors["centroids"].matrix.shape[0] != ranker.n_features_in_:
            raise ValueError("centroids do not fit the features of the ranker")
        sources = cls(ranker, labels=rows, **vectors)
        sources.native  # noqa: B018  is made now, which checks that the parts fit
        return sources


def fit_sources(
    ranker: XRLinear,
    lesson: Lesson,
    *,
    seed: int,
    n_threads: int,
    verbose: bool,
    work_dir: FilePath | None = None,
) -> Sources:
    """Learn from rows and their labels.

    Parameters
    ----------
    ranker : XRLinear
        A copy of it is fitted.
    lesson : Lesson
        The name of a label is an instance of it, too.
    seed, n_threads, verbose
    work_dir : path, optional
        Of the tree's training.
    """
    taught, names = lesson.taught(), lesson.label_features
    twin = clone(ranker)
    pass_on(twin, verbose=int(verbose))
    twin.fit(
        taught.X,
        taught.Y,
        relevance=None if taught.weights is lesson.Y else taught.weights,
        sample_weight=taught.sample_weight,
        n_documents=taught.n_documents,
        work_dir=work_dir,
    )
    unit = normalize_rows(taught.X)
    weighed = unit if taught.sample_weight is None else scale_rows(unit, taught.sample_weight)
    kept = np.arange(unit.shape[0])
    if kept.size > _MOST:
        kept = np.sort(np.random.default_rng(seed).permutation(kept)[:_MOST])
    n_labels, n_features = lesson.Y.shape[1], lesson.X.shape[1]
    return Sources(
        twin,
        centroids=Postings.of(mean_instances(weighed, taught.weights, n_threads)),
        names=Postings.empty(n_features, n_labels)
        if names is None
        else Postings.of(to_scipy(normalize_rows(names))),
        neighbours=Postings.of(largest_entries(to_scipy(unit)[kept], KEPT)),
        labels=select_rows(taught.Y, kept),
    )
