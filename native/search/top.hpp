// The best candidates of one query so far, exactly and in a total order.
//
// A candidate is one 64-bit number: its score, then its place among all children of the beam, better-placed parents
// first. So ties fall to the better-placed parent and then to the smaller position, whatever order they come in.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "search/combine.hpp"
#include "search/own.hpp"
#include "search/range.hpp"

namespace arborank::search {

typedef std::uint64_t Candidate;  // larger is better; 0 is worse than any

inline std::uint32_t ordered_bits(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score);
  return bits ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(bits) >> 31) | 0x80000000u);
}
inline Candidate make_candidate(float score, std::uint32_t order) {
  return Candidate{ordered_bits(score)} << 32 | static_cast<std::uint32_t>(~order);
}
inline float candidate_score(Candidate c) {
  const auto bits = static_cast<std::uint32_t>(c >> 32);
  return std::bit_cast<float>(bits ^ (((bits >> 31) - 1u) | 0x80000000u));
}
inline std::uint32_t candidate_order(Candidate c) { return ~static_cast<std::uint32_t>(c); }

// The beam of one query at one level, best first.
struct Beam {
  std::vector<float> scores;
  std::vector<std::int32_t> nodes;
  std::vector<std::uint32_t> orders;  // children of the better-placed nodes
  std::int64_t n_children = 0;        // of all of them

  std::int64_t size() const { return static_cast<std::int64_t>(nodes.size()); }
  // The child at a place among all children of the beam.
  std::int64_t child(std::uint32_t order, const std::int64_t* branches) const {
    const auto rank = std::upper_bound(orders.begin(), orders.end(), order) - orders.begin() - 1;
    return branches[nodes[rank]] + (order - orders[rank]);
  }
};

// Children that a query may not see, and what the scores of others are multiplied by. Null pointers: no restriction.
struct Mask {
  const std::uint32_t* nodes = nullptr;  // of a LabelFilter: a bit a node of the level
  LabelFilter::Weights weights;          // the same, at the last level
  // of the query alone:
  const SparseSet* slots = nullptr;  // that may be returned: at the last level the nodes themselves, else
  const std::int32_t* first_slots = nullptr;  // those below a node begin here, and end where the next one's do
  const LabelSet* own_excluded = nullptr;  // labels
  const std::int32_t* allowed = nullptr;  // nodes of the level, ascending
  const std::int32_t* allowed_end = nullptr;
  const std::int32_t* excluded = nullptr;  // labels, ascending
  const std::int32_t* excluded_end = nullptr;
  const std::int32_t* labels = nullptr;  // of the level's nodes, for `excluded` and `own_excluded`
  const LabelSpans* spans = nullptr;     // of the level's nodes, for `range`
  LabelRange range{};

  // Whether there is more to ask of a node than a bit.
  bool excludes_some() const {
    return first_slots != nullptr || own_excluded != nullptr || spans != nullptr || excluded != nullptr;
  }
  bool excludes(std::int64_t node) const {
    return (first_slots != nullptr && !slots->any(first_slots[node], first_slots[node + 1])) ||
           (own_excluded != nullptr && own_excluded->has(labels[node])) ||
           (spans != nullptr && !spans->meets(node, range)) ||
           (excluded != nullptr && std::binary_search(excluded, excluded_end, labels[node]));
  }
  // The scores of 16 nodes from one on, by the weights of their labels.
  f32x16 weighted(f32x16 scores, std::int64_t first) const {
    if (weights.slots == nullptr)
      return scores;
    f32x16 factors;
    std::memcpy(&factors, weights.slots + first, sizeof factors);
    return weights.logarithm ? (scores + factors) + 0.0f : scores * factors;
  }
};

// The candidates for the next beam, in memory of the caller that `clear` has made ready.
struct Top {
  Candidate* items = nullptr;
  Candidate threshold = 0;  // what a candidate must beat: the keep-th best, or 0 until there are as many
  std::int64_t size = 0, keep = 0;
  // where one label may come up several times: what tells the label of a candidate
  const std::int32_t* labels = nullptr;
  const Beam* beam = nullptr;
  const std::int64_t* branches = nullptr;

