// From solved weights to the chunk of a parent: small weights dropped, siblings side by side.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "layer/pack.hpp"
#include "layer/pruning.hpp"
#include "train/lanes.hpp"

namespace arborank::train {

// The weights kept of one group: for every feature that has any, a lane mask and the packed values. Numbers ascend:
// shared features by local number, then private features in the order of the block.
struct GroupWeights {
  int first = 0;  // first child of the group among its siblings; a group lies within one block of 16
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint16_t> masks;
  std::vector<float> values;
  std::vector<float> learned,
      reaching;  // by lane: the sum of all squared weights, and of those that reach the threshold
};

// What a weight must reach to stay, of each label. The threshold is meant for examples of about unit length. The
// weights of a label whose positive examples are much shorter or longer are smaller as a whole, and so is what goes of
// them.
template <int L>
Float<L> thresholds(const TrainBlock& block, const LaneTargets& targets, const SolverOptions& params) {
  constexpr float kAbout = 2;  // from 1 / 2 to 2 is about 1
  Float<L> sum{}, count{};
  for (std::int64_t row = 0; row < block.n; row++) {
    if (targets.positive[row] == 0 || block.rows[row].norm == 0)
      continue;
    const float length = std::sqrt(block.rows[row].norm);
    const float share = std::min(1.0f, kAbout * std::min(length, 1 / length));
    const Int<L> is_positive = lanes_of<L>(targets.positive[row]);
    sum += select(is_positive, spread<L>(share), Float<L>{});
    count += select(is_positive, spread<L>(1.0f), Float<L>{});
  }
  return params.threshold * select(less(Float<L>{}, count), sum / count, spread<L>(1.0f));
}

inline std::uint32_t feature_of(const TrainBlock& block, std::uint32_t number) {
  const std::uint32_t n_shared = static_cast<std::uint32_t>(block.shared.size());
  return number < n_shared ? block.shared[number] : block.own_features[number - n_shared];
}

// visit(number, weights) for every feature of the block
template <int L, class Visit>
void for_each_weight(const TrainBlock& block, const LaneWeights<L>& weights, Visit&& visit) {
  const std::uint32_t n_shared = static_cast<std::uint32_t>(block.shared.size());
  for (std::uint32_t number = 0; number < n_shared; number++)
    visit(number, weights.shared[number]);
  for (std::int64_t row = 0; row < block.n; row++)
    for (std::int64_t k = block.own_starts[row]; k < block.own_starts[row + 1]; k++)
      visit(n_shared + static_cast<std::uint32_t>(k), block.own_values[k] * weights.coefficients[row]);
}

template <int L>
std::vector<layer::Cut> cuts(const TrainBlock& block, const LaneWeights<L>& weights, Float<L> threshold, int n_lanes,
                             std::int64_t max_nonzeros) {
  std::vector<layer::Cut> result;
  for (int lane = 0; lane < n_lanes; lane++)
    result.push_back({layer::least_kept(threshold[lane])});
  if (max_nonzeros < 0)
    return result;
  std::vector<layer::Ranked> all;
  for (int lane = 0; lane < n_lanes; lane++) {
    const float least = result[lane].least;
    all.clear();
    for_each_weight<L>(block, weights, [&](std::uint32_t number, Float<L> w) {
      if (std::fabs(w[lane]) >= least)
        all.push_back(layer::ranked(w[lane], feature_of(block, number)));
    });
    result[lane] = layer::cut_to(all, least, max_nonzeros);
  }
  return result;
}

template <int L>
GroupWeights keep_weights(const TrainBlock& block, const LaneWeights<L>& weights, Float<L> threshold, int first,
                          int n_lanes, std::int64_t max_nonzeros) {
  const auto cut = cuts<L>(block, weights, threshold, n_lanes, max_nonzeros);
  Float<L> least = spread<L>(std::numeric_limits<float>::infinity());
  for (int lane = 0; lane < n_lanes; lane++)
    least[lane] = cut[lane].least;
  GroupWeights kept;
  kept.first = first;
  Float<L> all{}, reaching{};
  for_each_weight<L>(block, weights, [&](std::uint32_t number, Float<L> w) {
    const Float<L> square = w * w;
    all += square;
    reaching += select(at_least(magnitude<L>(w), threshold), square, Float<L>{});
    std::uint32_t mask = 0;
    for (std::uint32_t rest = bits_of<L>(at_least(magnitude<L>(w), least)); rest != 0; rest &= rest - 1) {
      const int lane = std::countr_zero(rest);
      if (cut[lane].keeps(w[lane], feature_of(block, number))) {
        mask |= 1u << lane;
        kept.values.push_back(w[lane]);
      }
    }
    if (mask) {
      kept.numbers.push_back(number);
      kept.masks.push_back(static_cast<std::uint16_t>(mask));
    }
  });
  for (int lane = 0; lane < n_lanes; lane++) {
    kept.learned.push_back(all[lane]);
    kept.reaching.push_back(reaching[lane]);
  }
  return kept;
}

// All groups of a parent, in the order of their first child, as one chunk.
inline layer::PackedChunk pack_groups(const TrainBlock& block, std::vector<GroupWeights>&& groups,
                                      std::span<const std::int32_t> ranks, std::int64_t n_siblings) {
  const std::size_t n_numbers = block.shared.size() + block.own_features.size();
  struct Entry {
    std::uint32_t group, value;
    std::uint16_t mask;
  };
  std::vector<std::size_t> starts(n_numbers + 1, 0);
  for (const auto& group : groups)
    for (std::uint32_t number : group.numbers)
      starts[number + 1]++;
  for (std::size_t i = 0; i < n_numbers; i++)
    starts[i + 1] += starts[i];
  std::vector<Entry> entries(starts[n_numbers]);
  for (std::uint32_t g = 0; g < groups.size(); g++) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < groups[g].numbers.size(); i++) {
      entries[starts[groups[g].numbers[i]]++] = {g, value, groups[g].masks[i]};
      value += std::popcount(groups[g].masks[i]);
    }
  }
  layer::ChunkPacker packer(ranks, n_siblings);
  float packed[kLanes];
  std::size_t e = 0;
  for (std::size_t number = 0; number < n_numbers; number++) {  // starts[number] is now the end of its entries
    if (e == starts[number])
      continue;
    packer.begin_row(feature_of(block, static_cast<std::uint32_t>(number)));
    while (e < starts[number]) {
      const int block16 = groups[entries[e].group].first / kLanes;
      std::uint32_t mask = 0;
      int n = 0;
      for (; e < starts[number] && groups[entries[e].group].first / kLanes == block16; e++) {
        const auto& group = groups[entries[e].group];
        mask |= static_cast<std::uint32_t>(entries[e].mask) << (group.first % kLanes);
        for (int i = 0; i < std::popcount(entries[e].mask); i++)
          packed[n++] = group.values[entries[e].value + i];
      }
      packer.add_block(static_cast<std::uint32_t>(block16), mask, packed);
    }
  }
  return packer.finish();
}

}  // namespace arborank::train
