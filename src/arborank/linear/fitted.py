"""What a fitted linear ranker is: a label tree with a layer of weights per level. A value, which nothing changes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_choice, check_integer
from ..core.lengths import check_row_length
from ..core.sparse import Csr
from ..core.state import State
from ..core.types import AnyArray, TopK
from ..indexing import LabelTree
from ..matching import BeamSearch, LabelFilter
from ..matching.combine import is_logarithmic
from ..matching.copies import MERGES, Merge
from ..matching.options import SearchOptions
from ..ranking import LayerWeights
from .centroids import SHORT_LIST, Centroids, check_rerank
from .kept import KeptRows
from .targets import check_plausible

__all__ = ["FittedTree"]


@dataclass(frozen=True, eq=False)
class FittedTree:
    """A label tree with a layer of linear rankers per level.

    Attributes
    ----------
    tree : LabelTree
    layers : tuple of LayerWeights
        One per level below the root, top first.
    row_length : float, default 1.0
        What every row is divided by, as those were that the layers learned from; see `arborank.core.lengths`.
    label_counts : int64 array of shape (n_labels,), optional
        Training instances of every label, where they are known.
    n_instances : int, optional
        Training instances in all, where they are known.
    merge : str, default "max"
        How the scores of a label in several slots become one where a search does not say; see `BeamSearch.topk`.
    centroids : Centroids, optional
        The mean instances of the labels, where short lists may be ranked again.
    rows : KeptRows, optional
        What it was trained on, where parts may be trained anew.
    """

    tree: LabelTree
    layers: Sequence[LayerWeights]
    row_length: float = 1.0
    label_counts: NDArray[np.int64] | None = None
    n_instances: int | None = None
    merge: Merge = SearchOptions.merge
    centroids: Centroids | None = None
    rows: KeptRows | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))

    @cached_property
    def search(self) -> BeamSearch:
        """The search for the best labels of a row; made when it is first asked for, and not saved.

        Raises
        ------
        ValueError
            If the layers do not fit the tree or one another.
        """
        tree = self.tree
        return BeamSearch(tree.branches, self.layers, tree.labels, tree.n_labels, self.row_length)

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.tree.n_labels

    @property
    def n_features(self) -> int:
        """Width of the rows that the layers score."""
        return self.layers[0].n_features

    def topk(
        self,
        X: Csr,
        k: int,
        *,
        rerank: float = 0.0,
        beam_size: int = SearchOptions.beam_size,
        combine: str = SearchOptions.combine,
        label_filter: LabelFilter | None = None,
        allowed: Csr | NDArray[np.int64] | None = None,
        excluded: Csr | NDArray[np.int64] | None = None,
        weights: NDArray[np.float32] | None = None,
        merge: Merge = SearchOptions.merge,
        n_threads: int = 1,
    ) -> TopK:
        """Return the best labels of every row: `BeamSearch.topk`, and ``rerank`` the weight of the centroids.

        Raises
        ------
        ValueError
            If short lists are to be ranked again, but there are no centroids, or scores are margins.
        """
        if rerank:
            check_rerank(rerank, combine)
        if rerank and self.centroids is None:
            raise ValueError(
                f"rerank is {rerank}, but the model was fitted with rerank=0, and has no centroids"
            )
        best = self.search.topk(
            X,
            max(k, min(SHORT_LIST, self.n_labels)) if rerank else k,
            beam_size=beam_size,
            combine=combine,
            label_filter=label_filter,
            allowed=allowed,
            excluded=excluded,
            weights=weights,
            merge=merge,
            n_threads=n_threads,
        )
        if not rerank or self.centroids is None:
            return best
        return self.centroids.rerank(
            X,
            best,
            k,
            rerank,
            logarithm=is_logarithmic(combine),
            label_filter=label_filter,
            label_weights=weights,
            n_threads=n_threads,
        )

    def quantize(self, precision: str, *, n_threads: int = 0) -> Self:
        """Store the weights in another precision; see `LayerWeights.astype`."""
        return replace(self, layers=[layer.astype(precision, n_threads=n_threads) for layer in self.layers])

    def prune(self, *, threshold: float = 0.0, max_nonzeros: int | None = None, n_threads: int = 0) -> Self:
        """Keep the largest weights of every ranker only; see `LayerWeights.prune`."""
        options: dict[str, Any] = {"threshold": threshold, "max_nonzeros": max_nonzeros}
        return replace(self, layers=[layer.prune(**options, n_threads=n_threads) for layer in self.layers])

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, without the search; ranks that layers share are one object, of which one copy is made."""
        held: dict[int, AnyArray] = {}
        layers = []
        for layer in self.layers:
            arrays = layer.arrays
            arrays["ranks"] = held.setdefault(arrays["ranks"].ctypes.data, arrays["ranks"])
            layers.append((arrays, layer.precision))
        return {**{one.name: getattr(self, one.name) for one in fields(self)}, "layers": layers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        layers = (LayerWeights.from_arrays(arrays, precision=name) for arrays, name in state["layers"])
        self.__dict__.update(state, layers=tuple(layers))

    def to_state(self) -> State:
        """Return what is saved."""
        config: dict[str, Any] = {
            name: getattr(self, name) for name in ("row_length", "n_instances", "merge")
        }
        arrays = {} if self.label_counts is None else {"label_counts": self.label_counts}
        parts = {f"layer{level}": layer for level, layer in enumerate(self.layers)}
        more = {name: part for name in ("centroids", "rows") if (part := getattr(self, name)) is not None}
        return State(config, arrays, {"tree": self.tree, **parts, **more})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved one together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If the parts do not fit one another.
        """
        tree = state.part("tree", LabelTree)
        layers = [state.part(f"layer{level}", LayerWeights) for level in range(tree.depth)]
        row_length = check_row_length(state.config["row_length"])
        check_choice("merge", merge := state.config["merge"], MERGES)
        counts, n_instances = state.arrays.get("label_counts"), state.config["n_instances"]
        if (counts is None) != (n_instances is None):
            raise ValueError("label_counts and n_instances belong together, but one of them is missing")
        if counts is None:
            check_plausible("n_labels", tree.n_labels, tree.labels.size)
        else:
            check_integer("n_instances", n_instances, 0)
            if counts.shape != (tree.n_labels,) or counts.dtype != np.int64:
                raise ValueError(
                    f"label_counts is {counts.dtype} of shape {counts.shape}; int64 of shape ({tree.n_labels},) was "
                    "expected"
                )
        centroids = state.part("centroids", Centroids) if "centroids" in state.parts else None
        if centroids is not None and (centroids.n_labels, centroids.n_features) != (
            tree.n_labels,
            layers[0].n_features,
        ):
            raise ValueError("the centroids are not those of the labels and features")
        rows = state.part("rows", KeptRows) if "rows" in state.parts else None
        if rows is not None and (rows.n_labels, rows.n_features) != (tree.n_labels, layers[0].n_features):
            raise ValueError("the kept rows are not those of the labels and features")
        fitted = cls(tree, layers, row_length, counts, n_instances, merge, centroids, rows)
        fitted.search  # noqa: B018  is made now, which checks that the parts fit
        return fitted
