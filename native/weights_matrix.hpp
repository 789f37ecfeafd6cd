// Layer weights from a sparse matrix and back: import of other libraries' models, explanations, tests.
#pragma once
#include <numeric>
#include <utility>

#include "csr.hpp"
#include "pool.hpp"
#include "weights.hpp"

namespace arborank {

namespace detail {

// One chunk from the rows [begin, end) of W transposed, one row a sibling.
inline PackedChunk pack_chunk(const CsrView& children, std::int64_t begin, std::int64_t end, ChunkPacker& packer) {
  std::vector<std::pair<std::uint64_t, float>> weights;  // feature << 32 | sibling
  float values[16];
  for (std::int64_t child = begin; child < end; child++)
    for (std::int64_t k = children.begin(child); k < children.end(child); k++)
      if (children.data[k] != 0.0f)
        weights.emplace_back(std::uint64_t(children.indices[k]) << 32 | std::uint64_t(child - begin),
                             children.data[k]);
  std::sort(weights.begin(), weights.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
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

}  // namespace detail

// children: W transposed (n_children x n_features), canonical. Zeros are dropped.
inline LayerArrays pack_layer(const CsrView& children, const std::int64_t* branches, std::int64_t n_parents,
                              int n_threads, const Tick& tick) {
  for (std::int64_t p = 0; p < n_parents; p++)
    if (branches[p + 1] - branches[p] > kBlockLimit * 16)
      throw std::invalid_argument("a parent has " + std::to_string(branches[p + 1] - branches[p]) +
                                  " children; at most 1048576 are supported");
  std::vector<PackedChunk> chunks(n_parents);
  parallel_for(n_threads, n_parents, tick, [&](std::int64_t p, int, Job& job) {
    ChunkPacker packer;
    chunks[p] = detail::pack_chunk(children, branches[p], branches[p + 1], packer);
    job.advance(1);
  });
  return LayerArrays::join(std::move(chunks));
}

// Calls visit(child, feature, weight) for every weight, chunk by chunk, rows in the order of their keys.
template <class Visit>
void visit_weights(const LayerView& layer, Visit&& visit) {
  for (std::int64_t p = 0; p < layer.n_parents; p++) {
    const Extent &a = layer.extents[p], &b = layer.extents[p + 1];
    const std::uint32_t* words = layer.words + a.word;
    for (std::int64_t row = a.row; row + 1 < b.row; row++) {
      const std::uint32_t feature = key_feature(layer.rows[row].key);
      for (std::uint32_t at = layer.rows[row].start; at < layer.rows[row + 1].start;) {
        const std::uint32_t header = words[at++];
        for (std::uint32_t mask = header & 0xffff; mask != 0; mask &= mask - 1)
          visit(layer.branches[p] + (header >> 16) * 16 + std::countr_zero(mask), feature,
                std::bit_cast<float>(words[at++]));
      }
    }
  }
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

// W transposed as CSR; features of a child ascend in their keys, not in their numbers.
inline ChildMajor unpack_layer(const LayerView& layer) {
  ChildMajor out;
  out.indptr.assign(layer.n_children + 1, 0);
  visit_weights(layer, [&](std::int64_t child, std::uint32_t, float) { out.indptr[child + 1]++; });
  std::partial_sum(out.indptr.begin(), out.indptr.end(), out.indptr.begin());
  out.features.resize(out.indptr.back());
  out.weights.resize(out.indptr.back());
  std::vector<std::int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  visit_weights(layer, [&](std::int64_t child, std::uint32_t feature, float weight) {
    out.features[next[child]] = static_cast<std::int32_t>(feature);
    out.weights[next[child]++] = weight;
  });
  return out;
}

}  // namespace arborank
