"""Exploring: propensities are what they are said to be, filters hold, and decisions can be made again."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import NgramTfidf, TextRanker, XRLinear, disentangle
from arborank.core.estimator import fitted_clone
from arborank.core.sparse import as_csr
from arborank.exploration import Boltzmann, Decision, DecisionLog, EpsilonGreedy, ExploringRanker, InverseGap

N_LABELS = 150


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(N_LABELS, 60))
    of = np.arange(900) % N_LABELS
    X = centres[of] + rng.normal(size=(of.size, 60))
    X[np.abs(X) < 1] = 0
    return sp.csr_array(X.astype(np.float32)), [
        sorted({int(label), int(label * 7 % N_LABELS)}) for label in of
    ]


@pytest.fixture(scope="module")
def model(problem):
    return XRLinear(branching=4, max_leaf_size=8, beam_size=3, n_jobs=1).fit(*problem)


@pytest.fixture(scope="module")
def models(problem, model):
    common = {"branching": 4, "max_leaf_size": 8, "beam_size": 3, "n_jobs": 1}
    return {
        "plain": model,
        "logarithms": XRLinear(**common, combine="log-sigmoid").fit(*problem),
        "trees": XRLinear(**common, n_trees=2).fit(*problem),
        "copies": XRLinear(**common, max_clusters=2, copies="all").fit(*problem),
        "rerank": XRLinear(**common, rerank=0.5).fit(*problem),
        "flat": XRLinear(max_leaf_size=1000, n_jobs=1).fit(*problem),
    }


KINDS = ["plain", "logarithms", "trees", "copies", "rerank", "flat"]
POLICIES = [InverseGap(gamma=20.0), EpsilonGreedy(epsilon=0.4), Boltzmann(temperature=0.5)]


@pytest.mark.parametrize("kind", KINDS)
def test_without_exploration_the_answer_is_the_models(models, problem, kind):
    model, X = models[kind], problem[0]
    ranker = ExploringRanker(model, explore=0, seed=1)
    ids, scores = model.predict_topk(X[:20], 4)
    for i in range(20):
        decision = ranker.rank(X[i : i + 1], k=4)
        assert list(decision.labels) == ids[i][ids[i] >= 0].tolist()
        assert set(decision.propensities) == {1.0}
        given = np.exp(scores[i]) if kind == "logarithms" else scores[i]
        assert decision.scores == pytest.approx(given, rel=1e-5)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_shown_as_often_as_said(models, problem, kind, policy):
    X, n = as_csr(problem[0][:1]), 1500
    ranker = ExploringRanker(models[kind], policy, explore=2, seed=5)
    first = ranker.rank(X, k=4)
    ids, chances = ranker.chances(first, 4)
    assert np.unique(ids).size == ids.size
    assert chances.sum() == pytest.approx(4)
    told = dict(zip(ids.tolist(), chances.tolist(), strict=True))
    shown = Counter()
    for _ in range(n):
        decision = ranker.rank(X, k=4)
        assert len(set(decision.labels)) == 4
        assert decision.propensities == pytest.approx([told[label] for label in decision.labels])
        shown.update(decision.labels)
    expected = np.array([told[label] for label in sorted(told)])
    seen = np.array([shown[label] / n for label in sorted(told)])
    assert (np.abs(seen - expected) < 5 * np.sqrt(expected * (1 - expected) / n) + 1e-3).all()
    assert sum(expected > 0) > 100  # nearly every label can be shown


@pytest.mark.parametrize("kind", ["plain", "copies", "rerank"])
@pytest.mark.parametrize(
    "limits", [{}, {"exclude": [0, 5]}, {"candidates": list(range(0, 150, 3)), "exclude": [3]}]
)
def test_marginals_add_up_propensities_below_nodes(models, problem, kind, limits):
    model, X = models[kind], as_csr(problem[0][:1])
    ranker = ExploringRanker(model, InverseGap(gamma=5.0), explore=3, seed=2)
    tree = model.tree_
    first_slot = {int(label): slot for slot, label in reversed(list(enumerate(tree.labels)))}
    for _ in range(10):
        decision = ranker.rank(X, k=5, **limits)
        ids, chances = ranker.chances(decision, 5)
        for label, nodes, marginals in zip(decision.labels, decision.nodes, decision.marginals, strict=True):
            for level, (node, marginal) in enumerate(zip(nodes, marginals, strict=True), 1):
                above = tree.ancestors(level)
                assert above[first_slot[label]] == node
                below = [above[first_slot[one]] == node for one in ids.tolist()]
                assert marginal == pytest.approx(chances[below].sum())


@pytest.mark.parametrize("kind", KINDS)
def test_filters_hold(models, problem, kind):
    X = as_csr(problem[0][:1])
    ranker = ExploringRanker(models[kind], EpsilonGreedy(epsilon=0.9), explore=3, seed=3)
    allowed = list(range(0, N_LABELS, 2))
    best = ranker.rank(X, k=3).labels[0]
    for _ in range(60):
        decision = ranker.rank(X, k=3, candidates=allowed, exclude=[4, 6])
        assert set(decision.labels) <= set(allowed) - {4, 6}
        assert best not in ranker.rank(X, k=3, exclude=[best]).labels
    only = ranker.rank(X, k=5, candidates=[8, 9])
    assert set(only.labels) <= {8, 9}
    assert all(one > 0 for one in only.propensities)


def test_decisions_can_be_made_again_from_their_lines(model, problem):
    ranker = ExploringRanker(model, Boltzmann(temperature=0.3), explore=2, seed=11)
    lines = [
        ranker.rank(problem[0][i : i + 1], k=4, exclude=[1] if i % 2 else None, candidates=None).to_line()
        for i in range(20)
    ]
    again = ExploringRanker(model, seed=99)
    for decision in DecisionLog.of_lines(lines):
        assert again.replay(decision) == decision


def test_seeds_and_numbers_decide(model, problem):
    X = as_csr(problem[0][:1])
    policy = EpsilonGreedy(epsilon=0.9)

    def shown(**options):
        ranker = ExploringRanker(model, policy, explore=3, **options)
        return [ranker.rank(X, k=3) for _ in range(10)]

    first = shown(seed=1)
    assert shown(seed=1) == first
    assert [one.number for one in first] == list(range(10))
    assert shown(seed=1, first=5)[:5] == first[5:]
    assert [one.labels for one in shown(seed=2)] != [one.labels for one in first]
    assert len({one.id for one in first}) == 10
    assert ExploringRanker(model).seed != ExploringRanker(model).seed


def test_gamma_tells_how_much_is_explored(model, problem):
    X = as_csr(problem[0][:1])
    ranks = [
        ExploringRanker(model, InverseGap(gamma=gamma), explore=1, seed=1) for gamma in (0.0, 100.0, 1e9)
    ]
    own = [ranker.chances(ranker.rank(X, k=1), 1)[1].max() for ranker in ranks]
    assert own[0] < own[1] < own[2]
    assert own[2] == pytest.approx(1, abs=1e-3)


@pytest.fixture(scope="module")
def doubled(problem):
    """A model that knows labels 100 to 149 by one document each, and no row."""
    X, Y = problem
    old = [[label for label in labels if label < 100] for labels in Y]
    kept = [row for row, labels in enumerate(old) if labels]
    documents = [Y.index(next(labels for labels in Y if label in labels)) for label in range(100, N_LABELS)]
    labels = [old[row] for row in kept] + [[label] for label in range(100, N_LABELS)]
    return XRLinear(branching=4, max_leaf_size=8, beam_size=3, n_jobs=1).fit(
        sp.vstack([X[kept], X[documents]], format="csr"), labels, n_documents=len(documents)
    )


def test_newcomers_take_the_places_that_explore(doubled, problem):
    X = problem[0]
    greedy = ExploringRanker(doubled, explore=0, seed=1)
    always = ExploringRanker(doubled, explore=1, newcomers=1.0, seed=1)
    for row in range(0, 20):
        labels = always.rank(X[row : row + 1], k=3).labels
        assert labels[:2] == greedy.rank(X[row : row + 1], k=2).labels
        ids, _ = doubled.predict_topk(X[row : row + 1], N_LABELS)
        newest = [label for label in ids[0].tolist() if label >= 100 and label not in labels[:2]]
        assert labels[2] == (newest[0] if newest else ids[0][2])
    assert any(label >= 100 for row in range(20) for label in always.rank(X[row : row + 1], k=3).labels)


def test_newcomers_come_as_often_as_said(doubled, problem):
    X, n = as_csr(problem[0][:1]), 2000
    ranker = ExploringRanker(doubled, EpsilonGreedy(epsilon=0.3), explore=2, newcomers=0.4, seed=5)
    first = ranker.rank(X, k=4)
    told = dict(zip(*(one.tolist() for one in ranker.chances(first, 4)), strict=True))
    assert sum(told.values()) == pytest.approx(4)
    assert max(told.values()) <= 1 + 1e-9
    shown = Counter()
    for _ in range(n):
        decision = ranker.rank(X, k=4)
        assert len(set(decision.labels)) == 4
        assert decision.propensities == pytest.approx([told[label] for label in decision.labels])
        shown.update(decision.labels)
    for label, chance in told.items():
        assert shown[label] / n == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / n) + 1e-3)
    assert sum(told[label] for label in told if label >= 100) > 0.75
    assert ranker.replay(DecisionLog.of_lines([first.to_line()]).decisions[0]) == first


def test_labels_that_were_tried_are_new_no_more(doubled, problem):
    X = problem[0]
    always = ExploringRanker(doubled, explore=1, newcomers=1.0, seed=1)
    shown = [always.rank(X[row : row + 1], k=3) for row in range(20)]
    tried = [label for one in shown for label in one.labels if label >= 100]
    ranker = ExploringRanker(doubled, explore=1, newcomers=1.0, tried=tried[:1], seed=1)
    again = [ranker.rank(X[row : row + 1], k=3) for row in range(20)]
    assert all(one.labels[2] != tried[0] for one in again)
    assert [one.labels for one in again] != [one.labels for one in shown]
    assert ranker.replay(again[3]) == again[3]
    with pytest.raises(ValueError, match="tried holds other labels"):
        ranker.replay(shown[3])
    same = ExploringRanker(doubled, explore=1, newcomers=1.0, tried=[-5, "unknown"], seed=1)
    assert same.replay(shown[3]) == shown[3]


def test_what_was_decided_widely_is_made_again_widely(model, problem):
    X = as_csr(problem[0][:1])
    ranker = ExploringRanker(model, EpsilonGreedy(epsilon=0.5), explore=2, widely=True, seed=1)
    decision = ranker.rank(X, k=3)
    assert ranker.chances(decision, 3)[1].sum() == pytest.approx(3)
    assert ExploringRanker(model, seed=2).replay(decision) == decision


def test_a_text_ranker_speaks_in_names():
    texts = ["red fruit", "yellow fruit", "fast car", "old car", "green fruit", "new car"] * 3
    labels = [["apple"], ["banana"], ["racer"], ["oldtimer"], ["pear"], ["roadster"]] * 3
    text = TextRanker(features=NgramTfidf(), n_jobs=1).fit(texts, labels)
    ranker = ExploringRanker(text, EpsilonGreedy(epsilon=1.0), explore=1, seed=1)
    decision = ranker.rank("a yellow fruit", k=2, exclude=["pear"])
    assert set(decision.labels) < {"apple", "banana", "racer", "oldtimer", "roadster"}
    assert decision.query == "a yellow fruit"
    assert ranker.replay(DecisionLog.of_lines([decision.to_line()]).decisions[0]) == decision
    with pytest.raises(ValueError, match="'plum'"):
        ranker.rank("a", exclude=["plum"])
    with pytest.raises(TypeError, match="query must be a str"):
        ranker.rank(3)


def test_bad_arguments(model, problem):
    X = problem[0][:1]
    ranker = ExploringRanker(model, seed=1)
    decision = ranker.rank(X)
    with pytest.raises(ValueError, match="revision"):
        ranker.replay(replace(decision, revision="other"))
    with pytest.raises(ValueError, match="policy must be one of"):
        ranker.replay(replace(decision, policy={"name": "best", "explore": 1, "k": 1}))
    with pytest.raises(ValueError, match=r"shape \(1, 60\)"):
        ranker.rank(problem[0][:2])
    with pytest.raises(ValueError, match="k must be"):
        ranker.rank(X, k=0)
    with pytest.raises(ValueError, match="candidates holds 900"):
        ranker.rank(X, candidates=[900])
    with pytest.raises(TypeError, match="policy must be a policy"):
        ExploringRanker(model, "greedy")
    with pytest.raises(ValueError, match="explore"):
        ExploringRanker(model, explore=-1)
    with pytest.raises(ValueError, match="newcomers"):
        ExploringRanker(model, newcomers=1.5)
    uncounted = fitted_clone(model, fitted_=replace(model.fitted_, label_counts=None, n_instances=None))
    with pytest.raises(ValueError, match="newcomers is above 0"):
        ExploringRanker(uncounted, newcomers=0.5)
    with pytest.raises(ValueError, match="gamma"):
        InverseGap(gamma=-1.0)
    with pytest.raises(ValueError, match="not fitted"):
        ExploringRanker(XRLinear())
    with pytest.raises(TypeError, match="found Decision"):
        ExploringRanker(Decision("a", "b", (), ()))
    with pytest.raises(ValueError, match="noop"):
        ExploringRanker(XRLinear(combine="noop", n_jobs=1).fit(*problem))


def test_revisions_tell_models_apart(model, problem, tmp_path):
    from arborank import load

    model.save(tmp_path / "model")
    own = ExploringRanker(model).revision
    assert ExploringRanker(load(tmp_path / "model")).revision == own
    assert ExploringRanker(disentangle(model, *problem)).revision != own
