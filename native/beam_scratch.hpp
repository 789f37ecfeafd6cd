// The working memory of a search, and a pool of it that outlives the calls.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "beam_chunk.hpp"
#include "beam_own.hpp"
#include "beam_top.hpp"

namespace arborank {

typedef std::vector<std::vector<std::int32_t>> LevelNodes;

// One query on its way down the tree.
struct SearchState {
  Top top;
  Mask mask;
  Beam beam, next;
  LevelNodes leading;  // to the labels that the query is allowed
  LabelRange range{};
  std::int64_t start = 0;  // the level of the node where the search begins
};

// A node of a query's beam, to be opened.
struct Visit {
  std::int32_t node;
  std::int32_t query;  // counted from the first of the block
  float score;
  float bound;  // what the best child's score cannot exceed
  std::uint32_t order;
};

struct SearchScratch {
  std::array<Hits, 2> hits;
  std::vector<f32x16> sums;
  std::vector<std::int32_t> ranks;  // of the block's features in the layer at hand
  std::vector<SearchState> states;
  std::vector<Candidate> candidates;  // as many a state as a level needs
  std::vector<Visit> visits, grouped;
  std::vector<std::int64_t> offsets;
  OwnFilter own;  // of a single query
};

// Scratch memory kept between calls, so that a single query allocates nothing. Lock-free: a fork cannot break it.
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
      if (SearchScratch* scratch = slot.exchange(nullptr))
        return std::unique_ptr<SearchScratch>(scratch);
    return std::make_unique<SearchScratch>();
  }
  void give(std::unique_ptr<SearchScratch> scratch) {
    for (auto& slot : slots_) {
      SearchScratch* empty = nullptr;
      if (slot.compare_exchange_strong(empty, scratch.get())) {
        scratch.release();
        return;
      }
    }
  }

 private:
  std::array<std::atomic<SearchScratch*>, 8> slots_{};
};

}  // namespace arborank
