"""What a hybrid ranker has learned: sources of candidates, and how they are merged. A value, which nothing changes."""

import math
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.state import State
from ..core.types import TopK
from .options import HybridOptions
from .sources import MOST_FEATURES, Limit, Sources

__all__ = ["Evidence", "FittedHybrid", "candidates"]


class Evidence(NamedTuple):
    """What the sources say of a label for a row; 0 where one says nothing.

    Attributes
    ----------
    label : int
    score : float
        The merged probability.
    tree : float
        Score of the label tree, if it lists the label.
    centroid, name : float
        Cosine similarity to the mean instance of the label, and to its name.
    votes, nearest : float
        Cosine similarities of the neighbours that have the label: their sum, and the largest.
    """

    label: int
    score: float
    tree: float
    centroid: float
    name: float
    votes: float
    nearest: float


@dataclass(frozen=True, eq=False)
class FittedHybrid:
    """Sources of candidates, and the weights of what they say.

    Attributes
    ----------
    sources : Sources
    weights : float64 array of shape (n_inputs + 1,)
        Of a logistic model; the intercept is the last.
    options : HybridOptions
    """

    sources: Sources
    weights: NDArray[np.float64]
    options: HybridOptions

    def topk(
        self,
        X: Csr,
        k: int,
        *,
        allowed: Limit,
        excluded: Limit,
        weights: NDArray[np.float32] | None,
        beam_size: int | None,
        n_threads: int,
    ) -> TopK:
        """Return the best labels of every row; see `HybridRanker.predict_topk`."""
        sources, options = self.sources, self.options
        if weights is not None and not weights.all():
            excluded = _joined(excluded, np.flatnonzero(weights == 0), self.n_labels)
        ids, scores = sources.tree_lists(
            X,
            options.n_candidates,
            allowed=allowed,
            excluded=excluded,
            beam_size=beam_size,
            n_threads=n_threads,
        )
        return sources.native.topk(
            X,
            ids,
            scores,
            self.weights,
            k,
            n_candidates=options.n_candidates,
            n_neighbours=options.n_neighbours,
            most_features=MOST_FEATURES,
            allowed=_pattern(allowed, self.n_labels),
            excluded=_pattern(excluded, self.n_labels),
            label_weights=weights,
            n_threads=n_threads,
        )

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.sources.ranker.n_labels_

    def evidence(self, X: Csr, k: int, n_threads: int) -> list[list[Evidence]]:
        """Return the best labels of every row with what each source says of them."""
        indptr, labels, inputs = candidates(self.sources, X, self.options, n_threads)
        scores = 1 / (1 + np.exp(-(inputs.astype(np.float64) @ self.weights[:-1] + self.weights[-1])))
        said = []
        for begin, end in zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True):
            order = np.lexsort((labels[begin:end], -scores[begin:end]))[:k] + begin
            said.append(
                [_evidence(int(labels[i]), float(scores[i]), inputs[i].tolist()) for i in order.tolist()]
            )
        return said

    def quantize(self, precision: str) -> Self:
        """Store the weights of the tree in another precision."""
        return replace(self, sources=self.sources.quantize(precision))

    def to_state(self) -> State:
        """Return what is saved."""
        state = self.sources.to_state()
        return State(
            {"options": asdict(self.options)}, {**state.arrays, "weights": self.weights}, state.parts
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved one together again.

        Raises
        ------
        TypeError, ValueError
            If the parts do not fit one another.
        """
        weights = state.vector("weights", np.float64)
        sources = Sources.from_state(state)
        n_inputs = sources.native.n_inputs
        if weights.size != n_inputs + 1 or not np.isfinite(weights).all():
            raise ValueError(f"weights must be {n_inputs + 1} finite numbers")
        return cls(sources, weights, HybridOptions(**state.config["options"]))


def candidates(
    sources: Sources, X: Csr, options: HybridOptions, n_threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return the candidates of every row.

    Returns
    -------
    indptr : int64 array of shape (n_rows + 1,)
        Where those of each row begin.
    labels : int32 array of shape (n_candidates,)
    inputs : float32 array of shape (n_candidates, n_inputs)
        What their scores are made of; ``native/search/sources.hpp`` has the list.
    """
    ids, scores = sources.tree_lists(X, options.n_candidates, n_threads=n_threads)
    return sources.native.inputs(
        X,
        ids,
        scores,
        n_candidates=options.n_candidates,
        n_neighbours=options.n_neighbours,
        most_features=MOST_FEATURES,
    )


def _pattern(labels: Limit, n_labels: int) -> Csr | None:
    """Return label ids that hold for all rows as a pattern of one row."""
    if not isinstance(labels, np.ndarray):
        return labels
    ids = np.unique(labels).astype(np.int32)
    return Csr(np.array([0, ids.size]), ids, np.ones(ids.size, np.float32), n_labels)


def _joined(excluded: Limit, ids: NDArray[np.int64], n_labels: int) -> Limit:
    """Return a limit with further labels for all rows."""
    if excluded is None:
        return ids
    if isinstance(excluded, np.ndarray):
        return np.union1d(excluded, ids)
    row = _pattern(ids, n_labels)
    assert row is not None
    return as_csr(to_scipy(excluded) + sp.vstack([to_scipy(row)] * excluded.shape[0], format="csr"))


def _evidence(label: int, score: float, inputs: list[float]) -> Evidence:
    _, _, tree, centroid, no_votes, votes, nearest, name = inputs[:8]
    return Evidence(label, score, tree, centroid, name, 0.0 if no_votes else math.exp(votes), nearest)
