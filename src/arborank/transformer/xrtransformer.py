"""XR-Transformer: an encoder learns from the label tree at all resolutions, coarse to fine."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_flag, check_integer
from ..core.errors import ArgumentError
from ..core.estimator import Estimator, check_fitted, fitted_clone
from ..core.lazy import sp
from ..core.memory import check_label_arrays_fit
from ..core.sparse import Csr, as_csr, select_rows
from ..core.state import State, lasting
from ..core.types import FilePath, LabelIds, MatrixLike, Targets, TopK
from ..indexing import LabelTree
from ..linear import XRLinear
from ..linear.answers import quality
from ..linear.targets import as_indicator, classes_from_state, classes_to_state
from ..storage import SaveMixin
from .calibrated import CalibratedTransformer, rows_to_hold_out
from .encoders.tokens import training_texts
from .extra import require_torch
from .fitted import FittedTransformer
from .options import Computing, RankingOptions
from .plain import PlainTexts
from .tuning.settings import TuningSettings

if TYPE_CHECKING:
    from .encoders.encoder import Encoder

__all__ = ["XRTransformer"]


@dataclass(eq=False, repr=False)
class XRTransformer(CalibratedTransformer, SaveMixin, Estimator):
    """Extreme multi-label ranking with a transformer trained on a label tree, level by level (Zhang et al. 2021).

    A preliminary tree is grown on sparse features. From the top down, the encoder and a head with one vector per node
    are trained together on a few candidates per text: what lies below its true nodes and below those that the level
    above predicts. Then embeddings join the sparse features, a refined tree is grown on both, and `XRLinear` is trained
    on it.

    Parameters
    ----------
    encoder : str, path or Encoder
        Anything that ``transformers.AutoModel`` loads, from a folder or the Hugging Face hub, a sentence-transformers
        model included.
    pooling : {"mean", "cls", "last", "pooler"}, optional
        From token vectors to a text's; by default what a sentence-transformers model asks for, else the mean.
    max_length : int, optional
        Tokens read per text; by default 128, or fewer where the encoder reads fewer.
    features : vectoriser, optional
        Makes the sparse features, when `fit` is not given any; by default `TextFeatures`.
    rank_on : {"joint", "embeddings"}, default="joint"
        Whether the ranker sees sparse features and embeddings, or embeddings alone.
    embedding_weight : float, default=0.5
        Length of the embeddings beside sparse features, which have length 1. The encoder has seen the training texts:
        at full length the ranker would trust it too much.
    branching : int, default=16
        Children of an inner node of the preliminary tree.
    max_leaf_size : int, default=100
        Most labels in a leaf of the preliminary tree.
    max_level_size : int, default=32768
        Levels of more nodes are not fine-tuned.
    epochs : float or sequence of float, default=2.0
        Passes over the texts at each level, or one number per level; 0 everywhere leaves the encoder as it is.
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
        Where a level's head starts: at a linear solution on the present embeddings, at the vector of each node's
        parent, or at random. The first level has no parent, so ``"parent"`` starts at random there.
    negatives : {"tfn", "man", "tfn+man"}, default="tfn+man"
        Candidates of a text besides its true nodes: their siblings, what lies below the beam, or both.
    beam_size : int, default=20
        Nodes kept per text at each level.
    validation : float, default=0.0
        Share of the texts held out to evaluate fine-tuning. The best weights are kept.
    evaluate_every : int, default=500
        Steps between two evaluations.
    patience : int, optional
        A level ends after this many evaluations without progress.
    refine : bool, default=True
        Whether the ranker gets a tree grown on all features, or the preliminary one.
    ranker : XRLinear, optional
        The linear ranker, its tree's parameters included; by default one with ``threshold=0.03``.
    calibrate : bool, default=False
        Whether `fit` also learns what scores mean as probabilities, for `predict_proba_topk`. A twentieth of the texts,
        at most 5000, is held out for that: encoder and ranker learn from the others.
    checkpoint_dir : path, optional
        Directory for checkpoints. A later `fit` with the same parameters and data continues from there.
    checkpoint_every : int, default=500
        Steps between two checkpoints; every level also ends with one.
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

    Attributes
    ----------
    encoder_ : Encoder
        Fine-tuned.
    ranker_ : XRLinear
        Ranks on sparse features and embeddings side by side.
    features_ : fitted vectoriser, or None when `fit` was given ``X``
    classes_ : array of shape (n_labels,) or None
    n_labels_, n_instances_, n_sparse_features_ : int
    history_ : list of dict
        Records of the training: ``level``, ``step``, ``loss`` and, with ``validation``, ``P@1``, ``P@3``, ``P@5``.
    fit_times_ : dict of str to float
        Seconds spent on the stages.

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

    encoder: "FilePath | Encoder" = "sentence-transformers/all-MiniLM-L6-v2"
    _: KW_ONLY
    pooling: str | None = None
    max_length: int | None = None
    features: Any = None
    rank_on: str = RankingOptions.rank_on
    embedding_weight: float = RankingOptions.embedding_weight
    branching: int = RankingOptions.branching
    max_leaf_size: int = RankingOptions.max_leaf_size
    max_level_size: int = 32768
    epochs: float | Sequence[float] = TuningSettings.epochs
    batch_size: int = TuningSettings.batch_size
    accumulation: int = TuningSettings.accumulation
    learning_rate: float = TuningSettings.learning_rate
    head_learning_rate: float = TuningSettings.head_learning_rate
    warmup: float = TuningSettings.warmup
    weight_decay: float = TuningSettings.weight_decay
    max_grad_norm: float = TuningSettings.max_grad_norm
    dropout: float = TuningSettings.dropout
    loss: str = TuningSettings.loss
    bootstrap: str = TuningSettings.bootstrap
    negatives: str = TuningSettings.negatives
    beam_size: int = TuningSettings.beam_size
    validation: float = TuningSettings.validation
    evaluate_every: int = TuningSettings.evaluate_every
    patience: int | None = TuningSettings.patience
    refine: bool = RankingOptions.refine
    ranker: XRLinear | None = RankingOptions.ranker
    calibrate: bool = False  # type: ignore[assignment]  # see the end of this file
    checkpoint_dir: FilePath | None = None
    checkpoint_every: int = TuningSettings.checkpoint_every
    gradient_checkpointing: bool = TuningSettings.gradient_checkpointing
    device: str = Computing.device
    precision: str = Computing.precision
    random_state: int = TuningSettings.random_state
    n_jobs: int | None = Computing.n_jobs
    verbose: int = Computing.verbose

    text_features = PlainTexts  # what a `TextRanker` puts before this model by default

    # ------------------------------------------------------------------ fit

    def fit(self, texts: Sequence[str], Y: Targets, X: MatrixLike | None = None) -> Self:
        """Fine-tune the encoder along a preliminary tree, then train a ranker on all features.

        Parameters
        ----------
        texts : sequence of str, length n_instances
        Y : sparse or dense indicator of shape (n_instances, n_labels), list of label-id lists, or 1-D classes
        X : sparse matrix of shape (n_instances, n_features), optional
            Sparse features of the texts; by default those that ``features`` makes of them. When given here, they must
            be given to `predict_topk` too.

        Raises
        ------
        ImportError
            If the extra ``transformers`` is not installed.
        FileNotFoundError
            If the encoder is not found; the message says where it was looked for.
        TypeError, ValueError
            If an argument or a parameter is of the wrong kind, shape or range, a text is empty, or ``checkpoint_dir``
            is of another training.
        BlockingIOError
            If another process trains in ``checkpoint_dir``.
        MemoryError
            If more memory would be needed than there is.
        """
        tuning, ranking = self._tuning(), RankingOptions.of(self)
        require_torch()
        from .fitting import fit_transformer

        calibrates = check_flag("calibrate", self.get_params(deep=False)["calibrate"])
        texts = training_texts(texts)
        Y, classes = as_indicator(Y, len(texts), "texts")
        check_label_arrays_fit(Y.shape[1])
        held = None
        if calibrates:
            chosen = rows_to_hold_out(len(texts), self.random_state)
            rows = None if X is None else as_csr(X, "X", n_rows=len(texts))
            held = _some(texts, Y, rows, chosen)
            texts, Y, X = _some(texts, Y, rows, ~chosen)
        fitted, history, times = fit_transformer(
            self._loaded_encoder(),
            texts,
            Y,
            X,
            levels=self._levels,
            ranking=ranking,
            tuning=tuning,
            computing=self._computing(),
            checkpoint_dir=self.checkpoint_dir,
        )
        if held is not None:
            fitted = fitted.calibrated(held[0], held[1], self._computing(), X=held[2], anew=True)
        # together, and last: a fit that fails leaves the model as it was
        self.fitted_, self.classes_, self.history_, self.fit_times_ = fitted, classes, history, times
        self.n_instances_ = len(texts)
        return self

    def _tuning(self) -> TuningSettings:
        return TuningSettings.of(self)

    def _levels(self, tree: LabelTree) -> list[int]:
        """Return the levels of a preliminary tree that the encoder learns from, top first."""
        most = check_integer("max_level_size", self.max_level_size, 1)
        levels = [level for level in range(1, tree.depth + 1) if tree.level_sizes[level] <= most]
        if not levels:
            raise ArgumentError(
                "max_level_size",
                f"is {most}, but the top level of the tree has {tree.level_sizes[1]} nodes already; "
                "allow more, or a smaller branching",
            )
        return levels

    def _loaded_encoder(self) -> "Encoder":
        from .encoders.encoder import Encoder

        if not isinstance(self.encoder, Encoder):
            return Encoder.load(self.encoder, pooling=self.pooling, max_length=self.max_length)
        if self.pooling is not None or self.max_length is not None:
            raise ValueError("pooling and max_length are the Encoder's own; set them there")
        return deepcopy(self.encoder)

    def _computing(self) -> Computing:
        return Computing(self.device, self.precision, self.n_jobs, self.verbose)

    # ------------------------------------------------------------------ fitted

    def _fitted_stages(self) -> Mapping[str, Any]:
        if not hasattr(self, "fitted_"):
            return {}
        return ({} if self.features_ is None else {"features": self.features_}) | {"ranker": self.ranker_}

    @property
    def encoder_(self) -> "Encoder":
        """The fine-tuned encoder."""
        return self.fitted_.encoder

    @property
    def ranker_(self) -> XRLinear:
        """The linear ranker."""
        return self.fitted_.ranker

    @property
    def features_(self) -> Any:
        """The fitted vectoriser; None when `fit` was given sparse features."""
        return self.fitted_.features

    @property
    def n_sparse_features_(self) -> int:
        """Number of sparse features."""
        return self.fitted_.n_sparse_features

    @property
    def n_labels_(self) -> int:
        """Number of labels."""
        return self.fitted_.ranker.n_labels_

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings of texts by the fine-tuned encoder.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float32 array of shape (n_texts, d)
            Rows of unit Euclidean length.
        """
        return self._fitted().encode(texts, self._computing())

    def predict_topk(
        self,
        texts: Sequence[str],
        k: int = 10,
        *,
        X: MatrixLike | None = None,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        **options: object,
    ) -> TopK:
        """Return the best labels of every text, best first.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        X : sparse matrix of shape (n_texts, n_features), optional
            Sparse features; needed if and only if `fit` was given some.
        candidates, exclude : as for `XRLinear.predict_topk`
        **options
            ``beam_size`` and ``combine``, instead of the ranker's own.

        Returns
        -------
        ids : int64 array of shape (n_texts, k)
            Label ids, padded with -1.
        scores : float32 array of shape (n_texts, k)
            In descending order, padded with -inf.
        """
        more: dict[str, Any] = {"candidates": candidates, "exclude": exclude, **options}
        return self._fitted().predict_topk(texts, k, self._computing(), X=X, **more)

    def explained_row(
        self, text: str, X: MatrixLike | None = None
    ) -> "tuple[sp.csr_array, Callable[[int], int | str]]":
        """Return what the ranker sees of a text, and what its columns are called; for `explain`.

        Parameters
        ----------
        text : str
        X : sparse matrix of shape (1, n_features), optional
            Sparse features of the text; needed if and only if `fit` was given some.

        Returns
        -------
        row : csr_array of shape (1, n_sparse + d)
        name : callable
            Gives a column's term (its number where `fit` was given ``X``), ``"embedding"`` for those of the embedding.
        """
        return self._fitted().explained_row(text, self._computing(), X)

    def score(self, texts: Sequence[str], y: Targets, X: MatrixLike | None = None) -> float:
        """Return the mean nDCG@5 against the labels ``y``, or the accuracy when `fit` was given a 1-D target."""
        self._fitted()
        k = 5 if self.classes_ is None else 1
        return quality(y, self.predict_topk(texts, k, X=X)[0], self.n_labels_, self.classes_)

    def accelerate(self, backend: Literal["compile", "onnx"]) -> Self:
        """Return a model whose encoder is compiled: same answers but for rounding, sooner.

        Parameters
        ----------
        backend : {"compile", "onnx"}
            ``torch.compile`` on the model's device, which needs a C++ compiler on a CPU; or ONNX Runtime, on the CPU
            and in float32, which needs the extra ``onnx``. Both take seconds to a minute here, once.

        Returns
        -------
        estimator
            A fitted copy; all but the encoder's program is shared with this one. It is saved without that program.

        Raises
        ------
        ImportError, RuntimeError, ValueError
            If the backend is not installed, fails on this encoder, or is unknown.
        """
        fitted = self._fitted()
        faster = fitted.encoder.accelerated(backend, self._computing().n_threads)
        return fitted_clone(self, fitted_=replace(fitted, encoder=faster))

    def export_onnx(self, path: FilePath) -> None:
        """Write the fine-tuned encoder to a new ONNX file: ids and mask in, unit embeddings out."""
        encoder = self._fitted().encoder
        from .encoders.accelerated import export_onnx

        export_onnx(encoder, path)

    def save_encoder(self, directory: FilePath) -> None:
        """Write the fine-tuned encoder alone in Hugging Face layout, with its tokenizer, to a new folder."""
        self._fitted().encoder.save_pretrained(directory)

    def _fitted(self) -> FittedTransformer:
        check_fitted(self, "fitted_")
        return self.fitted_

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted model apart for saving; ``checkpoint_dir`` and a given `Encoder` stay behind."""
        fitted = self._fitted().to_state()
        params = lasting(self.get_params(deep=False))
        for name in ("features", "ranker", "checkpoint_dir"):
            del params[name]
        if not isinstance(self.encoder, str):
            params["encoder"] = str(self.encoder) if hasattr(self.encoder, "__fspath__") else None
        config = {
            "params": params,
            "n_labels": self.n_labels_,
            "n_instances": self.n_instances_,
            "history": self.history_,
        }
        arrays, classes = classes_to_state(self.classes_)
        return State({**config, **fitted.config}, arrays, {**fitted.parts, **classes})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved model together again.

        Raises
        ------
        TypeError, ValueError
            If a number or part is of another kind, or they do not fit one another.
        """
        model = cls(**lasting(state.config["params"]))
        model.fitted_ = FittedTransformer.from_state(state, RankingOptions.of(model).weight)
        n_labels = check_integer("n_labels", state.config["n_labels"], 0)
        if n_labels != model.n_labels_:
            raise ValueError(f"n_labels is {n_labels}, but the ranker has {model.n_labels_}")
        model.n_instances_ = check_integer("n_instances", state.config["n_instances"], 0)
        model.history_ = state.config["history"]
        model.classes_ = classes_from_state(state, n_labels)
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _some(
    texts: Sequence[str], Y: Csr, X: Csr | None, rows: NDArray[np.bool_]
) -> tuple[list[str], Csr, Csr | None]:
    """Return some of the texts with their labels and features."""
    some = [text for text, one in zip(texts, rows.tolist(), strict=True) if one]
    return some, select_rows(Y, rows), None if X is None else select_rows(X, rows)


del XRTransformer.calibrate  # the default of the parameter, which would hide the method of this name
