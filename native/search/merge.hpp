// The scores of one label that several of its slots reached, as one score.
#pragma once
#include <cmath>
#include <utility>
#include <vector>

#include "search/top.hpp"
#include "search/tree.hpp"

namespace arborank::search {

enum class Merge { max, mean, log_sum };  // log_sum: log(sum(exp(score)))

// scores: of one label, the best first.
inline float merged_score(const std::pair<std::int32_t, Candidate>* slots, std::int64_t n, Merge merge) {
  const float best = candidate_score(slots[0].second);
  if (merge == Merge::max || n == 1 || std::isinf(best))
    return best;
  double sum = 0;
  for (std::int64_t i = 0; i < n; i++) {
    const double score = candidate_score(slots[i].second);
    sum += merge == Merge::mean ? score : std::exp(score - best);
  }
  return static_cast<float>(merge == Merge::mean ? sum / static_cast<double>(n) : best + std::log(sum));
}

// Replaces the slots among the candidates by labels, each in the place of its best slot; keeps the k best.
inline void merge_labels(Top& top, const Beam& beam, const BeamTree& tree, Merge merge, std::int64_t k) {
  std::vector<std::pair<std::int32_t, Candidate>> slots(top.size);
  for (std::int64_t i = 0; i < top.size; i++)
    slots[i] = {tree.labels()[beam.child(candidate_order(top.items[i]), top.branches)], top.items[i]};
  std::sort(slots.begin(), slots.end(), std::greater<>());
  std::int64_t n = 0;
  for (std::size_t begin = 0, end; begin < slots.size(); begin = end) {
    for (end = begin + 1; end < slots.size() && slots[end].first == slots[begin].first;)
      end++;
    const float score = merged_score(&slots[begin], static_cast<std::int64_t>(end - begin), merge);
    top.items[n++] = make_candidate(score, candidate_order(slots[begin].second));
  }
  if (n > k)
    std::nth_element(top.items, top.items + k - 1, top.items + n, std::greater<>());
  top.size = std::min(n, k);
}

}  // namespace arborank::search