  static constexpr std::int64_t kFew = 32;  // as many are kept in order; more are gathered and cut from time to time
  static std::int64_t room_for(std::int64_t keep) {
    return keep <= kFew ? 2 * 8 * n_vectors(keep) : keep + std::max<std::int64_t>(keep, 64);
  }
  // Of eight candidates, for a few.
  static std::int64_t n_vectors(std::int64_t keep) { return keep <= 8 ? 1 : keep <= 16 ? 2 : 4; }

  bool in_order() const { return keep <= kFew; }
  // Empty places of those kept in order hold zeros, so that whole vectors of them can be read.
  void clear() {
    if (in_order())
      std::fill_n(items, 8 * n_vectors(keep), Candidate{0});
    size = 0;
    threshold = 0;
  }

  // Of something that beats the threshold; the lanes of one vector need no room check in between.
  void add(Candidate c) {
    if (!in_order())
      items[size++] = c;
    else if (labels == nullptr)
      insert(c);
    else
      insert_label(c);
  }
  void make_room() {
    if (size + kLanes > room_for(keep))
      shrink();
  }
  // Drops all but the best `keep`, in no order.
  void shrink() {
    if (in_order())
      return;
    if (labels != nullptr)
      keep_best_of_label();
    if (size < keep)
      return;
    std::nth_element(items, items + keep - 1, items + size, std::greater<>());
    size = keep;
    threshold = items[keep - 1];
  }
  // The same, best first.
  void sort() {
    if (in_order())
      return;
    shrink();
    std::sort(items, items + size, std::greater<>());
  }

 private:
  std::int32_t label_of(Candidate c) const { return labels[beam->child(candidate_order(c), branches)]; }
  void insert(Candidate c) {
    std::int64_t i = size < keep ? size++ : keep - 1;
    for (; i > 0 && items[i - 1] < c; i--)
      items[i] = items[i - 1];
    items[i] = c;
    if (size == keep)
      threshold = items[keep - 1];
  }
  // In place of a worse candidate of the same label, if there is one. Labels stand behind the candidates.
  void insert_label(Candidate c) {
    Candidate* const tags = items + keep;
    const auto tag = static_cast<Candidate>(label_of(c));
    std::int64_t i = std::find(tags, tags + size, tag) - tags;
    if (i < size && items[i] >= c)
      return;
    if (i == size)
      i = size < keep ? size++ : keep - 1;
    for (; i > 0 && items[i - 1] < c; i--) {
      items[i] = items[i - 1];
      tags[i] = tags[i - 1];
    }
    items[i] = c;
    tags[i] = tag;
    if (size == keep)
      threshold = items[keep - 1];
  }
  void keep_best_of_label() {
    std::vector<std::pair<std::int32_t, Candidate>> labelled(size);
    for (std::int64_t i = 0; i < size; i++)
      labelled[i] = {label_of(items[i]), items[i]};
    std::sort(labelled.begin(), labelled.end(), std::greater<>());
    size = 0;
    for (std::size_t i = 0; i < labelled.size(); i++)
      if (i == 0 || labelled[i].first != labelled[i - 1].first)
        items[size++] = labelled[i].second;
  }
};

// A parent and its children, as the search of one level sees them.
struct Family {
  float parent;           // the parent's score
  std::uint32_t order;    // place of the first child among all children of the beam
  std::int64_t first, n;  // children are nodes [first, first + n)
};

// Calls use(place of its first child, bits of those that may be seen) for every 16 children of which some may.
template <class Use>
inline void for_each_block(const Family& family, const Mask& mask, Use&& use) {
  const std::int32_t* allowed = mask.allowed;
  if (allowed != nullptr)
    allowed = std::lower_bound(allowed, mask.allowed_end, family.first);
  for (std::int64_t begin = 0; begin < family.n; begin += kLanes) {
    std::uint32_t lanes = family.n - begin >= kLanes ? 0xffffu : (1u << (family.n - begin)) - 1;
    if (allowed != nullptr) {
      std::uint32_t wanted = 0;
      for (; allowed != mask.allowed_end && *allowed < family.first + begin + kLanes; allowed++)
        wanted |= 1u << (*allowed - family.first - begin);
      lanes &= wanted;
    }
    if (mask.nodes != nullptr)
      lanes &= NodeSet::lanes(mask.nodes, family.first + begin);
    if (mask.slots != nullptr && mask.first_slots == nullptr)
      lanes &= mask.slots->lanes(family.first + begin);
    if (lanes != 0)
      use(begin, lanes);
  }
}

