"""Rankers of fitted parts, of matrices and of streams; answers that are empty, cut off or a matrix."""

import logging

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer

import arborank
from arborank import Ensemble, NgramTfidf, TextFeatures, TextRanker, XRLinear
from support.fruit import rows

TEXTS, LABELS = rows(150, 0)
NAMES = sorted({name for row in LABELS for name in row})


@pytest.fixture(scope="module")
def ranker():
    return TextRanker(NgramTfidf(), label_names=False).fit(TEXTS, LABELS)


def same(one, other):
    return one.rank_batch(TEXTS[:20], 3) == other.rank_batch(TEXTS[:20], 3)


def test_fitted_parts_make_a_ranker(ranker, tmp_path):
    features = NgramTfidf()
    Y = [[NAMES.index(name) for name in row] for row in LABELS]
    model = XRLinear().fit(features.fit_transform(TEXTS), Y)
    put_together = TextRanker.from_fitted(features, model, NAMES)
    assert put_together.model_ is model
    assert same(put_together, ranker)
    put_together.save(tmp_path / "model")
    assert same(arborank.load(tmp_path / "model"), ranker)
    assert same(
        put_together.add_labels(["w"], [*TEXTS, "w1 w2"], [*LABELS, ["w"]]).remove_labels(["w"]), ranker
    )


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (NAMES[1:], ValueError, "labels has 7 names, but the model has 8"),
        ([*NAMES[1:], NAMES[1]], ValueError, f"labels holds '{NAMES[1]}' twice"),
        ([*NAMES[1:], 5], TypeError, "5|int"),
        ("names", TypeError, "labels must be one name per label, found one str"),
    ],
)
def test_names_that_do_not_fit_the_model(ranker, names, error, message):
    with pytest.raises(error, match=message):
        TextRanker.from_fitted(ranker.features_, ranker.model_, names)


def test_parts_that_do_not_fit(ranker):
    with pytest.raises(ValueError, match="features make rows of 2 columns, but the model takes"):
        TextRanker.from_fitted(NgramTfidf().fit(["one two"]), ranker.model_, NAMES)
    with pytest.raises(NotFittedError):
        TextRanker.from_fitted(NgramTfidf(), ranker.model_, NAMES)
    with pytest.raises(TypeError, match="model must be an estimator with predict_topk"):
        TextRanker.from_fitted(ranker.features_, object(), NAMES)


def test_features_of_scikit_learn(ranker):
    features = TfidfVectorizer().fit(TEXTS)
    model = XRLinear().fit(features.transform(TEXTS), ranker.encode_labels(LABELS))
    assert TextRanker.from_fitted(features, model, NAMES).rank(TEXTS[0], 2)


def test_features_are_saved_alone(ranker, tmp_path):
    for features in (NgramTfidf(), TextFeatures()):
        features.fit(TEXTS).save(tmp_path / "features")
        again = arborank.load(tmp_path / "features", n_jobs=1)
        assert again.n_jobs == 1
        assert (again.transform(TEXTS) != features.transform(TEXTS)).nnz == 0


def test_a_fit_to_rows_is_one_to_texts(ranker):
    features = NgramTfidf().fit(TEXTS)
    fitted = TextRanker(features).fit_matrix(features.transform(TEXTS), LABELS)
    assert fitted.features_ is features
    assert same(fitted, ranker)


def test_label_texts_are_learned_beside_rows():
    features = NgramTfidf().fit([*TEXTS, "a sour lemon"])
    X = features.transform(TEXTS)
    fitted = TextRanker(features).fit_matrix(
        X, LABELS, label_texts={"lemon": "a sour lemon", "apple": "an apple"}
    )
    assert fitted.rank("a sour lemon", 1)[0][0] == "lemon"
    named = TextRanker(features, label_names=True).fit_matrix(X, LABELS)
    assert named.label_names_
    assert not fitted.label_names_


def test_rows_that_do_not_fit():
    features = NgramTfidf().fit(TEXTS)
    X = features.transform(TEXTS)
    with pytest.raises(TypeError, match="features is None"):
        TextRanker().fit_matrix(X, LABELS)
    with pytest.raises(NotFittedError):
        TextRanker(NgramTfidf()).fit_matrix(X, LABELS)
    with pytest.raises(ValueError, match=r"X has .* features"):
        TextRanker(features).fit_matrix(X[:, 1:], LABELS)
    with pytest.raises(ValueError, match="X has 150 entries but labels has 149"):
        TextRanker(features).fit_matrix(X, LABELS[1:])


