"""Trains the layers of a tree, top first: every layer's negatives may come from the layers above it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..indexing import LabelTree
from ..matching import BeamSearch
from ..progress import progress_bar
from ..ranking import (
    LayerWeights,
    SolverParams,
    active_rows,
    check_relevance,
    feature_ranks,
    keep_routed,
    parse_scheme,
    relevance_costs,
    train_layer,
    training_work,
)
from ..ranking.chunks import gather_chunks
from ..sparse import Csr, as_csr, lists_to_csr, to_scipy, transpose
from .checkpoint import Checkpoint

__all__ = ["train_layers"]


def train_layers(
    X: Csr,
    Y: Csr,
    tree: LabelTree,
    params: Sequence[SolverParams],
    *,
    negatives: Sequence[str],
    user_negatives: Any,
    relevance: Any,
    relevance_mode: str,
    relevance_norm: str,
    beam_size: int,
    combine: str,
    n_threads: int,
    verbose: bool,
    routed: Csr | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[LayerWeights]:
    """Return the weights of every layer of ``tree``; the arguments are those of `XRLinear`.

    Parameters
    ----------
    X : Csr of shape (n_instances, n_features)
    Y : Csr of shape (n_instances, n_labels)
    tree : LabelTree
    params, negatives : sequences with one entry a layer
    user_negatives, relevance : matrices of shape (n_instances, n_labels), or None
    routed : Csr of shape (n_instances, n_leaves), optional
        For an overlapping tree, the leaves that every instance is an example of; see `arborank.ranking.routing`.
    checkpoint : Checkpoint, optional
        What keeps the layers instead of memory, and may have some of them already.

    Raises
    ------
    ValueError
        If ``user_negatives`` is given but not used or used but not given, or a matrix does not fit.
    """
    user_negatives = _checked_user_negatives(user_negatives, negatives, X.shape[0], tree.n_labels)
    if relevance is not None:
        relevance = check_relevance(relevance, Y)

    layers: list[LayerWeights] = []
    held: _Problem | None = None
    reached: Csr | None = None
    ranks = feature_ranks(X)
    # Siblings are one vector, hence one thread: the root alone would keep the others waiting.
    top_at_once = (
        n_threads != 1
        and tree.depth > 1
        and checkpoint is None
        and params[0] == params[1]
        and not any("man" in parse_scheme(scheme) for scheme in negatives[:2])
    )
    for level in range(tree.depth):
        done = checkpoint.finished(level, tree.branches[level], ranks) if checkpoint else None
        if done is not None:
            layers.append(done)
            reached = None
            continue
        if reached is None:
            reached = tree.lift(Y, level, n_threads=n_threads)
        scheme = parse_scheme(negatives[level])
        beam = None
        if "man" in scheme and level > 0:
            beam = _beam(tree, layers, X, beam_size, combine, n_threads)
        user = tree.lift(user_negatives, level, n_threads=n_threads) if "usn" in scheme else None
        active = active_rows(negatives[level], reached, beam=beam, user=user, is_root=level == 0)
        reached = tree.lift(Y, level + 1, n_threads=n_threads)
        weights = None if relevance is None else tree.lift(relevance, level + 1, n_threads=n_threads)
        bottom = level + 1 == tree.depth
        positives = relevance_costs(
            reached, weights, mode=relevance_mode, norm=relevance_norm, is_bottom=bottom
        )
        if routed is not None and not bottom:
            kept = tree.above_labels().lift(routed, level + 1, n_threads=n_threads)
            positives = keep_routed(positives, transpose(kept))
        problem = _Problem(active, positives, tree.branches[level])
        if level == 0 and top_at_once:
            held = problem
            continue
        title = f"training layer {level + 1} of {tree.depth}"
        if held is not None:
            problem, title = held.before(problem), f"training layers 1 and 2 of {tree.depth}"
        work = training_work(problem.active, problem.branches)
        options: dict[str, Any] = {"ranks": ranks, "n_threads": n_threads}
        with progress_bar(title, work, enabled=verbose) as progress:
            options["progress"] = progress
            if checkpoint:
                layers.append(checkpoint.train_layer(level, X, *problem, params[level], **options))
            else:
                layers.append(train_layer(X, *problem, params[level], **options))
        if held is not None:
            layers, held = _split(layers[0]), None
    return layers


def _checked_user_negatives(
    user_negatives: Any, negatives: Sequence[str], n_rows: int, n_labels: int
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


def _beam(
    tree: LabelTree, layers: Sequence[LayerWeights], X: Csr, beam_size: int, combine: str, n_threads: int
) -> Csr:
    """Return which nodes of the last trained level the beam of every instance holds."""
    level = len(layers)
    n_nodes = tree.level_sizes[level]
    search = BeamSearch(tree.branches[:level], layers, np.arange(n_nodes, dtype=np.int32), n_nodes)
    ids, _ = search.nodes(X, min(beam_size, n_nodes), combine=combine, n_threads=n_threads)
    return as_csr(lists_to_csr(ids, n_nodes), "beam")
