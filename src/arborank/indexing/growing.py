"""From the data to a label tree: labels are represented, and their vectors clustered."""

import time
from dataclasses import dataclass

from ..core.options import Options, flag, integer, one_of, option, real
from ..core.progress import progress_bar
from ..core.sparse import Csr
from ..core.types import MatrixLike
from .kmeans import balanced_kmeans, n_halvings
from .overlap import COPIES, Copies
from .representing import Representation, check_representation, represent
from .tree import LabelTree

__all__ = ["TreeOptions", "grow_tree"]


@dataclass(frozen=True)
class TreeOptions(Options):
    """How a label tree is grown: the parameters of `arborank.XRLinear` of these names, and their bounds."""

    representation: Representation = option("pifa", check_representation)
    """What stands for a label."""
    alpha: float = option(0.5, real(least=0.0, most=1.0))
    """Share of PIFA in ``pifa-convex``."""
    branching: int = option(16, integer(2))
    """Children of an inner node."""
    max_leaf_size: int = option(100, integer(1))
    """Most labels in a leaf."""
    spherical: bool = option(True, flag())
    """Whether k-means normalises its centroids."""
    max_clusters: int = option(1, integer(1))
    """Most leaves of a label."""
    copies: Copies = option("needed", one_of(COPIES))
    """Which labels get copies when ``max_clusters`` is above 1."""
    random_state: int = option(0, integer(0, 2**64 - 1))
    """Seed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.copies != "needed" and self.max_clusters == 1:
            raise ValueError(f"copies is {self.copies!r}, but max_clusters is 1: no label can have a copy")


def grow_tree(
    X: Csr,
    Y: Csr,
    options: TreeOptions,
    *,
    label_features: MatrixLike | None = None,
    n_threads: int = 0,
    verbose: bool = False,
) -> tuple[LabelTree, dict[str, float]]:
    """Represent the labels and cluster them.

    Parameters
    ----------
    X, Y : Csr of shapes (n_instances, n_features) and (n_instances, n_labels)
    options : TreeOptions
        ``max_clusters`` and ``copies`` are for later.
    label_features : matrix of shape (n_labels, d), optional
        Needed by the representations that are made of them.
    n_threads : int, default 0
        0 for all cores.
    verbose : bool, default False
        Whether to show progress bars.

    Returns
    -------
    tree : LabelTree
        Labels without a positive instance are in no slot.
    times : dict of str to float
        Seconds spent on ``"representation"`` and ``"index"``.
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
