// The weights of one tree layer, siblings together: a chunk a parent, and in it a row a feature.
//
// A row is a run of 32-bit words: for every block of 16 siblings that has a weight, a header (block number << 16 |
// lane mask) and the block's weights, packed. Rows of a chunk are sorted by the key of their feature, a hash that is a
// bijection; a sentinel row ends every chunk. In front of the rows stands an index: a bit for each of about four
// buckets a row, set where a row is, with the number of rows before every 32 buckets. So a feature that the chunk does
// not have mostly costs one bit test in a structure small enough for the nearest cache, and one that it has is found
// at once.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace arborank {

// Odd multiplier: a bijection of 32-bit words. No feature below 2^31 has the sentinel's key.
constexpr std::uint32_t kKeyMultiplier = 2654435769u;
constexpr std::uint32_t kKeyInverse = 340573321u;
constexpr std::uint32_t kSentinelKey = 0xffffffffu;
static_assert(kKeyMultiplier * kKeyInverse == 1u);

constexpr std::uint32_t feature_key(std::uint32_t feature) { return feature * kKeyMultiplier; }
constexpr std::uint32_t key_feature(std::uint32_t key) { return key * kKeyInverse; }
static_assert(key_feature(kSentinelKey) >= 0x80000000u);

struct IndexEntry {
  std::uint32_t bits;  // bucket 32 i + b holds a row when bit b of entry i is set
  std::uint32_t rank;  // rows in the buckets before
};
struct Row {
  std::uint32_t key;
  std::uint32_t start;  // its first word, relative to the chunk's words; it ends where the next row starts
};
struct Extent {
  std::int64_t index, row, word;  // where a chunk begins in each array; it ends where the next one begins
};
static_assert(sizeof(IndexEntry) == 8 && sizeof(Row) == 8 && sizeof(Extent) == 24);

struct LayerView {
  const std::int64_t* branches = nullptr;  // n_parents + 1: children of parent p are [branches[p], branches[p + 1])
  const Extent* extents = nullptr;         // n_parents + 1
  const IndexEntry* index = nullptr;
  const Row* rows = nullptr;
  const std::uint32_t* words = nullptr;
  const float* bias = nullptr;  // one a child: its weight of the constant feature, times that constant
  std::int64_t n_parents = 0;
  std::int64_t n_children = 0;
  std::int64_t n_features = 0;
};

constexpr std::int64_t kBlockLimit = std::int64_t{1} << 16;  // blocks of 16 siblings under one parent
constexpr std::int64_t kRowLimit = (std::int64_t{1} << 30) - 8;  // rows of a chunk, so that a bucket has 32 bits

// Buckets of a chunk of n rows: what a key is scaled to.
constexpr std::uint32_t n_index_entries(std::uint32_t n_rows) { return n_rows / 8 + 1; }
constexpr std::uint32_t bucket(std::uint32_t key, std::uint32_t n_entries) {
  return static_cast<std::uint32_t>((std::uint64_t{key} * (std::uint64_t{n_entries} * 32)) >> 32);
}

struct PackedChunk {
  std::vector<IndexEntry> index;
  std::vector<Row> rows;
  std::vector<std::uint32_t> words;
};

// Sets a bit a row, in order: in the row's own bucket, or in the first free one after it.
inline std::vector<IndexEntry> build_index(const Row* rows, std::uint32_t n_rows) {
  const std::uint32_t n_entries = n_index_entries(n_rows);
  std::vector<IndexEntry> index(n_entries, IndexEntry{0, 0});
  std::int64_t position = -1;
  for (std::uint32_t row = 0; row < n_rows; row++) {
    position = std::max<std::int64_t>(position + 1, bucket(rows[row].key, n_entries));
    if (static_cast<std::size_t>(position >> 5) >= index.size())
      index.resize((position >> 5) + 1, IndexEntry{0, 0});
    index[position >> 5].bits |= 1u << (position & 31);
  }
  std::uint32_t rank = 0;
  for (auto& entry : index) {
    entry.rank = rank;
    rank += static_cast<std::uint32_t>(std::popcount(entry.bits));
  }
  return index;
}

