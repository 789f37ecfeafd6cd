"""What a trained level makes of instances: the nodes it would follow, and the vectors it followed them by."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.sparse import Csr, select_rows
from ...core.topk import best_columns
from ...metrics import precision_at_k
from .candidates import Candidates
from .corpus import Corpus
from .head import LevelHead, scores
from .losses import combined

__all__ = ["Beam", "follow"]


@dataclass(frozen=True)
class Beam:
    """The best nodes of a level for every instance.

    Attributes
    ----------
    nodes : int32 array of shape (n_instances, beam_size)
        Best first, padded with -1; rows of instances that were not asked are all -1.
    scores : float32 array of the same shape
        0 where there is no node.
    """

    nodes: NDArray[np.int32]
    scores: NDArray[np.float32]

    @classmethod
    def empty(cls, n_instances: int, size: int) -> Self:
        """Return a beam that holds nothing."""
        return cls(np.full((n_instances, size), -1, np.int32), np.zeros((n_instances, size), np.float32))

    def precision(self, positives: Csr, rows: NDArray[np.int64]) -> dict[str, float]:
        """Return P@1, P@3 and P@5 of the nodes of some instances, as shares.

        Parameters
        ----------
        positives : Csr of shape (n_instances, n_nodes)
        rows : int64 array
            The instances that count.
        """
        truth = select_rows(positives, rows)
        found = self.nodes[rows].astype(np.int64)
        return {f"P@{k}": float(precision_at_k(truth, found, k)) for k in (1, 3, 5) if k <= found.shape[1]}


def follow(
    corpus: Corpus,
    head: LevelHead,
    rows: NDArray[np.int64],
    candidates: Candidates,
    above: Beam | None,
    *,
    beam_size: int,
    loss: str,
    vectors: NDArray[np.float32] | None = None,
    title: str | None = None,
) -> Beam:
    """Score instances against what lies below their beam, and keep the best.

    Parameters
    ----------
    corpus, head
    rows : int64 array
        Which instances.
    candidates : Candidates
        Of the level.
    above : Beam, optional
        Of the level above; none when every node is a candidate.
    beam_size : int
    loss : str
        What the head was trained with; see `combined`.
    vectors : float32 array of shape (n_instances, d), optional
        Gets the vectors of the instances.
    title : str, optional
        Shows progress under this name.
    """
    beam = Beam.empty(len(corpus.cache), min(beam_size, head.n_nodes))

    def visit(batch: NDArray[np.int64], pooled: torch.Tensor) -> None:
        if vectors is not None:
            vectors[batch] = pooled.cpu().numpy()
        if candidates.everything or above is None:
            margins = scores(pooled, head.rows(None, corpus.device.place).detach()).cpu().numpy()
            found = combined(margins, None, loss)
            nodes: NDArray[np.int64] = np.arange(head.n_nodes)
        else:
            parents, nodes, widths = candidates.below(above.nodes[batch])
            if not nodes.size:
                return
            margins = scores(pooled, head.rows(nodes, corpus.device.place).detach()).cpu().numpy()
            found = combined(margins, np.repeat(_of_parents(above, batch, parents), widths, axis=1), loss)
        best = best_columns(found, beam.nodes.shape[1])
        values = np.take_along_axis(found, best, axis=1)
        width = best.shape[1]
        beam.nodes[batch, :width] = np.where(values > 0, nodes[best], -1)
        beam.scores[batch, :width] = values

    found_by_all = [beam.nodes, beam.scores, *([] if vectors is None else [vectors])]
    corpus.embed(rows, visit, *found_by_all, title=title)
    return beam


def _of_parents(above: Beam, batch: NDArray[np.int64], parents: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return each instance's score of each parent, 0 where its beam does not hold it."""
    table = np.zeros((batch.size, parents.size), np.float32)
    held = above.nodes[batch]
    i, j = np.nonzero(held >= 0)
    table[i, np.searchsorted(parents, held[i, j])] = above.scores[batch][i, j]
    return table
