"""XR-Transformer: an encoder learns from the label tree at all resolutions, coarse to fine."""

from collections.abc import Sequence
from typing import Any

from ..core.checks import check_integer
from ..indexing import LabelTree
from .ranker import TransformerRanker
from .settings import Settings

__all__ = ["XRTransformer"]


class XRTransformer(TransformerRanker):
    """Extreme multi-label ranking with a transformer trained on a label tree, level by level (Zhang et al. 2021).

    A tree is grown on sparse features. From its top down, encoder and a head of one vector a node are trained together
    on few candidates an instance: what lies below its right nodes, and below those that the level above takes for
    right. Then embeddings join the sparse features, a refined tree is grown on both, and `XRLinear` is trained on it.

    Parameters
    ----------
    encoder : str, path or Encoder
        Anything that ``transformers.AutoModel`` loads, from a folder or the Hugging Face hub, a sentence-transformers
        model included.
    pooling : {"mean", "cls", "last", "pooler"}, optional
        From token vectors to a text's; by default what a sentence-transformers model asks for, else the mean.
    max_length : int, optional
        Tokens read of a text; by default 128, or fewer where the encoder reads fewer.
    features : vectoriser, optional
        Makes the sparse features, when `fit` is not given any; by default `TextFeatures`.
    rank_on : {"joint", "embeddings"}, default="joint"
        Whether the ranker sees sparse features and embeddings, or embeddings alone.
    embedding_weight : float, default=0.5
        Length of the embeddings beside sparse features, which are of length 1. The encoder has seen the training
        texts: at full length the ranker trusts it more there than new texts bear out.
    branching : int, default=16
        Children of an inner node of the preliminary tree.
    max_leaf_size : int, default=100
        Most labels in a leaf of the preliminary tree.
    max_level_size : int, default=32768
        Levels of more nodes are not fine-tuned.
    epochs : float or one a level, default=2.0
        Passes over the texts at each level; 0 everywhere leaves the encoder as it is.
    batch_size : int, default=32
    accumulation : int, default=1
        Batches whose gradients are added up for a step.
    learning_rate, head_learning_rate : float, default=5e-5 and 1e-3
        Largest rates of the encoder (AdamW) and of the head (lazy Adam), reached after the warm-up; then down to 0.
    warmup : float, default=0.1
        Share of a level's steps in which the rates rise.
    weight_decay : float, default=0.0
    max_grad_norm : float, default=1.0
        The encoder's gradient is scaled down to this norm.
    dropout : float, default=0.1
        Of text vectors, before the head; the encoder's own dropout is as its configuration says.
    loss : {"squared-hinge", "hinge", "logistic"}, default="squared-hinge"
    bootstrap : {"linear", "parent", "random"}, default="linear"
        Where a level's head begins: at a linear solution on the present embeddings, at the vector of each node's
        parent, or at random. The first level has no parent: ``"parent"`` begins at random there.
    negatives : {"tfn", "man", "tfn+man"}, default="tfn+man"
        Candidates of an instance besides its right nodes: their siblings, what lies below the beam, or both.
    beam_size : int, default=20
        Nodes that an instance is sent to at each level.
    validation : float, default=0.0
        Share of the texts that fine-tuning is judged by, and does not see. The weights that did best are kept.
    evaluate_every : int, default=500
        Steps between two judgements.
    patience : int, optional
        A level ends early after so many judgements without progress.
    refine : bool, default=True
        Whether the ranker gets a tree grown on all features, or the preliminary one.
    ranker : XRLinear, optional
        The linear ranker, its tree's parameters included; by default one with ``threshold=0.03``.
    checkpoint_dir : path, optional
        Directory for checkpoints. A later `fit` with the same parameters and data continues from there.
    checkpoint_every : int, default=500
        Steps between two checkpoints; there is one after every level, too.
    gradient_checkpointing : bool, default=False
        Compute activations twice rather than keep them: less memory, a third more time.
    device : str, default="auto"
        Such as ``"cpu"`` or ``"cuda:1"``; by default an accelerator if there is one.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Of the encoder's matrix products; by default bfloat16 where the device is fast at it. Weights are float32.
    random_state : int, default=0
    n_jobs : int, optional
        Threads; None or -1 for every core.
    verbose : int, default=0
        1 shows progress bars with the loss.

    References
    ----------
    J. Zhang, W.-C. Chang, H.-F. Yu, I. S. Dhillon, "Fast multi-resolution transformer fine-tuning for extreme
    multi-label text classification", NeurIPS 2021.

    Examples
    --------
    >>> from arborank.transformer import XRTransformer  # doctest: +SKIP
    >>> model = XRTransformer("path/to/encoder", epochs=1).fit(texts, Y)  # doctest: +SKIP
    >>> ids, scores = model.predict_topk(new_texts, k=5)  # doctest: +SKIP
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
        max_level_size: int = 32768,
        epochs: float | Sequence[float] = 2.0,
        batch_size: int = 32,
        accumulation: int = 1,
        learning_rate: float = 5e-5,
        head_learning_rate: float = 1e-3,
        warmup: float = 0.1,
        weight_decay: float = 0.0,
        max_grad_norm: float = 1.0,
        dropout: float = 0.1,
        loss: str = "squared-hinge",
        bootstrap: str = "linear",
        negatives: str = "tfn+man",
        beam_size: int = 20,
        validation: float = 0.0,
        evaluate_every: int = 500,
        patience: int | None = None,
        refine: bool = True,
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
        self.max_level_size = max_level_size
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
        self.negatives = negatives
        self.beam_size = beam_size
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
        return Settings.of(self)

    def _levels(self, tree: LabelTree) -> list[int]:
        most = check_integer("max_level_size", self.max_level_size, 1)
        levels = [level for level in range(1, tree.depth + 1) if tree.level_sizes[level] <= most]
        if not levels:
            raise ValueError(
                f"max_level_size is {most}, but the top level of the tree has {tree.level_sizes[1]} nodes already; "
                "allow more, or a smaller branching"
            )
        return levels
