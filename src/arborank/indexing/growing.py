"""From the data to a label tree: labels are represented, and their vectors clustered, once for each tree wanted."""

import time
from collections.abc import Callable
from functools import partial

from .._native import CompactRows
from ..core.progress import progress_bar
from ..core.sparse import Csr
from ..core.types import MatrixLike
from .forest import join_trees
from .kmeans import balanced_kmeans
from .options import TreeOptions
from .representing import represent
from .sampling import n_halvings
from .tree import LabelTree

__all__ = ["grow_tree"]


# Trees that differ are as good for an average: their splits need not be searched to the end.
_TOLERANCE, _TOLERANCE_OF_TREES = 0.004, 0.05


def grow_tree(
    X: Csr,
    Y: Csr,
    options: TreeOptions,
    *,
    label_features: MatrixLike | None = None,
    n_threads: int = 0,
    verbose: bool = False,
) -> tuple[LabelTree, dict[str, float]]:
    """Represent the labels and cluster them; labels without a positive instance are in no slot.

    With several trees the others begin at the seeds that follow. Where all labels fit into one leaf there is one tree.
    Returns the tree and the seconds spent on ``"representation"`` and ``"index"``.
    """
    start = time.perf_counter()
    vectors, present = represent(
        options.representation,
        X,
        Y,
        label_features,
        alpha=options.alpha,
        random_state=options.random_state,
        n_threads=n_threads,
        verbose=verbose,
    )
    represented = time.perf_counter()
    halvings = n_halvings(present.size, options.max_leaf_size)
    n_trees = options.n_trees if halvings else 1
    work = present.size * halvings
    trees: list[LabelTree] = []
    with progress_bar("growing the label tree", work * n_trees, enabled=verbose) as progress:
        for number in range(n_trees):
            last = number + 1 == n_trees
            tree = balanced_kmeans(
                vectors.copy() if isinstance(vectors, CompactRows) and not last else vectors,
                branching=options.branching,
                max_leaf_size=options.max_leaf_size,
                max_sample=options.max_sample,
                spherical=options.spherical,
                random_state=(options.random_state + number) % 2**64,
                n_threads=n_threads,
                tolerance=_TOLERANCE if n_trees == 1 else _TOLERANCE_OF_TREES,
                progress=progress and partial(_beyond, number * work, progress),
            )
            trees.append(tree)
    tree = join_trees(trees)
    times = {"representation": represented - start, "index": time.perf_counter() - represented}
    return (tree if present.size == Y.shape[1] else tree.relabel(present, Y.shape[1])), times


def _beyond(start: int, progress: Callable[[int], None], done: int) -> None:
    progress(start + done)
