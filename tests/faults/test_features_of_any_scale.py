"""Features may be of any length: the defaults learn from them as from unit rows, and prune as much."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import MaxAbsScaler, StandardScaler, normalize

from arborank import Autocompleter, Ensemble, XRLinear, load
from arborank.analysis.compression import Setting, compress
from arborank.analysis.explain import explain
from arborank.core.lengths import divide_rows, typical_length
from arborank.core.sparse import as_csr
from arborank.stages import KMeansIndexer, LinearMatcher, LinearRanker, StagedRanker

TREE = {"branching": 4, "max_leaf_size": 20}


def embeddings(*, shift=0.0, seed=0):
    """Dense vectors of 100 classes about their centres, of length 13 or so: four to learn from and two to ask."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(100, 128)) + shift * rng.normal(size=128)
    X = np.repeat(centres, 6, axis=0) + 0.6 * rng.normal(size=(600, 128))
    y, seen = np.repeat(np.arange(100), 6), np.arange(600) % 6 < 4
    Y = sp.csr_array((np.ones(600, np.float32), (np.arange(600), y)))
    return X[seen].astype(np.float32), Y[seen], X[~seen].astype(np.float32), y[~seen]


def counts(*, seed=0):
    """Bags of 5 to 150 words, frequent ones first; every one of 60 labels has 8 words of its own."""
    rng = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, 2001)
    rows = []
    for label in np.repeat(np.arange(60), 8):
        n = int(rng.lognormal(3.5, 0.8)) + 5
        bag = rng.choice(2000, n, p=frequency / frequency.sum())
        bag[: n // 3] = 1000 + 8 * label + rng.integers(0, 8, n // 3)
        rows.append(np.bincount(bag, minlength=2000))
    X, y = sp.csr_array(np.array(rows, np.float32)), np.repeat(np.arange(60), 8)
    Y, seen = sp.csr_array((np.ones(480, np.float32), (np.arange(480), y))), np.arange(480) % 8 < 6
    return X[seen], Y[seen], X[~seen], y[~seen]


def precision(model, X, y):
    return float((model.predict_topk(X, 1)[0][:, 0] == y).mean())


def weights(model):
    return sum(layer.nnz for layer in model.layers_)


SETS = {"embeddings": embeddings, "shifted": lambda: embeddings(shift=3.0), "counts": counts}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 100.0, 1e6])
def test_defaults_are_as_good_as_no_pruning_and_prune(name, scale):
    X, Y, queries, y = SETS[name]()
    X, queries = X * np.float32(scale), queries * np.float32(scale)
    model, full = XRLinear(**TREE).fit(X, Y), XRLinear(threshold=0, **TREE).fit(X, Y)
    assert precision(model, queries, y) > max(precision(full, queries, y) - 0.03, 0.9)
    assert weights(model) < 0.8 * weights(full)


@pytest.mark.parametrize("solver", ["l2svc-dual", "l1svc-dual", "logistic-dual", "l2svc-primal"])
@pytest.mark.parametrize("scale", [1e-30, 1e-6, 3.0, 1e6, 1e30])
def test_another_unit_of_measurement_is_the_same_model(topics, solver, scale):
    X, Y = topics
    X = sp.csr_array(normalize(X))
    unit = XRLinear(solver=solver, **TREE).fit(X, Y)
    other = XRLinear(solver=solver, **TREE).fit(X * np.float32(scale), Y)
    assert unit.row_length_ == 1.0
    assert other.row_length_ == pytest.approx(scale)
    assert other.tree_ == unit.tree_
    _, scores = unit.predict_topk(X, 5)
    np.testing.assert_allclose(other.predict_topk(X * np.float32(scale), 5)[1], scores, atol=0.02)
    assert abs(weights(other) - weights(unit)) <= 0.01 * weights(unit)


def test_one_value_a_row():
    for scale in (1e-6, 1.0, 1e6):
        X = np.eye(4, dtype=np.float32) * np.float32(scale)
        model = XRLinear().fit(X, [[0], [1], [2], [3]])
        assert model.predict_topk(X, 1)[0].ravel().tolist() == [0, 1, 2, 3]


