"""Label disentanglement: a label gets a leaf for each of its senses, learned from where a matcher sends its instances.

After Liu, Chang, Yu, Hsieh and Dhillon, "Label Disentanglement in Partition-based Extreme Multilabel Classification"
(NeurIPS 2021), with three changes: beams come from matchers that did not see the instance, leaves are chosen by what
they add (`arborank.indexing.overlap`), and inner levels learn from the copies that instances prefer
(`arborank.ranking.routing`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer, check_real
from ..core.estimator import clone
from ..core.sparse import Csr, as_csr, to_scipy
from ..indexing import LabelTree, overlapping_tree
from ..indexing.overlap import Copies, check_copies, home_leaves
from ..matching import BeamSearch
from ..matching.combine import is_logarithmic
from ..ranking import Routes, SolverParams, part_labels, route
from ..ranking.routing import leaf_scores
from .layers import train_layers

__all__ = ["Disentangled", "disentangle", "matched_by_others", "refine_tree", "retained_positives"]

_BEAM_NEGATIVES = 0.1  # score of a leaf whose labels come near enough to the top of an instance's list


@dataclass(frozen=True)
class Disentangled:
    """What `refine_tree` finds.

    Attributes
    ----------
    tree : LabelTree
        Overlapping.
    routes : Routes
        The leaves where every instance belongs.
    parted : int32 array of shape (Y.nnz,)
        For every label and each of its instances, in the order of ``transpose(Y)``, the leaf it was given to.
    seconds : float
    """

    tree: LabelTree
    routes: Routes | None
    parted: NDArray[np.int32]
    seconds: float


def disentangle(
    model: Any,
    X: Any,
    Y: Any,
    max_clusters: int = 2,
    rounds: int = 1,
    *,
    copies: Copies = "needed",
    min_gain: float | None = None,
    max_leaf_size: int | None = None,
    coherence: float = 3.0,
    starts: int = 1,
    beam_negatives: float | None = None,
    relevance: Any = None,
    user_negatives: Any = None,
) -> Any:
    """Train a model anew on an overlapping tree made of a trained model's own.

    ``XRLinear(max_clusters=2).fit(X, Y)`` does the same in one go, without training the provisional model's bottom
    level.

    Parameters
    ----------
    model : XRLinear
        Fitted; it is left as it is.
    X, Y
        What it was fitted on, in any form that `XRLinear.fit` takes.
    max_clusters : int, default 2
        Most leaves of a label, at least 2.
    rounds : int, default 1
        How often beams are searched and leaves assigned; from the second round on, the matchers know the overlapping
        tree of the round before.
    copies : {"needed", "all", "counted"}, default "needed"
        Which labels get copies: those that beams miss, or all; see `XRLinear` and
        `arborank.indexing.overlapping_tree`.
    min_gain, max_leaf_size
        See `arborank.indexing.overlapping_tree`.
    coherence : float, default 3.0
        How much the instances of a label are parted among its leaves by their likeness to one another, rather than by
        the matcher's scores alone; see `arborank.ranking.route`.
    starts : int, default 1
        How often that parting is begun; more find senses that the matcher mixes up, and take longer.
    beam_negatives : float, optional
        An instance is a negative, on the bottom level, in leaves that hold one of its labels, and in every leaf of its
        beam whose score is at least this. By default 0.1 with ``copies="all"``, and otherwise more than any score: it
        takes longer, and with few copies it helps on some data (``eurlex57k``, ``debian-depends``) and harms on others
        (``yso-en``).
    relevance, user_negatives : optional
        What it was fitted on, as for `XRLinear.fit`.

    Returns
    -------
    XRLinear
        Fitted, with the parameters of ``model``, ``max_clusters`` and ``copies``.

    Raises
    ------
    TypeError, ValueError
        If the model is not a fitted XRLinear with a tree without overlap, ``X`` has not the features that it was
        fitted on, or an argument is out of range.
    """
    from .xrlinear import XRLinear

    if not isinstance(model, XRLinear):
        raise TypeError(f"model must be an XRLinear, found {type(model).__name__}")
    model._check_fitted()
    check_integer("max_clusters", max_clusters, 2)
    options = {
        "rounds": rounds,
        "min_gain": min_gain,
        "max_leaf_size": max_leaf_size,
        "coherence": coherence,
        "starts": starts,
        "beam_negatives": beam_negatives,
    }
    model._instances(X, reset=False)  # the features that the model knows
    copy = clone(model).set_params(tree=model.tree_, max_clusters=max_clusters, copies=copies)
    return copy._fit(X, Y, relevance=relevance, user_negatives=user_negatives, refinement=options)


def refine_tree(
    X: Csr,
    Y: Csr,
    tree: LabelTree,
    params: Sequence[SolverParams],
    *,
    max_clusters: int,
    copies: Copies,
    rounds: int = 1,
    min_gain: float | None = None,
    max_leaf_size: int | None = None,
    coherence: float = 3.0,
    starts: int = 1,
    beam_negatives: float | None = None,
    beam_size: int,
    combine: str,
    random_state: int,
    n_threads: int,
    verbose: bool,
) -> Disentangled:
    """Make a tree overlap; the arguments are those of `disentangle` and `XRLinear`.

    Raises
    ------
    ValueError
        If the tree has fewer leaves than ``max_clusters``, or overlaps already.
    """
    start = time.perf_counter()
    check_integer("rounds", rounds, 1)
    check_copies(copies, min_gain=min_gain)
    check_real("coherence", coherence, least=0.0)
    check_integer("starts", starts, 1)
    if beam_negatives is not None:
        check_real("beam_negatives", beam_negatives, least=0.0)
    elif copies == "all":
        beam_negatives = _BEAM_NEGATIVES
    if max_leaf_size is not None:
        check_integer("max_leaf_size", max_leaf_size, 1)
    home_leaves(tree)  # a tree that overlaps is refused before anything is trained
    n_leaves = tree.level_sizes[-2]
    if max_clusters > n_leaves:
        raise ValueError(
            f"max_clusters is {max_clusters}, but the tree has {n_leaves} {'leaf' if n_leaves == 1 else 'leaves'}; "
            "lower max_leaf_size or max_clusters"
        )
    refined = tree
    parted = np.empty(0, np.int32)
    routes: Routes | None = None
    leaves = np.arange(n_leaves)
    for turn in range(rounds):
        beams, scores = matched_by_others(
            X,
            Y,
            refined,
            params,
            routes=routes,
            beam_size=beam_size,
            combine=combine,
            random_state=random_state + turn,
            n_threads=n_threads,
            verbose=verbose,
        )
        beams = np.where(beams >= 0, leaves[beams], -1)  # in the numbers of the provisional tree
        refined, leaves = overlapping_tree(
            tree,
            Y,
            beams,
            scores,
            max_clusters=max_clusters,
            copies=copies,
            min_gain=min_gain,
            max_leaf_size=max_leaf_size,
        )
        position = np.full(n_leaves + 1, -1)  # the last one is for the padding -1
        position[leaves] = np.arange(leaves.size)
        membership = refined._membership(refined.depth - 1)
        beams = position[beams]
        parted = part_labels(
            X, Y, membership, beams, scores, coherence=coherence, starts=starts, n_threads=n_threads
        )
        routes = route(Y, parted, membership, beams, scores, beam_negatives=beam_negatives)
    return Disentangled(refined, routes, parted, time.perf_counter() - start)


def matched_by_others(
    X: Csr,
    Y: Csr,
    tree: LabelTree,
    params: Sequence[SolverParams],
    *,
    routes: Routes | None = None,
    beam_size: int,
    combine: str,
    random_state: int,
    n_threads: int,
    verbose: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the leaves that a matcher finds for every instance without having seen it.

    A matcher trained on an instance finds the leaves of its labels nearly always, and has nothing to tell. So the
    levels above the labels are trained twice, each time on a random half, and search the other half. Negatives are
    those of teacher forcing.

    Parameters
    ----------
    X, Y : Csr of shapes (n, n_features) and (n, n_labels)
    tree : LabelTree
        With at least two levels below the root.
    params : sequence of SolverParams, one a layer of the tree
    routes : Routes, optional
        See `arborank.ranking.routing`.
    beam_size, combine, n_threads, verbose
        As in `XRLinear`.
    random_state : int
        Seed of the halves.

    Returns
    -------
    leaves : int64 array of shape (n, min(beam_size, n_leaves))
        Best first; -1 where there are fewer.
    scores : float32 array of the same shape
        At least 0: scores of the ``log-`` combinations are exponentiated, margins of ``noop`` cut at 0.
    """
    top = tree.above_labels()
    inner = tree.lift(Y, tree.depth - 1, n_threads=n_threads)
    inner.data[:] = 1
    instances = to_scipy(X)
    n = X.shape[0]
    first = np.random.default_rng(random_state).permutation(n) % 2 == 0
    if n < 2:
        first[:] = False  # nobody else has seen anything; the instance matches itself
    width = min(beam_size, top.n_labels)
    leaves = np.full((n, width), -1, np.int64)
    scores = np.zeros((n, width), np.float32)
    for held in (first, ~first):
        others = ~held if n > 1 else held
        if not held.any():
            continue
        layers = train_layers(
            as_csr(instances[others]),
            as_csr(inner[others]),
            top,
            params[:-1],
            negatives=["tfn"] * top.depth,
            user_negatives=None,
            relevance=None,
            relevance_mode="induce",
            relevance_norm="none",
            beam_size=beam_size,
            combine=combine,
            n_threads=n_threads,
            verbose=verbose,
            routes=None if routes is None else _some(routes, others),
            leaves=top,
        )
        search = BeamSearch(top.branches, layers, top.labels, top.n_labels)
        leaves[held], found = search.nodes(
            as_csr(instances[held]), width, combine=combine, n_threads=n_threads
        )
        scores[held] = np.maximum(np.exp(found) if is_logarithmic(combine) else found, 0)
    return leaves, scores


