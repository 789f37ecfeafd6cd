"""Models learn from rewards: of what was shown, in proportion to how rarely it is shown."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.exploration import DecisionLog, EpsilonGreedy, ExploringRanker, learn

N_LABELS = 60


def rows(n, seed, shift=0):
    centres = np.random.default_rng(0).normal(size=(N_LABELS, 25))
    rng = np.random.default_rng(seed)
    of = rng.integers(N_LABELS, size=n)
    X = centres[(of + shift) % N_LABELS] + rng.normal(size=(n, 25))
    return sp.csr_array(X.astype(np.float32)), of


@pytest.fixture(scope="module")
def model():
    X, of = rows(150, 1)
    return XRLinear(branching=4, max_leaf_size=8, n_jobs=1).fit(X, [[int(one)] for one in of])


def decided(model, X, of, policy=None, first=0, k=3):
    ranker = ExploringRanker(
        model, EpsilonGreedy(epsilon=0.3) if policy is None else policy, explore=2, seed=3, first=first
    )
    made = [ranker.rank(X[i : i + 1], k=k) for i in range(X.shape[0])]
    return [
        replace(one, rewards=tuple(float(label == truth) for label in one.labels))
        for one, truth in zip(made, of.tolist(), strict=True)
    ]


def hits(model, shift=0):
    X, of = rows(500, 9, shift)
    return float((model.predict_topk(X, 3)[0] == of[:, None]).any(axis=1).mean())


def test_rewards_are_learned_batch_by_batch(model):
    learned, before = model, hits(model)
    for batch in range(5):
        X, of = rows(200, 20 + batch)
        learned = learn(learned, DecisionLog(tuple(decided(learned, X, of, first=200 * batch))), step=0.1)
    assert hits(learned) > before + 0.05
    assert hits(model) == before


def test_rewards_are_learned_by_epoch(model):
    X, of = rows(1000, 30)
    learned = learn(model, DecisionLog(tuple(decided(model, X, of))), step=0.1)
    assert hits(learned) > hits(model) + 0.03


def test_only_what_was_shown_changes(model):
    X, _ = rows(1, 40)
    (one,) = decided(model, X, np.array([-1]))
    best = replace(one, labels=one.labels[:1], propensities=(1.0,), rewards=(1.0,))
    changed = {}
    for reward in (0.0, 1.0):
        learned = learn(model, DecisionLog((replace(best, rewards=(reward,)),)))
        difference = learned.layers_[-1].to_matrix()[0] - model.layers_[-1].to_matrix()[0]
        slots = np.flatnonzero(abs(difference).sum(axis=0))
        assert set(model.tree_.labels[slots].tolist()) <= set(best.labels)
        changed[reward] = float((X @ difference).sum())
    assert changed[0.0] < 0 or changed[1.0] > 0
    assert changed[0.0] <= 0 <= changed[1.0]
    half = learn(model, DecisionLog((replace(best, rewards=(0.5,)),)))
    between = float((X @ (half.layers_[-1].to_matrix()[0] - model.layers_[-1].to_matrix()[0])).sum())
    assert changed[0.0] <= between <= changed[1.0]


def test_labels_with_rewards_are_counted(model):
    X, of = rows(50, 30)
    log = decided(model, X, of)
    learned = learn(model, DecisionLog(tuple(log)))
    earned = [label for one in log for label, reward in zip(one.labels, one.rewards, strict=True) if reward]
    more = learned.label_counts_ - model.label_counts_
    assert more.tolist() == np.bincount(earned, minlength=N_LABELS).tolist()
    assert learned.n_instances_ == model.n_instances_ + 50


def test_rare_labels_weigh_more(model):
    X, _ = rows(1, 41)
    (one,) = decided(model, X, np.array([-1]))
    miss = replace(one, labels=one.labels[:1], rewards=(0.0,))

    def far(chance, **options):
        learned = learn(model, DecisionLog((replace(miss, propensities=(chance,)),)), step=0.01, **options)
        return abs(learned.layers_[-1].to_matrix()[0] - model.layers_[-1].to_matrix()[0]).sum()

    assert far(0.1) > far(0.5) > far(1.0) > 0
    assert far(0.001) == pytest.approx(far(0.1))
    assert far(0.1, most_weight=1.0) == pytest.approx(far(1.0))


def test_old_decisions_fade(model):
    X, of = rows(600, 50)
    old = decided(model, X, of)
    X, of = rows(300, 51, shift=20)
    new = decided(model, X, of, EpsilonGreedy(epsilon=1.0), first=600)
    log = DecisionLog((*old, *new))
    assert hits(learn(model, log, half_life=100), 20) > hits(learn(model, log), 20) - 0.02
    assert hits(learn(model, log, half_life=20)) < hits(learn(model, log))


def test_texts_and_unknown_labels():
    texts = ["red fruit", "yellow fruit", "fast car", "old car"] * 4
    labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]] * 4
    text = TextRanker(features=NgramTfidf(), label_names=False, n_jobs=1).fit(texts, labels)
    one = ExploringRanker(text, explore=0, seed=1).rank("fast fruit", k=1)
    shown = replace(one, labels=("banana", "plum"), propensities=(0.5, 0.5), rewards=(1.0, 1.0))
    with pytest.warns(UserWarning, match="does not know 1 of the labels shown"):
        learned = learn(text, DecisionLog((shown,)))
    before, after = (dict(one.rank("fast fruit", k=4)) for one in (text, learned))
    assert after["banana"] > before["banana"]
    assert after["oldtimer"] == before["oldtimer"]


def test_bad_arguments(model):
    X, of = rows(2, 60)
    log = DecisionLog(tuple(decided(model, X, of)))
    with pytest.raises(ValueError, match="none of the 1 decisions"):
        learn(model, DecisionLog((replace(log.decisions[0], rewards=None),)))
    for name, value in {"step": 0.0, "most_weight": 0.5, "upper": 2.0, "half_life": 0.0}.items():
        with pytest.raises(ValueError, match=name):
            learn(model, log, **{name: value})
