// Balanced 2-means: rows into two halves of equal size.
//
// A split looks for the halves L and R of a node's rows that maximise |s_L| + |s_R| (spherical; s is the sum of a
// half) or |s_L|^2/n_L + |s_R|^2/n_R (Euclidean): score every row by its product with c_R - c_L, give the upper half
// of the scores to R, repeat. What makes it fast, without changing the answer:
//  - One vector per split instead of two centroids: c = s_R - S/2, with S = s_L + s_R known. <s_R, x> and <s_L, x>
//    follow from <c, x> and <S, x>, the second computed once, and so do the norms of s_L and s_R.
//  - c is updated by the rows that changed sides only.
//  - A row whose score cannot have reached the border between the halves since it was taken is not scored again.
//  - A large node is split on a sample of its rows first; the whole then needs few rounds.
// And a split of many rows ends when hardly any of them changes sides.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "cluster/rows.hpp"
#include "cluster/team.hpp"

namespace arborank::cluster {

struct KMeansOptions {
  int depth = 1;                 // halvings: 2^depth leaves
  int max_iter = 20;             // rounds of a split
  double tolerance = 0;          // it ends when no more than this share of its rows changes sides
  bool spherical = true;         // centroids of unit length
  std::uint64_t seed = 0;
  int n_threads = 0;

  void check() const {
    if (depth < 1 || depth > 40)
      throw std::invalid_argument("depth is " + std::to_string(depth) + "; 1 to 40 are supported");
    if (max_iter < 1 || !(tolerance >= 0))
      throw std::invalid_argument("max_iter must be at least 1, tolerance at least 0");
  }
};

// Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators".
inline std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

template <class Rows>
class TwoMeans {
 public:
  TwoMeans(Rows& rows, const KMeansOptions& options)
      : rows_(rows),
        options_(options),
        total_(rows.size()),
        sample_total_(rows.size()),
        norm_(rows.size()),
        dot_(rows.size()),
        drift_(rows.size()),
        right_(rows.size()) {}

  // For some rows of `all`, at any time between the splits of nodes.
  TwoMeans(Rows& rows, const TwoMeans& all, const std::int32_t* ids) : TwoMeans(rows, all.options_) {
    for (std::int64_t i = 0; i < rows.size(); i++) {
      total_[i] = all.total_[ids[i]];
      norm_[i] = all.norm_[ids[i]];
    }
  }

