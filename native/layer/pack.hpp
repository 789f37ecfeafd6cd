// Packs chunks, and joins them into a layer.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include "base/pool.hpp"
#include "layer/layer.hpp"
#include "sparse/csr.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace arborank::layer {

// Ranks of features by a count, largest first; of equal ones a hash decides, because neighbours in an alphabet often
// occur together.
inline std::vector<std::int32_t> rank_features(const std::vector<std::uint32_t>& counts) {
  std::vector<std::uint64_t> order(counts.size());
  for (std::size_t feature = 0; feature < counts.size(); feature++)
    order[feature] = std::uint64_t{~counts[feature]} << 32 | static_cast<std::uint32_t>(feature) * kMultiplier;
  std::sort(order.begin(), order.end());
  std::vector<std::int32_t> ranks(counts.size());
  for (std::size_t rank = 0; rank < order.size(); rank++)
    ranks[static_cast<std::uint32_t>(order[rank]) * kInverse] = static_cast<std::int32_t>(rank);
  return ranks;
}

inline std::vector<std::int32_t> rank_features(const sparse::CsrView& X) {
  std::vector<std::uint32_t> counts(X.n_cols);
  for (std::int64_t k = 0; k < X.nnz(); k++)
    counts[X.indices[k]] += counts[X.indices[k]] != UINT32_MAX;
  return rank_features(counts);
}

// Whether they are a permutation.
inline bool are_ranks(std::span<const std::int32_t> ranks) {
  std::vector<bool> taken(ranks.size());
  for (const std::int32_t rank : ranks) {
    if (rank < 0 || static_cast<std::size_t>(rank) >= ranks.size() || taken[rank])
      return false;
    taken[rank] = true;
  }
  return true;
}

inline std::span<const std::int32_t> layer_ranks(const LayerView& layer) {
  return {layer.ranks, static_cast<std::size_t>(layer.n_features)};
}

struct PackedChunk {
  std::vector<IndexEntry> index;
  std::uint32_t n_dense = 0;  // entries of the index
  std::vector<std::uint16_t> starts, keys, units;
  std::vector<std::uint32_t> bases;
};

namespace detail {

// Sets a bit a row, given in ascending order; appends the entries, at least n_entries. Returns how far from its own bit
// a row came to stand at most.
template <class BitOf>
std::int64_t append_index(std::vector<IndexEntry>& index, std::uint32_t n_entries, std::uint32_t n_rows,
                          BitOf&& bit_of) {
  const std::size_t first = index.size();
  std::int64_t farthest = 0;
  index.resize(first + n_entries, IndexEntry{0, 0});
  std::int64_t position = -1;
  for (std::uint32_t row = 0; row < n_rows; row++) {
    const std::int64_t own = bit_of(row);
    position = std::max<std::int64_t>(position + 1, own);
    farthest = std::max(farthest, position - own);
    const std::size_t entry = first + static_cast<std::size_t>(position >> 5);
    if (entry >= index.size())
      index.resize(entry + 1, IndexEntry{0, 0});
    index[entry].bits |= 1u << (position & 31);
  }
  std::uint32_t rows = 0;
  for (std::size_t entry = first; entry < index.size(); entry++) {
    index[entry].rows = rows;
    rows += static_cast<std::uint32_t>(std::popcount(index[entry].bits));
  }
  return farthest;
}

// Entries of the tail, by which bits are told: one more is there for rows that find no bit free.
template <class HashOf>
std::uint32_t append_tail(std::vector<IndexEntry>& index, std::uint32_t n_rows, const RankHash& hash,
                          HashOf&& hash_of) {
  const std::size_t first = index.size();
  if (n_rows == 0) {
    index.push_back({0, 0});
    return 0;
  }
  for (std::uint32_t n_entries = n_rows / 8 + 1;; n_entries *= 2) {
    const TailPlaces places(n_entries, hash);
    if (places.reach == 0)
      continue;
    const std::int64_t farthest =
        append_index(index, n_entries + 1, n_rows, [&](std::uint32_t row) { return places.bit(hash_of(row)); });
    if (farthest < places.reach && index.size() == first + n_entries + 1)
      return n_entries;
    index.resize(first);
  }
}

// How many of the ascending ranks belong to the dense part: those before rows get rarer than one in eight ranks. So the
// dense part costs at most twice what the tail would, and answers without a doubt.
template <class RankOf>
std::uint32_t dense_rows(std::uint32_t n_rows, RankOf&& rank_of) {
  std::uint32_t best = 0;
  std::int64_t least = std::int64_t{n_rows} * 8;  // cost, in 64ths of an entry: 1 a rank if dense, 8 a row of the tail
  for (std::uint32_t row = 0; row < n_rows; row++) {
    const std::int64_t cost = std::int64_t{rank_of(row)} + 1 + std::int64_t{n_rows - row - 1} * 8;
    if (cost < least) {
      least = cost;
      best = row + 1;
    }
  }
  while (best > 0 && best < n_rows && rank_of(best) / 32 == rank_of(best - 1) / 32)
    best++;  // the last entry is dense as a whole
  return best;
}

}  // namespace detail

