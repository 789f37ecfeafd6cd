"""Rankers for labels that nobody has chosen yet: made from a text about each, not trained.

A label's ranker is its text as a vector, and beside it, in equal parts, what is said by those who choose labels like
it: the mean instances (PIFA) of known labels near to it, where a known label's place is the sum of its own text and its
instances. So a new "electric kettle" is found for words that only searchers use and no product text does.

How much such a similarity is worth is learned from known labels with a text: each is treated as if it had no
instances, and the chance that an instance has the label, given the similarity, is fitted in the shape that the model's
scores have. After that a margin says of these labels what it says of others, up to one weight for all of them.
"""

import math
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, lists_to_csr, multiply, normalize_rows, select_rows, to_scipy
from ..indexing import LabelTree
from ..indexing.grafting import shape_branch
from ..matching.combine import combination, is_logarithmic
from ..matching.neighbours import NeighbourIndex
from ..ranking import LayerWeights
from .centroids import Centroids, largest_entries, mean_instances
from .fitted import FittedTree
from .options import LinearOptions
from .updating import graft_labels

__all__ = ["learn_unseen_labels", "margin_of"]

# The chance from which on a label takes a place among the ten best of half of the instances, found with
# benchmarks/HOW-WE-KNOW.md; how many instances are looked at; what labels weigh where none can be.
_LEAST_CHANCE, _ASKED, _UNSEEN_WEIGHT = 1 / 300, 2000, 0.5

_NEIGHBOURS = 20
_KEPT = 300  # features of the mean of a label's neighbours
_HELD, _SAMPLED = 4000, 1000  # instances and known labels to learn the worth of a similarity from, at most
_FEWEST = 20  # pairs of them that belong together; below, nothing is learned
_BINS = 200
_SLOPE, _OFFSET = 1.5, -1.0  # of the margin, where nothing is learned: as on the benchmark's sets


def learn_unseen_labels(
    fitted: FittedTree,
    ids: NDArray[np.int64],
    texts: Csr,
    X: Csr,
    Y: Csr,
    known: Csr,
    options: LinearOptions,
    weight: float | None,
) -> tuple[FittedTree, dict[str, float]]:
    """Put labels without an instance into a leaf of their own, ranked by a text about each; return the seconds, too.

    The arguments are those of `XRLinear.learn_unseen_labels`, checked. What the tree knows of the labels is forgotten.
    """
    start = time.perf_counter()
    combine, seed = options.search.combine, options.indexing.random_state
    rankers = _rankers_of_texts(texts, X, Y, known, combine, seed=seed, n_threads=options.n_threads)
    times = {"rankers": time.perf_counter() - start}
    start = time.perf_counter()
    leaf = LabelTree.one_vs_all(ids.size)
    ranks = fitted.layers[0].ranks
    layers = [LayerWeights.from_matrix(*rankers, leaf.branches[0], ranks=ranks)]
    counts = np.zeros(ids.size, np.int64)
    centroids = (
        Centroids.of_vectors(sp.csr_array(rankers.W.T), counts) if fitted.centroids is not None else None
    )
    depth = fitted.tree.depth
    if depth > 1:
        gate = sp.csc_array((fitted.n_features, 1), dtype=np.float32)
        share = _usual_weight(fitted, X, options) if weight is None else float(weight)
        margin = np.array([margin_of(share, combine)], np.float32)
        layers.insert(0, LayerWeights.from_matrix(gate, margin, np.array([0, 1]), ranks=ranks))
        leaf = shape_branch(leaf, depth)
    grown = graft_labels(fitted, leaf, layers, ids, counts, 0, combine, centroids=centroids)
    times["graft"] = time.perf_counter() - start
    return grown, times


def _usual_weight(fitted: FittedTree, X: Csr, options: LinearOptions) -> float:
    """Return the default of ``weight``."""
    if not X.shape[0]:
        return _UNSEEN_WEIGHT
    rows = np.random.default_rng(options.indexing.random_state).permutation(X.shape[0])[:_ASKED]
    search = options.search
    _, scores = fitted.topk(
        select_rows(X, np.sort(rows)),
        10,
        rerank=options.rerank,
        beam_size=search.beam_size,
        combine=search.combine,
        merge=fitted.merge,
        n_threads=options.n_threads,
    )
    tenth = float(np.median(scores[:, 9].astype(np.float64)))
    if is_logarithmic(search.combine):
        tenth = math.exp(tenth) if math.isfinite(tenth) else tenth
    return min(max(tenth / _LEAST_CHANCE, 0.2), 1.0) if math.isfinite(tenth) else _UNSEEN_WEIGHT


class _Rankers(NamedTuple):
    """Linear rankers of labels."""

    W: "sp.csc_array"  # of shape (n_features, n_labels)
    bias: NDArray[np.float32]


