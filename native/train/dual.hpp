// Dual coordinate descent for linear SVMs (Hsieh et al. 2008, Algorithm 3), up to 16 labels at a time.
//
// The labels of a group share every pass over the examples: the weights are n_features x lanes, so that an example's
// margins and the update cost one vector multiply-add a feature. Every lane keeps its own dual variables, projected-
// gradient bounds and convergence; an example is visited as long as one lane wants it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "train/lanes.hpp"

namespace arborank::train {

// xorshift64*: the same sequence everywhere.
class Shuffler {
 public:
  explicit Shuffler(std::uint64_t seed) : state_((seed + 1) * 0x9e3779b97f4a7c15ull) {}
  void shuffle(std::uint32_t* items, std::int64_t n) {
    for (std::int64_t i = n - 1; i > 0; i--) {
      state_ ^= state_ >> 12;
      state_ ^= state_ << 25;
      state_ ^= state_ >> 27;
      const std::uint64_t random = (state_ * 0x2545f4914f6cdd1dull) >> 32;
      std::swap(items[i], items[(random * static_cast<std::uint64_t>(i + 1)) >> 32]);
    }
  }

 private:
  std::uint64_t state_;
};

// One example's features against the weights of all lanes.
template <int L>
struct Example {
  const std::uint32_t* feature;
  const float* value;
  std::int64_t length;

  Example(const TrainBlock& block, std::int64_t row)
      : feature(block.features + block.rows[row].start),
        value(block.values + block.rows[row].start),
        length(block.rows[row].length) {}

  Float<L> dot(const Float<L>* W) const {
    Float<L> sum0{}, sum1{}, sum2{}, sum3{};
    std::int64_t k = 0;
    for (; k + 4 <= length; k += 4) {
      sum0 += value[k] * W[feature[k]];
      sum1 += value[k + 1] * W[feature[k + 1]];
      sum2 += value[k + 2] * W[feature[k + 2]];
      sum3 += value[k + 3] * W[feature[k + 3]];
    }
    for (; k < length; k++)
      sum0 += value[k] * W[feature[k]];
    return (sum0 + sum1) + (sum2 + sum3);
  }
  void add(Float<L> step, Float<L>* W) const {
    for (std::int64_t k = 0; k < length; k++)
      W[feature[k]] += value[k] * step;
  }
  void prefetch() const {
    for (std::int64_t k = 0; k < std::min<std::int64_t>(length, 64); k += 16) {
      __builtin_prefetch(feature + k);
      __builtin_prefetch(value + k);
    }
  }
};

// The examples still visited, in the random order of this pass.
class ActiveSet {
 public:
  ActiveSet(std::int64_t n, std::uint64_t seed) : order_(n), active_(n), shuffler_(seed) {
    std::iota(order_.begin(), order_.end(), 0u);
  }
  void shuffle() { shuffler_.shuffle(order_.data(), active_); }
  std::int64_t size() const { return active_; }
  bool whole() const { return active_ == static_cast<std::int64_t>(order_.size()); }
  void restore() { active_ = static_cast<std::int64_t>(order_.size()); }
  std::uint32_t operator[](std::int64_t i) const { return order_[i]; }
  void drop(std::int64_t i) { std::swap(order_[i], order_[--active_]); }

 private:
  std::vector<std::uint32_t> order_;
  std::int64_t active_;
  Shuffler shuffler_;
};

template <int L>
class SvmDual {
 public:
  SvmDual(const TrainBlock& block, const LaneTargets& targets, int n_lanes, const SolverOptions& params,
          std::uint64_t seed)
      : block_(block), targets_(targets), params_(params), active_(block.n, seed), alpha_(block.n) {
    weights_.shared = Buffer<Float<L>>(block.n_shared());
    live_ = lanes_of<L>((1u << n_lanes) - 1);
  }

