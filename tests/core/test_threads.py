"""Two conventions: estimators take n_jobs, functions n_threads, and neither is taken for the other."""

import inspect

import numpy as np
import pytest

import arborank
from arborank.core.sparse import as_csr, multiply
from arborank.core.threads import n_threads
from arborank.indexing import LabelTree, balanced_kmeans, pifa
from arborank.linear.pecos import import_xlinear
from arborank.matching import BeamSearch
from arborank.ranking import train_layer


@pytest.mark.parametrize(("n_jobs", "expected"), [(None, 0), (-1, 0), (1, 1), (np.int64(7), 7)])
def test_translation(n_jobs, expected):
    assert n_threads(n_jobs) == expected


@pytest.mark.parametrize(
    ("n_jobs", "error"),
    [(0, ValueError), (-2, ValueError), (10**12, ValueError), (1.0, TypeError), (True, TypeError)],
)
def test_wrong_n_jobs(n_jobs, error):
    with pytest.raises(error, match="n_jobs must be"):
        n_threads(n_jobs)


def test_functions_refuse_what_only_n_jobs_may_be(topics):
    X, Y = (as_csr(matrix) for matrix in topics)
    tree = LabelTree.one_vs_all(Y.shape[1])
    active, positives = as_csr(np.ones((1, X.shape[0]))), as_csr(topics[1].T)
    layer = train_layer(X, active, positives, tree.branches[0])
    search = BeamSearch(tree.branches, [layer], tree.labels, tree.n_labels)
    for call in (
        lambda: balanced_kmeans(pifa(X, Y), max_leaf_size=8, n_threads=-1),
        lambda: pifa(X, Y, n_threads=-1),
        lambda: multiply(as_csr(topics[1].T), X, n_threads=-1),
        lambda: tree.lift(Y, 1, n_threads=-1),
        lambda: train_layer(X, active, positives, tree.branches[0], n_threads=-1),
        lambda: search.topk(X, 1, n_threads=-1),
    ):
        with pytest.raises(ValueError, match=r"n_threads must be at least 0"):
            call()


def test_whatever_is_fitted_takes_n_jobs():
    makers = [getattr(arborank, name) for name in arborank.__all__]
    fitted = [maker for maker in makers if hasattr(maker, "get_params")]
    assert arborank.XRLinear in fitted
    for maker in [*fitted, import_xlinear]:
        assert "n_threads" not in inspect.signature(maker).parameters, maker
    assert "n_jobs" not in inspect.signature(balanced_kmeans).parameters
