"""Further rows for labels that are there."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.metrics import precision_at_k


def data(n, seed, shift=0):
    """Rows of 60 labels; ``shift`` turns labels to other centres."""
    centres = np.random.default_rng(0).normal(size=(60, 25))
    rng = np.random.default_rng(seed)
    of = rng.integers(60, size=n)
    X = centres[(of + shift) % 60] + 1.2 * rng.normal(size=(n, 25))
    return sp.csr_array(X.astype(np.float32)), [[int(one)] for one in of]


def fitted(**options):
    return XRLinear(branching=4, max_leaf_size=8, n_jobs=1, **options).fit(*data(180, 1))


def quality(model, n=400, shift=0):
    X, Y = data(n, 9, shift)
    truth = sp.csr_array(np.eye(60)[[one[0] for one in Y]])
    return precision_at_k(truth, model.predict_topk(X, 1)[0], 1)


def test_rows_are_learned():
    model = fitted()
    before = quality(model)
    for seed in range(2, 8):
        assert model.partial_fit(*data(60, seed), upper=True) is model
    assert quality(model) > before + 0.03
    assert model.n_instances_ == 180 + 6 * 60
    assert model.label_counts_.sum() == 180 + 6 * 60


def test_new_tastes_are_learned():
    model = fitted()
    before = quality(model, shift=20)
    for seed in range(2, 8):
        model.partial_fit(*data(200, seed, shift=20), upper=True)
    assert before < 0.1
    assert quality(model, shift=20) > 0.3


def test_other_leaves_stay_as_they_are():
    model = fitted()
    X, Y = data(400, 3)
    leaf = model.tree_.ancestors(model.tree_.depth - 1)
    first = set(model.tree_.labels[leaf == 0].tolist())
    here = [i for i, labels in enumerate(Y) if labels[0] in first]
    old = [layer.to_matrix()[0].toarray() for layer in model.layers_]
    model.partial_fit(X[here], [Y[i] for i in here])
    new = [layer.to_matrix()[0].toarray() for layer in model.layers_]
    own = leaf == 0
    assert (new[-1][:, ~own] == old[-1][:, ~own]).all()
    assert (new[-1][:, own] != old[-1][:, own]).any()


def test_the_layers_above_may_wait():
    first, second = fitted(), fitted()
    rows = data(60, 3)
    first.partial_fit(*rows)
    second.partial_fit(*rows, upper=True)
    top = fitted().layers_[0].to_matrix()[0]
    assert (first.layers_[0].to_matrix()[0] != top).nnz == 0
    assert (second.layers_[0].to_matrix()[0] != top).nnz > 0


def test_steps_and_precision():
    rows = data(60, 3)

    def far(**options):
        model, start = fitted(), fitted()
        model.partial_fit(*rows, **options)
        return abs(model.layers_[-1].to_matrix()[0] - start.layers_[-1].to_matrix()[0]).sum()

    assert 0 < far(step=0.01) < far(step=0.1) < far()
    model = fitted().quantize("int8").partial_fit(*rows)
    assert {layer.precision for layer in model.layers_} == {"int8"}


@pytest.mark.parametrize(
    "options",
    [{"n_trees": 2}, {"max_clusters": 2, "copies": "all"}, {"rerank": 0.3}, {"solver": "l1svc-dual"}],
)
def test_every_kind_of_tree_learns(options):
    model = fitted(**options)
    before = quality(model)
    for seed in range(2, 6):
        model.partial_fit(*data(100, seed))
    assert quality(model) > before


def test_a_model_is_saved_with_what_it_learned(tmp_path):
    from arborank import load

    model = fitted(rerank=0.3).partial_fit(*data(60, 3))
    model.save(tmp_path / "model")
    X = data(20, 5)[0]
    assert (load(tmp_path / "model").predict_topk(X, 5)[1] == model.predict_topk(X, 5)[1]).all()


def test_drift_is_told():
    model = XRLinear(branching=4, max_leaf_size=8, n_jobs=1, calibrate=True).fit(*data(1500, 1))
    model.partial_fit(*data(400, 2))
    assert not model.drift_.drifted
    assert model.drift_.observed == pytest.approx(model.drift_.expected, abs=0.1)
    with pytest.warns(UserWarning, match="not like those that the model was calibrated on"):
        model.partial_fit(*data(400, 3, shift=20))
    assert model.drift_.drifted
    assert model.drift_.n_rows == 400


def test_texts_are_learned():
    texts = ["red fruit", "yellow fruit", "fast car", "old car"] * 4
    labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]] * 4
    ranker = TextRanker(features=NgramTfidf(), label_names=False, n_jobs=1).fit(texts, labels)
    other = ranker.quantize("int8")
    assert (
        ranker.partial_fit(["fast fruit"] * 3, ["apple", "apple", ["apple", "plum"]], unknown="ignore")
        is ranker
    )
    assert ranker.rank("fast fruit", k=1)[0][0] == "apple"
    assert other.model_.n_instances_ == 16
    with pytest.raises(ValueError, match="plum"):
        ranker.partial_fit(["a"], [["plum"]])
    with pytest.raises(ValueError, match="go in pairs"):
        ranker.partial_fit(["a", "b"], [["apple"]])


def test_bad_arguments():
    model = fitted()
    X, Y = data(10, 2)
    old = model.fitted_
    with pytest.raises(ValueError, match="Y has 100 labels"):
        model.partial_fit(X, [[99]] * 10)
    with pytest.raises(ValueError, match="step"):
        model.partial_fit(X, Y, step=0.0)
    with pytest.raises(TypeError, match="upper"):
        model.partial_fit(X, Y, upper=2)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :5], Y)
    with pytest.raises(ValueError, match="logistic-dual"):
        fitted(solver="logistic-dual").partial_fit(X, Y)
    with pytest.raises(ValueError, match="1-D target"):
        XRLinear(n_jobs=1).fit(X, np.arange(10) % 3).partial_fit(X, np.arange(10) % 3)
    assert model.fitted_ is old