def test_texts_may_be_a_stream(ranker):
    read = []

    def stream():
        for text in TEXTS:
            read.append(text)
            yield text

    assert same(TextRanker(NgramTfidf(), label_names=False).fit(stream(), iter(LABELS)), ranker)
    assert read == TEXTS
    for features, names in ((None, False), (NgramTfidf(), "auto"), (NgramTfidf(), True)):
        given = TextRanker(features, label_names=names).fit(TEXTS, LABELS)
        assert same(TextRanker(features, label_names=names).fit(iter(TEXTS), LABELS), given)
    with pytest.raises(ValueError, match="texts has 149 entries but labels has 150"):
        TextRanker(NgramTfidf(), label_names=False).fit(iter(TEXTS[1:]), LABELS)


def test_unknown_texts_get_no_answer(ranker, tmp_path):
    unknown = ["", "Ελλάδα", TEXTS[0]]
    assert all(ranker.rank_batch(unknown, 2))
    quiet = TextRanker.from_fitted(ranker.features_, ranker.model_, ranker.labels_, answer_unknown=False)
    quiet.save(tmp_path / "model")
    for one in (quiet, arborank.load(tmp_path / "model")):
        assert one.rank_batch(unknown, 2) == [[], [], ranker.rank(TEXTS[0], 2)]
        assert one.rank("") == []
        assert one.predict(unknown)[:2] == [[], []]
        assert one.predict(unknown)[2] == ranker.predict(unknown)[2] != []
    for value in (1, None):
        with pytest.raises(TypeError, match="answer_unknown"):
            TextRanker(answer_unknown=value).fit(TEXTS, LABELS)


def test_answers_as_a_matrix(ranker):
    matrix = ranker.rank_matrix(TEXTS[:5], 3)
    assert isinstance(matrix, sp.csr_array)
    assert matrix.dtype == np.float32
    assert matrix.shape == (5, len(NAMES))
    for row, answers in enumerate(ranker.rank_batch(TEXTS[:5], 3)):
        own = slice(matrix.indptr[row], matrix.indptr[row + 1])
        found = dict(zip((NAMES[i] for i in matrix.indices[own]), matrix.data[own].tolist(), strict=True))
        assert found == dict(answers)


