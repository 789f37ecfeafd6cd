"""The kernels of arms, against searches written out in NumPy."""

import numpy as np
import pytest

from arborank import XRLinear
from arborank._native import ArmPolicy
from arborank.core.sparse import as_csr
from arborank.matching.beam import ShownSlots

GREEDY = ArmPolicy("epsilon-greedy", 0.0)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(1)
    of = np.arange(400) % 100
    X = rng.normal(size=(100, 30))[of] + rng.normal(size=(400, 30)) * 0.5
    return XRLinear(branching=3, max_leaf_size=6, beam_size=2, combine="l3-hinge", n_jobs=1).fit(
        X.astype(np.float32), [[int(one)] for one in of]
    )


def arms_of(model, x, eligible, k, beam_size=2):
    """Every arm as (begin, end, count, score)."""
    tree, beam, arms = model.tree_, [(0, 1.0)], []
    for level, layer in enumerate(model.layers_, 1):
        W, bias = layer.to_matrix()
        margins = x @ W.toarray() + bias
        bounds = tree.slot_bounds(level)
        children = []
        keep = k if level == tree.depth else beam_size
        for place, (node, score, *run) in enumerate(beam):
            if len(children) >= keep and sorted(one[1] for one in children)[-keep] >= score:
                arms += [(*run, own) for _, own, *run in beam[place:]]  # no child of these is among the best
                break
            for child in range(tree.branches[level - 1][node], tree.branches[level - 1][node + 1]):
                own = score * np.exp(-(np.maximum(1 - margins[child], 0) ** 3))
                count = int(eligible[bounds[child] : bounds[child + 1]].sum())
                if count:
                    children.append((child, own, int(bounds[child]), int(bounds[child + 1]), count))
        children.sort(key=lambda one: -one[1])
        cut = 0 if level == tree.depth else beam_size
        beam = children[:cut]
        arms += [(begin, end, count, own) for _, own, begin, end, count in children[cut:]]
    return sorted(arms)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_arms_are_what_the_search_reaches_and_rejects(model, share):
    rng = np.random.default_rng(2)
    for _ in range(10):
        x = rng.normal(size=30).astype(np.float32)
        eligible = rng.random(model.tree_.labels.size) < share
        removed = np.flatnonzero(rng.random(eligible.size) < 0.1)
        removed = removed[eligible[removed]]
        before = np.concatenate([[0], np.cumsum(eligible)])
        left = eligible.copy()
        left[removed] = False
        expected = arms_of(model, x / model.row_length_, left, 5)
        *arms, chances, n_labels = model.fitted_.search.frontier(
            as_csr(x[None]), 5, GREEDY, 0, beam_size=2, combine="l3-hinge", slots=ShownSlots(before, removed)
        )
        assert chances.tolist() == [1.0] * min(5, n_labels) + [0.0] * (chances.size - min(5, n_labels))
        found = sorted(zip(*(one.tolist() for one in arms), strict=True))
        assert [one[:3] for one in found] == [one[:3] for one in expected]
        assert [one[3] for one in found] == pytest.approx([one[3] for one in expected], rel=1e-4, abs=1e-12)
        best = arms[3][:n_labels]
        assert (np.diff(best[:5]) <= 0).all()
        assert best[:5].min() >= best[5:].max(initial=-1) if n_labels > 5 else True