// Takes the rows of one chunk in any order of features; within a row, blocks ascending.
class ChunkPacker {
 public:
  // ranks: one a feature
  ChunkPacker(std::span<const std::int32_t> ranks, std::int64_t n_siblings, Precision precision = Precision::float32)
      : ranks_(ranks),
        hash_(static_cast<std::int64_t>(ranks.size())),
        wide_(header_size(n_siblings) == 2),
        pairs_(has_pairs(precision, n_siblings)),
        base_shift_(base_shift(n_siblings, precision)),
        precision_(precision) {}

  void begin_row(std::uint32_t feature) {
    rows_.push_back(std::uint64_t{static_cast<std::uint32_t>(ranks_[feature])} << 32 | rows_.size());
    starts_.push_back(position());
  }
  // weights: the values of the set lanes, packed; as integers for int8
  void add_block(std::uint32_t block, std::uint32_t mask, const float* weights) {
    if (pairs_) {
      for (; mask != 0; mask &= mask - 1) {
        const auto weight = static_cast<std::uint8_t>(static_cast<std::int8_t>(*weights++));
        units_.push_back(static_cast<std::uint16_t>(weight << 8 | (block * 16 + std::countr_zero(mask))));
      }
      return;
    }
    units_.push_back(static_cast<std::uint16_t>(mask));
    if (wide_)
      units_.push_back(static_cast<std::uint16_t>(block));
    const int n = std::popcount(mask);
    const std::size_t at = units_.size();
    switch (precision_) {
      case Precision::float32:
        units_.resize(at + n_units_of<Precision::float32>(n));
        std::memcpy(&units_[at], weights, n * sizeof(float));
        break;
      case Precision::float16:
        for (int i = 0; i < n; i++)
          units_.push_back(float_to_half(weights[i]));
        break;
      case Precision::int8:
        units_.resize(at + n_units_of<Precision::int8>(n));
        for (int i = 0; i < n; i++) {
          const auto weight = static_cast<std::int8_t>(weights[i]);
          std::memcpy(reinterpret_cast<char*>(&units_[at]) + i, &weight, 1);
        }
    }
  }
  // The finished chunk; the packer is empty again.
  PackedChunk finish() {
    if (static_cast<std::int64_t>(rows_.size()) >= kRowLimit)
      throw std::length_error("one cluster uses more than 2^28 features");
    const auto n_rows = static_cast<std::uint32_t>(rows_.size());
    starts_.push_back(position());
    std::sort(rows_.begin(), rows_.end());
    const auto rank_of = [&](std::uint32_t row) { return static_cast<std::uint32_t>(rows_[row] >> 32); };
    const std::uint32_t n_head = detail::dense_rows(n_rows, rank_of), n_tail = n_rows - n_head;
    for (std::uint32_t row = n_head; row < n_rows; row++)
      rows_[row] = std::uint64_t{hash_(rank_of(row))} << 32 | static_cast<std::uint32_t>(rows_[row]);
    std::sort(rows_.begin() + n_head, rows_.end());  // by their hashes, which `rank_of` now returns
    PackedChunk chunk;
    chunk.starts.reserve(n_rows + 1);
    chunk.bases.reserve(n_bases(n_rows, base_shift_));
    chunk.units.reserve(units_.size());
    chunk.keys.reserve(n_tail);
    const auto start = [&](std::uint32_t i) {
      const auto at = static_cast<std::uint32_t>(chunk.units.size());
      if (i >> base_shift_ == chunk.bases.size())
        chunk.bases.push_back(at);
      chunk.starts.push_back(static_cast<std::uint16_t>(at - chunk.bases.back()));
    };
    for (std::uint32_t i = 0; i < n_rows; i++) {
      const auto row = static_cast<std::uint32_t>(rows_[i]);
      start(i);
      chunk.units.insert(chunk.units.end(), units_.begin() + starts_[row], units_.begin() + starts_[row + 1]);
    }
    start(n_rows);
    chunk.n_dense = n_head == 0 ? 0 : rank_of(n_head - 1) / 32 + 1;
    detail::append_index(chunk.index, chunk.n_dense, n_head, rank_of);
    const auto hash_of = [&](std::uint32_t i) { return rank_of(n_head + i); };
    const TailPlaces places(detail::append_tail(chunk.index, n_tail, hash_, hash_of), hash_);
    for (std::uint32_t i = 0; i < n_tail; i++)
      chunk.keys.push_back(places.key(hash_of(i)));
    chunk.index.shrink_to_fit();
    rows_.clear();
    starts_.clear();
    units_.clear();
    return chunk;
  }

