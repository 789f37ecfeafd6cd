"""Overlapping trees end to end: learned, trained, searched, saved."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import LabelTree, XRLinear
from arborank.core.sparse import as_csr
from arborank.indexing.overlap import COPIES
from arborank.linear import disentangle
from arborank.linear.fitted import FittedTree
from arborank.linear.layers import LayerPlan
from arborank.linear.refining import matched_by_others
from arborank.matching.options import SearchOptions
from arborank.metrics import precision_at_k
from arborank.ranking import SolverParams

GROUPS, EACH, ROWS = 4, 6, 480


@pytest.fixture
def senses():
    """Labels in 4 groups, a leaf each; label 0 also marks half of the instances of the last group."""
    rng = np.random.default_rng(0)
    n_labels = GROUPS * EACH
    X = np.zeros((ROWS, GROUPS * 8 + n_labels), np.float32)
    Y = np.zeros((ROWS, n_labels), np.float32)
    for i in range(ROWS):
        group = i % GROUPS
        label = group * EACH + rng.integers(0, EACH)
        X[i, group * 8 + rng.permutation(8)[:4]] = 1.0
        X[i, GROUPS * 8 + label] = 1.0
        Y[i, label] = 1.0
        if group == GROUPS - 1 and i % 8 < 4:
            Y[i, 0] = 1.0
    tree = LabelTree.from_clusters(np.repeat(np.arange(GROUPS), EACH))
    return sp.csr_array(X), sp.csr_array(Y), tree


def leaves_of(tree, label):
    return tree.parents(tree.depth)[tree.labels == label].tolist()


def test_one_fit_finds_the_second_sense(senses):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=2, beam_size=1).fit(X, Y)
    assert leaves_of(model.tree_, 0) == [0, GROUPS - 1]
    assert model.fit_times_["disentangle"] > 0
    plain = XRLinear(tree=tree, beam_size=1).fit(X, Y)
    assert "disentangle" not in plain.fit_times_
    second = np.flatnonzero((Y[:, [0]].toarray().ravel() > 0) & (np.arange(ROWS) % GROUPS == GROUPS - 1))
    found = [(m.predict_topk(X[second], 2)[0] == 0).any(axis=1).mean() for m in (plain, model)]
    assert found[1] > 0.95
    assert found[1] > found[0] + 0.3


def test_disentangling_a_model_equals_one_fit(senses):
    X, Y, tree = senses
    plain = XRLinear(tree=tree).fit(X, Y)
    before = plain.tree_
    model = disentangle(plain, X, Y, max_clusters=2)
    same = XRLinear(tree=tree, max_clusters=2).fit(X, Y)
    assert model.tree_ == same.tree_
    assert np.array_equal(model.predict_topk(X)[1], same.predict_topk(X)[1])
    assert plain.tree_ is before
    assert model.get_params()["max_clusters"] == 2


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("rounds", [1, 3])
def test_rounds_and_copies(senses, copies, rounds):
    X, Y, tree = senses
    plain = XRLinear(tree=tree).fit(X, Y)
    model = disentangle(plain, X, Y, rounds=rounds, copies=copies, max_leaf_size=EACH * 2)
    assert model.tree_.overlapping
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


def test_rounds_on_a_deep_tree(senses):
    X, Y, _ = senses
    plain = XRLinear(branching=2, max_leaf_size=3).fit(X, Y)
    assert plain.tree_.depth > 2
    model = disentangle(plain, X, Y, rounds=2, min_gain=0.0)
    assert model.tree_.overlapping
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


@pytest.mark.parametrize("combine", ["l3-hinge", "log-l3-hinge", "sigmoid", "log-sigmoid", "noop"])
def test_every_combination(senses, combine):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=3, combine=combine, Cp=10.0).fit(X, Y)
    assert np.unique(model.tree_.labels).size == tree.n_labels
    ids, scores = model.predict_topk(X, k=tree.n_labels)
    for row in ids:
        kept = row[row >= 0]
        assert np.unique(kept).size == kept.size
    assert (np.diff(np.where(ids >= 0, scores, -1e30), axis=1) <= 0).all()


@pytest.mark.parametrize("negatives", ["man", "tfn+man"])
def test_matcher_aware_negatives(senses, negatives):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=2, negatives=negatives).fit(X, Y)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.95


def test_user_negatives_and_relevance(senses):
    X, Y, tree = senses
    relevance = Y.copy()
    relevance.data = relevance.data * 2
    wrong = sp.csr_array(np.roll(Y.toarray(), 1, axis=1))
    model = XRLinear(tree=tree, max_clusters=2, negatives="tfn+usn").fit(
        X, Y, relevance=relevance, user_negatives=wrong
    )
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.95


def test_threads_and_seed(senses):
    X, Y, tree = senses
    one, two = (XRLinear(tree=tree, max_clusters=2, n_jobs=jobs).fit(X, Y) for jobs in (1, 2))
    assert one.tree_ == two.tree_
    assert np.array_equal(one.predict_topk(X)[1], two.predict_topk(X)[1])


def test_saved_and_loaded(senses, tmp_path):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=2).fit(X, Y)
    model.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    assert loaded.tree_ == model.tree_
    assert loaded.tree_.overlapping
    assert loaded.max_clusters == 2
    for a, b in zip(model.predict_topk(X), loaded.predict_topk(X), strict=True):
        assert np.array_equal(a, b)


def test_candidates_and_exclusions(senses):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=2).fit(X, Y)
    ids, scores = model.predict_topk(X, 24, beam_size=24)
    only, some = model.predict_topk(X, 3, candidates=[0, 20], beam_size=24)
    assert set(np.unique(only)) <= {-1, 0, 20}
    assert np.allclose(some[only == 0], scores[ids == 0])  # the best of both copies
    without, _ = model.predict_topk(X, 24, exclude=[0], beam_size=24)
    assert not (without == 0).any()


def test_scores_of_copies_merge_by_maximum(senses):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=2).fit(X, Y)
    apart = XRLinear(tree=tree)
    apart.n_features_in_, apart.classes_ = X.shape[1], None
    slots = LabelTree(model.tree_.branches, np.arange(model.tree_.labels.size), model.tree_.labels.size)
    apart.fitted_ = FittedTree(slots, model.layers_, model.row_length_)
    apart.resolved_ = model.resolved_
    ids, scores = apart.predict_topk(X, slots.n_labels, beam_size=100)
    expected = np.full((ROWS, tree.n_labels), -np.inf, np.float32)
    rows, columns = np.nonzero(ids >= 0)
    np.maximum.at(expected, (rows, model.tree_.labels[ids[rows, columns]]), scores[rows, columns])
    found, best = model.predict_topk(X, tree.n_labels, beam_size=100)
    assert np.array_equal(np.take_along_axis(expected, found, axis=1), best)


def retained_positives(tree, Y, beams):
    """The share of positives that a matcher retains: one of the label's leaves is in the instance's beam."""
    leaves = tree.membership(tree.depth - 1).toarray() > 0
    rows, labels = np.nonzero(Y.toarray())
    held = np.zeros((len(beams), leaves.shape[1] + 1), bool)  # the last one is for the padding -1
    np.put_along_axis(held, beams, True, axis=1)
    return (held[rows, :-1] & leaves[labels]).any(axis=1).mean()


def test_retained_positives(senses):
    X, Y, tree = senses
    held = np.zeros((ROWS, 1), np.int64)  # every beam holds leaf 0 alone
    in_leaf = Y[:, :EACH].sum() / Y.sum()
    assert retained_positives(tree, Y, held) == pytest.approx(in_leaf)
    assert retained_positives(tree, Y, np.full((ROWS, 1), -1)) == 0
    wide, narrow = (
        LayerPlan.uniform(SolverParams(), tree.depth, SearchOptions(beam_size)) for beam_size in (10, 1)
    )
    beams, scores = matched_by_others(as_csr(X), as_csr(Y), tree, wide)
    assert beams.shape == scores.shape == (ROWS, GROUPS)
    assert retained_positives(tree, Y, beams) == 1.0
    first, _ = matched_by_others(as_csr(X), as_csr(Y), tree, narrow)
    assert 0.6 < retained_positives(tree, Y, first) < 0.95  # second senses are missed


def test_tiny_data():
    tree = LabelTree.from_clusters([0, 1])
    model = XRLinear(tree=tree, max_clusters=2).fit(np.ones((1, 2), np.float32), [[0, 1]])
    assert set(model.predict_topk(np.ones((1, 2), np.float32), 2)[0].ravel()) == {0, 1}


def test_labels_without_positives(senses):
    X, Y, _ = senses
    Y = sp.hstack([Y, sp.csr_array((ROWS, 3), dtype=np.float32)]).tocsr()
    model = XRLinear(max_clusters=2, branching=2, max_leaf_size=6).fit(X, Y)
    assert model.n_labels_ == Y.shape[1]
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


@pytest.mark.parametrize("value", [0, -1])
def test_refuses_no_cluster(senses, value):
    X, Y, tree = senses
    with pytest.raises(ValueError, match=f"max_clusters must be at least 1, found {value}"):
        XRLinear(tree=tree, max_clusters=value).fit(X, Y)


def test_refuses(senses):
    X, Y, tree = senses
    with pytest.raises(ValueError, match="max_clusters is 5, but the tree has 4 leaves"):
        XRLinear(tree=tree, max_clusters=5).fit(X, Y)
    with pytest.raises(ValueError, match="max_clusters is 2, but the tree has 1 leaf"):
        XRLinear(max_clusters=2).fit(X, Y)
    with pytest.raises(TypeError, match="max_clusters must be an integer"):
        XRLinear(tree=tree, max_clusters=2.5).fit(X, Y)
    with pytest.raises(TypeError, match="model must be an XRLinear"):
        disentangle(tree, X, Y)
    model = XRLinear(tree=tree).fit(X, Y)
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        disentangle(model, X, Y, rounds=0)
    with pytest.raises(ValueError, match="X has 5 features, but XRLinear is expecting"):
        disentangle(model, X[:, :5], Y)
    with pytest.raises(ValueError, match=r"copies must be one of .* found 'x'"):
        disentangle(model, X, Y, copies="x")
    with pytest.raises(ValueError, match=r"copies must be one of .* found 'x'"):
        XRLinear(tree=tree, max_clusters=2, copies="x").fit(X, Y)
    with pytest.raises(ValueError, match="copies is 'all', but max_clusters is 1"):
        XRLinear(tree=tree, copies="all").fit(X, Y)
    with pytest.raises(ValueError, match="tree is overlapping"):
        disentangle(disentangle(model, X, Y), X, Y)


def test_negatives_from_beams(senses):
    X, Y, tree = senses
    plain = XRLinear(tree=tree).fit(X, Y)
    without, sure = (disentangle(plain, X, Y, beam_negatives=least) for least in (None, 2.0))
    more = disentangle(plain, X, Y, beam_negatives=0.0)
    assert np.array_equal(without.predict_topk(X)[1], sure.predict_topk(X)[1])  # no score is 2
    assert not np.array_equal(without.predict_topk(X)[1], more.predict_topk(X)[1])
    assert precision_at_k(Y, more.predict_topk(X)[0], 1) > 0.9


def test_all_labels_copied(senses, tmp_path):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=3, copies="all").fit(X, Y)
    assert (np.bincount(model.tree_.labels) == 3).all()
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.95
    plain = XRLinear(tree=tree).fit(X, Y)
    same = disentangle(plain, X, Y, max_clusters=3, copies="all", beam_negatives=0.1)  # as by default
    without = disentangle(plain, X, Y, max_clusters=3, copies="all", beam_negatives=2.0)
    more = disentangle(plain, X, Y, max_clusters=3, copies="all", beam_negatives=0.0)
    assert np.array_equal(model.predict_topk(X)[1], same.predict_topk(X)[1])
    assert not np.array_equal(more.predict_topk(X)[1], without.predict_topk(X)[1])
    assert same.get_params()["copies"] == "all"
    model.save(tmp_path / "model")
    opened = arborank.load(tmp_path / "model")
    assert opened.get_params()["copies"] == "all"
    assert np.array_equal(opened.predict_topk(X)[1], model.predict_topk(X)[1])


@pytest.mark.parametrize("copies", COPIES)
def test_same_weights_from_a_working_directory(senses, tmp_path, copies):
    X, Y, tree = senses
    options = {"tree": tree, "max_clusters": 2, "beam_size": 2, "copies": copies}
    expected = XRLinear(**options).fit(X, Y).predict_topk(X)[1]
    for _ in range(2):  # the second time, all is there
        model = XRLinear(**options).fit(X, Y, work_dir=tmp_path)
        assert np.array_equal(model.predict_topk(X)[1], expected)
    with pytest.raises(ValueError, match="another"):
        XRLinear(**options | {"max_clusters": 3}).fit(X, Y, work_dir=tmp_path)


@pytest.mark.parametrize("merge", ["mean", "log-sum", "average"])
@pytest.mark.parametrize("options", [{}, {"candidates": [0, 3, 20]}, {"exclude": [[0, 1]] * ROWS}])
def test_other_merges_by_definition(senses, merge, options):
    X, Y, tree = senses
    model = XRLinear(tree=tree, max_clusters=2, combine="log-l3-hinge").fit(X, Y)
    apart = XRLinear(tree=tree, combine="log-l3-hinge")
    apart.n_features_in_, apart.classes_ = X.shape[1], None
    slots = LabelTree(model.tree_.branches, np.arange(model.tree_.labels.size), model.tree_.labels.size)
    apart.fitted_ = FittedTree(slots, model.layers_, model.row_length_)
    apart.resolved_ = model.resolved_
    found, values = apart.predict_topk(X, slots.n_labels)
    reached = [[[] for _ in range(tree.n_labels)] for _ in range(ROWS)]
    for row, slot in zip(*np.nonzero(found >= 0), strict=True):
        reached[row][model.tree_.labels[found[row, slot]]].append(values[row, slot])
    n_slots = np.bincount(model.tree_.labels)
    join = {
        "mean": lambda label, own: np.mean(own),
        "log-sum": lambda label, own: np.logaddexp.reduce(own),
        "average": lambda label, own: np.logaddexp.reduce(own) - np.log(n_slots[label]),
    }[merge]
    ids, scores = model.predict_topk(X, 4, merge=merge, **options)
    for row in range(ROWS):
        expected = {label: join(label, own) for label, own in enumerate(reached[row]) if own}
        if "candidates" in options:
            expected = {label: score for label, score in expected.items() if label in options["candidates"]}
        if "exclude" in options:
            expected = {label: score for label, score in expected.items() if label not in (0, 1)}
        best = sorted(expected.values(), reverse=True)[:4]
        kept = ids[row] >= 0
        np.testing.assert_allclose(scores[row][kept], best, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            scores[row][kept], [expected[i] for i in ids[row][kept]], rtol=1e-4, atol=1e-4
        )


def test_merging_without_overlap_changes_nothing(senses):
    X, Y, tree = senses
    model = XRLinear(tree=tree).fit(X, Y)
    for a, b in zip(model.predict_topk(X), model.predict_topk(X, merge="mean"), strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(
        ValueError, match="merge must be one of 'max', 'mean', 'log-sum', 'average', found 'sum'"
    ):
        model.predict_topk(X, merge="sum")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_clusters": 1}, "max_clusters must be at least 2"),
        ({"copies": "best"}, "copies must be one of .* found 'best'"),
        ({"copies": "all", "min_gain": 0.02}, "min_gain is 0.02, but copies is 'all'"),
        ({"min_gain": -1}, "min_gain"),
        ({"max_leaf_size": 0}, "max_leaf_size"),
        ({"coherence": -1}, "coherence must be at least 0"),
        ({"starts": 0}, "starts must be at least 1"),
        ({"beam_negatives": -0.1}, "beam_negatives must be at least 0"),
    ],
)
def test_options_are_checked_before_training(senses, monkeypatch, options, message):
    X, Y, tree = senses
    model = XRLinear(tree=tree).fit(X, Y)
    monkeypatch.setattr("arborank.linear.refining.matched_by_others", None)
    with pytest.raises(ValueError, match=message):
        disentangle(model, X, Y, **options)


def test_disentangling_with_relevance(senses):
    X, Y, tree = senses
    relevance = Y * 0.5
    model = disentangle(XRLinear(tree=tree).fit(X, Y, relevance=relevance), X, Y, relevance=relevance)
    same = XRLinear(tree=tree, max_clusters=2).fit(X, Y, relevance=relevance)
    assert np.array_equal(model.predict_topk(X)[1], same.predict_topk(X)[1])
