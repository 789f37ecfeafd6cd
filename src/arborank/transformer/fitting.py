"""From texts and labels to a fitted transformer ranker, stage by stage."""

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core.estimates import check_fits
from ..core.estimator import clone, pass_on
from ..core.progress import progress_bar
from ..core.sparse import Csr, as_csr
from ..core.types import FilePath, Json, MatrixLike
from ..features import TextFeatures
from ..features.base import TextTransformer, fit_rows
from ..indexing import LabelTree
from ..indexing.growing import grow_tree
from ..indexing.options import TreeOptions
from ..linear import XRLinear
from ..linear.options import LinearOptions
from ..storage.disk import scratch_array
from .encoders.device import limited_threads
from .encoders.encoder import Encoder
from .fitted import FittedTransformer
from .joined import ranker_rows
from .options import Computing, RankingOptions
from .tuning.corpus import Corpus
from .tuning.finetuning import fine_tune
from .tuning.settings import TuningSettings
from .tuning.team import gathered_team

__all__ = ["fit_transformer"]

_LOG = logging.getLogger(__name__)


def fit_transformer(
    encoder: Encoder,
    texts: Sequence[str],
    Y: Csr,
    X: MatrixLike | None,
    *,
    levels: Callable[[LabelTree], list[int]],
    ranking: RankingOptions,
    tuning: TuningSettings,
    computing: Computing,
    checkpoint_dir: FilePath | None,
) -> tuple[FittedTransformer, list[Json], dict[str, float]]:
    """Fine-tune an encoder along a preliminary tree, then train a ranker on all features.

    Parameters
    ----------
    encoder : Encoder
        Changed in place.
    texts : sequence of str
        Checked.
    Y : Csr of shape (n_texts, n_labels)
    X : matrix of shape (n_texts, n_features), optional
    levels : callable
        Gives the levels of the preliminary tree that the encoder learns from, top first.
    ranking, tuning, computing
        The parameters of `XRTransformer`.
    checkpoint_dir : path, optional

    Returns
    -------
    fitted : FittedTransformer
    history : list of dict
        Records of the training; see `fine_tune`.
    times : dict of str to float
        Seconds spent on the stages.
    """
    device = computing.choose()
    watch = _Watch()
    ranker = _new_ranker(ranking, computing)
    features, sparse = _sparse_rows(texts, X, ranking, computing)
    watch.lap("features")
    _check_room(sparse, Y, encoder.width, ranker, ranking)
    tree = _preliminary_tree(sparse, Y, ranking, tuning.random_state, computing)
    watch.lap("preliminary tree")
    with (
        tempfile.TemporaryDirectory(prefix="arborank-") as name,
        limited_threads(computing.n_threads),
        gathered_team(device) as team,
    ):
        folder, shown = Path(name), bool(computing.verbose)
        with progress_bar("tokenising", len(texts), enabled=shown, unit="texts") as progress:
            cache = encoder.cache(texts, folder / "tokens", progress)
        watch.lap("tokens")
        corpus = Corpus(encoder, cache, device, team, shown and team.first)
        vectors = scratch_array(folder / "vectors", (len(texts), encoder.width), np.float32)
        history = fine_tune(
            corpus, Y, tree, levels, tuning, checkpoint_dir, vectors=vectors, n_threads=computing.n_threads
        )
        watch.lap("fine-tuning")
        corpus.embeddings(vectors)
        watch.lap("embeddings")
        joined = ranker_rows(sparse, np.asarray(vectors), ranking.weight)
        n_sparse = sparse.shape[1]
        del vectors, sparse, cache, corpus  # the ranker needs the room
    if not ranking.refine:
        ranker.set_params(tree=tree)
    ranker.fit(joined, Y)
    watch.lap("ranker")
    return FittedTransformer(encoder, features, n_sparse, ranking.weight, ranker), history, watch.times


def _new_ranker(ranking: RankingOptions, computing: Computing) -> XRLinear:
    ranker = XRLinear(threshold=0.03) if ranking.ranker is None else clone(ranking.ranker)
    n_trees = LinearOptions.of(ranker).indexing.n_trees
    if n_trees > 1 and not ranking.refine:
        raise ValueError(
            f"ranker has n_trees={n_trees}, but refine is False: it takes over the one tree that is there"
        )
    pass_on(ranker, n_jobs=computing.n_jobs, verbose=computing.verbose or None)
    return ranker


def _sparse_rows(
    texts: Sequence[str], X: MatrixLike | None, ranking: RankingOptions, computing: Computing
) -> tuple[TextTransformer | None, Csr]:
    """Return a fitted vectoriser and what it makes of the texts, or the user's own features."""
    if X is not None:
        return None, as_csr(X, "X", n_rows=len(texts))
    features = TextFeatures() if ranking.features is None else clone(ranking.features)
    pass_on(features, n_jobs=computing.n_jobs, verbose=computing.verbose or None)
    return features, fit_rows(features, texts)


def _check_room(sparse: Csr, Y: Csr, width: int, ranker: XRLinear, ranking: RankingOptions) -> None:
    """Refuse now what `XRLinear` would refuse after hours of fine-tuning; fine-tuning asks for itself."""
    n, d = sparse.shape
    kept = (0, 0) if ranking.weight is None else (sparse.nnz, d)
    n_features, nnz = kept[1] + width, kept[0] + n * width
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    needs = LinearOptions.of(ranker).estimate(
        n_instances=n, n_features=n_features, nnz=nnz, label_counts=counts
    )
    joined = 8 * nnz
    check_fits(replace(needs, index=needs.index + joined, working=needs.working + joined))


def _preliminary_tree(
    sparse: Csr, Y: Csr, ranking: RankingOptions, random_state: int, computing: Computing
) -> LabelTree:
    missing = Y.shape[1] - np.unique(Y.indices).size
    if missing:
        _LOG.warning("%d of %d labels have no instance and will never be returned", missing, Y.shape[1])
    tree, _ = grow_tree(
        sparse,
        Y,
        TreeOptions(
            branching=ranking.branching, max_leaf_size=ranking.max_leaf_size, random_state=random_state
        ),
        n_threads=computing.n_threads,
        verbose=bool(computing.verbose),
    )
    return tree


class _Watch:
    """Writes down how long each stage took."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.times[name], self._last = now - self._last, now
