"""The steps of learning that `XRLinear.fit` and the updates of its catalogue share."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.estimates import check_fits, estimate_training, feature_overlap
from ..core.memory import check_label_arrays_fit
from ..core.sparse import Csr
from ..core.threads import n_threads
from ..indexing import LabelTree
from ..indexing.overlap import Copies
from ..ranking import LayerWeights, Routes
from .checkpoint import Checkpoint
from .growing import grow_tree
from .layers import train_layers
from .parameters import per_layer, solver_params, values_of
from .predictor import TreePredictor

__all__ = ["TreeLearner"]


class TreeLearner(TreePredictor):
    """Grows trees and trains their layers with the parameters of `XRLinear`."""

    representation: str
    alpha: float
    branching: int
    max_leaf_size: int
    spherical: bool
    max_clusters: int
    copies: Copies
    Cp: float | Sequence[float]
    threshold: float | Sequence[float]
    max_nonzeros: int | Sequence[int | None] | None
    negatives: str | Sequence[str]
    relevance: str
    relevance_norm: str
    random_state: int
    verbose: int

    def _grow(
        self, X: Csr, Y: Csr, label_features: Any, representation: Any
    ) -> tuple[LabelTree, dict[str, float]]:
        return grow_tree(
            X,
            Y,
            label_features,
            representation=representation,
            alpha=self.alpha,
            branching=self.branching,
            max_leaf_size=self.max_leaf_size,
            spherical=bool(self.spherical),
            random_state=self.random_state,
            n_threads=n_threads(self.n_jobs),
            verbose=bool(self.verbose),
        )

    def _train(
        self,
        X: Csr,
        Y: Csr,
        tree: LabelTree,
        depth: int,
        relevance: Any = None,
        user_negatives: Any = None,
        routes: Routes | None = None,
        costs: tuple[float, float] = (1.0, 1.0),
        checkpoint: Checkpoint | None = None,
    ) -> list[LayerWeights]:
        """Train a tree, or a branch of a deeper one: its lower layers are the model's lowest.

        ``costs`` multiply the cost of negatives, at the root and at all layers.
        """

        def of_tree(layers: list[Any]) -> list[Any]:
            return [layers[0], *layers[depth - tree.depth + 1 :]]

        params = of_tree(solver_params(self, depth))
        params = [replace(layer, Cn=layer.Cn * costs[1]) for layer in params]
        params[0] = replace(params[0], Cn=params[0].Cn * costs[0])
        return train_layers(
            X,
            Y,
            tree,
            params,
            negatives=of_tree(per_layer("negatives", self.negatives, depth)),
            user_negatives=user_negatives,
            relevance=relevance,
            relevance_mode=self.relevance,
            relevance_norm=self.relevance_norm,
            beam_size=self.beam_size,
            combine=self.combine,
            n_threads=n_threads(self.n_jobs),
            verbose=bool(self.verbose),
            routes=routes,
            checkpoint=checkpoint,
        )

    def _count(
        self, X: Csr, Y: Csr, *, keeps_weights: bool = True, grows_tree: bool = True, divided: bool = False
    ) -> NDArray[np.int64]:
        """Return the instances of every label, once it is clear that memory is enough to learn from them.

        ``divided`` says that ``X`` is the user's, divided: a copy of its values.
        """
        check_label_arrays_fit(Y.shape[1])
        label_counts = np.bincount(Y.indices, minlength=Y.shape[1])
        estimate = estimate_training(
            n_instances=X.shape[0],
            n_features=X.shape[1],
            nnz=X.nnz,
            label_counts=label_counts,
            branching=min(self.branching, max(label_counts.size, 2)),
            max_leaf_size=self.max_leaf_size,
            Cp=values_of("Cp", self.Cp),
            threshold=values_of("threshold", self.threshold),
            max_nonzeros=values_of("max_nonzeros", self.max_nonzeros),
            max_clusters=self.max_clusters,
            copies=self.copies,
            beam_size=self.beam_size,
            n_threads=n_threads(self.n_jobs),
            overlap=feature_overlap(X, Y),
        )
        if not keeps_weights:
            estimate = replace(estimate, weights=0)
        if not grows_tree:
            estimate = replace(estimate, index=0)
        if divided:
            estimate = replace(estimate, inputs=estimate.inputs + X.data.nbytes)
        check_fits(estimate)
        return label_counts
