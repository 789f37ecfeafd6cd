// Whether a layer that came from a file may be used, in two depths.
//
// `check_extents` reads no weights, so a mapped file opens at once. After it no search can read outside an array,
// because searches bound what they read from the file: a damaged file gives wrong scores. `check_layer` finds that.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/simd.hpp"
#include "layer/matrix.hpp"

namespace arborank::layer {

struct LayerSizes {
  std::int64_t branches, extents, index, starts, bases, keys, units, bias, scales;  // entries in each array
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& why) {
  throw std::invalid_argument("corrupt layer weights: " + why);
}
[[noreturn]] inline void refuse(std::int64_t parent, const char* why) {
  refuse("chunk " + std::to_string(parent) + ": " + why);
}

// Whether every weight in units of the scales is finite, and there is a unit.
inline bool all_scales(const float* scales, std::int64_t n) {
  bool all = true;
  for (std::int64_t i = 0; i < n; i++)
    all &= scales[i] > 0 && scales[i] <= std::numeric_limits<float>::max() / 128;
  return all;
}

inline bool all_finite(const float* values, std::int64_t n) {
  float sum = 0;  // any NaN or infinity times zero is NaN, and stays
  for (std::int64_t i = 0; i < n; i++)
    sum += values[i] * 0.0f;
  return !std::isnan(sum);
}

// Where every part of a chunk lies. Even a chunk without rows has an entry of the index, a start and a base.
inline void check_extent(const LayerView& layer, const LayerSizes& sizes, std::int64_t parent) {
  const Extent &a = layer.extents[parent], &b = layer.extents[parent + 1];
  const bool inside = a.index <= a.tail && a.tail < b.index && b.index <= sizes.index &&  //
                      a.start < b.start && b.start <= sizes.starts &&                     //
                      a.key <= b.key && b.key <= sizes.keys &&                            //
                      a.base < b.base && b.base <= sizes.bases &&                         //
                      a.unit <= b.unit && b.unit <= sizes.units - kPadding;
  if (!inside)
    refuse(parent, "its extents decrease or leave the arrays");
  constexpr std::int64_t kMost = std::int64_t{1} << 26;  // entries
  const std::int64_t n_rows = b.start - a.start - 1, n_tail = b.key - a.key, n_entries = b.index - a.tail - 1;
  const std::uint32_t shift = base_shift(layer.branches[parent + 1] - layer.branches[parent], layer.precision);
  if (n_rows >= kRowLimit || n_tail > n_rows || (n_tail == n_rows && a.tail > a.index) || a.tail - a.index > kMost ||
      n_entries > kMost || b.base - a.base != n_bases(n_rows, shift) ||
      (n_tail > 0 && TailPlaces(static_cast<std::uint32_t>(n_entries), layer.hash).reach == 0))
    refuse(parent, "its rows do not fit its index");
}

// Every walk over a row's blocks ends where the next row starts, blocks within the siblings, weights finite.
template <Precision kPrecision>
void check_rows(const RowStarts& starts, std::uint32_t n_rows, const std::uint16_t* units, std::int64_t n_units,
                std::int64_t n_siblings, std::int64_t parent) {
  if (starts[0] != 0 || starts[n_rows] != n_units)
    refuse(parent, "its rows do not span its weights");
  const bool wide = header_size(n_siblings) == 2;
  bool finite = true;
  for (std::uint32_t row = 0; row < n_rows; row++) {
    std::int64_t at = starts[row];
    const std::int64_t end = starts[row + 1];
    if (end <= at || end > n_units)
      refuse(parent, "its rows are out of order");
    if (has_pairs(kPrecision, n_siblings)) {
      for (std::int64_t previous = -1; at < end; at++) {
        const std::int64_t child = units[at] & 255;
        if (child <= previous || child >= n_siblings)
          refuse(parent, "a weight does not fit its siblings");
        previous = child;
      }
      continue;
    }
    for (std::int64_t previous = -1; at < end;) {
      const std::uint32_t mask = units[at++];
      const std::int64_t block = wide ? units[at++] : 0;  // at worst of the next row, or the padding
      const int n = std::popcount(mask);
      const std::int64_t next = at + n_units_of<kPrecision>(n);
      if (mask == 0 || block <= previous || next > end || block * kLanes + std::bit_width(mask) > n_siblings)
        refuse(parent, "a block of weights does not fit its siblings");
      for (int i = 0; i < n; i++)
        finite &= kPrecision == Precision::float16 ? (units[at + i] & 0x7c00) != 0x7c00
                                                   : std::isfinite(packed_weight<kPrecision>(units + at, i));
      at = next;
      previous = block;
    }
  }
  if (!finite)
    refuse(parent, "a weight is not finite");
}

// The bits are those of the rows, which are in order.
inline void check_index(const LayerView& layer, const Extent& a, const Extent& b, std::int64_t parent) {
  const auto n_rows = static_cast<std::uint32_t>(b.start - a.start - 1);
  const auto n_tail = static_cast<std::uint32_t>(b.key - a.key);
  const IndexEntry* dense = layer.index + a.index;
  std::uint32_t rows = 0;
  for (std::int64_t entry = 0; entry < a.tail - a.index; entry++) {
    if (dense[entry].rows != rows)
      refuse(parent, "its index does not match its rows");
    rows += static_cast<std::uint32_t>(std::popcount(dense[entry].bits));
  }
  if (rows != n_rows - n_tail ||
      (rows > 0 && 32 * (a.tail - a.index) - std::countl_zero(layer.index[a.tail - 1].bits) > layer.n_features))
    refuse(parent, "its index does not match its rows");
  std::int64_t n_bits = 0;
  for (std::int64_t entry = a.tail; entry < b.index; entry++)
    n_bits += std::popcount(layer.index[entry].bits);
  if (n_bits != n_tail)
    refuse(parent, "its index does not match its rows");
  const std::vector<std::uint32_t> ranks = row_ranks(layer, parent);
  std::vector<std::uint32_t> hashes;
  const auto n_entries = static_cast<std::uint32_t>(b.index - a.tail - 1);
  const TailPlaces places(n_entries, layer.hash);
  for (std::uint32_t i = 0; i < n_tail; i++) {
    const std::uint32_t rank = ranks[n_rows - n_tail + i];
    hashes.push_back(layer.hash(rank));
    if (rank >= layer.n_features || rank / 32 < a.tail - a.index || (i > 0 && hashes[i] <= hashes[i - 1]) ||
        places.key(hashes[i]) != layer.keys[a.key + i])
      refuse(parent, "its features are out of order or out of range");
  }
  std::vector<IndexEntry> tail;
  const std::int64_t farthest =
      append_index(tail, n_entries + 1, n_tail, [&](std::uint32_t i) { return places.bit(hashes[i]); });
  if ((n_tail > 0 && farthest >= places.reach) || tail.size() != n_entries + 1 ||
      std::memcmp(tail.data(), layer.index + a.tail, tail.size() * sizeof(IndexEntry)) != 0)
    refuse(parent, "its index does not match its rows");
}

}  // namespace detail

