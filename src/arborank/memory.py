"""How much memory training will need, and whether the machine has it, asked before the work begins."""

import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "Estimate",
    "available_memory",
    "check_fits",
    "check_label_arrays_fit",
    "estimate_training",
    "format_bytes",
]

_LOG = logging.getLogger(__name__)
_WEIGHT_BYTES = 13  # a weight, its shares of block header, row key and joining
_LABEL_BYTES = 48  # counts, estimates and positions of a label, positives or none
_LANES = 16  # sibling labels solved together
_COPIED = 1.5  # weights of the labels with all their copies, in those of the labels: leaves grow by a quarter


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
    """

    inputs: int
    index: int
    weights: int
    working: int

    @property
    def needed(self) -> int:
        """Bytes needed beyond the inputs; the index is freed before the weights are trained."""
        return max(self.index, self.weights + self.working)

    @property
    def total(self) -> int:
        """Bytes needed in all."""
        return self.inputs + self.needed

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
    max_clusters: int = 1,
    beam_size: int = 10,
    n_threads: int = 0,
) -> Estimate:
    r"""Estimate the peak memory of training `XRLinear`.

    Parameters
    ----------
    n_instances, n_features, nnz : int
        Shape of the instance matrix and the number of values that it stores.
    label_counts : array-like of int, shape (n_labels,)
        Instances of every label.
    branching, max_leaf_size, Cp, threshold, max_nonzeros, max_clusters, beam_size
        As for `XRLinear`; of one a layer, the value that needs most memory counts for all.
    n_threads : int, default=0
        0: every core.

    Notes
    -----
    *Inputs*: ``8 nnz + 8 n_instances`` and the same for the labels, twice (as given, and by label).

    *Index*: the PIFA vector of a label with ``p`` instances of ``r = nnz / n_instances`` values has about
    ``min(r p^b, n_features)`` values of 6 bytes. Instances share some, the more the longer they are (Heaps' law):
    ``b = 1.15 - 0.068 log r`` was fitted to four real data sets. A thread that makes the vectors holds one that
    is dense, or a few of k-means; k-means holds 80 bytes a label.

    *Weights*: orthogonal unit rows of a squared-hinge problem get the dual variable
    :math:`\alpha = 2C / (1 + 2C)`, so the squared norm of a node's weights would be :math:`p \alpha^2`, and
    :math:`p \alpha^2 / t^2` of them could reach the threshold ``t``. Positives that resemble one another
    share theirs: on real data, :math:`p^{3/4} \alpha^2 / t^2` is close on every layer. There are no more
    than features in the instances of a cluster, nor than ``max_nonzeros``. A weight takes 13 bytes.

    *Working*: every thread, and one more for the root's layer, solves 16 labels at a time with vectors of
    ``64 n_features + 64 n_instances`` bytes and the ``40 n_instances`` of a cluster that is as large as can
    be; smaller clusters are gathered, ``2 nnz`` bytes at most (8 for a quarter of the values), or two such
    when there is more than one thread.

    *Copies* of labels (``max_clusters`` above 1): weights of the bottom layer half as much again, since a leaf grows by
    a quarter at most and the copied labels have more instances than others; 40 bytes for every leaf in an instance's
    beam and for every positive while copies are placed.
    """
    counts = np.asarray(label_counts, dtype=np.float64)
    counts = counts if counts.size else np.zeros(1)
    n_labels = counts.size
    threads = n_threads if n_threads > 0 else os.cpu_count() or 1
    row = nnz / max(n_instances, 1)

    inputs = 8 * nnz + 8 * n_instances + 2 * (8 * counts.sum() + 8 * n_instances + 8 * n_labels)
    growth = min(max(1.15 - 0.068 * math.log(max(row, 1.0)), 0.6), 1.0)
    index = 6 * np.minimum(counts**growth * row, n_features).sum() + 80 * n_labels
    index += threads * 20 * n_features
    bounds = (float(np.max(Cp)), float(np.min(threshold)), _most(max_nonzeros))
    weights = 0.0
    for level, (n_nodes, n_parents, positives) in enumerate(_layers(counts, branching, max_leaf_size)):
        kept = _nonzeros(positives, n_nodes, n_parents, row, n_features, *bounds)
        copies = min(max_clusters, _COPIED) if level == 0 else 1
        weights += copies * _WEIGHT_BYTES * kept.sum() + 4 * n_nodes + 24 * n_parents
    solvers = threads + 1 if threads > 1 else 1
    working = solvers * (4 * _LANES * (n_features + n_instances) + 40 * n_instances)
    working += 2 * nnz * min(threads, 2)
    working += threads * 4 * n_features
    if max_clusters > 1:
        working += 40 * (n_instances * beam_size + counts.sum())
    return Estimate(math.ceil(inputs), math.ceil(index), math.ceil(weights), math.ceil(working))


def _most(max_nonzeros: int | Sequence[int | None] | None) -> int | None:
    values = max_nonzeros if isinstance(max_nonzeros, Sequence) else [max_nonzeros]
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _layers(counts: np.ndarray, branching: int, max_leaf_size: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Nodes, parents and positives of the nodes (those of an inner layer alike), bottom layer first."""
    n_nodes, positives = counts.size, counts
    n_parents = math.ceil(n_nodes / max(max_leaf_size, 1))
    while True:
        yield n_nodes, n_parents, positives
        if n_parents <= 1:
            return
        n_nodes = n_parents
        positives = np.full(1, counts.sum() / n_nodes)
        n_parents = math.ceil(n_nodes / max(branching, 2))


def _nonzeros(
    positives: np.ndarray,
    n_nodes: int,
    n_parents: int,
    row: float,
    n_features: int,
    Cp: float,
    threshold: float,
    max_nonzeros: int | None,
) -> np.ndarray:
    """Weights that each node keeps."""
    seen = min(float(n_features), positives.mean() * (n_nodes / n_parents) * row)
    kept = np.full(positives.shape, seen)
    if threshold > 0:
        alpha = 2 * Cp / (1 + 2 * Cp)
        kept = np.minimum(kept, positives**0.75 * (alpha / threshold) ** 2)
    if max_nonzeros is not None:
        kept = np.minimum(kept, max_nonzeros)
    return kept if positives.size == n_nodes else kept * n_nodes


def check_fits(estimate: Estimate, available: int | None = None) -> None:
    """Log an estimate, and refuse work that the machine has no memory for.

    Parameters
    ----------
    estimate : Estimate
        Its inputs are taken to be in memory already.
    available : int, optional
        Bytes to be had; by default what `available_memory` finds.

    Raises
    ------
    MemoryError
        If more is needed than is available; the message says what can be done.
    """
    available = available_memory() if available is None else available
    free = "" if available is None else f"; {format_bytes(available)} free"
    _LOG.info("memory for training, about %s%s", estimate, free)
    if available is None or estimate.needed <= available:
        return
    raise MemoryError(
        f"training needs about {format_bytes(estimate.needed)} beyond the data "
        f"(tree {format_bytes(estimate.index)}, then weights {format_bytes(estimate.weights)} and "
        f"working memory {format_bytes(estimate.working)}), but {format_bytes(available)} are free. "
        "Ways out: fewer features (max_features or a larger min_df), fewer weights (a larger threshold, or "
        "max_nonzeros), fewer threads (n_jobs), or a subset of the instances or labels"
    )


def check_label_arrays_fit(n_labels: int, available: int | None = None) -> None:
    """Refuse a number of labels for which not even arrays of one number a label can be had.

    Parameters
    ----------
    n_labels : int
        Columns of the label matrix, whether or not they hold anything.
    available : int, optional
        As for `check_fits`.

    Raises
    ------
    MemoryError
        If they would need more memory than is available.
    """
    available = available_memory() if available is None else available
    needed = _LABEL_BYTES * n_labels
    if available is not None and needed > available:
        raise MemoryError(
            f"Y has {n_labels:,} labels, for which {format_bytes(needed)} are needed before anything is learned, but "
            f"{format_bytes(available)} are free. Is the largest label id meant? Leave out columns without a label"
        )


def available_memory() -> int | None:
    """Return the bytes that this process may still take, or None where the system does not tell.

    The least of what the kernel says is available without swapping and what every control group (version 1
    or 2) above this process leaves; where neither is told (macOS), the machine's physical memory.
    """
    known = [*_meminfo(Path("/proc/meminfo")), *_cgroups(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))]
    if known:
        return max(min(known), 0)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _meminfo(path: Path) -> Iterator[int]:
    for line in _lines(path):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _cgroups(membership: Path, root: Path) -> Iterator[int]:
    """Yield what each control group above the process leaves: its limit less what it holds for good."""
    for line in _lines(membership):
        number, controllers, group = line.split(":", 2)
        if number == "0" and not controllers:
            names, base = ("memory.max", "memory.current", "inactive_file"), root
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            base = root / "memory"
        else:
            continue
        place = base / group.strip("/")
        # A container's own group is the root it sees; the path it is told is not there, and skipped.
        for folder in (place, *place.parents):
            yield from _group(folder, *names)
            if folder == base:
                break


def _group(folder: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    bounds = [lines[0] for name in (limit, usage) if (lines := _lines(folder / name))]
    if len(bounds) == 2 and bounds[0] != "max":
        stat = (line.split() for line in _lines(folder / "memory.stat"))
        cache = sum(int(value) for name, value in stat if name == reclaimable)
        yield int(bounds[0]) - int(bounds[1]) + cache


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def format_bytes(n_bytes: float) -> str:
    """Write a number of bytes for people, in powers of 1000."""
    value = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.0f} bytes" if unit == "bytes" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} TB" if value < 999.5 else f"{value:,.0f} TB"
