// The commonest features: their rows are so many of what is added up, and so full, that a batch unpacks them once a
// chunk. They are summed apart from the others and in the order of their ranks, packed or unpacked, to the same bits.
#pragma once
#include <array>
#include <vector>

#include "search/hits.hpp"

namespace arborank::search {

// Adds value times a packed row to its children's sums, one vector a block.
template <layer::Precision kPrecision>
inline void add_row(const Chunk& chunk, std::uint32_t at, std::uint32_t end, float value, f32x16* sums) {
  const std::uint16_t* const units = chunk.units;
  const auto n_blocks = static_cast<std::uint32_t>(chunk.n_blocks());
  if (n_blocks == 1)
    return add_expanded<kPrecision>(sums[0], value, units[at], units + at + 1);
  if (layer::has_pairs(kPrecision, chunk.n_siblings)) {
    float* const lanes = reinterpret_cast<float*>(sums);
    for (; at < end; at++) {
      const std::uint32_t child = units[at] & 255;
      if (child < n_blocks * kLanes)
        lanes[child] = multiply_add(value, layer::pair_weight(units[at]), lanes[child]);
    }
    return;
  }
  do {
    const std::uint32_t mask = units[at];
    add_expanded<kPrecision>(sums[std::min<std::uint32_t>(units[at + 1], n_blocks)], value, mask, units + at + 2);
    at += 2 + layer::n_units_of<kPrecision>(std::popcount(mask));
  } while (at < end);
}

namespace detail {
// A query of all common features, whose values are their ranks, so that a hit tells whose row it is.
struct EveryCommon {
  std::array<std::int32_t, kCommon> ranks{};
  std::array<float, kCommon> values{};
  constexpr EveryCommon() {
    for (std::int32_t rank = 0; rank < kCommon; rank++) {
      ranks[rank] = rank;
      values[rank] = static_cast<float>(rank);
    }
  }
};
inline constexpr EveryCommon kEveryCommon;
}  // namespace detail

// Rows of a chunk's common features, unpacked: 16 floats a block, zeros where there is no weight.
class CommonRows {
 public:
  // Whether so many rows to add are worth the unpacking; a damaged chunk may have no children.
  static bool pays(const Chunk& chunk, std::int64_t n_rows) {
    return chunk.n_blocks() >= 1 && chunk.n_blocks() <= kMostBlocks && n_rows > kCommon / 4 * (chunk.n_blocks() + 5);
  }

  void unpack(const Chunk& chunk) {
    const Query all{detail::kEveryCommon.ranks.data(), detail::kEveryCommon.values.data(), kCommon, 0, 1.0f};
    hits_.reserve(kCommon);
    hits_.probe(chunk, all);
    hits_.match(chunk, all);
    const std::int64_t n_blocks = chunk.n_blocks();
    rows_.assign(kCommon * n_blocks + 1, f32x16{});  // a damaged row may have one block more
    layer::with_precision(chunk.precision, [&](auto precision) {
      hits_.for_each([&](std::uint32_t at, std::uint32_t end, float rank) {
        add_row<precision()>(chunk, at, end, 1.0f, &rows_[static_cast<std::int64_t>(rank) * n_blocks]);
      });
    });
  }

  void add(const Query& common, std::int64_t n_blocks, f32x16* sums) const {
    switch (n_blocks) {
      case 1:
        return add_blocks<1>(common, sums);
      case 2:
        return add_blocks<2>(common, sums);
      case 3:
        return add_blocks<3>(common, sums);
      case 4:
        return add_blocks<4>(common, sums);
      case 5:
        return add_blocks<5>(common, sums);
      case 6:
        return add_blocks<6>(common, sums);
      case 7:
        return add_blocks<7>(common, sums);
      default:
        return add_blocks<8>(common, sums);
    }
  }

  std::int64_t bytes() const { return static_cast<std::int64_t>(rows_.capacity() * sizeof(f32x16)) + hits_.bytes(); }

 private:
  static constexpr std::int64_t kMostBlocks = 8;

  template <int kBlocks>
  void add_blocks(const Query& common, f32x16* sums) const {
    f32x16 own[kBlocks] = {};
    for (std::int64_t i = 0; i < common.n; i++) {
      const f32x16 value = broadcast(common.values[i]);
      const f32x16* const row = &rows_[std::int64_t{common.ranks[i]} * kBlocks];
      for (int block = 0; block < kBlocks; block++)
        own[block] = multiply_add(value, row[block], own[block]);
    }
    std::copy(own, own + kBlocks, sums);
  }

  Hits hits_;
  std::vector<f32x16> rows_;
};

}  // namespace arborank::search
