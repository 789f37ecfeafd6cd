// The inner product of one query with all children of one parent: the heart of prediction.
//
// Four stages, each free of unpredictable branches, each asking for the memory that the next one reads, so that a
// search can have the next parent's stages under way while it adds up this one's: `prefetch_index`; `probe` tells from
// the index which features the chunk may have; `match` finds where their rows start; `margins` adds the rows. One query
// and many go through the same code, so their scores are equal to the last bit.
//
// Nothing that a chunk's arrays hold is trusted: what is read from them is bounded before it serves as a place.
#pragma once
#include <algorithm>
#include <cstdint>

#include "layer/layer.hpp"
#include "search/query.hpp"

namespace arborank::search {

// One parent's chunk.
struct Chunk {
  const layer::IndexEntry *index = nullptr, *tail = nullptr;
  layer::RowStarts starts{};
  const std::uint16_t *keys = nullptr, *units = nullptr;
  const float *bias = nullptr, *scales = nullptr;
  layer::Precision precision = layer::Precision::float32;
  layer::RankHash hash{0};
  layer::TailPlaces places{0, hash};
  std::uint32_t n_dense = 0;  // ranks below have a bit each
  std::uint32_t n_head = 0, n_tail = 0;  // rows
  std::uint32_t n_units = 0;  // at most what the last row's longest block leaves of the whole layer's
  std::int64_t n_siblings = 0;

  Chunk() = default;
  Chunk(const layer::LayerView& layer, std::int64_t parent)
      : starts(layer::row_starts(layer, parent)),
        hash(layer.hash),
        places(static_cast<std::uint32_t>(layer.extents[parent + 1].index - layer.extents[parent].tail - 1), hash) {
    const layer::Extent &from = layer.extents[parent], &to = layer.extents[parent + 1];
    index = layer.index + from.index;
    tail = layer.index + from.tail;
    keys = layer.keys + from.key;
    units = layer.units + from.unit;
    bias = layer.bias + layer.branches[parent];
    scales = layer.scales + (layer.precision == layer::Precision::int8 ? layer.branches[parent] : 0);
    precision = layer.precision;
    n_dense = static_cast<std::uint32_t>(from.tail - from.index) * 32;
    n_tail = static_cast<std::uint32_t>(to.key - from.key);
    n_head = static_cast<std::uint32_t>(to.start - from.start - 1) - n_tail;
    n_units = static_cast<std::uint32_t>(std::min<std::int64_t>(to.unit - from.unit, UINT32_MAX - layer::kPadding));
    n_siblings = layer.branches[parent + 1] - layer.branches[parent];
  }

  std::int64_t n_blocks() const { return (n_siblings + kLanes - 1) / kLanes; }

  const layer::IndexEntry* entry(std::uint32_t rank) const {
    return rank < n_dense ? index + rank / 32 : tail + places.bit(hash(rank)) / 32;
  }
  // The row of the tail that a feature's key is at, if at any, given the one that stands at its bit.
  std::uint32_t find(std::uint32_t row, std::uint32_t rank_hash, std::uint16_t key) const {
    const std::uint64_t n_bits = places.n_bits + 32;
    for (std::uint64_t bit = places.bit(rank_hash) + 1; static_cast<std::int16_t>(keys[row] - key) < 0; bit++, row++)
      if (row + 1 >= n_tail || bit >= n_bits || (tail[bit / 32].bits >> (bit % 32) & 1) == 0)
        break;
    return row;
  }
  void prefetch_index(const Query& query) const {
    for (std::int64_t i = 0; i < query.n; i++)
      prefetch(entry(static_cast<std::uint32_t>(query.ranks[i])));
    prefetch(bias);
  }
};

}  // namespace arborank::search
