import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank.core.sparse import as_csr, to_scipy, unit_rows
from arborank.transformer.joined import dense_rows, join


@given(
    st.integers(0, 30), st.integers(0, 8), st.integers(0, 5), st.integers(0, 99), st.sampled_from([0.5, 1.0])
)
def test_join_is_hstack(n, d, e, seed, weight):
    rng = np.random.default_rng(seed)
    sparse = sp.random_array((n, d), density=0.4, format="csr", dtype=np.float32, rng=rng)
    dense = rng.normal(size=(n, e)).astype(np.float32)
    joined = join(as_csr(sparse), dense, weight)
    assert joined.canonical
    assert joined.nnz == sparse.nnz + n * e
    np.testing.assert_array_equal(to_scipy(joined).toarray(), np.hstack([sparse.toarray(), weight * dense]))


def test_join_in_blocks(monkeypatch):
    monkeypatch.setattr("arborank.transformer.joined._BLOCK", 3)
    test_join_is_hstack()


def test_rows_must_fit():
    with pytest.raises(ValueError, match="sparse features have 2 rows, but there are 3 embeddings"):
        join(as_csr(np.eye(2)), np.ones((3, 4), np.float32))


def test_dense_rows_keep_zeros():
    dense = np.array([[0, 1], [2, 0]], np.float32)
    assert dense_rows(dense).nnz == 4
    np.testing.assert_array_equal(to_scipy(dense_rows(dense)).toarray(), dense)


def test_unit_rows():
    found = unit_rows(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]])
