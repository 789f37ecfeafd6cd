// Sparse rows in six bytes an entry: values are bfloat16, the upper half of a float, which is plenty to tell which
// rows are alike. Rows lie in any number of blocks and may be shortened where they are.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "spmm.hpp"

namespace arborank {

struct Bfloat16 {
  std::uint16_t bits;

  Bfloat16() = default;
  explicit Bfloat16(float value) {  // to the nearest, ties to even
    const auto wide = std::bit_cast<std::uint32_t>(value);
    bits = static_cast<std::uint16_t>((wide + 0x7fffu + (wide >> 16 & 1)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

struct CompactRow {
  std::int32_t* columns;  // ascending
  Bfloat16* values;
  std::int64_t length;
};

struct CompactRows {
  std::int64_t n_cols = 0, nnz = 0;
  std::vector<CompactRow> rows;
  std::vector<ProductBlock<Bfloat16>> blocks;  // where they lie

  CompactRows() = default;
  CompactRows(CompactRows&&) = default;
  CompactRows& operator=(CompactRows&&) = default;

  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }
};

namespace detail {
inline CompactRows rows_of(std::vector<ProductBlock<Bfloat16>>&& blocks, const std::vector<std::int64_t>& lengths,
                           std::int64_t n_cols) {
  CompactRows result;
  result.n_cols = n_cols;
  result.blocks = std::move(blocks);
  result.rows.reserve(lengths.size());
  for (auto& block : result.blocks) {
    std::int64_t at = 0;
    for (std::int64_t row = block.begin; row < block.end; at += lengths[row++])
      result.rows.push_back({block.indices.get() + at, block.data.get() + at, lengths[row]});
    result.nnz += at;
  }
  return result;
}
}  // namespace detail

inline CompactRows compact(const CsrView& m) {
  std::vector<ProductBlock<Bfloat16>> blocks;
  blocks.push_back({0, m.n_rows, m.nnz(), raw_array<std::int32_t>(m.nnz()), raw_array<Bfloat16>(m.nnz())});
  std::vector<std::int64_t> lengths(m.n_rows);
  std::copy_n(m.indices, m.nnz(), blocks[0].indices.get());
  for (std::int64_t k = 0; k < m.nnz(); k++)
    blocks[0].data[k] = Bfloat16(m.data[k]);
  for (std::int64_t row = 0; row < m.n_rows; row++)
    lengths[row] = m.length(row);
  return detail::rows_of(std::move(blocks), lengths, m.n_cols);
}

// A and B multiplied, every row divided by its Euclidean norm. No more memory is taken than the result needs.
inline CompactRows multiply_compact(const CsrView& a, const CsrView& b, int n_threads, const Tick& tick) {
  std::vector<std::int64_t> lengths(a.n_rows);
  auto blocks = product_blocks<Bfloat16>(a, b, true, lengths.data(), n_threads, tick);
  return detail::rows_of(std::move(blocks), lengths, b.n_cols);
}

}  // namespace arborank
