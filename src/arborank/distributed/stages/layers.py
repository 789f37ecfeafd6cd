"""The rankers of a part of the tree: some neighbouring nodes of a level, and the levels below them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.sparse import Csr
from ...core.types import AnyArray
from ...indexing import LabelTree
from ...ranking import active_rows, relevance_costs, train_layer
from ...ranking.relevance import tail_costs
from ...ranking.sampling import draw_examples
from ..pieces import Ids, ManyRows
from ..settings import options_of
from ..work import Done, Task, Work
from .tree import tree_from

__all__ = ["ARRAYS", "train_layers"]

ARRAYS = ("extents", "index", "starts", "bases", "keys", "units", "bias")
"""The arrays of a layer that its parts have."""


class _Problem(NamedTuple):
    """A level's examples of every parent, the positives of every child, and who is whose child."""

    active: Csr
    positives: Csr
    branches: NDArray[np.int64]


def train_layers(work: Work, task: Task, n_threads: int) -> Done:
    """Train the levels from ``first`` to before ``last`` below the nodes ``nodes`` of level ``first``."""
    args = task.arguments
    first, last = args["levels"]
    begin, end = args["nodes"]
    tree = tree_from(work, args["tree"])
    rows = ManyRows(work, **args["rows"])
    plan = options_of(args["model"], args["resolved"], n_threads).plan(tree.depth)
    branch = _branch(tree, first, last, begin, end)
    numbers, below = rows.below(_node_of(tree, last, branch))
    if first == 0:  # the root learns from instances without a label, too
        below, numbers = _all_rows(below, numbers, rows.n_rows), np.arange(rows.n_rows)
    costs = None
    if last == tree.depth and plan.relevance.tail:
        counts = rows.taught_counts[tree.labels]
        costs = tail_costs(counts, rows.n_rows, plan.relevance.tail)[branch.firsts[-1] : branch.end]
    problems = []
    for level in range(1, branch.tree.depth):
        lifted = branch.tree.lift_csr(below, level, n_threads=n_threads)
        active = active_rows("tfn", lifted, is_root=first + level == 1)
        lifted = branch.tree.lift_csr(below, level + 1, n_threads=n_threads)
        bottom = first + level == tree.depth
        positives = relevance_costs(lifted, node_costs=costs if bottom else None)
        own = _Problem(active, positives, branch.tree.branches[level])
        if plan.max_rows is not None:
            parents = branch.firsts[level - 1]
            drawn = draw_examples(
                *own, plan.max_rows, level=first + level - 1, first=parents, numbers=numbers
            )
            own = _Problem(*drawn, own.branches)
        problems.append(own)
    del below
    used = np.unique(np.concatenate([one.active.indices for one in problems]))
    X = rows.take(numbers[used])
    n_documents = int((numbers[used] >= args["instances"]).sum())
    arrays: dict[str, AnyArray] = {}
    for level, (active, positives, branches) in enumerate(problems, first):
        layer = train_layer(
            X,
            _renumbered(active, used),
            _renumbered(positives, used),
            branches,
            plan.solvers[level],
            ranks=rows.ranks,
            n_documents=n_documents,
            n_values=args["values"],
            weights=rows.weights(numbers[used]),
            n_threads=n_threads,
        )
        arrays |= {f"{level}.{name}": layer.arrays[name] for name in ARRAYS}
        arrays[f"{level}.branches"] = branches
    return work.keep(task, [arrays])


class _Branch(NamedTuple):
    """Some nodes of a level and those below them, as a tree with a root above; and their first numbers by level."""

    tree: LabelTree
    firsts: list[int]
    end: int


def _branch(tree: LabelTree, first: int, last: int, begin: int, end: int) -> _Branch:
    branches = [np.array([0, end - begin])]
    firsts = [begin]
    for level in range(first, last):
        own = tree.branches[level][begin : end + 1]
        begin, end = int(own[0]), int(own[-1])
        branches.append(own - begin)
        firsts.append(begin)
    n_bottom = end - begin
    return _Branch(LabelTree(tuple(branches), np.arange(n_bottom, dtype=np.int32), n_bottom), firsts, end)


def _node_of(tree: LabelTree, level: int, branch: _Branch) -> NDArray[np.int32]:
    """Return the bottom node of a branch above every label, -1 for labels elsewhere."""
    nodes = tree.ancestors(level)
    own = np.where((nodes >= branch.firsts[-1]) & (nodes < branch.end), nodes - branch.firsts[-1], -1)
    node_of = np.full(tree.n_labels, -1, np.int32)
    node_of[tree.labels] = own
    return node_of


def _all_rows(below: Csr, numbers: Ids, n_rows: int) -> Csr:
    lengths = np.zeros(n_rows, np.int64)
    lengths[numbers] = np.diff(below.indptr)
    return Csr(np.concatenate([[0], np.cumsum(lengths)]), below.indices, below.data, below.shape[1])


def _renumbered(matrix: Csr, used: Ids) -> Csr:
    """Return a matrix over instances, of which only some are left."""
    if used.size == matrix.shape[1]:
        return matrix
    places = np.full(matrix.shape[1], -1, np.int32)
    places[used] = np.arange(used.size, dtype=np.int32)
    return Csr(matrix.indptr, places[matrix.indices], matrix.data, used.size)
