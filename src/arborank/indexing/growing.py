"""From the data to a label tree: labels are represented, and their vectors clustered."""

import time

from ..core.progress import progress_bar
from ..core.sparse import Csr
from ..core.types import MatrixLike
from .kmeans import balanced_kmeans, n_halvings
from .options import TreeOptions
from .representing import represent
from .tree import LabelTree

__all__ = ["grow_tree"]


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
    work = present.size * n_halvings(present.size, options.max_leaf_size)
    with progress_bar("growing the label tree", work, enabled=verbose) as progress:
        tree = balanced_kmeans(
            vectors,
            branching=options.branching,
            max_leaf_size=options.max_leaf_size,
            spherical=options.spherical,
            random_state=options.random_state,
            n_threads=n_threads,
            progress=progress,
        )
    times = {"representation": represented - start, "index": time.perf_counter() - represented}
    return (tree if present.size == Y.shape[1] else tree.relabel(present, Y.shape[1])), times
