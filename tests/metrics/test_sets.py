"""Metrics of decisions and of probabilities against scikit-learn, plain loops, and numbers worked by hand."""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import f1_score, precision_recall_curve, precision_score, recall_score

from arborank.metrics import (
    bootstrap,
    brier_score,
    compare,
    ece_at_k,
    evaluate,
    evaluate_probabilities,
    evaluate_sets,
    example_f1,
    macro_f1,
    micro_f1,
    reliability,
    set_values,
    threshold_curve,
)


@pytest.fixture
def case():
    generator = np.random.default_rng(4)
    truth = (generator.random((80, 9)) < 0.3).astype(np.float32)
    truth[:, 0] = 1  # no row is empty, no label of the first is missing
    truth[0] = 1
    chosen = (generator.random((80, 9)) < 0.3).astype(np.float32)
    return truth, chosen


def test_f1_is_that_of_scikit_learn(case):
    truth, chosen = case
    answers = sp.csr_array(chosen)
    assert micro_f1(truth, answers) == pytest.approx(f1_score(truth, chosen, average="micro"))
    assert macro_f1(truth, answers) == pytest.approx(f1_score(truth, chosen, average="macro"))
    assert example_f1(truth, answers) == pytest.approx(f1_score(truth, chosen, average="samples"))
    ids = [np.flatnonzero(row) for row in chosen]
    padded = np.array([np.pad(row, (0, 9 - len(row)), constant_values=-1) for row in ids])
    assert micro_f1(truth, padded) == pytest.approx(micro_f1(truth, answers))


def test_report_of_sets(case):
    truth, chosen = case
    counts = np.array([200, 150, 50, 40, 30, 20, 5, 2, 0])
    report = evaluate_sets(truth, sp.csr_array(chosen), train_counts=counts, n_draws=200)
    flat = truth.ravel(), chosen.ravel()
    assert report.metrics["precision"].value == pytest.approx(precision_score(*flat))
    assert report.metrics["recall"].value == pytest.approx(recall_score(*flat))
    assert report.labels_per_row == pytest.approx(chosen.sum(axis=1).mean())
    assert report.answered == pytest.approx((chosen.sum(axis=1) > 0).mean())
    assert report.metrics["coverage"].value == pytest.approx(((truth * chosen).sum(axis=0) > 0).mean())
    assert [bucket.name for bucket in report.buckets] == ["head", "torso", "tail", "unseen"]
    assert sum(bucket.precision for bucket in report.buckets) == pytest.approx(
        report.metrics["precision"].value
    )
    for name, found in report.metrics.items():
        assert found.low <= found.value <= found.high, name
        assert f"{100 * found.value:.2f}" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["metrics"]["micro_f1"]["low"] > 0
    again = evaluate_sets(truth, sp.csr_array(chosen), train_counts=counts, n_draws=200)
    assert again.to_dict() == report.to_dict()


def test_nothing_chosen():
    report = evaluate_sets([[0], [1]], sp.csr_array((2, 3), dtype=np.float32), n_draws=10)
    assert report.answered == report.metrics["micro_f1"].value == report.metrics["precision"].value == 0.0


def test_intervals_cover_the_truth():
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(100):
        values = generator.random(60) < 0.4
        found = bootstrap(lambda w, v=values: w @ v / w.sum(), 60, n_draws=300, random_state=seed)
        covered += found.low <= 0.4 <= found.high
    assert covered >= 88


def test_bad_options_of_a_bootstrap():
    with pytest.raises(ValueError, match="n_rows must be at least 1"):
        bootstrap(lambda w: 0.0, 0)
    with pytest.raises(ValueError, match="confidence must be above 0"):
        bootstrap(lambda w: 0.0, 3, confidence=0.0)
    with pytest.raises(ValueError, match="n_draws must be at least 1"):
        bootstrap(lambda w: 0.0, 3, n_draws=0)


@pytest.fixture
def probable():
    generator = np.random.default_rng(6)
    chances = generator.random((50, 7)).astype(np.float32)
    truth = (generator.random((50, 7)) < chances**2).astype(np.float32)
    truth[7] = 0  # left out
    return truth, chances


@pytest.mark.parametrize("k", [1, 3, 7, 20])
def test_calibration_error_is_that_of_a_loop(probable, k):
    truth, chances = probable
    pairs = [
        (p, truth[i, j])
        for i, row in enumerate(chances)
        if truth[i].any()
        for j, p in sorted(enumerate(row), key=lambda one: -one[1])[:k]
    ]
    error = 0.0
    for b in range(15):
        inside = [(p, y) for p, y in pairs if min(int(p * 15), 14) == b]
        if inside:
            gap = np.mean([p for p, _ in inside]) - np.mean([y for _, y in inside])
            error += len(inside) / len(pairs) * abs(gap)
    matrix = sp.csr_array(chances)
    assert ece_at_k(truth, matrix, k) == pytest.approx(error, abs=1e-6)
    brier = np.mean([(p - y) ** 2 for p, y in pairs])
    assert brier_score(truth, matrix, k) == pytest.approx(brier, abs=1e-6)
    found = reliability(truth, matrix, k, n_bins=5)
    assert found.counts.sum() == len(pairs)
    assert found.edges.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    held = found.counts > 0
    assert ((found.predicted >= found.edges[:-1]) & (found.predicted <= found.edges[1:]))[held].all()


