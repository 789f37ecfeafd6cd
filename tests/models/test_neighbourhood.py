"""Instances with the features of the labels that are predicted for them."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import arborank
from arborank import XRLinear
from arborank.metrics import precision_at_k
from arborank.models import NeighbourhoodRanker
from arborank.sparse import to_scipy

TREE = {"branching": 3, "max_leaf_size": 8}


@pytest.fixture
def fitted(topics):
    X, Y = topics
    return NeighbourhoodRanker(XRLinear(**TREE), n_neighbours=3).fit(X, Y)


def test_finds_the_labels(topics, fitted):
    X, Y = topics
    assert precision_at_k(Y, fitted.predict_topk(X)[0], 1) > 0.95
    assert fitted.score(X, Y) > 0.9
    assert fitted.n_labels_ == 60
    assert fitted.second_.tree_ == fitted.first_.tree_
    assert fitted.second_.n_features_in_ == 2 * fitted.n_features_in_ == 2 * X.shape[1]
    assert fitted.predict(X).shape == fitted.decision_function(X).shape == Y.shape
    only, _ = fitted.predict_topk(X, 2, candidates=[0, 1], beam_size=60)
    assert set(np.unique(only)) <= {-1, 0, 1}


def test_the_neighbourhood_by_definition(topics, fitted):
    X, Y = topics
    joined = to_scipy(fitted._augmented(X)).toarray()
    assert np.array_equal(joined[:, : X.shape[1]], X.toarray())
    means = Y.toarray().T @ (X.toarray() / np.linalg.norm(X.toarray(), axis=1, keepdims=True))
    means /= np.linalg.norm(means, axis=1, keepdims=True)  # all have fewer than 100 features
    ids, scores = fitted.first_.predict_topk(X, 3)
    near = (np.exp(scores)[:, :, None] * means[ids]).sum(axis=1)
    expected = 0.7 * near / np.linalg.norm(near, axis=1, keepdims=True)
    np.testing.assert_allclose(joined[:, X.shape[1] :], expected, atol=1e-2)


def test_only_the_most_typical_features(topics):
    X, Y = topics
    model = NeighbourhoodRanker(XRLinear(**TREE), n_neighbours=1, max_nonzeros=2).fit(X, Y)
    near = to_scipy(model._augmented(X))[:, X.shape[1] :]
    assert np.diff(near.indptr).max() == 2


def test_saved_and_loaded(topics, fitted, tmp_path):
    X, _ = topics
    fitted.save(tmp_path / "m")
    loaded = arborank.load(tmp_path / "m")
    for found, expected in zip(loaded.predict_topk(X), fitted.predict_topk(X), strict=True):
        assert np.array_equal(found, expected)
    assert clone(fitted).get_params()["n_neighbours"] == 3


def test_overlapping_and_tiny(topics):
    X, Y = topics
    model = NeighbourhoodRanker(XRLinear(max_clusters=2, **TREE)).fit(X, Y)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.95
    one = NeighbourhoodRanker().fit(np.ones((1, 2), np.float32), [[0, 1]])
    assert set(one.predict_topk(np.ones((1, 2)), 2)[0].ravel()) == {0, 1}
    assert one.predict_topk(sp.csr_array((0, 2)), 2)[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_neighbours": 0}, ValueError, "n_neighbours must be at least 1"),
        ({"max_nonzeros": 0}, ValueError, "max_nonzeros must be at least 1"),
        ({"weight": 0}, ValueError, "weight must be"),
        ({"ranker": 3}, TypeError, "ranker must be an XRLinear, found int"),
    ],
)
def test_refuses(topics, options, error, message):
    with pytest.raises(error, match=message):
        NeighbourhoodRanker(**options).fit(*topics)
    with pytest.raises(ValueError, match="Y is 1-dimensional"):
        NeighbourhoodRanker().fit(np.eye(3), ["a", "b", "a"])
    with pytest.raises(NotFittedError, match="not fitted"):
        NeighbourhoodRanker().predict_topk(np.eye(3))
