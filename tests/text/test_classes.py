"""Rankers of one class a text, and the tools of scikit-learn over texts."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

import arborank
from arborank import HybridRanker, NgramTfidf, TextRanker, XRLinear
from arborank.datasets import StratifiedFolds

TEXTS = ["red apple", "green apple", "fast car", "old car", "blue sky", "grey sky"] * 8
NAMES = ["fruit", "fruit", "vehicle", "vehicle", "air", "air"] * 8
NUMBERS = [10, 10, 2, 2, 7, 7] * 8
LISTS = [[name, "thing"] for name in NAMES]


def ranker(**params):
    return TextRanker(NgramTfidf(), XRLinear(branching=2, max_leaf_size=2), **params)


@pytest.mark.parametrize("classes", [NAMES, NUMBERS, np.array(NAMES), np.array(NUMBERS, np.int16)])
def test_a_class_a_text(tmp_path, classes):
    model = ranker(single_label=True).fit(TEXTS, classes)
    assert model.classes_.tolist() == sorted(set(np.asarray(classes).tolist()))
    assert model.predict(TEXTS).tolist() == list(np.asarray(classes).tolist())
    assert model.score(TEXTS, classes) == 1.0
    scores = model.decision_function(TEXTS)
    assert scores.shape == (48, 3)
    assert (model.classes_[scores.argmax(axis=1)] == np.asarray(classes)).all()
    model.save(tmp_path / "model")
    same = arborank.load(tmp_path / "model")
    assert same.predict(TEXTS[:3]).tolist() == model.predict(TEXTS[:3]).tolist()
    assert same.classes_.dtype.kind == model.classes_.dtype.kind


def test_searches_and_scores():
    search = GridSearchCV(TextRanker(), {"model__Cp": [1.0, 2.0], "features__norm": ["l2"]}, cv=2)
    assert search.fit(TEXTS, LISTS).best_params_["features__norm"] == "l2"
    folds = StratifiedFolds(n_splits=3)
    assert cross_val_score(ranker(), TEXTS, LISTS, cv=folds, error_score="raise").min() > 0.9
    assert cross_val_score(ranker(single_label=True), TEXTS, NUMBERS, cv=3).tolist() == [1.0] * 3


@pytest.mark.parametrize("classes", [NAMES, NUMBERS])
def test_probabilities_of_scikit_learn(classes):
    model = CalibratedClassifierCV(ranker(single_label=True), cv=2).fit(TEXTS, classes)
    assert model.predict(TEXTS).tolist() == classes
    assert model.predict_proba(TEXTS).shape == (48, 3)
    X = NgramTfidf().fit_transform(TEXTS)
    model = CalibratedClassifierCV(XRLinear(), cv=2).fit(X, classes)
    assert model.predict(X).tolist() == classes


@pytest.mark.parametrize("voting", ["hard", "soft"])
@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_a_vote(voting):
    calibrate = voting == "soft"
    other = make_pipeline(TfidfVectorizer(), LogisticRegression())
    vote = VotingClassifier(
        [("a", ranker(single_label=True, calibrate=calibrate)), ("b", other)], voting=voting
    )
    assert vote.fit(TEXTS, NAMES).predict(TEXTS).tolist() == NAMES
    X = NgramTfidf().fit_transform(TEXTS)
    members = [("a", XRLinear(single_label=True, calibrate=calibrate)), ("b", LogisticRegression())]
    assert VotingClassifier(members, voting=voting).fit(X, NAMES).predict(X).tolist() == NAMES


def test_tags_say_what_it_is():
    assert not is_classifier(ranker())
    assert is_classifier(ranker(single_label=True))
    assert get_tags(ranker()).target_tags.multi_output
    assert is_classifier(XRLinear(single_label=True))
    X = np.eye(3)
    assert is_classifier(XRLinear().fit(X, ["a", "b", "c"]))
    assert not is_classifier(XRLinear().fit(X, [[0], [1], [2]]))
    assert not is_classifier(clone(XRLinear().fit(X, ["a", "b", "c"])))


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_probabilities_are_dense_where_labels_are_few():
    assert not hasattr(ranker(), "predict_proba")
    with pytest.raises(AttributeError, match="has no predict_proba: fit it with calibrate=True"):
        XRLinear().predict_proba(np.eye(2))
    chances = ranker(single_label=True, calibrate=True).fit(TEXTS, NUMBERS).predict_proba(TEXTS)
    assert chances.sum(axis=1) == pytest.approx(np.ones(48))
    lists = ranker(calibrate=True).fit(TEXTS, LISTS)
    few = lists.predict_proba(TEXTS[:1])
    assert isinstance(few, np.ndarray)
    assert few[0, lists.labels_.find("thing")] >= few[0, lists.labels_.find("air")]
    rng = np.random.default_rng(0)
    X = np.eye(1100)[rng.permutation(3300) % 1100]
    many = XRLinear(calibrate=True).fit(X, X).predict_proba(X[:2])
    assert many.shape == (2, 1100)
    assert sp.issparse(many)


def test_parameters_of_parts_before_fit():
    model = TextRanker().set_params(model__Cp=7.0, features__norm="l1")
    assert (model.model.Cp, model.features.norm) == (7.0, "l1")
    assert TextRanker().get_params()["model__Cp"] == "auto"
    assert HybridRanker().set_params(ranker__Cp=2.0).ranker.Cp == 2.0
    with pytest.raises(ValueError, match="Invalid parameter 'treshold'"):
        TextRanker().set_params(model__treshold=0.1)
    assert "XRLinear" in TextRanker(model=XRLinear())._repr_html_()


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (LISTS, TypeError, "labels of row 0 are .*; one class"),
        (["a", 1] * 24, TypeError, "labels hold both str and numbers, such as 1"),
        (["a", None] * 24, TypeError, "labels of row 1 are None"),
        (["a"] * 3, ValueError, "texts has 48 entries but labels has 3"),
    ],
)
def test_what_is_no_class(classes, error, message):
    with pytest.raises(error, match=message):
        ranker(single_label=True).fit(TEXTS, classes)


def test_classes_do_not_change():
    with pytest.raises(ValueError, match="single_label=True, and its classes cannot change"):
        ranker(single_label=True).fit(TEXTS, NAMES).add_labels(["boat"], ["a boat"], [["boat"]])
    with pytest.raises(ValueError, match="must hold one class for every row, since single_label is True"):
        XRLinear(single_label=True).fit(np.eye(2), [[0], [1]])


@pytest.mark.parametrize("features", [TfidfVectorizer(), HashingVectorizer(n_features=64)])
def test_vectorisers_of_scikit_learn_are_saved(tmp_path, features):
    pytest.importorskip("skops")
    model = TextRanker(features).fit(TEXTS, NAMES)
    model.save(tmp_path / "model")
    assert arborank.load(tmp_path / "model").rank("an apple") == model.rank("an apple")


def test_what_holds_code_is_not_saved(tmp_path):
    pytest.importorskip("skops")
    features = TfidfVectorizer(tokenizer=lambda text: text.split(), token_pattern=None)
    model = TextRanker(features).fit(TEXTS, NAMES)
    with pytest.raises(TypeError, match=r"the features are a TfidfVectorizer that holds .*lambda"):
        model.save(tmp_path / "model")
