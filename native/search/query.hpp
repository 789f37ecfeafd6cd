// A query as the search of a layer sees it: the ranks of its features there, with their values.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/simd.hpp"

namespace arborank::search {

struct Query {
  const std::int32_t* ranks;  // of its features, in the layer at hand
  const float* values;
  std::int64_t n;
  std::int64_t n_rest;  // those that are not common; they come first, then the common ones, by rank
  float unit;           // what the values are multiples of

  Query rest() const { return {ranks, values, n_rest, n_rest, unit}; }
  Query common() const { return {ranks + n_rest, values + n_rest, n - n_rest, 0, unit}; }
};

// The unit of some values: 1, unless they are so large that a sum of theirs may be beyond a float. It is a power of
// two.
inline float unit_of(const float* values, std::int64_t n) {
  std::uint32_t largest = 0;  // magnitude: the bits of floats without a sign ascend as they do
  for (std::int64_t i = 0; i < n; i++)
    largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffu);
  return largest > std::bit_cast<std::uint32_t>(0x1p62f) ? 0x1p66f : 1.0f;
}

// Ranks below are common features: half of what is to add up, in a fraction of the rows.
constexpr std::int32_t kCommon = 512;
inline bool is_common(std::int32_t rank) { return static_cast<std::uint32_t>(rank) < kCommon; }

// Ranks n features: those that are not common as they come, then the common ones, by rank; returns how many are not. A
// query of few features has none apart, so that it is looked up in one go.
inline std::int64_t rank_query(const std::int32_t* ranks, const std::int32_t* features, const float* values,
                               std::int64_t n, std::int32_t* ranks_out, float* values_out) {
  if (n <= kLanes) {
    for (std::int64_t i = 0; i < n; i++) {
      ranks_out[i] = ranks[features[i]];
      values_out[i] = values[i];
    }
    return n;
  }
  std::array<std::uint64_t, kCommon / 64 + 1> seen{};
  std::array<float, kCommon + 1> common;
  std::int64_t n_rest = 0;
  for (std::int64_t i = 0; i < n; i++) {
    const std::int32_t rank = ranks[features[i]], slot = is_common(rank) ? rank : kCommon;
    common[slot] = values[i];
    seen[slot / 64] |= std::uint64_t{1} << slot % 64;
    ranks_out[n_rest] = rank;
    values_out[n_rest] = values[i];
    n_rest += slot == kCommon;
  }
  std::int64_t filled = n_rest;
  for (std::int32_t word = 0; word < kCommon / 64; word++)
    for (std::uint64_t bits = seen[word]; bits != 0; bits &= bits - 1, filled++) {
      ranks_out[filled] = word * 64 + std::countr_zero(bits);
      values_out[filled] = common[ranks_out[filled]];
    }
  for (; filled < n; filled++) {  // only where ranks are damaged: features share one, and more than kCommon seem common
    ranks_out[filled] = 0;
    values_out[filled] = 0;
  }
  return n_rest;
}

}  // namespace arborank::search
