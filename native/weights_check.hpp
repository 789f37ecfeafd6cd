// Whether a layer that came from a file may be trusted: afterwards no prediction can read outside an array.
#pragma once
#include <cmath>
#include <cstring>
#include <string>

#include "simd.hpp"
#include "weights.hpp"

namespace arborank {

struct LayerSizes {
  std::int64_t branches, extents, index, rows, words, bias;  // entries in each array
};

namespace detail {

inline void refuse(std::int64_t parent, const char* why) {
  throw std::invalid_argument("corrupt layer weights: chunk " + std::to_string(parent) + ": " + why);
}

// Rows in order, every walk over a row's blocks ends where the next row starts, blocks within the siblings.
inline void check_rows(const Row* rows, std::int64_t n_rows, const std::uint32_t* words, std::int64_t n_words,
                       std::int64_t n_siblings, std::int64_t n_features, std::int64_t parent) {
  if (rows[0].start != 0 || rows[n_rows].start != n_words || rows[n_rows].key != kSentinelKey)
    refuse(parent, "its rows do not span its words");
  float sum = 0;  // any NaN or infinity times zero is NaN, and stays
  for (std::int64_t row = 0; row < n_rows; row++) {
    if (rows[row].key >= rows[row + 1].key || key_feature(rows[row].key) >= n_features)
      refuse(parent, "its features are out of order or out of range");
    std::int64_t at = rows[row].start;
    const std::int64_t end = rows[row + 1].start;
    if (end <= at || end > n_words)
      refuse(parent, "its rows are out of order");
    for (std::int64_t previous = -1; at < end;) {
      const std::uint32_t header = words[at], mask = header & 0xffff;
      const std::int64_t block = header >> 16;
      const int n = std::popcount(mask);
      if (mask == 0 || block <= previous || at + 1 + n > end || block * kLanes + std::bit_width(mask) > n_siblings)
        refuse(parent, "a block of weights does not fit its siblings");
      for (int i = 1; i <= n; i++)
        sum += std::bit_cast<float>(words[at + i]) * 0.0f;
      at += 1 + n;
      previous = block;
    }
  }
  if (std::isnan(sum))
    refuse(parent, "a weight is not finite");
}

}  // namespace detail

// Throws std::invalid_argument at the first fault.
inline void check_layer(const LayerView& layer, const LayerSizes& sizes) {
  const std::int64_t n = layer.n_parents;
  const auto fail = [](const std::string& why) { throw std::invalid_argument("corrupt layer weights: " + why); };
  if (n < 0 || sizes.branches != n + 1 || sizes.extents != n + 1)
    fail("branches and extents need one entry more than there are parents");
  if (layer.n_features < 0 || layer.n_features > INT32_MAX)
    fail("n_features is " + std::to_string(layer.n_features));
  const Extent first = layer.extents[0], last = layer.extents[n];
  if (layer.branches[0] != 0 || layer.branches[n] != layer.n_children || sizes.bias != layer.n_children)
    fail("branches end at " + std::to_string(layer.branches[n]) + ", but there are " + std::to_string(sizes.bias) +
         " biases");
  if (layer.n_children > INT32_MAX)
    fail("more than 2147483647 children");
  if (first.index != 0 || first.row != 0 || first.word != 0 || last.index != sizes.index || last.row != sizes.rows ||
      last.word != sizes.words)
    fail("extents do not span the arrays");
  for (std::int64_t p = 0; p < n; p++) {
    const Extent &a = layer.extents[p], &b = layer.extents[p + 1];
    const std::int64_t n_siblings = layer.branches[p + 1] - layer.branches[p], n_rows = b.row - a.row - 1;
    if (n_siblings < 0 || n_siblings > kBlockLimit * kLanes)
      detail::refuse(p, "its siblings are out of order, or too many");
    if (b.index < a.index || b.index > sizes.index || n_rows < 0 || b.row > sizes.rows || n_rows >= kRowLimit ||
        b.word < a.word || b.word > sizes.words)
      detail::refuse(p, "its extents decrease or leave the arrays");
    detail::check_rows(layer.rows + a.row, n_rows, layer.words + a.word, b.word - a.word, n_siblings,
                       layer.n_features, p);
    const auto index = build_index(layer.rows + a.row, static_cast<std::uint32_t>(n_rows));
    if (static_cast<std::int64_t>(index.size()) != b.index - a.index ||
        std::memcmp(index.data(), layer.index + a.index, index.size() * sizeof(IndexEntry)) != 0)
      detail::refuse(p, "its index does not match its rows");
  }
  float sum = 0;
  for (std::int64_t c = 0; c < layer.n_children; c++)
    sum += layer.bias[c] * 0.0f;
  if (std::isnan(sum))
    fail("a bias is not finite");
}

}  // namespace arborank
