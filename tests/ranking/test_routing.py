"""Which leaf an instance is an example of, against k-means written plainly."""

import os
import signal
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arborank.core.sparse import as_csr, to_scipy
from arborank.ranking.routing import keep_routed, keep_visits, part_labels, route


def unit(rows):
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)


@pytest.fixture(autouse=True)
def every_label_is_parted(monkeypatch):
    monkeypatch.setattr("arborank.ranking.routing._PARTED", 1)


def routes_of(X, Y, membership, beams, scores, **options):
    parted = part_labels(X, Y, membership, beams, scores, **options)
    return route(Y, parted, membership, beams, scores, beam_negatives=0.1)


def examples(*arguments, **options):
    return to_scipy(routes_of(*arguments, **options).examples).toarray()


def plain_route(X, Y, membership, beams, scores, coherence):
    """The matrix of routes, or None where a step hangs on rounding."""
    n, n_labels = Y.shape
    rarity = np.log(n / np.maximum(Y.sum(axis=0), 1))
    companions = unit(Y * rarity)
    routed = np.zeros((n, membership.shape[1]))
    for label in range(n_labels):
        rows, own = np.flatnonzero(Y[:, label]), np.flatnonzero(membership[label])
        if not own.size or not rows.size:
            continue
        others = companions[rows].copy()
        others[:, label] = 0
        vectors = np.hstack([unit(X[rows]), others])
        worth = np.zeros((rows.size, own.size))
        for i, row in enumerate(rows):
            for leaf, score in zip(beams[row], scores[row], strict=True):
                if leaf >= 0:
                    worth[i, own == leaf] = score
        at = worth.argmax(axis=1)
        for _ in range(10 if own.size > 1 else 0):
            sums = np.stack([vectors[at == j].sum(axis=0) for j in range(own.size)])
            value = worth + coherence * vectors @ unit(sums).T
            to = value.argmax(axis=1)
            if (np.diff(np.sort(value, axis=1)[:, -2:]) < 1e-4).any():
                return None
            if (to == at).all():
                break
            at = to
        routed[rows, own[at]] = 1
    return routed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 6), st.integers(1, 5), st.floats(0.1, 5))
def test_by_definition(seed, n, n_labels, n_leaves, coherence):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 7)) * (rng.random((n, 7)) < 0.5)
    Y = (rng.random((n, n_labels)) < 0.5).astype(float)
    membership = (rng.random((n_labels, n_leaves)) < 0.6).astype(float)
    width = int(rng.integers(1, n_leaves + 1))
    beams = np.array([rng.permutation(n_leaves)[:width] for _ in range(n)])
    scores = rng.random(beams.shape).astype(np.float32)
    beams[rng.random(beams.shape) < 0.2] = -1
    scores[beams < 0] = 0
    matrices = as_csr(X), as_csr(Y), as_csr(membership)
    found = examples(*matrices, beams, scores, coherence=coherence, n_threads=1)
    for n_threads in (2, 3):
        again = examples(*matrices, beams, scores, coherence=coherence, n_threads=n_threads)
        assert np.array_equal(again, found)
    expected = plain_route(X, Y, membership, beams, scores, coherence)
    if expected is not None:
        assert np.array_equal(found, expected)


def test_instances_of_a_kind_stay_together():
    kind = np.arange(20) % 2
    X = np.eye(2)[kind]
    Y = np.ones((20, 1))
    leaves = np.ones((1, 2))
    beams = np.tile([0, 1], (20, 1))
    scores = np.where(np.eye(2)[kind] > 0, 0.6, 0.4).astype(np.float32)
    scores[:2] = scores[1::-1]  # the matcher is wrong about two of them
    matrices = as_csr(X), as_csr(Y), as_csr(leaves)
    together = examples(*matrices, beams, scores, coherence=1.0)
    assert np.array_equal(together, np.eye(2)[kind])
    alone = examples(*matrices, beams, scores, coherence=0.0)
    assert np.array_equal(alone.argmax(axis=1), scores.argmax(axis=1))


def test_more_starts_never_do_worse():
    rng = np.random.default_rng(0)
    kind = np.arange(60) % 2
    X = np.hstack([np.eye(2)[kind] * 3, rng.random((60, 4))])
    beams, scores = np.tile([0, 1], (60, 1)), rng.random((60, 2)).astype(np.float32)  # knows nothing
    matrices = as_csr(X), as_csr(np.ones((60, 1))), as_csr(np.ones((1, 2)))

    def value(starts):
        at = examples(*matrices, beams, scores, coherence=5.0, starts=starts).argmax(axis=1)
        vectors = unit(X)
        sums = sum(np.linalg.norm(vectors[at == leaf].sum(axis=0)) for leaf in (0, 1))
        return at, scores[np.arange(60), at].sum() + 5 * sums

    values = [value(starts)[1] for starts in (1, 2, 4, 8)]
    assert all(a <= b + 1e-3 for a, b in pairwise(values))
    parted = value(8)[0]
    assert np.array_equal(parted, kind) or np.array_equal(parted, 1 - kind)


