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
      : feature(block.features + block.starts[row]),
        value(block.values + block.starts[row]),
        length(block.lengths[row]) {}

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
    Int<L> converged = ~live_;  // on all examples: such a lane is not touched again
    Int<L> running = live_;
    upper_old_ = spread<L>(kInfinity);
    lower_old_ = spread<L>(-kInfinity);
    for (int iteration = 0; iteration < params_.max_iter && !job.stopped(); iteration++) {
      const bool whole = active_.whole();
      active_.shuffle();
      pass(running, job);
      const Int<L> tight = (upper_ - lower_ <= params_.eps) | (upper_ < lower_);
      upper_old_ = upper_ > 0.0f ? upper_ : spread<L>(kInfinity);
      lower_old_ = lower_ < 0.0f ? lower_ : spread<L>(-kInfinity);
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
      alpha_[row] = lanes_of<L>(targets_.positive[row]) ? alpha_[row] : -alpha_[row];
    weights_.coefficients = std::move(alpha_);
    weights_.constant = params_.bias * bias_;
    return std::move(weights_);
  }

 private:
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static constexpr std::int64_t kAhead = 8;
  static constexpr float kNegligible = 0.1f;  // projected gradients below this share of eps move nothing

  void pass(Int<L> running, Job& job) {
    upper_ = spread<L>(-kInfinity);
    lower_ = spread<L>(kInfinity);
    for (std::int64_t i = 0; i < active_.size();) {
      if (i % 64 == 0 && job.stopped())
        return;
      if (i + kAhead < active_.size()) {  // short examples end before the next one's numbers are here
        __builtin_prefetch(&block_.starts[active_[i + kAhead]]);
        __builtin_prefetch(&alpha_[active_[i + kAhead]]);
      }
      if (i + 1 < active_.size())
        Example<L>(block_, active_[i + 1]).prefetch();
      if (visit(active_[i], running))
        i++;
      else
        active_.drop(i);
    }
  }

  // False when no lane needs the example for now.
  bool visit(std::uint32_t row, Int<L> running) {
    const Example<L> example(block_, row);
    const Int<L> is_positive = lanes_of<L>(targets_.positive[row]);
    const Float<L> sign = is_positive ? spread<L>(1.0f) : spread<L>(-1.0f);
    const Float<L> cost = targets_.cost<L>(row, is_positive, params_);
    const bool squared = params_.solver == Solver::l2svc_dual;
    const Float<L> diagonal = squared ? 0.5f / cost : Float<L>{};
    const Float<L> bound = squared ? spread<L>(kInfinity) : cost;
    const Float<L> alpha = alpha_[row];

    const Float<L> own = block_.own[row] * sign * alpha;
    const Float<L> margin = example.dot(weights_.shared.data()) + own + params_.bias * params_.bias * bias_;
    const Float<L> gradient = sign * margin - 1.0f + alpha * diagonal;
    const Int<L> at_zero = alpha == 0.0f, at_bound = alpha == bound;
    Float<L> projected = at_zero ? smaller<L>(gradient, Float<L>{}) : gradient;
    projected = at_bound ? larger<L>(gradient, Float<L>{}) : projected;
    const Int<L> settled = (at_zero & (gradient > upper_old_)) | (at_bound & (gradient < lower_old_)) | ~running;
    upper_ = settled ? upper_ : larger<L>(upper_, projected);
    lower_ = settled ? lower_ : smaller<L>(lower_, projected);
    if (!any<L>(~settled))
      return false;

    const Float<L> curvature = block_.norms[row] + params_.bias * params_.bias + diagonal;
    Float<L> next = smaller<L>(larger<L>(alpha - gradient / curvature, Float<L>{}), bound);
    next = settled ? alpha : next;
    const Float<L> step = (next - alpha) * sign;
    if (any<L>(~settled & (magnitude<L>(projected) > kNegligible * params_.eps))) {
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
};

}  // namespace arborank::train
