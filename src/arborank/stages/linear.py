"""The stages of `XRLinear` one by one, for `StagedRanker` to compose with others."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import check_fitted
from ..core.lazy import sp
from ..core.lengths import divide_rows, typical_length
from ..core.sparse import as_csr, to_scipy, transpose
from ..indexing import LabelTree
from ..indexing.growing import grow_tree
from ..indexing.options import TreeOptions
from ..indexing.representing import Representation
from ..linear.fitted import FittedTree
from ..linear.layers import LayerPlan, train_layers
from ..matching.options import SearchOptions
from ..ranking import SolverParams, train_layer

__all__ = ["KMeansIndexer", "LinearMatcher", "LinearRanker"]


class KMeansIndexer:
    """Balanced k-means over a label representation: an `arborank.stages.Indexer`.

    Parameters
    ----------
    representation, branching, max_leaf_size, spherical, random_state
        As in `arborank.XRLinear`.
    """

    def __init__(
        self,
        *,
        representation: Representation = TreeOptions.representation,
        branching: int = TreeOptions.branching,
        max_leaf_size: int = TreeOptions.max_leaf_size,
        spherical: bool = TreeOptions.spherical,
        random_state: int = TreeOptions.random_state,
    ) -> None:
        self.representation = representation
        self.branching = branching
        self.max_leaf_size = max_leaf_size
        self.spherical = spherical
        self.random_state = random_state

    def index(self, X: "sp.csr_array", Y: "sp.csr_array") -> LabelTree:
        """Return the label tree."""
        return grow_tree(as_csr(X), as_csr(Y, "Y"), TreeOptions.of(self))[0]


class LinearMatcher:
    """The levels of linear rankers above the clusters, searched with a beam: an `arborank.stages.Matcher`.

    Parameters
    ----------
    params : SolverParams, optional
        For rows of about unit length; others are brought to it, as in `arborank.XRLinear`.
    beam_size : int, default 10
        Nodes kept on the levels above the clusters.
    combine : str, default "l3-hinge"
        See `arborank.matching.combine`.
    """

    def __init__(
        self,
        params: SolverParams | None = None,
        *,
        beam_size: int = SearchOptions.beam_size,
        combine: str = SearchOptions.combine,
    ) -> None:
        self.params = SolverParams() if params is None else params
        self.beam_size = beam_size
        self.combine = combine

    def fit(self, X: "sp.csr_array", C: "sp.csr_array", tree: LabelTree) -> Self:
        """Train one layer per level of the tree."""
        instances = as_csr(X)
        row_length = typical_length(instances)
        layers = train_layers(
            divide_rows(instances, row_length),
            as_csr(C, "C"),
            tree,
            LayerPlan.uniform(self.params, tree.depth, SearchOptions.of(self)),
        )
        self.fitted_ = FittedTree(tree, layers, row_length)
        return self

    def match(self, X: "sp.csr_array", k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k best clusters of every instance and their scores.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_fitted(self, "fitted_")
        search = self.fitted_.search
        return search.nodes(as_csr(X), k, beam_size=self.beam_size, combine=self.combine, n_threads=0)


class LinearRanker:
    """One linear one-versus-rest ranker a slot: an `arborank.stages.Ranker`, whose values are margins.

    Parameters
    ----------
    params : SolverParams, optional
        For rows of about unit length; others are brought to it, as in `arborank.XRLinear`.
    """

    def __init__(self, params: SolverParams | None = None) -> None:
        self.params = SolverParams() if params is None else params

    def fit(self, X: "sp.csr_array", Y: "sp.csr_array", tree: LabelTree, active: "sp.csr_array") -> Self:
        """Train the slots of a cluster against one another, on the cluster's examples."""
        instances = as_csr(X)
        self._row_length = typical_length(instances)
        layer = train_layer(
            divide_rows(instances, self._row_length),
            transpose(as_csr(active, "active")),
            transpose(tree.lift_csr(Y, tree.depth)),
            tree.branches[-1],
            self.params,
        )
        self._branches = tree.branches[-1]
        self._weights, self._bias = layer.to_matrix()
        return self

    def score(self, X: "sp.csr_array", clusters: NDArray[np.int64]) -> "sp.csr_array":
        """Return the margins of the slots in every row's clusters.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_fitted(self, "_weights")
        rows = to_scipy(divide_rows(as_csr(X), self._row_length))
        return score_by_cluster(rows, clusters, self._branches, self._margins)

    def _margins(self, rows: "sp.csr_array", begin: int, end: int) -> NDArray[np.float32]:
        margins = rows @ self._weights[:, begin:end]
        return np.asarray(margins.toarray() + self._bias[begin:end], dtype=np.float32)


def score_by_cluster(
    X: "sp.csr_array", clusters: NDArray[np.int64], branches: Any, values: Any
) -> "sp.csr_array":
    """Assemble the answer of a `Ranker`, asking for a cluster's slots once for all its rows.

    ``clusters`` is padded with -1, ``branches`` the last of a tree's; ``values(rows, begin, end)`` gives the values of
    slots ``begin`` to ``end`` for some rows of ``X``.
    """
    rows, columns, data = [], [], []
    for cluster in np.unique(clusters[clusters >= 0]):
        begin, end = int(branches[cluster]), int(branches[cluster + 1])
        own = np.flatnonzero((clusters == cluster).any(axis=1))
        data.append(np.asarray(values(X[own], begin, end)).ravel())
        rows.append(np.repeat(own, end - begin))
        columns.append(np.tile(np.arange(begin, end), own.size))
    shape = (clusters.shape[0], int(branches[-1]))
    if not rows:
        return sp.csr_array(shape, dtype=np.float32)
    places = (np.concatenate(rows), np.concatenate(columns))
    return sp.coo_array((np.concatenate(data), places), shape=shape).tocsr()
