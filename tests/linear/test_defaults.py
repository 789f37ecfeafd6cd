"""Parameters that are "auto": rules, what a fit makes of them, presets."""

import copy
import logging
import pickle
from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import arborank
from arborank import Autocompleter, Ensemble, TextRanker, XRLinear, disentangle
from arborank.analysis.compression import own_setting
from arborank.analysis.explain import explain
from arborank.core.sparse import as_csr
from arborank.core.state import State
from arborank.linear.defaults import AUTOMATIC, PRESETS, RULES, Facts, Resolved, resolve

USUAL = Facts(
    n_instances=60_000,
    n_features=50_000,
    n_labels=4_000,
    rows_per_label=25.0,
    labels_per_row=5.0,
    values_per_row=200.0,
    label_share=0.02,
)
PECOS = {
    "branching": 16,
    "max_leaf_size": 100,
    "Cn": 1.0,
    "threshold": 0.1,
    "beam_size": 10,
    "combine": "l3-hinge",
}
OTHER = {
    "branching": 3,
    "max_leaf_size": 4,
    "Cn": 0.7,
    "threshold": 0.02,
    "beam_size": 2,
    "combine": "sigmoid",
}


def problem(n_labels, n):
    """Rows of noise and a feature that tells the label, each of which has the same share of them."""
    rng = np.random.default_rng(0)
    noise = sp.random_array((n, 40), density=0.2, rng=rng, dtype=np.float32)
    labels = np.arange(n) % n_labels
    Y = sp.csr_array((np.ones(n, np.float32), (np.arange(n), labels)), (n, n_labels))
    return sp.csr_array(sp.hstack([noise, 2 * Y])), Y


RARE, FREQUENT = problem(700, 1400), problem(24, 150)


@pytest.fixture(scope="module", params=["rare", "frequent"])
def data(request):
    return RARE if request.param == "rare" else FREQUENT


def answers(model, X, **options):
    ids, scores = model.predict_topk(X, 5, **options)
    return ids.tobytes(), scores.tobytes()


# ------------------------------------------------------------------ rules


def test_usual_data_have_the_values_of_pecos():
    assert asdict(resolve(USUAL)) == PECOS


@pytest.mark.parametrize(
    ("facts", "changed"),
    [
        ({"label_share": 0.0019}, {"combine": "l2-l3-hinge", "beam_size": 30, "Cn": 0.3}),
        ({"label_share": 0.0}, {"combine": "l2-l3-hinge", "beam_size": 30, "Cn": 0.3}),
        ({"label_share": 0.002}, {}),
        ({"values_per_row": 8.0}, {}),
    ],
)
def test_values_of_a_rule(facts, changed):
    assert asdict(resolve(replace(USUAL, **facts))) == PECOS | changed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_gives_values_that_the_parameters_may_have(rule):
    assert rule.values.keys() <= set(AUTOMATIC)
    Resolved(**rule.values)


def test_facts_are_counted():
    X = np.array([[1, 0, 2], [0, 0, 0], [3, 0, 0], [1, 1, 1]], np.float32)
    Y = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]], np.float32)
    facts = Facts(
        n_instances=4,
        n_features=3,
        n_labels=2,  # one has no instance
        rows_per_label=2.5,
        labels_per_row=1.25,
        values_per_row=1.5,
        label_share=(3 * 0.75 + 2 * 0.5) / 5,
    )
    assert Facts.of(as_csr(X), as_csr(Y)) == facts
    stored = sp.csr_array(X)
    stored.data[0] = 0.0  # a zero that is stored is no value
    assert Facts.of(as_csr(stored), as_csr(Y)).values_per_row == 1.25


def test_forms_of_data_and_threads_do_not_matter(data):
    X, Y = data
    stored = X.copy()
    stored.data[::3] = 0.0
    fitted = [
        XRLinear(n_jobs=n_jobs).fit(rows, Y).resolved_
        for rows, n_jobs in ((stored, 1), (stored.toarray(), 2), (stored.tocsc(), 1))
    ]
    assert fitted[0] == fitted[1] == fitted[2]


# ------------------------------------------------------------------ fit


def test_fit_keeps_the_parameters_and_tells_the_values(data):
    X, Y = data
    model = XRLinear().fit(X, Y)
    assert {name: getattr(model, name) for name in AUTOMATIC} == dict.fromkeys(AUTOMATIC, "auto")
    assert model.resolved_ == resolve(Facts.of(as_csr(X), as_csr(Y)))
    assert (model.resolved_.beam_size > 10) == (X is RARE[0])
    assert repr(model) == "XRLinear()"