  LaneWeights<L> solve(Job& job) {
    if (squared() && targets_.weight.empty())
      start();
    Int<L> converged = ~live_;  // on all examples: such a lane is not touched again
    Int<L> running = live_;
    upper_old_ = spread<L>(kInfinity);
    lower_old_ = spread<L>(-kInfinity);
    for (int iteration = 0; iteration < params_.max_iter && !job.stopped(); iteration++) {
      const bool whole = active_.whole();
      active_.shuffle();
      pass(running, job);
      gained_ += gain_;
      Int<L> tight = (upper_ - lower_ <= params_.eps) | (upper_ < lower_);
      // without the strong convexity of squares, and where costs differ much, many small gains may follow
      if (squared() && targets_.weight.empty())
        tight |= gain_ <= kLittle * params_.eps * params_.eps * gained_;  // gains go with the squares of gradients
      upper_old_ = select(less(Float<L>{}, upper_), upper_, spread<L>(kInfinity));
      lower_old_ = select(less(lower_, Float<L>{}), lower_, spread<L>(-kInfinity));
      running &= ~tight;
      if (whole)
        converged = ~running;
      if (!any<L>(~converged))
        break;
      if (!any<L>(running)) {
        running = ~converged;
        active_.restore();
        upper_old_ = spread<L>(kInfinity);
        lower_old_ = spread<L>(-kInfinity);
      }
    }
    for (std::int64_t row = 0; row < block_.n; row++)
      alpha_[row] = select(lanes_of<L>(targets_.positive[row]), alpha_[row], -alpha_[row]);
    weights_.coefficients = std::move(alpha_);
    weights_.constant = params_.bias * bias_;
    return std::move(weights_);
  }

 private:
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static constexpr float kNegligible = 0.2f;  // projected gradients below this share of eps move nothing
  static constexpr float kLittle = 0.3f;  // of eps squared: the share of the objective that the last pass gains
  static constexpr std::int64_t kRowAhead = 12, kFeaturesAhead = 6, kWeightsAhead = 3;  // examples

  bool squared() const { return params_.solver == Solver::l2svc_dual; }

  // What is known of a lane's positives: how many, and inner products of their sum with that of all examples and with
  // itself.
  struct Positives {
    double n = 0, with_all = 0, norm = 0;
  };

  // The best start where all positives share one alpha and all negatives another: weights along the sums of both, and
  // a bias that fits. From zero, the first examples would take the part of all others, and give it back pass by pass.
  void start() {
    Float<L>* W = weights_.shared.data();
    const std::vector<float>& sum = block_.sum;
    Positives positives[L];
    for_each_positive([&](std::int64_t row, Int<L> is_positive) {
      Example<L>(block_, row).add(select(is_positive, spread<L>(1.0f), Float<L>{}), W);
    });
    for_each_positive([&](std::int64_t row, Int<L> is_positive) {
      const Example<L> example(block_, row);
      const Float<L> with_positives = example.dot(W) + block_.rows[row].own;
      float with_all = block_.rows[row].own;
      for (std::int64_t k = 0; k < example.length; k++)
        with_all += example.value[k] * sum[example.feature[k]];
      for (int l = 0; l < L; l++)
        if (is_positive[l]) {
          positives[l].n++;
          positives[l].with_all += with_all;
          positives[l].norm += with_positives[l];
        }
    });
    Float<L> alpha{}, rest{};  // of positives, and of negatives
    for (int l = 0; l < L; l++) {
      if (!live_[l])
        continue;
      const auto [of_positives, of_negatives] = best_start(positives[l]);
      const auto n = static_cast<float>(positives[l].n), n_negatives = static_cast<float>(block_.n) - n;
      alpha[l] = of_positives;
      rest[l] = of_negatives;
      bias_[l] = n * alpha[l] - n_negatives * rest[l];
      gained_[l] = n * alpha[l] + n_negatives * rest[l];
    }
    for (std::size_t j = 0; j < sum.size(); j++)
      W[j] = (alpha + rest) * W[j] - rest * sum[j];
    for (std::int64_t row = 0; row < block_.n; row++)
      alpha_[row] = select(lanes_of<L>(targets_.positive[row]), alpha, rest);
  }

  template <class Body>
  void for_each_positive(Body&& body) const {
    for (std::int64_t row = 0; row < block_.n; row++)
      if (targets_.positive[row])
        body(row, lanes_of<L>(targets_.positive[row]));
  }

  // The alphas of all positives and of all negatives; zero for positives that differ in cost.
  std::pair<float, float> best_start(const Positives& positives) const {
    const double b2 = static_cast<double>(params_.bias) * params_.bias;
    const double p = positives.n, n = static_cast<double>(block_.n) - p;
    const double pp = positives.norm + b2 * p * p + 0.5 / params_.Cp * p;
    const double pn = positives.with_all - positives.norm + b2 * p * n;
    const double nn = block_.sum_norm - 2 * positives.with_all + positives.norm + b2 * n * n + 0.5 / params_.Cn * n;
    const double determinant = pp * nn - pn * pn;
    if (targets_.relevance.empty() && determinant > 0) {
      const double of_positives = (nn * p + pn * n) / determinant, of_negatives = (pn * p + pp * n) / determinant;
      if (of_positives > 0 && of_negatives > 0)
        return {static_cast<float>(of_positives), static_cast<float>(of_negatives)};
    }
    return {0.0f, nn > 0 ? static_cast<float>(n / nn) : 0.0f};
  }