  // To be called first, with all rows.
  void start(const std::int32_t* ids, std::int64_t n, Scratch& scratch, Team& team) {
    sum_up(ids, n, rows_.root(), scratch.sum, team);
    team.blocks(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; row++) {
        total_[row] = rows_.dot(row, scratch.sum.data());
        norm_[row] = rows_.norm(row);
      }
    });
  }

  // Gives every row a side. The node has a number, for its random choices; below the last ones nothing is split.
  void divide(std::uint64_t number, bool last, const std::int32_t* ids, std::int64_t n, Space space, Scratch& scratch,
              Team& team) {
    std::uint64_t state = options_.seed ^ (number * 0xd1342543de82ef95u);
    const std::int64_t m = n >= kSampled ? n / 8 : n;
    auto& sample = scratch.sample;
    sample.assign(ids, ids + n);
    for (std::int64_t i = 0; i < (m < n ? m : 2); i++)  // Fisher and Yates' shuffle of the first places
      std::swap(sample[i], sample[i + splitmix64(state) % (n - i)]);
    sample.resize(m);
    const std::int32_t a = sample[0], b = sample[1];
    scratch.c.assign(space.width, 0.0f);
    rows_.add(&b, 1, 1.0f, scratch.c.data(), space, team);
    rows_.add(&a, 1, -1.0f, scratch.c.data(), space, team);
    if (m < n) {
      std::sort(sample.begin(), sample.end());
      project(sample.data(), m, scratch, team);
      count_own(sample.data(), m, a, b, scratch);
      choose(sample.data(), m, scratch);
      sum_up(sample.data(), m, space, scratch.sum, team);
      team.blocks(m, kBlock, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; i++)
          sample_total_[sample[i]] = rows_.dot(sample[i], scratch.sum.data()) + rows_.own(sample[i]);
      });
      const Halves halves = iterate(sample.data(), m, space, sample_total_.data(), scratch, team);
      for (std::int64_t j = 0; j < space.width; j++)
        scratch.c[j] = static_cast<float>(halves.to_right * scratch.c[j] + halves.to_total * scratch.sum[j]);
    }
    project(ids, n, scratch, team);
    if (m == n)
      count_own(ids, n, a, b, scratch);
    choose(ids, n, scratch);
    const Halves halves = iterate(ids, n, space, total_.data(), scratch, team);
    if (last)
      return;
    refresh(ids, n, halves.drift, scratch, team);
    inherit(ids, n);
  }

  bool right(std::int32_t row) const { return right_[row]; }

 private:
  // A split under way: the right half's sum is scratch.c.
  struct Halves {
    double left_square, right_square;   // |s_L|^2 and |s_R|^2
    double to_right, to_total;          // the score of a row is to_right <s_R, x> + to_total <S, x>
    double drift;                       // how far s_R can have moved since the first round
  };

  // score = <c, x>
  void project(const std::int32_t* ids, std::int64_t n, Scratch& scratch, Team& team) const {
    scratch.score.resize(n);
    team.blocks(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; i++)
        scratch.score[i] = rows_.dot(ids[i], scratch.c.data());
    });
  }

  // To scores by x_b - x_a, what a and b alone have.
  void count_own(const std::int32_t* ids, std::int64_t n, std::int32_t a, std::int32_t b, Scratch& scratch) const {
    scratch.score[std::lower_bound(ids, ids + n, a) - ids] -= rows_.own(a);
    scratch.score[std::lower_bound(ids, ids + n, b) - ids] += rows_.own(b);
  }

  // Huge values overflow; a NaN would lead the selection astray.
  static float orderable(float score) { return score == score ? score : 0.0f; }

  // The upper half of the scores goes right, equal scores in the original order. Lists who changed sides.
  void choose(const std::int32_t* ids, std::int64_t n, Scratch& scratch) {
    auto& ranked = scratch.ranked;
    ranked.resize(n);
    for (std::int64_t i = 0; i < n; i++) {
      scratch.score[i] = orderable(scratch.score[i]);
      ranked[i] = {scratch.score[i], ids[i]};
    }
    std::nth_element(ranked.begin(), ranked.begin() + n / 2, ranked.end());
    const auto first_right = ranked[n / 2];
    scratch.to_left.clear();
    scratch.to_right.clear();
    for (std::int64_t i = 0; i < n; i++) {
      const bool right = !(std::pair(scratch.score[i], ids[i]) < first_right);
      if (right != static_cast<bool>(right_[ids[i]]))
        (right ? scratch.to_right : scratch.to_left).push_back(ids[i]);
      right_[ids[i]] = right;
    }
  }

  // Rounds of 2-means on the given rows, from the sides that they are on.
  Halves iterate(const std::int32_t* ids, std::int64_t n, Space space, const float* total, Scratch& scratch,
                 Team& team) {
    gather_right(ids, n, space, scratch, team);
    evaluate(ids, n, scratch, team);
    Halves halves{};
    double all = 0, right_total = 0;
    for (std::int64_t i = 0; i < n; i++) {
      drift_[ids[i]] = 0;
      all += total[ids[i]];
      if (right_[ids[i]]) {
        right_total += total[ids[i]];
        halves.right_square += product(ids[i]);
      }
    }
    halves.left_square = all - 2 * right_total + halves.right_square;
    weigh(halves, n);
    for (int round = 1; round < options_.max_iter && !team.stopped(); round++) {
      scores(ids, n, total, halves, scratch, team);
      choose(ids, n, scratch);
      if (scratch.to_right.empty())
        break;
      const auto moved = static_cast<double>(scratch.to_right.size() + scratch.to_left.size());
      move(space, total, halves, scratch, team);
      weigh(halves, n);
      if (moved <= options_.tolerance * static_cast<double>(n))
        break;
    }
    return halves;
  }

  // c = the sum of the right half
  void gather_right(const std::int32_t* ids, std::int64_t n, Space space, Scratch& scratch, Team& team) {
    auto& members = scratch.to_right;
    members.clear();
    for (std::int64_t i = 0; i < n; i++)
      if (right_[ids[i]])
        members.push_back(ids[i]);
    sum_up(members.data(), members.size(), space, scratch.c, team);
  }

  void sum_up(const std::int32_t* ids, std::int64_t n, Space space, std::vector<float>& sum, Team& team) const {
    sum.assign(space.width, 0.0f);
    rows_.add(ids, n, 1.0f, sum.data(), space, team);
  }

  void evaluate(const std::int32_t* ids, std::int64_t n, const Scratch& scratch, Team& team) {
    team.blocks(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; i++)
        dot_[ids[i]] = rows_.dot(ids[i], scratch.c.data());
    });
  }

  // <s_R, x>, with the features that no other row has
  double product(std::int32_t row) const { return dot_[row] + (right_[row] ? rows_.own(row) : 0.0f); }

  double score(std::int32_t row, const float* total, const Halves& halves) const {
    return halves.to_right * product(row) + halves.to_total * total[row];
  }

  // The scores of all rows, exact wherever a row can be near the border of the halves: a product moves at most by
  // |x| times the distance that s_R moved since it was taken (Hamerly 2010).
  void scores(const std::int32_t* ids, std::int64_t n, const float* total, const Halves& halves, Scratch& scratch,
              Team& team) {
    auto& score_of = scratch.score;
    auto& bounds = scratch.bounds;
    score_of.resize(n);
    bounds.resize(n);
    const auto radius = [&](std::int32_t row) { return halves.to_right * norm_[row] * (halves.drift - drift_[row]); };
    for (std::int64_t i = 0; i < n; i++)
      score_of[i] = static_cast<float>(score(ids[i], total, halves));
    const auto middle = [&](double sign) {
      for (std::int64_t i = 0; i < n; i++)
        bounds[i] = orderable(static_cast<float>(score_of[i] + sign * radius(ids[i])));
      std::nth_element(bounds.begin(), bounds.begin() + n / 2, bounds.end());
      return bounds[n / 2];
    };
    const float low = middle(-1), high = middle(1);
    auto& stale = scratch.stale;
    stale.clear();
    for (std::int64_t i = 0; i < n; i++) {
      const double r = radius(ids[i]);
      if (r > 0 && score_of[i] + r >= low && score_of[i] - r <= high)
        stale.push_back(static_cast<std::int32_t>(i));
    }
    team.blocks(stale.size(), kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; j++) {
        const std::int32_t i = stale[j], row = ids[i];
        dot_[row] = rows_.dot(row, scratch.c.data());
        drift_[row] = halves.drift;
        score_of[i] = static_cast<float>(score(row, total, halves));
      }
    });
  }

  // Brings c, the squares and the drift up to date with the rows that changed sides.
  void move(Space space, const float* total, Halves& halves, Scratch& scratch, Team& team) {
    // With d the change of s_R: |s_R + d|^2 - |s_R|^2 = <d, s_R> + <d, s_R + d>, and d is a sum of moved rows.
    double change = 0, moved_total = 0, squared_step = 0, size = 0;
    const auto both = [&](auto&& body) {
      for (const std::int32_t row : scratch.to_right)
        body(row, 1.0);
      for (const std::int32_t row : scratch.to_left)
        body(row, -1.0);
    };
    refresh(scratch.to_right.data(), scratch.to_right.size(), halves.drift, scratch, team);
    refresh(scratch.to_left.data(), scratch.to_left.size(), halves.drift, scratch, team);
    both([&](std::int32_t row, double sign) {
      change += sign * (dot_[row] + (right_[row] ? 0.0f : rows_.own(row)));  // the side it was on
      moved_total += sign * total[row];
      squared_step -= sign * dot_[row];
      size += std::abs(dot_[row]);
    });
    rows_.add(scratch.to_right.data(), scratch.to_right.size(), 1.0f, scratch.c.data(), space, team);
    rows_.add(scratch.to_left.data(), scratch.to_left.size(), -1.0f, scratch.c.data(), space, team);
    evaluate(scratch.to_right.data(), scratch.to_right.size(), scratch, team);
    evaluate(scratch.to_left.data(), scratch.to_left.size(), scratch, team);
    both([&](std::int32_t row, double sign) {
      change += sign * product(row);
      squared_step += sign * dot_[row];
      size += std::abs(dot_[row]);
    });
    halves.right_square += change;
    halves.left_square += change - 2 * moved_total;
    halves.drift += std::sqrt(std::max(squared_step, 0.0) + 1e-6 * size);  // a little more, for rounding
    both([&](std::int32_t row, double) { drift_[row] = halves.drift; });
  }

  // Takes the products anew that are not of now.
  void refresh(const std::int32_t* ids, std::int64_t n, double drift, Scratch& scratch, Team& team) {
    auto& stale = scratch.stale;
    stale.clear();
    for (std::int64_t i = 0; i < n; i++)
      if (drift_[ids[i]] != drift)
        stale.push_back(ids[i]);
    evaluate(stale.data(), stale.size(), scratch, team);
  }

  // The weights of <s_R, x> and <S, x> in <c_R - c_L, x>.
  void weigh(Halves& halves, std::int64_t n) const {
    double left = static_cast<double>(n / 2), right = static_cast<double>(n - n / 2);
    if (options_.spherical) {
      left = std::sqrt(std::max(halves.left_square, 0.0));
      right = std::sqrt(std::max(halves.right_square, 0.0));
    }
    const double of_left = left > 0 ? 1 / left : 0, of_right = right > 0 ? 1 / right : 0;
    halves.to_right = of_right + of_left;
    halves.to_total = -of_left;
  }

  // The products of the rows with the sum of their own half, which the next level calls S.
  void inherit(const std::int32_t* ids, std::int64_t n) {
    for (std::int64_t i = 0; i < n; i++)
      total_[ids[i]] = static_cast<float>(right_[ids[i]] ? product(ids[i]) : total_[ids[i]] - product(ids[i]));
  }

  static constexpr std::int64_t kBlock = 64;       // rows handed to a thread at a time
  static constexpr std::int64_t kSampled = 2048;   // nodes from this size on are split on a sample first

  Rows& rows_;
  const KMeansOptions& options_;
  // Of every row, each belonging to one node at a time:
  std::vector<float> total_, sample_total_;   // <S, x>
  std::vector<float> norm_, dot_;             // |x|, and <s_R, x> as it was
  std::vector<double> drift_;                 // when the drift was this
  std::vector<std::uint8_t> right_;           // the side
};

}  // namespace arborank::cluster
