// Further clusters for labels, so that a matcher's beams cover more of their positive instances.
//
// An instance's beam gives it a few clusters and how well each suits it. A label in cluster c is worth, for each of its
// positive instances, the score of c there; in several clusters, the best of their scores. What a further copy adds
// never grows as others are added (the worth is submodular), so copies are taken greedily: always the most valuable
// pair of a label and a cluster, among labels with room for a copy and clusters with room for a label.
#pragma once
#include <algorithm>
#include <cstdint>
#include <queue>
#include <vector>

#include "base/pool.hpp"
#include "sparse/csr.hpp"

namespace arborank::cluster {

struct CoverProblem {
  sparse::CsrView instances;  // labels x instances: the positives of every label
  const std::int32_t* beams;  // instances x width: clusters, -1 where there are fewer
  const float* scores;  // instances x width, at least 0
  std::int64_t width;
  const std::int32_t* homes;  // of every label: the cluster it is in already, or -1: the label takes no part
  std::int64_t n_clusters;
  std::int64_t max_clusters;  // most clusters of a label, its home included
  std::int64_t capacity;  // most labels of a cluster; those that are at home stay whatever it is
  double min_gain;  // least worth of a copy, for each positive instance of the label
};

struct Copies {
  std::vector<std::int32_t> labels, clusters;  // in the order they were taken
};

class Cover {
 public:
  explicit Cover(const CoverProblem& problem)
      : p_(problem),
        covered_(problem.instances.nnz(), 0.0f),
        gains_(problem.n_clusters, 0.0),
        sizes_(problem.n_clusters, 0),
        taken_(problem.instances.n_rows) {}

  Copies run(const Job& job) {
    for (std::int64_t label = 0; label < p_.instances.n_rows; label++)
      if (p_.homes[label] >= 0)
        sizes_[p_.homes[label]]++;
    std::priority_queue<Offer> offers;
    const auto offer = [&](std::int32_t label) {
      const Offer best = best_of(label);
      if (best.cluster >= 0)
        offers.push(best);
    };
    for (std::int64_t label = 0; label < p_.instances.n_rows && !job.stopped(); label++)
      if (p_.homes[label] >= 0 && p_.max_clusters > 1) {
        take(static_cast<std::int32_t>(label), p_.homes[label]);
        offer(static_cast<std::int32_t>(label));
      }
    Copies copies;
    while (!offers.empty() && !job.stopped()) {
      const Offer best = offers.top();
      offers.pop();
      if (sizes_[best.cluster] < p_.capacity) {
        sizes_[best.cluster]++;
        take(best.label, best.cluster);
        copies.labels.push_back(best.label);
        copies.clusters.push_back(best.cluster);
        if (static_cast<std::int64_t>(taken_[best.label].size()) == p_.max_clusters)
          continue;
      }
      offer(best.label);  // only now: while a label waits, nothing but a full cluster changes its offer
    }
    return copies;
  }

 private:
  struct Offer {
    double gain;
    std::int32_t label, cluster;
    // the largest gain first, then the smallest label
    bool operator<(const Offer& other) const { return gain != other.gain ? gain < other.gain : label > other.label; }
  };

  void take(std::int32_t label, std::int32_t cluster) {
    taken_[label].push_back(cluster);
    for (std::int64_t at = p_.instances.begin(label); at < p_.instances.end(label); at++) {
      const std::int64_t from = p_.instances.indices[at] * p_.width;
      for (std::int64_t i = from; i < from + p_.width; i++)
        if (p_.beams[i] == cluster)
          covered_[at] = std::max(covered_[at], p_.scores[i]);
    }
  }

  // The cluster that adds most to a label, the smallest of equals; -1 when none adds enough.
  Offer best_of(std::int32_t label) {
    touched_.clear();
    for (std::int64_t at = p_.instances.begin(label); at < p_.instances.end(label); at++) {
      const std::int64_t from = p_.instances.indices[at] * p_.width;
      for (std::int64_t i = from; i < from + p_.width; i++) {
        const float gain = p_.scores[i] - covered_[at];
        if (p_.beams[i] < 0 || !(gain > 0))
          continue;
        if (gains_[p_.beams[i]] == 0)
          touched_.push_back(p_.beams[i]);
        gains_[p_.beams[i]] += gain;
      }
    }
    const double least = p_.min_gain * static_cast<double>(p_.instances.length(label));
    Offer best{0, label, -1};
    for (const std::int32_t cluster : touched_) {
      const double gain = gains_[cluster];
      gains_[cluster] = 0;
      const bool open = sizes_[cluster] < p_.capacity && gain >= least &&
                        std::find(taken_[label].begin(), taken_[label].end(), cluster) == taken_[label].end();
      if (open && (gain > best.gain || (gain == best.gain && cluster < best.cluster)))
        best = {gain, label, cluster};
    }
    return best;
  }

  const CoverProblem& p_;
  std::vector<float> covered_;  // of every positive: the best score so far
  std::vector<double> gains_;  // scratch of best_of, all 0 between calls
  std::vector<std::int32_t> touched_;
  std::vector<std::int64_t> sizes_;
  std::vector<std::vector<std::int32_t>> taken_;
};

inline Copies cover(const CoverProblem& problem, const Tick& tick) {
  Copies copies;
  run_threads(1, tick, [&](int, Job& job) { copies = Cover(problem).run(job); });
  return copies;
}

}  // namespace arborank::cluster
