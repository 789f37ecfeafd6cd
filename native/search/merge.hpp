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
      store_first(to, block, std::popcount(lanes));
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

  // For at most n labels; a few are sparse, so that a look at one place most often tells that a label is not there.
  void begin(std::int64_t n) {
    const auto wanted = std::bit_ceil(static_cast<std::uint64_t>((n <= 4096 ? 8 : 2) * n + 2));
    shift_ = 32 - std::countr_zero(wanted);
    places_.assign(wanted, 0);
    entries_.clear();
  }
  template <bool kShares>
  void add(std::int32_t label, Candidate slot) {
    if (Entry* const entry = find(label)) {
      add_to<kShares>(*entry, slot);
    } else {
      entries_.push_back({slot, kShares ? 1.0 : double{candidate_score(slot)}, label, 1});
      places_[free_] = static_cast<std::uint32_t>(entries_.size());
    }
  }
  template <bool kShares>
  void add_if_there(std::int32_t label, Candidate slot) {
    if (Entry* const entry = find(label))
      add_to<kShares>(*entry, slot);
  }
  // Those of 16 labels, of which some count, that may be there.
  std::uint32_t may_have(const std::int32_t* labels, std::uint32_t lanes) const {
#if defined(__AVX512F__)
    const auto some = static_cast<__mmask16>(lanes);
    const __m512i keys = _mm512_mullo_epi32(_mm512_maskz_loadu_epi32(some, labels), _mm512_set1_epi32(kMultiplier));
    const __m512i places = _mm512_srl_epi32(keys, _mm_cvtsi32_si128(shift_));
    const __m512i found = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), some, places, places_.data(), 4);
    return _mm512_mask_test_epi32_mask(some, found, found);
#else
    std::uint32_t found = 0;
    for (; lanes != 0; lanes &= lanes - 1)
      found |= static_cast<std::uint32_t>(places_[place(labels[std::countr_zero(lanes)])] != 0)
               << std::countr_zero(lanes);
    return found;
#endif
  }
  const std::vector<Entry>& entries() const { return entries_; }

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(places_.capacity() * sizeof(std::uint32_t) + entries_.capacity() * sizeof(Entry));
  }

 private:
  std::size_t place(std::int32_t label) const {
    return (static_cast<std::uint32_t>(label) * static_cast<std::uint32_t>(kMultiplier)) >> shift_;
  }
  // Null where it is not there; `free_` is then its place.
  Entry* find(std::int32_t label) {
    for (free_ = place(label); places_[free_] != 0; free_ = (free_ + 1) & (places_.size() - 1))
      if (Entry& entry = entries_[places_[free_] - 1]; entry.label == label)
        return &entry;
    return nullptr;
  }
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

  static constexpr auto kMultiplier = static_cast<std::int32_t>(0x9e3779b9u);

  int shift_ = 31;
  std::size_t free_ = 0;
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
  // Slots above it decide which labels may be among the best. An average is at most its best slot, and at least that
  // divided by the most slots of a label; so many times as many slots hold at least as many labels as are wanted.
  template <bool kShares>
  float least_strong(const float* scores, std::int64_t n, std::int64_t keep) const {
    const std::int64_t most = tree_.most_slots_of_a_label();
    if (!by_all_ || n <= keep * most)
      return -std::numeric_limits<float>::max();
    float least = largest(scores, n);
    for (int i = 0; i < kSteps && least != kUnreached; i++) {
      least = kShares ? least - 1.5f : least * 0.25f;
      if (n_above(scores, n, least) >= keep * most)  // with some room for rounding
        return kShares ? least - 1.1f * std::log(static_cast<float>(most)) : 0.99f * least / static_cast<float>(most);
    }
    return -std::numeric_limits<float>::max();
  }
  static float largest(const float* scores, std::int64_t n) {
    f32x16 most = broadcast(kUnreached), block;
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      std::memcpy(&block, scores + i, sizeof block);
      most = vmax(most, block);
    }
    float found = kUnreached;
    for (; i < n; i++)
      found = std::max(found, scores[i]);
    for (int lane = 0; lane < kLanes; lane++)
      found = std::max(found, most[lane]);
    return found;
  }
  static std::int32_t n_above(const float* scores, std::int64_t n, float least) {
    std::int32_t found = 0;
    for (std::int64_t i = 0; i < n; i++)
      found += scores[i] >= least;
    return found;
  }

  template <bool kShares>
  void merge(const Beam& beam, const float* scores, LabelSums& sums, Top& top) const {
    const float least = least_strong<kShares>(scores, beam.n_children, top.keep);
    sums.begin(n_above(scores, beam.n_children, least));
    for_each_16(beam, scores, top.branches, [&](f32x16 block, const std::int32_t* labels, std::uint32_t order) {
      for (std::uint32_t lanes = lane_mask(at_least(block, broadcast(least))); lanes != 0; lanes &= lanes - 1) {
        const int lane = std::countr_zero(lanes);
        sums.add<kShares>(labels[lane], make_candidate(block[lane], order + lane));
      }
    });
    if (least > -std::numeric_limits<float>::max())
      for_each_16(beam, scores, top.branches, [&](f32x16 block, const std::int32_t* labels, std::uint32_t order) {
        std::uint32_t lanes =
            sums.may_have(labels, lane_mask(less(block, broadcast(least)) & less(broadcast(kUnreached), block)));
        for (; lanes != 0; lanes &= lanes - 1) {
          const int lane = std::countr_zero(lanes);
          sums.add_if_there<kShares>(labels[lane], make_candidate(block[lane], order + lane));
        }
      });
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

  // Calls visit(scores, labels, order of the first) for every 16 children of a node; beyond the last none is reached.
  template <class Visit>
  void for_each_16(const Beam& beam, const float* scores, const std::int64_t* branches, Visit&& visit) const {
    for (std::int64_t rank = 0; rank < beam.size(); rank++) {
      const std::int32_t* const labels = tree_.labels() + branches[beam.nodes[rank]];
      const std::int64_t n = branches[beam.nodes[rank] + 1] - branches[beam.nodes[rank]];
      const std::uint32_t first = beam.orders[rank];
      for (std::int64_t i = 0; i < n; i += kLanes) {
        visit(load_first(scores + first + i, n - i, kUnreached), labels + i, first + static_cast<std::uint32_t>(i));
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

  static constexpr int kSteps = 24;

  const BeamTree& tree_;
  bool shares_, divides_, by_all_;
};

}  // namespace arborank::search
