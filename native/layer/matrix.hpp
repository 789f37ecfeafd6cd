// Layer weights from a sparse matrix and back: import of other libraries' models, explanations, tests.
#pragma once
#include <functional>
#include <numeric>
#include <utility>

#include "base/pool.hpp"
#include "layer/pack.hpp"

namespace arborank::layer {

namespace detail {

typedef std::vector<std::pair<std::uint64_t, float>> Weights;  // feature << 32 | sibling, and what the packer takes

inline PackedChunk pack_weights(Weights& weights, std::span<const std::int32_t> ranks, std::int64_t n_siblings,
                                Precision precision) {
  if (n_siblings > kBlockLimit * 16)
    throw std::invalid_argument("a parent has " + std::to_string(n_siblings) +
                                " children; at most 1048576 are supported");
  float values[16];
  std::sort(weights.begin(), weights.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  ChunkPacker packer(ranks, n_siblings, precision);
  for (std::size_t i = 0; i < weights.size();) {
    const std::uint64_t feature = weights[i].first >> 32;
    packer.begin_row(static_cast<std::uint32_t>(feature));
    while (i < weights.size() && weights[i].first >> 32 == feature) {
      const std::uint64_t feature_block = weights[i].first / 16;
      std::uint32_t mask = 0;
      for (int n = 0; i < weights.size() && weights[i].first / 16 == feature_block; i++) {
        mask |= 1u << (weights[i].first % 16);
        values[n++] = weights[i].second;
      }
      packer.add_block(static_cast<std::uint32_t>(feature_block) & 0xffff, mask, values);
    }
  }
  return packer.finish();
}

// One chunk from the rows [begin, end) of W transposed, one row a sibling.
inline PackedChunk pack_chunk(const sparse::CsrView& children, std::int64_t begin, std::int64_t end,
                              std::span<const std::int32_t> ranks) {
  Weights weights;
  for (std::int64_t child = begin; child < end; child++)
    for (std::int64_t k = children.begin(child); k < children.end(child); k++)
      if (children.data[k] != 0.0f)
        weights.emplace_back(std::uint64_t(children.indices[k]) << 32 | std::uint64_t(child - begin), children.data[k]);
  return pack_weights(weights, ranks, end - begin, Precision::float32);
}

}  // namespace detail

// children: W transposed (n_children x n_features), canonical. Zeros are dropped.
inline LayerArrays pack_layer(const sparse::CsrView& children, const std::int64_t* branches, std::int64_t n_parents,
                              std::span<const std::int32_t> ranks, int n_threads, const Tick& tick) {
  std::vector<PackedChunk> chunks(n_parents);
  parallel_for(n_threads, n_parents, tick, [&](std::int64_t p, int, Job& job) {
    chunks[p] = detail::pack_chunk(children, branches[p], branches[p + 1], ranks);
    job.advance(1);
  });
  return LayerArrays::join(std::move(chunks), tick, n_parents);
}

// The ranks of a chunk's rows, in order.
inline std::vector<std::uint32_t> row_ranks(const LayerView& layer, std::int64_t parent) {
  const Extent &a = layer.extents[parent], &b = layer.extents[parent + 1];
  std::vector<std::uint32_t> ranks;
  ranks.reserve(b.start - a.start - 1);  // n_rows
  for (std::int64_t entry = a.index; entry < a.tail; entry++)
    for (std::uint32_t bits = layer.index[entry].bits; bits != 0; bits &= bits - 1)
      ranks.push_back(static_cast<std::uint32_t>(entry - a.index) * 32 + std::countr_zero(bits));
  const TailPlaces places(static_cast<std::uint32_t>(b.index - a.tail - 1), layer.hash);
  const std::uint16_t* key = layer.keys + a.key;
  for (std::int64_t entry = a.tail; entry < b.index; entry++)
    for (std::uint32_t bits = layer.index[entry].bits; bits != 0; bits &= bits - 1) {
      const auto at = static_cast<std::uint32_t>(entry - a.tail) * 32 + std::countr_zero(bits);
      ranks.push_back(layer.hash.rank(places.hash(at, *key++, layer.hash)));
    }
  return ranks;
}

// Takes a block of a row: its number, and the weights of the lanes that are set, packed and scaled.
using VisitBlock = std::function<void(std::int64_t row, std::uint32_t block, std::uint32_t mask, const float* weights)>;

// Calls `visit` for every block of a chunk, row by row. The layer must have passed check_layer.
inline void visit_blocks(const LayerView& layer, std::int64_t parent, const VisitBlock& visit) {
  const Extent &a = layer.extents[parent], &b = layer.extents[parent + 1];
  const std::uint16_t* units = layer.units + a.unit;
  const RowStarts starts = row_starts(layer, parent);
  const std::int64_t first = layer.branches[parent], n_siblings = layer.branches[parent + 1] - first;
  const auto n_rows = static_cast<std::uint32_t>(b.start - a.start - 1);
  const bool wide = header_size(n_siblings) == 2;
  float weights[16];
  if (has_pairs(layer.precision, n_siblings)) {
    for (std::uint32_t row = 0; row < n_rows; row++)
      for (std::uint32_t at = starts[row]; at < starts[row + 1];) {
        const std::uint32_t block = (units[at] & 255) / 16;
        std::uint32_t mask = 0;
        for (int n = 0; at < starts[row + 1] && (units[at] & 255u) / 16 == block; at++) {
          const std::uint32_t child = units[at] & 255;
          mask |= 1u << (child % 16);
          weights[n++] = pair_weight(units[at]) * layer.scales[first + child];
        }
        visit(row, block, mask, static_cast<const float*>(weights));
      }
    return;
  }
  with_precision(layer.precision, [&](auto precision) {
    for (std::uint32_t row = 0; row < n_rows; row++)
      for (std::uint32_t at = starts[row]; at < starts[row + 1];) {
        const std::uint32_t mask = units[at++], block = wide ? units[at++] : 0;
        int n = 0;
        for (std::uint32_t lanes = mask; lanes != 0; lanes &= lanes - 1, n++) {
          weights[n] = packed_weight<precision()>(units + at, n);
          if (precision() == Precision::int8)
            weights[n] *= layer.scales[first + block * 16 + std::countr_zero(lanes)];
        }
        at += n_units_of<precision()>(n);
        visit(row, block, mask, static_cast<const float*>(weights));
      }
  });
}

// Calls visit(child, rank, weight) for every weight, chunk by chunk.
template <class Visit>
void visit_weights(const LayerView& layer, Visit&& visit) {
  for (std::int64_t p = 0; p < layer.n_parents; p++) {
    const auto ranks = row_ranks(layer, p);
    visit_blocks(layer, p, [&](std::int64_t row, std::uint32_t block, std::uint32_t mask, const float* weights) {
      for (; mask != 0; mask &= mask - 1)
        visit(layer.branches[p] + block * 16 + std::countr_zero(mask), ranks[row], *weights++);
    });
  }
}

inline std::vector<std::int32_t> features_by_rank(const LayerView& layer) {
  std::vector<std::int32_t> features(layer.n_features);
  for (std::int64_t feature = 0; feature < layer.n_features; feature++)
    features[layer.ranks[feature]] = static_cast<std::int32_t>(feature);
  return features;
}

inline std::int64_t count_weights(const LayerView& layer) {
  std::int64_t n = 0;
  visit_weights(layer, [&](std::int64_t, std::uint32_t, float) { n++; });
  return n;
}

struct ChildMajor {
  std::vector<std::int64_t> indptr;
  std::vector<std::int32_t> features;
  std::vector<float> weights;
};

// W transposed as CSR; features of a child come in no useful order.
inline ChildMajor unpack_layer(const LayerView& layer) {
  ChildMajor out;
  out.indptr.assign(layer.n_children + 1, 0);
  visit_weights(layer, [&](std::int64_t child, std::uint32_t, float) { out.indptr[child + 1]++; });
  std::partial_sum(out.indptr.begin(), out.indptr.end(), out.indptr.begin());
  out.features.resize(out.indptr.back());
  out.weights.resize(out.indptr.back());
  const auto feature_of = features_by_rank(layer);
  std::vector<std::int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  visit_weights(layer, [&](std::int64_t child, std::uint32_t rank, float weight) {
    out.features[next[child]] = feature_of[rank];
    out.weights[next[child]++] = weight;
  });
  return out;
}

}  // namespace arborank::layer
