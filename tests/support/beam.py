"""Beam search written plainly over dense matrices: the oracle of the native search."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from arborank.matching.beam import BeamSearch
from arborank.matching.combine import combination
from arborank.ranking.weights import LayerWeights


@dataclass
class Model:
    branches: list[np.ndarray]
    matrices: list[np.ndarray]  # n_features x n_children
    biases: list[np.ndarray]
    labels: np.ndarray
    n_labels: int
    precision: str = "float32"

    def layers(self) -> list[LayerWeights]:
        return [
            LayerWeights.from_matrix(sp.csc_array(W), b, branch).astype(self.precision)
            for W, b, branch in zip(self.matrices, self.biases, self.branches, strict=True)
        ]

    def search(self) -> BeamSearch:
        return BeamSearch(self.branches, self.layers(), self.labels, self.n_labels)


def random_model(
    rng, *, depth, widest, n_features, density=0.3, overlap=False, exact=True, most=400, precision="float32"
) -> Model:
    """A random tree and weights; exact: multiples of a power of two, which no precision here and no sum rounds."""
    branches, matrices, biases, n_nodes = [], [], [], 1
    for _ in range(depth):
        room = max(1, most // n_nodes)
        sizes = rng.integers(1, min(widest, room) + 1, size=n_nodes)
        branches.append(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))
        n_nodes = int(branches[-1][-1])
        if exact:
            W = rng.integers(-4, 5, size=(n_features, n_nodes)).astype(np.float32) / 4
            b = rng.integers(-4, 5, size=n_nodes).astype(np.float32) / 4
        else:
            W = rng.normal(size=(n_features, n_nodes)).astype(np.float32)
            b = rng.normal(size=n_nodes).astype(np.float32)
        W[rng.random(W.shape) >= density] = 0
        for p in np.flatnonzero(rng.random(sizes.size) < 0.1):  # chunks without a weight
            W[:, branches[-1][p] : branches[-1][p + 1]] = 0
        if exact and precision == "int8":
            W[0, np.abs(W).max(axis=0) > 0] = 127 / 4  # every scale is 1/4
        matrices.append(W)
        biases.append(b)
    n_labels = max(1, n_nodes // 2) if overlap else n_nodes
    labels = rng.integers(0, n_labels, size=n_nodes) if overlap else rng.permutation(n_nodes)
    return Model(branches, matrices, biases, labels.astype(np.int32), n_labels, precision)


def random_instances(rng, n_rows, n_features, *, density=0.4, exact=True) -> np.ndarray:
    X = rng.integers(1, 5, size=(n_rows, n_features)).astype(np.float32) / 4
    if not exact:
        X = rng.random((n_rows, n_features)).astype(np.float32)
    X[rng.random(X.shape) >= density] = 0
    X[rng.random(n_rows) < 0.1] = 0
    return X


def leading_to(model: Model, wanted: np.ndarray) -> list[np.ndarray]:
    """For every level below the root: whether a node leads to a wanted label (bool array over labels)."""
    masks = [wanted[model.labels]]
    for branch in model.branches[:0:-1]:
        masks.append(np.array([masks[-1][a:b].any() for a, b in pairwise(branch)], bool))
    return masks[::-1]


def topk_of_row(
    model,
    x,
    k,
    beam_size,
    combine,
    allowed=None,
    excluded=None,
    *,
    masks=None,
    start=(0, 0),
    weights=None,
    merge="max",
):
    """(ids, scores) of one dense row; allowed and excluded are bool arrays over labels.

    ``masks`` are nodes that may be opened, in place of those that lead to ``allowed``; ``start`` is a level and a node.
    """
    if allowed is not None:
        masks = leading_to(model, allowed)
    beam = [(np.float32(0.0 if combine.startswith("log-") else 1.0), start[1])]
    for level, (branch, W, b) in enumerate(zip(model.branches, model.matrices, model.biases, strict=True)):
        if level < start[0]:
            continue
        margins = (x.astype(np.float64) @ W + b).astype(np.float32)
        last = level + 1 == len(model.branches)
        candidates = []
        combined = combination(combine, labels=last)
        for parent_score, parent in beam:
            children = np.arange(branch[parent], branch[parent + 1])
            scores = combined(margins[children], np.full(children.size, parent_score, np.float32))
            if last and weights is not None:
                factors = weights[model.labels[children]]
                with np.errstate(divide="ignore"):
                    scores = scores + np.log(factors) if combine.startswith("log-") else scores * factors
                children, scores = children[factors > 0], scores[factors > 0]
            for score, child in zip(scores, children, strict=True):
                if masks is not None and not masks[level][child]:
                    continue
                if last and excluded is not None and excluded[model.labels[child]]:
                    continue
                candidates.append((score, int(child)))
        places = sorted(range(len(candidates)), key=lambda i: -candidates[i][0])  # stable
        placed = [(i, candidates[i]) for i in places]
        candidates = [candidate for _, candidate in placed]
        if last:
            kind = "noop" if combine == "noop" else "log" if combine.startswith("log-") else ""
            candidates = merged(candidates if merge == "max" else placed, model.labels, merge, kind)
        beam = candidates[: k if last else beam_size]
    ids, scores = np.full(k, -1, np.int64), np.full(k, -np.inf, np.float32)
    for i, (score, label) in enumerate(beam):
        ids[i], scores[i] = label, score
    return ids, scores


def merged(candidates, labels, merge, kind):
    """(score, label) of every label, best first; equals in the order of their best slots among all children."""
    if merge == "max":
        best = {}
        for score, child in candidates:
            best.setdefault(int(labels[child]), score)
        return [(score, label) for label, score in best.items()]
    found: dict[int, list] = {}
    for place, (score, child) in candidates:
        found.setdefault(int(labels[child]), []).append((float(score), place))
    values = []
    for label, slots in found.items():
        scores = [score for score, _ in slots]
        n = np.count_nonzero(labels == label) if merge == "average" and kind != "noop" else len(scores)
        if merge == "mean" or (merge == "average" and kind != "log"):
            value = sum(scores) / n
        else:
            shares = sum(np.exp(score - scores[0]) for score in scores)
            value = scores[0] + np.log(shares / n if merge == "average" else shares)
        values.append((np.float32(value), slots[0][1], label))
    return [(value, label) for value, _, label in sorted(values, key=lambda v: (-v[0], v[1]))]


def topk(model, X, k, beam_size, combine, allowed=None, excluded=None, weights=None, merge="max"):
    def row_of(mask, i):
        return None if mask is None else mask[i if mask.shape[0] > 1 else 0] != 0

    rows = [
        topk_of_row(
            model,
            x,
            k,
            beam_size,
            combine,
            row_of(allowed, i),
            row_of(excluded, i),
            weights=weights,
            merge=merge,
        )
        for i, x in enumerate(X)
    ]
    return np.array([ids for ids, _ in rows]), np.array([scores for _, scores in rows])
