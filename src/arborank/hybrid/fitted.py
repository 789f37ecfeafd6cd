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
from .sources import SHORT_LIST, Limit, Sources

__all__ = ["Evidence", "FittedHybrid", "HybridFilter"]


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
class HybridFilter:
    """What `HybridRanker.prepare_filter` returns: limits that hold for all rows, checked.

    Attributes
    ----------
    n_labels : int
        Of the model.
    allowed, excluded : int64 array, optional
        Label ids.
    weights : float32 array of shape (n_labels,), optional
    """

    n_labels: int
    allowed: NDArray[np.int64] | None
    excluded: NDArray[np.int64] | None
    weights: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class FittedHybrid:
    """Sources of candidates, and the weights of what they say.

    Attributes
    ----------
    sources : Sources
    weights : float64 array of shape (n_inputs + 1,)
        Of a logistic model of all candidates; the intercept is the last.
    short_weights : float64 array of shape (n_short_inputs + 1,)
        Of one of the short list, which also knows what the tree says of labels that it does not list.
    options : HybridOptions
    """

    sources: Sources
    weights: NDArray[np.float64]
    short_weights: NDArray[np.float64]
    options: HybridOptions

    def topk(
        self,
        X: Csr,
        k: int,
        *,
        allowed: Limit = None,
        excluded: Limit = None,
        weights: NDArray[np.float32] | None = None,
        beam_size: int | None = None,
        n_threads: int,
    ) -> TopK:
        """Return the best labels of every row; see `HybridRanker.predict_topk`."""
        sources = self.sources
        if weights is not None and not weights.all():
            excluded = _joined(excluded, np.flatnonzero(weights == 0), self.n_labels)
        asked = sources.asked(
            X,
            self.options,
            allowed=allowed,
            excluded=excluded,
            beam_size=beam_size,
            n_threads=n_threads,
        )
        return sources.native.topk(
            *asked,
            sources.ranker.fitted_.search.native,
            self.weights,
            self.short_weights,
            k,
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
        n_short = max(k, SHORT_LIST)
        indptr, labels, inputs = self.sources.short_inputs(X, self.options, self.weights, n_threads, n_short)
        margins = inputs.astype(np.float64) @ self.short_weights[:-1] + self.short_weights[-1]
        scores = 1 / (1 + np.exp(-margins))
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
        weights = {"weights": self.weights, "short_weights": self.short_weights}
        return State({"options": asdict(self.options)}, {**state.arrays, **weights}, state.parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved one together again.

        Raises
        ------
        TypeError, ValueError
            If the parts do not fit one another.
        """
        sources = Sources.from_state(state)
        widths = {"weights": sources.native.n_inputs, "short_weights": sources.native.n_short_inputs}
        weights = {name: state.vector(name, np.float64) for name in widths}
        for name, width in widths.items():
            if weights[name].size != width + 1 or not np.isfinite(weights[name]).all():
                raise ValueError(f"{name} must be {width + 1} finite numbers")
        return cls(sources, **weights, options=HybridOptions(**state.config["options"]))


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
