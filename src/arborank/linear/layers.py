"""Trains the layers of a tree, top first: every layer's negatives may come from the layers above it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.progress import progress_bar
from ..core.sparse import Csr, as_csr, lists_to_csr, to_scipy, transpose
from ..core.types import MatrixLike
from ..indexing import LabelTree
from ..matching import BeamSearch
from ..matching.options import SearchOptions
from ..ranking import (
    LayerWeights,
    SolverParams,
    active_rows,
    feature_ranks,
    relevance_costs,
    train_layer,
    training_work,
)
from ..ranking.chunks import gather_chunks
from ..ranking.negatives import parse_scheme
from ..ranking.relevance import RelevanceOptions, check_relevance
from ..ranking.routing import Routes, keep_routed, keep_visits
from ..ranking.sampling import draw_examples
from .checkpoint import Checkpoint

__all__ = ["LayerPlan", "beam_nodes", "train_layers"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LayerPlan:
    """How the layers of a tree are trained.

    Attributes
    ----------
    solvers : sequence of SolverParams
        One per layer, top first.
    negatives : sequence of str
        Where the negatives of each layer come from; see `arborank.ranking.negatives`.
    search : SearchOptions
        How the trained layers are searched for the negatives of those below.
    relevance : RelevanceOptions
    max_rows : int or None
        Most examples of a parent; see `arborank.ranking.sampling`.
    """

    solvers: Sequence[SolverParams]
    negatives: Sequence[str]
    search: SearchOptions = field(default_factory=SearchOptions)
    relevance: RelevanceOptions = field(default_factory=RelevanceOptions)
    max_rows: int | None = None

    @classmethod
    def uniform(cls, solver: SolverParams, depth: int, search: SearchOptions) -> Self:
        """Plan the same for every layer, with the negatives of teacher forcing."""
        return cls([solver] * depth, ["tfn"] * depth, search)

    def above_labels(self) -> "LayerPlan":
        """Plan the layers above the labels alone, with the negatives of teacher forcing."""
        depth = len(self.solvers) - 1
        return LayerPlan(self.solvers[:-1], ["tfn"] * depth, self.search, max_rows=self.max_rows)

    def of_branch(self, depth: int, *, root_cost: float = 1.0, cost: float = 1.0) -> Self:
        """Plan a branch of ``depth`` layers: its root is the tree's, its other layers are the tree's lowest.

        Negatives cost ``cost`` times as much, and at the root ``root_cost`` times as much again.
        """
        kept = [0, *range(len(self.solvers) - depth + 1, len(self.solvers))]
        solvers = [replace(self.solvers[i], Cn=self.solvers[i].Cn * cost) for i in kept]
        solvers[0] = replace(solvers[0], Cn=solvers[0].Cn * root_cost)
        return replace(self, solvers=solvers, negatives=[self.negatives[i] for i in kept])


def train_layers(
    X: Csr,
    Y: Csr,
    tree: LabelTree,
    plan: LayerPlan,
    *,
    relevance: MatrixLike | None = None,
    user_negatives: MatrixLike | None = None,
    routes: Routes | None = None,
    leaves: LabelTree | None = None,
    n_documents: int = 0,
    weights: NDArray[np.float32] | None = None,
    checkpoint: Checkpoint | None = None,
    n_threads: int = 0,
    verbose: bool = False,
) -> list[LayerWeights]:
    """Return the weights of every layer of ``tree``.

    Parameters
    ----------
    X : Csr of shape (n_instances, n_features)
    Y : Csr of shape (n_instances, n_labels)
    tree : LabelTree
    plan : LayerPlan
    relevance, user_negatives : matrices of shape (n_instances, n_labels), optional
    routes : Routes, optional
        For an overlapping tree, the leaves where every instance belongs; see `arborank.ranking.routing`.
    leaves : LabelTree, optional
        The tree whose labels are those leaves; by default ``tree.above_labels()``.
    n_documents : int, default 0
        How many instances, the last ones, are documents of their labels; see `arborank.ranking.train_layer`.
    weights : float32 array of shape (n_instances,), optional
        What an error on each instance costs; see there.
    checkpoint : Checkpoint, optional
        What keeps the layers instead of memory, and may have some of them already.
    n_threads : int, default 0
        0 for all cores.
    verbose : bool, default False
        Whether to show progress bars.

    Raises
    ------
    ValueError
        If ``user_negatives`` is given but not used or used but not given, or a matrix does not fit.
    """
    negatives, solvers = plan.negatives, plan.solvers
    user_negatives = _checked_user_negatives(user_negatives, negatives, X.shape[0], tree.n_labels)
    if relevance is not None:
        relevance = check_relevance(relevance, Y)

    if routes is not None and leaves is None:
        leaves = tree.above_labels()
    visited = None if routes is None or leaves is tree else routes.visited
    layers: list[LayerWeights] = []
    held: _Problem | None = None
    reached: Csr | None = None
    ranks = feature_ranks(X)
    train = partial(
        checkpoint.train_layer if checkpoint else _train,
        ranks=ranks,
        n_documents=n_documents,
        weights=weights,
        n_threads=n_threads,
    )
    # Siblings are one vector, hence one thread: the root alone would keep the others waiting.
    top_at_once = (
        n_threads != 1
        and tree.depth > 1
        and checkpoint is None
        and solvers[0] == solvers[1]
        and not any("man" in parse_scheme(scheme) for scheme in negatives[:2])
    )
    for level in range(tree.depth):
        done = checkpoint.finished(level, tree.branches[level], ranks) if checkpoint else None
        if done is not None:
            layers.append(done)
            reached = None
            continue
        if reached is None:
            reached = tree.lift_csr(Y, level, n_threads=n_threads)
        scheme = parse_scheme(negatives[level])
        beam = None
        if "man" in scheme and level > 0:
            beam = beam_nodes(tree, layers, X, plan.search, n_threads)
        if routes is not None and visited is not None and level + 1 == tree.depth:
            reached = keep_visits(reached, visited, np.arange(reached.shape[1]))
            reached = as_csr(to_scipy(reached) + to_scipy(routes.preferred))
        user = tree.lift_csr(user_negatives, level, n_threads=n_threads) if "usn" in scheme else None
        active = active_rows(negatives[level], reached, beam=beam, user=user, is_root=level == 0)
        reached = _lift(tree, Y, level + 1, visited, n_threads)
        shares = None if relevance is None else _lift(tree, relevance, level + 1, visited, n_threads)
        bottom = level + 1 == tree.depth
        positives = relevance_costs(reached, shares, plan.relevance, is_bottom=bottom)
        if routes is not None and leaves is not None and level < leaves.depth:
            kept = leaves.lift_csr(routes.examples, level + 1, n_threads=n_threads)
            positives = keep_routed(positives, transpose(kept))
        problem = _Problem(active, positives, tree.branches[level]).drawn(plan.max_rows, level)
        if level == 0 and top_at_once:
            held = problem
            continue
        title = f"training layer {level + 1} of {tree.depth}"
        if held is not None:
            problem, title = held.before(problem), f"training layers 1 and 2 of {tree.depth}"
        start = time.perf_counter()
        with progress_bar(
            title, training_work(problem.active, problem.branches), enabled=verbose
        ) as progress:
            layers.append(train(level, X, *problem, solvers[level], progress=progress))
        n_rankers, n_weights = layers[-1].n_children, layers[-1].nnz
        seconds = time.perf_counter() - start
        _LOG.info("%s: %d rankers, %d weights, %.1f s", title, n_rankers, n_weights, seconds)
        if held is not None:
            layers, held = _split(layers[0]), None
    return layers


def _train(level: int, *problem: Any, **options: Any) -> LayerWeights:
    return train_layer(*problem, **options)


def _checked_user_negatives(
    user_negatives: MatrixLike | None, negatives: Sequence[str], n_rows: int, n_labels: int
) -> Csr | None:
    uses_user = any("usn" in parse_scheme(scheme) for scheme in negatives)
    if uses_user and user_negatives is None:
        raise ValueError("negatives use 'usn', which needs user_negatives")
    if user_negatives is None:
        return None
    if not uses_user:
        raise ValueError("user_negatives is given, but negatives does not use 'usn'")
    return as_csr(user_negatives, "user_negatives", n_rows=n_rows, n_cols=n_labels)


class _Problem(NamedTuple):
    """The examples of a layer's parents, the positives of their children, and who is whose child."""

    active: Csr
    positives: Csr
    branches: NDArray[np.int64]

    def drawn(self, max_rows: int | None, level: int) -> Self:
        """Leave no parent more than ``max_rows`` examples."""
        if max_rows is None:
            return self
        some = draw_examples(self.active, self.positives, self.branches, max_rows, level=level)
        return type(self)(*some, self.branches)

    def before(self, other: Self) -> Self:
        """Both problems as one: these parents and children first."""
        return type(self)(
            _stacked(self.active, other.active),
            _stacked(self.positives, other.positives),
            np.concatenate([self.branches, self.branches[-1] + other.branches[1:]]),
        )