def test_certain_and_right():
    assert ece_at_k([[0]], sp.csr_array([[1.0, 0.5]]), 1) == 0.0
    assert brier_score([[0]], sp.csr_array((1, 2), dtype=np.float32), 1) == 0.0


def test_scores_are_no_probabilities():
    with pytest.raises(ValueError, match="probabilities must lie between 0 and 1, found 3"):
        ece_at_k([[0]], sp.csr_array([[3.0]]), 1)
    with pytest.raises(ValueError, match="k must be at least 1"):
        ece_at_k([[0]], sp.csr_array([[1.0]]), 0)


def test_curve_is_that_of_scikit_learn(probable):
    truth, chances = probable
    kept = truth.any(axis=1)
    curve = threshold_curve(truth, sp.csr_array(chances))
    precision, recall, thresholds = precision_recall_curve(truth[kept].ravel(), chances[kept].ravel())
    assert curve.thresholds[::-1] == pytest.approx(thresholds)
    assert curve.precision[::-1] == pytest.approx(precision[:-1])
    assert curve.recall[::-1] == pytest.approx(recall[:-1])
    at = curve.at(np.array([0.5, 0.999999, 0.0]))
    above = chances[kept] >= 0.5
    assert at.precision[0] == pytest.approx(truth[kept][above].mean())
    assert np.isnan(at.precision[1])
    assert at.recall.tolist()[1:] == [0.0, 1.0]
    assert at.f1[0] == pytest.approx(2 * truth[kept][above].sum() / (above.sum() + truth.sum()))


def test_comparison_of_rankings():
    generator = np.random.default_rng(8)
    truth = (generator.random((60, 9)) < 0.3).astype(np.float32)
    truth[3] = 0
    first, second = (np.argsort(generator.random((60, 9)), axis=1) for _ in range(2))
    found = compare(truth, first, second, ks=(1, 5), n_draws=200)
    for side, ids in (("first", first), ("second", second)):
        own = evaluate(truth, ids, ks=(1, 5)).metrics
        for name, one in found.metrics.items():
            assert getattr(one, side) == pytest.approx(own[name]), name
    assert found.by_row[3] == 0
    assert found.by_row.sum() / found.n_scored == pytest.approx(found.metrics["ndcg@5"].change.value)
    same = compare(truth, first, first, ks=(1,), n_draws=10)
    assert not same.metrics["precision@1"].is_clear
    perfect = np.argsort(-truth, axis=1, kind="stable")
    better = compare(truth, first, perfect, ks=(1,), n_draws=200)
    assert better.metrics["precision@1"].is_clear
    assert "*" in str(better)
    with pytest.raises(ValueError, match="no row to score"):
        compare(np.zeros((2, 9)), first[:2], second[:2])


def test_report_of_probabilities(probable):
    truth, chances = probable
    matrix = sp.csr_array(chances)
    found = evaluate_probabilities(truth, matrix, ks=(1, 3))
    assert found.ece == {k: ece_at_k(truth, matrix, k) for k in (1, 3)}
    assert found.brier[3] == brier_score(truth, matrix, 3)
    plain = json.loads(json.dumps(found.to_dict()))
    assert [one["threshold"] for one in plain["thresholds"]] == pytest.approx(np.arange(1, 10) / 10)
    half = (chances >= 0.5).astype(np.float32)
    assert plain["thresholds"][4]["f1"] == pytest.approx(micro_f1(truth, sp.csr_array(half)))
    assert sum(one["answers"] for one in plain["reliability"]) == 3 * 49
    assert f"{100 * found.ece[1]:.2f}" in str(found)
    sure = evaluate_probabilities([[0]], sp.csr_array([[0.95, 0.05]]), ks=(1,))
    assert sure.to_dict()["reliability"][0]["true"] is None
    assert sure.to_dict()["thresholds"][8]["precision"] == 1.0


def test_values_of_sets_are_those_of_the_report(case):
    truth, chosen = case
    values = set_values(truth, sp.csr_array(chosen))
    report = evaluate_sets(truth, sp.csr_array(chosen), n_draws=2)
    assert values.pop("labels_per_row") == report.labels_per_row
    assert values == {name: found.value for name, found in report.metrics.items()}
