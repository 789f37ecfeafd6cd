import itertools
import math
import signal
import time

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank.core.sparse import Csr, as_csr, normalize_rows, to_scipy
from arborank.indexing.kmeans import balanced_kmeans
from arborank.indexing.representation import pifa, pifa_compact

MASK = 2**64 - 1


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def reference_halves(P, ids, node, seed, max_iter, spherical):
    """Balanced 2-means with two centroids, all rows scored in every round."""
    draws = splitmix64(seed ^ ((node * 0xD1342543DE82EF95) & MASK))
    start = list(ids)
    for i in range(2):
        j = i + next(draws) % (len(ids) - i)
        start[i], start[j] = start[j], start[i]
    direction = P[start[1]] - P[start[0]]
    halves = None
    for _ in range(max_iter):
        ranked = sorted(ids, key=lambda i: (P[i] @ direction, i))
        new = sorted(ranked[: len(ids) // 2]), sorted(ranked[len(ids) // 2 :])
        if new == halves:
            break
        halves = new
        centroids = [P[half].sum(0) for half in halves]
        weights = [np.linalg.norm(c) if spherical else len(h) for c, h in zip(centroids, halves, strict=True)]
        left, right = (c / w if w > 0 else c for c, w in zip(centroids, weights, strict=True))
        direction = right - left
    return halves


def reference_leaves(P, depth, seed=0, max_iter=20, spherical=True):
    level = [list(range(len(P)))]
    for t in range(depth):
        below = []
        for place, ids in enumerate(level):
            below += reference_halves(P, ids, 2**t + place, seed, max_iter, spherical)
        level = below
    return level


def leaves(tree):
    bounds = tree.branches[-1]
    return [sorted(tree.labels[a:b].tolist()) for a, b in itertools.pairwise(bounds)]


def rounded(rows):
    """Round the values of every row to 1/32767 of its largest, as sparse k-means holds them."""
    rows = sp.csr_array(rows, dtype=np.float64)
    unit = np.repeat(abs(rows).max(axis=1).toarray().ravel() / 32767, np.diff(rows.indptr))
    rows.data = np.rint(rows.data / unit) * unit
    return sp.csr_array(rows, dtype=np.float32)


def random_rows(seed, n=120, d=40, density=0.2):
    """Random rows of values that sparse k-means holds without rounding."""
    rng = np.random.default_rng(seed)
    rows = sp.random_array((n, d), density=density, rng=rng, dtype=np.float32, format="csr")
    rows.data += np.float32(0.1)
    return rounded(rows)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spherical", [True, False])
@pytest.mark.parametrize("max_iter", [1, 2, 20])
def test_equals_the_reference(seed, spherical, max_iter):
    rows = random_rows(seed)
    expected = reference_leaves(rows.toarray().astype(float), 4, seed, max_iter, spherical)
    options = {
        "max_leaf_size": 8,
        "random_state": seed,
        "spherical": spherical,
        "max_iter": max_iter,
        "tolerance": 0,
    }
    assert leaves(balanced_kmeans(as_csr(rows), **options)) == expected
    assert leaves(balanced_kmeans(rows.toarray(), **options)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_sparse_values_are_rounded(seed):
    rows = random_rows(seed)
    rows.data *= np.random.default_rng(seed).uniform(0.5, 2, rows.nnz).astype(np.float32)
    expected = reference_leaves(rounded(rows).toarray().astype(float), 4)
    assert leaves(balanced_kmeans(as_csr(rows), max_leaf_size=8, tolerance=0)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_compact_rows_are_clustered_like_pifa(seed):
    rng = np.random.default_rng(seed)
    X = random_rows(seed, n=300, d=80, density=0.1)
    Y = sp.random_array((300, 90), density=0.03, rng=rng, dtype=np.float32, format="csr")
    expected = balanced_kmeans(pifa(X, Y), max_leaf_size=6)
    compact = pifa_compact(X, Y, n_threads=2)
    assert compact.shape == (90, 80)
    assert compact.nnz == pifa(X, Y).nnz
    assert balanced_kmeans(compact, max_leaf_size=6) == expected
    with pytest.raises(ValueError, match="no rows, or is used up"):
        balanced_kmeans(compact, max_leaf_size=6)


def test_a_tolerance_ends_splits_early_at_little_cost():
    rows = random_rows(7, n=2000, d=100, density=0.1)
    dense = rows.toarray().astype(float)
    full, early, first = (
        objective(dense, balanced_kmeans(as_csr(rows), max_leaf_size=250, tolerance=tolerance))
        for tolerance in (0, 0.02, 1)
    )
    assert first < early < full
    assert early > 0.98 * full


@pytest.mark.parametrize("seed", range(4))
def test_features_of_one_row_alone_count(seed):
    # Most features occur once: the kernel drops them and must keep their weight.
    rng = np.random.default_rng(seed)
    shared = random_rows(seed, n=100, d=10)
    single = sp.diags_array(rng.uniform(0, 3, 100))
    rows = rounded(sp.hstack([single, shared, sp.csr_array((100, 500))], format="csr"))
    expected = reference_leaves(rows.toarray().astype(float), 4, seed)
    assert leaves(balanced_kmeans(as_csr(rows), max_leaf_size=7, random_state=seed, tolerance=0)) == expected


@st.composite
def representations(draw):
    """Small whole numbers, so that rows repeat, vanish and tie."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(0, 6))
    values = draw(st.lists(st.integers(-1, 2), min_size=n * d, max_size=n * d))
    rows = np.array(values, np.float32).reshape(n, d)
    return as_csr(rows) if draw(st.booleans()) else rows


@given(representations(), st.integers(1, 12), st.booleans(), st.none() | st.integers(2, 9))
def test_any_input_gives_even_leaves(rows, max_leaf_size, spherical, max_sample):
    n = rows.shape[0]
    tree = balanced_kmeans(rows, max_leaf_size=max_leaf_size, spherical=spherical, max_sample=max_sample)
    assert sorted(tree.labels.tolist()) == list(range(n))
    depth = max(0, math.ceil(math.log2(n / max_leaf_size)))
    if depth == 0:
        assert tree.level_sizes == (1, n)
        return
    sizes = np.diff(tree.branches[-1])
    assert sizes.size == min(n, 2**depth)
    assert sizes.max() <= max_leaf_size
    assert sizes.max() - sizes.min() <= 1


def test_clear_groups_are_found():
    rng = np.random.default_rng(3)
    group = rng.permutation(np.repeat(np.arange(8), 25))
    rows = (np.eye(8)[group] + rng.uniform(0, 0.05, (200, 8))).astype(np.float32)
    for representation in (rows, as_csr(rows)):
        found = leaves(balanced_kmeans(representation, max_leaf_size=25))
        assert sorted(set(group[leaf].tolist()).__len__() for leaf in found) == [1] * 8


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("max_sample", [None, 500])
def test_same_bytes_for_any_number_of_threads(kind, max_sample):
    rows = random_rows(5, n=5000, d=400, density=0.15)
    representation = as_csr(rows) if kind == "sparse" else rows.toarray()
    trees = [
        balanced_kmeans(representation, max_leaf_size=20, max_sample=max_sample, n_threads=n)
        for n in (1, 2, 7)
    ]
    assert trees[0] == trees[1] == trees[2]
    other = balanced_kmeans(representation, max_leaf_size=20, max_sample=max_sample, random_state=1)
    assert other != trees[0]


def objective(rows, tree):
    return sum(np.linalg.norm(rows[leaf].sum(0)) for leaf in leaves(tree))


def test_a_sampled_start_costs_no_quality():
    rows = random_rows(6, n=3000, d=100, density=0.1)  # large enough for the kernel to start on a sample
    rows = normalize_rows(as_csr(rows))
    dense = to_scipy(rows).toarray().astype(float)
    expected = sum(np.linalg.norm(dense[leaf].sum(0)) for leaf in reference_leaves(dense, 3))
    assert objective(dense, balanced_kmeans(rows, max_leaf_size=400)) > 0.99 * expected
    # A split decided on few labels is worse than one decided on all, and better than none.
    sampled = objective(dense, balanced_kmeans(rows, max_leaf_size=400, max_sample=100))
    arbitrary = sum(np.linalg.norm(part.sum(0)) for part in np.array_split(dense, 8))
    assert arbitrary < sampled < objective(dense, balanced_kmeans(rows, max_leaf_size=400))


def test_small_nodes_of_many_rows():
    """Sparse rows of small nodes are copied together, dense ones are not: the clusters are as good, or the same."""
    rng = np.random.default_rng(0)
    n, n_topics = 20_000, 64
    topic = rng.integers(n_topics, size=n)
    columns = topic[:, None] * 6 + rng.integers(6, size=(n, 3))
    indptr = np.arange(n + 1) * 3
    rows = rounded(sp.csr_array((np.ones(n * 3, np.float32), columns.ravel(), indptr), (n, n_topics * 6)))
    trees = [balanced_kmeans(as_csr(rows), max_leaf_size=80, n_threads=threads) for threads in (1, 2)]
    assert trees[0] == trees[1]
    dense = rows.toarray()
    ratio = objective(dense, trees[0]) / objective(dense, balanced_kmeans(dense, max_leaf_size=80))
    assert 0.995 < ratio < 1.005


def test_levels_follow_branching_and_min_codes():
    rows = random_rows(1, n=640)
    assert balanced_kmeans(as_csr(rows), max_leaf_size=10).level_sizes == (1, 4, 64, 640)
    assert balanced_kmeans(as_csr(rows), max_leaf_size=10, branching=8).level_sizes == (1, 8, 64, 640)
    assert balanced_kmeans(as_csr(rows), max_leaf_size=10, min_codes=64).level_sizes == (1, 64, 640)


@pytest.mark.parametrize("value", [1e25, 3e38])
def test_values_that_overflow_do_no_harm(value):
    rows = random_rows(2).toarray() * np.float32(value)
    rows[~np.isfinite(rows)] = 0
    for representation in (rows, as_csr(rows)):
        assert sorted(balanced_kmeans(representation, max_leaf_size=5).labels.tolist()) == list(range(120))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_interrupt_is_heard(n_threads):
    rows = np.random.default_rng(0).normal(size=(150_000, 96)).astype(np.float32)

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.25)
    try:
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            balanced_kmeans(rows, max_leaf_size=1, n_threads=n_threads)
        assert time.monotonic() - begin < 10
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_progress_grows_and_its_errors_arrive():
    seen = []
    rows = np.random.default_rng(0).normal(size=(60_000, 64)).astype(np.float32)
    balanced_kmeans(rows, max_leaf_size=50, n_threads=1, progress=seen.append)
    assert seen == sorted(seen)

    def fail(done):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        balanced_kmeans(np.tile(rows, (3, 1)), max_leaf_size=1, n_threads=2, progress=fail)


GOOD = np.ones((4, 2), np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"branching": 1}, "branching must be at least 2, found 1"),
        ({"max_leaf_size": 0}, "max_leaf_size must be at least 1, found 0"),
        ({"max_leaf_size": -5}, "max_leaf_size must be at least 1, found -5"),
        ({"min_codes": 0}, "min_codes must be at least 1, found 0"),
        ({"max_iter": 0}, "max_iter must be at least 1, found 0"),
        ({"tolerance": -0.1}, "tolerance must be at least 0, found -0.1"),
        ({"max_sample": 1}, "max_sample must be at least 2, found 1"),
        ({"random_state": -1}, "random_state must be between 0 and 18446744073709551615, found -1"),
        ({"representation": np.zeros((0, 3), np.float32)}, "no rows"),
        ({"representation": np.zeros(3, np.float32)}, "2-dimensional, found 1"),
        ({"representation": np.full((2, 2), np.nan, np.float32)}, "NaN or infinity"),
        ({"representation": sp.csr_array(np.full((2, 2), np.inf))}, "infinity"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        balanced_kmeans(**{"representation": GOOD, **arguments})


def test_a_hand_made_csr_is_put_in_order():
    rng = np.random.default_rng(0)
    right = as_csr(rng.random((8, 3), dtype=np.float32))
    backwards = Csr(
        right.indptr,
        np.ascontiguousarray(right.indices.reshape(8, 3)[:, ::-1].ravel()),
        np.ascontiguousarray(right.data.reshape(8, 3)[:, ::-1].ravel()),
        3,
    )
    assert not backwards.canonical
    assert balanced_kmeans(backwards, max_leaf_size=2) == balanced_kmeans(right, max_leaf_size=2)
