"""The label tree: labels in leaves, leaves in branches, one root. What every indexer makes and every ranker follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import check_integer
from ..core.figures import Shown, html_table, new_figure
from ..core.lazy import sp
from ..core.sequences import as_column
from ..core.sparse import Csr, as_csr, multiply, to_scipy
from ..core.state import State
from ..core.types import Matrix, MatrixLike
from .chain import chain_orders
from .rendering import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LabelTree"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class LabelTree(Shown):
    """A tree whose bottom nodes are labels.

    Level 0 is the root alone; level ``depth`` is the labels. Nodes are numbered from 0 on each level so that the
    children of a node stand side by side. A place on the bottom level is a *slot*: a label usually has one, and
    several in an overlapping tree.

    Parameters
    ----------
    branches : sequence of int64 arrays, one per level from the root down to the leaves
        The children of node ``i`` of level ``t`` are nodes ``branches[t][i]`` to ``branches[t][i + 1]`` of level
        ``t + 1``.
    labels : int32 array of shape (n_slots,)
        The label in every slot.
    n_labels : int
        Number of labels. One that is in no slot is never predicted.

    Raises
    ------
    TypeError
        If an array does not hold integers.
    ValueError
        If the arrays do not describe a tree, see `validate`.
    """

    branches: tuple[IntArray, ...]
    labels: NDArray[np.int32]
    n_labels: int

    def __post_init__(self) -> None:
        branches = tuple(_integers(b, f"branches[{t}]", np.int64) for t, b in enumerate(self.branches))
        object.__setattr__(self, "branches", branches)
        object.__setattr__(self, "labels", _integers(self.labels, "labels", np.int32))
        object.__setattr__(self, "n_labels", check_integer("n_labels", self.n_labels, 0, 2**31 - 1))
        self.validate()

    # -- ways to make one

    @classmethod
    def one_vs_all(cls, n_labels: int) -> Self:
        """Make the flat tree: the root, and every label below it in its own order."""
        check_integer("n_labels", n_labels, 1, 2**31 - 1)
        return cls((np.array([0, n_labels]),), np.arange(n_labels, dtype=np.int32), n_labels)

    @classmethod
    def from_order(
        cls, order: ArrayLike, leaf_bounds: ArrayLike, *, branching: int = 16, min_codes: int | None = None
    ) -> Self:
        """Build the levels above leaves that already stand in a meaningful order, such as k-means gives.

        Neighbouring nodes are joined ``branching`` at a time until a level has at most ``min_codes`` nodes; those
        hang from the root. A single leaf gives the flat tree.

        Parameters
        ----------
        order : int array of shape (n_slots,)
            The label in every slot.
        leaf_bounds : int array of shape (n_leaves + 1,)
            Leaf ``i`` holds slots ``leaf_bounds[i]`` to ``leaf_bounds[i + 1]``; empty leaves count while levels
            are joined, and vanish then.
        branching : int, default 16
            Children of a node above the leaves, at least 2.
        min_codes : int, optional
            Most nodes that may hang from the root, ``branching`` by default.
        """
        top = branching if min_codes is None else min_codes
        check_integer("branching", branching, 2)
        if top < 1:
            raise ValueError(f"min_codes is {top}; it must be at least 1")
        labels = _integers(order, "order", np.int32)
        bounds = _integers(leaf_bounds, "leaf_bounds", np.int64)
        if bounds.size < 2 or bounds[0] != 0 or bounds[-1] != labels.size or (bounds[1:] < bounds[:-1]).any():
            raise ValueError(f"leaf_bounds must ascend from 0 to the {labels.size} entries of order")
        levels = [bounds]
        while levels[0].size - 1 > top:
            levels.insert(0, np.append(levels[0][:-1:branching], bounds[-1]))
        # From the slots below each node to its children; a node without a slot vanishes.
        levels = [
            np.array([0, labels.size]),
            *(np.unique(level) for level in levels),
            np.arange(labels.size + 1),
        ]
        if levels[1].size == 2:
            del levels[1]
        branches = tuple(np.searchsorted(low, high) for high, low in pairwise(levels))
        return cls(branches, labels, int(labels.max(initial=-1)) + 1)

    @classmethod
    def from_clusters(
        cls, ids: ArrayLike, *, branching: int | None = None, min_codes: int | None = None
    ) -> Self:
        """Take a user's own flat clusters.

        Parameters
        ----------
        ids : int array of shape (n_labels,)
            The cluster of every label; any non-negative numbers, numbers that do not occur are skipped.
        branching : int, optional
            Join clusters with neighbouring numbers, ``branching`` at a time, as `from_order` does. By default all
            clusters hang from the root.
        min_codes : int, optional
            See `from_order`; needs ``branching``.
        """
        clusters = _integers(ids, "ids", np.int64)
        if clusters.size == 0:
            raise ValueError("ids is empty; a tree needs at least 1 label")
        if clusters.min() < 0:
            label = int(np.flatnonzero(clusters < 0)[0])
            raise ValueError(
                f"ids gives label {label} cluster {int(clusters[label])}; it must not be negative"
            )
        if branching is None and min_codes is not None:
            raise ValueError(f"min_codes is {min_codes}, but it has a meaning only with branching")
        sizes = np.unique(clusters, return_counts=True)[1]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        order = np.argsort(clusters, kind="stable")
        if branching is None:
            return cls.from_order(order, bounds, branching=2, min_codes=sizes.size)
        return cls.from_order(order, bounds, branching=branching, min_codes=min_codes)

    @classmethod
    def from_chain(cls, chain: Sequence[Matrix]) -> Self:
        """Take a chain of cluster matrices, as PECOS keeps them.

        Parameters
        ----------
        chain : sequence of scipy sparse matrices of shape (n_children, n_parents), the top one first
            A non-zero makes a node the child of another; the last matrix has one row per label, which may have
            several parents. A first matrix with more than one column gets a root above it.

        Notes
        -----
        Nodes are renumbered where siblings are not neighbours: `arborank.indexing.chain.chain_orders` tells how.
        """
        branches, orders = chain_orders(chain)
        labels = orders[-1]
        return cls(tuple(branches), labels.astype(np.int32), int(chain[-1].shape[0]))

    def relabel(self, ids: ArrayLike, n_labels: int) -> Self:
        """Return the same tree for other label ids: label ``i`` becomes ``ids[i]`` of ``n_labels``."""
        array = _integers(ids, "ids", np.int32)
        if array.size != self.n_labels:
            raise ValueError(f"ids has {array.size} entries, but the tree has {self.n_labels} labels")
        return replace(self, labels=array[self.labels], n_labels=n_labels)

    # -- shape

    @property
    def depth(self) -> int:
        """Number of layers of weights: levels below the root."""
        return len(self.branches)

    @property
    def level_sizes(self) -> tuple[int, ...]:
        """Number of nodes on each of the ``depth + 1`` levels; the last is the number of slots."""
        return (1, *(int(b[-1]) for b in self.branches))

    @property
    def overlapping(self) -> bool:
        """Whether some label has more than one slot."""
        if int(self.labels.max()) < 8 * self.labels.size:
            return int(np.bincount(self.labels).max()) > 1
        return np.unique(self.labels).size < self.labels.size  # whose memory does not depend on the numbers

    def parents(self, level: int) -> IntArray:
        """Return the parent, on the level above, of every node of a level from 1 to ``depth``."""
        check_integer("level", level, 1, self.depth)  # the root has no parent
        branch = self.branches[level - 1]
        return np.repeat(np.arange(branch.size - 1), np.diff(branch))

    def slot_bounds(self, level: int) -> IntArray:
        """Return where the slots below each node of ``level`` begin, with the number of slots at the end."""
        check_integer("level", level, 0, self.depth)
        bounds = np.arange(self.level_sizes[level] + 1)
        for branch in self.branches[level:]:
            bounds = branch[bounds]
        return bounds

    def ancestors(self, level: int) -> IntArray:
        """Return the node of ``level`` (0 to ``depth``) above every slot, shape (n_slots,)."""
        bounds = self.slot_bounds(level)
        return np.repeat(np.arange(bounds.size - 1), np.diff(bounds))

    def above_labels(self) -> Self:
        """Return the tree without its bottom level, its leaves as the labels; it has at least two layers."""
        if self.depth == 1:
            raise ValueError("the tree is flat: nothing is between its root and its labels")
        n_leaves = self.level_sizes[-2]
        return replace(
            self, branches=self.branches[:-1], labels=np.arange(n_leaves, dtype=np.int32), n_labels=n_leaves
        )

    # -- labels to nodes

    def membership(self, level: int) -> "sp.csr_array":
        """Return the indicator matrix of the nodes of ``level`` above each label, n_labels x n_nodes."""
        return to_scipy(self.membership_csr(level))

    def membership_csr(self, level: int) -> Csr:
        """Return `membership` as a `Csr`."""
        nodes = self.ancestors(level)
        by_label = np.argsort(self.labels, kind="stable")
        rows, columns = self.labels[by_label], nodes[by_label]
        if self.overlapping:  # two slots of a label may share an ancestor, which then counts once
            first = np.ones(rows.size, bool)
            first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
            rows, columns = rows[first], columns[first]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.n_labels))])
        return Csr(
            indptr, columns.astype(np.int32), np.ones(columns.size, np.float32), self.level_sizes[level]
        )

    def lift(self, Y: MatrixLike, level: int, *, n_threads: int = 0) -> "sp.csr_array":
        """Sum a label matrix over the labels below each node: ``Y @ membership(level)``.

        Parameters
        ----------
        Y : matrix of shape (n, n_labels)
        level : int
            0 (the root) to ``depth``, where the columns are the slots.
        n_threads : int, default 0
            0 for all cores.

        Returns
        -------
        csr_array of shape (n, n_nodes)
            A label that is below a node twice counts once.
        """
        return to_scipy(self.lift_csr(Y, level, n_threads=n_threads))

    def lift_csr(self, Y: MatrixLike, level: int, *, n_threads: int = 0) -> Csr:
        """Return `lift` as a `Csr`."""
        return multiply(as_csr(Y, "Y", n_cols=self.n_labels), self.membership_csr(level), n_threads=n_threads)

    # -- checks, text, saving

    def validate(self) -> None:
        """Check that the arrays describe a tree.

        Raises
        ------
        ValueError
            If a level does not cover the next one, a node has no child, or a label is out of range or twice below one
            parent.
        """
        if self.n_labels < 1:
            raise ValueError(f"n_labels is {self.n_labels}; a tree needs at least 1 label")
        if not self.branches:
            raise ValueError("branches is empty; a tree has at least one level below the root")
        n_nodes = 1
        for t, branch in enumerate(self.branches):
            if branch.size != n_nodes + 1:
                raise ValueError(
                    f"branches[{t}] has {branch.size} entries, but level {t} has {n_nodes} nodes"
                )
            if branch[0] != 0:
                raise ValueError(f"branches[{t}] starts at {int(branch[0])}; it must start at 0")
            childless = np.flatnonzero(branch[1:] <= branch[:-1])
            if childless.size:
                raise ValueError(f"branches[{t}] gives node {int(childless[0])} of level {t} no child")
            n_nodes = int(branch[-1])
        self._validate_labels(n_nodes)

    def _validate_labels(self, n_slots: int) -> None:
        if self.labels.size != n_slots:
            raise ValueError(
                f"labels has {self.labels.size} entries, but the bottom level has {n_slots} slots"
            )
        if self.labels.min() < 0 or self.labels.max() >= self.n_labels:
            wrong = int(self.labels.min() if self.labels.min() < 0 else self.labels.max())
            raise ValueError(f"labels holds {wrong}, which is outside [0, {self.n_labels})")
        if self.overlapping:
            keys = np.sort(self.parents(self.depth) * self.n_labels + self.labels)
            twice = np.flatnonzero(keys[1:] == keys[:-1])
            if twice.size:
                node, label = divmod(int(keys[twice[0]]), self.n_labels)
                raise ValueError(f"label {label} is twice below node {node} of level {self.depth - 1}")

    def describe(
        self,
        names: Sequence[str] | None = None,
        *,
        max_depth: int = 1,
        examples: int = 4,
        words: Mapping[int, Sequence[Sequence[str]]] | None = None,
    ) -> str:
        """Describe the tree as text.

        Parameters
        ----------
        names : sequence of str, optional
            Name of every label; when given, the branches down to level ``max_depth`` are drawn.
        max_depth : int, default 1
        examples : int, default 4
            Label names shown for a branch.
        words : mapping from level to one list of str per node, optional
            What branches are called, such as `arborank.analysis.naming.node_names`.
        """
        if names is not None:
            column = as_column(names, "names", "a list with one str per label")
            names = column if isinstance(column, Sequence) else list(column)
            if len(names) != self.n_labels:
                raise ValueError(f"names has {len(names)} entries, but the tree has {self.n_labels} labels")
        return render(self, names, max_depth=max_depth, examples=examples, words=words)

    def plot(self, max_depth: int = 3) -> "Figure":
        """Draw the upper levels, a row a level: every node is as wide as it has labels.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        depth = min(check_integer("max_depth", max_depth, 1), self.depth)
        figure = new_figure(9, 0.5 * depth + 1)
        axes = figure.add_subplot()
        for level in range(depth + 1):
            bounds = self.slot_bounds(level)
            colours = [("#9ecae1", "#c6dbef")[node % 2] for node in range(bounds.size - 1)]
            axes.barh(level, np.diff(bounds), left=bounds[:-1], height=0.9, color=colours)
        axes.set_yticks(range(depth + 1), [f"{n:,} nodes" for n in self.level_sizes[: depth + 1]])
        axes.set(xlim=(0, self.labels.size), xlabel="labels")
        axes.invert_yaxis()
        return figure

    def to_html(self) -> str:
        """Return a table of the levels: nodes, and the children of a node."""
        rows: list[list[object]] = [["level", "nodes", "least children", "median", "most"]]
        for level, branch in enumerate(self.branches):
            sizes = np.diff(branch)
            rows.append([level, sizes.size, sizes.min(), f"{np.median(sizes):g}", sizes.max()])
        rows.append([self.depth, self.labels.size, "", "labels", ""])
        return html_table(rows, f"{self.n_labels:,} labels, depth {self.depth}")

    def __repr__(self) -> str:
        return f"LabelTree(n_labels={self.n_labels}, level_sizes={self.level_sizes})"

    def __str__(self) -> str:
        return self.describe()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelTree):
            return NotImplemented
        return (
            self.n_labels == other.n_labels
            and self.level_sizes == other.level_sizes
            and all(np.array_equal(a, b) for a, b in zip(self.branches, other.branches, strict=True))
            and np.array_equal(self.labels, other.labels)
        )

    __hash__ = None  # type: ignore[assignment]

    def to_state(self) -> State:
        """Return what is saved."""
        arrays: dict[str, NDArray[Any]] = {f"branches_{t}": b for t, b in enumerate(self.branches)}
        return State({"n_labels": self.n_labels, "depth": self.depth}, {**arrays, "labels": self.labels}, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore a saved tree.

        Raises
        ------
        ValueError
            If a part is missing or does not describe a tree.
        """
        try:
            depth = check_integer("depth", state.config["depth"], 1)
            branches = tuple(state.arrays[f"branches_{t}"] for t in range(depth))
            return cls(branches, state.arrays["labels"], state.config["n_labels"])
        except KeyError as error:
            raise ValueError(f"the saved tree has no {error.args[0]!r}") from None


def _integers(values: ArrayLike, name: str, dtype: type[np.integer[Any]]) -> NDArray[Any]:
    """Give a 1-D contiguous array of ``dtype``, without a copy where it is one already."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be 1-dimensional, found {array.ndim} dimension(s)")
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} must hold integers, found {array.dtype}")
    if array.size and array.dtype != dtype:
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ValueError(f"{name} holds a number that does not fit in {limits.dtype}")
    return np.ascontiguousarray(array, dtype=dtype)
