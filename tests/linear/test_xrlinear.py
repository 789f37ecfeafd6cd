"""XRLinear end to end: right answers, options, the scikit-learn contract."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from arborank import LabelTree, XRLinear, load
from arborank.metrics import precision_at_k

SMALL_TREE = {"branching": 3, "max_leaf_size": 8}


def test_checkerboard(checkerboard):
    X, Y = checkerboard
    ids, scores = XRLinear(branching=2, max_leaf_size=2).fit(X, Y).predict_topk(X, k=4)
    assert np.array_equal(np.sort(ids, axis=1), np.nonzero(Y.toarray())[1].reshape(40, 4))
    assert (np.diff(scores, axis=1) <= 0).all()


@pytest.mark.parametrize("solver", ["l2svc-dual", "l1svc-dual", "logistic-dual", "l2svc-primal"])
@pytest.mark.parametrize("negatives", ["tfn", "man", "tfn+man"])
def test_learns_topics(topics, solver, negatives):
    X, Y = topics
    model = XRLinear(solver=solver, negatives=negatives, Cp=10.0, threshold=0.01, **SMALL_TREE).fit(X, Y)
    assert model.tree_.depth >= 2
    ids, _ = model.predict_topk(X, k=5)
    assert precision_at_k(Y, ids, 1) > 0.95


@pytest.mark.parametrize("representation", ["pifa", "pii"])
def test_representations(topics, representation):
    X, Y = topics
    model = XRLinear(representation=representation, **SMALL_TREE).fit(X, Y)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


@pytest.mark.parametrize("representation", ["pifa-concat", "pifa-convex"])
def test_label_features(topics, representation):
    X, Y = topics
    Z = sp.csr_array(np.eye(Y.shape[1], X.shape[1], dtype=np.float32))
    model = XRLinear(representation=representation, **SMALL_TREE).fit(X, Y, label_features=Z)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9
    with pytest.raises(ValueError, match="label_features"):
        XRLinear(representation=representation).fit(X, Y)
    with pytest.raises(ValueError, match="label_features"):
        XRLinear().fit(X, Y, label_features=Z)


@pytest.mark.parametrize(
    "convert",
    [
        sp.csr_matrix,
        sp.csc_array,
        sp.coo_array,
        lambda m: m.toarray(),
        lambda m: m.toarray().astype(np.float64),
        lambda m: np.asfortranarray(m.toarray()),
        lambda m: sp.csr_array(
            (m.data, m.indices.astype(np.int64), m.indptr.astype(np.int64)), shape=m.shape
        ),
    ],
)
def test_every_input_form_gives_the_same_answer(topics, convert):
    X, Y = topics
    expected = XRLinear(**SMALL_TREE).fit(X, Y).predict_topk(X)
    ids, scores = XRLinear(**SMALL_TREE).fit(convert(X), convert(Y)).predict_topk(convert(X))
    assert np.array_equal(ids, expected[0])
    assert np.array_equal(scores, expected[1])


def test_label_lists_equal_indicator(topics):
    X, Y = topics
    lists = [Y.indices[Y.indptr[i] : Y.indptr[i + 1]].tolist() for i in range(Y.shape[0])]
    ids, _ = XRLinear(**SMALL_TREE).fit(X, lists).predict_topk(X)
    assert np.array_equal(ids, XRLinear(**SMALL_TREE).fit(X, Y).predict_topk(X)[0])
    tuples = [tuple(np.int32(label) for label in row) for row in lists]
    assert np.array_equal(ids, XRLinear(**SMALL_TREE).fit(X, tuples).predict_topk(X)[0])


@pytest.mark.parametrize(
    "options",
    [
        {"negatives": "tfn+man"},
        {"negatives": "tfn"},  # the first two layers are trained at once
        {"negatives": ["tfn", "tfn", "man"]},
        {"threshold": [0.01, 0.2, 0.1]},
    ],
)
def test_same_for_any_number_of_threads(topics, options):
    X, Y = topics
    models = [XRLinear(n_jobs=n_jobs, **options, **SMALL_TREE).fit(X, Y) for n_jobs in (1, 2, 7)]
    assert models[0].tree_.depth == 3
    for other in models[1:]:
        assert other.tree_ == models[0].tree_
        for a, b in zip(models[0].layers_, other.layers_, strict=True):
            assert a.arrays["units"].tobytes() == b.arrays["units"].tobytes()
            assert a.bias.tobytes() == b.bias.tobytes()
            assert np.array_equal(a.branches, b.branches)
            assert np.array_equal(a.arrays["extents"], b.arrays["extents"])
        assert other.predict_topk(X)[1].tobytes() == models[0].predict_topk(X)[1].tobytes()


def test_candidates_and_exclude(topics):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    best = model.predict_topk(X, 1)[0]
    ids, scores = model.predict_topk(X, 3, candidates=[5, 17], beam_size=60)
    assert set(np.unique(ids)) == {-1, 5, 17}
    assert np.isneginf(scores[:, 2]).all()
    ids, _ = model.predict_topk(X, 3, exclude=best.tolist())
    assert not (ids == best).any()
    per_row = sp.csr_array((np.ones(300, np.float32), best[:, 0], np.arange(301)), shape=Y.shape)
    ids, _ = model.predict_topk(X, 2, candidates=per_row)
    assert np.array_equal(ids[:, 0], best[:, 0])
    assert (ids[:, 1] == -1).all()


def test_prepared_filters_and_weights(topics):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    exclude, candidates = [1, 2, 3], np.arange(0, 60, 2)
    weights = np.linspace(0, 2, 60)
    for options in (
        {"candidates": candidates},
        {"exclude": exclude},
        {"candidates": candidates, "exclude": exclude, "label_weights": weights},
    ):
        prepared = model.prepare_filter(**options)
        expected = model.predict_topk(X, 4, **options)
        for rows in (X, X[:1]):
            ids, scores = model.predict_topk(rows, 4, label_filter=prepared)
            assert np.array_equal(ids, expected[0][: rows.shape[0]])
            assert np.array_equal(scores, expected[1][: rows.shape[0]])
            again = model.predict_topk(rows, 4, **options)
            assert np.array_equal(again[0], ids)
    only, _ = model.predict_topk(X, 1, label_weights=np.eye(60)[17], beam_size=60)
    assert (only == 17).all()
    with pytest.raises(ValueError, match=r"label_weights has shape \(59,\)"):
        model.predict_topk(X, label_weights=weights[:-1])
    with pytest.raises(ValueError, match="at least 0"):
        model.prepare_filter(label_weights=-weights)
    with pytest.raises(TypeError, match="label_weights must be numbers"):
        model.prepare_filter(label_weights=["a"] * 60)
    with pytest.raises(ValueError, match="candidates holds index 60"):
        model.prepare_filter(candidates=[60])


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_smaller_models(topics, precision, tmp_path):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    small = model.quantize(precision)
    assert small is not model
    assert model.layers_[0].precision == "float32"
    assert {layer.precision for layer in small.layers_} == {precision}
    assert small.tree_ is model.tree_
    ids, scores = model.predict_topk(X, 3)
    small_ids, small_scores = small.predict_topk(X, 3)
    assert (ids[:, 0] == small_ids[:, 0]).mean() > 0.95
    np.testing.assert_allclose(scores[:, 0], small_scores[:, 0], atol=0.02)
    small.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.predict_topk(X, 3)[1].tobytes() == small_scores.tobytes()
    pruned = small.prune(max_nonzeros=2)
    assert sum(layer.nnz for layer in pruned.layers_) < sum(layer.nnz for layer in small.layers_)
    assert max(np.diff(layer.to_matrix()[0].indptr).max() for layer in pruned.layers_) == 2
    with pytest.raises(ValueError, match=r"precision must be one of .* found 'int3'"):
        model.quantize("int3")


def test_labels_without_positives_are_never_predicted(topics):
    X, Y = topics
    wide = sp.csr_array((Y.data, Y.indices * 2, Y.indptr), shape=(Y.shape[0], Y.shape[1] * 2 + 5))
    model = XRLinear(**SMALL_TREE).fit(X, wide)
    assert model.n_labels_ == 125
    ids, _ = model.predict_topk(X, 125, beam_size=125)
    assert set(np.unique(ids)) == {-1, *range(0, 120, 2)}


def test_given_tree(topics):
    X, Y = topics
    tree = LabelTree.from_clusters(np.arange(60) % 6)
    model = XRLinear(tree=tree).fit(X, Y)
    assert model.tree_ is tree
    with pytest.raises(ValueError, match="59"):
        XRLinear(tree=LabelTree.one_vs_all(59)).fit(X, Y)


def test_relevance_changes_the_model(topics):
    X, Y = topics
    R = Y.copy()
    R.data[::2] = 5.0
    plain = XRLinear(**SMALL_TREE).fit(X, Y)
    for mode in ("induce", "ranker-only"):
        weighted = XRLinear(relevance=mode, **SMALL_TREE).fit(X, Y, relevance=R)
        assert not np.array_equal(plain.layers_[-1].arrays["units"], weighted.layers_[-1].arrays["units"])
    with pytest.raises(ValueError, match="relevance"):
        XRLinear(**SMALL_TREE).fit(X, Y, relevance=R[:, :-1])


def test_user_negatives(topics):
    X, Y = topics
    wrong = sp.csr_array(np.roll(Y.toarray(), 1, axis=1))
    model = XRLinear(negatives="tfn+usn", **SMALL_TREE).fit(X, Y, user_negatives=wrong)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9
    with pytest.raises(ValueError, match="user_negatives"):
        XRLinear(negatives="tfn+usn").fit(X, Y)
    with pytest.raises(ValueError, match="usn"):
        XRLinear().fit(X, Y, user_negatives=wrong)


def test_parameters_per_layer(topics):
    X, Y = topics
    depth = XRLinear(**SMALL_TREE).fit(X, Y).tree_.depth
    thresholds = [0.1] * (depth - 1) + [0.5]
    model = XRLinear(threshold=thresholds, **SMALL_TREE).fit(X, Y)
    assert abs(model.layers_[-1].to_matrix()[0].data).min() >= 0.5
    assert abs(model.layers_[0].to_matrix()[0].data).min() < 0.5
    with pytest.raises(ValueError, match="threshold"):
        XRLinear(threshold=[0.1] * (depth + 1), **SMALL_TREE).fit(X, Y)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"solver": "svm"}, "solver"),
        ({"Cp": -1.0}, "Cp"),
        ({"Cn": 0.0}, "Cn"),
        ({"eps": 0.0}, "eps"),
        ({"max_iter": 0}, "max_iter"),
        ({"threshold": -0.1}, "threshold"),
        ({"max_nonzeros": 0}, "max_nonzeros"),
        ({"negatives": "tfm"}, "negatives"),
        ({"relevance_norm": "l3"}, "relevance_norm"),
        ({"relevance": "sometimes"}, "relevance"),
        ({"representation": "pfia"}, "representation"),
        ({"branching": 1}, "branching"),
        ({"max_leaf_size": 0}, "max_leaf_size"),
        ({"beam_size": 0}, "beam_size"),
        ({"combine": "l5-hinge"}, "combine"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"tree": "kmeans"}, "tree"),
    ],
)
def test_wrong_parameters_are_named(topics, wrong, name):
    with pytest.raises((ValueError, TypeError), match=name):
        XRLinear(**wrong).fit(*topics)


def test_unknown_parameter():
    with pytest.raises(TypeError, match="treshold"):
        XRLinear(treshold=0.1)


def test_multiclass_target(topics):
    X, _ = topics
    y = np.array(["a", "b", "c"])[np.arange(300) % 60 % 6 % 3]
    model = XRLinear().fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.predict(X[:2]).tolist() == y[:2].tolist()


@pytest.mark.filterwarnings("ignore:threshold=5 drops nearly all weights:UserWarning")
def test_sklearn_tools(topics):
    X, Y = topics
    pipeline = make_pipeline(MaxAbsScaler(), XRLinear(**SMALL_TREE))
    search = GridSearchCV(pipeline, {"xrlinear__threshold": [0.05, 5.0]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_ == {"xrlinear__threshold": 0.05}
    assert clone(XRLinear(beam_size=3)).get_params()["beam_size"] == 3


def test_predict_and_decision_function(topics):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    scores = model.decision_function(X)
    predicted = model.predict(X)
    assert scores.shape == predicted.shape == Y.shape
    assert (predicted.toarray() == (scores.toarray() >= 0.5)).all()
    assert (predicted.toarray() == Y.toarray()).mean() > 0.97


def test_one_instance_one_label():
    ids, scores = XRLinear().fit(np.ones((1, 1)), [[0]]).predict_topk(np.ones((1, 1)), k=2)
    assert ids.tolist() == [[0, -1]]
    assert np.isneginf(scores[0, 1])


def test_a_wild_label_id_is_named_before_anything_is_allocated(topics):
    X, _ = topics
    rows = [[i % 7] for i in range(X.shape[0])]
    rows[5] = [3, 10**9]
    with pytest.raises(ValueError, match=r"Y row 5 holds label 1000000000, .* pass a sparse Y"):
        XRLinear().fit(X, rows)
    rows[5] = [3, 5000]  # odd, but no harm
    assert XRLinear().fit(X, rows).n_labels_ == 5001


def test_columns_that_cannot_be_had_are_refused(topics, monkeypatch):
    X, _ = topics
    monkeypatch.setattr("arborank.core.memory.available_memory", lambda: 10**9)
    ones = np.ones(X.shape[0], np.float32)
    Y = sp.csr_array((ones, np.arange(X.shape[0]), np.arange(X.shape[0] + 1)), (X.shape[0], 2**31 - 1))
    with pytest.raises(MemoryError, match=r"Y has 2,147,483,647 labels"):
        XRLinear().fit(X, Y)


def test_a_mask_is_no_list_of_candidates():
    X = np.eye(4, dtype=np.float32)
    model = XRLinear().fit(X, [[0], [1], [2], [3]])
    for mask in ([False, True, True, False], np.array([False, True, True, False])):
        with pytest.raises(TypeError, match="candidates must hold label ids"):
            model.predict_topk(X, 2, candidates=mask)


@pytest.mark.parametrize("argument", ["candidates", "exclude"])
@pytest.mark.parametrize(
    "labels", [[[True, 3]], [(3, False)], [[np.True_, 2]], [{True, 3}], [[True, False, True, False]]]
)
def test_booleans_among_ids_are_no_ids(labels, argument):
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    with pytest.raises(TypeError, match=f"{argument} must hold integer indices, found (True or False|bool)"):
        model.predict_topk(np.eye(4), 2, **{argument: labels * 4})


@pytest.mark.parametrize("label", [4, -1, 2**40, 2**70, -(2**70)])
def test_ids_beyond_any_width_are_out_of_range(label):
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    with pytest.raises(ValueError, match=rf"candidates holds index {label}, which is outside \[0, 4\)"):
        model.predict_topk(np.eye(4), 2, candidates=[1, label])


def test_more_answers_than_there_can_be():
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    with pytest.raises(ValueError, match="k must be between 1 and 2147483647, found 1000000000000"):
        model.predict_topk(np.eye(4), 10**12)


def test_label_weights_at_the_ends_of_their_range():
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    tiny = model.predict_topk(np.eye(4), 4, label_weights=[1e-300, 1.0, 1.0, 0.0], combine="log-l3-hinge")
    assert set(tiny[0][0].tolist()) == {0, 1, 2, -1}
    assert np.isfinite(tiny[1][:, :3]).all()
    for weights in ([1e300] * 4, [np.inf] * 4, [np.nan] * 4, [-1.0] * 4):
        with pytest.raises(ValueError, match="label_weights must be finite, at least 0 and at most"):
            model.predict_topk(np.eye(4), 4, label_weights=weights)


def test_masked_values_are_not_unmasked():
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    masked = np.ma.masked_array(np.eye(4), np.eye(4) > 0)
    for call in (lambda: model.predict_topk(masked), lambda: XRLinear().fit(masked, [[0], [1], [2], [3]])):
        with pytest.raises(ValueError, match="X has masked values"):
            call()
    with pytest.raises(ValueError, match="Y has masked values"):
        XRLinear().fit(np.eye(4), masked)
    assert XRLinear().fit(np.ma.masked_array(np.eye(4)), [[0], [1], [2], [3]]).n_labels_ == 4


def test_a_filter_that_is_none():
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    with pytest.raises(TypeError, match="label_filter must be what prepare_filter returned, found list"):
        model.predict_topk(np.eye(4), 2, label_filter=[1])


@pytest.mark.parametrize(
    ("candidates", "error", "message"),
    [
        (np.array([2**63 + 5], np.uint64), ValueError, "candidates holds index 9223372036854775813, which"),
        (np.array(3), TypeError, r"candidates must be label ids, or .* found a NumPy array of shape \(\)"),
        (b"abc", TypeError, "candidates must be label ids, or .* found one bytes"),
    ],
)
def test_filters_that_are_no_label_ids(candidates, error, message):
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    for call in (
        lambda: model.predict_topk(np.eye(4), 2, candidates=candidates),
        lambda: model.prepare_filter(candidates=candidates),
    ):
        with pytest.raises(error, match=message):
            call()
