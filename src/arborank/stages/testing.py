"""Does a stage of your own keep its promise? One call per stage, on small data with an answer that can be seen.

Each function raises ``AssertionError``, or the error of `arborank.stages.protocols` that names the stage and its
promise; it returns None when all is well. They make no claim about quality beyond the
obvious: clusters that can be told apart by one feature must be found. In a test file::

    from arborank.testing import check_matcher

    def test_my_matcher():
        check_matcher(MyMatcher())
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..core.lazy import sp
from ..indexing import LabelTree
from . import Indexer, Matcher, Ranker
from .protocols import checked_matches, checked_scores, checked_tree, require_stage
from .ranker import StagedRanker

__all__ = ["check_indexer", "check_matcher", "check_ranker", "check_together"]

_CLUSTERS, _SIZE, _ROWS = 4, 3, 96


def check_indexer(indexer: Indexer) -> None:
    """Check that an object keeps the promise of `arborank.stages.Indexer`."""
    require_stage(indexer, Indexer, "indexer")
    X, Y, _ = _data()
    tree = _unchanged(
        lambda: checked_tree(indexer, indexer.index(X, Y), Y.shape[1]), X, Y, who=_who(indexer, "index")
    )
    again = checked_tree(indexer, indexer.index(X, Y), Y.shape[1])
    _require(
        tree == again, f"{_who(indexer, 'index')} gave another tree for the same input; it promises the same"
    )
    placed = np.unique(tree.labels).size
    _require(
        placed == Y.shape[1], f"{_who(indexer, 'index')} left {Y.shape[1] - placed} labels with instances out"
    )
    alone = sp.csr_array(X[:8]), sp.csr_array(Y[:8])
    checked_tree(indexer, indexer.index(*alone), Y.shape[1])  # labels without instances


def check_matcher(matcher: Matcher) -> None:
    """Check that an object keeps the promise of `arborank.stages.Matcher`."""
    require_stage(matcher, Matcher, "matcher")
    X, Y, tree = _data()
    who = _who(matcher, "match")
    C, top = _clusters(Y, tree), tree.above_labels()
    fitted = _unchanged(lambda: matcher.fit(X, C, top), X, C, who=_who(matcher, "fit"))
    _require(fitted is matcher, f"{_who(matcher, 'fit')} promises to return the matcher itself")

    def match(rows: Any, k: int) -> Any:
        return checked_matches(matcher, matcher.match(rows, k), rows.shape[0], k, _CLUSTERS)

    for k in (_CLUSTERS, 2, 1):
        ids, scores = _unchanged(partial(match, X, k), X, who=who)
        right = C[np.arange(_ROWS), np.maximum(ids[:, 0], 0)] > 0
        _require(
            right.mean() > 0.9, f"{who} put a wrong cluster first in {(~right).mean():.0%} of plain rows"
        )
        alone = [match(X[[i]], k) for i in range(8)]
        _require(
            np.array_equal(ids[:8], np.concatenate([one[0] for one in alone]))
            and np.allclose(scores[:8], np.concatenate([one[1] for one in alone])),
            f"{who} answers a row otherwise when it is alone; a Matcher promises that other rows do not matter",
        )
    match(X[:0], 1)
    match(sp.csr_array((2, X.shape[1]), dtype=np.float32), 2)  # nothing known of these
    shuffled = C[:, ::-1].tocsr()
    matcher.fit(X, shuffled, top)
    ids, _ = match(X, 1)
    right = shuffled[np.arange(_ROWS), np.maximum(ids[:, 0], 0)] > 0
    _require(right.mean() > 0.9, f"{_who(matcher, 'fit')} promises to forget what it was fitted on before")


def check_ranker(ranker: Ranker) -> None:
    """Check that an object keeps the promise of `arborank.stages.Ranker`, on a tree with and without overlap."""
    require_stage(ranker, Ranker, "ranker")
    X, Y, tree = _data()
    for number, kind in enumerate((_overlapping(tree), tree)):
        _check_ranker(ranker, X, Y, kind, last=number == 1)


def _check_ranker(ranker: Any, X: "sp.csr_array", Y: "sp.csr_array", tree: LabelTree, *, last: bool) -> None:
    who = _who(ranker, "score")
    C = _clusters(Y, tree)
    fitted = _unchanged(lambda: ranker.fit(X, Y, tree, C), X, Y, C, who=_who(ranker, "fit"))
    _require(fitted is ranker, f"{_who(ranker, 'fit')} promises to return the ranker itself")
    rng = np.random.default_rng(0)
    beams = np.array([rng.permutation(_CLUSTERS)[:2] for _ in range(_ROWS)])
    own = C.toarray().argmax(axis=1)
    beams[:, 0] = own
    beams[beams[:, 1] == own, 1] = -1

    def score(rows: Any, clusters: Any) -> Any:
        return checked_scores(ranker, ranker.score(rows, clusters), clusters, tree)

    values = _unchanged(lambda: score(X, beams), X, who=who)
    for i in range(8):
        alone = score(X[[i]], beams[[i]])
        _require(
            np.array_equal(alone.indices, values[[i]].indices)
            and np.allclose(alone.data, values[[i]].data, atol=1e-5),
            f"{who} answers a row otherwise when it is alone; a Ranker promises that other rows do not matter",
        )
    score(X[:0], beams[:0])
    score(X[:2], np.full((2, 2), -1))
    if last:
        hits = []
        for i in range(_ROWS):
            row = values[[i]]
            inside = tree.parents(tree.depth)[row.indices] == own[i]
            best = row.indices[inside][row.data[inside].argmax()]
            hits.append(Y[i, tree.labels[best]] > 0)
        _require(
            np.mean(hits) > 0.9, f"{who} put a wrong label first in {1 - np.mean(hits):.0%} of plain rows"
        )


def check_together(indexer: Indexer, matcher: Matcher, ranker: Ranker, *, combine: str = "l3-hinge") -> None:
    """Check that three stages make a model that finds the obvious."""
    X, Y, _ = _data()
    ids, _ = StagedRanker(indexer, matcher, ranker, combine=combine, beam_size=2).fit(X, Y).predict_topk(X, 1)
    right = np.array([Y[i, label] > 0 for i, label in enumerate(np.maximum(ids[:, 0], 0))])
    _require(
        right.mean() > 0.9,
        f"the stages together put a wrong label first in {(~right).mean():.0%} of plain rows",
    )


def _data() -> "tuple[sp.csr_array, sp.csr_array, LabelTree]":
    """Instances of 12 labels in 4 clusters: a feature for the cluster, a feature for the label, a little noise."""
    rng = np.random.default_rng(7)
    n_labels = _CLUSTERS * _SIZE
    label = np.arange(_ROWS) % n_labels
    X = np.zeros((_ROWS, _CLUSTERS + n_labels + 4), np.float32)
    X[np.arange(_ROWS), label // _SIZE] = 1.0
    X[np.arange(_ROWS), _CLUSTERS + label] = 1.0
    X[:, -4:] = rng.random((_ROWS, 4)) * 0.1
    Y = sp.csr_array((np.ones(_ROWS, np.float32), label, np.arange(_ROWS + 1)), shape=(_ROWS, n_labels))
    return sp.csr_array(X), Y, LabelTree.from_clusters(np.arange(n_labels) // _SIZE)


def _overlapping(tree: LabelTree) -> LabelTree:
    """Put label 0 into the last cluster, too."""
    branch = tree.branches[-1].copy()
    branch[-1] += 1
    return LabelTree((*tree.branches[:-1], branch), np.append(tree.labels, 0), tree.n_labels)


def _clusters(Y: "sp.csr_array", tree: LabelTree) -> "sp.csr_array":
    clusters = tree.lift(Y, tree.depth - 1)
    clusters.data[:] = 1
    return clusters


def _unchanged(call: Callable[[], Any], *inputs: "sp.csr_array", who: str) -> Any:
    before = [matrix.copy() for matrix in inputs]
    result = call()
    for old, new in zip(before, inputs, strict=True):
        same = old.shape == new.shape and np.array_equal(old.indptr, new.indptr)
        same = same and np.array_equal(old.indices, new.indices) and np.array_equal(old.data, new.data)
        _require(same, f"{who} changed its input; a stage promises not to")
    return result


def _who(stage: Any, method: str) -> str:
    return f"{type(stage).__name__}.{method}"


def _require(holds: bool | np.bool_, message: str) -> None:
    if not holds:
        raise AssertionError(message)
