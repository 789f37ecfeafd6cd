"""What models would have earned on a log: against sums written out, and against what they do earn."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import XRLinear
from arborank.exploration import (
    Boltzmann,
    Decision,
    DecisionLog,
    EpsilonGreedy,
    ExploringRanker,
    TooFewDecisions,
    evaluate,
)

N_LABELS, K = 40, 2


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(N_LABELS, 20))
    of = rng.integers(N_LABELS, size=1500)
    X = centres[of] + rng.normal(size=(of.size, 20))
    return sp.csr_array(X.astype(np.float32)), [[int(one)] for one in of]


def model_of(data, rows, **options):
    X, Y = data
    return XRLinear(branching=4, max_leaf_size=6, beam_size=4, n_jobs=1, **options).fit(X[rows], Y[rows])


@pytest.fixture(scope="module")
def first(data):
    return model_of(data, slice(400), calibrate=True)


@pytest.fixture(scope="module")
def second(data):
    return model_of(data, slice(300, 700))


@pytest.fixture(scope="module")
def log(data, first):
    X, Y = data
    ranker = ExploringRanker(first, EpsilonGreedy(epsilon=0.8), explore=K, seed=4)
    decisions = []
    for row in range(700, 1500):
        one = ranker.rank(X[row : row + 1], k=K)
        decisions.append(replace(one, rewards=tuple(float(label in Y[row]) for label in one.labels)))
    return DecisionLog(tuple(decisions))


def test_estimates_are_the_sums_of_the_books(data, log, first, second):
    report = evaluate(log, {"first": first, "second": second}, n_draws=50, least=0.0)
    X = data[0][700:]
    ids = second.predict_topk(X, K)[0]
    best, chances = first.predict_proba_topk(X, N_LABELS)
    ips, dr, mass = [], [], []
    for row, decision in enumerate(log):
        shown = ids[row].tolist()
        told = dict(zip(best[row].tolist(), chances[row].tolist(), strict=True))
        weights = [
            (label in shown) / p for label, p in zip(decision.labels, decision.propensities, strict=True)
        ]
        ips.append(np.dot(weights, decision.rewards))
        mass.append(sum(weights))
        off = [r - told.get(label, 0.0) for label, r in zip(decision.labels, decision.rewards, strict=True)]
        dr.append(sum(told.get(label, 0.0) for label in shown) + np.dot(weights, off))
    found = report.estimates["second"]
    assert found["IPS"].value == pytest.approx(np.mean(ips))
    assert found["SNIPS"].value == pytest.approx(np.sum(ips) / np.sum(mass) * K)
    assert found["DR"].value == pytest.approx(np.mean(dr), rel=1e-5)
    assert found["IPS"].effective == pytest.approx(np.sum(mass) ** 2 / np.sum(np.square(mass)))
    assert report.n_decisions == 800
    assert report.logged.value == pytest.approx(np.mean([sum(one.rewards) for one in log]))
    truth = np.mean(
        [len(set(row.tolist()) & set(labels)) for row, labels in zip(ids, data[1][700:], strict=True)]
    )
    for name in ("IPS", "SNIPS", "DR"):
        assert found[name].value == pytest.approx(truth, abs=0.25)


def test_marginalised_estimates_weigh_by_nodes(data, log, first, second):
    found = evaluate(log, {"second": second}, tree=first, n_draws=20).estimates["second"]
    tree = first.tree_
    assert [name for name in found if name.startswith("MIPS")] == [
        "MIPS",
        *(f"MIPS level {t}" for t in range(1, tree.depth)),
    ]
    assert found["MIPS"] in [found["SNIPS"], *(found[f"MIPS level {t}"] for t in range(1, tree.depth))]
    slot = {int(label): place for place, label in enumerate(tree.labels)}
    ids = second.predict_topk(data[0][700:], K)[0]
    for level in range(1, tree.depth):
        above = tree.ancestors(level)
        total = mass = 0.0
        for row, decision in enumerate(log):
            nodes = [above[slot[label]] for label in ids[row].tolist()]
            for label, reward, marginals in zip(
                decision.labels, decision.rewards, decision.marginals, strict=True
            ):
                weight = nodes.count(above[slot[label]]) / marginals[level - 1]
                total += reward * weight
                mass += weight
        assert found[f"MIPS level {level}"].value == pytest.approx(total / mass * K)


def test_an_exploring_ranker_is_judged_by_its_own_chances(log, first):
    same = ExploringRanker(first, EpsilonGreedy(epsilon=0.8), explore=K, seed=1)
    report = evaluate(
        log, {"same": same, "other": ExploringRanker(first, Boltzmann(), explore=1)}, n_draws=20
    )
    found = report.estimates["same"]
    assert found["IPS"].value == pytest.approx(report.logged.value)
    assert found["IPS"].effective == pytest.approx(len(log))
    assert found["MIPS level 1"].value == pytest.approx(report.logged.value)
    assert report.estimates["other"]["IPS"].value > report.logged.value


def test_a_picture_and_tables(log, first):
    pytest.importorskip("matplotlib")
    report = evaluate(log, {"first": first}, n_draws=20)
    assert "<td>as logged</td>" in report._repr_html_()
    assert report.to_markdown().splitlines()[2].startswith("| as logged | mean | ")
    (axes,) = report.plot().axes
    assert [tick.get_text() for tick in axes.get_yticklabels()][:2] == ["as logged", "first, IPS"]


def test_what_is_left_out_is_counted(log, first):
    waiting = [replace(one, id=f"late {i}", rewards=None) for i, one in enumerate(log.decisions[:7])]
    strange = replace(log.decisions[0], id="strange", labels=(900, 901), revision="older")
    more = DecisionLog((*log.decisions, *waiting, strange), {"duplicates": 2})
    report = evaluate(more, {"first": first}, n_draws=20)
    assert report.n_decisions == 801
    assert report.skipped == {
        "duplicates": 2,
        "decisions without a reward yet": 7,
        "decisions of other revisions, which count all the same": 1,
        "labels shown that first does not know": 2,
    }
    assert not any(
        name.startswith("MIPS") for name in report.estimates["first"]
    )  # decisions of several revisions
    with pytest.raises(ValueError, match="but 1 decisions are of another"):
        evaluate(more, {"first": first}, tree=first)


def test_too_few_decisions_are_refused(log, first, second):
    few = DecisionLog(log.decisions[:20])
    with pytest.raises(TooFewDecisions, match="effective sample sizes are"):
        evaluate(few, {"second": second})
    report = evaluate(DecisionLog(log.decisions[:250]), {"second": second}, tree=first, least=100, n_draws=20)
    assert report.estimates["second"]["IPS"] is None
    assert "refused" in str(report)
    assert report.effective["second"]["IPS"] < 100
    with pytest.raises(TooFewDecisions, match="none of the 1 decisions"):
        evaluate(DecisionLog((replace(log.decisions[0], rewards=None),)), {"second": second})


def test_bad_arguments(log, first, second):
    with pytest.raises(ValueError, match="policies is empty"):
        evaluate(log, {})
    with pytest.raises(ValueError, match="reward_model has no probabilities"):
        evaluate(log, {"first": first}, reward_model=second)
    with pytest.raises(ValueError, match="k must be"):
        evaluate(log, {"first": first}, k=0)
    with pytest.raises(TypeError, match="ranks rows of features, but a query is a text"):
        evaluate(DecisionLog((Decision("a", "b", (1,), (1.0,), rewards=(1.0,)),)), {"first": first})


def test_filters_of_decisions_hold_for_every_policy(log, first):
    one = replace(log.decisions[0], exclude=log.decisions[0].labels)
    best = first.predict_topk(ExploringRanker(first).subject.rows([one.query]), 1)[0][0, 0]
    blocked = replace(
        one,
        exclude=(int(best),),
        labels=(int(best),),
        propensities=(1.0,),
        rewards=(1.0,),
        nodes=(),
        marginals=(),
    )
    report = evaluate(DecisionLog((blocked,) * 1), {"first": first}, least=0.0, n_draws=5)
    assert report.estimates["first"]["IPS"].value == 0.0


def test_results_are_tables_too(log, first, second):
    report = evaluate(log, {"first": first, "second": second}, n_draws=20)
    assert report.to_html().startswith("<table>")
    assert "MIPS level 1" in report.to_markdown()
    assert "as logged" in str(report)