def _rankers_of_texts(
    texts: Csr, X: Csr, Y: Csr, known: Csr, combine: str, *, seed: int, n_threads: int
) -> _Rankers:
    """Make a ranker of every text; ``known`` are texts about the labels that ``X`` has."""
    rng = np.random.default_rng(seed)
    held = np.sort(rng.permutation(X.shape[0])[: min(_HELD, X.shape[0] // 5)])
    slope, offset = _worth(X, Y, known, held, rng, combine, n_threads)
    vectors = _vectors(texts, _Profiles(X, Y, known, n_threads))
    vectors.data *= np.float32(slope)
    return _Rankers(sp.csc_array(vectors.T), np.full(texts.shape[0], offset, np.float32))


def margin_of(score: float, combine: str) -> float:
    """Return the margin that gives a node above the labels this share of its parent's score.

    With ``noop`` there is no such share, and every margin above 0 is as good.
    """
    if combine == "noop":
        return 0.0
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _chance(combine, np.array([middle]), labels=False)[0] < score else (low, middle)
        )
    return high


class _Profiles:
    """Mean instances of known labels, and with their texts the places where neighbours are looked for."""

    def __init__(self, X: Csr, Y: Csr, known: Csr, n_threads: int) -> None:
        self.instances = mean_instances(X, Y, n_threads)
        places = _unit(self.instances + to_scipy(normalize_rows(known)))
        self.index = NeighbourIndex(places) if places.nnz else None


def _vectors(texts: Csr, profiles: _Profiles, itself: NDArray[np.int64] | None = None) -> "sp.csr_array":
    """Return a unit vector for each text; where it is about a known label ``itself``, that one is no neighbour."""
    own = to_scipy(normalize_rows(texts))
    if profiles.index is None:
        return own.copy()
    ids, near = profiles.index.search(own, _NEIGHBOURS + (itself is not None))
    near = np.maximum(near, 0)
    if itself is not None:
        near[ids == itself[:, None]] = 0
    shares = lists_to_csr(ids, profiles.index.shape[0], near.astype(np.float32))
    product = multiply(as_csr(shares), as_csr(profiles.instances))
    return _unit(own + _unit(largest_entries(to_scipy(product), _KEPT)))


def _worth(
    X: Csr,
    Y: Csr,
    known: Csr,
    held: NDArray[np.int64],
    rng: np.random.Generator,
    combine: str,
    n_threads: int,
) -> tuple[float, float]:
    """Return slope and offset of the margin as a function of the similarity."""
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    usable = np.flatnonzero((np.diff(known.indptr) > 0) & (counts > 0))
    labels = np.sort(rng.permutation(usable)[:_SAMPLED])
    if not held.size or not labels.size:
        return _SLOPE, _OFFSET
    rest = np.ones(X.shape[0], np.bool_)
    rest[held] = False
    instances, marks = to_scipy(X), to_scipy(Y)
    profiles = _Profiles(as_csr(instances[rest]), as_csr(marks[rest]), known, n_threads)
    vectors = _vectors(select_rows(known, labels), profiles, labels)
    near = (to_scipy(normalize_rows(as_csr(instances[held]))) @ vectors.T).toarray().ravel()
    right = marks[held][:, labels].toarray().ravel() != 0
    if right.sum() < _FEWEST:
        return _SLOPE, _OFFSET
    bins = np.minimum((near * _BINS).astype(np.int64), _BINS - 1)
    n, positive = np.bincount(bins, minlength=_BINS), np.bincount(bins[right], minlength=_BINS)
    return _fitted(n, positive, "l3-hinge" if combine == "noop" else combine)


def _fitted(n: NDArray[np.int64], positive: NDArray[np.int64], combine: str) -> tuple[float, float]:
    """Fit the chance of a pair to be right to its similarity, by maximum likelihood."""
    from scipy.optimize import minimize

    near = (np.arange(_BINS) + 0.5) / _BINS

    def loss(line: NDArray[np.float64]) -> float:
        chance = np.clip(_chance(combine, line[0] * near + line[1]), 1e-9, 1 - 1e-6)
        return float(-(positive * np.log(chance) + (n - positive) * np.log1p(-chance)).sum() / n.sum())

    found = minimize(loss, [_SLOPE, _OFFSET], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-10})
    slope, offset = found.x
    return (float(slope), float(offset)) if slope > 0 else (_SLOPE, _OFFSET)


def _chance(combine: str, margins: NDArray[np.float64], *, labels: bool = True) -> NDArray[np.float64]:
    """Return the share of a parent's score, for combinations with logarithms, too."""
    logarithm = is_logarithmic(combine)
    parents = np.full(margins.size, 0.0 if logarithm else 1.0, np.float32)
    scores = combination(combine, labels=labels)(margins.astype(np.float32), parents)
    chances = np.asarray(scores, np.float64)
    return np.exp(chances) if logarithm else chances


def _unit(matrix: "sp.csr_array") -> "sp.csr_array":
    return to_scipy(normalize_rows(as_csr(matrix)))