@pytest.mark.parametrize("starts", [1, 3])
def test_a_label_with_leaves_and_no_instance(starts):
    matrices = as_csr(np.eye(4)), as_csr(np.eye(4)[:, [0, 1]] * [1, 0]), as_csr(np.ones((2, 3)))
    beams, scores = np.tile([0, 1, 2], (4, 1)), np.full((4, 3), 0.5, np.float32)
    assert examples(*matrices, beams, scores, starts=starts).sum(axis=1).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(("leaf", "score"), [(0, np.nan), (0, np.inf), (0, -2.0), (2, 0.5), (-2, 0.5)])
def test_wrong_beams(leaf, score):
    matrices = as_csr(np.eye(2)), as_csr(np.ones((2, 1))), as_csr(np.ones((1, 2)))
    beams, scores = np.array([[leaf], [1]]), np.array([[score], [0.5]], np.float32)
    with pytest.raises(ValueError, match="scores finite numbers of at least 0"):
        part_labels(*matrices, beams, scores, starts=2)


def test_what_is_not_routed_costs_nothing():
    costs = as_csr(sp.csr_array(np.array([[2, 3, 0], [0, 4, 5]], np.float32)))
    routed = as_csr(sp.csr_array(np.array([[0, 1, 0], [0, 1, 0]], np.float32)))
    kept = keep_routed(costs, routed)
    assert kept.indices.tolist() == costs.indices.tolist()
    assert kept.data.tolist() == [0, 3, 4, 0]


def test_rare_labels_are_not_parted(monkeypatch):
    monkeypatch.setattr("arborank.ranking.routing._PARTED", 3)
    Y = as_csr(np.array([[1, 0], [1, 1], [1, 1.0]]))  # three instances of one label, two of the other
    leaves = as_csr(np.array([[1, 1, 0, 0], [0, 0, 1, 1.0]]))
    beams, scores = (
        np.array([[0, 2], [1, 3], [0, -1]]),
        np.array([[0.9, 0.3], [0.8, 0.05], [0.7, 0]], np.float32),
    )
    routes = routes_of(as_csr(np.eye(3)), Y, leaves, beams, scores, coherence=0.0)
    assert to_scipy(routes.examples).toarray().tolist() == [[1, 0, 0, 0], [0, 1, 1, 1], [1, 0, 1, 1]]
    assert to_scipy(routes.visited).toarray().tolist() == [[1, 0, 1, 0], [0, 1, 1, 1], [1, 0, 1, 1]]
    assert to_scipy(routes.preferred).toarray().tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]]


def test_visits():
    beams = np.array([[0, 2], [1, -1]])
    Y, leaves = as_csr(np.eye(2)), as_csr(np.array([[1, 1, 0], [0, 0, 1]]))
    scores = np.array([[0.5, 0.05], [0.9, 0]], np.float32)
    routes = routes_of(as_csr(np.eye(2)), Y, leaves, beams, scores)
    assert to_scipy(routes.examples).toarray().tolist() == [[1, 0, 0], [0, 0, 1]]
    assert to_scipy(routes.visited).toarray().tolist() == [[1, 0, 1], [0, 1, 1]]
    assert to_scipy(routes.preferred).toarray().tolist() == [[1, 0, 0], [0, 1, 0]]
    slots = as_csr(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
    kept = to_scipy(keep_visits(slots, routes.visited, np.array([0, 1, 1, 2]))).toarray()
    assert kept.tolist() == [[1, 0, 0, 4], [0, 6, 7, 8]]
    nowhere = as_csr(sp.csr_array((2, 3), dtype=np.float32))
    assert keep_visits(slots, nowhere, np.zeros(4, int)).nnz == 0


@pytest.mark.parametrize("rows", [3, 5])
def test_refuses_other_rows(rows):
    with pytest.raises(ValueError, match="one row an instance"):
        part_labels(
            as_csr(np.ones((rows, 1))),
            as_csr(np.ones((4, 1))),
            as_csr(np.ones((1, 2))),
            np.zeros((4, 1), int),
            np.ones((4, 1), np.float32),
        )


def test_an_interrupt_is_heard_within_a_label():
    rng = np.random.default_rng(0)
    n = 20_000  # instances of one label that never settle: minutes, if nothing stops it
    X = as_csr(sp.random_array((n, 500), density=0.1, rng=rng, dtype=np.float32))
    matrices = X, as_csr(np.ones((n, 1))), as_csr(np.ones((1, 6)))
    beams, scores = np.tile(np.arange(6), (n, 1)), rng.random((n, 6)).astype(np.float32)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            part_labels(*matrices, beams, scores, starts=10_000)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, previous)
    assert time.perf_counter() - start < 20
