"""The kernels of arms, against searches written out in NumPy."""

import numpy as np
import pytest

from arborank import XRLinear
from arborank.core.sparse import as_csr


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(1)
    of = np.arange(400) % 100
    X = rng.normal(size=(100, 30))[of] + rng.normal(size=(400, 30)) * 0.5
    return XRLinear(branching=3, max_leaf_size=6, beam_size=2, combine="l3-hinge", n_jobs=1).fit(
        X.astype(np.float32), [[int(one)] for one in of]
    )


def arms_of(model, x, eligible, beam_size=2):
    """Every arm as (begin, end, count, score)."""
    tree, beam, arms = model.tree_, [(0, 1.0)], []
    for level, layer in enumerate(model.layers_, 1):
        W, bias = layer.to_matrix()
        margins = x @ W.toarray() + bias
        bounds = tree.slot_bounds(level)
        children = []
        for node, score in beam:
            for child in range(tree.branches[level - 1][node], tree.branches[level - 1][node + 1]):
                own = score * np.exp(-(np.maximum(1 - margins[child], 0) ** 3))
                count = int(eligible[bounds[child] : bounds[child + 1]].sum())
                if count:
                    children.append((child, own, int(bounds[child]), int(bounds[child + 1]), count))
        children.sort(key=lambda one: -one[1])
        cut = 0 if level == tree.depth else beam_size
        beam = [one[:2] for one in children[:cut]]
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
        expected = arms_of(model, x / model.row_length_, left)
        *arms, n_labels = model.fitted_.search.frontier(
            as_csr(x[None]), 5, beam_size=2, combine="l3-hinge", eligible=before, removed=removed
        )
        found = sorted(zip(*(one.tolist() for one in arms), strict=True))
        assert [one[:3] for one in found] == [one[:3] for one in expected]
        assert [one[3] for one in found] == pytest.approx([one[3] for one in expected], rel=1e-4, abs=1e-12)
        best = arms[3][:n_labels]
        assert (np.diff(best[:5]) <= 0).all()
        assert best[:5].min() >= best[5:].max(initial=-1) if n_labels > 5 else True


def test_drawing_hits_every_slot_as_often_as_it_should(model):
    search = model.fitted_.search.native
    begin, end = np.array([3, 0, 10, 40]), np.array([4, 3, 30, 44])
    removed = np.array([12, 13])
    count = np.array([1, 3, 18, 4])
    chance = np.array([1.0, 0.3, 0.6, 0.1])
    hits = np.zeros(100)
    n = 20_000
    for i in range(n):
        arms, slots, nodes, marginals = search.draw(begin, end, count, chance, (i + 0.5) / n, removed=removed)
        assert arms.size == 2
        assert nodes.size == marginals.size == 2 * (model.tree_.depth - 1)
        hits[slots] += 1 / n
    assert hits[3] == pytest.approx(1)
    assert hits[:3] == pytest.approx(0.1, abs=1e-3)
    assert hits[[12, 13]].sum() == 0
    assert hits[10:30].sum() == pytest.approx(0.6, abs=1e-3)
    assert hits[14:30] == pytest.approx(0.6 / 18, abs=1e-3)
    assert hits[40:44] == pytest.approx(0.025, abs=1e-3)


def test_rounding_loses_no_draw(model):
    search = model.fitted_.search.native
    chance = np.full(10, 0.1)
    chance[-1] -= 1e-9
    ids = np.arange(10)
    arms, *_ = search.draw(ids, ids + 1, np.ones(10, np.int64), chance, 1 - 1e-12)
    assert arms.tolist() == [9]


def test_damaged_arguments(model):
    search = model.fitted_.search
    one = np.array([0]), np.array([1]), np.array([1]), np.array([1.0])
    x = as_csr(np.ones((1, 30), np.float32))
    options = {"beam_size": 2, "combine": "l3-hinge"}
    with pytest.raises(ValueError, match="eligible has 3 entries"):
        search.frontier(x, 1, **options, eligible=np.arange(3))
    with pytest.raises(ValueError, match="ascending"):
        search.frontier(x, 1, **options, removed=np.array([3, 3]))
    with pytest.raises(ValueError, match="ascending"):
        search.frontier(x, 1, **options, removed=np.array([100]))
    with pytest.raises(ValueError, match="single row"):
        search.frontier(as_csr(np.ones((2, 30), np.float32)), 1, **options)
    with pytest.raises(ValueError, match="noop"):
        search.frontier(x, 1, beam_size=2, combine="noop")
    with pytest.raises(ValueError, match="differ in length"):
        search.native.draw(*one[:3], np.array([1.0, 0.0]), 0.5)
    for place, wrong in ((0, -1), (1, 0), (1, 101), (2, 0), (3, 2.0), (3, np.nan)):
        given = [array.copy() for array in one]
        given[place][0] = wrong
        with pytest.raises(ValueError, match="arm 0 is no run"):
            search.native.draw(*given, 0.5)
