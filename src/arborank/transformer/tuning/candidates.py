"""Which nodes of a level an instance is trained on, and which of them are right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.sparse import Csr
from ...indexing import LabelTree

__all__ = ["Candidates", "NodeBatch", "children_between"]


@dataclass(frozen=True)
class NodeBatch:
    """The nodes that a batch of instances is scored against.

    Attributes
    ----------
    nodes : int64 array of shape (n_nodes,), or None
        Nodes that are a candidate of some instance; None for all of the level.
    mask : bool array of shape (n_instances, n_nodes), or None
        Which are candidates of which instance; None for all.
    targets : bool array of shape (n_instances, n_nodes)
        Which are right.
    """

    nodes: NDArray[np.int64] | None
    mask: NDArray[np.bool_] | None
    targets: NDArray[np.bool_]


class Candidates:
    """Candidates of every instance at one level: what lies below its right nodes, or below its beam, one level up.

    Teacher forcing (``tfn``) takes the siblings of the right nodes, matcher-aware training (``man``) the nodes that
    the level above, as it is trained, would be mistaken about. Right nodes are always among the candidates.

    Parameters
    ----------
    bounds : int64 array of shape (n_upper + 1,)
        Nodes below node ``i`` of the upper level are ``bounds[i]`` to ``bounds[i + 1]``. One upper node, the root,
        makes every node a candidate.
    positives : Csr of shape (n_instances, n_nodes)
        Right nodes.
    upper : Csr of shape (n_instances, n_upper), optional
        Right nodes of the upper level, for ``tfn``.
    beam : int32 array of shape (n_instances, beam_size), optional
        Nodes of the upper level that the matcher holds, padded with -1, for ``man``.
    """

    def __init__(
        self,
        bounds: NDArray[np.int64],
        positives: Csr,
        upper: Csr | None = None,
        beam: NDArray[np.int32] | None = None,
    ) -> None:
        self._bounds, self._widths = bounds, np.diff(bounds)
        self._positives, self._upper, self._beam = positives, upper, beam
        self._parents = np.repeat(np.arange(self._widths.size), self._widths)

    @property
    def everything(self) -> bool:
        """Whether every node is a candidate of every instance."""
        return self._widths.size == 1

    def batch(self, rows: NDArray[np.int64]) -> NodeBatch:
        """Return the candidates of some instances."""
        place, right = _entries(self._positives, rows)
        if self.everything:
            targets = np.zeros((rows.size, int(self._bounds[-1])), bool)
            targets[place, right] = True
            return NodeBatch(None, None, targets)
        open_ = np.zeros((rows.size, self._widths.size), bool)
        open_[place, self._parents[right]] = True  # right nodes are candidates whatever the scheme
        if self._upper is not None:
            open_[_entries(self._upper, rows)] = True
        if self._beam is not None:
            held = self._beam[rows]
            i, j = np.nonzero(held >= 0)
            open_[i, held[i, j]] = True
        parents = np.flatnonzero(open_.any(axis=0))
        nodes = _ranges(self._bounds[parents], self._widths[parents])
        targets = np.zeros((rows.size, nodes.size), bool)
        targets[place, np.searchsorted(nodes, right)] = True
        return NodeBatch(nodes, np.repeat(open_[:, parents], self._widths[parents], axis=1), targets)

    def below(
        self, beam: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the nodes below any of the beams of some instances.

        Parameters
        ----------
        beam : int32 array of shape (n_instances, beam_size)
            Upper nodes, padded with -1.

        Returns
        -------
        parents : int64 array of shape (n_parents,)
            Upper nodes in some beam, ascending.
        nodes : int64 array of shape (n_nodes,)
            What lies below them.
        widths : int64 array of shape (n_parents,)
            How many below each.
        """
        parents = np.unique(beam[beam >= 0]).astype(np.int64)
        return parents, _ranges(self._bounds[parents], self._widths[parents]), self._widths[parents]


def children_between(tree: LabelTree, upper: int, lower: int) -> NDArray[np.int64]:
    """Return where the nodes of level ``lower`` below each node of ``upper`` begin, their number at the end."""
    bounds: NDArray[np.int64] = np.arange(tree.level_sizes[upper] + 1)
    for branch in tree.branches[upper:lower]:
        bounds = branch[bounds]
    return bounds


def _ranges(starts: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``starts[0], starts[0] + 1, …`` up to ``widths[0]`` numbers, then those of ``starts[1]``, and so on."""
    ends = np.cumsum(widths)
    places = np.arange(int(ends[-1]) if ends.size else 0)
    return np.asarray(places + np.repeat(starts - (ends - widths), widths))


def _entries(csr: Csr, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places within ``rows`` and the columns of the entries of some rows."""
    starts = np.asarray(csr.indptr)[rows]
    widths = np.asarray(csr.indptr)[rows + 1] - starts
    return np.repeat(np.arange(rows.size), widths), np.asarray(csr.indices)[_ranges(starts, widths)].astype(
        np.int64
    )
