"""How much memory training will need, and whether the machine has it, asked before the work begins."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._native import Csr
from .memory import available_memory, format_bytes
from .sparse import transpose
from .threads import used_threads

__all__ = ["Estimate", "check_fits", "estimate_training", "feature_overlap"]

_LOG = logging.getLogger(__name__)
_JOINING = 1.15  # what training holds of the layers, to what they are
_PACKING = 2.5  # the weights of a cluster while they are packed, to what they are then
_LANES = 16  # sibling labels solved together
_BASE = 8_000_000
_LEAST, _MOST = 0.6, 1.45  # times the estimate, over what was measured
_SAMPLED_LABELS, _SAMPLED_INSTANCES = 200, 64
_COPIED = 1.5  # weights of the labels with all their copies, in those of the labels: leaves grow by a sixth


@dataclass(frozen=True)
class Estimate:
    """Bytes that training needs at its peak, by what holds them.

    Attributes
    ----------
    inputs : int
        The instance matrix and the label matrix, which are there before training begins.
    index : int
        Label representations and the centroids of k-means.
    weights : int
        The layers of the model.
    working : int
        The gathered examples of a cluster, and the solvers' vectors, over all threads.
    base : int
        What training takes however small the data are: threads, and what the allocator keeps.
    """

    inputs: int
    index: int
    weights: int
    working: int
    base: int = 0

    @property
    def needed(self) -> int:
        """Bytes needed beyond the inputs; the index is freed before the weights are trained."""
        return max(self.index, self.weights + self.working) + self.base

    @property
    def total(self) -> int:
        """Bytes needed in all."""
        return self.inputs + self.needed

    @property
    def interval(self) -> tuple[int, int]:
        """Bytes in all that training needs at least and at most, as far as data of the same shape differ."""
        return round(_LEAST * self.total), round(_MOST * self.total)

    def __str__(self) -> str:
        return (
            f"{format_bytes(self.total)}: data {format_bytes(self.inputs)}, "
            f"weights {format_bytes(self.weights)}, working memory {format_bytes(self.working)}; "
            f"before that, the tree {format_bytes(self.index)}"
        )


def estimate_training(
    *,
    n_instances: int,
    n_features: int,
    nnz: int,
    label_counts: ArrayLike,
    branching: int = 16,
    max_leaf_size: int = 100,
    Cp: float | Sequence[float] = 1.0,
    threshold: float | Sequence[float] = 0.1,
    max_nonzeros: int | Sequence[int | None] | None = None,
    n_trees: int = 1,
    max_clusters: int = 1,
    copies: str = "needed",
    beam_size: int = 10,
    n_threads: int = 0,
    overlap: float | None = None,
) -> Estimate:
    r"""Estimate the peak memory of training `XRLinear`.

    Parameters
    ----------
    n_instances, n_features, nnz : int
        Shape of the instance matrix and the number of values that it stores.
    label_counts : array-like of int, shape (n_labels,)
        Instances of every label.
    branching, max_leaf_size, Cp, threshold, max_nonzeros, n_trees, max_clusters, copies, beam_size
        As for `XRLinear`; where there is one per layer, the one that needs most memory counts for all.
    n_threads : int, default=0
        0: every core.
    overlap : float, optional
        What `feature_overlap` tells of the data; by default what is usual for rows of that length.

    Notes
    -----
    *Inputs*: ``8 nnz + 8 n_instances`` and the same for the labels, twice (as given, and by label).

    *Index*: the PIFA vector of a label with ``p`` instances of ``r = nnz / n_instances`` values has about
    ``min(r p^b, n_features)`` values of 6 bytes. Instances share some, the more the longer they are (Heaps' law):
    ``b = 1.15 - 0.068 log r`` was fitted to four real data sets; `feature_overlap` measures it. A thread that makes the
    vectors holds one that is dense, or a few of k-means; k-means holds 80 bytes per label.

    *Weights*: orthogonal unit rows of a squared-hinge problem get the dual variable :math:`\alpha = 2C / (1 + 2C)`, and
    at most :math:`\alpha^2 / t^2` values of a unit row reach the threshold ``t`` when they are multiplied by it. With
    :math:`q = (\alpha / t)^{2.3}`, a ranker of ``p`` positives keeps about :math:`1.35 r q p^g / (r + 0.39 q)` weights,
    :math:`g = 0.27 + 0.47 b`, for as long as that is few of the features that ``n`` instances of a cluster have, which
    are ``d (1 - exp(-r n^b / d))`` of all ``d``. With a threshold of 0 it keeps those of its support vectors, a share
    of ``max(b^2.5, 0.6)``. A weight takes 4 bytes; 5 go to each feature that any sibling uses and 2 or 4 to each 16
    siblings that share it. The constants were fitted to the layers of nine models of four real data sets (19 to 524
    values per row, thresholds 0.01 to 0.3, ``Cp`` 1 and 10, leaves of 20 and 100): their sum is 0.8 to 1.4 times the
    real size. Training needs 15 % more, to join them.

    *Working*: a thread solves 16 labels at a time with vectors of ``68 n_features + 64 n`` bytes and the ``48 n`` of a
    cluster of ``n`` instances: all of them at the root, which one thread solves; the clusters of the others are taken
    to have a quarter. Smaller clusters are gathered, ``2 nnz`` bytes at most (8 for a quarter of the values), or two
    such when there is more than one thread. While the weights of a cluster are packed, they
    take 2.5 times as much beside, for each thread.

    *Several trees*: their weights, 24 bytes for every positive in each further tree, and one more copy of the label
    vectors, which k-means uses up.

    *Copies* of labels (``max_clusters`` above 1): weights of the bottom layer half as much again, since a leaf grows by
    a sixth by default and the copied labels have more instances than others; ``max_clusters`` times as much where all
    labels are copied. 40 bytes for every leaf in an instance's beam and for every positive while copies are placed, and
    100 for every leaf that the instances of a label reach if all are copied.

    *How near it is*: on synthetic data of 10 shapes (5,000 to 50,000 rows of 10 to 300 values, 300 to 300,000
    features, 500 to 20,000 labels, thresholds 0 and 0.1), with and without words of the labels' own, the estimate with
    the measured overlap was 0.8 to 1.3 times the growth of the process; on parts of four real sets, thresholds 0 to
    0.1, it was 0.7 to 1.5 times. ``Estimate.interval`` says so.
    """
    counts = np.asarray(label_counts, dtype=np.float64)
    counts = counts if counts.size else np.zeros(1)
    n_labels = counts.size
    threads = used_threads(n_threads)
    row = nnz / max(n_instances, 1)

    inputs = 8 * nnz + 8 * n_instances + 2 * (8 * counts.sum() + 8 * n_instances + 8 * n_labels)
    overlap = _usual_overlap(row) if overlap is None else overlap
    index = 6 * np.minimum(counts**overlap * row, n_features).sum() * min(n_trees, 2) + 80 * n_labels
    index += threads * 20 * n_features
    kept = _Kept(row, n_features, overlap, float(np.max(Cp)), float(np.min(threshold)), _most(max_nonzeros))
    copied = min(max_clusters, _COPIED) if copies == "needed" else max_clusters
    weights = packed = 0.0
    layers = list(_layers(counts, n_instances, branching, max_leaf_size))
    for level, (n_nodes, n_parents, positives) in enumerate(layers):
        n_rows = layers[level + 1][2][0] if level + 1 < len(layers) else float(n_instances)
        layer = (copied if level == 0 else 1) * kept.bytes(n_nodes, n_parents, positives, n_rows)
        weights += layer
        packed = max(packed, layer * min(threads / n_parents, 1.0))
    weights *= _JOINING * n_trees

    def solver(n_rows: float) -> float:
        return 4 * _LANES * (n_features + n_rows) + 4 * n_features + 48 * n_rows

    if len(layers) == 1:
        working = threads * solver(n_instances)
    else:
        working = solver(n_instances) + (threads - 1) * solver(n_instances / 4)
    working += 2 * nnz * min(threads, 2) + _PACKING * packed
    working += threads * 4 * n_features
    working += 24 * (n_trees - 1) * counts.sum()
    if max_clusters > 1:
        working += 40 * (n_instances * beam_size + counts.sum())
        if copies != "needed":
            working += 100 * np.minimum(counts * beam_size, n_labels / max_leaf_size * 2).sum()
    return Estimate(math.ceil(inputs), math.ceil(index), math.ceil(weights), math.ceil(working), _BASE)


def _most(max_nonzeros: int | Sequence[int | None] | None) -> int | None:
    values = max_nonzeros if isinstance(max_nonzeros, Sequence) else [max_nonzeros]
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _layers(
    counts: NDArray[np.float64], n_instances: int, branching: int, max_leaf_size: int
) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """Nodes, parents and positives of the nodes (those of an inner layer alike), bottom layer first."""
    positives = counts[counts > 0] if counts.any() else counts[:1]
    n_nodes = positives.size
    n_parents = 2 ** max(math.ceil(math.log2(n_nodes / max(max_leaf_size, 1))), 0)  # k-means halves
    share = positives.sum() / max(n_instances, 1)
    places = (
        min(share, 1.0) + max(share - 1.0, 0.0) / 2
    )  # of an instance; its labels are often in one cluster
    while True:
        yield n_nodes, n_parents, positives
        if n_parents <= 1:
            return
        n_nodes = n_parents
        positives = np.full(1, n_instances * (1 - (1 - 1 / n_nodes) ** places))
        n_parents = math.ceil(n_nodes / max(branching, 2)) if n_nodes > branching else 1


class _Kept:
    """What the rankers of a layer keep; see the notes of `estimate_training`."""

    def __init__(
        self,
        row: float,
        n_features: int,
        overlap: float,
        Cp: float,
        threshold: float,
        max_nonzeros: int | None,
    ) -> None:
        self._row, self._n_features, self._threshold, self._most = row, n_features, threshold, max_nonzeros
        self._overlap = overlap
        self._growth = 0.27 + 0.47 * overlap
        if threshold > 0:
            strong = (2 * Cp / (1 + 2 * Cp) / max(threshold, 1e-9)) ** 2.3
            self._of_one = 1.35 * row / (row / strong + 0.39)

    def bytes(self, n_nodes: int, n_parents: int, positives: NDArray[np.float64], n_rows: float) -> float:
        """Bytes of a layer whose parents have ``n_rows`` instances each."""
        features = -self._n_features * math.expm1(
            -self._row * n_rows**self._overlap / max(self._n_features, 1)
        )
        if features <= 0:
            return 0.0
        kept = np.full(
            positives.shape, features * (max(self._overlap**2.5, 0.6) if self._threshold == 0 else 1.0)
        )
        if self._threshold > 0:
            kept = features * -np.expm1(-self._of_one * positives**self._growth / features)
        if self._most is not None:
            kept = np.minimum(kept, self._most)
        n_weights = float(kept.sum()) if positives.size == n_nodes else float(kept[0]) * n_nodes
        rows = n_parents * features * -math.expm1(-0.5 * n_weights / n_parents / features)
        per_row = n_weights / max(rows, 1.0)
        n_groups = math.ceil(n_nodes / n_parents / _LANES)
        groups = rows * n_groups * -math.expm1(-per_row / n_groups)
        header = 4 if n_groups > 1 else 2
        return 4 * n_weights + header * groups + 5 * rows + 12 * n_nodes + 48 * n_parents


def _usual_overlap(row: float) -> float:
    """Return the exponent of Heaps' law for the features of instances with ``row`` values each."""
    return min(max(1.15 - 0.068 * math.log(max(row, 1.0)), 0.6), 1.0)


def feature_overlap(X: Csr, Y: Csr) -> float:
    """Return the exponent with which the features of a label's instances grow with their number.

    Parameters
    ----------
    X, Y : Csr of shapes (n_instances, n_features) and (n_instances, n_labels)
        200 labels of two instances or more are looked at, of each 64 instances at most.

    Returns
    -------
    float
        1 where instances share no features, 0 where they have the same; what is usual for rows of that length, if no
        label has two instances.
    """
    by_label = transpose(Y)
    counts = np.diff(by_label.indptr)
    labels = np.flatnonzero(counts > 1)
    grown = sizes = 0.0
    for label in _some(labels, _SAMPLED_LABELS).tolist():
        rows = _some(
            by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]], _SAMPLED_INSTANCES
        )
        own = [X.indices[X.indptr[row] : X.indptr[row + 1]] for row in rows.tolist()]
        columns = np.concatenate(own)
        if columns.size:
            size = math.log(rows.size)
            grown += math.log(np.unique(columns).size * rows.size / columns.size) * size
            sizes += size * size
    return min(max(grown / sizes, 0.0), 1.0) if sizes else _usual_overlap(X.nnz / max(X.shape[0], 1))


