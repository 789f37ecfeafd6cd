"""Label disentanglement: a label gets a leaf for each of its senses, learned from where a matcher sends its instances.

After Liu, Chang, Yu, Hsieh and Dhillon, "Label Disentanglement in Partition-based Extreme Multilabel Classification"
(NeurIPS 2021), with three changes: beams come from matchers that did not see the instance, leaves are chosen by what
they add (`arborank.indexing.overlap`), and inner levels learn from the copies that instances prefer
(`arborank.ranking.routing`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.options import Options, integer, option, optional, real
from ..core.sparse import Csr, as_csr, select_rows, to_scipy
from ..indexing import LabelTree, overlapping_tree
from ..indexing.options import TreeOptions
from ..indexing.overlap import check_gain, home_leaves
from ..matching.combine import is_logarithmic
from ..ranking.routing import Routes, part_labels, route
from .fitted import FittedTree
from .layers import LayerPlan, train_layers

__all__ = ["Refinement", "matched_by_others", "refine_tree"]

_BEAM_NEGATIVES = 0.1  # score of a leaf whose labels come near enough to the top of an instance's list


@dataclass(frozen=True)
class Refinement(Options):
    """How a tree is made to overlap: the options of `arborank.disentangle` of these names, and their bounds."""

    rounds: int = option(1, integer(1))
    min_gain: float | None = option(None, optional(real(least=0.0)))
    max_leaf_size: int | None = option(None, optional(integer(1)))
    coherence: float = option(3.0, real(least=0.0))
    starts: int = option(1, integer(1))
    beam_negatives: float | None = option(None, optional(real(least=0.0)))


def refine_tree(
    X: Csr,
    Y: Csr,
    tree: LabelTree,
    plan: LayerPlan,
    options: TreeOptions,
    refinement: Refinement | None = None,
    *,
    n_threads: int = 0,
    verbose: bool = False,
) -> tuple[LabelTree, Routes | None]:
    """Make a tree overlap.

    Parameters
    ----------
    X, Y : Csr of shapes (n, n_features) and (n, n_labels)
    tree : LabelTree
        With every label in one leaf.
    plan : LayerPlan
        Of all its layers.
    options : TreeOptions
        Of which ``max_clusters``, ``copies`` and ``random_state`` count.
    refinement : Refinement, optional

    Returns
    -------
    tree : LabelTree
        Overlapping.
    routes : Routes
        The leaves where every instance belongs.

    Raises
    ------
    ValueError
        If the tree has fewer leaves than ``max_clusters``, or overlaps already.
    """
    refinement = Refinement() if refinement is None else refinement
    check_gain(refinement.min_gain, options.copies)
    beam_negatives = refinement.beam_negatives
    if beam_negatives is None and options.copies == "all":
        beam_negatives = _BEAM_NEGATIVES
    home_leaves(tree)  # a tree that overlaps is refused before anything is trained
    n_leaves = tree.level_sizes[-2]
    if options.max_clusters > n_leaves:
        raise ValueError(
            f"max_clusters is {options.max_clusters}, but the tree has {n_leaves} "
            f"{'leaf' if n_leaves == 1 else 'leaves'}; lower max_leaf_size or max_clusters"
        )
    refined = tree
    routes: Routes | None = None
    leaves = np.arange(n_leaves)
    for turn in range(refinement.rounds):
        beams, scores = matched_by_others(
            X,
            Y,
            refined,
            plan,
            routes=routes,
            random_state=options.random_state + turn,
            n_threads=n_threads,
            verbose=verbose,
        )
        beams = np.where(beams >= 0, leaves[beams], -1)  # in the numbers of the provisional tree
        refined, leaves = overlapping_tree(
            tree,
            Y,
            beams,
            scores,
            max_clusters=options.max_clusters,
            copies=options.copies,
            min_gain=refinement.min_gain,
            max_leaf_size=refinement.max_leaf_size,
        )
        position = np.full(n_leaves + 1, -1)  # the last one is for the padding -1
        position[leaves] = np.arange(leaves.size)
        membership = refined.membership_csr(refined.depth - 1)
        beams = position[beams]
        parted = part_labels(
            X,
            Y,
            membership,
            beams,
            scores,
            coherence=refinement.coherence,
            starts=refinement.starts,
            n_threads=n_threads,
        )
        routes = route(Y, parted, membership, beams, scores, beam_negatives=beam_negatives)
    return refined, routes


def matched_by_others(
    X: Csr,
    Y: Csr,
    tree: LabelTree,
    plan: LayerPlan,
    *,
    routes: Routes | None = None,
    random_state: int = 0,
    n_threads: int = 0,
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
    plan : LayerPlan
        Of all layers of the tree.
    routes : Routes, optional
        See `arborank.ranking.routing`.
    random_state : int, default 0
        Seed of the halves.
    n_threads : int, default 0
        0 for all cores.
    verbose : bool, default False
        Whether to show progress bars.

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
    width = min(plan.search.beam_size, top.n_labels)
    above, combine = plan.above_labels(), plan.search.combine
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
            above,
            routes=None if routes is None else _some(routes, others),
            leaves=top,
            n_threads=n_threads,
            verbose=verbose,
        )
        matcher = FittedTree(top, layers).search
        leaves[held], found = matcher.nodes(
            as_csr(instances[held]), width, combine=combine, n_threads=n_threads
        )
        scores[held] = np.maximum(np.exp(found) if is_logarithmic(combine) else found, 0)
    return leaves, scores


def _some(routes: Routes, rows: NDArray[np.bool_]) -> Routes:
    parts = (routes.examples, routes.visited, routes.preferred)
    return Routes(*(select_rows(part, rows) for part in parts))
