// Beam search over a stack of layers, one query at a time or many grouped by chunk; both give the same bytes.
//
// With every bounded combination a child never beats its parent. So parents are opened best first, and the search of a
// level ends at the first parent that cannot beat the worst candidate still needed: exactly the full beam search's
// answer. Many queries do the same in rounds over the ranks of the beam: first, second to fourth, the rest.
#pragma once
#include <array>
#include <atomic>
#include <limits>
#include <memory>

#include "beam_chunk.hpp"
#include "beam_top.hpp"
#include "beam_tree.hpp"
#include "pool.hpp"

namespace arborank {

struct SearchOptions {
  std::int64_t k = 10;
  std::int64_t beam_size = 10;
  Combination combination;
  const CsrView* allowed = nullptr;   // one row a query, or a single one for all
  const CsrView* excluded = nullptr;  // the same
};

struct Answers {
  std::int64_t* ids;  // n_queries x k, -1 where there are fewer
  float* scores;      // n_queries x k, -infinity there
};

typedef std::vector<std::vector<std::int32_t>> LevelNodes;

// One query on its way down the tree.
struct SearchState {
  Beam beam, next;
  Top top;
  Mask mask;
  LevelNodes own_leading;
};

struct SearchScratch {
  struct Visit {
    std::int32_t node, query, rank;
  };
  ChunkScorer scorer;
  std::vector<SearchState> states;
  std::vector<Visit> visits, grouped;
  std::vector<std::int64_t> offsets;
};

// One call of a search: its options, resolved against the tree. Threads share it.
class Search {
 public:
  Search(const BeamTree& tree, const CsrView& X, const SearchOptions& options, Answers answers)
      : tree_(tree), X_(X), options_(options), answers_(answers) {
    push_ = with_combination(options.combination, [](auto combine) -> Push {
      return [](Top& top, const f32x16* margins, const Family& family, const Mask& mask) {
        push_family(top, margins, family, mask, decltype(combine){});
      };
    });
    if (options.allowed != nullptr && options.allowed->n_rows == 1)
      leading_ = tree.leading_to(options.allowed->indices, options.allowed->indices + options.allowed->nnz());
  }

  // Rows one after the other: for few queries, which share little.
  void one_by_one(std::int64_t begin, std::int64_t end, SearchScratch& scratch) const {
    scratch.states.resize(std::max<std::size_t>(scratch.states.size(), 1));
    SearchState& state = scratch.states[0];
    for (std::int64_t row = begin; row < end; row++) {
      const Query query = prepare(row, state, scratch);
      for (std::int64_t t = 0; t < tree_.depth(); t++) {
        enter(t, row, state);
        ChunkScorer::prefetch_index(tree_.layer(t), state.beam.nodes.empty() ? 0 : state.beam.nodes[0], query);
        for (std::int64_t rank = 0; rank < state.beam.size() && !hopeless(state, rank); rank++) {
          if (rank + 1 < state.beam.size())
            ChunkScorer::prefetch_index(tree_.layer(t), state.beam.nodes[rank + 1], query);
          open(t, query, rank, state, scratch);
        }
        leave(t, state);
      }
      answer(row, state);
    }
  }

  // Rows in step, chunk by chunk: what is read of a chunk serves all of them.
  void together(std::int64_t begin, std::int64_t end, SearchScratch& scratch, const Job& job) const {
    const std::int64_t n = end - begin;
    scratch.states.resize(std::max<std::size_t>(scratch.states.size(), n));
    for (std::int64_t i = 0; i < n; i++)
      prepare(begin + i, scratch.states[i], scratch);
    constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
    const std::array<std::int64_t, 4> rounds = options_.combination.bounded()
                                                   ? std::array<std::int64_t, 4>{0, 1, 4, kAll}
                                                   : std::array<std::int64_t, 4>{0, kAll, kAll, kAll};
    for (std::int64_t t = 0; t < tree_.depth(); t++) {
      for (std::int64_t i = 0; i < n; i++)
        enter(t, begin + i, scratch.states[i]);
      for (int round = 0; round < 3 && rounds[round] != kAll; round++) {
        collect(n, rounds[round], rounds[round + 1], scratch);
        group(tree_.layer(t).n_parents, scratch);
        for (const auto& visit : scratch.grouped) {
          if (job.stopped())
            return;
          SearchState& state = scratch.states[visit.query];
          if (!hopeless(state, visit.rank))
            open(t, query(begin + visit.query), visit.rank, state, scratch);
        }
      }
      for (std::int64_t i = 0; i < n; i++)
        leave(t, scratch.states[i]);
    }
    for (std::int64_t i = 0; i < n; i++)
      answer(begin + i, scratch.states[i]);
  }

