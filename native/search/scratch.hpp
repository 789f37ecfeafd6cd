// The working memory of a search, and a pool of it that outlives the calls.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "search/margins.hpp"
#include "search/merge.hpp"
#include "search/own.hpp"
#include "search/top.hpp"

namespace arborank::search {

typedef std::vector<std::vector<std::int32_t>> LevelNodes;

template <class T>
std::int64_t bytes_of(const std::vector<T>& values) {
  return static_cast<std::int64_t>(values.capacity() * sizeof(T));
}

// One query on its way down the tree. What every visit reads comes first, in one cache line.
struct alignas(64) SearchState {
  Top top;
  std::int32_t n_rest = 0;  // features that are not common
  float unit = 1;           // what the values in the scratch memory are multiples of
  Mask mask;
  Beam beam, next;
  LevelNodes leading;  // to the labels that the query is allowed
  LabelRange range{};
  std::int64_t start = 0;  // the level of the node where the search begins

  std::int64_t bytes() const {
    std::int64_t n = bytes_of(leading);
    for (const Beam* b : {&beam, &next})
      n += bytes_of(b->scores) + bytes_of(b->nodes) + bytes_of(b->orders);
    for (const auto& nodes : leading)
      n += bytes_of(nodes);
    return n;
  }
};

// A node of a query's beam, to be opened.
struct Visit {
  std::int32_t node;
  std::int32_t query;  // counted from the first of the block
  float score;
  float bound;  // what the best child's score cannot exceed
  std::uint32_t order;
};
static_assert(offsetof(SearchState, mask) == 64);

struct SearchScratch {
  std::array<Margins, 2> margins;
  ChunkLayout layout;
  std::vector<f32x16> sums;
  std::vector<std::int32_t> ranks;  // of the block's features in the layer at hand, a query's common ones last
  std::vector<float> values;        // in the same order
  std::vector<SearchState> states;
  std::vector<Candidate> candidates;  // as many a state as a level needs
  std::vector<float> slot_scores;     // where slots are merged
  LabelSums sums_of_labels;
  std::vector<Visit> visits, grouped;
  std::vector<std::int64_t> offsets;
  OwnFilter own;  // of a single query
  std::int64_t others = 0;  // bytes behind all states but the first
  std::int64_t counted = 0;  // bytes, as its pool counts them

  // The first n_used states have just been used.
  std::int64_t bytes(std::int64_t n_used) {
    if (n_used > 1) {  // looking at all of them would take longer than a single query
      others = 0;
      for (std::size_t i = 1; i < states.size(); i++)
        others += states[i].bytes();
    }
    return margins[0].bytes() + margins[1].bytes() + layout.bytes() + bytes_of(values) + bytes_of(sums) +
           bytes_of(ranks) + bytes_of(states) + bytes_of(candidates) + bytes_of(slot_scores) + sums_of_labels.bytes() +
           bytes_of(visits) + bytes_of(grouped) + bytes_of(offsets) + own.bytes() + others +
           (states.empty() ? 0 : states[0].bytes());
  }
};

// Scratch memory kept between calls, so that a single query allocates nothing; of an extraordinary one nothing is kept.
// Lock-free: a fork cannot break it.
class ScratchPool {
 public:
  ScratchPool() = default;
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;
  ~ScratchPool() {
    for (auto& slot : slots_)
      delete slot.load();
  }
  std::unique_ptr<SearchScratch> take() {
    for (auto& slot : slots_)
      if (SearchScratch* scratch = slot.exchange(nullptr)) {
        bytes_ -= scratch->counted;
        return std::unique_ptr<SearchScratch>(scratch);
      }
    return std::make_unique<SearchScratch>();
  }
  // n_used: as many states were used at a time
  void give(std::unique_ptr<SearchScratch> scratch, std::int64_t n_used) {
    const std::int64_t n = scratch->counted = scratch->bytes(n_used);
    if (bytes_.fetch_add(n) + n > kMost) {
      bytes_ -= n;
      return;
    }
    for (auto& slot : slots_) {
      SearchScratch* empty = nullptr;
      if (slot.compare_exchange_strong(empty, scratch.get())) {
        scratch.release();
        return;
      }
    }
    bytes_ -= n;
  }
  // That are kept.
  std::int64_t bytes() const { return bytes_.load(); }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 26;
  std::atomic<std::int64_t> bytes_{0};
  std::array<std::atomic<SearchScratch*>, 8> slots_{};
};

}  // namespace arborank::search
