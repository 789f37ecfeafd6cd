"""Fitting again, and what a fit that fails leaves."""

import numpy as np
import pytest

from arborank import XRLinear


def test_score_takes_lists_that_lack_the_last_labels(topics):
    X, Y = topics
    model = XRLinear(branching=3, max_leaf_size=8).fit(X, Y)
    assert 0.0 <= model.score(X[:3], [[0], [1], [2]]) <= 1.0


def test_a_failed_fit_on_dense_instances_keeps_the_number_of_features(topics):
    X, Y = topics
    dense = X.toarray()
    model = XRLinear(branching=3, max_leaf_size=8).fit(dense, Y)
    expected = model.predict_topk(dense)[0]
    with pytest.raises(ValueError, match="relevance"):
        model.fit(dense[:, :5], Y, relevance=Y[:-1])
    assert model.n_features_in_ == dense.shape[1]
    assert np.array_equal(model.predict_topk(dense)[0], expected)


def test_relevance_may_be_zero(topics):
    X, Y = topics
    relevance = Y.copy()
    relevance.data[::3] = 0
    model = XRLinear(branching=3, max_leaf_size=8).fit(X, Y, relevance=relevance)
    assert model.predict_topk(X[:2])[0].shape == (2, 10)
