// What a beam search of one query comes to, as arms to choose from: the labels that it reaches, and every node that it
// does not open. Scores are those of the search, which ends as early as that of `search.hpp` does.
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

// How probable it is that a place of an answer shows another arm than its own; see the policies in Python.
struct Policy {
  enum class Kind { inverse_gap, epsilon_greedy, boltzmann };
  Kind kind = Kind::inverse_gap;
  double parameter = 0;
  double newcomers = 0;  // how probable it is that the best new labels take these places instead
  bool widely = false;   // whether all leaves of the beam are opened, as newcomers need it
};

struct Arm {
  std::int64_t begin, end, count;  // count: slots that may be shown, each as probable as another
  double score;
  double chance = 0;  // that one of them is shown
  std::int32_t level = 0, parent = -1;  // the node above it, a place in Arms::opened[level]; -1: not known

  bool is_label() const { return end - begin == 1; }
  double promise() const { return score / static_cast<double>(count); }
};

struct Opened {
  std::int64_t node;
  float score;
  std::int32_t parent;  // a place in the level above
  double mass = 0;      // chances of the arms below it
};

struct Arms {
  std::vector<Arm> arms;                     // labels first, the best k of them in order
  std::vector<std::vector<Opened>> opened;   // level by level, the root first
  std::int64_t n_labels = 0;                 // arms that are labels
  std::int64_t n_given = 0;                  // of these, best labels that came from elsewhere
};

// Best labels of a model whose search is another one; they are not among the slots that may be shown.
struct Given {
  const std::int64_t* slots = nullptr;
  const double* scores = nullptr;
  std::int64_t n = 0;
};

namespace detail {

struct Child {
  std::int64_t node, count;
  float score;
  std::int32_t parent;
};

// Calls take(child, place among the best or -1) for all, the best ones first and in order.
template <class Take>
inline void best_first(const std::vector<Child>& children, Top& top, std::vector<char>& taken, Take&& take) {
  top.sort();
  taken.assign(children.size(), 0);
  for (std::int64_t i = 0; i < std::min(top.size, top.keep); i++) {
    const std::uint32_t order = candidate_order(top.items[i]);
    taken[order] = 1;
    take(children[order], i);
  }
  for (std::size_t i = 0; i < children.size(); i++)
    if (!taken[i])
      take(children[i], -1);
}

}  // namespace detail

