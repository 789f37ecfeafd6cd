// Random sparse matrices that own their arrays, and their dense form as an oracle.
#pragma once
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "sparse/csr.hpp"

namespace arborank::tests {

struct Matrix {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<float> data;
  std::int64_t n_cols = 0;

  std::int64_t n_rows() const { return static_cast<std::int64_t>(indptr.size()) - 1; }
  sparse::CsrView view() const { return {indptr.data(), indices.data(), data.data(), n_rows(), n_cols}; }
  std::vector<std::vector<float>> dense() const {
    std::vector<std::vector<float>> out(n_rows(), std::vector<float>(n_cols));
    for (std::int64_t row = 0; row < n_rows(); row++)
      for (std::int64_t k = indptr[row]; k < indptr[row + 1]; k++)
        out[row][indices[k]] += data[k];
    return out;
  }
};

// Values are small multiples of 1/4, whose sums and products are exact.
inline Matrix random_matrix(std::int64_t n_rows, std::int64_t n_cols, double density, unsigned seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution held(density);
  std::uniform_int_distribution<int> quarters(-8, 8);
  Matrix out;
  out.n_cols = n_cols;
  for (std::int64_t row = 0; row < n_rows; row++) {
    for (std::int64_t column = 0; column < n_cols; column++) {
      const int value = quarters(random);
      if (held(random) && value != 0) {
        out.indices.push_back(static_cast<std::int32_t>(column));
        out.data.push_back(static_cast<float>(value) / 4);
      }
    }
    out.indptr.push_back(static_cast<std::int64_t>(out.indices.size()));
  }
  return out;
}

}  // namespace arborank::tests
