// Layers made from layers: fewer weights, or weights of another precision.
#pragma once
#include <cmath>
#include <limits>

#include "layer/matrix.hpp"
#include "layer/pruning.hpp"

namespace arborank::layer {

struct Conversion {
  Precision precision = Precision::float32;
  float threshold = 0;             // weights of smaller magnitude go
  std::int64_t max_nonzeros =
      -1;  // of a child, if not negative: the largest stay, of equal ones those of smaller features
};

struct ConvertedLayer {
  LayerArrays arrays;
  std::vector<float> scales;
};

namespace detail {

inline std::vector<Cut> cuts(const LayerView& layer, std::int64_t parent, const Conversion& conversion,
                             const std::vector<std::int32_t>& features) {
  const std::int64_t n_siblings = layer.branches[parent + 1] - layer.branches[parent];
  const float least = least_kept(conversion.threshold);
  std::vector<Cut> result(n_siblings, Cut{least});
  if (conversion.max_nonzeros < 0)
    return result;
  std::vector<std::vector<Ranked>> weights(n_siblings);
  visit_blocks(layer, parent, [&](std::int64_t row, std::uint32_t block, std::uint32_t mask, const float* weight) {
    for (; mask != 0; mask &= mask - 1, weight++)
      if (std::fabs(*weight) >= least)
        weights[block * 16 + std::countr_zero(mask)].push_back(
            ranked(*weight, static_cast<std::uint32_t>(features[row])));
  });
  for (std::int64_t child = 0; child < n_siblings; child++)
    result[child] = cut_to(weights[child], least, conversion.max_nonzeros);
  return result;
}

// The scale that lets a child's largest weight be 127; of weights that are int8 already, the one they have.
inline void set_scales(const LayerView& layer, std::int64_t parent, float* scales) {
  const std::int64_t first = layer.branches[parent], n = layer.branches[parent + 1] - first;
  if (layer.precision == Precision::int8) {
    std::copy(layer.scales + first, layer.scales + first + n, scales);
    return;
  }
  std::fill(scales, scales + n, 0.0f);
  visit_blocks(layer, parent, [&](std::int64_t, std::uint32_t block, std::uint32_t mask, const float* weight) {
    for (; mask != 0; mask &= mask - 1, weight++)
      scales[block * 16 + std::countr_zero(mask)] =
          std::max(scales[block * 16 + std::countr_zero(mask)], std::fabs(*weight));
  });
  for (std::int64_t child = 0; child < n; child++)
    scales[child] = std::max(scales[child] / 127, std::numeric_limits<float>::min());
}

// What the packer takes for a weight; 0 if it is too small for the precision.
inline float to_pack(float weight, Precision precision, const float* scale) {
  if (precision == Precision::int8)
    return std::nearbyint(weight / *scale);
  if (precision == Precision::float32)
    return weight;
  if (std::fabs(weight) > kLargestHalf)
    throw std::invalid_argument("a weight is " + std::to_string(weight) + "; float16 ends at 65504");
  return (float_to_half(weight) & 0x7fff) == 0 ? 0.0f : weight;
}

inline PackedChunk convert_chunk(const LayerView& layer, std::int64_t parent, const Conversion& conversion,
                                 const std::vector<std::int32_t>& feature_of, float* scales) {
  std::vector<std::int32_t> features;
  for (const std::uint32_t rank : row_ranks(layer, parent))
    features.push_back(feature_of[rank]);
  const auto cut = cuts(layer, parent, conversion, features);
  if (conversion.precision == Precision::int8)
    set_scales(layer, parent, scales);
  ChunkPacker packer(layer_ranks(layer), layer.branches[parent + 1] - layer.branches[parent], conversion.precision);
  std::int64_t open = -1;  // the row last begun
  visit_blocks(layer, parent, [&](std::int64_t row, std::uint32_t block, std::uint32_t mask, const float* weight) {
    std::uint32_t kept = 0;
    float values[16];
    for (int n = 0; mask != 0; mask &= mask - 1, weight++) {
      const std::uint32_t child = block * 16 + std::countr_zero(mask);
      if (!cut[child].keeps(*weight, static_cast<std::uint32_t>(features[row])))
        continue;
      values[n] = to_pack(*weight, conversion.precision, scales + child);
      if (values[n] == 0)
        continue;
      kept |= mask & (0 - mask);
      n++;
    }
    if (kept == 0)
      return;
    if (row != open)
      packer.begin_row(static_cast<std::uint32_t>(features[row]));
    open = row;
    packer.add_block(block, kept, values);
  });
  return packer.finish();
}

}  // namespace detail

// The layer must have passed check_layer.
inline ConvertedLayer convert_layer(const LayerView& layer, const Conversion& conversion, int n_threads,
                                    const Tick& tick) {
  ConvertedLayer result;
  if (conversion.precision == Precision::int8)
    result.scales.resize(layer.n_children);
  const auto feature_of = features_by_rank(layer);
  std::vector<PackedChunk> chunks(layer.n_parents);
  parallel_for(n_threads, layer.n_parents, tick, [&](std::int64_t p, int, Job& job) {
    chunks[p] = detail::convert_chunk(layer, p, conversion, feature_of, result.scales.data() + layer.branches[p]);
    job.advance(1);
  });
  result.arrays = LayerArrays::join(std::move(chunks), tick, layer.n_parents);
  return result;
}

}  // namespace arborank::layer
