"""Rules that choose what `predict` answers, with the model and saved with it."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import Ensemble, XRLinear
from arborank.decisions import RULES, Abstain, FixedK, Threshold, WeightedTopK, as_rule, candidates, decide
from arborank.decisions.deciding import tuned_rule
from arborank.metrics import micro_f1


@pytest.fixture(scope="module")
def data():
    """Rows with one to six of 40 labels, whose features are their labels' among noise."""
    rng = np.random.default_rng(0)
    rates = 1.5 / np.arange(2, 42) ** 0.7
    Y = sp.csr_array((rng.random((1200, 40)) < rates).astype(np.float32))
    meaning = rng.random((40, 60)) < 0.08
    noise = rng.random((1200, 60)) < 0.05
    X = sp.csr_array(((Y @ meaning + noise) > 0).astype(np.float32))
    return X[:900], Y[:900], X[900:], Y[900:]


@pytest.fixture(scope="module")
def model(data):
    return XRLinear(calibrate=True, n_jobs=1).fit(data[0], data[1])


@pytest.fixture(scope="module")
def plain(data):
    return XRLinear(n_jobs=1).fit(data[0], data[1])


def with_rule(model, rule):
    twin = arborank.XRLinear.from_state(model.to_state())
    return twin.set_params(decide=rule)


@pytest.mark.filterwarnings("ignore:no threshold has precision")
@pytest.mark.parametrize("name", RULES)
def test_predict_uses_the_rule(model, data, name):
    twin = with_rule(model, name)
    chosen = twin.predict(data[2])
    assert chosen.shape == (300, 40)
    assert (chosen.data == 1).all()
    assert (chosen != (decide(model, data[2], name) > 0)).nnz == 0


def test_a_rule_takes_the_probabilities_of_the_model(model, data):
    ids, chances = model.predict_proba_topk(data[2], 30)
    chosen = with_rule(model, "threshold=0.4").predict(data[2]).toarray() > 0
    for row in range(300):
        assert set(np.flatnonzero(chosen[row])) == set(ids[row, chances[row] >= np.float32(0.4) + 1e-6])
    best = model.predict_topk(data[2], 3)[0]
    few = with_rule(model, FixedK(3)).predict(data[2]).toarray() > 0
    assert [set(row) for row in best.tolist()] == [set(np.flatnonzero(row)) for row in few]


def test_rules_are_tuned_on_the_answers_of_the_calibration(model):
    answers = model.calibration_.answers
    chances, hits = answers.chances[answers.ids >= 0], answers.hits[answers.ids >= 0]
    cuts = np.unique(chances)
    values = [
        2 * hits[chances >= cut].sum() / ((chances >= cut).sum() + answers.n_relevant.sum()) for cut in cuts
    ]
    assert tuned_rule(model, "threshold").threshold == pytest.approx(cuts[np.argmax(values)])
    f1 = [
        2 * answers.hits[:, :k].sum() / ((answers.ids[:, :k] >= 0).sum() + answers.n_relevant.sum())
        for k in range(1, 31)
    ]
    assert tuned_rule(model, "fixed-k").k == np.argmax(f1) + 1


def test_a_tuned_threshold_beats_every_k(model, data):
    tuned = micro_f1(data[3], with_rule(model, "threshold").predict(data[2]))
    fixed = max(micro_f1(data[3], with_rule(model, FixedK(k)).predict(data[2])) for k in range(1, 8))
    assert tuned > fixed


@pytest.mark.filterwarnings("ignore:no threshold has precision")
@pytest.mark.parametrize("rule", ["coverage=3", Threshold(0.3, at_most=2), Abstain(), WeightedTopK(k=2)])
def test_a_rule_is_saved_with_the_model(model, data, rule, tmp_path):
    twin = with_rule(model, rule)
    twin.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert type(again.decide) is type(rule)
    if isinstance(rule, str | Threshold):
        assert again.decide == rule
    assert (again.predict(data[2]) != twin.predict(data[2])).nnz == 0
    assert again.get_params()["decide"] is again.decide


def test_a_tuned_rule_keeps_its_arrays(model, data, tmp_path):
    tuned = as_rule("macro-recall").fit(candidates(model, data[2]), data[3])
    twin = with_rule(model, tuned)
    twin.save(tmp_path / "model")
    assert np.array_equal(arborank.load(tmp_path / "model").decide.slopes, tuned.slopes)


def test_labels_that_change(model, data):
    twin = with_rule(model, "threshold")
    fewer = twin.remove_labels([0, 5], renumber=True)
    answers = fewer.calibration_.answers
    assert answers.ids.max() == 37
    assert (answers.hits.sum(axis=1) <= answers.n_relevant).all()
    assert ((answers.ids < 0) == np.isneginf(answers.chances)).all()
    before = twin.calibration_.answers
    assert answers.hits.sum() == (before.hits & ~np.isin(before.ids, [0, 5])).sum()
    assert fewer.predict(data[2]).shape == (300, 38)
    X = sp.vstack([data[2], data[2]]).tocsr()
    more = twin.add_labels(X, sp.csr_array(np.arange(600)[:, None] % 7 == 0).astype(np.float32))
    assert more.predict(data[2]).shape == (300, 41)
    assert more.calibration_.answers.ids.max() <= 39


def test_answers_to_held_out_rows_are_calibrated(model):
    answers = model.calibration_.answers
    listed = answers.ids >= 0
    assert listed.sum() > 10_000
    assert answers.chances[listed].mean() == pytest.approx(answers.hits[listed].mean(), abs=0.01)
    assert (np.diff(answers.chances, axis=1)[listed[:, 1:]] <= 0).all()


def test_an_ensemble_decides(data, tmp_path):
    members = [XRLinear(random_state=seed, n_jobs=1) for seed in (0, 1)]
    both = Ensemble(members, calibrate=True, decide="threshold").fit(data[0], data[1])
    chosen = both.predict(data[2])
    assert micro_f1(data[3], chosen) > micro_f1(data[3], both.set_params(decide="fixed-k=3").predict(data[2]))
    for rule in ("fixed-k=3", Threshold(0.5)):
        both.set_params(decide=rule).save(tmp_path / "model")
        again = arborank.load(tmp_path / "model")
        assert again.decide == rule
        assert (again.predict(data[2]) != both.predict(data[2])).nnz == 0
    short = Ensemble(members, member_k=5, decide="fixed-k=3").fit(data[0], data[1])
    assert (short.predict(data[2]).sum(axis=1) == 3).all()
    assert Ensemble(members).fit(data[0], data[1]).predict(data[2]).shape == (300, 40)


def test_rules_without_probabilities(plain, data):
    assert (with_rule(plain, "fixed-k=2").predict(data[2]).sum(axis=1) == 2).all()
    with pytest.raises(ValueError, match=r"the rule 'threshold' needs probabilities, .* calibrate=True"):
        with_rule(plain, "threshold").predict(data[2])
    with pytest.raises(ValueError, match=r"the rule 'fixed-k' has to be tuned: .* fixed-k=5, or calibrate"):
        with_rule(plain, "fixed-k").predict(data[2])


def test_rules_that_are_none(data):
    with pytest.raises(ValueError, match=r"decide must be one of .*; did you mean 'threshold'"):
        XRLinear(decide="treshold").fit(data[0], data[1])
    with pytest.raises(TypeError, match="decide must be a rule or its name, found 5"):
        XRLinear(decide=5).fit(data[0], data[1])