 private:
  std::uint32_t position() const {
    if (units_.size() > UINT32_MAX)
      throw std::length_error("one cluster holds more than 2^31 weights; use a smaller branching factor");
    return static_cast<std::uint32_t>(units_.size());
  }
  std::span<const std::int32_t> ranks_;
  RankHash hash_;
  bool wide_, pairs_;
  std::uint32_t base_shift_;
  Precision precision_;
  std::vector<std::uint64_t> rows_;  // rank << 32 | number
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint16_t> units_;
};

// A whole layer under construction: chunks are put in by any thread, in any order, then joined.
struct LayerArrays {
  std::vector<Extent> extents{{0, 0, 0, 0, 0, 0}};
  std::vector<IndexEntry> index;
  std::vector<std::uint16_t> starts, keys, units;
  std::vector<std::uint32_t> bases;

  // The tick is told that `done` units are done, for as long as this takes.
  static LayerArrays join(std::vector<PackedChunk>&& chunks, const Tick& tick, std::int64_t done) {
    Clock clock(tick);
    LayerArrays layer;
    layer.extents.reserve(chunks.size() + 1);
    Extent end{0, 0, 0, 0, 0, 0};
    for (const auto& chunk : chunks) {
      layer.extents.back().tail = end.index + chunk.n_dense;
      end.index += static_cast<std::int64_t>(chunk.index.size());
      end.start += static_cast<std::int64_t>(chunk.starts.size());
      end.key += static_cast<std::int64_t>(chunk.keys.size());
      end.unit += static_cast<std::int64_t>(chunk.units.size());
      end.base += static_cast<std::int64_t>(chunk.bases.size());
      end.tail = end.index;
      layer.extents.push_back(end);
    }
    layer.index.reserve(end.index);
    layer.starts.reserve(end.start);
    layer.keys.reserve(end.key);
    layer.bases.reserve(end.base);
    layer.units.reserve(end.unit + kPadding);
    const std::size_t step = std::max<std::size_t>(std::size_t{1} << 21, end.unit / 64);
    std::size_t trimmed = 0;
    for (auto& chunk : chunks) {  // freed one by one: the peak is one layer and a little
      clock.tick(done);
      layer.index.insert(layer.index.end(), chunk.index.begin(), chunk.index.end());
      layer.starts.insert(layer.starts.end(), chunk.starts.begin(), chunk.starts.end());
      layer.keys.insert(layer.keys.end(), chunk.keys.begin(), chunk.keys.end());
      layer.bases.insert(layer.bases.end(), chunk.bases.begin(), chunk.bases.end());
      layer.units.insert(layer.units.end(), chunk.units.begin(), chunk.units.end());
      chunk = {};
      if (layer.units.size() - trimmed >= step) {
        return_freed_memory();
        trimmed = layer.units.size();
      }
    }
    layer.units.resize(end.unit + kPadding, 0);
    return layer;
  }

  // Chunks, and what made them, are small enough for the allocator to keep their memory when they are freed.
  static void return_freed_memory() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
  }
};

}  // namespace arborank::layer