// What packing and training are given: children partitioned among parents, features in some order.
inline void check_branches(std::span<const std::int64_t> branches, std::int64_t n_children) {
  if (branches.empty())
    throw std::invalid_argument("branches is empty; it needs n_parents + 1 entries");
  if (branches.front() != 0 || branches.back() != n_children)
    throw std::invalid_argument("branches must run from 0 to " + std::to_string(n_children) + ", found " +
                                std::to_string(branches.front()) + " to " + std::to_string(branches.back()));
  for (std::size_t p = 0; p + 1 < branches.size(); p++) {
    if (branches[p + 1] < branches[p])
      throw std::invalid_argument("branches decreases after parent " + std::to_string(p));
    if (branches[p + 1] - branches[p] > kBlockLimit * kLanes)
      throw std::invalid_argument("a parent has " + std::to_string(branches[p + 1] - branches[p]) +
                                  " children; at most 1048576 are supported");
  }
}
inline void check_ranks(std::span<const std::int32_t> ranks, std::int64_t n_features) {
  if (static_cast<std::int64_t>(ranks.size()) != n_features || !are_ranks(ranks))
    throw std::invalid_argument("ranks must be a permutation of the " + std::to_string(n_features) + " features");
}

// Throws std::invalid_argument at the first fault. Time and memory touched: parents and children.
inline void check_extents(const LayerView& layer, const LayerSizes& sizes) {
  const std::int64_t n = layer.n_parents;
  if (n < 0 || sizes.branches != n + 1 || sizes.extents != n + 1)
    detail::refuse("branches and extents need one entry more than there are parents");
  if (layer.branches[0] != 0 || layer.branches[n] != layer.n_children || sizes.bias != layer.n_children)
    detail::refuse("branches end at " + std::to_string(layer.branches[n]) + ", but there are " +
                   std::to_string(sizes.bias) + " biases");
  if (layer.n_children > INT32_MAX)
    detail::refuse("more than 2147483647 children");
  const Extent first = layer.extents[0], last = layer.extents[n];
  if (first.index != 0 || first.start != 0 || first.key != 0 || first.unit != 0 || first.base != 0 ||
      last.index != sizes.index || last.tail != sizes.index || last.start != sizes.starts || last.key != sizes.keys ||
      last.base != sizes.bases || last.unit != sizes.units - kPadding)
    detail::refuse("extents do not span the arrays");
  for (std::int64_t p = 0; p < n; p++) {
    const std::int64_t begin = layer.branches[p], end = layer.branches[p + 1];
    if (end < begin || end > layer.n_children || end - begin > kBlockLimit * kLanes)  // in this order nothing overflows
      detail::refuse(p, "its siblings are out of order, or too many");
    detail::check_extent(layer, sizes, p);
  }
  if (sizes.scales != (layer.precision == Precision::int8 ? layer.n_children : 0))
    detail::refuse("there are " + std::to_string(sizes.scales) + " scales, but " + std::to_string(layer.n_children) +
                   " children");
  if (!detail::all_finite(layer.bias, layer.n_children))
    detail::refuse("a bias is not finite");
  if (!detail::all_scales(layer.scales, sizes.scales))
    detail::refuse("a scale is not finite and positive, or too large");
}

// The weights of one parent's children, after check_extents has passed.
inline void check_chunk(const LayerView& layer, std::int64_t parent) {
  const Extent &a = layer.extents[parent], &b = layer.extents[parent + 1];
  detail::check_index(layer, a, b, parent);
  with_precision(layer.precision, [&](auto precision) {
    detail::check_rows<precision()>(row_starts(layer, parent), static_cast<std::uint32_t>(b.start - a.start - 1),
                                    layer.units + a.unit, b.unit - a.unit,
                                    layer.branches[parent + 1] - layer.branches[parent], parent);
  });
}

inline void check_ranks(const LayerView& layer) {
  if (!are_ranks(layer_ranks(layer)))
    detail::refuse("ranks are no permutation");
}

// Everything, after check_extents has passed.
inline void check_layer(const LayerView& layer) {
  check_ranks(layer);
  for (std::int64_t p = 0; p < layer.n_parents; p++)
    check_chunk(layer, p);
  for (std::int64_t i = layer.n_units - kPadding; i < layer.n_units; i++)
    if (layer.units[i] != 0)
      detail::refuse("its padding is not empty");
}

}  // namespace arborank::layer
