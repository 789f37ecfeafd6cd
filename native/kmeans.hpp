// Recursive balanced 2-means: a tree of halves, Parabel (Prabhu et al. 2018) and PECOS style, on sparse or dense rows.
//
// Small nodes renumber their features, so that vectors over them are short; see `SparseRows`. Every sum is taken in an
// order that depends on the data alone: any number of threads gives the same bytes.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kmeans_rows.hpp"
#include "kmeans_split.hpp"
#include "kmeans_team.hpp"

namespace arborank {

struct Clusters {
  std::vector<std::int32_t> order;    // the row in every slot
  std::vector<std::int64_t> bounds;   // 2^depth + 1: where each leaf begins
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
    {
      Team team(n_threads, overall);
      Scratch scratch;
      two_means_.start(clusters_.order.data(), rows_.size(), scratch, team);
      const std::size_t enough = n_threads == 1 ? 1 : 4 * n_threads;
      for (int level = 0; level < options_.depth && nodes.size() < enough; level++) {
        std::vector<Node> below;
        for (const Node& node : nodes) {
          const auto [left, right] = split(node, scratch, team);
          done += node.end - node.begin;
          below.push_back(left);
          below.push_back(right);
        }
        nodes = std::move(below);
      }
    }
    std::vector<Scratch> scratches(n_threads);
    parallel_for(n_threads, nodes.size(), overall, [&](std::int64_t task, int thread, Job& job) {
      Team team(job);
      descend(nodes[task], scratches[thread], team, job);
    });
    return std::move(clusters_);
  }

 private:
  struct Node {
    std::int64_t begin, end;      // its rows, as places in the order
    int level;
    std::int64_t place;           // its number on the level
    typename Rows::Space space;   // its parent's numbering of the features
  };

  void descend(const Node& node, Scratch& scratch, Team& team, Job& job) {
    if (node.level == options_.depth || job.stopped())
      return;
    const auto [left, right] = split(node, scratch, team);
    job.advance(node.end - node.begin);
    descend(left, scratch, team, job);
    descend(right, scratch, team, job);
  }

  // Reorders the node's rows so that its left half comes first; each half keeps the original order.
  std::pair<Node, Node> split(const Node& node, Scratch& scratch, Team& team) {
    const std::int64_t n = node.end - node.begin, middle = node.begin + n / 2;
    typename Rows::Space space = node.space;
    if (n >= 2) {
      std::int32_t* ids = &clusters_.order[node.begin];
      if (rows_.sparse_in(space, ids, n))
        space = rows_.renumber(space, ids, n, scratch, team);
      const std::uint64_t number = (std::uint64_t{1} << node.level) + node.place;
      two_means_.divide(number, node.level + 1 == options_.depth, ids, n, space, scratch, team);
      std::stable_partition(ids, ids + n, [&](std::int32_t row) { return !two_means_.right(row); });
    }
    clusters_.bounds[(node.place * 2 + 1) << (options_.depth - node.level - 1)] = middle;
    return {{node.begin, middle, node.level + 1, node.place * 2, space},
            {middle, node.end, node.level + 1, node.place * 2 + 1, space}};
  }

  const KMeansOptions options_;
  Rows& rows_;
  TwoMeans<Rows> two_means_;
  Clusters clusters_;
};

}  // namespace arborank
