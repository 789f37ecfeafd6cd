"""Of many examples some are drawn, whatever part of the rows and nodes is at hand."""

from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from arborank.core.sparse import as_csr, to_scipy
from arborank.ranking import active_rows, relevance_costs
from arborank.ranking.sampling import draw_examples

BRANCHES = np.array([0, 2, 5, 6])


def problem(n=400, seed=0):
    rng = np.random.default_rng(seed)
    below = (rng.random((n, 6)) < 0.3).astype(np.float32)
    above = np.column_stack([below[:, a:b].any(axis=1) for a, b in pairwise(BRANCHES)])
    active = active_rows("tfn", sp.csr_array(above.astype(np.float32)))
    return active, relevance_costs(as_csr(sp.csr_array(below)))


def test_no_parent_has_more_examples_and_small_ones_stay():
    active, positives = problem()
    sizes = np.diff(active.indptr)
    most = int(np.sort(sizes)[1])
    some, few = draw_examples(active, positives, BRANCHES, most, level=2)
    assert np.diff(some.indptr).tolist() == np.minimum(sizes, most).tolist()
    for parent, (a, b) in enumerate(pairwise(BRANCHES)):
        kept = set(some.indices[some.indptr[parent] : some.indptr[parent + 1]].tolist())
        assert kept <= set(active.indices[active.indptr[parent] : active.indptr[parent + 1]].tolist())
        for child in range(a, b):
            before = set(positives.indices[positives.indptr[child] : positives.indptr[child + 1]].tolist())
            assert set(few.indices[few.indptr[child] : few.indptr[child + 1]].tolist()) == before & kept
    assert draw_examples(active, positives, BRANCHES, 400, level=2) == (active, positives)


def test_every_row_has_the_same_chance():
    everything = as_csr(np.ones((1, 10_000), np.float32))
    drawn = [
        draw_examples(everything, everything, np.array([0, 1]), 1000, level=level)[0] for level in range(4)
    ]
    for one in drawn:
        assert np.histogram(one.indices, bins=10, range=(0, 10_000))[0].min() > 60
    assert len(np.intersect1d(drawn[0].indices, drawn[1].indices)) < 200  # another draw at another level


def test_parts_draw_what_the_whole_does():
    active, positives = problem(seed=1)
    whole, few = draw_examples(active, positives, BRANCHES, 100, level=1)
    own = to_scipy(active)[1:]
    numbers = np.flatnonzero(own.sum(axis=0) > 0)
    part = as_csr(own[:, numbers]), as_csr(to_scipy(positives)[2:][:, numbers])
    some, fewer = draw_examples(*part, BRANCHES[1:] - 2, 100, level=1, first=1, numbers=numbers)
    assert (to_scipy(some) != to_scipy(whole)[1:][:, numbers]).nnz == 0
    assert (to_scipy(fewer) != to_scipy(few)[2:][:, numbers]).nnz == 0
