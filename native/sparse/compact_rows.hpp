// Sparse rows in six bytes an entry: values are 16-bit shares of the row's largest, plenty to tell which rows are
// alike. Rows lie in any number of blocks and may be shortened where they are.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "sparse/products.hpp"

namespace arborank::sparse {

struct CompactRow {
  std::int32_t* columns;  // ascending
  std::int16_t* shares;
  std::int64_t length;
  float unit;             // times a share: the value
};

struct CompactRows {
  std::int64_t n_cols = 0, nnz = 0;
  std::vector<CompactRow> rows;
  std::vector<ProductBlock<std::int16_t>> blocks;  // where they lie

  CompactRows() = default;
  CompactRows(CompactRows&&) = default;
  CompactRows& operator=(CompactRows&&) = default;

  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }
  CompactRows copy() const;
};

namespace detail {
// Writes the values of a row times `scale` as shares and returns their unit.
inline float to_shares(const float* values, std::int64_t n, double scale, std::int16_t* shares) {
  constexpr float kMost = 32767;
  float largest = 0;
  for (std::int64_t k = 0; k < n; k++)
    largest = std::max(largest, std::abs(values[k]));
  const float of_one = largest > 1e-30f ? kMost / largest : 0;  // smaller ones are zeros
  for (std::int64_t k = 0; k < n; k++)
    shares[k] = static_cast<std::int16_t>(std::lrint(values[k] * of_one));
  return static_cast<float>(scale * largest / kMost);
}

}  // namespace detail

inline CompactRows rows_of(std::vector<ProductBlock<std::int16_t>>&& blocks, const std::vector<std::int64_t>& lengths,
                           const std::vector<float>& units, std::int64_t n_cols) {
  CompactRows result;
  result.n_cols = n_cols;
  result.blocks = std::move(blocks);
  result.rows.reserve(lengths.size());
  for (auto& block : result.blocks) {
    std::int64_t at = 0;
    for (std::int64_t row = block.begin; row < block.end; at += lengths[row++])
      result.rows.push_back({block.indices.get() + at, block.data.get() + at, lengths[row], units[row]});
    result.nnz += at;
  }
  return result;
}

inline CompactRows CompactRows::copy() const {
  std::vector<ProductBlock<std::int16_t>> block;
  block.push_back({0, size(), nnz, raw_array<std::int32_t>(nnz), raw_array<std::int16_t>(nnz)});
  std::vector<std::int64_t> lengths;
  std::vector<float> units;
  std::int64_t at = 0;
  for (const CompactRow& row : rows) {
    std::copy_n(row.columns, row.length, block[0].indices.get() + at);
    std::copy_n(row.shares, row.length, block[0].data.get() + at);
    at += row.length;
    lengths.push_back(row.length);
    units.push_back(row.unit);
  }
  return rows_of(std::move(block), lengths, units, n_cols);
}

inline CompactRows compact(const CsrView& m) {
  std::vector<ProductBlock<std::int16_t>> blocks;
  blocks.push_back({0, m.n_rows, m.nnz(), raw_array<std::int32_t>(m.nnz()), raw_array<std::int16_t>(m.nnz())});
  std::vector<std::int64_t> lengths(m.n_rows);
  std::vector<float> units(m.n_rows);
  std::copy_n(m.indices, m.nnz(), blocks[0].indices.get());
  for (std::int64_t row = 0; row < m.n_rows; row++) {
    lengths[row] = m.length(row);
    units[row] = detail::to_shares(m.data + m.begin(row), m.length(row), 1.0, &blocks[0].data[m.begin(row)]);
  }
  return rows_of(std::move(blocks), lengths, units, m.n_cols);
}

// A and B multiplied, every row divided by its Euclidean norm. No more memory is taken than the result needs.
inline CompactRows multiply_compact(const CsrView& a, const CsrView& b, int n_threads, const Tick& tick) {
  std::vector<std::int64_t> lengths(a.n_rows);
  std::vector<float> units(a.n_rows);
  const auto store = [&](std::int64_t row, const float* values, std::int64_t n, std::int16_t* shares) {
    units[row] = detail::to_shares(values, n, inverse_norm(values, n), shares);
  };
  auto blocks = product_blocks<std::int16_t>(a, b, lengths.data(), n_threads, tick, store);
  return rows_of(std::move(blocks), lengths, units, b.n_cols);
}

}  // namespace arborank::sparse
