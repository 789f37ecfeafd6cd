import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank.indexing.representation import pifa, pifa_with_features, pii


def unit(rows):
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


@st.composite
def problems(draw):
    n, d, n_labels = draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    seed, empty = draw(st.integers(0, 999)), draw(st.floats(0, 1))
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.1, 1, (n, d)) * (rng.random((n, d)) > empty)
    Y = rng.uniform(0.1, 1, (n, n_labels)) * (rng.random((n, n_labels)) > empty)
    return X, Y


@given(problems())
def test_pii(problem):
    _, Y = problem
    np.testing.assert_allclose(pii(Y).toarray(), unit(Y.T), rtol=1e-5)


@given(problems())
def test_pifa(problem):
    X, Y = problem
    result = pifa(sp.csr_matrix(X), sp.csc_array(Y))
    assert result.has_canonical_format
    np.testing.assert_allclose(result.toarray(), unit(unit(Y).T @ X), rtol=1e-5, atol=1e-7)


@given(problems(), st.integers(0, 99))
def test_pifa_with_features(problem, seed):
    X, Y = problem
    mean = unit(unit(Y).T @ X)
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(Y.shape[1], 3))
    concat = pifa_with_features(X, Y, Z).toarray()
    np.testing.assert_allclose(concat, np.hstack([mean, Z]), rtol=1e-5, atol=1e-6)
    Z = rng.normal(size=(Y.shape[1], X.shape[1]))
    for alpha in (0.25, rng.random(Y.shape[1])):
        share = np.broadcast_to(alpha, Y.shape[1])[:, None]
        mixed = pifa_with_features(X, Y, Z, how="convex", alpha=alpha).toarray()
        np.testing.assert_allclose(mixed, share * mean + (1 - share) * Z, rtol=1e-5, atol=1e-6)


X, Y = np.ones((3, 2)), np.ones((3, 4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pifa(X, Y[:2]), "Y has 2 rows, but 3 were expected"),
        (lambda: pifa(X * np.nan, Y), "X contains NaN"),
        (lambda: pifa_with_features(X, Y, np.ones((3, 2))), "Z has 3 rows, but 4 were expected"),
        (lambda: pifa_with_features(X, Y, np.ones((4, 3)), how="convex"), "Z has 3 .*, but 2 were expected"),
        (lambda: pifa_with_features(X, Y, np.ones((4, 2)), how="mean"), "how must be one of .* found 'mean'"),
        (lambda: pifa_with_features(X, Y, np.ones((4, 2)), how="convex", alpha=1.5), "alpha holds 1.5"),
        (lambda: pifa_with_features(X, Y, np.ones((4, 2)), how="convex", alpha=np.nan), "alpha holds nan"),
        (
            lambda: pifa_with_features(X, Y, np.ones((4, 2)), how="convex", alpha=[0.5] * 3),
            r"alpha has shape \(3,\)",
        ),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
