"""`RankerSearch`: the defaults first, the best setting last, and everything that may come between."""

import sys

import numpy as np
import pytest

from arborank import HybridRanker, TextRanker, XRLinear
from arborank.metrics import ndcg_at_k
from arborank.tune import RankerSearch
from arborank.tune.study import Study
from arborank.tune.texts import TextTask
from support.tuning import made_up, timeless


def search(**options):
    return RankerSearch(**{"minutes": None, "n_trials": 5, "min_rows": 1000, "n_jobs": 1, **options})


@pytest.fixture(scope="module")
def found(data):
    train, valid = data
    return search(n_trials=12).fit(*train, validation=valid)


def score(ranker, texts, labels):
    return ndcg_at_k(ranker.encode_labels(labels, "extend"), ranker.predict_topk(texts, 5)[0], 5)


def test_the_first_trial_are_the_defaults(found, data):
    (texts, labels), valid = data
    assert set(found.trials_[0].values()) >= {"default"}
    assert found.default_score_ == pytest.approx(score(TextRanker().fit(texts, labels), *valid))


def test_the_result_is_the_best_setting_trained_on_everything(found, data):
    _, valid = data
    assert found.best_score_ == max(row.get("ndcg@5", 0) for row in found.trials_)
    assert found.best_score_ > found.default_score_
    assert score(found.best_ranker_, *valid) == pytest.approx(found.best_score_)  # learned from all but these
    assert found.best_params_
    chosen = {name: value for name, value in found.study_.chosen.items() if name != "label_names"}
    changed = chosen | found.best_params_
    assert changed["Cn"] == found.best_config_["model"]["Cn"]  # no small training that may choose otherwise
    assert chosen.keys() <= found.best_config_["model"].keys()


def test_rows_that_were_held_out_are_learned_from_in_the_end(data):
    (texts, labels), _ = data
    one = search(n_trials=2).fit(texts, labels)
    assert one.best_ranker_.model_.n_instances_ == len(texts)


def test_the_same_seed_finds_the_same(found, data):
    train, valid = data
    again = search(n_trials=12, n_jobs=2).fit(*train, validation=valid)
    assert timeless(again.trials_) == timeless(found.trials_)
    assert again.best_config_ == found.best_config_
    other = search(n_trials=12, random_state=1).fit(*train, validation=valid)
    assert timeless(other.trials_) != timeless(found.trials_)


def test_nothing_on_the_frontier_is_beaten(found):
    costs = [(row["n_bytes"], row["microseconds"], -row["ndcg@5"]) for row in found.frontier_]
    assert costs == sorted(costs)
    for one in costs:
        assert not any(other != one and np.all(np.array(other) <= one) for other in costs)
    assert max(row["ndcg@5"] for row in found.frontier_) == found.best_score_


def test_defaults_are_tried_on_every_sample_and_promising_settings_go_on(data):
    train, valid = data
    one = search(n_trials=9, min_rows=20).fit(*train, validation=valid)
    study = one.study_
    assert study.shares == pytest.approx([1 / 9, 1 / 3, 1])
    assert set(study.default.outcomes) == {0, 1, 2}
    reached = [trial.highest for trial in study.trials[1:]]
    assert 0 in reached  # left behind
    assert 2 in reached
    assert study.best().rung == 2


def test_samples_learn_with_what_everything_has_chosen(data, monkeypatch):
    """Rules look at the frequencies of labels, which a sample of labels changes."""
    train, valid = data
    given = []
    real = TextTask.fit
    monkeypatch.setattr(
        TextTask, "fit", lambda task, lesson, params: (given.append(params), real(task, lesson, params))[1]
    )
    one = search(n_trials=2, min_rows=20).fit(*train, validation=valid)
    chosen = one.study_.default.outcomes[2].chosen
    assert chosen["branching"] == 16
    assert [params.get("branching") for params in given[:4]] == [None, None, 16, 16]
    assert [params.get("label_names") for params in given[:4]] == [
        None,
        None,
        chosen["label_names"],
        chosen["label_names"],
    ]
    assert given[4] == chosen | {"n_trees": 3}
    assert one.study_.values(one.study_.plain_default(2)) == {}