def test_rows_of_about_unit_length_are_taken_as_they_are(topics):
    X = normalize(topics[0])
    for factor in (0.6, 1.0, 1.9):
        rows = as_csr(X * np.float32(factor))
        assert typical_length(rows) == 1.0
        assert divide_rows(rows, 1.0) is rows
    assert typical_length(as_csr(np.zeros((3, 2)))) == 1.0
    assert typical_length(as_csr(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]))) == pytest.approx(5.0)


def test_a_few_long_rows_do_not_count(topics):
    X, Y = topics
    model = XRLinear(**TREE).fit(X, Y)
    longer = sp.csr_array(sp.diags_array(np.where(np.arange(X.shape[0]) % 50 == 7, 1e4, 1.0)) @ X)
    other = XRLinear(**TREE).fit(longer, Y)
    assert other.row_length_ == model.row_length_
    best = Y.toarray().argmax(axis=1)
    assert precision(other, X, best) > precision(model, X, best) - 0.1


def test_a_few_large_columns_do_not_count():
    X, Y, queries, y = embeddings()
    X, queries = normalize(X), normalize(queries)
    for size in (3.0, 8.0):
        column = np.full((X.shape[0], 1), size, np.float32), np.full((queries.shape[0], 1), size, np.float32)
        model = XRLinear(**TREE).fit(np.hstack([X, column[0]]), Y)
        assert model.row_length_ == 1.0
        assert precision(model, np.hstack([queries, column[1]]), y) > 0.95


def test_labels_of_short_rows_keep_weights():
    X, Y, queries, y = embeddings()
    short = np.where(np.arange(100) % 5 == 0, 0.05, 1.0).astype(np.float32)  # every fifth class
    X, queries = normalize(X) * short[np.repeat(np.arange(100), 4)][:, None], normalize(queries)
    model = XRLinear(**TREE).fit(X, Y)
    kept = np.diff(model.layers_[-1].to_matrix()[0].indptr)[np.argsort(model.tree_.labels)]
    assert kept[short < 1].min() > 20
    assert precision(model, queries[short[y] < 1], y[short[y] < 1]) > 0.9


def test_a_warning_when_nearly_all_weights_go(topics):
    X, Y = topics
    with pytest.warns(UserWarning, match=r"threshold=4 drops nearly all weights.*lower it"):
        XRLinear(threshold=4.0, **TREE).fit(X, Y)


