"""Sparse matrices are known without importing SciPy's."""

import sys

import numpy as np
import scipy.sparse

from arborank.core.lazy import sp


def test_nothing_is_sparse_before_the_import(monkeypatch):
    monkeypatch.delitem(sys.modules, "scipy.sparse")
    assert not type(sp)().issparse(np.eye(2))  # a new one, for the other knows SciPy's by now
    assert "scipy.sparse" not in sys.modules


def test_it_is_scipy_after_the_import():
    assert sp.csr_array is scipy.sparse.csr_array
    for X in (scipy.sparse.coo_array(np.eye(2)), scipy.sparse.csr_matrix(np.eye(2)), np.eye(2), [[1]]):
        assert sp.issparse(X) == scipy.sparse.issparse(X)
