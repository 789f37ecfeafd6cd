// Where the rows of a chunk are, laid out for the many queries of a batch that come to it.
#pragma once
#include <algorithm>
#include <bit>
#include <vector>

#include "search/chunk.hpp"

namespace arborank::search {

// Where the rows of a chunk's head are, feature by feature: laid out once for the many queries that come to the chunk.
// An entry is a row's first unit and, in the lower bits, how many it has; 0 where there is no row.
class ChunkMap {
 public:
  // Whether so many look-ups are worth the layout, which takes a small part of the time of one for every feature.
  static bool pays(const Chunk& chunk, std::int64_t n_lookups) {
    return n_lookups * 4 > std::int64_t{chunk.n_dense} + 256;
  }

  // False where a row is too long for an entry.
  bool lay_out(const Chunk& chunk) {
    length_bits_ = std::min<std::uint32_t>(31, 32 - std::bit_width(chunk.n_units));
    const std::uint32_t longest = (1u << length_bits_) - 1;
    const auto start = [&](std::uint32_t row) { return std::min(chunk.starts[row], chunk.n_units); };
    if (rows_.size() < chunk.n_head + std::size_t{kLanes})
      rows_.resize(chunk.n_head + std::size_t{kLanes});
    if (entries_.size() < chunk.n_dense)
      entries_.resize(chunk.n_dense);
    std::uint32_t too_long = 0;
    for (std::uint32_t row = 0, from = chunk.n_head == 0 ? 0 : start(0); row < chunk.n_head; row++) {
      const std::uint32_t to = start(row + 1), n = to > from ? to - from : 0;
      rows_[row] = from << length_bits_ | n;
      too_long |= n > longest;
      from = to;
    }
    if (too_long)
      return false;
    std::fill_n(rows_.begin() + chunk.n_head, kLanes, 0u);  // for bits that are more than the rows, in a damaged index
    std::uint32_t row = 0;
    for (std::uint32_t rank = 0; rank < chunk.n_dense; rank += 16) {
      const std::uint32_t bits = chunk.index[rank / 32].bits >> (rank % 32) & 0xffff;
      expand(rank, bits, row);
      row = std::min<std::uint32_t>(row + std::popcount(bits), chunk.n_head);
    }
    return true;
  }
  std::uint32_t length_bits() const { return length_bits_; }
  const std::uint32_t* entries() const { return entries_.data(); }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>((rows_.capacity() + entries_.capacity()) * sizeof(std::uint32_t));
  }

 private:
  // Entries of 16 ranks, of which those with a bit take the rows from one on; there are so many and 16 more.
  void expand(std::uint32_t rank, std::uint32_t bits, std::uint32_t row) {
#if defined(__AVX512F__)
    _mm512_storeu_si512(&entries_[rank], _mm512_maskz_expandloadu_epi32(static_cast<__mmask16>(bits), &rows_[row]));
#else
    for (std::uint32_t lane = 0; lane < 16; lane++) {
      const std::uint32_t set = bits >> lane & 1;
      entries_[rank + lane] = rows_[row] & -set;
      row += set;
    }
#endif
  }

  std::uint32_t length_bits_ = 0;
  std::vector<std::uint32_t> rows_, entries_;
};

}  // namespace arborank::search
