"""X-Transformer: an encoder learns from the label tree at one resolution, all clusters at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.errors import ArgumentError
from ..indexing import LabelTree
from .tuning.settings import TuningSettings
from .xrtransformer import XRTransformer

__all__ = ["XTransformer"]


@dataclass(eq=False, repr=False, kw_only=True)
class XTransformer(XRTransformer):
    """Extreme multi-label ranking with a transformer trained to find the clusters of labels (Chang et al. 2020).

    Labels are clustered on sparse features; the encoder is trained on all clusters at once, each instance against
    every one of them. Then `XRLinear` is trained on the tree above those clusters, on sparse features and embeddings
    side by side. The original asks the transformer's head for the clusters of a query; here the linear ranker, which
    sees the embeddings, takes its place, as it does in `XRTransformer`.

    Parameters
    ----------
    encoder, pooling, max_length, features, rank_on, embedding_weight : see `XRTransformer`
    branching, max_leaf_size : see `XRTransformer`
    epochs : float, default=10.0
        Passes over the texts; it learns everything at once, so it needs more of them.
    batch_size, accumulation, learning_rate, head_learning_rate, warmup, weight_decay : see `XRTransformer`
    max_grad_norm, dropout, loss, validation, evaluate_every, patience : see `XRTransformer`
    bootstrap : {"linear", "random"}, default="random"
    refine : bool, default=False
        Whether the ranker gets a tree grown on all features, or the preliminary one.
    ranker, calibrate, checkpoint_dir, checkpoint_every, gradient_checkpointing : see `XRTransformer`
    device, precision, random_state, n_jobs, verbose : see `XRTransformer`

    References
    ----------
    W.-C. Chang, H.-F. Yu, K. Zhong, Y. Yang, I. S. Dhillon, "Taming pretrained transformers for extreme multi-label
    text classification", KDD 2020.
    """

    epochs: float | Sequence[float] = 10.0
    bootstrap: str = "random"
    refine: bool = False
    max_level_size: int = field(
        default=XRTransformer.max_level_size, init=False
    )  # of one level, these say nothing
    negatives: str = field(default="tfn", init=False)
    beam_size: int = field(default=1, init=False)

    def _tuning(self) -> TuningSettings:
        if self.bootstrap == "parent":
            raise ArgumentError(
                "bootstrap", "is 'parent', but there is no level above; expected 'linear' or 'random'"
            )
        return super()._tuning()

    def _levels(self, tree: LabelTree) -> list[int]:
        return [max(tree.depth - 1, 1)]
