"""Further rows for labels that are there.

A model that keeps its training rows adds the further ones to them, and trains the children of a node anew whenever the
node's rows have passed a power of 1.1. So a day's rows renew some of the leaves and now and then a family at the top,
and while the rows grow by a tenth, everything is trained once. A model without its rows adapts the rankers of labels.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.lengths import divide_rows
from ..core.sparse import Csr, as_csr, to_scipy
from ..ranking import active_rows, relevance_costs
from ..ranking.adapting import adapt_layer
from ..ranking.negatives import parse_scheme
from ..ranking.renewing import renew_families
from ..ranking.sampling import draw_examples
from .centroids import Centroids
from .fitted import FittedTree
from .layers import LayerPlan, beam_nodes

__all__ = ["adapt_rows", "counted", "learn_rows"]

_GROWTH = 1.1  # from one training of a family to the next


def learn_rows(
    fitted: FittedTree, X: Csr, Y: Csr, plan: LayerPlan, *, step: float, upper: bool, n_threads: int = 0
) -> FittedTree:
    """Return a tree that has learned from further rows; see `XRLinear.partial_fit`.

    Parameters
    ----------
    fitted : FittedTree
    X : Csr of shape (n_rows, n_features)
    Y : Csr of shape (n_rows, n_labels)
        Their labels; the rows of a label are negatives of its siblings.
    plan : LayerPlan
        Losses and costs of the layers.
    step : float
        What costs are multiplied by, where rankers are adapted.
    upper : bool
        Whether the layers above the labels are adapted, too.
    n_threads : int, default 0
    """
    if fitted.rows is None:
        learned = _adapted(fitted, X, Y, plan, step, upper)
    else:
        learned, Y = _renewed(fitted, X, Y, plan, n_threads)
    return counted(learned, X, Y)


def counted(learned: FittedTree, X: Csr, Y: Csr) -> FittedTree:
    """Return a tree that knows how many rows it has learned from, once there are these, too."""
    if learned.label_counts is None or learned.n_instances is None:
        return learned
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    centroids = learned.centroids
    if centroids is not None:
        centroids = centroids.joined(Centroids.of_instances(X, Y), learned.label_counts, counts)
    return replace(
        learned,
        label_counts=learned.label_counts + counts,
        n_instances=learned.n_instances + X.shape[0],
        centroids=centroids,
    )


def _renewed(fitted: FittedTree, X: Csr, Y: Csr, plan: LayerPlan, n_threads: int) -> tuple[FittedTree, Csr]:
    """Keep further rows, and train anew the families whose rows have grown enough; return the labels learned, too.

    Labels that no kept row has are ranked by a text, or not at all, which a few rows cannot make up for.
    """
    assert fitted.rows is not None
    Y = _of_labels(Y, np.bincount(fitted.rows.Y.indices, minlength=Y.shape[1]) > 0)
    kept = fitted.rows.joined(divide_rows(X, fitted.row_length), Y)
    tree, layers = fitted.tree, list(fitted.layers)
    for level in range(tree.depth):
        reached, further = (tree.lift_csr(marks, level, n_threads=n_threads) for marks in (kept.Y, Y))
        due = _grown(*((_rows_of(one, is_root=level == 0)) for one in (reached, further)))
        if not due.size:
            continue
        scheme = plan.negatives[level]
        beam = None
        if "man" in parse_scheme(scheme) and level > 0:
            beam = beam_nodes(tree, layers[:level], kept.X, plan.search, n_threads)
        active = active_rows(scheme, reached, beam=beam, is_root=level == 0)
        positives = relevance_costs(
            tree.lift_csr(kept.Y, level + 1, n_threads=n_threads),
            options=plan.relevance,
            is_bottom=level + 1 == tree.depth,
        )
        if plan.max_rows is not None:
            active, positives = draw_examples(
                active, positives, tree.branches[level], plan.max_rows, level=level
            )
        layers[level] = renew_families(
            layers[level],
            kept.X,
            active,
            positives,
            due,
            plan.solvers[level],
            n_documents=kept.n_documents,
            weights=None if (kept.weights == 1).all() else kept.weights,
            n_threads=n_threads,
        )
    return replace(fitted, layers=layers, rows=kept), Y


def _of_labels(Y: Csr, known: NDArray[np.bool_]) -> Csr:
    marks = to_scipy(Y).copy()
    marks.data *= known[marks.indices]
    marks.eliminate_zeros()
    return as_csr(marks)


def _rows_of(reached: Csr, *, is_root: bool) -> NDArray[np.int64]:
    """Return how many rows every node of a level learns from."""
    return (
        np.array([reached.shape[0]]) if is_root else np.bincount(reached.indices, minlength=reached.shape[1])
    )


def _grown(rows: NDArray[np.int64], further: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nodes whose rows have passed a power of 1.1 with the further ones."""
    before = rows - further
    passed, had = (np.floor(np.log(np.maximum(n, 0.5)) / math.log(_GROWTH)) for n in (rows, before))
    return np.flatnonzero((further > 0) & (passed > had))