 private:
  using Push = void (*)(Top&, const f32x16*, const Family&, const Mask&);

  Query query(std::int64_t row) const {
    return {X_.indices + X_.begin(row), X_.data + X_.begin(row), X_.length(row)};
  }

  Query prepare(std::int64_t row, SearchState& state, SearchScratch& scratch) const {
    state.beam.scores.assign(1, options_.combination.root());
    state.beam.nodes.assign(1, 0);
    if (options_.allowed != nullptr && options_.allowed->n_rows != 1)
      state.own_leading = tree_.leading_to(options_.allowed->indices + options_.allowed->begin(row),
                                           options_.allowed->indices + options_.allowed->end(row));
    scratch.scorer.reserve(X_.length(row), tree_.widest());
    return query(row);
  }

  void enter(std::int64_t t, std::int64_t row, SearchState& state) const {
    const LayerView& layer = tree_.layer(t);
    const bool last = t + 1 == tree_.depth();
    state.top.reset(std::clamp<std::int64_t>(last ? options_.k : options_.beam_size, 1,
                                             std::max<std::int64_t>(layer.n_children, 1)));
    state.top.labels = last && tree_.overlapping() ? tree_.labels() : nullptr;
    state.top.beam = &state.beam;
    state.top.branches = layer.branches;
    state.beam.orders.clear();
    std::uint32_t order = 0;
    for (const std::int32_t node : state.beam.nodes) {
      state.beam.orders.push_back(order);
      order += static_cast<std::uint32_t>(layer.branches[node + 1] - layer.branches[node]);
    }
    state.mask = {};
    if (options_.allowed != nullptr) {
      const auto& nodes = (options_.allowed->n_rows == 1 ? leading_ : state.own_leading)[t];
      state.mask.allowed = nodes.data();
      state.mask.allowed_end = nodes.data() + nodes.size();
      if (nodes.empty())  // data() may be null, which would mean no restriction
        state.beam.nodes.clear();
    }
    if (last && options_.excluded != nullptr) {
      const std::int64_t from = options_.excluded->n_rows == 1 ? 0 : row;
      state.mask.excluded = options_.excluded->indices + options_.excluded->begin(from);
      state.mask.excluded_end = options_.excluded->indices + options_.excluded->end(from);
      state.mask.labels = tree_.labels();
    }
  }

  // Even the parent itself, in its first child's place, would not be kept.
  bool hopeless(const SearchState& state, std::int64_t rank) const {
    return options_.combination.bounded() &&
           make_candidate(state.beam.scores[rank], state.beam.orders[rank]) <= state.top.threshold;
  }

  void open(std::int64_t t, const Query& query, std::int64_t rank, SearchState& state, SearchScratch& scratch) const {
    const LayerView& layer = tree_.layer(t);
    const std::int64_t node = state.beam.nodes[rank], first = layer.branches[node];
    const Family family{state.beam.scores[rank], state.beam.orders[rank], first, layer.branches[node + 1] - first};
    if (family.n > 0)
      push_(state.top, scratch.scorer.margins(layer, node, query), family, state.mask);
  }

