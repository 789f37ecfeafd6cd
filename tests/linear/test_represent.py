"""What an estimator takes as the representation of its labels."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import XRLinear
from arborank.core.sparse import as_csr, to_scipy
from arborank.indexing import graph_spectral, pifa, spectral
from arborank.indexing.representing import represent
from arborank.metrics import precision_at_k

SMALL_TREE = {"branching": 3, "max_leaf_size": 8}
OPTIONS = {"alpha": 0.5, "random_state": 0, "n_threads": 1, "verbose": False}


@pytest.mark.parametrize("kind", ["spectral", "pifa+spectral", "pii+pifa", {"pifa": 3, "spectral": 1}])
def test_names_and_mixtures(topics, kind):
    X, Y = topics
    model = XRLinear(representation=kind, **SMALL_TREE).fit(X, Y)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


def test_similarities_are_mixed(topics):
    X, Y = (as_csr(m) for m in topics)
    mixed, _ = represent({"pifa": 3, "spectral": 1}, X, Y, None, **OPTIONS)
    a, b = pifa(X, Y).toarray(), spectral(Y)
    rows = to_scipy(mixed).toarray()
    np.testing.assert_allclose(rows @ rows.T, 0.75 * a @ a.T + 0.25 * b @ b.T, atol=1e-5)


def test_features_are_joined_as_unit_rows(topics):
    X, Y = topics
    Z = sp.csr_array(3 * np.eye(Y.shape[1], dtype=np.float32))
    joined, _ = represent("features+pifa", as_csr(X), as_csr(Y), Z, **OPTIONS)
    assert np.allclose(to_scipy(joined).toarray()[:, : Y.shape[1]], np.eye(Y.shape[1]))
    model = XRLinear(representation="pifa+features", **SMALL_TREE).fit(X, Y, label_features=Z)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_matrix, sp.coo_array, as_csr])
def test_a_matrix_or_a_callable(topics, convert):
    X, Y = topics
    vectors = np.random.default_rng(0).random((Y.shape[1], 5)).astype(np.float32)
    given = XRLinear(representation=convert(vectors), **SMALL_TREE).fit(X, Y)
    called = XRLinear(representation=lambda X, Y: convert(vectors), **SMALL_TREE).fit(X, Y)
    assert given.tree_ == called.tree_


def test_a_graph_of_the_users_own(topics):
    X, Y = topics
    model = XRLinear(representation=graph_spectral(Y.T @ Y, n_components=8), **SMALL_TREE).fit(X, Y)
    assert precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.9


def test_labels_without_positives_are_left_out(topics):
    X, Y = topics
    wider = sp.hstack([Y, sp.csr_array((Y.shape[0], 2), dtype=np.float32)]).tocsr()
    vectors = np.random.default_rng(0).random((wider.shape[1], 5))
    for kind in (vectors, lambda X, Y: vectors, "pifa+spectral"):
        model = XRLinear(representation=kind, **SMALL_TREE).fit(X, wider)
        assert model.tree_.labels.max() == Y.shape[1] - 1


def test_saved_without_the_users_code(topics, tmp_path):
    X, Y = topics
    model = XRLinear(representation=lambda X, Y: np.eye(Y.shape[1]), **SMALL_TREE).fit(X, Y)
    model.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_topk(X)[0], model.predict_topk(X)[0])
    with pytest.raises(ValueError, match="representation is 'custom'"):
        loaded.fit(X, Y)
    mixed = XRLinear(representation={"pifa": 1, "spectral": 1}, **SMALL_TREE).fit(X, Y)
    mixed.save(tmp_path / "mixed")
    assert arborank.load(tmp_path / "mixed").representation == {"pifa": 1, "spectral": 1}


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("pifa+pifa", ValueError, "representation is 'pifa\\+pifa'"),
        ("pifa+x", ValueError, "joined by"),
        ("pifa-concat+pii", ValueError, "joined by"),
        ({}, ValueError, "its keys must be of"),
        ({"x": 1}, ValueError, "its keys must be of"),
        ({"pifa": 0}, ValueError, r"representation\['pifa'\] must be above 0"),
        (3, TypeError, "representation must be a name"),
        (np.ones((3, 2)), ValueError, r"representation is of shape \(3, 2\); one row for each of 60 labels"),
        (lambda X, Y: np.ones((3, 2)), ValueError, r"<lambda> returned of shape"),
        (lambda X, Y: np.full((60, 1), "a"), TypeError, "numbers were expected"),
        (lambda X, Y: np.full((60, 1), np.nan), ValueError, "NaN"),
        ("spectral+features", ValueError, "needs label_features"),
    ],
)
def test_refuses(topics, kind, error, message):
    with pytest.raises(error, match=message):
        XRLinear(representation=kind, **SMALL_TREE).fit(*topics)
