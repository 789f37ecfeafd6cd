import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank import LabelTree
from arborank.core.sparse import as_csr
from arborank.transformer.tuning.candidates import Candidates, children_between


@st.composite
def problems(draw):
    widths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    bounds = np.concatenate([[0], np.cumsum(widths)])
    n, n_upper, n_nodes = draw(st.integers(1, 5)), len(widths), int(bounds[-1])
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    positives = (rng.random((n, n_nodes)) < 0.3).astype(np.float32)
    beam = np.where(rng.random((n, 3)) < 0.5, rng.integers(0, n_upper, (n, 3)), -1).astype(np.int32)
    return bounds, positives, beam, draw(st.sampled_from(["tfn", "man", "both"]))


@given(problems())
def test_candidates_are_what_lies_below_right_nodes_and_beam(problem):
    bounds, positives, beam, scheme = problem
    n, n_upper = len(positives), len(bounds) - 1
    above = np.add.reduceat(positives, bounds[:-1], axis=1) > 0
    candidates = Candidates(
        bounds,
        as_csr(sp.csr_array(positives)),
        as_csr(sp.csr_array(above.astype(np.float32))) if scheme != "man" else None,
        beam if scheme != "tfn" else None,
    )
    rows = np.arange(n)[::-1].copy()
    batch = candidates.batch(rows)
    if n_upper == 1:
        assert batch.nodes is None
        assert batch.mask is None
        np.testing.assert_array_equal(batch.targets, positives[rows] > 0)
        return
    for place, row in enumerate(rows):
        parents = set(np.flatnonzero(above[row]))
        if scheme != "tfn":
            parents |= set(beam[row][beam[row] >= 0].tolist())
        expected = sorted(node for p in parents for node in range(bounds[p], bounds[p + 1]))
        assert batch.nodes[batch.mask[place]].tolist() == expected
        assert batch.nodes[batch.targets[place]].tolist() == np.flatnonzero(positives[row]).tolist()


def test_children_between_levels():
    tree = LabelTree.from_order(np.arange(12), [0, 3, 6, 9, 12], branching=2)
    assert tree.level_sizes == (1, 2, 4, 12)
    assert children_between(tree, 0, 3).tolist() == [0, 12]
    assert children_between(tree, 1, 3).tolist() == [0, 6, 12]
    assert children_between(tree, 2, 3).tolist() == [0, 3, 6, 9, 12]


def test_below_a_beam():
    bounds = np.array([0, 2, 5, 6])
    candidates = Candidates(bounds, as_csr(sp.csr_array((2, 6), dtype=np.float32)))
    parents, nodes, widths = candidates.below(np.array([[2, -1], [0, 2]], np.int32))
    assert (parents.tolist(), nodes.tolist(), widths.tolist()) == ([0, 2], [0, 1, 5], [2, 1])
