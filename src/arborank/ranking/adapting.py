"""Rankers of a layer learn from further examples, and stay as close to what they were as these allow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArgumentError
from ..core.lazy import sp
from ..core.sparse import Csr, select_rows, to_scipy, transpose
from .chunks import gather_chunks
from .solver import SolverParams
from .weights import LayerWeights

__all__ = ["BLOCK", "LOSSES", "adapt_layer"]

LOSSES = {"l2svc-dual": True, "l2svc-primal": True, "l1svc-dual": False}
"""Solvers whose loss can be learned from further, and whether it is squared."""

BLOCK = 1000
"""Rows of a family that are learned from at once: their products are a dense matrix."""

Floats = NDArray[np.float64]


def adapt_layer(
    layer: LayerWeights,
    X: Csr,
    examples: Csr,
    params: SolverParams,
    *,
    step: float = 1.0,
    seen: NDArray[np.int64] | None = None,
) -> LayerWeights:
    """Return a layer whose rankers have learned from further examples.

    Each ranker solves ``min (w - w0)' D (w - w0) / 2 + step * sum_i C_i loss(y_i w.x_i)``, where ``w0`` are its weights
    before: coordinate descent in the dual, begun at ``w0``. The diagonal ``D`` holds a weight the firmer the more old
    examples have it: 1 and ``seen`` times the mean square of the feature, as in the curvature of what was learned. So
    the bias and common features, which old examples settled and do not defend now, hardly move. Families without an
    example are taken over as they are, byte by byte.

    Parameters
    ----------
    layer : LayerWeights
    X : Csr of shape (n_rows, n_features)
        Instances, divided as those that the layer learned from.
    examples : Csr of shape (n_rows, n_children)
        The cost of an error: of a positive example as it is, of a negative one below 0.
    params : SolverParams
        Loss, bias, threshold and most weights; costs are those of ``examples``. As in training, weights are dropped
        below the threshold.
    step : float, default=1.0
    seen : int64 array of shape (n_parents,), optional
        The old examples of each family; by default none.

    Raises
    ------
    ValueError
        If shapes do not fit, or the loss is that of ``logistic-dual``.
    """
    if params.solver not in LOSSES:
        raise ArgumentError(
            "solver", f"is {params.solver!r}, but only {', '.join(LOSSES)} learn from further rows"
        )
    if examples.shape != (X.shape[0], layer.n_children) or X.shape[1] != layer.n_features:
        raise ValueError(
            f"examples has shape {examples.shape} and X {X.shape}; ({X.shape[0]}, {layer.n_children}) and "
            f"({X.shape[0]}, {layer.n_features}) were expected"
        )
    of_child = transpose(examples)
    touched = np.flatnonzero(np.diff(of_child.indptr))
    if not touched.size:
        return layer
    branches = layer.branches
    parent_of = np.repeat(np.arange(branches.size - 1), np.diff(branches))
    parents = np.unique(parent_of[touched])
    family = gather_chunks([layer], np.zeros_like(parents), parents)
    old = _family_examples(of_child, branches, parents)
    W, bias = family.to_matrix()
    firm = np.zeros(parents.size) if seen is None else seen[parents].astype(np.float64)
    change, shift = _changes(X, old, (W, bias), family.branches, params, step, firm)
    adapted = sp.csc_array(W + change)
    adapted.data[np.abs(adapted.data) < params.threshold] = 0
    adapted.eliminate_zeros()
    learned = LayerWeights.from_matrix(
        adapted, (bias + shift).astype(np.float32), family.branches, ranks=layer.ranks
    ).astype(layer.precision)
    if params.max_nonzeros is not None:
        learned = learned.prune(max_nonzeros=params.max_nonzeros)
    source = np.zeros(branches.size - 1, np.int64)
    place = np.arange(branches.size - 1)
    source[parents], place[parents] = 1, np.arange(parents.size)
    return gather_chunks([layer, learned], source, place)


def _family_examples(of_child: Csr, branches: NDArray[np.int64], parents: NDArray[np.int64]) -> Csr:
    """Return the examples of the children of some parents only, a row for each child."""
    lengths = branches[parents + 1] - branches[parents]
    shift = branches[parents] - np.concatenate(([0], np.cumsum(lengths)))[:-1]
    return select_rows(of_child, np.repeat(shift, lengths) + np.arange(lengths.sum()))


def _changes(
    X: Csr,
    of_child: Csr,
    old: "tuple[sp.csc_array, NDArray[np.float32]]",
    branches: NDArray[np.int64],
    params: SolverParams,
    step: float,
    firm: Floats,
) -> "tuple[sp.csc_array, Floats]":
    """Return what is added to the weights and biases of families."""
    (W, bias), rows, signed = old, to_scipy(X), to_scipy(of_child)
    constant = max(params.bias, 0.0)
    squares = np.asarray(rows.multiply(rows).mean(axis=0)).ravel()
    problem = _Problem(LOSSES[params.solver], params.tolerance, params.max_iter, step)
    changes, shifts = [], np.zeros(bias.size)
    for seen, first, last in zip(firm.tolist(), branches[:-1].tolist(), branches[1:].tolist(), strict=True):
        own = signed[first:last]
        used = np.unique(own.indices)
        costs = own[:, used].toarray().T.astype(np.float64)
        x = rows[used]
        ease_of_bias = constant**2 / (1.0 + seen * constant**2)
        eased = sp.csr_array((x.data / (1.0 + seen * squares[x.indices]), x.indices, x.indptr), shape=x.shape)
        margins = ((x @ W[:, first:last]).toarray() + bias[first:last]).astype(np.float64)
        coefficients = np.zeros_like(margins)
        for begin in range(0, used.size, BLOCK):
            block = slice(begin, begin + BLOCK)
            some = x[block]
            products = (some @ eased[block].T).toarray().astype(np.float64) + ease_of_bias
            at = margins[block]
            if begin:  # what the rows before have taught
                at = at + (some @ eased[:begin].T) @ coefficients[:begin]
                at += ease_of_bias * coefficients[:begin].sum(axis=0)
            coefficients[block] = problem.solve(products, at, costs[block])
        changes.append(sp.csc_array(eased.T @ sp.csc_array(coefficients)))
        shifts[first:last] = ease_of_bias * coefficients.sum(axis=0)
    change = sp.csc_array(sp.hstack(changes, format="csc"), dtype=np.float32)
    return change, shifts


@dataclass(frozen=True)
class _Problem:
    """The dual problems of siblings, which share their rows."""

    squared: bool
    tolerance: float
    max_iter: int
    step: float

    def solve(self, products: Floats, margins: Floats, costs: Floats) -> Floats:
        """Return the signed dual variables, of shape (n_rows, n_siblings).

        Parameters
        ----------
        products : float64 array of shape (n_rows, n_rows)
            Inner products of the rows.
        margins : float64 array of shape (n_rows, n_siblings)
            Before; changed.
        costs : float64 array of shape (n_rows, n_siblings)
            Below 0 for negatives, 0 where there is no example.
        """
        sign, cost = np.sign(costs), self.step * np.abs(costs)
        there = cost > 0
        safe = np.where(there, cost, 1.0)
        more, most = (0.5 / safe, np.where(there, np.inf, 0.0)) if self.squared else (0.0 * safe, cost)
        alpha = np.zeros_like(margins)
        curvature = np.diag(products)[:, None] + more
        for _ in range(self.max_iter):
            slope = sign * margins - 1.0 + more * alpha
            off = np.abs(np.clip(alpha - slope / curvature, 0.0, most) - alpha) * curvature
            wrong = np.flatnonzero(off.max(axis=1, initial=0.0) > self.tolerance)
            if not wrong.size:
                break
            for i in wrong.tolist():
                slope_here = sign[i] * margins[i] - 1.0 + more[i] * alpha[i]
                change = np.clip(alpha[i] - slope_here / curvature[i], 0.0, most[i]) - alpha[i]
                alpha[i] += change
                margins += products[:, i, None] * (sign[i] * change)
        return sign * alpha
