"""Where an estimator's label tree comes from: grown from the data, or given by the user."""

import time
from typing import Any

from ..core.progress import progress_bar
from ..core.sparse import Csr
from ..indexing import LabelTree, balanced_kmeans, n_halvings
from .representing import represent

__all__ = ["given_tree", "grow_tree"]


def grow_tree(
    X: Csr,
    Y: Csr,
    label_features: Any,
    *,
    representation: Any,
    alpha: float,
    branching: int,
    max_leaf_size: int,
    spherical: bool,
    random_state: int,
    n_threads: int,
    verbose: bool,
) -> tuple[LabelTree, dict[str, float]]:
    """Represent the labels and cluster them; the arguments are those of `XRLinear`.

    Returns
    -------
    tree : LabelTree
        Labels without a positive instance are in no slot.
    times : dict of str to float
        Seconds spent on ``"representation"`` and ``"index"``.
    """
    start = time.perf_counter()
    vectors, present = represent(
        representation,
        X,
        Y,
        label_features,
        alpha=alpha,
        random_state=random_state,
        n_threads=n_threads,
        verbose=verbose,
    )
    represented = time.perf_counter()
    work = present.size * n_halvings(present.size, max_leaf_size)
    with progress_bar("growing the label tree", work, enabled=verbose) as progress:
        tree = balanced_kmeans(
            vectors,
            branching=branching,
            max_leaf_size=max_leaf_size,
            spherical=spherical,
            random_state=random_state,
            n_threads=n_threads,
            progress=progress,
        )
    times = {"representation": represented - start, "index": time.perf_counter() - represented}
    return (tree if present.size == Y.shape[1] else tree.relabel(present, Y.shape[1])), times


def given_tree(tree: Any, Y: Csr, label_features: Any) -> tuple[LabelTree, dict[str, float]]:
    """Check a user's own tree against the labels; returns what `grow_tree` does."""
    if not isinstance(tree, LabelTree):
        raise TypeError(f"tree must be a LabelTree, found {type(tree).__name__}")
    if label_features is not None:
        raise ValueError("label_features grow a tree, but tree is given; pass one of the two")
    if tree.n_labels != Y.shape[1]:
        raise ValueError(f"tree has {tree.n_labels} labels, but Y has {Y.shape[1]}")
    return tree, {"representation": 0.0, "index": 0.0}
