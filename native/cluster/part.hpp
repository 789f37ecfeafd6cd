// The instances of a label in several leaves, parted among them: k-means that begins with the matcher's preferences.
//
// An instance goes to the leaf with the largest sum of the matcher's score and `coherence` times its cosine similarity
// to the mean of the instances that are there. So instances of one sense stay together even where the matcher wavers.
// What an instance is: its features, and its other labels.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/pool.hpp"
#include "sparse/csr.hpp"

namespace arborank::cluster {

struct PartProblem {
  sparse::CsrView features;           // instances x features
  sparse::CsrView companions;         // instances x labels
  sparse::CsrView instances;          // labels x instances: the positives of every label
  sparse::CsrView leaves;             // labels x leaves
  const std::int32_t* beams;  // instances x width: leaves, -1 where there are fewer
  const float* scores;        // instances x width
  std::int64_t width;
  float coherence;
  int max_iter;
  int starts;  // the matcher's preferences, and instances drawn as means; the best end counts
};

// What one thread needs; label by label.
class Parter {
 public:
  explicit Parter(const PartProblem& problem) : p_(problem) {}

  // Writes the leaf of every positive of a label.
  void part(std::int64_t label, std::int32_t* chosen, const Job& job) {
    job_ = &job;
    n_ = p_.instances.length(label);
    m_ = p_.leaves.length(label);
    if (m_ < 2 || n_ == 0) {
      std::fill(chosen, chosen + n_, m_ == 1 ? p_.leaves.indices[p_.leaves.begin(label)] : -1);
      return;
    }
    label_ = label;
    rows_ = p_.instances.indices + p_.instances.begin(label);
    own_ = p_.leaves.indices + p_.leaves.begin(label);
    weigh();
    float most = -1;
    for (int start = 0; start < p_.starts && !job.stopped(); start++) {
      if (start == 0)
        begin_preferred();
      else
        begin_drawn(start);
      for (int turn = 0; turn < p_.max_iter && !job.stopped() && improve(); turn++) {
      }
      const float gain = total();
      if (gain <= most)
        continue;
      most = gain;
      for (std::int64_t i = 0; i < n_; i++)
        chosen[i] = own_[leaf_[i]];
    }
  }

 private:
  void weigh() {
    worth_.assign(n_ * m_, 0.0f);
    leaf_.resize(n_);
    each([&](std::int64_t i) {
      const std::int64_t from = rows_[i] * p_.width;
      for (std::int64_t place = from; place < from + p_.width; place++) {
        const auto* at = std::lower_bound(own_, own_ + m_, p_.beams[place]);
        if (at != own_ + m_ && *at == p_.beams[place])
          worth_[i * m_ + (at - own_)] = p_.scores[place];
      }
    });
    sums_.resize(m_ * (p_.features.n_cols + p_.companions.n_cols), 0.0f);  // zeros between labels and rounds
  }

  void begin_preferred() {
    for (std::int64_t i = 0; i < n_; i++)
      leaf_[i] = best(worth_.data() + i * m_);
  }

  // Instances go to the most similar of a few that are drawn; each of these groups to the leaf that suits it.
  void begin_drawn(int start) {
    std::uint64_t state = static_cast<std::uint64_t>(label_) * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(start);
    drawn_.clear();
    for (std::int64_t j = 0; j < m_; j++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      drawn_.push_back(static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(n_)));
      for_each(drawn_[j], [&](std::int64_t at, float value) { sums_[at + j] += value; });
    }
    values_.assign(n_ * m_, 0.0f);
    each([&](std::int64_t i) {
      compare(i);
      leaf_[i] = best(values_.data() + i * m_);
    });
    for (std::int64_t j = 0; j < m_; j++)
      clear(drawn_[j]);
    std::vector<float> totals(m_ * m_, 0.0f);  // what a leaf is worth to a group
    for (std::int64_t i = 0; i < n_; i++)
      for (std::int64_t j = 0; j < m_; j++)
        totals[leaf_[i] * m_ + j] += worth_[i * m_ + j];
    std::vector<std::int64_t> leaf_of(m_, -1);
    for (std::int64_t turn = 0; turn < m_; turn++) {
      const std::int64_t at = std::max_element(totals.begin(), totals.end()) - totals.begin();
      const std::int64_t group = at / m_, leaf = at % m_;
      leaf_of[group] = leaf;
      for (std::int64_t j = 0; j < m_; j++)
        totals[group * m_ + j] = totals[j * m_ + leaf] = -1.0f;
    }
    for (std::int64_t i = 0; i < n_; i++)
      leaf_[i] = leaf_of[leaf_[i]];
  }