def test_features_are_fitted_once_for_a_setting_and_a_sample(data, monkeypatch):
    fitted = []
    monkeypatch.setattr(
        "arborank.tune.remembering.fit_rows",
        lambda features, texts, real=sys.modules["arborank.features.base"].fit_rows: (
            fitted.append((repr(features), len(texts))),
            real(features, texts),
        )[1],
    )
    train, valid = data
    search(n_trials=10).fit(*train, validation=valid)
    assert fitted
    assert len(fitted) == len(set(fitted))


def test_what_was_tried_before_an_interruption_is_not_tried_again(data, tmp_path, found, monkeypatch):
    train, valid = data

    def interrupt(study):
        if study.now is not None and study.now[0] == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(n_trials=12, callback=interrupt).fit(*train, validation=valid, work_dir=tmp_path / "work")
    trained = []
    real = TextTask.fit
    monkeypatch.setattr(TextTask, "fit", lambda task, *given: (trained.append(given), real(task, *given))[1])
    again = search(n_trials=12).fit(*train, validation=valid, work_dir=tmp_path / "work")
    assert len(trained) == 12 - 7
    assert timeless(again.trials_) == timeless(found.trials_)
    assert again.best_config_ == found.best_config_


def test_more_trials_go_on_from_those_there_are(data, tmp_path):
    train, valid = data
    few = search(n_trials=2).fit(*train, validation=valid, work_dir=tmp_path / "work")
    more = search(n_trials=4).fit(*train, validation=valid, work_dir=tmp_path / "work")
    assert more.trials_[:2] == few.trials_  # with the times of then
    assert len(more.trials_) == 4


@pytest.mark.parametrize(
    "change", [{"metric": "precision@1"}, {"ranker": TextRanker(model=XRLinear(Cp=2.0))}]
)
def test_a_directory_of_another_search_is_refused(data, tmp_path, change):
    train, valid = data
    search(n_trials=1).fit(*train, validation=valid, work_dir=tmp_path / "work")
    with pytest.raises(ValueError, match=f"work_dir .* what differs: {next(iter(change))}"):
        search(n_trials=1, **change).fit(*train, validation=valid, work_dir=tmp_path / "work")
    with pytest.raises(ValueError, match="what differs: data"):
        search(n_trials=1).fit(*made_up(240, 3), validation=valid, work_dir=tmp_path / "work")


def test_a_setting_that_cannot_be_trained_is_no_end(data, monkeypatch):
    train, valid = data
    real = TextTask.fit

    def fit(task, lesson, params):
        if params.get("Cn") == 0.3:
            raise MemoryError("too large")
        return real(task, lesson, params)

    monkeypatch.setattr(TextTask, "fit", fit)
    one = search(n_trials=6).fit(*train, validation=valid)
    assert [row["failure"] for row in one.trials_].count("too large") >= 1
    assert one.best_params_.get("Cn") != 0.3


def test_limits_hold(data, found):
    train, valid = data
    limit = found.trials_[0]["n_bytes"] + 1
    one = search(n_trials=12, max_size=limit).fit(*train, validation=valid)
    assert one.study_.best().n_bytes <= limit
    assert any(row.get("n_bytes", 0) > limit for row in one.trials_)


def test_the_nearest_setting_is_told_and_only_taken_where_that_is_accepted(data, tmp_path):
    train, valid = data
    work = {"validation": valid, "work_dir": tmp_path / "work"}
    with pytest.raises(
        ValueError, match=r"no setting has at most 10 bytes: the nearest has .* say accept=True"
    ):
        search(n_trials=3, max_size=10).fit(*train, **work)
    nearest = search(n_trials=3, max_size=10, accept=True).fit(*train, **work)
    assert nearest.study_.best().n_bytes == min(row["n_bytes"] for row in nearest.trials_ if "n_bytes" in row)
    with pytest.raises(ValueError, match="at most 1 µs a query: the nearest"):
        search(n_trials=3, max_query_time=1e-6).fit(*train, **work)


def test_too_short_a_time_is_told_after_the_defaults(data, monkeypatch):
    train, valid = data
    tried = []
    with pytest.raises(ValueError, match=r"minutes 1e-06 is too short for one trial: .* give \d"):
        search(minutes=1e-6, callback=lambda study: tried.append(study.now)).fit(*train, validation=valid)
    assert tried == [(0, 0)]


