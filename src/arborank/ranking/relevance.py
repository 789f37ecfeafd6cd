"""How relevant an instance is to a label, as the cost of getting it wrong, at every level of the tree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.options import Options, one_of, option, real
from ..core.sparse import Csr, as_csr, places_of, to_scipy, transpose
from ..core.types import MatrixLike

__all__ = ["MODES", "NORMS", "RelevanceOptions", "check_relevance", "relevance_costs", "tail_costs"]

MODES = ("induce", "ranker-only")
NORMS = ("none", "l1", "l2", "max")


@dataclass(frozen=True)
class RelevanceOptions(Options):
    """How relevance weighs positives: the parameters of `arborank.XRLinear` of these names, and their bounds."""

    relevance: str = option("induce", one_of(MODES))
    """Whether it counts at every level, or with ``"ranker-only"`` at the bottom level only."""
    relevance_norm: str = option("none", one_of(NORMS))
    """How the relevances of an instance are scaled at a level: divided by their sum, Euclidean length or maximum."""
    tail: float = option(0.0, real(least=0.0, most=1.0))
    """How much more positives of rare labels cost at the bottom level; see `tail_costs`."""


def check_relevance(R: MatrixLike, Y: MatrixLike) -> Csr:
    """Return ``R`` as a `Csr` after checking that it has a value wherever ``Y`` has one, and nowhere else.

    Raises ``ValueError`` if shapes or patterns differ or a relevance is negative.
    """
    labels = as_csr(Y, "Y")
    relevance = as_csr(R, "relevance", n_cols=labels.shape[1], n_rows=labels.shape[0])
    same_lengths = np.array_equal(relevance.indptr, labels.indptr)
    if not (same_lengths and np.array_equal(relevance.indices, labels.indices)):
        row = _first_difference(relevance, labels)
        raise ValueError(f"relevance must have the same pattern as Y; they first differ at row {row}")
    if relevance.nnz and relevance.data.min() < 0:
        raise ValueError(f"relevance must be at least 0, found {relevance.data.min():g}")
    return relevance


def relevance_costs(
    labels: MatrixLike,
    relevance: MatrixLike | None = None,
    options: RelevanceOptions | None = None,
    *,
    is_bottom: bool = True,
    node_costs: NDArray[np.float32] | None = None,
) -> Csr:
    """Return the positives of every node of a level, (n_nodes, n_instances), with the multipliers of their cost.

    Parameters
    ----------
    labels : matrix of shape (n_instances, n_nodes)
        The labels lifted to the level; its pattern is that of the positives.
    relevance : matrix of the same shape, optional
        The relevance lifted to the level (sums over the labels below a node), 0 where it has no value; without it every
        positive counts 1.
    options : RelevanceOptions, optional
    is_bottom : bool
        Whether the level is the bottom one.
    node_costs : float32 array of shape (n_nodes,), optional
        What a positive of every node costs, for a part of a level, which cannot tell what ``tail`` makes of the whole.

    Raises
    ------
    ValueError
        If shapes differ, or a relevance is negative or not that of a positive.
    """
    options = RelevanceOptions() if options is None else options
    positives = as_csr(labels, "labels")
    if relevance is None or (options.relevance == "ranker-only" and not is_bottom):
        costs = np.ones(positives.nnz, np.float32)
    else:
        costs = _normalised(_aligned(relevance, positives), options.relevance_norm)
    if node_costs is None and options.tail and is_bottom:
        counts = np.bincount(positives.indices, minlength=positives.shape[1])
        node_costs = tail_costs(counts, positives.shape[0], options.tail)
    if node_costs is not None:
        costs *= node_costs[positives.indices]
    matrix = sp.csr_array((costs, positives.indices, positives.indptr), shape=positives.shape)
    return transpose(as_csr(matrix, "positives"))


def tail_costs(label_counts: NDArray[np.int64], n_instances: int, tail: float) -> NDArray[np.float32]:
    """Return what a positive of every label costs: ``propensity ** -tail``, over all positives 1 as a mean.

    The few instances of a rare label stand against all others in its leaf, and some of those have the label, too, only
    nobody has said so. The smaller the chance that a label is recorded, the more its positives count.
    """
    from ..metrics import propensities  # which whoever only ranks need not wait for

    costs = propensities(label_counts, max(n_instances, 3)) ** -tail
    if label_counts.any():
        costs /= np.average(costs, weights=label_counts)
    return costs.astype(np.float32)


def _aligned(R: MatrixLike, positives: Csr) -> Csr:
    """Return relevance with the pattern of the positives: sums of zeros are not stored when labels are lifted."""
    relevance = as_csr(R, "relevance", n_cols=positives.shape[1], n_rows=positives.shape[0])
    if relevance.nnz and relevance.data.min() < 0:
        raise ValueError(f"relevance must be at least 0, found {relevance.data.min():g}")
    places, wanted = places_of(relevance), places_of(positives)
    at = np.searchsorted(wanted, places)
    found = np.append(wanted, -1)[at] == places
    if not found.all():
        row = int(places[np.argmin(found)] // positives.shape[1])
        raise ValueError(f"relevance has a value in row {row} where there is no positive")
    costs = np.zeros(positives.nnz, np.float32)
    costs[at] = relevance.data
    return Csr(positives.indptr, positives.indices, costs, positives.shape[1])


def _normalised(relevance: Csr, norm: str) -> NDArray[np.float32]:
    if norm == "none":
        return np.asarray(relevance.data)
    matrix = to_scipy(relevance)
    if norm == "l1":
        size = matrix.sum(axis=1)
    elif norm == "l2":
        size = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    else:
        size = matrix.max(axis=1).toarray().ravel()
    scale = np.ones(matrix.shape[0], np.float32)
    np.divide(1.0, size, out=scale, where=size > 0)
    return np.asarray(relevance.data * np.repeat(scale, np.diff(relevance.indptr)))


def _first_difference(a: Csr, b: Csr) -> int:
    lengths = np.flatnonzero(np.diff(a.indptr) != np.diff(b.indptr))
    shortest = min(a.nnz, b.nnz)
    different = np.flatnonzero(a.indices[:shortest] != b.indices[:shortest])
    rows = [int(lengths[0])] if lengths.size else []
    if different.size:
        rows.append(int(np.searchsorted(a.indptr, different[0], side="right")) - 1)
    return min(rows)