def test_automatic_values_are_as_good_as_given_ones(data):
    X, Y = data
    model = XRLinear().fit(X, Y)
    given = XRLinear(**asdict(model.resolved_)).fit(X, Y)
    assert given.resolved_ == model.resolved_
    assert answers(given, X) == answers(model, X)
    assert given.n_reachable_ == model.n_reachable_
    assert (given.predict(X) != model.predict(X)).nnz == 0
    assert own_setting(model) == own_setting(given)
    assert explain(model, X[:1], 3) == explain(given, X[:1], 3)


@pytest.mark.parametrize("name", AUTOMATIC)
def test_a_given_value_wins(data, name):
    X, Y = data
    model = XRLinear(**{name: OTHER[name]}).fit(X, Y)
    automatic = resolve(Facts.of(as_csr(X), as_csr(Y)))
    assert model.resolved_ == replace(automatic, **{name: OTHER[name]})
    assert answers(model, X) == answers(XRLinear(**asdict(model.resolved_)).fit(X, Y), X)


def test_values_for_every_layer():
    X, Y = FREQUENT
    costs = {"Cn": np.array([0.5, 1.0]), "threshold": [0.0, 0.1]}
    model = XRLinear(max_leaf_size=2, **costs).fit(X, Y)
    assert (model.resolved_.Cn, model.resolved_.threshold) == ((0.5, 1.0), (0.0, 0.1))


def test_a_second_fit_chooses_anew():
    model = XRLinear().fit(*RARE)
    assert model.resolved_.combine == "l2-l3-hinge"
    with pytest.raises(ValueError, match="rows"):
        model.fit(FREQUENT[0], FREQUENT[1][:-1])
    assert model.resolved_.combine == "l2-l3-hinge"
    assert model.fit(*FREQUENT).resolved_.combine == "l3-hinge"


def test_what_is_chosen_is_logged(caplog):
    with caplog.at_level(logging.INFO, "arborank"):
        XRLinear(branching=4).fit(*RARE)
    (line,) = [record.message for record in caplog.records if "chosen" in record.message]
    assert "combine='l2-l3-hinge'" in line
    assert "branching" not in line
    caplog.clear()
    with caplog.at_level(logging.INFO, "arborank"):
        XRLinear.preset("pecos").fit(*RARE)
    assert "chosen" not in caplog.text


# ------------------------------------------------------------------ after the fit


def test_parameters_set_after_the_fit_count_at_once(data):
    X, Y = data
    model = XRLinear(max_leaf_size=2, branching=2).fit(X, Y)
    before = answers(model, X)
    model.set_params(beam_size=1, combine="sigmoid")
    assert answers(model, X) != before
    assert answers(model, X) == answers(model, X, beam_size=1, combine="sigmoid")
    assert own_setting(model).beam_size == 1
    model.set_params(beam_size="auto", combine="auto")
    assert answers(model, X) == before


def test_auto_after_a_given_value_is_that_value():
    X, Y = RARE
    model = XRLinear(beam_size=3).fit(X, Y).set_params(beam_size="auto")
    assert answers(model, X) == answers(model, X, beam_size=3)


def test_copies_and_saved_models_keep_the_values(data, tmp_path):
    X, Y = data
    model = XRLinear(max_leaf_size=1000, threshold=[0.05], Cn=(1.0,)).fit(X, Y)
    model.save(tmp_path / "model")
    for twin in (
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        copy.copy(model),
        arborank.load(tmp_path / "model"),
        model.quantize("float32"),
    ):
        assert twin.resolved_ == model.resolved_
        assert twin.beam_size == "auto"
        assert answers(twin, X) == answers(model, X)
    assert not hasattr(clone(model), "resolved_")
    assert repr(clone(model)) == repr(model)
    assert f"| `resolved.beam_size` | `{model.resolved_.beam_size}` |" in (
        tmp_path / "model/README.md"
    ).read_text(encoding="utf-8")


def test_updates_use_the_values(data, tmp_path):
    X, Y = data
    old, new = sp.csr_array(Y[:, :20]), sp.csr_array(Y[:, 20:])
    model = XRLinear(max_leaf_size=4).fit(X, old)
    given = XRLinear(**asdict(model.resolved_)).fit(X, old)
    model.save(tmp_path / "model")
    for one in (model, arborank.load(tmp_path / "model")):
        for change in (
            lambda some: some.add_labels(X, new, negative_share=0.5),
            lambda some: some.learn_unseen_labels([20, 21], X[:2], X, old),
        ):
            grown, expected = change(one), change(given)
            assert grown.resolved_ == model.resolved_
            assert answers(grown, X) == answers(expected, X)


def test_disentangling_keeps_the_values():
    X, Y = RARE
    model = XRLinear(max_leaf_size=4, branching=4).fit(X, Y)
    again = disentangle(model, X, Y)
    assert again.resolved_ == model.resolved_
    at_once = XRLinear(**asdict(model.resolved_), max_clusters=2).fit(X, Y)
    assert answers(again, X) == answers(at_once, X)