def test_time_ends_a_search(data, monkeypatch):
    train, valid = data
    one = search(minutes=0.05, n_trials=None).fit(*train, validation=valid)
    assert 1 < len(one.trials_) < 1000
    assert one.study_.seconds < 6


def test_too_few_rows_to_hold_some_out():
    with pytest.raises(ValueError, match="holdout leaves 3 of 12 rows with labels"):
        search().fit(*made_up(12, 1))
    with pytest.raises(ValueError, match="holdout leaves 1 of 40 rows"):
        search(holdout=0.03).fit(*made_up(40, 1))


def test_matrices(topics):
    X, Y = topics
    one = search(n_trials=6, min_rows=30).fit(X, Y)
    assert isinstance(one.best_ranker_, XRLinear | HybridRanker)
    assert one.best_score_ >= one.default_score_
    assert "features" not in one.trials_[0]
    assert one.best_ranker_.predict_topk(X, 3)[0].shape == (300, 3)
    assert one.best_ranker_.n_labels_ == Y.shape[1]


def test_a_hybrid_ranker_is_tried_and_saved_as_a_configuration(topics, monkeypatch):
    X, Y = topics
    one = search(n_trials=3, min_rows=30).fit(X, Y)
    (tried,) = (trial for trial in one.study_.trials if trial.params.get("hybrid") is True)
    assert tried.failure is None

    def best(study):
        (hybrid,) = (trial for trial in study.trials if trial.params.get("hybrid") is True)
        return study.best_of(hybrid, hybrid.highest)

    monkeypatch.setattr(Study, "best", best)
    best = search(n_trials=3, min_rows=30).fit(X, Y)
    assert best.best_config_.keys() >= {"model", "hybrid"}
    assert isinstance(best.best_ranker_, HybridRanker)
    assert best.best_ranker_.n_instances_ == X.shape[0]


def test_no_hybrid_ranker_for_classes(topics):
    X, _ = topics
    one = search(n_trials=3, min_rows=30).fit(X, np.arange(X.shape[0]) % 7)
    assert all("hybrid" not in trial.params and trial.failure is None for trial in one.study_.trials)


def test_relevance_is_learned_from(data):
    (texts, labels), valid = data
    rng = np.random.default_rng(0)
    relevance = [rng.uniform(0.1, 5, len(row)).tolist() for row in labels]
    plain = search(n_trials=1).fit(texts, labels, validation=valid)
    weighed = search(n_trials=1).fit(texts, labels, relevance=relevance, validation=valid)
    assert plain.trials_[0]["ndcg@5"] != weighed.trials_[0]["ndcg@5"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"metric": "accuracy@5"}, "metric must be one of precision, .* found 'accuracy@5'"),
        ({"metric": "ndcg@0"}, "metric must be one of"),
        ({"minutes": None, "n_trials": None}, "minutes is None, and so is n_trials"),
        ({"minutes": 0}, "minutes must be above 0"),
        ({"holdout": 0.6}, "holdout must be at most 0.5"),
        ({"ranker": XRLinear()}, "X holds texts, which XRLinear does not take"),
        ({"ranker": "best"}, "ranker must be a TextRanker, an XRLinear or None, found str"),
    ],
)
def test_bad_parameters_are_named(data, options, named):
    with pytest.raises((TypeError, ValueError), match=named):
        search(**options).fit(*data[0])


def test_optuna_is_an_extra(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"arborank\[tune\]"):
        search().fit(*data[0])


def test_weights_of_texts_count():
    texts, labels = ["red fruit", "red fruit", "fast car", "old car"] * 30, [["a"], ["b"], ["c"], ["d"]] * 30
    valid = texts[:4], [["b"], ["b"], ["c"], ["d"]]
    found = search(n_trials=1).fit(texts, labels, sample_weight=[1, 9, 1, 1] * 30, validation=valid)
    assert found.best_ranker_.rank("red fruit", 1)[0][0] == "b"
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        search(n_trials=1).fit(texts, labels, sample_weight=[1])
    with pytest.raises(TypeError, match="sample_weight goes with texts"):
        search(n_trials=1).fit(np.eye(4), [[0], [1], [2], [3]], sample_weight=[1] * 4)
