import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank.core.sparse import (
    Csr,
    as_csr,
    multiply,
    normalize_rows,
    row_places,
    rows_to_csr,
    to_scipy,
    transpose,
)


@st.composite
def factors(draw):
    n, m, p = (draw(st.integers(0, 6)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    empty = draw(st.floats(0, 1))
    return [rng.integers(-2, 3, s) * (rng.random(s) > empty) for s in ((n, m), (m, p))]


@given(factors())
def test_product(pair):
    a, b = pair
    product = multiply(as_csr(a), as_csr(b))
    assert product.canonical
    assert (product.data != 0).all()
    np.testing.assert_array_equal(to_scipy(product).toarray(), a @ b)


@pytest.mark.parametrize("n_cols", [15, 16, 17, 1023, 1024, 1025, 70_000])
def test_wide_products_for_any_number_of_threads(n_cols):
    rng = np.random.default_rng(n_cols)
    a = sp.random_array((900, 80), density=0.2, rng=rng, dtype=np.float32, format="csr")
    b = sp.random_array((80, n_cols), density=min(1.0, 300 / n_cols), rng=rng, dtype=np.float32, format="csr")
    one, two, seven = (multiply(as_csr(a), as_csr(b), n_threads=n) for n in (1, 2, 7))
    expected = (a @ b).tocsr()
    expected.sort_indices()
    np.testing.assert_array_equal(one.indptr, expected.indptr)
    np.testing.assert_array_equal(one.indices, expected.indices)
    np.testing.assert_allclose(one.data, expected.data, rtol=1e-5)
    for other in (two, seven):
        assert one.indices.tobytes() == other.indices.tobytes()
        assert one.data.tobytes() == other.data.tobytes()


@given(factors())
def test_normalized_product_has_unit_rows(pair):
    a, b = pair
    expected = (a @ b).astype(float)
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    expected /= np.where(norms > 0, norms, 1)
    product = multiply(as_csr(a), as_csr(b), normalize=True)
    np.testing.assert_allclose(to_scipy(product).toarray(), expected, rtol=1e-6)


@given(factors())
def test_transpose_and_row_norms(pair):
    for matrix in pair:
        turned = transpose(as_csr(matrix))
        assert turned.canonical
        np.testing.assert_array_equal(to_scipy(turned).toarray(), matrix.T)
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        expected = matrix / np.where(norms > 0, norms, 1)
        np.testing.assert_allclose(to_scipy(normalize_rows(as_csr(matrix))).toarray(), expected, rtol=1e-6)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(3, 1\)"):
        multiply(as_csr(np.ones((1, 2))), as_csr(np.ones((3, 1))))


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_array, sp.lil_matrix, np.asarray, list])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_every_kind_of_matrix_is_taken(kind, dtype):
    dense = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]], dtype)
    csr = as_csr(kind(dense))
    assert csr.shape == (3, 3)
    assert csr.data.dtype == np.float32
    assert csr.indices.dtype == np.int32
    np.testing.assert_array_equal(to_scipy(csr).toarray(), dense.astype(np.float32))


def test_fitting_arrays_are_not_copied():
    data = np.ones(2, np.float32)
    csr = Csr(np.array([0, 2]), np.array([0, 1], np.int32), data, 2)
    assert as_csr(csr) is csr
    assert np.shares_memory(csr.data, data)
    assert np.shares_memory(to_scipy(csr).data, data)


def test_disorder_is_repaired_without_touching_the_input():
    indices = np.array([2, 0, 2], np.int64)
    X = sp.csr_array((np.array([1.0, 2.0, 3.0]), indices, np.array([0, 3])), shape=(1, 3))
    csr = as_csr(X)
    assert to_scipy(csr).toarray().tolist() == [[2, 0, 4]]
    assert indices.tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones(3), ValueError, "2-dimensional"),
        (np.array([["a"]]), TypeError, "dtype"),
        (np.array([[1j]]), ValueError, "Complex data not supported"),
        (np.array([[0, np.nan]]), ValueError, "NaN, first at row 0, column 1"),
        (np.array([[0, 0], [1e39, 0]]), ValueError, "infinity, first at row 1, column 0"),
    ],
)
def test_what_is_not_a_matrix_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        as_csr(X)


def test_indices_out_of_range_are_refused():
    for bad in (7, -1):
        X = sp.csr_array(np.eye(3, dtype=np.float32))
        X.indices[1] = bad
        with pytest.raises(ValueError, match="malformed"):
            as_csr(X)


def test_wrong_shapes_name_both_numbers():
    with pytest.raises(ValueError, match=r"Z has 2 .* but 5 were expected"):
        as_csr(np.ones((1, 2)), "Z", n_cols=5)
    with pytest.raises(ValueError, match=r"Z has 1 rows, but 4 were expected"):
        as_csr(np.ones((1, 2)), "Z", n_rows=4)


def test_rows_of_indices():
    csr = rows_to_csr([[2, 0, 2], [], [1]], 3, "Y")
    assert to_scipy(csr).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert rows_to_csr([], 3, "Y").shape == (0, 3)
    with pytest.raises(ValueError, match=r"index 3, which is outside \[0, 3\)"):
        rows_to_csr([[3]], 3, "Y")
    with pytest.raises(TypeError, match="integer"):
        rows_to_csr([[0.5]], 3, "Y")


def test_a_hand_made_csr_is_repaired():
    twice = Csr(np.array([0, 2]), np.array([1, 1], np.int32), np.array([1.0, 2.0], np.float32), 3)
    assert not twice.canonical
    assert to_scipy(as_csr(twice, "X")).toarray().tolist() == [[0.0, 3.0, 0.0]]
    with pytest.raises(ValueError, match="ascending"):
        multiply(twice, as_csr(np.ones((3, 2), np.float32)))


def test_a_product_that_is_stopped_gives_its_memory_back():
    rng = np.random.default_rng(0)
    a = as_csr(rng.random((20_000, 1000), dtype=np.float32))
    b = as_csr(rng.random((1000, 100), dtype=np.float32))

    def stop(done):
        raise RuntimeError("enough")

    def multiply_until_stopped():
        for _ in range(100):  # a product quicker than the first report is made again
            multiply(a, b, n_threads=2, progress=stop)

    for _ in range(3):
        with pytest.raises(RuntimeError, match="enough"):
            multiply_until_stopped()


@pytest.mark.parametrize("rows", [[], [2], [3, 0, 2, 0], [1, 1]])
def test_places_of_rows(rows):
    indptr = np.array([0, 2, 2, 5, 6])  # the second row has no values
    bounds, places = row_places(indptr, np.array(rows, np.int64))
    expected = [list(range(indptr[row], indptr[row + 1])) for row in rows]
    assert places.tolist() == [place for row in expected for place in row]
    assert np.diff(bounds).tolist() == [len(row) for row in expected]
    assert bounds[0] == 0
