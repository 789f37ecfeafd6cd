"""The generic composition of stages, beside the fused path."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from arborank import LabelTree, XRLinear
from arborank.stages import KMeansIndexer, LinearMatcher, LinearRanker, StagedRanker

TREE = {"branching": 3, "max_leaf_size": 8}


def staged(tree=None, **options):
    combine = options.get("combine", "l3-hinge")
    indexer = KMeansIndexer(**TREE) if tree is None else tree
    return StagedRanker(indexer, LinearMatcher(combine=combine), LinearRanker(), **options)


def overlapping(n_labels):
    """Every label in a leaf of its own number, and every third in the next leaf, too."""
    labels = np.concatenate([np.arange(n_labels), np.arange(0, n_labels, 3)])
    leaves = np.concatenate([np.arange(n_labels) % 6, (np.arange(0, n_labels, 3) + 1) % 6])
    order = np.lexsort((labels, leaves))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(leaves))])
    return LabelTree.from_order(labels[order], bounds, branching=2)


@pytest.mark.parametrize("combine", ["l3-hinge", "log-l2-l3-hinge", "sigmoid", "noop"])
@pytest.mark.parametrize("tree", [None, "overlapping"])
@pytest.mark.parametrize("beam_size", [2, 10])
def test_equals_the_fused_path(topics, combine, tree, beam_size):
    X, Y = topics
    tree = tree and overlapping(Y.shape[1])
    fused = XRLinear.preset("pecos", tree=tree, combine=combine, beam_size=beam_size, **TREE).fit(X, Y)
    generic = staged(tree, combine=combine, beam_size=beam_size)
    generic.matcher.beam_size = beam_size
    generic.fit(X, Y)
    assert generic.tree_ == fused.tree_
    ids, scores = fused.predict_topk(X, 8)
    found, values = generic.predict_topk(X, 8)
    np.testing.assert_allclose(values, scores, atol=1e-5)
    clear = np.abs(np.diff(scores, axis=1, prepend=np.inf, append=-np.inf)) > 1e-4
    clear = clear[:, 1:] & clear[:, :-1]  # no near tie on either side
    assert np.array_equal(found[clear], ids[clear])
    assert clear.mean() > 0.2


def test_filters_equal_the_fused_path(topics):
    X, Y = topics
    fused, generic = XRLinear.preset("pecos", beam_size=60, **TREE).fit(X, Y), staged(beam_size=60)
    generic.matcher.beam_size = 60
    generic.fit(X, Y)
    for options in ({"candidates": [0, 3, 7]}, {"exclude": [[0, 1]] * 300}):
        ids, scores = fused.predict_topk(X, 3, **options)
        found, values = generic.predict_topk(X, 3, **options)
        np.testing.assert_allclose(values, scores, atol=1e-5)
        assert np.array_equal(found[:, 0], ids[:, 0])


@pytest.mark.parametrize("merge", ["max", "mean", "log-sum", "average"])
def test_merging(topics, merge):
    X, Y = topics
    tree = overlapping(Y.shape[1])
    model = staged(tree, merge=merge, combine="log-l3-hinge").fit(X, Y)
    ids, scores = model.predict_topk(X[:20], 60)
    clusters, worth = model._match(X[:20], tree)
    values = model.ranker.score(X[:20], clusters).toarray()
    for i in range(20):
        for label, score in zip(ids[i], scores[i], strict=True):
            reached = []
            for slot in np.flatnonzero(tree.labels == label):
                place = np.flatnonzero(clusters[i] == tree.parents(tree.depth)[slot])
                if place.size:
                    reached.append(worth[i, place[0]] - max(0, 1 - values[i, slot]) ** 3)
            n_slots = np.count_nonzero(tree.labels == label)
            expected = {
                "max": np.max(reached),
                "mean": np.mean(reached),
                "log-sum": np.logaddexp.reduce(reached),
                "average": np.logaddexp.reduce(reached) - np.log(n_slots),
            }[merge]
            assert score == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_matcher_aware_negatives_change_the_ranker(topics):
    X, Y = topics
    plain, aware = staged().fit(X, Y), staged(negatives="tfn+man").fit(X, Y)
    assert not np.array_equal(plain.predict_topk(X)[1], aware.predict_topk(X)[1])


def test_a_matcher_may_find_nothing(topics):
    X, Y = topics

    class Nothing(LinearMatcher):
        def match(self, X, k):
            return np.full((X.shape[0], k), -1), np.full((X.shape[0], k), -np.inf)

    model = StagedRanker(KMeansIndexer(**TREE), Nothing(), LinearRanker()).fit(X, Y)
    ids, scores = model.predict_topk(X, 3)
    assert (ids == -1).all()
    assert (scores == -np.inf).all()


def test_no_rows(topics):
    X, Y = topics
    assert staged().fit(X, Y).predict_topk(X[:0], 3)[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StagedRanker(3, LinearMatcher(), LinearRanker()), TypeError, "indexer must be an Indexer"),
        (
            lambda: StagedRanker(KMeansIndexer(), LinearRanker(), LinearRanker()),
            TypeError,
            "LinearRanker has no match",
        ),
        (
            lambda: StagedRanker(KMeansIndexer(), LinearMatcher(), LinearMatcher()),
            TypeError,
            "LinearMatcher has no score",
        ),
        (lambda: staged(merge="sum"), ValueError, "merge must be one of .* found 'sum'"),
        (lambda: staged(combine="x"), ValueError, "combine must be one of .* found 'x'"),
        (lambda: staged(negatives="usn"), ValueError, "expected 'tfn' or 'tfn\\+man'"),
        (lambda: staged(beam_size=0), ValueError, "beam_size must be at least 1"),
        (lambda: staged().predict_topk(np.eye(3)), NotFittedError, "StagedRanker instance is not fitted"),
        (lambda: LinearMatcher().match(np.eye(3), 1), NotFittedError, "LinearMatcher instance is not fitted"),
        (
            lambda: LinearRanker().score(np.eye(3), np.zeros((3, 1), int)),
            NotFittedError,
            "LinearRanker instance is not fitted",
        ),
        (lambda: staged().fit(np.eye(3), ["a", "b", "a"]), ValueError, "Y is 1-dimensional"),
        (lambda: staged(LabelTree.one_vs_all(3)).fit(np.eye(3), np.eye(3)), ValueError, "at least 2 layers"),
        (
            lambda: staged(LabelTree.from_clusters([0, 1])).fit(np.eye(3), np.eye(3)),
            ValueError,
            "tree of 2 labels",
        ),
    ],
)
def test_refuses(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_few_rows_at_a_time_give_the_same(topics, monkeypatch):
    X, Y = topics
    model = staged().fit(X, Y)
    ids, scores = model.predict_topk(X, 5)
    monkeypatch.setattr("arborank.stages.ranker._SCORES", 1)
    again, values = model.predict_topk(X, 5)
    assert np.array_equal(again, ids)
    np.testing.assert_allclose(values, scores, rtol=1e-6)


def test_a_failed_second_fit_leaves_no_half_fitted_model(topics, monkeypatch):
    X, Y = topics
    model = staged().fit(X, Y)

    def fail(*_):
        raise ValueError("no ranker today")

    monkeypatch.setattr(model.ranker, "fit", fail)
    with pytest.raises(ValueError, match="no ranker"):
        model.fit(X, Y)
    assert not hasattr(model, "tree_")