// Takes the rows of one chunk in any order of features; within a row, blocks ascending.
class ChunkPacker {
 public:
  void begin_row(std::uint32_t feature) { rows_.push_back({feature_key(feature), position()}); }
  // weights: the values of the set lanes, packed
  void add_block(std::uint32_t block, std::uint32_t mask, const float* weights) {
    words_.push_back(block << 16 | mask);
    for (int i = 0, n = std::popcount(mask); i < n; i++)
      words_.push_back(std::bit_cast<std::uint32_t>(weights[i]));
  }
  // The chunk sorted by key, indexed and closed by its sentinel; the packer is empty again.
  PackedChunk finish() {
    if (static_cast<std::int64_t>(rows_.size()) >= kRowLimit)
      throw std::length_error("one cluster uses more than 2^30 features");
    const auto n_rows = static_cast<std::uint32_t>(rows_.size());
    rows_.push_back({kSentinelKey, position()});
    sort_rows(n_rows);
    PackedChunk chunk;
    chunk.rows.reserve(n_rows + 1);
    chunk.words.reserve(words_.size());
    for (std::uint32_t row : order_) {
      chunk.rows.push_back({rows_[row].key, static_cast<std::uint32_t>(chunk.words.size())});
      chunk.words.insert(chunk.words.end(), words_.begin() + rows_[row].start, words_.begin() + rows_[row + 1].start);
    }
    chunk.rows.push_back({kSentinelKey, static_cast<std::uint32_t>(chunk.words.size())});
    chunk.index = build_index(chunk.rows.data(), n_rows);
    rows_.clear();
    words_.clear();
    return chunk;
  }

 private:
  std::uint32_t position() const {
    if (words_.size() > UINT32_MAX)
      throw std::length_error("one cluster holds more than 2^32 weights; use a smaller branching factor");
    return static_cast<std::uint32_t>(words_.size());
  }
  // Keys are spread evenly, so one pass into as many buckets as rows leaves next to nothing to sort.
  void sort_rows(std::uint32_t n_rows) {
    const auto place = [&](std::uint32_t row) { return std::uint64_t{rows_[row].key} * n_rows >> 32; };
    offsets_.assign(n_rows + 1, 0);
    order_.resize(n_rows);
    for (std::uint32_t row = 0; row < n_rows; row++)
      offsets_[place(row) + 1]++;
    for (std::uint32_t i = 0; i < n_rows; i++)
      offsets_[i + 1] += offsets_[i];
    for (std::uint32_t row = 0; row < n_rows; row++)
      order_[offsets_[place(row)]++] = row;
    for (std::uint32_t i = 0, begin = 0; i < n_rows; begin = offsets_[i++])  // offsets_[i] is now the end of bucket i
      std::sort(order_.begin() + begin, order_.begin() + offsets_[i],
                [&](std::uint32_t a, std::uint32_t b) { return rows_[a].key < rows_[b].key; });
  }
  std::vector<Row> rows_;
  std::vector<std::uint32_t> words_, order_, offsets_;
};

// A whole layer under construction: chunks are put in by any thread, in any order, then joined.
struct LayerArrays {
  std::vector<Extent> extents{{0, 0, 0}};
  std::vector<IndexEntry> index;
  std::vector<Row> rows;
  std::vector<std::uint32_t> words;

  static LayerArrays join(std::vector<PackedChunk>&& chunks) {
    LayerArrays layer;
    Extent end{0, 0, 0};
    for (const auto& chunk : chunks) {
      end.index += static_cast<std::int64_t>(chunk.index.size());
      end.row += static_cast<std::int64_t>(chunk.rows.size());
      end.word += static_cast<std::int64_t>(chunk.words.size());
      layer.extents.push_back(end);
    }
    layer.index.reserve(end.index);
    layer.rows.reserve(end.row);
    layer.words.reserve(end.word);
    const std::size_t step = std::max<std::size_t>(std::size_t{1} << 20, end.word / 64);
    std::size_t trimmed = 0;
    for (auto& chunk : chunks) {  // freed one by one: the peak is one layer and a little
      layer.index.insert(layer.index.end(), chunk.index.begin(), chunk.index.end());
      layer.rows.insert(layer.rows.end(), chunk.rows.begin(), chunk.rows.end());
      layer.words.insert(layer.words.end(), chunk.words.begin(), chunk.words.end());
      chunk = {};
      if (layer.words.size() - trimmed >= step) {
        return_freed_memory();
        trimmed = layer.words.size();
      }
    }
    return layer;
  }

  // Chunks, and what made them, are small enough for the allocator to keep their memory when they are freed.
  static void return_freed_memory() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
  }
};

}  // namespace arborank
