"""Rules that choose the labels of texts."""

import numpy as np
import pytest

import arborank
from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.decisions import Threshold


@pytest.fixture(scope="module")
def data():
    """Texts that name most of their one to three labels among words that say nothing."""
    rng = np.random.default_rng(1)
    names = [f"thing{i}" for i in range(12)]
    texts, labels = [], []
    for _ in range(600):
        row = rng.choice(names, rng.integers(1, 4), replace=False).tolist()
        named = [name for name in row if rng.random() < 0.8]
        texts.append(" ".join([*named, *(f"w{i}" for i in rng.integers(0, 30, 5))]))
        labels.append(row)
    return texts, labels


def fit(data, model, **options):
    return TextRanker(NgramTfidf(), model, label_names=False, **options).fit(*data)


@pytest.fixture(scope="module")
def ranker(data):
    return fit(data, XRLinear(calibrate=True, n_jobs=1), decide="threshold")


def test_predict_returns_names_best_first(ranker):
    one, two = ranker.predict(["thing1 w1 w2", "w3 thing4 thing2 w5"])
    assert one == ["thing1"]
    assert sorted(two) == ["thing2", "thing4"]
    ranked = [name for name, _ in ranker.rank("w3 thing4 thing2 w5", 2)]
    assert two == ranked


def test_the_rule_of_the_model_counts_without_one(data):
    ranker = fit(data, XRLinear(decide="fixed-k=2", n_jobs=1))
    assert [len(row) for row in ranker.predict(["thing1", "thing2 thing3"])] == [2, 2]
    assert [len(row) for row in ranker.set_params(decide="fixed-k=1").predict(["thing1", "thing2"])] == [1, 1]


@pytest.mark.parametrize("rule", ["threshold", Threshold(0.3), None])
def test_a_rule_is_saved(ranker, rule, tmp_path):
    twin = TextRanker.from_state(ranker.to_state()).set_params(decide=rule)
    twin.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert again.decide == rule
    assert again.predict(["thing1 thing2"]) == twin.predict(["thing1 thing2"])


def test_mistakes(data):
    with pytest.raises(ValueError, match="did you mean 'threshold'"):
        fit(data, None, decide="treshold")
    with pytest.raises(ValueError, match="needs probabilities"):
        fit(data, XRLinear(n_jobs=1), decide="expected-f1").predict(["thing1"])