  void pass(Int<L> running, Job& job) {
    upper_ = spread<L>(-kInfinity);
    lower_ = spread<L>(kInfinity);
    gain_ = Float<L>{};
    for (std::int64_t i = 0; i < active_.size();) {
      if (i % 64 == 0 && job.stopped())
        return;
      fetch(i);
      if (visit(active_[i], running))
        i++;
      else
        active_.drop(i);
    }
  }

  // Short examples end before the next one's numbers are here: what is read of later ones is asked for in three steps,
  // each of which needs what the one before it has brought.
  void fetch(std::int64_t i) const {
    if (i + kRowAhead < active_.size())
      __builtin_prefetch(&block_.rows[active_[i + kRowAhead]]);
    if (i + kFeaturesAhead < active_.size()) {
      __builtin_prefetch(&alpha_[active_[i + kFeaturesAhead]]);
      Example<L>(block_, active_[i + kFeaturesAhead]).prefetch();
    }
    if (i + kWeightsAhead < active_.size()) {
      const Example<L> example(block_, active_[i + kWeightsAhead]);
      for (std::int64_t k = 0; k < std::min<std::int64_t>(example.length, 32); k++)
        __builtin_prefetch(&weights_.shared[example.feature[k]]);
    }
  }

  // False when no lane needs the example for now.
  bool visit(std::uint32_t row, Int<L> running) {
    const Example<L> example(block_, row);
    const TrainBlock::Row& numbers = block_.rows[row];
    const Int<L> is_positive = lanes_of<L>(targets_.positive[row]);
    const Float<L> sign = select(is_positive, spread<L>(1.0f), spread<L>(-1.0f));
    const Float<L> alpha = alpha_[row];
    const float bias2 = params_.bias * params_.bias, norm = numbers.norm + bias2;
    Float<L> diagonal{}, bound = spread<L>(kInfinity), scale;  // scale: 1 / (norm + diagonal)
    if (squared() && targets_.relevance.empty() && targets_.weight.empty()) {  // two costs, and no division of vectors
      const float of_positives = 0.5f / params_.Cp, of_negatives = 0.5f / params_.Cn;
      diagonal = select(is_positive, spread<L>(of_positives), spread<L>(of_negatives));
      scale = select(is_positive, spread<L>(1.0f / (norm + of_positives)), spread<L>(1.0f / (norm + of_negatives)));
    } else {
      const Float<L> cost = targets_.cost<L>(row, is_positive, params_);
      if (squared())
        diagonal = 0.5f / cost;
      else
        bound = cost;
      scale = 1.0f / (norm + diagonal);
    }

    const Float<L> own = numbers.own * sign * alpha;
    const Float<L> margin = example.dot(weights_.shared.data()) + own + bias2 * bias_;
    const Float<L> gradient = sign * margin - 1.0f + alpha * diagonal;
    const Int<L> at_zero = equal(alpha, Float<L>{}), at_bound = equal(alpha, bound);
    Float<L> projected = select(at_zero, vmin(gradient, Float<L>{}), gradient);
    projected = select(at_bound, vmax(gradient, Float<L>{}), projected);
    const Int<L> settled = (at_zero & less(upper_old_, gradient)) | (at_bound & less(gradient, lower_old_)) | ~running;
    upper_ = select(settled, upper_, vmax(upper_, projected));
    lower_ = select(settled, lower_, vmin(lower_, projected));
    if (!any<L>(~settled))
      return false;

    if (any<L>(~settled & less(spread<L>(kNegligible * params_.eps), magnitude<L>(projected)))) {
      Float<L> next = vmin(vmax(alpha - gradient * scale, Float<L>{}), bound);
      next = select(settled, alpha, next);
      const Float<L> change = next - alpha, step = change * sign;
      gain_ -= change * (2.0f * gradient + change * (norm + diagonal));
      alpha_[row] = next;
      example.add(step, weights_.shared.data());
      bias_ += step;
    }
    return true;
  }

  const TrainBlock& block_;
  const LaneTargets& targets_;
  const SolverOptions& params_;
  ActiveSet active_;
  Buffer<Float<L>> alpha_;
  LaneWeights<L> weights_;
  Float<L> bias_{};
  Int<L> live_{};
  Float<L> upper_{}, lower_{}, upper_old_{}, lower_old_{};
  Float<L> gain_{}, gained_{};  // twice the objective: of this pass, and of all
};

}  // namespace arborank::train