def test_warnings_of_scales_that_hide_others():
    X, Y, _, _ = embeddings()
    years = np.full((X.shape[0], 1), 2000.0, np.float32)
    with pytest.warns(UserWarning, match=r"column 128 of X holds much larger numbers.*MaxAbsScaler"):
        XRLinear(**TREE).fit(np.hstack([normalize(X), years]), Y)
    lengths = np.geomspace(0.01, 100, X.shape[0]).astype(np.float32)[:, None]
    with pytest.warns(UserWarning, match=r"very different lengths.*normalize"):
        XRLinear(**TREE).fit(normalize(X) * lengths, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        XRLinear().fit(np.ones((4, 1)), [[0], [1], [0], [1]])  # one column has all there is
        XRLinear(**TREE).fit(X, Y)


@pytest.mark.parametrize("n_large", [3, 12, 40])
def test_warnings_of_several_large_columns(n_large):
    X, Y, queries, y = embeddings()
    rng = np.random.default_rng(1)
    more = rng.normal(size=(len(X), n_large)).astype(np.float32), rng.normal(size=(len(queries), n_large))
    large, large_queries = np.hstack([X, 100 * more[0]]), np.hstack([queries, 100 * more[1]])
    with pytest.warns(
        UserWarning, match=rf"{n_large} columns of X, such as 128 and 129, hold much larger.*MaxAbsScaler"
    ):
        hidden = XRLinear(**TREE).fit(large, Y)
    scaler = MaxAbsScaler().fit(large)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = XRLinear(**TREE).fit(scaler.transform(large), Y)
    assert precision(model, scaler.transform(large_queries), y) >= precision(hidden, large_queries, y) + 0.04


def test_warnings_of_a_mean_that_hides_the_rest():
    X, Y, queries, y = embeddings()
    offset = 40 * np.random.default_rng(1).normal(size=128).astype(np.float32)
    with pytest.warns(
        UserWarning, match=r"rows of X are nearly the same: their mean has 99\.9% .*StandardScaler"
    ):
        hidden = XRLinear(**TREE).fit(X + offset, Y)
    assert precision(hidden, queries + offset, y) < 0.5
    scaler = StandardScaler().fit(X + offset)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = XRLinear(**TREE).fit(scaler.transform(X + offset), Y)
        assert precision(model, scaler.transform(queries + offset), y) > 0.95


def _texts(n=600):
    rng = np.random.default_rng(0)
    return [" ".join(f"w{word}" for word in rng.zipf(1.3, 12) % 5000) for _ in range(n)]


def _anisotropic():  # the vectors of encoders have a cosine of up to 0.9 with each other
    rng = np.random.default_rng(0)
    return normalize(rng.normal(size=(600, 128)) + 3 * rng.normal(size=128))


def _pifa():
    X = TfidfVectorizer().fit_transform(_texts())
    return normalize(sp.csr_array(np.eye(60)[np.arange(600) % 60].T) @ X)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TfidfVectorizer(sublinear_tf=True).fit_transform(_texts()),
        lambda: TfidfVectorizer(analyzer="char", norm=None).fit_transform(_texts()),
        lambda: CountVectorizer().fit_transform(_texts()),
        lambda: TfidfVectorizer().fit_transform(["the same text"] * 8),
        lambda: counts()[0],
        lambda: np.random.default_rng(0).random((600, 60)),
        _anisotropic,
        _pifa,
    ],
)
def test_no_warnings_of_ordinary_features(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        typical_length(as_csr(make()), warns=True)


def test_a_row_beyond_all_measure_is_an_error():
    X, Y, _, _ = embeddings()
    X[7] = 1e25
    with pytest.raises(ValueError, match=r"row 7 of X has the length 1.13e\+26"):
        XRLinear(**TREE).fit(X, Y)


# ---------------------------------------------------------------- the scale goes with the model


@pytest.fixture
def large():
    X, Y, queries, y = embeddings()
    return XRLinear(**TREE).fit(X, Y), X, Y, queries, y


def test_saved_with_the_model(large, tmp_path):
    model, _, _, queries, _ = large
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.row_length_ == model.row_length_
    np.testing.assert_array_equal(again.predict_topk(queries, 5)[1], model.predict_topk(queries, 5)[1])


@pytest.mark.parametrize("scale", [1e-37, 1e20, 1e38])
def test_saved_with_rows_of_any_length(scale, tmp_path):
    X = scale * np.eye(4, dtype=np.float32)
    XRLinear().fit(X, [[0], [1], [2], [3]]).save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict_topk(X, 1)[0].ravel(), [0, 1, 2, 3])


def test_the_same_in_a_work_dir(large, tmp_path):
    model, X, Y, queries, _ = large
    for _ in range(2):  # the second time all is there
        other = XRLinear(**TREE).fit(X, Y, work_dir=tmp_path / "work")
        assert other.row_length_ == model.row_length_
        np.testing.assert_array_equal(other.predict_topk(queries, 5)[1], model.predict_topk(queries, 5)[1])


def test_pruning_and_precisions_mean_the_same(large):
    X, Y, queries, y = embeddings()
    unit = XRLinear(**TREE).fit(X / np.float32(13), Y)
    for scale in (1e-6, 1e6):
        model = XRLinear(**TREE).fit(X * np.float32(scale), Y)
        there = queries * np.float32(scale)
        assert weights(model.prune(threshold=0.2)) == pytest.approx(
            weights(unit.prune(threshold=0.2)), rel=0.05
        )
        for precise in ("float16", "int8"):
            assert precision(model.quantize(precise), there, y) > 0.97
        assert precision(compress(model, Setting(0.15, 60, "int8", 5)), there, y) > 0.9


def test_explanations_add_up(large):
    model, _, _, queries, _ = large
    ids, scores = model.predict_topk(queries[:3], 1)
    for row in range(3):
        path = explain(model, queries[[row]], int(ids[row, 0]), n_features=1000)[0]
        assert path.score == pytest.approx(float(scores[row, 0]), rel=1e-4)
        step = path.steps[-1]
        assert step.margin == pytest.approx(step.bias + sum(value for _, value in step.features), abs=1e-4)


