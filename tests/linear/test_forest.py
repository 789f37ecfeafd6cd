"""Several trees searched as one: what an ensemble of them would answer, in one model."""

import numpy as np
import pytest

import arborank
from arborank import Ensemble, LabelTree, XRLinear, disentangle
from arborank.analysis.explain import explain
from arborank.indexing import join_trees
from arborank.matching.combine import COMBINATIONS
from arborank.metrics import evaluate

SHAPE = {"branching": 3, "max_leaf_size": 8}
THOROUGH = {**SHAPE, "eps": 1e-5, "max_iter": 10_000}  # whatever the solver starts with, it ends at one place
ALL = 1000


@pytest.fixture
def forest(topics):
    return XRLinear(n_trees=3, **SHAPE).fit(*topics)


def precision(Y, ids):
    return evaluate(Y, ids, ks=(1,)).metrics["precision@1"]


def dense(model, X, **options):
    """Every label's score for every instance; 0 where there is none."""
    ids, scores = model.predict_topk(X, model.n_labels_, **options)
    table = np.zeros((X.shape[0], model.n_labels_))
    rows, places = np.nonzero(ids >= 0)
    table[rows, ids[rows, places]] = scores[rows, places]
    return table


def test_every_label_is_in_every_tree(forest):
    tree = forest.tree_
    roots = tree.ancestors(1)  # children of the root: those of a tree stand together
    assert np.bincount(tree.labels).tolist() == [3] * 60
    assert [sorted(part.tolist()) for part in np.split(tree.labels, 3)] == [list(range(60))] * 3
    assert len({tuple(part.tolist()) for part in np.split(tree.labels, 3)}) == 3
    assert all(np.intersect1d(*(np.split(roots, 3)[i] for i in pair)).size == 0 for pair in ((0, 1), (1, 2)))


@pytest.mark.parametrize("combine", ["l3-hinge", "sigmoid"])
def test_scores_are_those_of_an_ensemble(topics, combine):
    X, Y = topics
    trees = [XRLinear(random_state=seed, **SHAPE).fit(X, Y).tree_ for seed in range(3)]
    ensemble = Ensemble(
        [XRLinear(tree=tree, combine=combine, **THOROUGH) for tree in trees], "average", member_k=60
    ).fit(X, Y)
    model = XRLinear(tree=join_trees(trees), combine=combine, **THOROUGH).fit(X, Y)
    for k, options in ((60, {}), (5, {"exclude": [0, 1]}), (5, {"candidates": [3, 9, 27, 40]})):
        ids, scores = model.predict_topk(X, k, beam_size=ALL, merge="average", **options)
        expected, values = ensemble.predict_topk(X, k, beam_size=ALL, **options)
        np.testing.assert_allclose(scores, values, rtol=0.01, atol=1e-4)
        assert np.array_equal(ids[:, 0], expected[:, 0])


def test_passes_of_the_solver(topics):
    """A few for the dual solvers, where several trees are averaged and nothing else is said."""
    X, Y = topics
    options = {"n_trees": 2, "eps": 1e-6, "Cp": 10.0, **SHAPE}

    def found(**more):
        return XRLinear(**options | more).fit(X, Y).predict_topk(X)[1]

    assert np.array_equal(found(), found(max_iter=8))
    assert not np.array_equal(found(), found(max_iter=100))
    primal = {"solver": "l2svc-primal"}
    assert np.array_equal(found(**primal), found(max_iter=100, **primal))
    assert np.array_equal(found(n_trees=1), found(n_trees=1, max_iter=100))


def test_a_tree_outside_the_beam_counts_nothing(topics, forest):
    X, _ = topics
    narrow = {"beam_size": 2}
    mean, average = (dense(forest, X, merge=merge, **narrow) for merge in ("mean", "average"))
    shares = average[mean > 0] / mean[mean > 0]
    assert set(np.round(shares * 3).astype(int).tolist()) == {1, 2}  # slots reached of each three
    np.testing.assert_allclose(shares * 3, np.round(shares * 3), rtol=1e-5)
    assert np.array_equal(dense(forest, X, **narrow), average)


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_every_combination_ranks(topics, combine):
    X, Y = topics
    model = XRLinear(n_trees=3, combine=combine, **SHAPE).fit(X, Y)
    assert precision(Y, model.predict_topk(X, 1)[0]) > 0.9
    if combine.startswith("log-"):
        plain = model.predict_topk(X, 60, combine=combine.removeprefix("log-"), beam_size=ALL)
        found = model.predict_topk(X, 60, beam_size=ALL)
        np.testing.assert_allclose(np.exp(found[1]), plain[1], rtol=1e-3, atol=1e-30)


def test_all_answers_are_averages(topics, forest):
    X, Y = topics
    scores = forest.decision_function(X)
    np.testing.assert_allclose(scores.toarray(), dense(forest, X), rtol=1e-6)
    asserted = forest.predict(X)
    assert np.array_equal(asserted.toarray() > 0, scores.toarray() >= 0.5)
    classes = np.asarray(["red", "green", "blue"] * 20)[Y.argmax(axis=1) % 3]
    by_class = XRLinear(n_trees=3, branching=2, max_leaf_size=1).fit(X, classes)
    assert by_class.score(X, classes) > 0.9


def test_explanations_average_to_the_score(topics, forest):
    X, _ = topics
    ids, scores = forest.predict_topk(X[:20], 3, beam_size=ALL)
    for row in range(20):
        for label, score in zip(ids[row].tolist(), scores[row].tolist(), strict=True):
            paths = explain(forest, X[[row]], label)
            assert len(paths) == 3
            assert np.mean([path.score for path in paths]) == pytest.approx(score, rel=1e-4, abs=1e-6)