#if defined(__AVX512F__)
// The best candidates in registers, best first. What is put in pushes the worse ones back without a branch: where a
// candidate comes to stand is as good as random.
template <int kVectors>
class Sorted {
 public:
  explicit Sorted(const Top& top) : top_(top) {
    for (int i = 0; i < kVectors; i++)
      best_[i] = _mm512_loadu_si512(top.items + 8 * i);
  }
  void insert(Candidate c) {
    const __m512i one = _mm512_set1_epi64(static_cast<std::int64_t>(c));
    for (int i = kVectors - 1; i >= 0; i--) {  // in place of the one before, if that is worse, else of a worse one
      const __m512i before = _mm512_alignr_epi64(best_[i], i > 0 ? best_[i - 1] : _mm512_set1_epi64(-1), 7);
      best_[i] = _mm512_max_epu64(best_[i], _mm512_min_epu64(before, one));
    }
  }
  Candidate threshold() const {
    alignas(64) Candidate items[8 * kVectors];
    for (int i = 0; i < kVectors; i++)
      _mm512_store_si512(items + 8 * i, best_[i]);
    return items[top_.keep - 1];
  }
  void store(Top& top) const {
    std::int64_t size = 0;
    for (int i = 0; i < kVectors; i++) {
      _mm512_storeu_si512(top.items + 8 * i, best_[i]);
      size += std::popcount(static_cast<unsigned>(_mm512_test_epi64_mask(best_[i], best_[i])));
    }
    top.size = std::min(size, top.keep);
    top.threshold = top.items[top.keep - 1];
  }

 private:
  const Top& top_;
  __m512i best_[kVectors];
};

template <int kVectors, class Combine>
inline void push_sorted(Top& top, const f32x16* margins, const Family& family, const Mask& mask, Combine&& combine) {
  Sorted<kVectors> best(top);
  const bool limited = mask.weights.slots == nullptr;
  float least = candidate_score(top.threshold), limit = combine.limit(least, family.parent);
  for_each_block(family, mask, [&](std::int64_t begin, std::uint32_t lanes) {
    if (limited && (lanes &= combine.within(margins[begin / kLanes], limit)) == 0)
      return;
    const f32x16 scores = mask.weighted(combine(margins[begin / kLanes], family.parent), family.first + begin);
    // while there is no threshold this compares with NaN, as below
    lanes &= ~lane_mask(less(scores, broadcast(least)));
    if (lanes == 0)
      return;
    do {
      const int lane = std::countr_zero(lanes);
      if (!mask.excludes(family.first + begin + lane))
        best.insert(make_candidate(scores[lane], family.order + static_cast<std::uint32_t>(begin + lane)));
      lanes &= lanes - 1;
    } while (lanes != 0);
    least = candidate_score(best.threshold());
    limit = combine.limit(least, family.parent);
  });
  best.store(top);
}
#endif

// Adds the children that beat the threshold.
template <class Combine>
inline void push_family(Top& top, const f32x16* margins, const Family& family, const Mask& mask, Combine&& combine) {
#if defined(__AVX512F__)
  if (top.in_order() && top.labels == nullptr) {
    const std::int64_t n_vectors = Top::n_vectors(top.keep);
    return n_vectors == 1   ? push_sorted<1>(top, margins, family, mask, combine)
           : n_vectors == 2 ? push_sorted<2>(top, margins, family, mask, combine)
                            : push_sorted<4>(top, margins, family, mask, combine);
  }
#endif
  const bool limited = mask.weights.slots == nullptr;
  for_each_block(family, mask, [&](std::int64_t begin, std::uint32_t lanes) {
    const float least = candidate_score(top.threshold);
    if (limited && (lanes &= combine.within(margins[begin / kLanes], combine.limit(least, family.parent))) == 0)
      return;
    top.make_room();
    const f32x16 scores = mask.weighted(combine(margins[begin / kLanes], family.parent), family.first + begin);
    // while there is no threshold this compares with NaN, and nothing is less than NaN
    for (lanes &= ~lane_mask(less(scores, broadcast(candidate_score(top.threshold)))); lanes != 0; lanes &= lanes - 1) {
      const int lane = std::countr_zero(lanes);
      const Candidate c = make_candidate(scores[lane], family.order + static_cast<std::uint32_t>(begin + lane));
      if (c > top.threshold && !mask.excludes(family.first + begin + lane))
        top.add(c);
    }
  });
  top.shrink();
}

}  // namespace arborank::search