def test_updates_learn_on_the_scale_of_fit(large):
    _, X, Y, queries, y = large
    labels = Y.toarray().argmax(axis=1)
    old, new = labels < 80, labels >= 80
    model = XRLinear(**TREE).fit(X[old], Y[old][:, :80])
    assert model.row_length_ > 10
    log = np.vstack([X[new], X[old][::4]])
    marks = np.zeros((len(log), 20), np.float32)
    marks[np.arange(new.sum()), labels[new] - 80] = 1
    grown = model.add_labels(log, marks)
    assert grown.row_length_ == model.row_length_
    assert precision(grown, queries, y) > 0.9
    anew = grown.refresh_labels(np.arange(80, 100), log, marks).remove_labels([3])
    assert anew.row_length_ == model.row_length_
    assert precision(anew, queries[y != 3], y[y != 3]) > 0.9
    with pytest.warns(UserWarning, match=r"rows of X have a typical length of 1, but those .* had 1\d"):
        model.add_labels(normalize(log), marks)


def test_unseen_labels_are_found_on_the_scale_of_fit(large):
    _, X, Y, queries, y = large
    labels = Y.toarray().argmax(axis=1)
    old = labels < 80
    model = XRLinear(**TREE).fit(X[old], Y[old][:, :80])
    texts = np.stack([X[labels == label].mean(axis=0) for label in range(80, 100)])
    cold = model.learn_unseen_labels(np.arange(80, 100), texts, X[old], Y[old][:, :80])
    found = cold.predict_topk(queries[y >= 80], 3)[0]
    assert (found == y[y >= 80][:, None]).any(axis=1).mean() > 0.9


def test_ensembles_overlapping_trees_and_stages(large):
    _, X, Y, queries, y = large
    assert (
        precision(Ensemble([XRLinear(random_state=seed, **TREE) for seed in (0, 1)]).fit(X, Y), queries, y)
        > 0.95
    )
    assert precision(XRLinear(max_clusters=2, **TREE).fit(X, Y), queries, y) > 0.95
    assert (
        precision(StagedRanker(KMeansIndexer(**TREE), LinearMatcher(), LinearRanker()).fit(X, Y), queries, y)
        > 0.95
    )


def test_a_callable_representation_sees_the_users_features():
    X, Y, _, _ = embeddings()
    seen = []

    def means(rows, marks):
        seen.append(rows)
        return marks.T @ rows

    XRLinear(representation=means, **TREE).fit(X, Y)
    np.testing.assert_array_equal(seen[0].toarray(), X)


def test_completions_with_a_heavy_prefix():
    log = [
        (session, time, query)
        for session in range(60)
        for time, query in enumerate(("red apple", "green pear"))
    ]
    for weight in (0.01, 0.5, 50.0):
        completer = Autocompleter(prefix_weight=weight).fit(log)
        assert completer.model_.row_length_ == 1.0  # its rows are made to measure
        assert completer.complete("green", previous=["red apple"], k=1)[0][0] == "green pear"


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, sp.coo_array, lambda X: X.astype(np.longdouble)])
def test_features_that_vanish_in_float32_are_an_error(make):
    X, Y = np.eye(4), [[0], [1], [2], [3]]
    with pytest.raises(ValueError, match=r"X has no value that float32 can hold.*such as 1e-60; multiply X"):
        XRLinear().fit(make(X * 1e-60), Y)
    with pytest.raises(ValueError, match="X has no value that float32 can hold"):
        XRLinear().fit(X, Y).predict_topk(make(X * 1e-60))
    model = XRLinear().fit(make(X), Y)
    part = np.where(X == 0, 1e-60, X)  # vanishes beside what is left
    np.testing.assert_array_equal(model.predict_topk(make(part), 1)[0], [[0], [1], [2], [3]])
    assert model.predict_topk(make(X * 0), 1)[0].shape == (4, 1)
    X[1:3] *= 1e-60
    with pytest.warns(
        UserWarning, match=r"2 of 4 rows of X, first row 1, have no value that float32 can hold"
    ):
        model.predict_topk(make(X))