def test_labels_of_one_leaf_need_one_tree(topics):
    X, Y = topics
    one, three = (XRLinear(n_trees=n).fit(X, Y) for n in (1, 3))
    assert three.tree_ == one.tree_
    assert np.array_equal(one.predict_topk(X)[1], three.predict_topk(X)[1])


def test_saved_with_how_its_scores_merge(topics, forest, tmp_path):
    X, _ = topics
    forest.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert (again.n_trees, again.fitted_.merge) == (3, "average")
    for changed in (
        again,
        forest.quantize("float16"),
        forest.prune(max_nonzeros=1000),
        forest.renumber_labels(range(60), 60),
    ):
        np.testing.assert_allclose(dense(changed, X), dense(forest, X), atol=1e-2)


def test_a_prepared_filter_equals_a_plain_one(topics, forest):
    X, _ = topics
    weights = np.linspace(0, 2, 60, dtype=np.float32)
    limits = {"candidates": list(range(0, 60, 2)), "exclude": [4, 8], "label_weights": weights}
    prepared = forest.prepare_filter(**limits)
    for a, b in zip(
        forest.predict_topk(X, 4, label_filter=prepared), forest.predict_topk(X, 4, **limits), strict=True
    ):
        assert np.array_equal(a, b)
    whole = dense(forest, X, beam_size=ALL) * weights
    _, scores = forest.predict_topk(X, 1, beam_size=ALL, label_weights=weights)
    np.testing.assert_allclose(scores[:, 0], whole.max(axis=1), rtol=1e-5)


@pytest.mark.parametrize("n_new", [3, 20])
def test_a_label_added_later_is_averaged_over_the_slots_it_has(topics, n_new):
    X, Y = topics
    n_old = 60 - n_new
    model = XRLinear(n_trees=3, **SHAPE).fit(X, Y[:, :n_old])
    grown = model.add_labels(X, Y[:, n_old:])
    slots = np.bincount(grown.tree_.labels)
    assert slots[:n_old].tolist() == [3] * n_old
    assert set(slots[n_old:].tolist()) == {1 if n_new == 3 else 3}  # a few are one leaf, which one tree has
    table = dense(grown, X, beam_size=ALL)
    np.testing.assert_allclose(table[:, :n_old], dense(model, X, beam_size=ALL), rtol=1e-5)
    of_new = np.flatnonzero(Y[:, n_old:].sum(axis=1))
    assert precision(Y[of_new], grown.predict_topk(X[of_new], 1)[0]) > 0.9
    label = n_old
    paths = explain(grown, X[[0]], label)
    assert np.mean([path.score for path in paths]) == pytest.approx(table[0, label], rel=1e-4, abs=1e-6)
    fresh = grown.refresh_labels([0, 1], X, Y[:, :2]).remove_labels([5])
    assert fresh.fitted_.merge == "average"
    assert 5 not in fresh.predict_topk(X, 60)[0]
    assert precision(Y[:60], fresh.predict_topk(X[:60], 1)[0]) > 0.8


def test_labels_without_an_instance(topics, forest):
    X, Y = topics
    texts = X[:2].toarray()
    model = forest.learn_unseen_labels([60, 61], texts, X, Y)
    assert np.bincount(model.tree_.labels)[60:].tolist() == [1, 1]
    found = model.predict_topk(texts, 60, beam_size=ALL)[0]
    assert 60 in found[0]
    assert 61 in found[1]


def test_training_that_was_interrupted(topics, tmp_path, forest):
    X, Y = topics
    for _ in range(2):  # trained, then found
        model = XRLinear(n_trees=3, **SHAPE).fit(X, Y, work_dir=tmp_path / "work")
        assert model.tree_ == forest.tree_
        assert np.array_equal(model.predict_topk(X)[1], forest.predict_topk(X)[1])
    with pytest.raises(ValueError, match="another"):
        XRLinear(n_trees=2, **SHAPE).fit(X, Y, work_dir=tmp_path / "work")


@pytest.mark.parametrize("negatives", ["man", "tfn+man"])
def test_negatives_of_the_matcher(topics, negatives):
    X, Y = topics
    model = XRLinear(n_trees=3, negatives=negatives, **SHAPE).fit(X, Y)
    assert precision(Y, model.predict_topk(X, 1)[0]) > 0.9


def test_what_does_not_go_together(topics, forest):
    X, Y = topics
    with pytest.raises(ValueError, match="n_trees is 3, but tree is given"):
        XRLinear(n_trees=3, tree=LabelTree.one_vs_all(60)).fit(X, Y)
    with pytest.raises(ValueError, match="n_trees is 2, but max_clusters is 3"):
        XRLinear(n_trees=2, max_clusters=3).fit(X, Y)
    with pytest.raises(ValueError, match="n_trees is 3, but max_clusters is 2"):
        disentangle(forest, X, Y)
    with pytest.raises(ValueError, match="n_trees must be at least 1, found 0"):
        XRLinear(n_trees=0).fit(X, Y)


def test_label_vectors_that_are_given_are_clustered_for_every_tree(topics):
    X, Y = topics
    vectors = np.asarray((Y.T @ X).toarray())
    model = XRLinear(n_trees=2, representation=vectors, **SHAPE).fit(X, Y)
    one, two = np.split(model.tree_.labels, 2)
    assert sorted(one.tolist()) == sorted(two.tolist()) == list(range(60))
    assert not np.array_equal(one, two)
