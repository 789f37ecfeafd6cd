"""From rows to a label tree: automatic values, label vectors, the top of the tree by samples, and what is below."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...core.estimator import pass_on
from ...core.sparse import scale_rows
from ...indexing import LabelTree, n_halvings, pifa_compact
from ...indexing.kmeans import leaves_below, tree_of_leaves
from ...indexing.sampling import LabelVectors, halve_by_samples
from ...linear.defaults import Resolved
from ...linear.trial import TrialPart, is_small, trial_rows, try_rows
from ..pieces import Ids, ManyRows
from ..settings import model_from, options_of
from ..work import Done, Task, Work

__all__ = ["choose_values", "grow_below", "grow_top", "join_leaves", "represent_labels", "tree_from"]


def choose_values(work: Work, task: Task, n_threads: int) -> Done:
    """Find the values of automatic parameters by a small training, as `XRLinear.fit` does."""
    args = task.arguments
    model = model_from(args["model"])
    pass_on(model, n_jobs=n_threads or None)
    rows = ManyRows(work, **args["rows"])
    chosen = trial_rows(model, args["instances"], args["values"])
    found = Resolved()
    if chosen is not None:
        parts = (TrialPart(rows.take(some), rows.labels(some)) for some in chosen)
        small = is_small(model, args["instances"], args["values"], rows.n_labels)
        found = try_rows(model, *parts, one_level=small)
    resolved = Resolved.of_model(model, found)
    return work.keep(task, [], {"resolved": {name: getattr(resolved, name) for name in resolved.checks()}})


def represent_labels(work: Work, task: Task, n_threads: int) -> Done:
    """Make the vectors of a range of labels."""
    args = task.arguments
    rows = ManyRows(work, **args["rows"])
    first, last = args["labels"]
    own = np.full(rows.n_labels, -1, np.int32)
    own[first:last] = 0
    found, _ = rows.below(own)
    X, weights = rows.take(found), rows.weights(found)
    X = X if weights is None else scale_rows(X, weights)
    vectors = pifa_compact(X, rows.labels(found), labels=(first, last), n_threads=n_threads)
    indptr, columns, shares, units = vectors.arrays()
    return work.keep(task, [{"indptr": indptr, "columns": columns, "shares": shares, "units": units}])


class _Vectors:
    """The vectors of all labels, in files."""

    def __init__(self, work: Work, files: list[str], bounds: list[int], n_cols: int) -> None:
        self._work, self._files, self._bounds, self._n_cols = work, files, np.array(bounds), n_cols

    def _parts(self, labels: Ids) -> list[tuple[LabelVectors, Ids]]:
        """Return for every file its vectors and the places of some labels, which ascend, in it."""
        cuts = np.searchsorted(labels, self._bounds)
        return [
            (LabelVectors(**self._work.arrays(file), n_cols=self._n_cols), labels[a:b] - begin)
            for file, begin, a, b in zip(self._files, self._bounds[:-1], cuts[:-1], cuts[1:], strict=True)
        ]

    def take(self, labels: Ids) -> LabelVectors:
        return LabelVectors.joined([vectors.take(places) for vectors, places in self._parts(labels)])

    def scores(self, nodes: list[Ids], directions: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        return [
            np.concatenate([vectors.scores(places, one) for vectors, places in self._parts(node)])
            for node, one in zip(nodes, directions, strict=True)
        ]


def grow_top(work: Work, task: Task, n_threads: int) -> Done:
    """Split nodes with more labels than a sample has; write the labels of the parts, in tree order."""
    args = task.arguments
    options = options_of(args["model"], args["resolved"], n_threads).indexing
    vectors = _Vectors(work, **args["vectors"])
    n_labels = args["vectors"]["bounds"][-1]
    nodes = halve_by_samples(
        n_labels,
        options.max_sample or n_labels,
        n_halvings(n_labels, options.max_leaf_size),
        random_state=options.random_state,
        spherical=options.spherical,
        n_threads=n_threads,
        sample=vectors.take,
        scores=vectors.scores,
    )
    bounds = np.cumsum([0, *(node.size for node in nodes)])
    return work.keep(task, [{"labels": np.concatenate(nodes), "bounds": bounds}], {"nodes": len(nodes)})


def _node(work: Work, top: str, place: int) -> tuple[Ids, int]:
    """Return the labels of a node below the top, and its number."""
    arrays = work.arrays(top)
    begin, end = arrays["bounds"][place : place + 2].tolist()
    return np.array(arrays["labels"][begin:end]), arrays["bounds"].size - 1 + place


def grow_below(work: Work, task: Task, n_threads: int) -> Done:
    """Divide the labels of a node below the top into leaves."""
    args = task.arguments
    options = options_of(args["model"], args["resolved"], n_threads).indexing
    labels, number = _node(work, args["top"], args["place"])
    order, bounds = leaves_below(
        _Vectors(work, **args["vectors"]).take(labels).compact(),
        number,
        n_labels=args["vectors"]["bounds"][-1],
        max_leaf_size=options.max_leaf_size,
        spherical=options.spherical,
        random_state=options.random_state,
        n_threads=n_threads,
    )
    return work.keep(task, [{"order": order, "bounds": bounds}])


def join_leaves(work: Work, task: Task, n_threads: int) -> Done:
    """Put the leaves of all sub-trees together to the label tree."""
    args = task.arguments
    n_labels = args["labels"]
    options = options_of(args["model"], args["resolved"], n_threads).indexing
    if not args["subtrees"]:
        tree = LabelTree.one_vs_all(n_labels)
    else:
        node = partial(_node, work, args["top"])
        leaves = [(one["order"], one["bounds"]) for one in map(work.arrays, args["subtrees"])]
        nodes = [node(place)[0] for place in range(len(leaves))]
        tree = tree_of_leaves(nodes, leaves, branching=options.branching)
    branches = {f"branches_{level}": branch for level, branch in enumerate(tree.branches)}
    return work.keep(task, [{**branches, "labels": tree.labels}], {"sizes": list(tree.level_sizes)})


def tree_from(work: Work, file: str) -> LabelTree:
    """Open the tree that `join_leaves` has written."""
    arrays = work.arrays(file)
    branches = tuple(arrays[f"branches_{level}"] for level in range(len(arrays) - 1))
    return LabelTree(branches, arrays["labels"], arrays["labels"].size)