def shares_of(name, parameter, gaps):
    """Probabilities of other arms, in a place whose own arm promises more by some gaps."""
    if name == "inverse-gap":
        return 1 / (gaps.size + 1 + parameter * gaps)
    if name == "epsilon-greedy":
        return np.full(gaps.size, parameter / gaps.size)
    return np.exp(-gaps / parameter) / (1 + np.exp(-gaps / parameter).sum())


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("inverse-gap", 0.0), ("inverse-gap", 300.0), ("epsilon-greedy", 0.3), ("boltzmann", 0.02)],
)
def test_chances_are_those_of_the_policy(model, name, parameter):
    x = np.random.default_rng(3).normal(size=30).astype(np.float32)
    _, _, count, scores, chances, _ = model.fitted_.search.frontier(
        as_csr(x[None]), 4, ArmPolicy(name, parameter), 2, beam_size=2, combine="l3-hinge"
    )
    own, others = scores[2:4], np.minimum(scores[4:] / count[4:], scores[2:4].min())
    shares = np.array([shares_of(name, parameter, best - others) for best in own])
    assert chances[:2].tolist() == [1, 1]
    assert chances[4:] == pytest.approx(shares.sum(axis=0))
    assert chances[2:4] == pytest.approx(1 - shares.sum(axis=1))


def test_no_arm_is_shown_more_than_once(model):
    x = np.random.default_rng(3).normal(size=30).astype(np.float32)
    *_, count, _, chances, _ = model.fitted_.search.frontier(
        as_csr(x[None]), 90, ArmPolicy("epsilon-greedy", 1.0), 90, beam_size=50, combine="l3-hinge"
    )
    assert count.size == 100
    assert chances.max() <= 1 + 1e-12
    assert chances.sum() == pytest.approx(90)


def test_a_search_that_goes_widely_opens_every_leaf_of_the_beam(model):
    x = as_csr(np.random.default_rng(3).normal(size=(1, 30)).astype(np.float32))
    found = []
    for widely in (False, True):
        policy = ArmPolicy("epsilon-greedy", 0.1, 0.0, widely)
        *_, n_labels = model.fitted_.search.frontier(x, 1, policy, 1, beam_size=8, combine="l3-hinge")
        found.append(n_labels)
    leaves = np.diff(model.tree_.branches[-1])
    assert found[0] < found[1]
    assert found[1] >= np.sort(leaves)[:8].sum()


def test_a_low_number_shows_the_first_arms(model):
    x = as_csr(np.ones((1, 30), np.float32))
    options = {"beam_size": 2, "combine": "l3-hinge"}
    labels, scores, propensities, nodes, marginals = model.fitted_.search.decide(
        x, 3, GREEDY, 0, 0.0, **options
    )
    ids, best = model.fitted_.search.topk(x, 3, **options)
    assert list(labels) == ids[0].tolist()
    assert scores == pytest.approx(best[0])
    assert propensities == (1.0, 1.0, 1.0)
    assert {len(one) for one in nodes} == {len(one) for one in marginals} == {model.tree_.depth - 1}


def test_damaged_arguments(model):
    search = model.fitted_.search
    x = as_csr(np.ones((1, 30), np.float32))
    options = {"beam_size": 2, "combine": "l3-hinge"}

    def refused(match, row=x, **slots):
        with pytest.raises(ValueError, match=match):
            search.frontier(row, 1, GREEDY, 1, slots=ShownSlots(**slots), **options)

    refused("eligible has 3 entries", eligible=np.arange(3))
    refused("ascending", removed=np.array([3, 3]))
    refused("ascending", removed=np.array([100]))
    refused("differ in length", best=np.array([1, 2]), promise=np.array([0.5]))
    refused("best must hold slots", best=np.array([100]), promise=np.array([0.5]))
    refused("fresh has 3 entries", fresh=np.zeros(3, bool))
    with pytest.raises(ValueError, match="newcomers"):
        ArmPolicy("boltzmann", 1.0, -0.1)
    refused("single row", row=as_csr(np.ones((2, 30), np.float32)))
    with pytest.raises(ValueError, match="noop"):
        search.frontier(x, 1, GREEDY, 1, beam_size=2, combine="noop")
    with pytest.raises(ValueError, match="uniform"):
        search.decide(x, 1, GREEDY, 1, 1.0, **options)
    for name, parameter in (
        ("best", 1.0),
        ("boltzmann", 0.0),
        ("epsilon-greedy", 1.5),
        ("inverse-gap", np.nan),
    ):
        with pytest.raises(ValueError, match=name):
            ArmPolicy(name, parameter)