// The arms of the only row of X, with scores from 0 to 1; widely: all leaves of the beam are opened. A node without a
// slot that may be shown is none of them, and takes no place in the beam.
inline Arms frontier(const BeamTree& tree, const sparse::CsrView& X, const SearchOptions& options, std::int64_t k,
                     const Eligible& eligible, const Given& given, bool widely, SearchScratch& scratch) {
  using detail::Child;
  Arms found;
  const std::int64_t n = X.length(0), depth = tree.depth();
  const std::int32_t* features = X.indices + X.begin(0);
  const float* row = X.data + X.begin(0);
  const auto score_of = [&](float score) {
    return options.combination.logarithm ? std::exp(double{score}) : double{score};
  };
  for (std::int64_t i = 0; i < given.n; i++)
    found.arms.push_back({given.slots[i], given.slots[i] + 1, 1, given.scores[i]});
  found.n_given = given.n;
  Margins& margins = scratch.margins[0];
  margins.reserve(n);
  if (static_cast<std::int64_t>(scratch.ranks.size()) < n) {
    scratch.ranks.resize(n);
    scratch.values.resize(n);
  }
  std::int32_t* const ranks = scratch.ranks.data();
  float* const values = scratch.values.data();
  const float unit = unit_of(row, n);
  std::int64_t n_rest = 0;
  std::vector<Opened> beam{{0, options.combination.root(), -1}};
  std::vector<Arm> nodes;
  std::vector<Child> children;
  std::vector<char> taken;
  for (std::int64_t t = 0; t < depth; t++) {
    const layer::LayerView& layer = tree.layer(t);
    const bool last = t + 1 == depth;
    const std::int32_t* first_slots = last ? nullptr : tree.first_slots(t).data();
    const std::int64_t keep =
        std::clamp<std::int64_t>(last ? k : options.beam_size, 1, std::max<std::int64_t>(layer.n_children, 1));
    if (static_cast<std::int64_t>(scratch.candidates.size()) < Top::room_for(keep))
      scratch.candidates.resize(Top::room_for(keep));
    Top top{scratch.candidates.data(), 0, 0, keep};
    children.clear();
    if (t == 0 || layer.ranks != tree.layer(t - 1).ranks) {
      n_rest = rank_query(layer.ranks, features, row, n, ranks, values);
      for (std::int64_t i = 0; unit != 1.0f && i < n; i++)
        values[i] /= unit;
    }
    const Query query{ranks, values, n, n_rest, unit};
    std::size_t n_opened = 0;
    with_combination(last ? options.at_labels : options.combination, [&](auto combine) {
      const auto open = [&](std::int64_t i, const Chunk& chunk, const f32x16* sums) {
        const Opened& parent = beam[i];
        const std::int64_t first = layer.branches[parent.node];
        for (std::int64_t at = 0; at < chunk.n_siblings; at += kLanes) {
          const f32x16 scores = combine(sums[at / kLanes], parent.score);
          top.make_room();
          for (std::int64_t node = first + at; node < first + std::min(at + kLanes, chunk.n_siblings); node++) {
            const std::int64_t from = last ? node : first_slots[node], to = last ? node + 1 : first_slots[node + 1];
            const std::int64_t count = eligible.count(from, to);
            if (count == 0)
              continue;
            const float score = scores[node - first - at];
            const Candidate candidate = make_candidate(score, static_cast<std::uint32_t>(children.size()));
            children.push_back({node, count, score, static_cast<std::int32_t>(i)});
            if (candidate > top.threshold)
              top.add(candidate);
          }
        }
        n_opened++;
        const auto order = static_cast<std::uint32_t>(children.size());
        return n_opened < beam.size() &&
               ((last && widely) || make_candidate(beam[n_opened].score, order) > top.threshold);
      };
      open_in_turn(
          layer, static_cast<std::int64_t>(beam.size()), [&](std::int64_t i) { return beam[i].node; }, query, margins,
          scratch.sums, open);
    });
    for (std::size_t i = n_opened; i < beam.size(); i++) {
      const std::int32_t* bounds = tree.first_slots(t - 1).data() + beam[i].node;
      nodes.push_back({bounds[0], bounds[1], eligible.count(bounds[0], bounds[1]), score_of(beam[i].score), 0,
                       static_cast<std::int32_t>(t - 1), beam[i].parent});
    }
    beam.resize(n_opened);
    found.opened.push_back(std::move(beam));
    beam.clear();
    const auto level = static_cast<std::int32_t>(t);
    detail::best_first(children, top, taken, [&](const Child& child, std::int64_t place) {
      if (last)
        found.arms.push_back({child.node, child.node + 1, 1, score_of(child.score), 0, level, child.parent});
      else if (place >= 0)
        beam.push_back({child.node, child.score, child.parent});
      else
        nodes.push_back({first_slots[child.node], first_slots[child.node + 1], child.count, score_of(child.score), 0,
                         level, child.parent});
    });
  }
  found.n_labels = static_cast<std::int64_t>(found.arms.size());
  found.arms.insert(found.arms.end(), nodes.begin(), nodes.end());
  return found;
}

namespace detail {

// Adds to each of n arms how probable it is that a place shows it instead of its own arm, which promises `best`;
// returns how probable the own arm is.
inline double share(const Policy& policy, double best, double worst, Arm* arms, std::int64_t n,
                    std::vector<double>& out) {
  const auto each = [&](auto&& of) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; i++)
      sum += out[i] = of(best - std::min(arms[i].promise(), worst));
    return sum;
  };
  double sum = 0;
  switch (policy.kind) {
    case Policy::Kind::inverse_gap:
      sum = each([&](double gap) { return 1.0 / (static_cast<double>(n + 1) + policy.parameter * gap); });
      break;
    case Policy::Kind::epsilon_greedy:
      sum = each([&](double) { return policy.parameter / static_cast<double>(n); });
      break;
    case Policy::Kind::boltzmann: {
      const double whole = 1.0 + each([&](double gap) { return std::exp(-gap / policy.parameter); });
      for (std::int64_t i = 0; i < n; i++)
        out[i] /= whole;
      sum = (whole - 1.0) / whole;
      break;
    }
  }
  for (std::int64_t i = 0; i < n; i++)
    arms[i].chance += out[i];
  return std::max(1.0 - sum, 0.0);
}

