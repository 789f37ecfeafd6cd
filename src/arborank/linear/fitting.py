"""From data to a `FittedTree`: the label tree is grown, its layers are trained top down."""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.estimates import check_fits, feature_overlap
from ..core.lengths import divide_rows, typical_length
from ..core.memory import check_label_arrays_fit
from ..core.sparse import Csr, scale_rows
from ..core.types import MatrixLike
from ..indexing import LabelTree
from ..indexing.growing import grow_tree
from ..matching.copies import Merge
from .centroids import Centroids
from .checkpoint import Checkpoint, checkpoint_in
from .fitted import FittedTree
from .kept import KeptRows
from .layers import train_layers
from .options import LinearOptions
from .refining import Refinement, refine_tree

__all__ = ["count_labels", "fit_tree", "obtain_tree"]


def fit_tree(
    X: Csr,
    Y: Csr,
    options: LinearOptions,
    *,
    tree: LabelTree | None = None,
    label_features: MatrixLike | None = None,
    relevance: MatrixLike | None = None,
    user_negatives: MatrixLike | None = None,
    row_length: float | None = None,
    refinement: Refinement | None = None,
    n_documents: int = 0,
    weights: NDArray[np.float32] | None = None,
    work_dir: str | PathLike[str] | None = None,
) -> tuple[FittedTree, dict[str, float]]:
    """Grow a label tree and train its layers; return them, and the seconds as in ``XRLinear.fit_times_``.

    The arguments are those of `XRLinear.fit`, read; ``refinement`` is for trees that are made to overlap, ``weights``
    are those of the rows, all above 0.
    """
    if tree is not None and options.indexing.n_trees > 1:
        raise ValueError(f"n_trees is {options.indexing.n_trees}, but tree is given; leave one of them out")
    if options.keep_rows:
        _check_keepable(options, relevance, user_negatives)
    if row_length is None:
        row_length = typical_length(X, warns=True)
    rows = divide_rows(X, row_length)
    counts = count_labels(
        rows, Y, options, keeps_weights=work_dir is None, grows=tree is None, divided=rows is not X
    )
    counts -= np.bincount(Y.indices[Y.indptr[-1 - n_documents] :], minlength=Y.shape[1])  # chosen by nobody
    kind = options.indexing.representation
    if work_dir is not None and tree is None and callable(kind):
        raise ValueError(
            "representation is a callable, which work_dir cannot recognise when training goes on; "
            "call it, and give the matrix that it returns"
        )
    matrices = {"label_features": label_features, "relevance": relevance, "user_negatives": user_negatives}
    matrices["sample_weight"] = weights
    if not isinstance(kind, str | Mapping) and not callable(kind):
        matrices["representation"] = kind
    work: dict[str, Any] = {"n_threads": options.n_threads, "verbose": options.verbose}
    parameters = {**options.as_json, **asdict(options.resolved), "n_documents": n_documents}
    with checkpoint_in(work_dir, parameters, tree, X=rows, Y=Y, **matrices) as checkpoint:
        seen = X if callable(kind) else rows
        if weights is not None and not callable(kind):
            seen = scale_rows(rows, weights)
        grown, times = obtain_tree(seen, Y, options, tree, label_features, checkpoint)
        routes = None
        if options.indexing.max_clusters > 1:
            plan = options.plan(grown.depth)
            start = time.perf_counter()
            grown, routes = refine_tree(rows, Y, grown, plan, options.indexing, refinement, **work)
            times["disentangle"] = time.perf_counter() - start
        start = time.perf_counter()
        layers = train_layers(
            rows,
            Y,
            grown,
            options.plan(grown.depth),
            relevance=relevance,
            user_negatives=user_negatives,
            routes=routes,
            n_documents=n_documents,
            weights=weights,
            checkpoint=checkpoint,
            **work,
        )
        times["train"] = time.perf_counter() - start
    centroids = None
    if options.rerank:
        start = time.perf_counter()
        weighed = rows if weights is None else scale_rows(rows, weights)
        centroids = Centroids.of_instances(weighed, Y, n_threads=options.n_threads)
        times["centroids"] = time.perf_counter() - start
    merge: Merge = "max" if options.indexing.n_trees == 1 else "average"
    kept = None
    if options.keep_rows:
        kept = KeptRows.of(rows, Y, n_documents=n_documents, weights=weights, copy=True)
    return FittedTree(
        grown, layers, row_length, counts, X.shape[0] - n_documents, merge, centroids, kept
    ), times


def _check_keepable(
    options: LinearOptions, relevance: MatrixLike | None, user_negatives: MatrixLike | None
) -> None:
    """Raise where parts of a model could not be trained anew on its rows alone."""
    reason = ""
    if options.indexing.max_clusters > 1:
        reason = f"max_clusters is {options.indexing.max_clusters}; copies of labels are not learned anew"
    elif relevance is not None or user_negatives is not None:
        reason = (
            f"{'user_negatives' if relevance is None else 'relevance'} is given, which later rows do not have"
        )
    if reason:
        raise ValueError(f"keep_rows is True, but {reason}")


def obtain_tree(
    X: Csr,
    Y: Csr,
    options: LinearOptions,
    tree: LabelTree | None,
    label_features: MatrixLike | None,
    checkpoint: Checkpoint | None = None,
) -> tuple[LabelTree, dict[str, float]]:
    """Return the tree that is given, that was grown before, or that is grown now, and the seconds it took."""
    if tree is not None:
        _check_tree(tree, Y, label_features)
        return tree, {"representation": 0.0, "index": 0.0}

    def grow() -> tuple[LabelTree, dict[str, float]]:
        return grow_tree(
            X,
            Y,
            options.indexing,
            label_features=label_features,
            n_threads=options.n_threads,
            verbose=options.verbose,
        )

    return grow() if checkpoint is None else checkpoint.tree(grow)


def _check_tree(tree: LabelTree, Y: Csr, label_features: MatrixLike | None) -> None:
    """Raise unless a user's own tree fits the labels."""
    if not isinstance(tree, LabelTree):
        raise TypeError(f"tree must be a LabelTree, found {type(tree).__name__}")
    if label_features is not None:
        raise ValueError("label_features grow a tree, but tree is given; pass one of the two")
    if tree.n_labels != Y.shape[1]:
        raise ValueError(f"tree has {tree.n_labels} labels, but Y has {Y.shape[1]}")


def count_labels(
    X: Csr,
    Y: Csr,
    options: LinearOptions,
    *,
    keeps_weights: bool = True,
    grows: bool = True,
    divided: bool = False,
) -> NDArray[np.int64]:
    """Return the instances of every label, once it is clear that memory is enough to learn from them.

    ``keeps_weights`` and ``grows`` say whether layers stay in memory and a tree is grown; ``divided``, whether the
    values of ``X`` are a copy of the user's.
    """
    check_label_arrays_fit(Y.shape[1])
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    estimate = options.estimate(
        n_instances=X.shape[0],
        n_features=X.shape[1],
        nnz=X.nnz,
        label_counts=counts,
        overlap=feature_overlap(X, Y),
    )
    check_fits(
        replace(
            estimate,
            weights=estimate.weights if keeps_weights else 0,
            index=estimate.index if grows else 0,
            inputs=estimate.inputs + (X.data.nbytes if divided else 0),
        )
    )
    return counts
