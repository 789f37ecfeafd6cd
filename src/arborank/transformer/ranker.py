"""What X-Transformer and XR-Transformer have in common: everything but the levels that they learn from."""

import logging
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_flag, check_integer, check_real
from ..core.estimates import check_fits
from ..core.estimator import clone, pass_on
from ..core.memory import check_label_arrays_fit
from ..core.progress import progress_bar
from ..core.sparse import Csr, as_csr
from ..core.threads import n_threads
from ..features import TextFeatures
from ..features.base import fit_rows
from ..indexing import LabelTree
from ..indexing.growing import TreeOptions, grow_tree
from ..linear import XRLinear
from ..linear.options import LinearOptions
from ..linear.targets import as_indicator
from ..storage.disk import scratch_array
from .extra import require_torch
from .plain import PlainTexts
from .predictor import EmbeddingPredictor
from .settings import Settings
from .tokens import TokenCache, training_texts

if TYPE_CHECKING:
    from .device import Device
    from .encoder import Encoder
    from .team import Team

__all__ = ["TransformerRanker"]

_LOG = logging.getLogger(__name__)
_RANK_ON = ("joint", "embeddings")


class TransformerRanker(EmbeddingPredictor, ABC):
    """Base of the transformer rankers: an encoder, learnt along a tree, in front of a linear ranker.

    Attributes
    ----------
    encoder_ : Encoder
        Fine-tuned.
    ranker_ : XRLinear
        Ranks on sparse features and embeddings side by side.
    features_ : fitted vectoriser, or None when `fit` was given ``X``
    classes_ : array of shape (n_labels,) or None
    n_labels_, n_instances_ : int
    history_ : list of dict
        Records of the training: ``level``, ``step``, ``loss`` and, with ``validation``, ``P@1``, ``P@3``, ``P@5``.
    fit_times_ : dict of str to float
        Seconds spent on the stages.
    """

    text_features = PlainTexts
    """What a `TextRanker` puts before this model unless it is told otherwise."""

    pooling: str | None
    max_length: int | None
    features: Any
    branching: int
    max_leaf_size: int
    refine: bool
    ranker: Any
    checkpoint_dir: Any
    checkpoint_every: int
    random_state: int

    @abstractmethod
    def _settings(self) -> Settings:
        """Return the checked parameters of fine-tuning."""

    @abstractmethod
    def _levels(self, tree: LabelTree) -> list[int]:
        """Return the levels of a preliminary tree that the encoder learns from, top first."""

    # ------------------------------------------------------------------ fit

    def fit(self, texts: Sequence[str], Y: Any, X: Any = None) -> Self:
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
        settings = self._settings()
        self._check_parameters()
        require_torch()
        from .device import choose_device, limited_threads
        from .team import gathered_team

        texts = training_texts(texts)
        Y, classes = as_indicator(Y, len(texts), "texts")
        check_label_arrays_fit(Y.shape[1])
        device = choose_device(self.device, self.precision)
        encoder = self._load_encoder()
        ranker = self._new_ranker()
        times: dict[str, float] = {}
        watch = _Watch(times)
        features = None
        if X is None:
            features = clone(self.features) if self.features is not None else TextFeatures()
            pass_on(features, n_jobs=self.n_jobs, verbose=self.verbose or None)
            sparse = fit_rows(features, texts)
        else:
            sparse = as_csr(X, "X", n_rows=len(texts))
        watch.lap("features")
        self._check_room(sparse, Y, encoder.width, ranker)
        tree = self._grow(sparse, Y)
        watch.lap("preliminary tree")
        with (
            self._working_folder() as folder,
            limited_threads(n_threads(self.n_jobs)),
            gathered_team(device) as team,
        ):
            with progress_bar("tokenising", len(texts), enabled=bool(self.verbose), unit="texts") as progress:
                cache = encoder.cache(texts, folder / "tokens", progress)
            watch.lap("tokens")
            shape = (len(texts), encoder.width)
            vectors = scratch_array(folder / "vectors", shape, np.float32)
            history = self._fine_tune(encoder, cache, Y, tree, settings, device, team, vectors)
            watch.lap("fine-tuning")
            self._embed(encoder, cache, device, vectors, team)
            watch.lap("embeddings")
            dense = np.asarray(vectors)
            joined = self._beside(sparse, dense)
            n_sparse = sparse.shape[1]
            del vectors, dense, sparse, cache  # the ranker needs the room
        if not self.refine:
            ranker.set_params(tree=tree)
        ranker.fit(joined, Y)
        watch.lap("ranker")
        # together, and last: a fit that fails leaves the model as it was
        self.encoder_, self.ranker_, self.features_ = encoder, ranker, features
        self.classes_, self.history_, self.fit_times_ = classes, history, times
        self.n_labels_, self.n_instances_ = Y.shape[1], len(texts)
        self.n_sparse_features_ = n_sparse
        return self

    def _check_parameters(self) -> None:
        for name, low in (("branching", 2), ("max_leaf_size", 1), ("checkpoint_every", 1)):
            check_integer(name, getattr(self, name), low)
        check_real("embedding_weight", self.embedding_weight, above=0.0)
        check_flag("refine", self.refine)
        if self.features is not None and not hasattr(self.features, "fit_transform"):
            raise TypeError(
                f"features must be a vectoriser with fit_transform, found {type(self.features).__name__}"
            )
        if self.rank_on not in _RANK_ON:
            raise ValueError(f"rank_on is {self.rank_on!r}; expected one of {', '.join(_RANK_ON)}")

    def _load_encoder(self) -> "Encoder":
        from copy import deepcopy

        from .encoder import Encoder

        if isinstance(self.encoder, Encoder):
            if self.pooling is not None or self.max_length is not None:
                raise ValueError("pooling and max_length are the Encoder's own; set them there")
            return deepcopy(self.encoder)
        return Encoder.load(self.encoder, pooling=self.pooling, max_length=self.max_length)

    def _new_ranker(self) -> XRLinear:
        if not isinstance(self.ranker, XRLinear | None):
            raise TypeError(f"ranker must be an XRLinear, found {type(self.ranker).__name__}")
        ranker = clone(self.ranker) if self.ranker is not None else XRLinear(threshold=0.03)
        if ranker.tree is not None:
            raise ValueError("ranker has a tree of its own, but its tree is grown here; leave it out")
        LinearOptions.of(ranker)
        pass_on(ranker, n_jobs=self.n_jobs, verbose=self.verbose or None)
        return ranker

    def _grow(self, sparse: Csr, Y: Csr) -> LabelTree:
        missing = Y.shape[1] - np.unique(Y.indices).size
        if missing:
            _LOG.warning("%d of %d labels have no instance and will never be returned", missing, Y.shape[1])
        tree, _ = grow_tree(
            sparse,
            Y,
            TreeOptions(
                branching=self.branching,
                max_leaf_size=self.max_leaf_size,
                random_state=self.random_state,
            ),
            n_threads=n_threads(self.n_jobs),
            verbose=bool(self.verbose),
        )
        return tree

    def _fine_tune(
        self,
        encoder: "Encoder",
        cache: TokenCache,
        Y: Csr,
        tree: LabelTree,
        settings: Settings,
        device: "Device",
        team: "Team",
        vectors: NDArray[np.float32],
    ) -> list[dict[str, Any]]:
        from .memory import check_tuning_fits, estimate_for
        from .resuming import snapshots_in
        from .stages import FineTuning

        epochs = settings.epochs
        if not (any(epochs) if isinstance(epochs, Sequence) else epochs):
            return []
        levels = self._levels(tree)
        check_tuning_fits(estimate_for(encoder, tree, levels, settings), device)
        held = snapshots_in(self.checkpoint_dir, settings, encoder, cache, Y, tree, levels, team)
        with held as store:
            return FineTuning(
                encoder=encoder,
                cache=cache,
                Y=Y,
                tree=tree,
                levels=levels,
                settings=settings,
                device=device,
                store=store,
                checkpoint_every=self.checkpoint_every,
                vectors=vectors,
                n_threads=n_threads(self.n_jobs),
                verbose=bool(self.verbose) and team.first,
                team=team,
            ).run()

    def _check_room(self, sparse: Csr, Y: Csr, width: int, ranker: XRLinear) -> None:
        """Refuse now what `XRLinear` would refuse after hours of fine-tuning; fine-tuning asks for itself."""
        n, d = sparse.shape
        kept = (sparse.nnz, d) if self.rank_on == "joint" else (0, 0)
        counts = np.bincount(Y.indices, minlength=Y.shape[1])
        needs = LinearOptions.of(ranker).estimate(
            n_instances=n, n_features=kept[1] + width, nnz=kept[0] + n * width, label_counts=counts
        )
        joined = 8 * (kept[0] + n * width)
        check_fits(replace(needs, index=needs.index + joined, working=needs.working + joined))

    @contextmanager
    def _working_folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="arborank-") as folder:
            yield Path(folder)


class _Watch:
    """Writes down how long each stage took."""

    def __init__(self, times: dict[str, float]) -> None:
        self._times, self._last = times, time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._times[name], self._last = now - self._last, now
