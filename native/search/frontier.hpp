// What a beam search of one query comes to, as arms to choose from: the labels that it reaches, and every node that it
// turns away from. Scores are those of the search.
//
// An arm is a run of slots. Together the arms hold every slot that may be shown once.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "search/search.hpp"

namespace arborank::search {

// Which slots may be shown.
struct Eligible {
  const std::int64_t* before = nullptr;  // how many of the slots before each one may, n_slots + 1 numbers; null: all
  const std::int64_t *removed = nullptr, *removed_end = nullptr;  // ascending: and of these none may

  std::int64_t count(std::int64_t from, std::int64_t to) const {
    const std::int64_t n = before == nullptr ? to - from : before[to] - before[from];
    if (removed == removed_end)  // most often
      return n;
    return n - (std::lower_bound(removed, removed_end, to) - std::lower_bound(removed, removed_end, from));
  }
  // The slot at a place among those of a run that may be shown.
  std::int64_t slot(std::int64_t from, std::int64_t to, std::int64_t place) const {
    std::int64_t low = from, high = to - 1;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (count(from, middle + 1) > place)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

struct Arms {
  std::vector<std::int64_t> begin, end, count;  // count: slots that may be shown
  std::vector<double> scores;
  std::int64_t n_labels = 0;  // arms that are labels; they come first, the best k in order

  void reserve(std::size_t n) {
    begin.reserve(n);
    end.reserve(n);
    count.reserve(n);
    scores.reserve(n);
  }
  void add(std::int64_t from, std::int64_t to, std::int64_t n, double score) {
    begin.push_back(from);
    end.push_back(to);
    count.push_back(n);
    scores.push_back(score);
  }
};

namespace detail {

struct Opened {
  std::int64_t node;
  float score;
};

// The best k first, in order; of equal scores the child of the better-placed parent first, as they come.
inline void best_first(std::vector<Opened>& nodes, std::int64_t k) {
  std::vector<Candidate> order(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); i++)
    order[i] = make_candidate(nodes[i].score, static_cast<std::uint32_t>(i));
  const auto cut = order.begin() + std::min<std::int64_t>(k, static_cast<std::int64_t>(order.size()));
  if (cut != order.end())
    std::nth_element(order.begin(), cut, order.end(), std::greater<>());
  std::sort(order.begin(), cut, std::greater<>());
  std::vector<Opened> sorted;
  sorted.reserve(nodes.size());
  for (const Candidate one : order)
    sorted.push_back(nodes[candidate_order(one)]);
  std::swap(nodes, sorted);
}

}  // namespace detail

// The arms of the only row of X, with scores from 0 to 1. A node without a slot that may be shown is none of them, and
// takes no place in the beam.
inline Arms frontier(const BeamTree& tree, const sparse::CsrView& X, const SearchOptions& options, std::int64_t k,
                     const Eligible& eligible, SearchScratch& scratch) {
  using detail::Opened;
  Arms arms;
  const std::int64_t n = X.length(0), depth = tree.depth();
  const std::int32_t* features = X.indices + X.begin(0);
  const float* given = X.data + X.begin(0);
  Margins& margins = scratch.margins[0];
  margins.reserve(n);
  if (static_cast<std::int64_t>(scratch.ranks.size()) < n) {
    scratch.ranks.resize(n);
    scratch.values.resize(n);
  }
  std::int32_t* const ranks = scratch.ranks.data();
  float* const values = scratch.values.data();
  const float unit = unit_of(given, n);
  std::int64_t n_rest = 0;
  std::vector<Opened> beam{{0, options.combination.root()}};
  std::vector<std::vector<Opened>> opened(depth);  // best first
  for (std::int64_t t = 0; t < depth; t++) {
    const layer::LayerView& layer = tree.layer(t);
    const bool last = t + 1 == depth;
    const std::int32_t* first_slots = last ? nullptr : tree.first_slots(t).data();
    std::vector<Opened>& children = opened[t];
    std::int64_t n_children = 0;
    for (const Opened& parent : beam)
      n_children += layer.branches[parent.node + 1] - layer.branches[parent.node];
    children.reserve(n_children);
    if (t == 0 || layer.ranks != tree.layer(t - 1).ranks) {
      n_rest = rank_query(layer.ranks, features, given, n, ranks, values);
      for (std::int64_t i = 0; unit != 1.0f && i < n; i++)
        values[i] /= unit;
    }
    const Query query{ranks, values, n, n_rest, unit};
    with_combination(last ? options.at_labels : options.combination, [&](auto combine) {
      for (std::size_t i = 0; i < beam.size(); i++) {
        const Chunk chunk(layer, beam[i].node);
        if (i == 0)
          chunk.prefetch_index(query);
        if (i + 1 < beam.size())
          Chunk(layer, beam[i + 1].node).prefetch_index(query);
        margins.look_up(chunk, query, nullptr);
        margins.match(chunk, query, nullptr);
        const f32x16* found = margins.margins(chunk, query, nullptr, scratch.sums);
        const std::int64_t first = layer.branches[beam[i].node];
        for (std::int64_t at = 0; at < chunk.n_siblings; at += kLanes) {
          const f32x16 scores = combine(found[at / kLanes], beam[i].score);
          for (std::int64_t node = first + at; node < first + std::min(at + kLanes, chunk.n_siblings); node++) {
            const std::int64_t from = last ? node : first_slots[node], to = last ? node + 1 : first_slots[node + 1];
            if (eligible.count(from, to) > 0)
              children.push_back({node, scores[node - first - at]});
          }
        }
      }
    });
    detail::best_first(children, last ? k : options.beam_size);
    if (!last)
      beam.assign(
          children.begin(),
          children.begin() + std::min<std::int64_t>(options.beam_size, static_cast<std::int64_t>(children.size())));
  }
  const auto score = [&](float given) {
    return options.combination.logarithm ? std::exp(double{given}) : double{given};
  };
  std::size_t n_arms = 0;
  for (const auto& level : opened)
    n_arms += level.size();
  arms.reserve(n_arms);
  for (const Opened& label : opened[depth - 1])
    arms.add(label.node, label.node + 1, 1, score(label.score));
  arms.n_labels = static_cast<std::int64_t>(arms.scores.size());
  for (std::int64_t t = 0; t + 1 < depth; t++) {
    const std::int32_t* first_slots = tree.first_slots(t).data();
    for (std::size_t i = options.beam_size; i < opened[t].size(); i++) {
      const std::int64_t from = first_slots[opened[t][i].node], to = first_slots[opened[t][i].node + 1];
      arms.add(from, to, eligible.count(from, to), score(opened[t][i].score));
    }
  }
  return arms;
}

// Arms with the probability that one of their slots is shown; chances add up to a whole number.
struct Chances {
  const std::int64_t *begin, *end, *count;
  const double* chance;
  std::int64_t n;
};

struct Drawn {
  std::vector<std::int64_t> arms, slots;
  std::vector<std::int64_t> nodes;  // above every slot, from the level below the root on: depth - 1 of each
  std::vector<double> marginals;    // how many slots below each of these are shown, as expected
};

namespace detail {

// The arm of several slots that a slot lies in; -1 if there is none.
inline std::int64_t node_around(const Chances& arms, std::int64_t slot) {
  for (std::int64_t i = arms.n - 1; i >= 0; i--)  // nodes come last
    if (arms.begin[i] <= slot && slot < arms.end[i] && arms.end[i] - arms.begin[i] > 1)
      return i;
  return -1;
}

// How many of some slots are shown, as expected: those of arms among them, and their part of the node around them.
inline double marginal(const Chances& arms, std::int64_t around, std::int64_t from, std::int64_t to,
                       const Eligible& eligible) {
  double sum = 0;
  for (std::int64_t i = 0; i < arms.n; i++)
    sum += arms.begin[i] >= from && arms.end[i] <= to ? arms.chance[i] : 0.0;
  if (around >= 0 && arms.end[around] - arms.begin[around] > to - from) {
    const auto part = static_cast<double>(eligible.count(from, to)) / static_cast<double>(arms.count[around]);
    sum += arms.chance[around] * part;
  }
  return sum;
}

}  // namespace detail

// Systematic sampling: arms lie on a line, as long as they are probable, and those at uniform, uniform + 1 and so on
// are drawn. So each is drawn with exactly its probability, and none twice; and where the place is in an arm is
// uniform, too.
inline Drawn draw(const BeamTree& tree, const Chances& arms, double uniform, const Eligible& eligible) {
  Drawn drawn;
  double sum = 0, next = uniform;
  const auto take = [&](std::int64_t i, double fraction) {
    const auto wanted = static_cast<std::int64_t>(fraction * static_cast<double>(arms.count[i]));
    const std::int64_t place = std::clamp<std::int64_t>(wanted, 0, arms.count[i] - 1);
    const bool one = arms.end[i] - arms.begin[i] == 1;
    drawn.arms.push_back(i);
    drawn.slots.push_back(one ? arms.begin[i] : eligible.slot(arms.begin[i], arms.end[i], place));
  };
  std::int64_t left = -1;  // the last arm that is not drawn
  for (std::int64_t i = 0; i < arms.n; i++) {
    const double chance = arms.chance[i];
    if (chance <= 0)
      continue;
    sum += chance;
    if (next < sum) {
      take(i, (next - (sum - chance)) / chance);
      next += 1;
    } else {
      left = i;
    }
  }
  if (left >= 0 && static_cast<std::int64_t>(drawn.arms.size()) < std::llround(sum))  // lost by rounding
    take(left, 0.0);
  const std::int64_t levels = tree.depth() - 1, n_drawn = static_cast<std::int64_t>(drawn.slots.size());
  drawn.nodes.resize(n_drawn * levels);
  drawn.marginals.resize(n_drawn * levels);
  for (std::int64_t label = 0; label < n_drawn; label++) {
    const std::int64_t slot = drawn.slots[label];
    std::int64_t* const nodes = drawn.nodes.data() + label * levels;
    std::int64_t node = slot;
    for (std::int64_t t = levels; t > 0; t--)
      nodes[t - 1] = node = tree.parents(t)[node];
    const std::int64_t around = detail::node_around(arms, slot);
    for (std::int64_t t = 0; t < levels; t++) {
      double& sum = drawn.marginals[label * levels + t];
      std::int64_t same = 0;  // a label before that is below the same node
      while (same < label && drawn.nodes[same * levels + t] != nodes[t])
        same++;
      const std::int32_t* run = tree.first_slots(t).data() + nodes[t];
      sum =
          same < label ? drawn.marginals[same * levels + t] : detail::marginal(arms, around, run[0], run[1], eligible);
    }
  }
  return drawn;
}

}  // namespace arborank::search