def test_every_member_of_an_ensemble_has_its_values():
    X, Y = RARE
    members = Ensemble([XRLinear(), XRLinear(beam_size=2)]).fit(X, Y).models_
    assert [member.resolved_.beam_size for member in members] == [30, 2]


def test_a_training_goes_on_with_its_values(tmp_path):
    X, Y = RARE
    model = XRLinear().fit(X, Y, work_dir=tmp_path / "work")
    assert answers(model, X) == answers(XRLinear().fit(X, Y), X)
    assert answers(model, X) == answers(XRLinear().fit(X, Y, work_dir=tmp_path / "work"), X)
    with pytest.raises(ValueError, match="work_dir"):
        XRLinear(Cn=0.9).fit(X, Y, work_dir=tmp_path / "work")


# ------------------------------------------------------------------ other estimators


def test_a_completer_has_the_values_of_pecos():
    given = ["red apple", "green apple", "fast car", "old car"] * 6
    for model, expected in (
        (None, PECOS | {"threshold": 0.05, "max_leaf_size": 16, "beam_size": 5}),
        (XRLinear(), PECOS),
        (XRLinear(beam_size=3), PECOS | {"beam_size": 3}),
    ):
        completer = Autocompleter(model=model).fit_pairs([""] * 24, given)
        assert asdict(completer.model_.resolved_) == expected
        assert {name: getattr(completer.model_, name) for name in AUTOMATIC} == expected
        assert completer.complete("red")[0][0] == "red apple"
    assert model.max_leaf_size == "auto"


def test_a_ranker_of_texts():
    names = [f"name{i}" for i in range(600)]
    ranker = TextRanker().fit([f"about {name}" for name in names * 2], [[name] for name in names * 2])
    assert ranker.rank("about name17", k=1)[0][0] == "name17"
    assert ranker.model_.resolved_.combine == "l2-l3-hinge"
    assert ranker.model is None


# ------------------------------------------------------------------ presets


def test_the_preset_of_pecos():
    model = XRLinear.preset("pecos")
    assert dict(PRESETS["pecos"]) == PECOS
    assert {name: getattr(model, name) for name in AUTOMATIC} == PECOS
    rest = {name: value for name, value in XRLinear().get_params().items() if name not in AUTOMATIC}
    assert {name: value for name, value in model.get_params().items() if name not in AUTOMATIC} == rest
    assert asdict(model.fit(*RARE).resolved_) == PECOS


def test_changes_of_a_preset_win():
    model = XRLinear.preset("pecos", beam_size=20, Cn="auto", solver="logistic-dual")
    assert (model.beam_size, model.Cn, model.solver, model.combine) == (
        20,
        "auto",
        "logistic-dual",
        "l3-hinge",
    )


def test_unknown_presets_and_parameters():
    with pytest.raises(ValueError, match="preset must be one of 'pecos', found 'bonsai'"):
        XRLinear.preset("bonsai")
    with pytest.raises(TypeError, match="depth"):
        XRLinear.preset("pecos", depth=3)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize("name", ["Cp", "eps", "solver", "max_clusters", "representation", "random_state"])
def test_parameters_that_cannot_be_auto(name):
    with pytest.raises(ValueError, match=f"{name} is 'auto', but only branching, .*combine can be"):
        XRLinear(**{name: "auto"}).fit(*RARE)


@pytest.mark.parametrize("value", [["auto", 1.0], (0.5, "auto"), ["auto"]])
@pytest.mark.parametrize("name", ["Cn", "threshold"])
def test_auto_stands_alone(name, value):
    with pytest.raises(ValueError, match=f"{name} holds 'auto' among the values of layers"):
        XRLinear(**{name: value}).fit(*RARE)


@pytest.mark.parametrize("name", AUTOMATIC)
def test_other_words_are_no_values(name):
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .*'automatic'"):
        XRLinear(**{name: "automatic"}).fit(*RARE)


@pytest.mark.parametrize(
    ("resolved", "error", "message"),
    [
        (None, KeyError, "resolved"),
        ({"beam_size": 0}, ValueError, "beam_size must be at least 1"),
        ({"combine": "auto"}, ValueError, "combine must be one of"),
        ({"Cn": []}, ValueError, "Cn is empty"),
        ({"depth": 3}, TypeError, "depth"),
        ([1], TypeError, "mapping"),
    ],
)
def test_saved_values_are_checked(resolved, error, message):
    state = XRLinear().fit(*RARE).to_state()
    config = {name: value for name, value in state.config.items() if name != "resolved"}
    if resolved is not None:
        config["resolved"] = resolved
    with pytest.raises(error, match=message):
        XRLinear.from_state(State(config, state.arrays, state.parts))