def _some(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Return values at even distances, at most so many."""
    return values[np.linspace(0, values.size - 1, min(values.size, most)).astype(np.int64)]


def check_fits(estimate: Estimate) -> None:
    """Log an estimate, and refuse work that the machine has no memory for.

    Parameters
    ----------
    estimate : Estimate
        Its inputs are taken to be in memory already.

    Raises
    ------
    MemoryError
        If more is needed than is available; the message says what can be done.
    """
    available = available_memory()
    free = "" if available is None else f"; {format_bytes(available)} free"
    _LOG.info("memory for training, about %s%s", estimate, free)
    most = estimate.interval[1] - estimate.inputs
    if available is not None and estimate.needed <= available < most:
        _LOG.warning(
            "training may need up to %s beyond the data, but %s are free",
            format_bytes(most),
            format_bytes(available),
        )
    if available is None or estimate.needed <= available:
        return
    raise MemoryError(
        f"training needs about {format_bytes(estimate.needed)} beyond the data "
        f"(tree {format_bytes(estimate.index)}, then weights {format_bytes(estimate.weights)} and "
        f"working memory {format_bytes(estimate.working)}), but {format_bytes(available)} are free. "
        "Ways out: fewer features (max_features or a larger min_df), fewer weights (a larger threshold, or "
        "max_nonzeros), fewer threads (n_jobs), or a subset of the instances or labels"
    )
