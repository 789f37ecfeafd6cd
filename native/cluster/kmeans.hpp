// Recursive balanced 2-means: a tree of halves, Parabel (Prabhu et al. 2018) and PECOS style, on sparse or dense rows.
//
// Small nodes renumber their features, so that vectors over them are short; see `SparseRows`. And every sixteenth part
// of the rows is copied together before it is split further: rows of a small node would otherwise lie far apart, each a
// few cache misses away. Every sum is taken in an
// order that depends on the data alone: any number of threads gives the same bytes.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "cluster/rows.hpp"
#include "cluster/split.hpp"
#include "cluster/team.hpp"

namespace arborank::cluster {

struct Clusters {
  std::vector<std::int32_t> order;  // the row in every slot
  std::vector<std::int64_t> bounds;  // 2^depth + 1: where each leaf begins
};

template <class Rows>
class BalancedKMeans {
 public:
  BalancedKMeans(Rows& rows, const KMeansOptions& options)
      : options_(options), rows_(rows), two_means_(rows, options_) {
    const std::int64_t n = rows.size();
    clusters_.order.resize(n);
    std::iota(clusters_.order.begin(), clusters_.order.end(), 0);
    clusters_.bounds.assign((std::int64_t{1} << options.depth) + 1, 0);
    clusters_.bounds.back() = n;
  }

  Clusters run(const Tick& tick) {
    const int n_threads = rows_.small() ? 1 : resolve_threads(options_.n_threads);
    std::int64_t done = 0;
    const Tick overall = [&](std::int64_t more) {
      if (tick)
        tick(done + more);
    };
    // The upper nodes one by one, all threads on each; then whole subtrees, one thread on each.
    std::vector<Node> nodes{{0, rows_.size(), 0, 0, rows_.root()}};
    const Field all{rows_, two_means_, clusters_.order.data(), 0};
    {
      Team team(n_threads, overall);
      Scratch scratch;
      two_means_.start(clusters_.order.data(), rows_.size(), scratch, team);
      const std::size_t enough = n_threads == 1 ? 1 : 2 * n_threads;
      for (int level = 0; level < options_.depth && nodes.size() < enough; level++) {
        std::vector<Node> below;
        for (const Node& node : nodes) {
          const auto [left, right] = split(node, all, scratch, team);
          done += node.end - node.begin;
          below.push_back(left);
          below.push_back(right);
        }
        nodes = std::move(below);
      }
    }
    std::vector<Scratch> scratches(busy_threads(n_threads, static_cast<std::int64_t>(nodes.size())));
    parallel_for(n_threads, nodes.size(), overall, [&](std::int64_t task, int thread, Job& job) {
      Team team(job);
      descend(nodes[task], all, scratches[thread], team, job);
    });
    return std::move(clusters_);
  }

 private:
  struct Node {
    std::int64_t begin, end;  // its rows, as places in the order
    int level;
    std::int64_t place;  // its number on the level
    Space space;  // its parent's numbering of the features
  };

  // Rows that lie together, and the part of the order that they fill.
  struct Field {
    Rows& rows;
    TwoMeans<Rows>& two_means;
    std::int32_t* order;
    std::int64_t begin;
  };

  void descend(const Node& node, const Field& field, Scratch& scratch, Team& team, Job& job) {
    if (node.level == options_.depth || job.stopped())
      return;
    if constexpr (Rows::kScattered)
      if (field.rows.size() >= kScatteredRows && (node.end - node.begin) * kShare <= field.rows.size())
        return descend_together(node, field, scratch, team, job);
    const auto [left, right] = split(node, field, scratch, team);
    job.advance(node.end - node.begin);
    descend(left, field, scratch, team, job);
    descend(right, field, scratch, team, job);
  }

  void descend_together(const Node& node, const Field& field, Scratch& scratch, Team& team, Job& job) {
    const std::int64_t n = node.end - node.begin;
    std::int32_t* ids = field.order + (node.begin - field.begin);
    Rows rows = field.rows.gathered(ids, n);
    TwoMeans<Rows> two_means(rows, field.two_means, ids);
    std::vector<std::int32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    descend(node, {rows, two_means, order.data(), node.begin}, scratch, team, job);
    for (std::int32_t& place : order)
      place = ids[place];
    std::copy(order.begin(), order.end(), ids);
  }

  // Reorders the node's rows so that its left half comes first; each half keeps the original order.
  std::pair<Node, Node> split(const Node& node, const Field& field, Scratch& scratch, Team& team) {
    const std::int64_t n = node.end - node.begin, middle = node.begin + n / 2;
    Space space = node.space;
    if (n >= 2) {
      std::int32_t* ids = field.order + (node.begin - field.begin);
      if (field.rows.sparse_in(space, ids, n))
        space = field.rows.renumber(space, ids, n, scratch, team);
      const std::uint64_t number = (std::uint64_t{1} << node.level) + node.place;
      field.two_means.divide(number, node.level + 1 == options_.depth, ids, n, space, scratch, team);
      std::stable_partition(ids, ids + n, [&](std::int32_t row) { return !field.two_means.right(row); });
    }
    clusters_.bounds[(node.place * 2 + 1) << (options_.depth - node.level - 1)] = middle;
    return {{node.begin, middle, node.level + 1, node.place * 2, space},
            {middle, node.end, node.level + 1, node.place * 2 + 1, space}};
  }

  static constexpr std::int64_t kShare = 16;
  static constexpr std::int64_t kScatteredRows = 1 << 14;  // fewer are near enough wherever they are

  const KMeansOptions options_;
  Rows& rows_;
  TwoMeans<Rows> two_means_;
  Clusters clusters_;
};

}  // namespace arborank::cluster
