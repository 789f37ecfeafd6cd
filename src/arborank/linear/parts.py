"""A model cut into parts, each for a machine of its own: neighbouring nodes of a level, with what is below them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.sparse import Csr
from ..core.threads import n_threads
from ..indexing import LabelTree
from .defaults import search_of
from .fitted import FittedTree
from .xrlinear import XRLinear

__all__ = ["Parts"]

_NODES = 16  # of a part, where the tree has a level with so many: the more, the more alike are the parts


@dataclass(frozen=True, eq=False)
class Parts:
    """How a model is cut: every process that opens the same model with the same number of parts finds the same.

    Attributes
    ----------
    model : XRLinear
        Fitted.
    level : int
        Of the tree, whose nodes are divided.
    bounds : list of int
        The first node of every part, and the number of nodes.
    """

    model: XRLinear
    level: int
    bounds: list[int]

    @classmethod
    def of(cls, model: XRLinear, n_parts: int) -> Self:
        """Divide a model into parts with about as many labels each.

        Raises
        ------
        TypeError
            If it is anything else than an `XRLinear`.
        ValueError
            If there are not as many branches as parts, or labels are in several leaves, as with several trees.
        """
        if type(model) is not XRLinear:
            raise TypeError(f"an XRLinear can be divided, found {type(model).__name__}")
        tree = model.fitted_.tree
        if tree.overlapping:
            raise ValueError("labels are in several leaves; a model with max_clusters=1 can be divided")
        sizes = tree.level_sizes
        level = next((i for i in range(1, tree.depth) if sizes[i] >= _NODES * n_parts), tree.depth - 1)
        check_integer("n_parts", n_parts, 1)
        if n_parts > sizes[level]:
            raise ValueError(f"the tree has {sizes[level]} branches, too few for {n_parts} parts")
        before = tree.slot_bounds(level)
        bounds = np.searchsorted(before, np.linspace(0, before[-1], n_parts + 1)[1:-1])
        places = np.arange(1, n_parts)  # each has a node at least
        bounds = np.maximum.accumulate(np.maximum(bounds, places) - places) + places
        return cls(
            model, level, [0, *np.minimum(bounds, sizes[level] - n_parts + places).tolist(), sizes[level]]
        )

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return len(self.bounds) - 1

    @cached_property
    def of_labels(self) -> NDArray[np.int32]:
        """The part of every label, -1 for labels that are in no leaf; int32 of shape (n_labels,)."""
        tree = self.model.fitted_.tree
        slots = tree.slot_bounds(self.level)[self.bounds]
        parts = np.full(tree.n_labels, -1, np.int32)
        for number, (first, last) in enumerate(pairwise(slots.tolist())):
            parts[tree.labels[first:last]] = number
        return parts

    def labels(self, number: int) -> NDArray[np.int64]:
        """Return the labels of a part, ascending.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        check_integer("number", number, 0, self.n_parts - 1)
        return np.flatnonzero(self.of_labels == number)

    @cached_property
    def _top(self) -> FittedTree:
        """The levels down to the nodes that are divided: rankers of these."""
        fitted = self.model.fitted_
        branches = fitted.tree.branches[: self.level]
        n_nodes = int(branches[-1][-1])
        nodes = LabelTree(branches, np.arange(n_nodes, dtype=np.int32), n_nodes)
        return FittedTree(nodes, fitted.layers[: self.level], fitted.row_length)

    def concerned(self, X: Csr, beam_size: int | None = None) -> NDArray[np.bool_]:
        """Return which parts the beam of every row goes to; shape (n_rows, n_parts)."""
        beam, combine = search_of(self.model)
        beam = beam if beam_size is None else beam_size
        top = self._top
        nodes, _ = top.topk(
            X,
            min(beam, top.n_labels),
            beam_size=beam,
            combine=combine,
            n_threads=n_threads(self.model.n_jobs),
        )
        rows, places = np.nonzero(nodes >= 0)
        found = np.zeros((X.shape[0], self.n_parts), np.bool_)
        found[rows, np.searchsorted(self.bounds, nodes[rows, places], side="right") - 1] = True
        return found