  // The candidates become the beam, best first.
  void leave(std::int64_t t, SearchState& state) const {
    Top& top = state.top;
    top.shrink();
    std::sort(top.items.begin(), top.items.begin() + top.size, std::greater<>());
    state.next.scores.clear();
    state.next.nodes.clear();
    for (std::int64_t i = 0; i < top.size; i++) {
      const Candidate c = top.items[i];
      state.next.scores.push_back(candidate_score(c));
      state.next.nodes.push_back(
          static_cast<std::int32_t>(state.beam.child(candidate_order(c), tree_.layer(t).branches)));
    }
    std::swap(state.beam, state.next);
  }

  void answer(std::int64_t row, const SearchState& state) const {
    std::int64_t* ids = answers_.ids + row * options_.k;
    float* scores = answers_.scores + row * options_.k;
    const std::int64_t n = state.beam.size();
    for (std::int64_t i = 0; i < n; i++) {
      ids[i] = tree_.labels()[state.beam.nodes[i]];
      scores[i] = state.beam.scores[i];
    }
    std::fill(ids + n, ids + options_.k, -1);
    std::fill(scores + n, scores + options_.k, -std::numeric_limits<float>::infinity());
  }

  void collect(std::int64_t n, std::int64_t from, std::int64_t to, SearchScratch& scratch) const {
    scratch.visits.clear();
    for (std::int64_t i = 0; i < n; i++) {
      const SearchState& state = scratch.states[i];
      for (std::int64_t rank = from; rank < std::min(to, state.beam.size()) && !hopeless(state, rank); rank++)
        scratch.visits.push_back({state.beam.nodes[rank], static_cast<std::int32_t>(i),
                                  static_cast<std::int32_t>(rank)});
    }
  }

  // Sorts the visits by node, within a node by query.
  static void group(std::int64_t n_nodes, SearchScratch& scratch) {
    auto& offsets = scratch.offsets;
    scratch.grouped.resize(scratch.visits.size());
    if (n_nodes > 8 * static_cast<std::int64_t>(scratch.visits.size())) {
      scratch.grouped = scratch.visits;
      std::stable_sort(scratch.grouped.begin(), scratch.grouped.end(),
                       [](const auto& a, const auto& b) { return a.node < b.node; });
      return;
    }
    offsets.assign(n_nodes + 1, 0);
    for (const auto& visit : scratch.visits)
      offsets[visit.node + 1]++;
    for (std::int64_t i = 0; i < n_nodes; i++)
      offsets[i + 1] += offsets[i];
    for (const auto& visit : scratch.visits)
      scratch.grouped[offsets[visit.node]++] = visit;
  }

  const BeamTree& tree_;
  const CsrView& X_;
  const SearchOptions& options_;
  Answers answers_;
  Push push_;
  LevelNodes leading_;  // when all queries are allowed the same labels
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

// Rows that are searched on the calling thread, too few to be worth a thread or to hold up Ctrl-C.
constexpr std::int64_t kFewRows = 32;

inline void search(const BeamTree& tree, const CsrView& X, const SearchOptions& options, int n_threads,
                   const Tick& tick, ScratchPool& pool, Answers answers) {
  const Search search(tree, X, options, answers);
  if (X.n_rows <= kFewRows && resolve_threads(n_threads) == 1) {
    auto scratch = pool.take();
    search.one_by_one(0, X.n_rows, *scratch);
    pool.give(std::move(scratch));
    return;
  }
  constexpr std::int64_t kBlock = 2048;
  const std::int64_t share = (X.n_rows + resolve_threads(n_threads) - 1) / resolve_threads(n_threads);
  const std::int64_t block = std::clamp<std::int64_t>(share, 1, kBlock);
  parallel_for(n_threads, (X.n_rows + block - 1) / block, tick, [&](std::int64_t task, int, Job& job) {
    auto scratch = pool.take();
    const std::int64_t begin = task * block, end = std::min(begin + block, X.n_rows);
    search.together(begin, end, *scratch, job);
    pool.give(std::move(scratch));
    job.advance(end - begin);
  });
}

}  // namespace arborank
