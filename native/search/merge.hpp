// The scores of one label that several of its slots reached, as one score.
//
// The scores of all children of the beam are written down where the children stand. Once the last leaf is opened they
// are added up by label: in the order of the beam, so that the sums are the same however the leaves came up.
#pragma once
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "search/top.hpp"
#include "search/tree.hpp"

namespace arborank::search {

// mean: of the slots reached; average: of all slots of the label, those not reached counting 0, the same with
// logarithms; log_sum: log(sum(exp(score)))
enum class Merge { max, mean, log_sum, average };

constexpr float kUnreached = -std::numeric_limits<float>::infinity();

// Writes the scores of the children that a query may see to their places; the others' stay as they are.
template <class Combine>
inline void write_family(float* scores, const f32x16* margins, const Family& family, const Mask& mask,
                         Combine&& combine) {
  for_each_block(family, mask, [&](std::int64_t begin, std::uint32_t lanes) {
    const f32x16 block = mask.weighted(combine(margins[begin / kLanes], family.parent), family.first + begin);
    float* const to = scores + family.order + begin;
    if (!mask.excludes_some() && std::has_single_bit(lanes + 1)) {  // the first ones, most often all
      std::memcpy(to, &block, std::popcount(lanes) * sizeof(float));
      return;
    }
    for (; lanes != 0; lanes &= lanes - 1) {
      const int lane = std::countr_zero(lanes);
      if (!mask.excludes(family.first + begin + lane))
        to[lane] = block[lane];
    }
  });
}

// Labels with the sums of their slots' scores: a hash table in memory that outlives it.
class LabelSums {
 public:
  struct Entry {
    Candidate best;  // of its slots
    double sum;      // of exp(score - best) for logarithms that are shares, else of the scores
    std::int32_t label, n_slots;
  };

  // For at most n labels.
  void begin(std::int64_t n) {
    const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(2 * n + 2));
    shift_ = 64 - std::countr_zero(wanted);
    places_.assign(wanted, 0);
    entries_.clear();
  }
  template <bool kShares>
  void add(std::int32_t label, Candidate slot) {
    const std::size_t mask = places_.size() - 1;
    std::size_t at = (static_cast<std::uint64_t>(label) * 0x9e3779b97f4a7c15ull) >> shift_;
    for (; places_[at] != 0; at = (at + 1) & mask) {
      Entry& entry = entries_[places_[at] - 1];
      if (entry.label == label)
        return add_to<kShares>(entry, slot);
    }
    entries_.push_back({slot, kShares ? 1.0 : double{candidate_score(slot)}, label, 1});
    places_[at] = static_cast<std::uint32_t>(entries_.size());
  }
  const std::vector<Entry>& entries() const { return entries_; }

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(places_.capacity() * sizeof(std::uint32_t) + entries_.capacity() * sizeof(Entry));
  }

 private:
  template <bool kShares>
  static void add_to(Entry& entry, Candidate slot) {
    entry.n_slots++;
    if constexpr (!kShares) {
      entry.sum += candidate_score(slot);
    } else if (slot > entry.best) {
      entry.sum = entry.sum * std::exp(double{candidate_score(entry.best)} - candidate_score(slot)) + 1;
    } else {
      entry.sum += std::exp(double{candidate_score(slot)} - candidate_score(entry.best));
    }
    entry.best = std::max(entry.best, slot);
  }

  int shift_ = 64;
  std::vector<std::uint32_t> places_;  // of the entries, from 1; 0: free
  std::vector<Entry> entries_;
};

// Adds the labels of a beam's children to the candidates, each in the place of its best slot.
class Merger {
 public:
  // Where nothing is bounded a slot that was not reached has no score, and an average is that of the others.
  Merger(const BeamTree& tree, Merge merge, const Combination& combination)
      : tree_(tree),
        shares_(merge == Merge::log_sum || (merge == Merge::average && combination.logarithm)),
        divides_(merge == Merge::mean || merge == Merge::average),
        by_all_(merge == Merge::average && combination.bounded()) {
    if (by_all_)
      tree.count_slots();
  }

  void operator()(const Beam& beam, const float* scores, LabelSums& sums, Top& top) const {
    if (shares_)
      merge<true>(beam, scores, sums, top);
    else
      merge<false>(beam, scores, sums, top);
  }

 private:
  template <bool kShares>
  void merge(const Beam& beam, const float* scores, LabelSums& sums, Top& top) const {
    sums.begin(beam.n_children);
    for (std::int64_t rank = 0; rank < beam.size(); rank++) {
      const std::int64_t first = top.branches[beam.nodes[rank]], n = top.branches[beam.nodes[rank] + 1] - first;
      for (std::int64_t i = 0; i < n; i++) {
        const std::uint32_t order = beam.orders[rank] + static_cast<std::uint32_t>(i);
        if (scores[order] != kUnreached)
          sums.add<kShares>(tree_.labels()[first + i], make_candidate(scores[order], order));
      }
    }
    for (const LabelSums::Entry& entry : sums.entries()) {
      const std::uint32_t order = candidate_order(entry.best);
      const auto candidate = [&](double n) { return make_candidate(score<kShares>(entry, n), order); };
      if (candidate(divides_ && !by_all_ ? entry.n_slots : 1) <= top.threshold)
        continue;  // most labels, whose number of slots need not be looked up
      const Candidate c = candidate(!divides_ ? 1 : by_all_ ? tree_.n_slots_of(entry.label) : entry.n_slots);
      if (c > top.threshold) {
        top.make_room();
        top.add(c);
      }
    }
  }

  template <bool kShares>
  static float score(const LabelSums::Entry& entry, double n) {
    if constexpr (kShares)
      return n == entry.sum ? candidate_score(entry.best)
                            : static_cast<float>(candidate_score(entry.best) + std::log(entry.sum / n));
    else
      return static_cast<float>(entry.sum / n);
  }

  const BeamTree& tree_;
  bool shares_, divides_, by_all_;
};

}  // namespace arborank::search
