// Sparse products and the transpose against dense arithmetic, which is exact for these values.
#include "sparse/products.hpp"

#include <cmath>

#include "check.hpp"
#include "matrices.hpp"

namespace arborank::tests {

namespace {

Matrix owned(sparse::CsrArrays&& arrays, std::int64_t n_cols) {
  Matrix out;
  out.indptr = std::move(arrays.indptr);
  out.n_cols = n_cols;
  out.indices.assign(arrays.indices.get(), arrays.indices.get() + out.indptr.back());
  out.data.assign(arrays.data.get(), arrays.data.get() + out.indptr.back());
  return out;
}

std::vector<std::vector<float>> multiplied(const Matrix& a, const Matrix& b) {
  const auto x = a.dense(), y = b.dense();
  std::vector<std::vector<float>> out(x.size(), std::vector<float>(b.n_cols));
  for (std::size_t i = 0; i < x.size(); i++)
    for (std::size_t k = 0; k < y.size(); k++)
      for (std::int64_t j = 0; j < b.n_cols; j++)
        out[i][j] += x[i][k] * y[k][j];
  return out;
}

}  // namespace

TEST(a_product_is_that_of_dense_matrices_for_any_number_of_threads) {
  for (const double density : {0.02, 0.3, 1.0}) {
    const Matrix a = random_matrix(57, 83, density, 1), b = random_matrix(83, 301, density, 2);
    const auto expected = multiplied(a, b);
    for (const int n_threads : {1, 3}) {
      const Matrix product = owned(sparse::multiply(a.view(), b.view(), false, n_threads, {}), b.n_cols);
      CHECK(product.dense() == expected);
      CHECK(sparse::check_csr(product.view(), product.indptr.back(), product.indptr.back()).canonical);
    }
  }
}

TEST(normalised_rows_have_length_one_or_are_empty) {
  const Matrix a = random_matrix(40, 60, 0.1, 3), b = random_matrix(60, 90, 0.1, 4);
  const auto expected = multiplied(a, b);
  const Matrix product = owned(sparse::multiply(a.view(), b.view(), true, 2, {}), b.n_cols);
  for (std::int64_t row = 0; row < product.n_rows(); row++) {
    double square = 0, should = 0;
    for (std::int64_t k = product.indptr[row]; k < product.indptr[row + 1]; k++)
      square += double(product.data[k]) * product.data[k];
    for (const float value : expected[row])
      should += double(value) * value;
    CHECK(std::fabs(square - (should > 0 ? 1.0 : 0.0)) < 1e-6);
  }
}

TEST(a_transpose_of_a_transpose_is_the_matrix) {
  const Matrix a = random_matrix(31, 77, 0.15, 5);
  const Matrix once = owned(sparse::transpose(a.view(), {}), a.n_rows());
  const Matrix twice = owned(sparse::transpose(once.view(), {}), a.n_cols);
  CHECK(twice.indptr == a.indptr && twice.indices == a.indices && twice.data == a.data);
  const auto rows = a.dense(), columns = once.dense();
  for (std::int64_t i = 0; i < a.n_rows(); i++)
    for (std::int64_t j = 0; j < a.n_cols; j++)
      CHECK(rows[i][j] == columns[j][i]);
}

TEST(a_matrix_that_leads_outside_is_refused) {
  const Matrix good = random_matrix(9, 12, 0.4, 6);
  const auto n = good.indptr.back();
  for (const std::int32_t column : {-1, 12, INT32_MAX, INT32_MIN}) {
    Matrix bad = good;
    bad.indices[n / 2] = column;
    THROWS(std::invalid_argument, sparse::check_csr(bad.view(), n, n));
  }
  for (const std::int64_t end : {std::int64_t{-1}, n + 1, INT64_MAX, INT64_MIN}) {
    Matrix bad = good;
    bad.indptr[4] = end;
    THROWS(std::invalid_argument, sparse::check_csr(bad.view(), n, n));
  }
  THROWS(std::invalid_argument, sparse::check_csr(good.view(), n, n - 1));
}

}  // namespace arborank::tests
