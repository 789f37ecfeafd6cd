"""Further rows for labels that are there: every ranker on their way learns from them, and no other changes."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.lengths import divide_rows
from ..core.sparse import Csr
from ..ranking.adapting import adapt_layer
from .centroids import Centroids
from .fitted import FittedTree
from .layers import LayerPlan

__all__ = ["adapt_rows", "learn_rows"]


def learn_rows(
    fitted: FittedTree, X: Csr, Y: Csr, plan: LayerPlan, *, step: float, upper: bool
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
        What costs are multiplied by.
    upper : bool
        Whether the layers above the labels learn, too.
    """
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
    learned = adapt_rows(fitted, X, examples, plan, step=step)
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
