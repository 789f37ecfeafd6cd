"""Routing: the copy of a label that an instance is an example of."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank.ranking import keep_routed, route
from arborank.sparse import as_csr, to_scipy


def plain_route(Y, membership, beams, scores):
    routed = np.zeros((Y.shape[0], membership.shape[1]), np.float32)
    for i, label in np.argwhere(Y):
        leaves = np.flatnonzero(membership[label])
        found = [
            max([s for b, s in zip(beams[i], scores[i], strict=True) if b == leaf], default=0.0)
            for leaf in leaves
        ]
        if leaves.size:
            routed[i, leaves[np.array(found) == max(found)]] = 1
    return routed


@given(st.integers(0, 2**32), st.integers(0, 8), st.integers(1, 5), st.integers(1, 4))
def test_equals_plain(seed, n, n_labels, n_leaves):
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, n_labels)) < 0.5).astype(np.float32)
    membership = (rng.random((n_labels, n_leaves)) < 0.6).astype(np.float32)
    width = int(rng.integers(1, n_leaves + 1))
    beams = np.array([rng.permutation(n_leaves)[:width] for _ in range(n)], np.int64).reshape(n, width)
    scores = rng.integers(0, 4, size=beams.shape).astype(np.float32)
    beams[rng.random(beams.shape) < 0.2] = -1
    found = route(as_csr(Y), as_csr(membership), beams, scores)
    assert np.array_equal(to_scipy(found).toarray(), plain_route(Y, membership, beams, scores))


def test_the_preferred_leaf_is_the_only_one():
    Y, membership = as_csr([[1.0]]), as_csr([[1.0, 1.0, 0.0]])
    found = route(Y, membership, np.array([[2, 1, 0]]), np.array([[0.9, 0.5, 0.1]], np.float32))
    assert to_scipy(found).toarray().tolist() == [[0, 1, 0]]
    nowhere = route(Y, membership, np.array([[2]]), np.array([[0.9]], np.float32))
    assert to_scipy(nowhere).toarray().tolist() == [[1, 1, 0]]


def test_what_is_not_routed_costs_nothing():
    costs = as_csr(np.array([[2.0, 0, 3.0], [0, 0, 0], [1.0, 1.0, 1.0]]))
    kept = keep_routed(costs, as_csr(np.array([[0, 0, 1.0], [0, 0, 0], [1.0, 0, 1.0]])))
    assert kept.nnz == costs.nnz
    assert to_scipy(kept).toarray().tolist() == [[0, 0, 3], [0, 0, 0], [1, 0, 1]]
    nothing = keep_routed(costs, as_csr(sp.csr_array((3, 3), dtype=np.float32)))
    assert nothing.data == pytest.approx(np.zeros(5))
