"""Explanations: what features add up to, on trees with and without overlap."""

from itertools import pairwise

import numpy as np
import pytest

from arborank import Ensemble, LabelTree, NgramTfidf, TextRanker, XRLinear
from arborank.analysis.explain import explain


def overlapping():
    """60 labels in two leaves; labels 29 and 30 are in both."""
    return LabelTree(([0, 2], [0, 31, 62]), [*range(31), *range(29, 60)], 60)


@pytest.mark.parametrize("combine", ["l3-hinge", "log-sigmoid", "noop"])
@pytest.mark.parametrize("tree", [None, "overlapping", "flat"])
def test_scores_are_those_of_the_model(topics, combine, tree):
    X, Y = topics
    tree = {None: None, "overlapping": overlapping(), "flat": LabelTree.one_vs_all(60)}[tree]
    model = XRLinear(tree=tree, combine=combine, branching=3, max_leaf_size=8).fit(X, Y)
    ids, scores = model.predict_topk(X[:5], 60, beam_size=60)
    for row in range(5):
        for label in (0, 29, 30, 59):
            paths = explain(model, X[[row]], label)
            assert len(paths) == (model.tree_.labels == label).sum()
            found = scores[row][ids[row] == label]
            np.testing.assert_allclose(paths[0].score, found[0], rtol=1e-4, atol=1e-5)
            assert all(a.score >= b.score for a, b in pairwise(paths))
            assert all(len(path.steps) == model.tree_.depth for path in paths)


def test_features_add_up(topics):
    X, Y = topics
    model = XRLinear(tree=overlapping()).fit(X, Y)
    dense = np.asarray(X[[0]].todense()).ravel()
    for path in explain(model, X[[0]], 30, n_features=10_000):
        for layer, step in zip(model.layers_, path.steps, strict=True):
            weights, bias = layer.to_matrix()
            expected = dense * weights[:, [step.node]].toarray().ravel()
            assert dict(step.features).keys() == set(np.flatnonzero(expected))
            assert step.margin == pytest.approx(step.bias + sum(v for _, v in step.features), abs=1e-5)
            assert step.bias == pytest.approx(float(bias[step.node]))
            sizes = [abs(value) for _, value in step.features]
            assert sizes == sorted(sizes, reverse=True)
    assert [path.leaf for path in explain(model, X[[0]], 3)] == [0]
    assert len(explain(model, X[[0]], 30, n_features=2)[0].steps[0].features) == 2


def test_a_label_outside_the_tree(topics):
    X, Y = topics
    model = XRLinear().fit(X, Y).remove_labels([3])
    assert explain(model, X[[0]], 3) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": 60}, "label must be between 0 and 59, found 60"),
        ({"label": -1}, "label must be between 0 and 59"),
        ({"n_features": 0}, "n_features must be at least 1"),
        ({"x": np.ones((2, 1))}, "X has 1 features"),
        ({"combine": "sum"}, "combine must be one of .* found 'sum'"),
    ],
)
def test_refuses(topics, arguments, message):
    X, Y = topics
    model = XRLinear().fit(X, Y)
    with pytest.raises(ValueError, match=message):
        explain(model, **({"x": X[[0]], "label": 0} | arguments))
    with pytest.raises(ValueError, match="x has 2 rows; one was expected"):
        explain(model, X[:2], 0)
    with pytest.raises(ValueError, match="not fitted"):
        explain(XRLinear(), X[[0]], 0)


def test_a_linear_model_has_no_second_matrix(topics):
    X, Y = topics
    with pytest.raises(ValueError, match="X was given, but XRLinear has no features beside x"):
        explain(XRLinear().fit(X, Y), X[[0]], 0, X=X[[0]])


def test_by_name():
    texts = ["red fruit", "yellow fruit", "fast car", "old car"]
    ranker = TextRanker(NgramTfidf()).fit(texts, [["apple"], ["banana"], ["racer"], ["oldtimer"]])
    (path,) = explain(ranker, "a yellow fruit", "banana", n_features=2)
    assert path.score == pytest.approx(dict(ranker.rank("a yellow fruit"))["banana"])
    assert path.steps[-1].features[0][0] == "yellow"
    with pytest.raises(ValueError, match="label holds 'kiwi', which is not a label of this model"):
        explain(ranker, "a yellow fruit", "kiwi")
    with pytest.raises(TypeError, match="label must be the name of one, found 1"):
        explain(ranker, "a yellow fruit", 1)
    with pytest.raises(TypeError, match="x must be a str, found list"):
        explain(ranker, ["a yellow fruit"], "banana")
    with pytest.raises(ValueError, match="X was given, but the features of a TextRanker"):
        explain(ranker, "a yellow fruit", "banana", X=np.ones((1, 4)))


def test_what_has_no_tree(topics):
    X, Y = topics
    for model in (Ensemble([XRLinear()]).fit(X, Y), 5):
        with pytest.raises(TypeError, match="model must have one tree of linear rankers"):
            explain(model, X[[0]], 0)