  // What k-means makes as large as it can, after its last round.
  float total() const {
    float sum = 0;
    for (std::int64_t i = 0; i < n_; i++)
      sum += worth_[i * m_ + leaf_[i]];
    for (std::int64_t j = 0; j < m_; j++)
      sum += p_.coherence * std::sqrt(std::max(squares_[j], 0.0f));
    return sum;
  }

  void compare(std::int64_t i) {
    float* own = values_.data() + i * m_;
    for_each(i, [&](std::int64_t at, float value) {
      for (std::int64_t j = 0; j < m_; j++)
        own[j] += value * sums_[at + j];
    });
  }
  void clear(std::int64_t i) {
    for_each(i, [&](std::int64_t at, float) { std::fill_n(sums_.data() + at, m_, 0.0f); });
  }

  std::int64_t best(const float* values) const { return std::max_element(values, values + m_) - values; }

  // body(i) for every instance of the label, or for fewer when the job is stopped: then nothing is asked for any more.
  template <class Body>
  void each(Body&& body) const {
    for (std::int64_t i = 0; i < n_ && !(i % 256 == 0 && job_->stopped()); i++)
      body(i);
  }

  template <class Visit>
  void for_each(std::int64_t i, Visit&& visit) const {
    const sparse::CsrView &X = p_.features, &Z = p_.companions;
    for (std::int64_t at = X.begin(rows_[i]); at < X.end(rows_[i]); at++)
      visit(sums_at(X.indices[at]), X.data[at]);
    for (std::int64_t at = Z.begin(rows_[i]); at < Z.end(rows_[i]); at++)
      if (Z.indices[at] != label_)
        visit(sums_at(X.n_cols + Z.indices[at]), Z.data[at]);
  }
  std::int64_t sums_at(std::int64_t column) const { return column * m_; }

  // One round of k-means; whether an instance moved.
  bool improve() {
    each([&](std::int64_t i) { for_each(i, [&](std::int64_t at, float value) { sums_[at + leaf_[i]] += value; }); });
    values_.assign(n_ * m_, 0.0f);
    squares_.assign(m_, 0.0f);  // of the sums' lengths
    each([&](std::int64_t i) {
      compare(i);
      squares_[leaf_[i]] += values_[i * m_ + leaf_[i]];
    });
    each([&](std::int64_t i) { clear(i); });
    bool moved = false;
    for (std::int64_t i = 0; i < n_; i++) {
      float* own = values_.data() + i * m_;
      for (std::int64_t j = 0; j < m_; j++)
        own[j] = worth_[i * m_ + j] + (squares_[j] > 0 ? p_.coherence * own[j] / std::sqrt(squares_[j]) : 0.0f);
      const std::int64_t to = best(own);
      moved = moved || to != leaf_[i];
      leaf_[i] = to;
    }
    return moved;
  }

  const PartProblem& p_;
  const Job* job_ = nullptr;
  std::int64_t n_ = 0, m_ = 0, label_ = 0;  // instances and leaves of the label
  const std::int32_t *rows_ = nullptr, *own_ = nullptr;
  std::vector<std::int64_t> leaf_, drawn_;
  std::vector<float> worth_, values_, squares_, sums_;
};

// The leaf of every entry of `instances`; -1 for a label in none.
inline std::vector<std::int32_t> part(const PartProblem& problem, int n_threads, const Tick& tick) {
  std::vector<std::int32_t> chosen(problem.instances.nnz());
  n_threads = busy_threads(n_threads, problem.instances.n_rows);
  std::vector<Parter> parters(n_threads, Parter(problem));
  parallel_for(n_threads, problem.instances.n_rows, tick, [&](std::int64_t label, int thread, Job& job) {
    parters[thread].part(label, chosen.data() + problem.instances.begin(label), job);
  });
  return chosen;
}

}  // namespace arborank::cluster
