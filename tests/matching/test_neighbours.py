"""Nearest neighbours: search, matching, mixing, grouping."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from arborank.matching.neighbours import NeighbourIndex, NeighbourMatcher, mix_top
from arborank.stages import KMeansIndexer, LinearRanker, StagedRanker
from arborank.stages.testing import check_matcher


def random_rows(rng, n, d):
    rows = rng.integers(-3, 4, size=(n, d)).astype(np.float32)
    rows[rng.random(n) < 0.2] = 0
    return rows


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 6), st.integers(1, 5), st.integers(1, 25))
def test_search_by_definition(seed, n, m, d, k):
    rng = np.random.default_rng(seed)
    rows, queries = random_rows(rng, n, d), random_rows(rng, m, d)
    length = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(rows, axis=1)
    cosine = np.divide(queries @ rows.T, length, out=np.zeros((m, n), np.float32), where=length > 0)
    for convert in (np.asarray, sp.csr_array):
        ids, similarities = NeighbourIndex(convert(rows)).search(convert(queries), k)
        assert ids.shape == (m, min(k, n))
        np.testing.assert_allclose(similarities, -np.sort(-cosine, axis=1)[:, :k], atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(cosine, ids, axis=1), similarities, atol=1e-6)


def test_equal_neighbours_come_in_the_order_of_their_ids(monkeypatch):
    rows = np.eye(3, dtype=np.float32)[[0, 1, 0, 1, 0, 2]]
    ids, _ = NeighbourIndex(rows).search(rows[:2], 4)
    assert ids.tolist() == [[0, 2, 4, 1], [1, 3, 0, 2]]
    monkeypatch.setattr("arborank.matching.neighbours._COMPARED", 1)  # a query at a time
    assert np.array_equal(NeighbourIndex(rows).search(rows[:2], 4)[0], ids)


def test_keeps_the_promise_of_a_matcher():
    check_matcher(NeighbourMatcher(5))
    check_matcher(NeighbourMatcher(5, encode=lambda X: X.toarray()))


def test_scores_are_shares():
    X = sp.csr_array(np.array([[1, 0], [1, 0], [0, 1]], np.float32))
    C = sp.csr_array(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32))
    ids, scores = NeighbourMatcher(3, sharpness=0).fit(X, C).match(X[:1], 3)
    assert ids.tolist() == [[0, 1, -1]]
    np.testing.assert_allclose(scores[0, :2], 0.5)


def test_as_the_matcher_of_a_model(topics):
    X, Y = topics
    model = StagedRanker(KMeansIndexer(max_leaf_size=8), NeighbourMatcher(20), LinearRanker()).fit(X, Y)
    ids, _ = model.predict_topk(X, 1)
    assert np.mean([Y[i, label] for i, label in enumerate(ids[:, 0])]) > 0.9


def test_mixing():
    a = (np.array([[3, 1, -1]]), np.array([[0.8, 0.4, -np.inf]], np.float32))
    b = (np.array([[1, 2]]), np.array([[0.6, 0.5]], np.float32))
    ids, scores = mix_top(a, b, 0.5)
    assert ids.tolist() == [[1, 3, 2]]
    np.testing.assert_allclose(scores, [[0.5, 0.4, 0.25]])
    assert mix_top(a, b, 1.0, k=1)[0].tolist() == [[3]]
    assert mix_top((a[0][:, :0], a[1][:, :0]), b, k=4)[0].tolist() == [[1, 2, -1, -1]]


def test_approximate():
    pytest.importorskip("usearch")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 8)).astype(np.float32)
    exact, _ = NeighbourIndex(rows).search(rows, 5)
    ids, similarities = NeighbourIndex(rows, approximate=True).search(rows, 5)
    assert np.mean(ids == exact) > 0.95
    assert (np.diff(similarities, axis=1) <= 0).all()
    check_matcher(NeighbourMatcher(5, encode=lambda X: X.toarray(), approximate=True))


def test_approximate_without_usearch(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch", None)
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(ImportError, match=r"pip install 'arborank\[neighbours\]'"):
        NeighbourIndex(np.eye(3), approximate=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NeighbourMatcher(0), ValueError, "n_neighbours must be at least 1"),
        (lambda: NeighbourMatcher(sharpness=-1), ValueError, "sharpness must be at least 0"),
        (lambda: NeighbourMatcher(encode=3), TypeError, "encode must be callable"),
        (lambda: NeighbourMatcher(approximate=True), ValueError, "approximate needs encode"),
        (lambda: NeighbourMatcher().match(sp.csr_array((1, 1)), 1), NotFittedError, "not fitted"),
        (lambda: NeighbourIndex(sp.eye_array(3), approximate=True), ValueError, "rows are sparse"),
        (lambda: NeighbourIndex(np.array(["a"])), TypeError, "rows have dtype"),
        (lambda: NeighbourIndex(np.zeros(3)), ValueError, "2-dimensional"),
        (lambda: NeighbourIndex(np.full((2, 2), np.nan)), ValueError, "NaN"),
        (lambda: NeighbourIndex(np.eye(3)).search(np.eye(2), 1), ValueError, "queries have 2 columns"),
        (
            lambda: NeighbourIndex(np.eye(3)).search(sp.eye_array(3), 1),
            TypeError,
            "both be sparse, or both dense",
        ),
        (lambda: mix_top((np.zeros((1, 1)),) * 2, (np.zeros((2, 1)),) * 2), ValueError, "first has 1 rows"),
        (
            lambda: mix_top((np.zeros((1, 1)),) * 2, (np.zeros((1, 1)),) * 2, 2),
            ValueError,
            "weight must be at most 1",
        ),
        (
            lambda: NeighbourMatcher(encode=lambda X: np.ones(3)).fit(
                sp.csr_array((2, 1)), sp.csr_array((2, 1))
            ),
            ValueError,
            r"encode returned an array of shape \(3,\)",
        ),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
