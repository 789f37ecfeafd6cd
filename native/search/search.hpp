// Beam search over a stack of layers, one query at a time or many grouped by chunk; both give the same bytes.
//
// With every bounded combination a child never beats its parent. So parents are opened best first, and the search of a
// level ends at the first parent that cannot beat the worst candidate still needed: exactly the full beam search's
// answer. Many queries do the same in two rounds over the ranks of the beam: the best two parents, then the rest.
#pragma once
#include <limits>
#include <optional>

#include "base/pool.hpp"
#include "search/limits.hpp"
#include "search/scratch.hpp"
#include "search/tree.hpp"

namespace arborank::search {

struct SearchOptions {
  std::int64_t beam_size = 10;
  Combination combination, at_labels;  // at the nodes above, and at the labels; both or neither in logarithms
  Merge merge = Merge::max;  // of a label's slots

  void check() const {
    if (beam_size < 1)
      throw std::invalid_argument("beam_size must be a positive integer, found " + std::to_string(beam_size));
    if (combination.logarithm != at_labels.logarithm || combination.bounded() != at_labels.bounded())
      throw std::invalid_argument("scores above the labels and at the labels must be of one kind");
  }
  // Whether final scores can be multiplied by the weights of a filter.
  void check_weighted() const {
    if (!combination.bounded())
      throw std::invalid_argument("label weights need scores that are probabilities; combine is 'noop'");
    if (merge == Merge::log_sum && !combination.logarithm)
      throw std::invalid_argument("label weights and merge='log-sum' go together only with a log- combination");
  }
};

struct Answers {
  std::int64_t k;
  std::int64_t* ids;  // n_queries x k, -1 where there are fewer
  float* scores;      // n_queries x k, -infinity there
};

// One call of a search: its options, resolved against the tree. Threads share it.
class Search {
 public:
  Search(const BeamTree& tree, const sparse::CsrView& X, const SearchOptions& options, const Limits& limits,
         Answers answers)
      : tree_(tree), X_(X), options_(options), limits_(limits), answers_(answers) {
    push_above_ = pusher(options.combination);
    push_labels_ = pusher(options.at_labels);
    write_labels_ = writer(options.at_labels);
    limited_ = limits.filter != nullptr || limits.only != nullptr || limits.without != nullptr ||
               limits.allowed != nullptr || limits.excluded != nullptr || limits.ranges != nullptr;
    if (limits.filter != nullptr)
      weights_ = limits.filter->weights(options.combination.logarithm);
    if (options.merge != Merge::max && tree.overlapping()) {
      merger_.emplace(tree, options.merge, options.at_labels);
      most_slots_ = tree.most_scored_at(tree.depth() - 1, options.beam_size);
    }
  }

  // Scores of slots that are held for each query at the last level.
  std::int64_t most_slots() const { return most_slots_; }

  // Candidates kept at a level.
  std::int64_t kept(std::int64_t t) const {
    const std::int64_t wanted = t + 1 == tree_.depth() ? answers_.k : options_.beam_size;
    return std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(tree_.layer(t).n_children, 1));
  }

  // Searches rows [begin, end) in step, chunk by chunk: what is read of a chunk serves all of them.
  void run(std::int64_t begin, std::int64_t end, SearchScratch& scratch, const Job& job) const {
    const std::int64_t n = end - begin;
    if (static_cast<std::int64_t>(scratch.states.size()) < n)
      scratch.states.resize(n);
    for (std::int64_t i = 0; i < n; i++)
      prepare(begin + i, scratch.states[i], scratch);
    if (limits_.only != nullptr || limits_.without != nullptr)
      scratch.own.set(tree_, limits_.only, limits_.without);
    // a single query opens its beam's nodes in order, and gains nothing from rounds
    const bool in_rounds = n > 1 && options_.combination.bounded();
    std::int64_t first = tree_.depth();
    for (std::int64_t i = 0; i < n; i++)
      first = std::min(first, scratch.states[i].start);
    for (std::int64_t t = first; t < tree_.depth(); t++) {
      const std::int64_t room = Top::room_for(kept(t));
      if (static_cast<std::int64_t>(scratch.candidates.size()) < n * room)
        scratch.candidates.resize(n * room);
      for (std::int64_t i = 0; i < n; i++)
        enter(t, begin + i, scratch.candidates.data() + i * room, scratch.own, scratch.states[i]);
      if (merges(t))
        scratch.slot_scores.assign(n * most_slots_, kUnreached);
      if (t == first || tree_.layer(t).ranks != tree_.layer(t - 1).ranks)  // layers made together share them
        rank_features(t, begin, end, scratch);
      if (in_rounds) {
        visit_ranks(0, 2, t, begin, n, scratch, job);
        visit_ranks(2, kAll, t, begin, n, scratch, job);
      } else {
        visit_ranks(0, kAll, t, begin, n, scratch, job);
      }
      if (job.stopped()) {
        scratch.own.clear();
        return;
      }
      for (std::int64_t i = 0; i < n; i++)
        leave(t, i, scratch);
    }
    for (std::int64_t i = 0; i < n; i++)
      answer(begin + i, scratch.states[i]);
    scratch.own.clear();
  }