// With a probability, the places from `certain` on go to the best new labels instead, as far as there are any.
inline void let_in(Arms& found, std::int64_t certain, std::int64_t n_best, double probability, const bool* fresh) {
  std::vector<Arm>& arms = found.arms;
  const std::int64_t n_places = n_best - certain;
  std::vector<std::int64_t> newest;
  for (std::int64_t i = certain; i < found.n_labels; i++)
    if (fresh[arms[i].begin])
      newest.push_back(i);
  const auto n = std::min<std::int64_t>(n_places, static_cast<std::int64_t>(newest.size()));
  if (n == 0)
    return;
  const auto better = [&](std::int64_t a, std::int64_t b) {
    return arms[a].score != arms[b].score ? arms[a].score > arms[b].score : arms[a].begin < arms[b].begin;
  };
  std::partial_sort(newest.begin(), newest.begin() + n, newest.end(), better);
  newest.resize(n);
  for (std::size_t i = certain; i < arms.size(); i++)
    arms[i].chance *= 1 - probability;
  for (const std::int64_t i : newest)
    arms[i].chance += probability;
  std::int64_t left = n_places - n;  // of the places' own labels
  for (std::int64_t i = certain; i < n_best && left > 0; i++)
    if (std::find(newest.begin(), newest.end(), i) == newest.end()) {
      arms[i].chance += probability;
      left--;
    }
}

}  // namespace detail

// Gives every arm its chance where k labels are shown, and n_explore of them by a policy. fresh: whether the label of a
// slot is new; null: none is.
inline void give_chances(Arms& found, std::int64_t k, std::int64_t n_explore, const Policy& policy, const bool* fresh) {
  std::vector<Arm>& arms = found.arms;
  const std::int64_t n_best = std::min(k, found.n_labels);
  const std::int64_t n_others = static_cast<std::int64_t>(arms.size()) - n_best;
  const std::int64_t certain = n_others == 0 ? n_best : n_best - std::min(n_explore, n_best);
  for (std::int64_t i = 0; i < certain; i++)
    arms[i].chance = 1;
  if (certain < n_best) {
    Arm* const others = arms.data() + n_best;
    double worst = arms[certain].score;
    for (std::int64_t i = certain; i < n_best; i++)
      worst = std::min(worst, arms[i].score);
    std::vector<double> out(n_others);
    for (std::int64_t i = certain; i < n_best; i++)
      arms[i].chance = detail::share(policy, arms[i].score, worst, others, n_others, out);
    double excess = 0;  // an arm is shown once at most; what is more goes back to the places' own
    for (std::int64_t i = 0; i < n_others; i++)
      if (others[i].chance > 1) {
        excess += others[i].chance - 1;
        others[i].chance = 1;
      }
    for (std::int64_t i = certain; excess > 0 && i < n_best; i++) {
      const double room = std::min(excess, 1 - arms[i].chance);
      arms[i].chance += room;
      excess -= room;
    }
  }
  if (certain < n_best && fresh != nullptr && policy.newcomers > 0)
    detail::let_in(found, certain, n_best, policy.newcomers, fresh);
  for (const Arm& arm : arms)
    if (arm.parent >= 0)
      found.opened[arm.level][arm.parent].mass += arm.chance;
  for (std::size_t t = found.opened.size() - 1; t > 0; t--)
    for (const Opened& node : found.opened[t])
      found.opened[t - 1][node.parent].mass += node.mass;
}

struct Drawn {
  std::vector<std::int64_t> arms, slots;
  std::vector<std::int64_t> nodes;  // above every slot, from the level below the root on: depth - 1 of each
  std::vector<double> marginals;  // how many slots below each of these are shown, as expected
};

