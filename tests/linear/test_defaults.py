"""Parameters that are "auto": what a fit makes of them, presets."""

import copy
import logging
import pickle
from dataclasses import asdict

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import arborank
from arborank import Autocompleter, Ensemble, TextRanker, XRLinear, disentangle
from arborank.analysis.compression import own_setting
from arborank.analysis.explain import explain
from arborank.core.state import State
from arborank.linear.defaults import AUTOMATIC, PRESETS
from arborank.linear.trial import FEW, FINE, LONG, SOFT, UNCERTAIN, WIDE

PECOS = {
    "branching": 16,
    "max_leaf_size": 100,
    "Cp": 1.0,
    "Cn": 1.0,
    "threshold": 0.1,
    "tail": 0.0,
    "beam_size": 10,
    "combine": "l3-hinge",
}
OTHER = {
    "branching": 3,
    "max_leaf_size": 4,
    "Cp": 1.4,
    "Cn": 0.7,
    "threshold": 0.02,
    "tail": 0.6,
    "beam_size": 2,
    "combine": "sigmoid",
}


def problem(n, n_labels, signal, seed=0):
    """Texts of six words, of which a share are words of their label; labels have four words each."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_labels
    own = rng.integers(n_labels, size=(n_labels, 4))[labels][
        np.arange(n)[:, None], rng.integers(4, size=(n, 6))
    ]
    words = np.where(rng.random((n, 6)) < signal, own, rng.integers(n_labels, size=(n, 6)))
    rows = np.repeat(np.arange(n), 6)
    X = sp.coo_array((np.ones(6 * n, np.float32), (rows, words.ravel())), (n, n_labels)).tocsr()
    return X, sp.csr_array((np.ones(n, np.float32), (np.arange(n), labels)), (n, n_labels))


NOISY, CLEAR, SMALL = problem(1600, 800, 0.4), problem(1200, 120, 1.0), problem(150, 24, 0.9)


@pytest.fixture(scope="module", params=["noisy", "small"])
def data(request):
    return NOISY if request.param == "noisy" else SMALL


def answers(model, X, **options):
    ids, scores = model.predict_topk(X, 5, **options)
    return ids.tobytes(), scores.tobytes()


# ------------------------------------------------------------------ the trial


def test_uncertain_clusters_are_found_out():
    costs = {"Cp": 1.0, "Cn": 0.4, "tail": 0.3}
    resolved = XRLinear(**costs).fit(*NOISY).resolved_
    assert asdict(resolved) == PECOS | WIDE | UNCERTAIN
    trees = XRLinear(n_trees=2, **costs).fit(*NOISY).resolved_
    assert asdict(trees) == PECOS | WIDE | UNCERTAIN | {"max_leaf_size": 150, "beam_size": 15}


def test_long_rows_keep_their_costs():
    X, Y = NOISY
    resolved = XRLinear(threshold=0.1, branching=128).fit(sp.hstack([X] * 11, format="csr"), Y).resolved_
    assert asdict(resolved) == PECOS | LONG | UNCERTAIN


def test_few_long_rows_have_one_level():
    X, Y = NOISY
    X = sp.hstack([X] * 11, format="csr")
    model = XRLinear().fit(X, Y)
    assert asdict(model.resolved_) == PECOS | FEW | {"max_leaf_size": 800}
    assert model.tree_.depth == 1
    for given in (
        {"tree": XRLinear(max_leaf_size=10).fit(X, Y).tree_},
        {"max_leaf_size": 50},
        {"n_trees": 2},
    ):
        assert XRLinear(**given).fit(X, Y).tree_.depth > 1
    many = sp.vstack([X] * 13, format="csr"), sp.vstack([Y] * 13, format="csr")
    assert XRLinear().fit(*many).tree_.depth > 1
    wide = sp.csr_array((Y.data, Y.indices * 40, Y.indptr), (1600, 32_000))
    assert XRLinear().fit(X, wide).tree_.depth == 1
    wide.resize(1600, 50_000)
    assert XRLinear().fit(X, wide).resolved_.max_leaf_size == 300


def test_errors_cost_less_where_labels_are_noisy():
    X, Y = problem(2000, 50, 0.5)
    rng = np.random.default_rng(2)
    ids = np.where(rng.random(2000) < 0.4, rng.integers(50, size=2000), Y.indices)
    noisy = sp.csr_array((Y.data, ids, Y.indptr), Y.shape)
    assert asdict(XRLinear().fit(X, noisy).resolved_) == PECOS | WIDE | SOFT
    assert XRLinear(Cp=1.0).fit(X, noisy).resolved_.Cp == 1.0


def test_small_weights_stay_where_they_rank_better():
    rng = np.random.default_rng(0)
    labels = np.arange(1600) % 800  # of two rows each, of 150 words; ten are words of their label
    own = rng.permuted(rng.integers(1000, size=(800, 150))[labels], axis=1)[:, :10]
    words = np.hstack([own, rng.integers(1000, size=(1600, 140))])
    X = sp.coo_array(
        (np.full(words.size, 0.08, np.float32), (np.repeat(np.arange(1600), 150), words.ravel()))
    )
    Y = sp.csr_array((np.ones(1600, np.float32), (np.arange(1600), labels)))
    assert XRLinear(branching=16).fit(X, Y).resolved_.threshold == FINE["threshold"]
    assert XRLinear(threshold=0.1).fit(X, Y).resolved_.threshold == 0.1


def test_they_are_worth_it():
    X, Y = NOISY
    X_new, Y_new = problem(1600, 800, 0.4, seed=0)
    rows = np.random.default_rng(1).permutation(1600)
    fitted, held = rows[:1400], rows[1400:]
    automatic, pecos = (model.fit(X[fitted], Y[fitted]) for model in (XRLinear(), XRLinear.preset("pecos")))
    assert automatic.resolved_ != pecos.resolved_
    assert automatic.score(X_new[held], Y_new[held]) > pecos.score(X_new[held], Y_new[held])


def test_certain_clusters_keep_the_combination():
    X, Y = CLEAR
    assert asdict(XRLinear(max_leaf_size=10).fit(X, Y).resolved_) == PECOS | WIDE | {"max_leaf_size": 10}
    trees = XRLinear(n_trees=2).fit(X, Y).resolved_
    assert asdict(trees) == PECOS | WIDE | {"max_leaf_size": 75, "beam_size": 15}


def test_few_rows_tell_nothing():
    X, Y = NOISY
    assert asdict(XRLinear().fit(X[:999], Y[:999]).resolved_) == PECOS


def test_rows_without_labels_tell_nothing():
    X = NOISY[0]
    few = sp.csr_array((np.ones(2, np.float32), ([3, 700], [0, 1])), (1600, 2))
    model = XRLinear().fit(X, few)
    assert asdict(model.resolved_) == PECOS
    assert model.predict_topk(X[[3]], 1)[0].item() == 0


def test_values_per_layer_are_not_tried():
    X, Y = NOISY
    assert XRLinear(Cp=[1.0, 1.0]).fit(X, Y).resolved_.combine == "l3-hinge"


def test_the_trial_leaves_what_is_given_alone():
    X, Y = NOISY
    tree = XRLinear(branching=4).fit(X, Y).tree_
    model = XRLinear(tree=tree, negatives="usn", verbose=0, representation="pii", combine="l2-hinge")
    negatives = sp.csr_array(Y[:, np.roll(np.arange(800), 1)])
    resolved = model.fit(X, Y, user_negatives=negatives).resolved_
    assert (resolved.combine, resolved.beam_size) == ("l2-hinge", 10)
    assert model.tree is tree


def test_documents_of_labels_are_not_tried():
    X, Y = CLEAR
    n = X.shape[0]
    noise, marks = NOISY[0][:, :120], sp.eye_array(120, format="csr", dtype=np.float32)
    documents = sp.vstack([noise[i * 120 : (i + 1) * 120] for i in range(10)])
    rows, labels = sp.vstack([X, documents]), sp.vstack([Y, *[marks] * 10])
    model = XRLinear(max_leaf_size=10).fit(rows, labels, n_documents=1200)
    assert model.resolved_ == XRLinear(max_leaf_size=10).fit(X, Y).resolved_
    assert (model.n_instances_, model.label_counts_.tolist()) == (n, [10] * 120)
    with pytest.raises(ValueError, match="n_documents"):
        XRLinear().fit(X, Y, n_documents=n + 1)


def test_warnings_come_once():
    X, Y = NOISY
    lengths = np.exp(np.random.default_rng(0).normal(scale=4, size=(1600, 1))).astype(np.float32)
    with pytest.warns(UserWarning, match="length") as caught:
        XRLinear().fit(X.multiply(lengths).tocsr(), Y)
    messages = [str(one.message) for one in caught]
    assert len(messages) == len(set(messages))


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
    assert (model.resolved_.beam_size > 10) == (X is NOISY[0])
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
    assert getattr(model.resolved_, name) == OTHER[name]
    assert answers(model, X) == answers(XRLinear(**asdict(model.resolved_)).fit(X, Y), X)


def test_values_for_every_layer():
    X, Y = SMALL
    costs = {"Cn": np.array([0.5, 1.0]), "threshold": [0.0, 0.1]}
    model = XRLinear(max_leaf_size=2, **costs).fit(X, Y)
    assert (model.resolved_.Cn, model.resolved_.threshold) == ((0.5, 1.0), (0.0, 0.1))


def test_a_second_fit_chooses_anew():
    model = XRLinear().fit(*NOISY)
    assert model.resolved_.combine == "l3-l4-hinge"
    with pytest.raises(ValueError, match="rows"):
        model.fit(SMALL[0], SMALL[1][:-1])
    assert model.resolved_.combine == "l3-l4-hinge"
    assert model.fit(*SMALL).resolved_.combine == "l3-hinge"


def test_what_is_chosen_is_logged(caplog):
    with caplog.at_level(logging.INFO, "arborank"):
        XRLinear(branching=4).fit(*NOISY)
    (line,) = [record.message for record in caplog.records if "chosen" in record.message]
    assert "combine='l3-l4-hinge'" in line
    assert "branching" not in line
    caplog.clear()
    with caplog.at_level(logging.INFO, "arborank"):
        XRLinear.preset("pecos").fit(*NOISY)
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
    X, Y = NOISY
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
    X, Y = NOISY
    model = XRLinear(max_leaf_size=4, branching=4).fit(X, Y)
    again = disentangle(model, X, Y)
    assert again.resolved_ == model.resolved_
    at_once = XRLinear(**asdict(model.resolved_), max_clusters=2).fit(X, Y)
    assert answers(again, X) == answers(at_once, X)


def test_every_member_of_an_ensemble_has_its_values():
    X, Y = NOISY
    members = Ensemble([XRLinear(), XRLinear(beam_size=2)]).fit(X, Y).models_
    assert [member.resolved_.beam_size for member in members] == [20, 2]


def test_a_training_goes_on_with_its_values(tmp_path):
    X, Y = NOISY
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
    assert ranker.model_.beam_size == "auto"
    assert ranker.model is None


# ------------------------------------------------------------------ presets


def test_the_preset_of_pecos():
    model = XRLinear.preset("pecos")
    assert dict(PRESETS["pecos"]) == PECOS
    assert {name: getattr(model, name) for name in AUTOMATIC} == PECOS
    rest = {name: value for name, value in XRLinear().get_params().items() if name not in AUTOMATIC}
    assert {name: value for name, value in model.get_params().items() if name not in AUTOMATIC} == rest
    assert asdict(model.fit(*NOISY).resolved_) == PECOS


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


@pytest.mark.parametrize("name", ["bias", "eps", "solver", "max_clusters", "representation", "random_state"])
def test_parameters_that_cannot_be_auto(name):
    with pytest.raises(ValueError, match=f"{name} is 'auto', but only branching, .*combine can be"):
        XRLinear(**{name: "auto"}).fit(*NOISY)


@pytest.mark.parametrize("value", [["auto", 1.0], (0.5, "auto"), ["auto"]])
@pytest.mark.parametrize("name", ["Cp", "Cn", "threshold"])
def test_auto_stands_alone(name, value):
    with pytest.raises(ValueError, match=f"{name} holds 'auto' among the values of layers"):
        XRLinear(**{name: value}).fit(*NOISY)


@pytest.mark.parametrize("name", AUTOMATIC)
def test_other_words_are_no_values(name):
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .*'automatic'"):
        XRLinear(**{name: "automatic"}).fit(*NOISY)


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
    state = XRLinear().fit(*NOISY).to_state()
    config = {name: value for name, value in state.config.items() if name != "resolved"}
    if resolved is not None:
        config["resolved"] = resolved
    with pytest.raises(error, match=message):
        XRLinear.from_state(State(config, state.arrays, state.parts))