 private:
  static constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  using Push = void (*)(Top&, const f32x16*, const Family&, const Mask&);
  using Write = void (*)(float*, const f32x16*, const Family&, const Mask&);

  static Push pusher(const Combination& combination) {
    return with_combination(combination, [](auto combine) -> Push {
      return [](Top& top, const f32x16* margins, const Family& family, const Mask& mask) {
        push_family(top, margins, family, mask, decltype(combine){});
      };
    });
  }

  static Write writer(const Combination& combination) {
    return with_combination(combination, [](auto combine) -> Write {
      return [](float* scores, const f32x16* margins, const Family& family, const Mask& mask) {
        write_family(scores, margins, family, mask, decltype(combine){});
      };
    });
  }

  // begin: first row of the block
  Query query(std::int64_t row, std::int64_t begin, const SearchScratch& scratch) const {
    const std::int64_t at = X_.begin(row) - X_.begin(begin);
    const SearchState& state = scratch.states[row - begin];
    return {scratch.ranks.data() + at, scratch.values.data() + at, X_.length(row), state.n_rest, state.unit};
  }

  void rank_features(std::int64_t t, std::int64_t begin, std::int64_t end, SearchScratch& scratch) const {
    const auto n = static_cast<std::size_t>(X_.begin(end) - X_.begin(begin));
    if (scratch.ranks.size() < n) {
      scratch.ranks.resize(n);
      scratch.values.resize(n);
    }
    for (std::int64_t row = begin; row < end; row++) {
      const std::int64_t from = X_.begin(row), at = from - X_.begin(begin);
      SearchState& state = scratch.states[row - begin];
      state.n_rest =
          static_cast<std::int32_t>(rank_query(tree_.layer(t).ranks, X_.indices + from, X_.data + from, X_.length(row),
                                               scratch.ranks.data() + at, scratch.values.data() + at));
      state.unit = unit_of(X_.data + from, X_.length(row));
      for (std::int64_t i = 0; state.unit != 1.0f && i < X_.length(row); i++)
        scratch.values[at + i] /= state.unit;
    }
  }

  void prepare(std::int64_t row, SearchState& state, SearchScratch& scratch) const {
    state.beam.scores.assign(1, options_.combination.root());
    state.beam.nodes.assign(1, 0);
    state.start = 0;
    if (limits_.allowed != nullptr)
      tree_.leading_to(limits_.allowed->indices + limits_.allowed->begin(row),
                       limits_.allowed->indices + limits_.allowed->end(row), state.leading);
    if (limits_.ranges != nullptr)
      begin_at_range(row, state);
    for (Margins& margins : scratch.margins)
      margins.reserve(X_.length(row));
  }

  // The search begins at the deepest node that holds the whole range: what lies above has one way only.
  void begin_at_range(std::int64_t row, SearchState& state) const {
    state.range = {static_cast<std::int32_t>(limits_.ranges[2 * row]),
                   static_cast<std::int32_t>(limits_.ranges[2 * row + 1])};
    const StartNode start = tree_.start(state.range);
    state.start = start.level;
    state.beam.nodes[0] = static_cast<std::int32_t>(start.node);
    if (is_narrow(state.range)) {
      std::vector<std::int32_t> labels(std::max(state.range.end - state.range.first, 0));
      std::iota(labels.begin(), labels.end(), state.range.first);
      tree_.leading_to(labels.data(), labels.data() + labels.size(), state.leading);
    }
  }

  // Spans tell of a node whether it may hold labels of the range; for a few labels it is cheap to know.
  static bool is_narrow(const LabelRange& range) { return range.end - range.first <= 512; }

  bool merges(std::int64_t t) const { return merger_ && t + 1 == tree_.depth(); }

