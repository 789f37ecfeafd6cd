"""Balanced hierarchical k-means: similar labels into the same leaves, similar leaves into the same branches.

The tree is grown by halving, as in Parabel (Prabhu et al., WWW 2018) and PECOS (Yu et al., JMLR 2022), and its levels
are then joined to the branching wanted. ``native/cluster/kmeans.hpp`` does the work and tells how.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._native import CompactRows, KMeansOptions
from ..core.checks import check_integer, check_real
from ..core.sparse import Csr, as_csr
from .options import TreeOptions
from .sampling import LabelVectors, halve_by_samples, n_halvings
from .tree import LabelTree

__all__ = ["balanced_kmeans", "leaves_below", "tree_of_leaves"]

_ROUNDS, _TOLERANCE = 20, 0.004

Leaves = tuple[NDArray[np.int32], NDArray[np.int64]]


def balanced_kmeans(
    representation: Csr | CompactRows | NDArray[np.float32],
    *,
    branching: int = TreeOptions.branching,
    max_leaf_size: int = TreeOptions.max_leaf_size,
    min_codes: int | None = None,
    spherical: bool = TreeOptions.spherical,
    max_iter: int = _ROUNDS,
    tolerance: float = _TOLERANCE,
    max_sample: int | None = TreeOptions.max_sample,
    random_state: int = TreeOptions.random_state,
    n_threads: int = 0,
    progress: Callable[[int], None] | None = None,
) -> LabelTree:
    """Cluster labels into a balanced tree.

    A node is split into two halves of equal size, so that the labels of a half are near its centroid; this is done
    ``ceil(log2(n_labels / max_leaf_size))`` times, then `LabelTree.from_order` joins levels. Labels with rows of
    zeros are placed too, wherever there is room.

    Parameters
    ----------
    representation : Csr, CompactRows or float32 array of shape (n_labels, d)
        See `arborank.indexing.representation`. Sparse values are rounded to 1/32767 of the largest of their
        row, which `CompactRows` have already; these are used up.
    branching : int, default 16
        Children of a node above the leaves, at least 2; a power of 2 keeps the halves of a split together.
    max_leaf_size : int, default 100
        Most labels in a leaf. With no more labels than that the tree is flat.
    min_codes : int, optional
        Most nodes that may hang from the root, ``branching`` by default.
    spherical : bool, default True
        Centroids of unit length: labels of a half have high cosine similarity to it. Otherwise centroids are means
        and distances Euclidean.
    max_iter : int, default 20
        Most rounds of a split; it ends earlier when hardly any label changes sides.
    tolerance : float, default 0.004
        That is, no more than this share of the node's labels; 0 for none at all.
    max_sample : int, optional
        Decide a split of more labels than this on a random sample of so many; the others go to the half whose
        centroid is nearer. By default all labels decide. Dense rows are rounded as sparse ones are then.
    random_state : int, default 0
        Where the splits begin; the same number gives the same tree, with any number of threads.
    n_threads : int, default 0
        0 for all cores.
    progress : callable, optional
        Called now and then with the number of labels times levels done, of ``n_labels`` times `n_halvings` in all.

    Raises
    ------
    TypeError
        If the representation is neither of these nor convertible to float32.
    ValueError
        If it is empty or not finite, or an argument is out of range.
    """
    given: dict[str, Any] = {"branching": branching, "max_leaf_size": max_leaf_size, "spherical": spherical}
    TreeOptions(**given, random_state=random_state)  # which checks them
    for name, value, low in (("min_codes", min_codes, 1), ("max_sample", max_sample, 2)):
        if value is not None:
            check_integer(name, value, low)
    check_integer("max_iter", max_iter, 1)
    check_integer("n_threads", n_threads, 0)
    check_real("tolerance", tolerance, least=0.0, most=1.0)
    rows = _checked(representation)
    n_labels = rows.shape[0]
    depth = n_halvings(n_labels, max_leaf_size)
    if depth == 0:
        return LabelTree.one_vs_all(n_labels)
    grow = partial(
        leaves_below,
        n_labels=n_labels,
        max_leaf_size=max_leaf_size,
        spherical=spherical,
        random_state=random_state,
        max_iter=max_iter,
        tolerance=tolerance,
        n_threads=n_threads,
    )
    if max_sample is None or n_labels <= max_sample:
        order, bounds = grow(rows, number=1, progress=progress)
        return LabelTree.from_order(order, bounds, branching=branching, min_codes=min_codes)
    vectors = LabelVectors.of(rows)
    nodes = halve_by_samples(
        n_labels,
        max_sample,
        depth,
        random_state=random_state,
        spherical=spherical,
        n_threads=n_threads,
        sample=vectors.take,
        scores=lambda nodes, directions: [
            vectors.scores(node, one) for node, one in zip(nodes, directions, strict=True)
        ],
    )
    leaves = [
        grow(vectors.take(node).compact(), number=len(nodes) + place) for place, node in enumerate(nodes)
    ]
    return tree_of_leaves(nodes, leaves, branching=branching, min_codes=min_codes)


def leaves_below(
    rows: Csr | CompactRows | NDArray[np.float32],
    number: int,
    *,
    n_labels: int,
    max_leaf_size: int,
    spherical: bool,
    random_state: int,
    max_iter: int = _ROUNDS,
    tolerance: float = _TOLERANCE,
    n_threads: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Leaves:
    """Halve the labels of a node until they are in leaves; all labels decide.

    Parameters
    ----------
    rows : Csr, CompactRows or float32 array
        The vectors of the node's labels; `CompactRows` are used up.
    number : int
        The node's: 1 for the root, ``2 * i`` and ``2 * i + 1`` for the halves of node ``i``.
    n_labels, max_leaf_size, spherical, random_state, max_iter, tolerance, n_threads, progress
        Of the whole tree, as for `balanced_kmeans`.

    Returns
    -------
    order : int32 array
        The row in every place.
    bounds : int64 array
        Where each leaf begins, and the number of rows.
    """
    depth = n_halvings(n_labels, max_leaf_size) - (number.bit_length() - 1)
    n = rows.shape[0]
    if depth == 0:
        return np.arange(n, dtype=np.int32), np.array([0, n])
    options = KMeansOptions(
        depth=depth,
        max_iter=max_iter,
        tolerance=float(tolerance),
        spherical=bool(spherical),
        seed=(random_state + number - 1) % 2**64,
        n_threads=n_threads,
    )
    return _native.balanced_kmeans(rows, options, progress)


def tree_of_leaves(
    nodes: list[NDArray[np.int64]], leaves: list[Leaves], *, branching: int, min_codes: int | None = None
) -> LabelTree:
    """Put the leaves below some nodes, whose labels are given, side by side to a tree."""
    order = np.concatenate([node[places] for node, (places, _) in zip(nodes, leaves, strict=True)])
    starts = np.cumsum([0, *(node.size for node in nodes)])
    bounds = [start + bounds[:-1] for start, (_, bounds) in zip(starts, leaves, strict=False)]
    return LabelTree.from_order(
        order, np.append(np.concatenate(bounds), order.size), branching=branching, min_codes=min_codes
    )


def _checked(
    representation: Csr | CompactRows | NDArray[np.float32],
) -> Csr | CompactRows | NDArray[np.float32]:
    rows: Csr | CompactRows | NDArray[np.float32]
    if isinstance(representation, CompactRows):
        rows = representation
    elif isinstance(representation, Csr) or hasattr(representation, "tocsr"):
        rows = as_csr(representation, "representation")
    elif np.iscomplexobj(representation):
        raise TypeError("representation holds complex numbers; real ones were expected")
    else:
        rows = np.ascontiguousarray(representation, dtype=np.float32)
        n = np.ndim(representation)
        if n != 2:
            raise ValueError(f"representation must be 2-dimensional, found {n} dimension(s)")
        if not np.isfinite(rows).all():
            raise ValueError("representation contains NaN or infinity")
    if rows.shape[0] == 0:
        raise ValueError("representation has no rows, or is used up; a tree needs at least 1 label")
    return rows