def _adapted(fitted: FittedTree, X: Csr, Y: Csr, plan: LayerPlan, step: float, upper: bool) -> FittedTree:
    """Return a tree whose rankers have learned from rows, and stay close to what they were."""
    tree, depth = fitted.tree, fitted.tree.depth
    levels = range(depth) if upper else range(depth - 1, depth)
    examples: dict[int, Csr] = {}
    reached = tree.lift_csr(Y, levels[0])
    for level in levels:
        below = tree.lift_csr(Y, level + 1)
        solver = plan.solvers[level]
        examples[level] = _siblings(
            reached, below, tree.branches[level], solver.Cp, solver.Cn, is_root=level == 0
        )
        reached = below
    return adapt_rows(fitted, X, examples, plan, step=step)


def adapt_rows(
    fitted: FittedTree, X: Csr, examples: dict[int, Csr], plan: LayerPlan, *, step: float
) -> FittedTree:
    """Return a tree whose layers have learned from signed costs of rows and nodes; see `adapt_layer`.

    ``examples`` has a Csr of shape (n_rows, n_nodes) for each layer, from 0 at the top, that learns.
    """
    rows = divide_rows(X, fitted.row_length)
    layers = list(fitted.layers)
    for level, costs in examples.items():
        seen = None
        if fitted.label_counts is not None:
            counts = np.concatenate(([0], np.cumsum(fitted.label_counts[fitted.tree.labels])))
            seen = np.diff(counts[fitted.tree.slot_bounds(level)])
            if fitted.n_instances is not None:
                seen = np.minimum(seen, fitted.n_instances)
        layers[level] = adapt_layer(layers[level], rows, costs, plan.solvers[level], step=step, seen=seen)
    return replace(fitted, layers=layers)


def _siblings(
    reached: Csr, below: Csr, branches: NDArray[np.int64], Cp: float, Cn: float, *, is_root: bool
) -> Csr:
    """Return the costs of all children of the nodes that rows reach: of their own ones as positives."""
    n_rows = reached.shape[0]
    if is_root:
        rows, parents = np.arange(n_rows), np.zeros(n_rows, np.int64)
    else:
        rows = np.repeat(np.arange(n_rows), np.diff(reached.indptr))
        parents = reached.indices.astype(np.int64)
    lengths = branches[parents + 1] - branches[parents]
    shift = branches[parents] - np.concatenate(([0], np.cumsum(lengths)))[:-1]
    children = np.repeat(shift, lengths) + np.arange(lengths.sum())
    costs = np.full(children.size, -Cn, np.float32)
    own = np.repeat(np.arange(n_rows), np.diff(below.indptr)) * np.int64(branches[-1]) + below.indices
    places = np.searchsorted(np.repeat(rows, lengths) * np.int64(branches[-1]) + children, own)
    costs[places] = Cp
    indptr = np.concatenate(([0], np.cumsum(np.bincount(np.repeat(rows, lengths), minlength=n_rows))))
    return Csr(indptr, children.astype(np.int32), costs, int(branches[-1]))