  void enter(std::int64_t t, std::int64_t row, Candidate* items, const OwnFilter& own, SearchState& state) const {
    if (t < state.start)
      return;
    const layer::LayerView& layer = tree_.layer(t);
    const bool last = t + 1 == tree_.depth();
    state.top = {
        items,         0, 0, kept(t), last && tree_.overlapping() && !merges(t) ? tree_.labels() : nullptr, &state.beam,
        layer.branches};
    state.top.clear();
    state.beam.orders.clear();
    std::uint32_t order = 0;
    for (const std::int32_t node : state.beam.nodes) {
      state.beam.orders.push_back(order);
      order += static_cast<std::uint32_t>(layer.branches[node + 1] - layer.branches[node]);
    }
    state.beam.n_children = order;
    if (!limited_)
      return;
    state.mask = {};
    if (limits_.filter != nullptr)
      state.mask.nodes = limits_.filter->nodes(t);
    state.mask.slots = own.slots();
    if (!last && own.slots() != nullptr)
      state.mask.first_slots = tree_.first_slots(t).data();
    if (last && own.excluded() != nullptr) {
      state.mask.own_excluded = own.excluded();
      state.mask.labels = tree_.labels();
    }
    if (last)
      state.mask.weights = weights_;
    if (limits_.ranges != nullptr && !is_narrow(state.range)) {
      state.mask.spans = &tree_.spans()[t];
      state.mask.range = state.range;
    } else if (limits_.allowed != nullptr || limits_.ranges != nullptr) {
      const auto& nodes = state.leading[t];
      state.mask.allowed = nodes.data();
      state.mask.allowed_end = nodes.data() + nodes.size();
      if (nodes.empty())  // data() may be null, which would mean no restriction
        state.beam.nodes.clear();
    }
    if (last && limits_.excluded != nullptr) {
      state.mask.excluded = limits_.excluded->indices + limits_.excluded->begin(row);
      state.mask.excluded_end = limits_.excluded->indices + limits_.excluded->end(row);
      state.mask.labels = tree_.labels();
    }
  }

  // Even the best child there can be, in the first one's place, would not be kept.
  bool hopeless(const Visit& visit, const Top& top) const {
    return options_.combination.bounded() && make_candidate(visit.bound, visit.order) <= top.threshold;
  }

  void visit_ranks(std::int64_t from, std::int64_t to, std::int64_t t, std::int64_t begin, std::int64_t n,
                   SearchScratch& scratch, const Job& job) const {
    const bool weighted = weights_.slots != nullptr && t + 1 == tree_.depth();
    scratch.visits.clear();
    for (std::int64_t i = 0; i < n; i++) {
      const SearchState& state = scratch.states[i];
      if (t < state.start)
        continue;
      for (std::int64_t rank = from; rank < std::min(to, state.beam.size()); rank++) {
        const std::int32_t node = state.beam.nodes[rank];
        const float score = state.beam.scores[rank], bound = weighted ? weights_.apply(score, node) : score;
        const Visit visit{node, static_cast<std::int32_t>(i), score, bound, state.beam.orders[rank]};
        if (!hopeless(visit, state.top))
          scratch.visits.push_back(visit);
        else if (!weighted)
          break;  // the next ones score no better
      }
    }
    if (n == 1) {
      if (weighted)
        std::sort(scratch.visits.begin(), scratch.visits.end(), [](const Visit& a, const Visit& b) {
          return make_candidate(a.bound, a.order) > make_candidate(b.bound, b.order);
        });
      in_order(t, begin, scratch);
    } else {
      group(tree_.layer(t).n_parents, scratch);
      pipeline(t, begin, scratch, job);
    }
  }

  void open(const Visit& visit, const f32x16* margins, const layer::LayerView& layer, const Chunk& chunk,
            SearchScratch& scratch) const {
    SearchState& state = scratch.states[visit.query];
    const Family family{visit.score, visit.order, layer.branches[visit.node], chunk.n_siblings};
    static const Mask kNothing;
    const Mask& mask = limited_ ? state.mask : kNothing;
    const bool labels = &layer == &tree_.layer(tree_.depth() - 1);
    if (labels && merger_)
      write_labels_(scratch.slot_scores.data() + visit.query * most_slots_, margins, family, mask);
    else
      (labels ? push_labels_ : push_above_)(state.top, margins, family, mask);
  }

