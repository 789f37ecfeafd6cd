// Which weights of a ranker stay: those of magnitude, and of those at most so many.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace arborank::layer {

// What a weight must have to stay: more than `least`, or as much and a feature up to `last_feature`.
struct Cut {
  float least;
  std::uint32_t last_feature = UINT32_MAX;
  bool keeps(float weight, std::uint32_t feature) const {
    const float magnitude = std::fabs(weight);
    return magnitude > least || (magnitude == least && feature <= last_feature);
  }
};

// Zero is never kept.
inline float least_kept(float threshold) { return std::max(threshold, std::numeric_limits<float>::denorm_min()); }

typedef std::pair<float, std::uint32_t> Ranked;  // minus magnitude and feature: ascending is best first
inline Ranked ranked(float weight, std::uint32_t feature) { return {-std::fabs(weight), feature}; }

// The cut that leaves at most max_nonzeros of the weights that reach `least`; of equal ones those of smaller features.
// Their order changes.
inline Cut cut_to(std::vector<Ranked>& weights, float least, std::int64_t max_nonzeros) {
  if (static_cast<std::int64_t>(weights.size()) <= max_nonzeros)
    return {least};
  if (max_nonzeros == 0)
    return {std::numeric_limits<float>::infinity(), 0};
  const auto last = weights.begin() + (max_nonzeros - 1);
  std::nth_element(weights.begin(), last, weights.end());
  return {-last->first, last->second};
}

}  // namespace arborank::layer