def _stacked(first: Csr, second: Csr) -> Csr:
    return as_csr(sp.vstack([to_scipy(first), to_scipy(second)], format="csr"))


def _split(layer: LayerWeights) -> list[LayerWeights]:
    """Part the root's family from the families after it."""
    parents = np.arange(layer.branches.size - 1)
    return [gather_chunks([layer], np.zeros_like(part), part) for part in (parents[:1], parents[1:])]


def _lift(tree: LabelTree, Y: Csr, level: int, visited: Csr | None, n_threads: int) -> Csr:
    """Lift labels to the nodes of a level; to copies of them only where their leaf is visited."""
    lifted = tree.lift_csr(Y, level, n_threads=n_threads)
    if visited is None or level < tree.depth:
        return lifted
    return keep_visits(lifted, visited, tree.parents(level))


def beam_nodes(
    tree: LabelTree, layers: Sequence[LayerWeights], X: Csr, options: SearchOptions, n_threads: int
) -> Csr:
    """Return which nodes of the last trained level the beam of every instance holds."""
    level = len(layers)
    n_nodes = tree.level_sizes[level]
    search = BeamSearch(tree.branches[:level], layers, np.arange(n_nodes, dtype=np.int32), n_nodes)
    ids, _ = search.nodes(X, min(options.beam_size, n_nodes), combine=options.combine, n_threads=n_threads)
    return as_csr(lists_to_csr(ids, n_nodes), "beam")
