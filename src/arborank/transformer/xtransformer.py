"""X-Transformer: an encoder learns from the label tree at one resolution, all clusters at once."""

from collections.abc import Sequence
from typing import Any

from ..indexing import LabelTree
from .ranker import TransformerRanker
from .settings import Settings

__all__ = ["XTransformer"]


class XTransformer(TransformerRanker):
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
    ranker, checkpoint_dir, checkpoint_every, gradient_checkpointing : see `XRTransformer`
    device, precision, random_state, n_jobs, verbose : see `XRTransformer`

    References
    ----------
    W.-C. Chang, H.-F. Yu, K. Zhong, Y. Yang, I. S. Dhillon, "Taming pretrained transformers for extreme multi-label
    text classification", KDD 2020.
    """

    def __init__(
        self,
        encoder: Any = "sentence-transformers/all-MiniLM-L6-v2",
        *,
        pooling: str | None = None,
        max_length: int | None = None,
        features: Any = None,
        rank_on: str = "joint",
        embedding_weight: float = 0.5,
        branching: int = 16,
        max_leaf_size: int = 100,
        epochs: float | Sequence[float] = 10.0,
        batch_size: int = 32,
        accumulation: int = 1,
        learning_rate: float = 5e-5,
        head_learning_rate: float = 1e-3,
        warmup: float = 0.1,
        weight_decay: float = 0.0,
        max_grad_norm: float = 1.0,
        dropout: float = 0.1,
        loss: str = "squared-hinge",
        bootstrap: str = "random",
        validation: float = 0.0,
        evaluate_every: int = 500,
        patience: int | None = None,
        refine: bool = False,
        ranker: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_every: int = 500,
        gradient_checkpointing: bool = False,
        device: str = "auto",
        precision: str = "auto",
        random_state: int = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.encoder = encoder
        self.pooling = pooling
        self.max_length = max_length
        self.features = features
        self.rank_on = rank_on
        self.embedding_weight = embedding_weight
        self.branching = branching
        self.max_leaf_size = max_leaf_size
        self.epochs = epochs
        self.batch_size = batch_size
        self.accumulation = accumulation
        self.learning_rate = learning_rate
        self.head_learning_rate = head_learning_rate
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.dropout = dropout
        self.loss = loss
        self.bootstrap = bootstrap
        self.validation = validation
        self.evaluate_every = evaluate_every
        self.patience = patience
        self.refine = refine
        self.ranker = ranker
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.gradient_checkpointing = gradient_checkpointing
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _settings(self) -> Settings:
        if self.bootstrap == "parent":
            raise ValueError(
                "bootstrap is 'parent', but there is no level above; expected 'linear' or 'random'"
            )
        return Settings.of(self, negatives="tfn", beam_size=1)

    def _levels(self, tree: LabelTree) -> list[int]:
        return [max(tree.depth - 1, 1)]