def test_the_least_score(ranker):
    every = ranker.rank_batch(TEXTS[:20], 8)
    scores = sorted(score for row in every for _, score in row)
    least = scores[len(scores) // 2]
    kept = [[(name, score) for name, score in row if score >= least] for row in every]
    assert ranker.rank_batch(TEXTS[:20], 8, min_score=least) == kept
    assert ranker.rank_matrix(TEXTS[:20], 8, min_score=least).nnz == sum(map(len, kept))
    assert ranker.rank(TEXTS[0], min_score=1e9) == []
    for value, error in (("high", TypeError), (float("nan"), ValueError)):
        with pytest.raises(error, match="min_score"):
            ranker.rank(TEXTS[0], min_score=value)


def test_parameters_reach_what_was_fitted(ranker, tmp_path):
    ranker.save(tmp_path / "model")
    for one in (arborank.load(tmp_path / "model"), TextRanker(NgramTfidf(), XRLinear()).fit(TEXTS, LABELS)):
        one.set_params(n_jobs=1, verbose=1, model__beam_size=1, model__Cp=5.0)
        assert one.features_.n_jobs == one.model_.n_jobs == one.features_.verbose == 1
        assert one.model_.beam_size == one.model.beam_size == 1
        assert one.model.Cp == 5.0
    assert one.model_.Cp == "auto"  # waits for the next fit
    loaded = arborank.load(tmp_path / "model", n_jobs=2)
    assert loaded.n_jobs == loaded.features_.n_jobs == loaded.model_.n_jobs == 2
    assert arborank.load(tmp_path / "model").model_.n_jobs is None
    for value in (0, "two"):
        with pytest.raises((TypeError, ValueError), match="n_jobs"):
            arborank.load(tmp_path / "model", n_jobs=value)


def test_members_of_an_ensemble_are_reached(tmp_path):
    both = TextRanker(NgramTfidf(), Ensemble([XRLinear(), XRLinear(random_state=1)])).fit(TEXTS, LABELS)
    both.set_params(n_jobs=1)
    assert [model.n_jobs for model in both.model_.models_] == [1, 1]
    both.save(tmp_path / "model")
    assert [m.n_jobs for m in arborank.load(tmp_path / "model", n_jobs=3).model_.models_] == [3, 3]


def test_ensembles_filter_shrink_and_learn():
    both = TextRanker(NgramTfidf(), Ensemble([XRLinear(), XRLinear(random_state=1)])).fit(TEXTS, LABELS)
    text, (first, *_) = TEXTS[0], [name for name, _ in both.rank(TEXTS[0], 3)]
    prepared = both.prepare_filter(exclude=[first])
    assert both.rank(text, 3, label_filter=prepared) == both.rank(text, 3, exclude=[first])
    weighted = both.prepare_filter(label_weights={first: 0.5})
    assert dict(both.rank(text, 8, label_filter=weighted))[first] < dict(both.rank(text, 8))[first]
    for small in (both.quantize("float16"), both.prune(threshold=1e-6)):
        assert small.rank(text, 1)[0][0] == first
    more = both.add_labels(["boat"], [*TEXTS, "a w1 w2 w3", "a w1 w2"], [*LABELS, ["boat"], ["boat"]])
    assert len(both.labels_) == 8
    again = more.refresh_labels(["boat"], [*TEXTS, "w1 w2 w1"], [*LABELS, ["boat"]])
    assert "boat" in dict(again.rank("w1 w2 w1", 8))
    assert "boat" not in again.remove_labels(["boat"]).labels_
    about = {"ship": "w3 w4 w5"}
    assert "ship" in more.add_labels(["ship"], TEXTS, LABELS, label_texts=about).labels_
    renumbered = both.model_.renumber_labels(np.arange(8)[::-1], 8)
    X = both.features_.transform(TEXTS[:9])
    assert np.array_equal(7 - renumbered.predict_topk(X, 3)[0], both.model_.predict_topk(X, 3)[0])
    with pytest.raises(TypeError, match="label_filter must be what prepare_filter of this Ensemble returned"):
        both.rank(text, label_filter=both.model_.models_[0].prepare_filter(exclude=[0]))


def test_calibrated_ensembles_stay_calibrated():
    X = NgramTfidf().fit_transform(TEXTS)
    Y = [[NAMES.index(name) for name in row] for row in LABELS]
    both = Ensemble([XRLinear(), XRLinear(random_state=1)]).fit(X, Y)
    with pytest.warns(UserWarning, match="few to calibrate"):
        both = both.calibrate(X, Y)
    for changed in (both.quantize("float16"), both.remove_labels([3], renumber=True)):
        assert changed.predict_proba_topk(X, 2)[1].shape == (150, 2)
    with pytest.raises(ValueError, match="label_filter"):
        both.predict_proba_topk(X, label_filter=both.prepare_filter(label_weights=np.full(8, 0.5)))


def test_ensembles_of_what_has_no_such_method():
    class Plain:
        def predict_topk(self, X, k):
            return np.zeros((1, 1), int), np.zeros((1, 1), np.float32)

    both = Ensemble.from_fitted([Plain()])
    with pytest.raises(TypeError, match=r"models\[0\] is a Plain, which has no quantize"):
        both.quantize()


def test_a_line_is_logged_for_every_layer(caplog):
    with caplog.at_level(logging.INFO, "arborank"):
        XRLinear(branching=2, max_leaf_size=2).fit(np.eye(8, dtype=np.float32), np.eye(8))
    lines = [one.message for one in caplog.records if "training layer" in one.message]
    assert lines
    assert all("rankers" in line and "weights" in line for line in lines)


def test_learning_from_nothing_but_known_labels_is_refused_with_a_way_out(ranker):
    with pytest.raises(ValueError, match="there must also be others"):
        ranker.refresh_labels(NAMES, TEXTS, LABELS)