  // Opens the visits of one query, best parent first.
  void in_order(std::int64_t t, std::int64_t begin, SearchScratch& scratch) const {
    const std::vector<Visit>& visits = scratch.visits;
    const auto n = static_cast<std::int64_t>(visits.size());
    open_in_turn(
        tree_.layer(t), n, [&](std::int64_t i) { return visits[i].node; }, query(begin, begin, scratch),
        scratch.margins[0], scratch.sums,
        [&](std::int64_t i, const Chunk& chunk, const f32x16* margins) {
          open(visits[i], margins, tree_.layer(t), chunk, scratch);
          return i + 1 < n && !hopeless(visits[i + 1], scratch.states[0].top);
        });
  }

  // Opens the visits of many queries in turn. While one is added up the next is looked up and later ones are fetched.
  void pipeline(std::int64_t t, std::int64_t begin, SearchScratch& scratch, const Job& job) const {
    const layer::LayerView& layer = tree_.layer(t);
    const std::int64_t room = Top::room_for(kept(t));
    const std::vector<Visit>& visits = scratch.visits;
    const auto n = static_cast<std::int64_t>(visits.size());
    const auto query_of = [&](std::int64_t i) { return query(begin + visits[i].query, begin, scratch); };
    const auto is_first = [&](std::int64_t i) { return i == 0 || visits[i].node != visits[i - 1].node; };
    bool alive[2] = {false, false};  // of the last two visits looked up
    Chunk chunks[3];
    int chunk_of[3] = {0, 0, 0};  // of the visit that is added up, the next one and the one after
    const auto add_up = [&](std::int64_t i) {
      if (i < 0 || !alive[i & 1])
        return;
      const Chunk& chunk = chunks[chunk_of[0]];
      open(visits[i], scratch.margins[i & 1].margins(chunk, query_of(i), &scratch.layout, scratch.sums), layer, chunk,
           scratch);
    };
    for (std::int64_t i = -3; i < n && !job.stopped(); i++) {
      const std::int64_t next = i + 1, later = i + 2;
      chunk_of[0] = chunk_of[1];
      chunk_of[1] = chunk_of[2];
      if (i + 3 < n)
        prefetch_visit(visits[i + 3], begin, room, layer, scratch);
      if (later >= 0 && later < n && is_first(later)) {
        chunk_of[2] = (chunk_of[2] + 1) % 3;
        chunks[chunk_of[2]] = Chunk(layer, visits[later].node);
        chunks[chunk_of[2]].prefetch_index(query_of(later));
      }
      if (next < 0 || next >= n) {
        add_up(i);
        continue;
      }
      const Chunk& chunk = chunks[chunk_of[1]];
      const bool first = is_first(next);
      if (first) {  // the layout serves the visits of one node
        add_up(i);
        lay_out(chunk, visits, next, begin, scratch);
      }
      alive[next & 1] = !hopeless(visits[next], scratch.states[visits[next].query].top);
      if (alive[next & 1])
        scratch.margins[next & 1].look_up(chunk, query_of(next), &scratch.layout);
      if (!first)
        add_up(i);
      if (alive[next & 1])
        scratch.margins[next & 1].match(chunk, query_of(next), &scratch.layout);
    }
  }

  // Lays a chunk out as far as the visits of its node, of which this is the first, are worth it.
  void lay_out(const Chunk& chunk, const std::vector<Visit>& visits, std::int64_t first, std::int64_t begin,
               SearchScratch& scratch) const {
    std::int64_t n_lookups = 0, n_common = 0;
    for (auto visit = visits.begin() + first; visit != visits.end() && visit->node == visits[first].node; ++visit) {
      const std::int64_t n = X_.length(begin + visit->query);
      n_lookups += n;
      n_common += n - scratch.states[visit->query].n_rest;
    }
    scratch.layout.lay_out(chunk, n_lookups, n_common);
  }

  void prefetch_visit(const Visit& visit, std::int64_t begin, std::int64_t room, const layer::LayerView& layer,
                      SearchScratch& scratch) const {
    prefetch(layer.extents + visit.node + 1);
    prefetch(&scratch.states[visit.query]);
    const Candidate* const candidates = scratch.candidates.data() + visit.query * room;
    prefetch(candidates);
    prefetch(candidates + 8);
    const Query q = query(begin + visit.query, begin, scratch);
    for (std::int64_t i = 0; i < q.n; i += 16) {
      prefetch(q.ranks + i);
      prefetch(q.values + i);
    }
  }

