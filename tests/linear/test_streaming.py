"""Further rows for labels that are there."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.linear.fitted import FittedTree
from arborank.linear.kept import KeptRows
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
        model.partial_fit(*data(200, seed, shift=20), step=1.0, upper=True)
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
    assert quality(model) > before - 0.01


def test_a_model_is_saved_with_what_it_learned(tmp_path):
    from arborank import load

    model = fitted(rerank=0.3).partial_fit(*data(60, 3))
    model.save(tmp_path / "model")
    X = data(20, 5)[0]
    assert (load(tmp_path / "model").predict_topk(X, 5)[1] == model.predict_topk(X, 5)[1]).all()


def test_grown_families_are_as_if_fitted_on_all_rows():
    X, Y = data(400, 2)
    old, old_Y = data(180, 1)
    weights = np.linspace(0.5, 1.5, 180)
    options = {"branching": 4, "max_leaf_size": 8, "combine": "l3-hinge", "n_jobs": 1}
    told = {"n_documents": 10, "row_length": 5.0}
    model = XRLinear(keep_rows=True, **options).fit(old, old_Y, sample_weight=weights, **told)
    model.partial_fit(X, Y)
    rows = sp.vstack([old[:170], X, old[170:]], format="csr")
    labels, weights = (
        [*old_Y[:170], *Y, *old_Y[170:]],
        np.concatenate([weights[:170], np.ones(400), weights[170:]]),
    )
    full = XRLinear(tree=model.tree_, **options).set_params(**vars(model.resolved_))
    full.fit(rows, labels, sample_weight=weights, **told)
    for renewed, fitted_anew in zip(model.layers_, full.layers_, strict=True):
        assert (renewed.to_matrix()[0] != fitted_anew.to_matrix()[0]).nnz == 0
        assert (renewed.bias == fitted_anew.bias).all()
    assert model.n_instances_ == full.n_instances_ == 570
    known = np.isin(np.arange(60), [one[0] for one in old_Y])
    assert (model.label_counts_ == full.label_counts_ * known).all()


def test_families_wait_until_their_rows_have_grown():
    X, Y = data(180, 1)
    model = XRLinear(branching=4, max_leaf_size=8, keep_rows=True, n_jobs=1).fit(X, Y)
    before = [layer.to_matrix()[0] for layer in model.layers_]
    level = model.tree_.depth - 1
    leaf = model.tree_.ancestors(level)
    label = Y[0][0]
    own = leaf == leaf[model.tree_.labels == label]
    model.partial_fit(X[:1], Y[:1])  # 181 rows at the root, which are learned from at 195
    after = [layer.to_matrix()[0] for layer in model.layers_]
    assert (before[0] != after[0]).nnz == 0
    assert (before[-1][:, ~own] != after[-1][:, ~own]).nnz == 0
    for _ in range(4):
        model.partial_fit(X[:1], Y[:1])
    assert (before[-1][:, own] != model.layers_[-1].to_matrix()[0][:, own]).nnz > 0


@pytest.mark.parametrize(
    "options",
    [
        {"n_trees": 2},
        {"rerank": 0.3},
        {"negatives": "tfn+man"},
        {"max_rows": 50},
        {"solver": "logistic-dual"},
    ],
)
def test_every_kind_of_tree_learns_from_kept_rows(options):
    model, other = (fitted(keep_rows=True, **options).set_params(n_jobs=n) for n in (1, 3))
    before = quality(model)
    for seed in range(2, 6):
        rows = data(100, seed)
        model.partial_fit(*rows)
        other.partial_fit(*rows)
    assert quality(model) > before + 0.03
    X = data(50, 8)[0]
    assert (model.predict_topk(X, 5)[1] == other.predict_topk(X, 5)[1]).all()


def test_kept_rows_are_saved_and_copied(tmp_path):
    from arborank import load

    model = fitted(keep_rows=True).quantize("int8")
    model.save(tmp_path / "model")
    loaded, copied = load(tmp_path / "model"), pickle.loads(pickle.dumps(model))
    rows, X = data(200, 3), data(20, 5)[0]
    scores = [one.partial_fit(*rows).predict_topk(X, 5)[1] for one in (model, loaded, copied)]
    assert (scores[0] == scores[1]).all()
    assert (scores[0] == scores[2]).all()
    assert {layer.precision for layer in loaded.layers_} == {"int8"}
    loaded.without_rows().save(tmp_path / "model")
    passed_on = load(tmp_path / "model")
    assert passed_on.fitted_.rows is None
    assert not passed_on.keep_rows
    assert (passed_on.predict_topk(X, 5)[1] == scores[0]).all()
    assert loaded.fitted_.rows.n_rows == 380


def test_damaged_rows_are_refused():
    model = fitted(keep_rows=True)
    state = model.fitted_.rows.to_state()

    def damaged(**arrays):
        return KeptRows.from_state(replace(state, arrays={**state.arrays, **arrays}))

    with pytest.raises(ValueError, match="kept rows do not fit one another"):
        damaged(starts=state.arrays["starts"][:-1])
    with pytest.raises(TypeError, match="n_labels"):
        KeptRows.from_state(replace(state, config={**state.config, "n_labels": "60"}))
    labels = state.arrays["labels"].copy()
    labels[3] = 60
    for name, array in {"labels": labels, "values": state.arrays["values"] * np.nan}.items():
        model.fitted_ = replace(model.fitted_, rows=damaged(**{name: array}))
        before = model.fitted_
        with pytest.raises(ValueError, match=r"outside|NaN"):
            model.partial_fit(*data(10, 2))
        assert model.fitted_ is before
    narrow = replace(model.fitted_.to_state(), parts={**model.fitted_.to_state().parts})
    narrow.parts["rows"] = damaged().take(np.arange(59))
    with pytest.raises(ValueError, match="not those of the labels and features"):
        FittedTree.from_state(narrow)


def test_kept_rows_follow_labels_that_come_and_go():
    X, Y = data(600, 1)
    is_new = np.array([one[0] >= 50 for one in Y])
    rows = np.flatnonzero(~is_new)
    model = XRLinear(branching=4, max_leaf_size=8, keep_rows=True, n_jobs=1)
    model.fit(X[rows], sp.csr_array(np.eye(50, dtype=np.float32)[[Y[i][0] for i in rows]]))
    marks = np.zeros((600, 10), np.float32)
    marks[is_new, [Y[i][0] - 50 for i in np.flatnonzero(is_new)]] = 1
    grown = model.add_labels(X, sp.csr_array(marks))
    before = quality(grown)
    grown.partial_fit(*data(300, 3))
    assert quality(grown) > before
    X, Y = data(400, 9)
    of_new = [i for i, one in enumerate(Y) if one[0] >= 50]
    right = grown.predict_topk(X[of_new], 1)[0].ravel() == [Y[i][0] for i in of_new]
    assert right.mean() > 0.2
    small = grown.remove_labels(np.arange(10), renumber=True)
    small.partial_fit(data(300, 4)[0][:5], [[0]] * 5)
    assert small.n_labels_ == 50
    order = np.arange(60)[::-1]
    turned = grown.renumber_labels(order, 60)
    X, Y = data(200, 6)
    first = turned.partial_fit(X, [[59 - one[0]] for one in Y]).predict_topk(X, 1)[0]
    assert (59 - first == grown.partial_fit(X, Y).predict_topk(X, 1)[0]).all()


def test_labels_known_by_a_text_only_stay_as_they_are():
    model = fitted(keep_rows=True)
    X, Y = data(180, 1)
    about = data(60, 7)[0]
    marks = sp.csr_array(np.eye(60, dtype=np.float32)[[one[0] for one in Y]])
    grown = model.learn_unseen_labels([60, 61], about[:2], X, marks)
    before = dict(zip(*(one[0].tolist() for one in grown.predict_topk(about[:1], 62)), strict=True))
    grown.partial_fit(sp.vstack([X, X]), [*Y, *([[60]] * 180)])
    after = dict(zip(*(one[0].tolist() for one in grown.predict_topk(about[:1], 62)), strict=True))
    assert 60 in after
    assert (after[60] > after[61]) == (before[60] > before[61])
    assert grown.label_counts_[60] == 0


def test_drift_is_told():
    model = XRLinear(branching=4, max_leaf_size=8, n_jobs=1, calibrate=True).fit(*data(1500, 1))
    model.partial_fit(*data(400, 2))
    assert not model.drift_.drifted
    assert model.drift_.observed == pytest.approx(model.drift_.expected, abs=0.1)
    with pytest.warns(UserWarning, match="not like those that the model was calibrated on"):
        model.partial_fit(*data(400, 3, shift=20))
    assert model.drift_.drifted
    assert model.drift_.n_rows == 400


def test_rankers_of_texts_keep_rows():
    texts = ["red fruit", "yellow fruit", "fast car", "old car"] * 4
    labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]] * 4
    ranker = TextRanker(NgramTfidf(), XRLinear(keep_rows=True), n_jobs=1).fit(texts, labels)
    ranker.partial_fit(["fast fruit"] * 3, ["apple"] * 3)
    assert ranker.rank("fast fruit", k=1)[0][0] == "apple"
    assert ranker.without_rows().rank("fast fruit", k=2) == ranker.rank("fast fruit", k=2)
    assert ranker.without_rows().model_.fitted_.rows is None


def test_texts_are_learned():
    texts = ["red fruit", "yellow fruit", "fast car", "old car"] * 4
    labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]] * 4
    ranker = TextRanker(features=NgramTfidf(), label_names=False, n_jobs=1).fit(texts, labels)
    other = ranker.quantize("int8")
    assert (
        ranker.partial_fit(
            ["fast fruit"] * 3, ["apple", "apple", ["apple", "plum"]], unknown="ignore", step=1.0
        )
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
    marks = sp.csr_array(np.eye(60, dtype=np.float32)[[one[0] for one in Y]])
    for given in ({"relevance": marks}, {"user_negatives": marks}):
        with pytest.raises(ValueError, match=f"keep_rows is True, but {next(iter(given))} is given"):
            XRLinear(keep_rows=True, n_jobs=1).fit(X, marks, **given)
    with pytest.raises(ValueError, match="keep_rows is True, but max_clusters is 2"):
        fitted(keep_rows=True, max_clusters=2)
    with pytest.raises(TypeError, match="keep_rows"):
        fitted(keep_rows="all")
