// A compressed-sparse-row matrix as every kernel sees it: three arrays whose structure was checked once.
#pragma once
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace arborank::sparse {

struct CsrView {
  const std::int64_t* indptr = nullptr;   // n_rows + 1
  const std::int32_t* indices = nullptr;  // indptr[n_rows], each in [0, n_cols)
  const float* data = nullptr;            // indptr[n_rows]
  std::int64_t n_rows = 0;
  std::int64_t n_cols = 0;

  std::int64_t nnz() const { return indptr[n_rows]; }
  std::int64_t begin(std::int64_t row) const { return indptr[row]; }
  std::int64_t end(std::int64_t row) const { return indptr[row + 1]; }
  std::int64_t length(std::int64_t row) const { return indptr[row + 1] - indptr[row]; }
};

// What the check finds beyond errors: both are wanted by every kernel, and repaired or refused by Python.
struct CsrFacts {
  bool canonical = true;  // columns strictly ascending in each row
  bool finite = true;     // no NaN, no infinity
};

// Throws std::invalid_argument when an index could lead outside an array.
inline CsrFacts check_csr(const CsrView& m, std::int64_t n_indices, std::int64_t n_data) {
  if (n_data != n_indices)
    throw std::invalid_argument("CSR has " + std::to_string(n_indices) + " indices but " + std::to_string(n_data) +
                                " values");
  if (m.indptr[0] != 0 || m.indptr[m.n_rows] != n_indices)
    throw std::invalid_argument("CSR indptr must run from 0 to " + std::to_string(n_indices) + ", found " +
                                std::to_string(m.indptr[0]) + " to " + std::to_string(m.indptr[m.n_rows]));
  for (std::int64_t row = 0; row < m.n_rows; row++)
    if (m.indptr[row + 1] < m.indptr[row])
      throw std::invalid_argument("CSR indptr decreases at row " + std::to_string(row));
  CsrFacts facts;
  for (std::int64_t row = 0; row < m.n_rows; row++) {
    std::int64_t previous = -1;
    bool ascending = true, inside = true;
    for (std::int64_t k = m.indptr[row]; k < m.indptr[row + 1]; k++) {
      const std::int64_t column = m.indices[k];
      inside &= column >= 0 && column < m.n_cols;
      ascending &= column > previous;
      previous = column;
    }
    if (!inside)
      throw std::invalid_argument("CSR row " + std::to_string(row) + " has a column outside [0, " +
                                  std::to_string(m.n_cols) + ")");
    facts.canonical &= ascending;
  }
  float sum = 0;  // any NaN or infinity times zero is NaN, and stays
  for (std::int64_t k = 0; k < n_data; k++)
    sum += m.data[k] * 0.0f;
  facts.finite = !std::isnan(sum);
  return facts;
}

}  // namespace arborank::sparse