namespace detail {

// How many of the labels that came from elsewhere are shown below a node of layer t, as expected.
inline double given_below(const BeamTree& tree, const Arms& found, std::int64_t t, std::int64_t node) {
  double sum = 0;
  for (std::int64_t i = 0; i < found.n_given; i++) {
    const std::int32_t* bounds = tree.first_slots(t).data() + node;
    sum += found.arms[i].begin >= bounds[0] && found.arms[i].begin < bounds[1] ? found.arms[i].chance : 0.0;
  }
  return sum;
}

// How many slots below a node are shown, as expected; t is the node's layer, `slot` one below it.
inline double marginal(const BeamTree& tree, const Arms& found, std::int64_t t, std::int64_t node, std::int64_t slot,
                       const Eligible& eligible) {
  const std::int32_t* bounds = tree.first_slots(t).data() + node;
  const double sum = given_below(tree, found, t, node);
  for (const Opened& one : found.opened[t + 1])
    if (one.node == node)
      return sum + one.mass;
  for (std::size_t i = found.n_labels; i < found.arms.size(); i++) {
    const Arm& arm = found.arms[i];
    if (arm.begin <= slot && slot < arm.end)
      return sum +
             arm.chance * static_cast<double>(eligible.count(bounds[0], bounds[1])) / static_cast<double>(arm.count);
  }
  return sum;
}

}  // namespace detail

// Systematic sampling: arms lie on a line, as long as they are probable, and those at uniform, uniform + 1 and so on
// are drawn. So each is drawn with exactly its probability, and none twice; and where the place is in an arm is
// uniform, too.
inline Drawn draw(const BeamTree& tree, const Arms& found, double uniform, const Eligible& eligible) {
  Drawn drawn;
  double sum = 0, next = uniform;
  const auto take = [&](std::size_t i, double fraction) {
    const Arm& arm = found.arms[i];
    const auto wanted = static_cast<std::int64_t>(fraction * static_cast<double>(arm.count));
    drawn.arms.push_back(static_cast<std::int64_t>(i));
    drawn.slots.push_back(arm.is_label()
                              ? arm.begin
                              : eligible.slot(arm.begin, arm.end, std::clamp<std::int64_t>(wanted, 0, arm.count - 1)));
  };
  std::int64_t left = -1;  // the last arm that is not drawn
  for (std::size_t i = 0; i < found.arms.size(); i++) {
    const double chance = found.arms[i].chance;
    if (chance <= 0)
      continue;
    sum += chance;
    if (next < sum) {
      take(i, (next - (sum - chance)) / chance);
      next += 1;
    } else {
      left = static_cast<std::int64_t>(i);
    }
  }
  if (left >= 0 && static_cast<std::int64_t>(drawn.arms.size()) < std::llround(sum))  // lost by rounding
    take(left, 0.0);
  const std::int64_t levels = tree.depth() - 1, n_drawn = static_cast<std::int64_t>(drawn.slots.size());
  drawn.nodes.resize(n_drawn * levels);
  drawn.marginals.resize(n_drawn * levels);
  for (std::int64_t label = 0; label < n_drawn; label++) {
    std::int64_t* const nodes = drawn.nodes.data() + label * levels;
    double* const marginals = drawn.marginals.data() + label * levels;
    const Arm& arm = found.arms[drawn.arms[label]];
    if (arm.level == levels && arm.parent >= 0) {  // a label that the search reached: its way is known
      std::int32_t place = arm.parent;
      for (std::int64_t t = levels; t > 0; t--) {
        const Opened& opened = found.opened[t][place];
        nodes[t - 1] = opened.node;
        marginals[t - 1] = opened.mass + detail::given_below(tree, found, t - 1, opened.node);
        place = opened.parent;
      }
      continue;
    }
    std::int64_t node = drawn.slots[label];
    for (std::int64_t t = levels; t > 0; t--) {
      nodes[t - 1] = node = tree.parents(t)[node];
      marginals[t - 1] = detail::marginal(tree, found, t - 1, node, drawn.slots[label], eligible);
    }
  }
  return drawn;
}

}  // namespace arborank::search
