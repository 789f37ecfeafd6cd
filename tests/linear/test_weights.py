"""Weights of rows: how often each counts."""

import numpy as np
import pytest

import arborank
from arborank import Ensemble, HybridRanker, TextRanker, XRLinear

EXACT = {"eps": 1e-7, "max_iter": 2000, "threshold": 0.0, "branching": 2, "max_leaf_size": 2}


@pytest.mark.parametrize("solver", ["l2svc-dual", "l1svc-dual", "logistic-dual", "l2svc-primal"])
def test_weights_are_repetitions(topics, solver):
    X, Y = topics
    X, Y = X[:60], Y[:60]
    counts = np.arange(60) % 4
    again = np.repeat(np.arange(60), counts)
    exact = {**EXACT, "solver": solver}
    weighed = XRLinear(**exact).fit(X, Y, sample_weight=counts)
    repeated = XRLinear(**exact).fit(X[again], Y[again])
    assert weighed.tree_.describe() == repeated.tree_.describe()
    difference = weighed.decision_function(X) - repeated.decision_function(X)
    assert abs(difference).max() < 2e-3
    assert abs(weighed.decision_function(X) - XRLinear(**exact).fit(X, Y).decision_function(X)).max() > 0.01


@pytest.mark.parametrize("model", [XRLinear(calibrate=True), HybridRanker(), Ensemble([XRLinear()])])
@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_equal_weights_change_nothing(topics, model):
    X, Y = topics
    plain = model.fit(X, Y).predict_topk(X, 3)
    weighed = model.fit(X, Y, sample_weight=np.ones(X.shape[0])).predict_topk(X, 3)
    assert np.array_equal(plain[0], weighed[0])
    assert np.array_equal(plain[1], weighed[1])


def test_rows_of_weight_zero_are_left_out(topics):
    X, Y = topics
    kept = np.arange(X.shape[0]) % 3 > 0
    model = XRLinear().fit(X, Y, sample_weight=kept, relevance=Y)
    other = XRLinear().fit(X[kept], Y[kept], relevance=Y[kept])
    assert np.array_equal(model.predict_topk(X, 3)[1], other.predict_topk(X, 3)[1])
    assert model.n_instances_ == kept.sum()


def test_a_heavy_row_wins():
    X, Y = np.ones((40, 1)), [[0], [1]] * 20
    assert XRLinear().fit(X, Y, sample_weight=[9, 1] * 20).predict_topk(X[:1], 1)[0] == 0
    assert XRLinear().fit(X, Y, sample_weight=[1, 9] * 20).predict_topk(X[:1], 1)[0] == 1
    hybrid = HybridRanker().fit(X, Y, sample_weight=[1, 9] * 20)
    assert hybrid.ranker_.predict_topk(X[:1], 1)[0] == 1


def test_texts_have_weights():
    texts, labels = ["red fruit", "red fruit"] * 4, [["apple"], ["cherry"]] * 4
    ranker = TextRanker(arborank.NgramTfidf())
    assert ranker.fit(texts, labels, sample_weight=[1, 9] * 4).rank("red fruit", 1)[0][0] == "cherry"
    assert ranker.fit(texts, labels, sample_weight=[9, 1] * 4).rank("red fruit", 1)[0][0] == "apple"
    named = TextRanker(arborank.NgramTfidf(), label_names=True).fit(texts, labels, sample_weight=[9, 1] * 4)
    assert named.rank("red fruit", 1)[0][0] == "apple"


def test_a_training_with_weights_goes_on(topics, tmp_path):
    X, Y = topics
    weights = np.arange(X.shape[0]) % 3 + 1.0
    kept = XRLinear().fit(X, Y, sample_weight=weights, work_dir=tmp_path)
    plain = XRLinear().fit(X, Y, sample_weight=weights)
    assert np.array_equal(kept.predict_topk(X, 3)[1], plain.predict_topk(X, 3)[1])
    with pytest.raises(ValueError, match="sample_weight"):
        XRLinear().fit(X, Y, sample_weight=weights + 1, work_dir=tmp_path)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, 2], ValueError, r"sample_weight.shape == \(2,\), expected \(300,\)"),
        (np.ones((300, 1)), ValueError, "one weight for each row"),
        ([1.0] * 299 + [-1.0], ValueError, "sample_weight of row 299 is -1"),
        ([1.0] * 299 + [np.nan], ValueError, "sample_weight of row 299 is nan"),
        ([0] * 300, ValueError, "sample_weight is zero in every row"),
        (["a"] * 300, TypeError, "sample_weight holds 'a' in row 0"),
        ({1: 2}, TypeError, "sample_weight must be a list of numbers"),
    ],
)
def test_wrong_weights_are_named(topics, weights, error, message):
    X, Y = topics
    with pytest.raises(error, match=message):
        XRLinear().fit(X, Y, sample_weight=weights)


def test_a_model_without_weights_refuses_them():
    class Plain:
        def get_params(self, deep=True):
            return {}

        def set_params(self, **params):
            return self

        def fit(self, X, Y):
            return self

        def predict_topk(self, X, k):
            raise NotImplementedError

        def __sklearn_clone__(self):
            return self

    with pytest.raises(TypeError, match="sample_weight is given, but Plain has no use for it"):
        TextRanker(arborank.NgramTfidf(), Plain()).fit(["a b"], [["x"]], sample_weight=[2])
