"""Finite features give finite scores, however large: those of exact arithmetic as far as a float32 can hold them."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import Ensemble, XRLinear

LARGEST = float(np.finfo(np.float32).max)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = sp.random_array((300, 60), density=0.3, rng=rng, dtype=np.float32, format="csr")
    Y = [[int(label)] for label in rng.integers(0, 40, 300)]
    return {
        combine: XRLinear(branching=4, max_leaf_size=20, threshold=0, combine=combine).fit(X, Y)
        for combine in ("noop", "l3-hinge", "sigmoid", "log-l3-hinge", "log-sigmoid")
    }


def huge(value, n_rows=40, density=0.5):
    rng = np.random.default_rng(2)
    X = sp.random_array((n_rows, 60), density=density, rng=rng, dtype=np.float32, format="csr")
    X.data[:] = rng.choice([-value, value], X.nnz) * rng.uniform(0.3, 1, X.nnz)
    return X


@pytest.mark.parametrize("value", [1e12, 1e30, 3e38])
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_margins_are_those_of_exact_arithmetic(fitted, precision, value):
    model = fitted["noop"].quantize(precision)
    X = huge(value)
    ids, scores = model.predict_topk(X, 40, beam_size=40)
    W, bias = model.layers_[-1].to_matrix()
    rows = X.toarray().astype(np.float64) / model.row_length_
    margins = rows @ W.toarray().astype(np.float64) + bias
    expected = np.full((X.shape[0], 40), -np.inf)
    expected[:, model.tree_.labels] = np.clip(margins, -LARGEST, LARGEST)
    found = np.take_along_axis(expected, ids, axis=1)
    assert (ids >= 0).all()
    np.testing.assert_allclose(scores, found, rtol=1e-4, atol=value * 1e-4)


@pytest.mark.parametrize("value", [1e30, 3e38])
@pytest.mark.parametrize("combine", ["noop", "l3-hinge", "sigmoid", "log-l3-hinge", "log-sigmoid"])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_scores_are_finite_and_the_same_one_by_one(fitted, precision, combine, value):
    model = fitted[combine].quantize(precision)
    X = huge(value)
    ids, scores = model.predict_topk(X, 10)
    assert np.isfinite(scores[ids >= 0]).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    for row in range(X.shape[0]):
        own_ids, own_scores = model.predict_topk(X[[row]], 10)
        np.testing.assert_array_equal(own_ids[0], ids[row])
        np.testing.assert_array_equal(own_scores[0], scores[row])


def test_rows_beside_a_huge_one_keep_their_scores(fitted):
    model = fitted["noop"].quantize("int8")
    usual = huge(1.0)
    alone = model.predict_topk(usual, 10)
    beside = model.predict_topk(sp.vstack([usual, huge(3e38)], format="csr"), 10)
    for own, joint in zip(alone, beside, strict=True):
        np.testing.assert_array_equal(joint[: usual.shape[0]], own)


def test_ensembles_take_such_scores(fitted):
    both = Ensemble.from_fitted([fitted["log-l3-hinge"], fitted["log-sigmoid"]], method="softmax")
    ids, scores = both.predict_topk(huge(3e38), 5)
    assert np.isfinite(scores[ids >= 0]).all()