  // The candidates become the beam, best first.
  void leave(std::int64_t t, std::int64_t i, SearchScratch& scratch) const {
    SearchState& state = scratch.states[i];
    if (t < state.start)
      return;
    Top& top = state.top;
    if (merges(t))
      (*merger_)(state.beam, scratch.slot_scores.data() + i * most_slots_, scratch.sums_of_labels, top);
    top.sort();
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
    std::int64_t* ids = answers_.ids + row * answers_.k;
    float* scores = answers_.scores + row * answers_.k;
    const std::int64_t n = state.beam.size();
    for (std::int64_t i = 0; i < n; i++) {
      ids[i] = tree_.labels()[state.beam.nodes[i]];
      scores[i] = state.beam.scores[i];
    }
    std::fill(ids + n, ids + answers_.k, -1);
    std::fill(scores + n, scores + answers_.k, -std::numeric_limits<float>::infinity());
  }

  // Sorts the visits by node, within a node by query.
  static void group(std::int64_t n_nodes, SearchScratch& scratch) {
    auto &visits = scratch.visits, &grouped = scratch.grouped;
    auto& offsets = scratch.offsets;
    if (n_nodes > 8 * static_cast<std::int64_t>(visits.size())) {
      std::stable_sort(visits.begin(), visits.end(), [](const Visit& a, const Visit& b) { return a.node < b.node; });
      return;
    }
    offsets.assign(n_nodes + 1, 0);
    for (const Visit& visit : visits)
      offsets[visit.node + 1]++;
    for (std::int64_t i = 0; i < n_nodes; i++)
      offsets[i + 1] += offsets[i];
    grouped.resize(visits.size());
    for (const Visit& visit : visits)
      grouped[offsets[visit.node]++] = visit;
    std::swap(visits, grouped);
  }

  const BeamTree& tree_;
  const sparse::CsrView& X_;
  const SearchOptions& options_;
  const Limits& limits_;
  Answers answers_;
  Push push_above_, push_labels_;
  Write write_labels_;
  LabelFilter::Weights weights_;
  bool limited_ = false;  // otherwise no query has a mask
  std::optional<Merger> merger_;   // where labels have several slots whose scores are merged
  std::int64_t most_slots_ = 0;    // and the most that one query can reach
};

// Few rows are searched one by one on the calling thread: too little work to start a thread or to hold up Ctrl-C.
constexpr std::int64_t kFewRows = 32;

// Whether a search of all rows takes less than some 100 µs, for which other threads may as well wait.
inline bool is_short(const BeamTree& tree, const sparse::CsrView& X, std::int64_t k, const SearchOptions& options,
                     std::int64_t n_masked) {
  constexpr std::int64_t kShort = 1 << 19;  // multiply-adds, of which 16 take one instruction, at the very most
  const std::int64_t n_rows = X.n_rows, scored = tree.most_scored(options.beam_size);
  // so that nothing overflows
  if (n_rows > kFewRows || X.nnz() + n_masked > kShort || k > kShort || scored > kShort)
    return false;
  return (X.nnz() + n_rows) * scored + n_rows * k + 16 * n_masked <= kShort;
}

inline void search(const BeamTree& tree, const sparse::CsrView& X, const SearchOptions& options, const Limits& limits,
                   Answers answers, ScratchPool& pool, int n_threads, const Tick& tick) {
  const Search search(tree, X, options, limits, answers);
  n_threads = resolve_threads(n_threads);
  if (X.n_rows == 1 || (X.n_rows <= kFewRows && n_threads == 1)) {
    auto scratch = pool.take();
    const Job job;
    for (std::int64_t row = 0; row < X.n_rows; row++)
      search.run(row, row + 1, *scratch, job);
    pool.give(std::move(scratch), 1);
    return;
  }
  // the more rows in a block the more share a chunk, within the memory for their candidates
  const std::int64_t inner = std::min(options.beam_size, tree.layer(tree.depth() - 1).n_children);
  const std::int64_t kept = std::max({inner, answers.k, search.kept(tree.depth() - 1)});
  const std::int64_t of_one = 512 + 48 * kept + 4 * search.most_slots();
  const std::int64_t most = std::clamp<std::int64_t>((std::int64_t{1} << 25) / of_one, 16, 16384);
  const std::int64_t block = std::clamp<std::int64_t>((X.n_rows + n_threads - 1) / n_threads, 1, most);
  parallel_for(n_threads, (X.n_rows + block - 1) / block, tick, [&](std::int64_t task, int, Job& job) {
    auto scratch = pool.take();
    const std::int64_t begin = task * block, end = std::min(begin + block, X.n_rows);
    search.run(begin, end, *scratch, job);
    pool.give(std::move(scratch), end - begin);
    job.advance(end - begin);
  });
}

}  // namespace arborank::search
