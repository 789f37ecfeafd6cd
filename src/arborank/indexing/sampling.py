"""The upper splits of very large trees, decided by samples of the labels.

A node with more labels than a sample may have is split in two steps: 2-means divides a random sample of its labels, and
a line through the two centroids then orders all of them; the upper half goes right. So no more than a sample of label
vectors is needed at a time, beside one pass over all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._native import CompactRows, KMeansOptions
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, row_places

__all__ = ["LabelVectors", "direction_between", "halve_by_samples", "n_halvings", "sample_of"]

Ids = NDArray[np.int64]
_ROUNDS, _TOLERANCE = 20, 0.004


def n_halvings(n_labels: int, most: int) -> int:
    """Return how often labels are halved until no part has more than ``most``."""
    depth = 0
    while -(-n_labels >> depth) > most:
        depth += 1
    return depth


@dataclass(frozen=True)
class LabelVectors:
    """The arrays of `CompactRows`: of row ``i`` the values are ``units[i]`` times its shares."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    shares: NDArray[np.int16]
    units: NDArray[np.float32]
    n_cols: int

    @classmethod
    def of(cls, rows: Csr | CompactRows | NDArray[np.float32]) -> Self:
        """Take the arrays of rows, of which matrices are rounded."""
        compact = rows if isinstance(rows, CompactRows) else CompactRows.of(as_csr(rows, "representation"))
        return cls(*compact.arrays(), compact.shape[1])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts, one after the other."""
        starts = np.cumsum([0, *(part.columns.size for part in parts)])
        indptr = [part.indptr[:-1] + start for part, start in zip(parts, starts, strict=False)]
        return cls(
            np.append(np.concatenate(indptr), starts[-1]),
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.shares for part in parts]),
            np.concatenate([part.units for part in parts]),
            parts[0].n_cols,
        )

    def compact(self) -> CompactRows:
        """Return the rows as k-means takes them, a copy."""
        return CompactRows.from_arrays(self.indptr, self.columns, self.shares, self.units, self.n_cols)

    def take(self, rows: Ids) -> Self:
        """Return some rows, in the order given."""
        indptr, places = row_places(self.indptr, rows)
        return type(self)(indptr, self.columns[places], self.shares[places], self.units[rows], self.n_cols)

    def scores(self, rows: Ids, direction: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the products of some rows with a vector; each is summed in the order of its columns."""
        some = self.take(rows)
        matrix = sp.csr_array(
            (some.shares.astype(np.float32), some.columns, some.indptr), shape=(rows.size, self.n_cols)
        )
        products: NDArray[np.float32] = some.units * (matrix @ direction)
        return products


def sample_of(node: Ids, number: int, max_sample: int, random_state: int) -> Ids:
    """Return the labels that decide how a node is split, ascending if those of the node are."""
    chosen = np.random.default_rng([random_state, number]).choice(
        node.size, min(max_sample, node.size), replace=False
    )
    return node[np.sort(chosen)]


def direction_between(
    sample: LabelVectors, number: int, *, random_state: int, spherical: bool, n_threads: int
) -> NDArray[np.float32]:
    """Return the vector from the centroid of one half of a sample to that of the other, float32 of shape (d,)."""
    options = KMeansOptions(
        depth=1,
        max_iter=_ROUNDS,
        tolerance=_TOLERANCE,
        spherical=spherical,
        seed=(random_state + number - 1) % 2**64,
        n_threads=n_threads,
    )
    order, bounds = _native.balanced_kmeans(sample.compact(), options, None)
    left, right = (
        _centroid(sample.take(np.sort(half).astype(np.int64)), spherical)
        for half in (order[: bounds[1]], order[bounds[1] :])
    )
    return (right - left).astype(np.float32)


def halve_by_samples(
    n_labels: int,
    max_sample: int,
    depth: int,
    *,
    random_state: int,
    spherical: bool,
    n_threads: int,
    sample: Callable[[Ids], LabelVectors],
    scores: Callable[[list[Ids], list[NDArray[np.float32]]], list[NDArray[np.float32]]],
) -> list[Ids]:
    """Split all labels until no part has more than a sample, or ``depth`` times; return the parts, in tree order.

    Parameters
    ----------
    sample : callable
        Returns the vectors of some labels.
    scores : callable
        Gets the nodes of a level, as labels in ascending order, and the directions to compare their labels with;
        returns the products.
    """
    nodes = [np.arange(n_labels)]
    for _ in range(min(n_halvings(n_labels, max_sample), depth)):
        first = len(nodes)
        directions = [
            direction_between(
                sample(sample_of(node, first + place, max_sample, random_state)),
                first + place,
                random_state=random_state,
                spherical=spherical,
                n_threads=n_threads,
            )
            for place, node in enumerate(nodes)
        ]
        found = scores(nodes, directions)
        nodes = [half for pair in map(_halves, nodes, found) for half in pair]
    return nodes


def _halves(node: Ids, scores: NDArray[np.float32]) -> tuple[Ids, Ids]:
    """Divide labels at the median of their scores; of equal ones, smaller labels go left."""
    order = np.argsort(scores, kind="stable")
    right = np.ones(node.size, np.bool_)
    right[order[: node.size // 2]] = False
    return node[~right], node[right]


def _centroid(rows: LabelVectors, spherical: bool) -> NDArray[np.float64]:
    values = rows.shares * np.repeat(rows.units.astype(np.float64), np.diff(rows.indptr))
    total = np.bincount(rows.columns, weights=values, minlength=rows.n_cols).astype(np.float64)
    size = float(np.linalg.norm(total)) if spherical else float(rows.units.size)
    return total / size if size > 0 else total
