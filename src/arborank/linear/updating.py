"""Labels come, change and go without the tree being trained again.

New labels get a branch of their own, grown and trained as by `fit_tree`, but on the labels at hand only. Its top nodes
become children of the root, trained against all instances of the update; below them nothing differs from an ordinary
tree. The weights that were there stay as they are, so an old label's score does not change; only its rank may, where a
new label goes before it or a new branch takes the place of its own in the beam.

Every function returns a new `FittedTree` that shares most arrays with the old one.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import IGNORE_MISSING, MISSING, Missing, check_choice, check_integer
from ..core.errors import ArgumentError
from ..core.lazy import sp
from ..core.lengths import divide_rows, typical_length
from ..core.notices import warn
from ..core.options import Options, option, real
from ..core.sequences import as_column
from ..core.sparse import Csr, as_csr, is_matrix, select_rows
from ..core.types import MatrixLike, Targets
from ..indexing import LabelTree
from ..indexing.grafting import deepen, graft, prune, shape_branch
from ..ranking import LayerWeights
from ..ranking.chunks import append_chunks, concat_siblings, select_children
from ..ranking.training import CERTAIN
from .centroids import Centroids
from .fitted import FittedTree
from .fitting import count_labels, obtain_tree
from .kept import KeptRows
from .layers import train_layers
from .options import LinearOptions
from .targets import as_indicator

__all__ = [
    "NegativeCosts",
    "check_ids",
    "check_log",
    "check_new_ids",
    "graft_labels",
    "learn_labels",
    "remove_labels",
    "renumber_labels",
    "warn_of_lengths",
]

# What a sample of negatives leaves out, a branch with fewer levels has fewer rankers to make up for. Its margins at the
# root are lowered by so much for every level that it lacks, and every factor of e that the sample is smaller by; found
# as in benchmarks/HOW-WE-KNOW.md.
_LESS = 0.065
_ALIKE = 10  # lengths of rows in fit and an update; more, and they were not made in the same way


@dataclass(frozen=True)
class NegativeCosts(Options):
    """What negatives of new labels cost: the options of `XRLinear.add_labels` of these names, and their bounds."""

    negative_share: float = option(1.0, real(above=0.0, most=1.0))
    negative_cost: float = option(1.0, real(above=0.0))


def learn_labels(
    fitted: FittedTree,
    X: Csr,
    Y: Csr,
    ids: NDArray[np.int64],
    options: LinearOptions,
    *,
    tree: LabelTree | None = None,
    label_features: MatrixLike | None = None,
    costs: NegativeCosts,
    n_documents: int = 0,
) -> tuple[FittedTree, dict[str, float]]:
    """Learn labels ``ids``, the columns of ``Y``, in a branch of their own; return the seconds, too.

    The arguments are those of `XRLinear.learn_labels`, checked. What the tree knows of the labels is forgotten.
    """
    X = divide_rows(X, fitted.row_length)
    counts = count_labels(X, Y, options)
    n_instances = X.shape[0] - n_documents
    counts -= np.bincount(Y.indices[Y.indptr[n_instances] :], minlength=Y.shape[1])
    depth = fitted.tree.depth
    grown, times = obtain_tree(X, Y, options, tree, label_features)
    branch = shape_branch(grown, depth)
    start = time.perf_counter()
    root_cost = 1 / costs.negative_share
    plan = options.plan(depth).of_branch(branch.depth, root_cost=root_cost, cost=costs.negative_cost)
    layers = train_layers(X, Y, branch, plan, n_threads=options.n_threads, verbose=options.verbose)
    times["train"] = time.perf_counter() - start
    less = np.float32(_LESS * (depth - branch.depth) * math.log(root_cost))
    layers[0] = layers[0].with_bias(layers[0].bias - less)
    start = time.perf_counter()
    centroids = (
        Centroids.of_instances(X, Y, n_threads=options.n_threads) if fitted.centroids is not None else None
    )
    grafted = graft_labels(
        fitted, branch, layers, ids, counts, n_instances, options.search.combine, centroids=centroids
    )
    if grafted.rows is not None:
        rows = np.flatnonzero(np.diff(Y.indptr))
        marks = select_rows(Y, rows)
        marks = Csr(marks.indptr, ids[marks.indices].astype(np.int32), marks.data, grafted.n_labels)
        further = select_rows(X, rows), as_csr(marks)
        n_documents = int(np.count_nonzero(rows >= n_instances))
        grafted = replace(grafted, rows=grafted.rows.joined(*further, n_documents=n_documents))
    times["graft"] = time.perf_counter() - start
    return grafted, times


def graft_labels(
    fitted: FittedTree,
    branch: LabelTree,
    layers: list[LayerWeights],
    ids: NDArray[np.int64],
    counts: NDArray[np.int64],
    n_further: int,
    combine: str,
    *,
    centroids: Centroids | None = None,
) -> FittedTree:
    """Hang a branch over labels ``ids``, with its layers, from the root; what the tree has of them goes.

    Their ``centroids`` are left out where the tree has none.
    """
    depth, own = fitted.tree.depth, fitted.layers
    n_labels = max(fitted.n_labels, int(ids.max()) + 1)
    stem, kept = prune(fitted.tree, ids[ids < fitted.n_labels])
    layers = _deepen(layers, depth, combine)
    tree = deepen(branch, depth).relabel(ids, n_labels)
    if stem is not None:
        own = own if stem.labels.size == fitted.tree.labels.size else _select(own, kept)
        tree = graft(stem.relabel(np.arange(fitted.n_labels), n_labels), tree)
        top = concat_siblings([own[0], layers[0]])
        from concurrent.futures import ThreadPoolExecutor  # not needed to open a model

        with ThreadPoolExecutor() as pool:  # copying, which is not bound to the interpreter
            layers = [top, *pool.map(append_chunks, own[1:], layers[1:])]
    known, n_instances = fitted.label_counts, fitted.n_instances
    if known is not None and n_instances is not None:
        known = np.concatenate([known, np.zeros(n_labels - known.size, np.int64)])
        known[ids] = counts
        n_instances += n_further
    places = np.append(np.arange(fitted.n_labels), np.full(n_labels - fitted.n_labels, -1))
    places[ids] = fitted.n_labels + np.arange(ids.size)
    known_centroids = fitted.centroids
    if known_centroids is not None and centroids is not None:
        known_centroids = known_centroids.take(places, centroids)
    return replace(
        fitted,
        tree=tree,
        layers=layers,
        label_counts=known,
        n_instances=n_instances,
        centroids=known_centroids,
        rows=_relabelled(fitted.rows, places),
    )


def renumber_labels(fitted: FittedTree, ids: ArrayLike, n_labels: int) -> FittedTree:
    """Give the labels other ids; see `XRLinear.renumber_labels`."""
    check_integer("n_labels", n_labels, 1, 2**31 - 1)
    given = np.asarray(ids)
    if given.dtype.kind not in "iu":
        raise TypeError(f"ids must hold integer ids, found {given.dtype}")
    new = given.astype(np.int64)
    if new.shape != (fitted.n_labels,) or np.unique(new).size < new.size:
        raise ValueError(f"ids must hold a different id for each of {fitted.n_labels} labels")
    if new.min() < 0 or new.max() >= n_labels:
        raise ValueError(f"ids must be from 0 to {n_labels - 1}, found {new.min()} to {new.max()}")
    counts = None
    if fitted.label_counts is not None:
        counts = np.zeros(n_labels, np.int64)
        counts[new] = fitted.label_counts
    places = np.full(n_labels, -1)
    places[new] = np.arange(new.size)
    centroids = None if fitted.centroids is None else fitted.centroids.take(places)
    tree, rows = fitted.tree.relabel(new, n_labels), _relabelled(fitted.rows, places)
    return replace(fitted, tree=tree, label_counts=counts, centroids=centroids, rows=rows)


def remove_labels(fitted: FittedTree, labels: ArrayLike, *, renumber: bool, missing: Missing) -> FittedTree:
    """Drop labels with their weights; see `XRLinear.remove_labels`."""
    n_labels = fitted.n_labels
    check_choice("missing", missing, MISSING)
    ids = check_ids(labels, None if missing == "ignore" else n_labels)
    there = ids < n_labels
    if not renumber:  # what was removed before has an id still
        there[there] = np.isin(ids[there], fitted.tree.labels)
    if missing == "error" and not there.all():
        raise ArgumentError("labels", f"holds {ids[~there][0]}, which was removed before", IGNORE_MISSING)
    ids = ids[there]
    tree, kept = prune(fitted.tree, ids)
    if tree is None or ids.size == n_labels:
        raise ArgumentError("labels", "holds every label of the model; at least one must be left")
    counts = fitted.label_counts
    if counts is not None:
        counts = counts.copy()
        counts[ids] = 0
    places = np.arange(n_labels)
    places[ids] = -1
    if renumber:
        left = places >= 0
        tree = tree.relabel(np.cumsum(left) - 1, int(left.sum()))
        counts = None if counts is None else counts[left]
        places = places[left]
    centroids = None if fitted.centroids is None else fitted.centroids.take(places)
    layers, rows = _select(fitted.layers, kept), _relabelled(fitted.rows, places)
    return replace(fitted, tree=tree, layers=layers, label_counts=counts, centroids=centroids, rows=rows)


def _relabelled(rows: KeptRows | None, places: NDArray[np.int64]) -> KeptRows | None:
    return None if rows is None else rows.take(places)


# ------------------------------------------------------------------ checks


def check_log(X: Csr, Y: Targets, n_labels: int | None = None) -> Csr:
    """Return what marks the labels to learn in the rows of ``X``, or raise if they cannot be learned from them.

    ``n_labels`` is how many there are, where they are given by their ids.
    """
    marks, classes = as_indicator(Y, X.shape[0])
    if classes is not None:
        raise ValueError("Y is 1-dimensional; an indicator matrix, or a list of labels per row, was expected")
    idle = np.flatnonzero(np.bincount(marks.indices, minlength=marks.shape[1]) == 0)
    if idle.size:
        raise ValueError(
            f"column {idle[0]} of Y (and {idle.size - 1} more) has no instance; every label needs one, which may "
            "be a text about the label"
        )
    if np.diff(marks.indptr).all():
        hint = (
            "" if is_matrix(Y) else "; lists hold label ids, and an indicator must be an array: np.asarray(Y)"
        )
        raise ArgumentError(
            "Y",
            f"has a label in every row; there must also be instances without any, like the queries to come{hint}",
        )
    if n_labels is not None and marks.shape[1] != n_labels:
        raise ValueError(
            f"Y has {marks.shape[1]} columns, but labels has {n_labels} entries; one column per label"
        )
    return marks


def check_new_ids(labels: ArrayLike, n_labels: int) -> NDArray[np.int64]:
    """Return ids of some of ``n_labels`` labels and of new ones, or raise if the new ones leave a gap."""
    ids = check_ids(labels, None)
    new = np.sort(ids[ids >= n_labels])
    gaps = np.flatnonzero(new != n_labels + np.arange(new.size))
    if gaps.size:
        raise ValueError(f"labels leaves out {n_labels + gaps[0]}; ids of new labels follow {n_labels - 1}")
    return ids


def check_ids(labels: ArrayLike, n_labels: int | None) -> NDArray[np.int64]:
    """Return label ids, or raise if one is repeated, or not below ``n_labels`` where that is given."""
    is_array = isinstance(labels, np.ndarray)
    ids = np.asarray(labels if is_array else list(as_column(labels, "labels", "a list of label ids")))
    if ids.ndim != 1 or ids.size == 0:
        raise ValueError(f"labels must be a list of at least one label id, found shape {ids.shape}")
    if ids.dtype.kind not in "iu" and not all(type(label) is int for label in ids.tolist()):
        raise TypeError(f"labels must hold integer ids, found {ids.dtype}")
    most = 2**31 - 1 if n_labels is None else n_labels
    wrong = ids[(ids < 0) | (ids >= most)]
    if wrong.size:
        there = "label ids are below 2**31" if n_labels is None else f"the model has labels 0 to {most - 1}"
        raise ArgumentError("labels", f"holds {wrong[0]}, but {there}")
    values, times = np.unique(ids, return_counts=True)
    if values.size < ids.size:
        raise ArgumentError("labels", f"holds {values[times > 1][0]} twice")
    return ids.astype(np.int64)


# ------------------------------------------------------------------ layers


def warn_of_lengths(X: Csr, row_length: float) -> None:
    """Warn if rows are much longer or shorter than those that a model was fitted on."""
    length = typical_length(X)
    if max(length, row_length) / min(length, row_length) > _ALIKE:
        warn(
            f"rows of X have a typical length of {length:.3g}, but those that the model was fitted on had "
            f"{row_length:.3g}; make them as for fit"
        )


def _select(layers: Sequence[LayerWeights], kept: list[NDArray[np.bool_]]) -> list[LayerWeights]:
    return [
        layer if nodes.all() else select_children(layer, nodes)
        for layer, nodes in zip(layers, kept, strict=True)
    ]


def _deepen(layers: list[LayerWeights], depth: int, combine: str) -> list[LayerWeights]:
    """Insert layers of only children, see `deepen`, that pass the scores of their parents on."""
    n = layers[0].n_children
    if combine == "noop":  # scores do not come down from the parents, so the parents' rankers do
        W, bias = layers[0].to_matrix()
    else:
        W = sp.csc_array((layers[0].n_features, n), dtype=np.float32)
        bias = np.full(n, CERTAIN, np.float32)
    only = LayerWeights.from_matrix(W, bias, np.arange(n + 1), ranks=layers[0].ranks)
    return [layers[0], *[only] * (depth - len(layers)), *layers[1:]]
