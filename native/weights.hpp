// The weights of one tree layer, siblings together: a chunk a parent, and in it a row a feature.
//
// A row is a run of 32-bit words: for every block of 16 siblings that has a weight, a header (block number << 16 |
// lane mask) and the block's weights, packed. Rows of a chunk are sorted by the key of their feature, a hash that is
// a bijection, so that a feature is found from its key's leading bits; a sentinel row ends every chunk.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace arborank {

// Odd multiplier: a bijection of 32-bit words. No feature below 2^31 has the sentinel's key.
constexpr std::uint32_t kKeyMultiplier = 2654435769u;
constexpr std::uint32_t kKeyInverse = 340573321u;
constexpr std::uint32_t kSentinelKey = 0xffffffffu;
static_assert(kKeyMultiplier * kKeyInverse == 1u);

constexpr std::uint32_t feature_key(std::uint32_t feature) { return feature * kKeyMultiplier; }
constexpr std::uint32_t key_feature(std::uint32_t key) { return key * kKeyInverse; }
static_assert(key_feature(kSentinelKey) >= 0x80000000u);

struct LayerView {
  const std::int64_t* branches = nullptr;  // n_parents + 1: children of parent p are [branches[p], branches[p + 1])
  const std::int64_t* rows = nullptr;      // n_parents + 1: rows of chunk p, sentinel included
  const std::int64_t* bases = nullptr;     // n_parents + 1: words of chunk p
  const std::uint32_t* keys = nullptr;     // one a row, ascending within a chunk
  const std::uint32_t* starts = nullptr;   // one a row: its first word, relative to bases[p]
  const std::uint32_t* words = nullptr;
  const float* bias = nullptr;             // one a child: its weight of the constant feature, times that constant
  std::int64_t n_parents = 0;
  std::int64_t n_children = 0;
  std::int64_t n_features = 0;
};

struct PackedChunk {
  std::vector<std::uint32_t> keys, starts, words;
};

// Takes the rows of one chunk in any order of features; within a row, blocks ascending.
class ChunkPacker {
 public:
  void begin_row(std::uint32_t feature) {
    keys_.push_back(feature_key(feature));
    starts_.push_back(position());
  }
  // weights: the values of the set lanes, packed
  void add_block(std::uint32_t block, std::uint32_t mask, const float* weights) {
    words_.push_back(block << 16 | mask);
    for (int i = 0, n = std::popcount(mask); i < n; i++)
      words_.push_back(std::bit_cast<std::uint32_t>(weights[i]));
  }
  // The chunk sorted by key and closed by its sentinel; the packer is empty again.
  PackedChunk finish() {
    const std::size_t n = keys_.size();
    starts_.push_back(position());
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return keys_[a] < keys_[b]; });
    PackedChunk chunk;
    chunk.keys.reserve(n + 1);
    chunk.starts.reserve(n + 1);
    chunk.words.reserve(words_.size());
    for (std::uint32_t row : order) {
      chunk.keys.push_back(keys_[row]);
      chunk.starts.push_back(static_cast<std::uint32_t>(chunk.words.size()));
      chunk.words.insert(chunk.words.end(), words_.begin() + starts_[row], words_.begin() + starts_[row + 1]);
    }
    chunk.keys.push_back(kSentinelKey);
    chunk.starts.push_back(static_cast<std::uint32_t>(chunk.words.size()));
    keys_.clear();
    starts_.clear();
    words_.clear();
    return chunk;
  }

 private:
  std::uint32_t position() const {
    if (words_.size() > UINT32_MAX)
      throw std::length_error("one cluster holds more than 2^32 weights; use a smaller branching factor");
    return static_cast<std::uint32_t>(words_.size());
  }
  std::vector<std::uint32_t> keys_, starts_, words_;
};

// A whole layer under construction: chunks are put in by any thread, in any order, then joined.
struct LayerArrays {
  std::vector<std::int64_t> rows{0}, bases{0};
  std::vector<std::uint32_t> keys, starts, words;

  static LayerArrays join(std::vector<PackedChunk>&& chunks) {
    LayerArrays layer;
    std::size_t n_rows = 0, n_words = 0;
    for (const auto& chunk : chunks) {
      layer.rows.push_back(static_cast<std::int64_t>(n_rows += chunk.keys.size()));
      layer.bases.push_back(static_cast<std::int64_t>(n_words += chunk.words.size()));
    }
    layer.keys.reserve(n_rows);
    layer.starts.reserve(n_rows);
    layer.words.reserve(n_words);
    for (auto& chunk : chunks) {  // freed one by one: the peak is one layer and one chunk
      layer.keys.insert(layer.keys.end(), chunk.keys.begin(), chunk.keys.end());
      layer.starts.insert(layer.starts.end(), chunk.starts.begin(), chunk.starts.end());
      layer.words.insert(layer.words.end(), chunk.words.begin(), chunk.words.end());
      chunk = {};
    }
    return layer;
  }
};

}  // namespace arborank