def _some(routes: Routes, rows: NDArray[np.bool_]) -> Routes:
    parts = (routes.examples, routes.visited, routes.preferred)
    return Routes(*(as_csr(to_scipy(part)[rows]) for part in parts))


def retained_positives(tree: LabelTree, Y: Any, beams: NDArray[np.int64]) -> float:
    """Return the share of positives that a matcher retains: one of the label's leaves is in the instance's beam.

    Parameters
    ----------
    tree : LabelTree
    Y : matrix of shape (n, n_labels)
    beams : int array of shape (n, width)
        Leaves, -1 where there are fewer.
    """
    labels = as_csr(Y, "Y", n_rows=len(beams), n_cols=tree.n_labels)
    membership = tree.membership(tree.depth - 1)
    copies = np.diff(membership.indptr)
    rows = np.repeat(np.arange(labels.shape[0]), np.diff(labels.indptr))
    found = np.zeros(rows.size, bool)
    ones = np.ones(beams.shape, np.float32)
    for turn in range(int(copies.max(initial=0))):
        has = np.flatnonzero(copies[labels.indices] > turn)
        leaf = membership.indices[membership.indptr[labels.indices[has]] + turn]
        found[has] |= leaf_scores(beams, ones, rows[has], leaf) > 0
    return float(found.mean()) if found.size else 0.0
