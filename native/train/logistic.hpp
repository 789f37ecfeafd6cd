// Dual coordinate descent for logistic regression (Yu, Huang and Lin 2011, Algorithm 5), up to 16 labels at a time.
//
// Every example has a dual variable alpha in (0, C). One coordinate's subproblem has no closed form: a few Newton
// steps on its derivative a (z - alpha) + b + log(z / (C - z)) solve it, on whichever of alpha and C - alpha is the
// smaller at the solution. Both are stored, as the smaller one would be lost in the rounding of the other.
#pragma once
#include <algorithm>
#include <cstdint>

#include "train/dual.hpp"
#include "train/lanes.hpp"

namespace arborank::train {

// Natural logarithm of positive normal numbers, within 2 units in the last place.
template <int L>
inline Float<L> vlog(Float<L> x) {
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = f - f^2 / 2 + f^3 P(f), f = m - 1
  Int<L> bits = (Int<L>)x;
  Int<L> e = (bits - 0x3f3504f3) >> 23;
  const Float<L> m = (Float<L>)(bits - (e << 23));
  const Float<L> f = m - 1.0f, f2 = f * f;
  Float<L> P = spread<L>(7.0376836292e-2f);
  for (float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                  2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f})
    P = P * f + c;
  const Float<L> exponent = __builtin_convertvector(e, Float<L>);
  return f + (f * f2 * P - 0.5f * f2 - 2.12194440e-4f * exponent) + 0.693359375f * exponent;
}

template <int L>
class LogisticDual {
 public:
  LogisticDual(const TrainBlock& block, const LaneTargets& targets, int n_lanes, const SolverOptions& params,
               std::uint64_t seed)
      : block_(block),
        targets_(targets),
        params_(params),
        order_(block.n, seed),
        alpha_(block.n),
        rest_(block.n),
        running_(lanes_of<L>((1u << n_lanes) - 1)) {
    weights_.shared = Buffer<Float<L>>(block.n_shared());
  }

  LaneWeights<L> solve(Job& job) {
    start();
    for (int iteration = 0; iteration < params_.max_iter && any<L>(running_) && !job.stopped(); iteration++) {
      order_.shuffle();
      largest_ = Float<L>{};
      std::int64_t newton_steps = 0;
      for (std::int64_t i = 0; i < block_.n; i++) {
        if (i % 64 == 0 && job.stopped())
          break;
        if (i + 1 < block_.n)
          Example<L>(block_, order_[i + 1]).prefetch();
        newton_steps += visit(order_[i]);
      }
      running_ &= at_least(largest_, spread<L>(params_.eps));
      if (newton_steps <= block_.n / 10)
        inner_eps_ = std::max(kLeastInnerEps, 0.1f * inner_eps_);
    }
    for (std::int64_t row = 0; row < block_.n; row++)
      alpha_[row] = select(lanes_of<L>(targets_.positive[row]), alpha_[row], -alpha_[row]);
    weights_.coefficients = std::move(alpha_);
    weights_.constant = params_.bias * bias_;
    return std::move(weights_);
  }

 private:
  static constexpr float kLeastInnerEps = 1e-6f;  // what float32 resolves of the derivative
  static constexpr int kMaxNewtonSteps = 100;
  static constexpr float kTiny = 1e-37f;

  void start() {
    for (std::int64_t row = 0; row < block_.n; row++) {
      const Int<L> is_positive = lanes_of<L>(targets_.positive[row]);
      const Float<L> cost = targets_.cost<L>(row, is_positive, params_);
      alpha_[row] = vmin(1e-3f * cost, spread<L>(1e-8f));
      rest_[row] = cost - alpha_[row];
      const Float<L> step = select(is_positive, alpha_[row], -alpha_[row]);
      Example<L>(block_, row).add(step, weights_.shared.data());
      bias_ += step;
    }
  }

  // Returns the Newton steps of the lane that took most.
  int visit(std::uint32_t row) {
    const Example<L> example(block_, row);
    const Int<L> is_positive = lanes_of<L>(targets_.positive[row]);
    const Float<L> sign = select(is_positive, spread<L>(1.0f), spread<L>(-1.0f));
    const Float<L> cost = targets_.cost<L>(row, is_positive, params_);
    const float bias2 = params_.bias * params_.bias;
    const float a = block_.rows[row].norm + bias2;
    const Float<L> own = block_.rows[row].own * sign * alpha_[row];
    const Float<L> b = sign * (example.dot(weights_.shared.data()) + own + bias2 * bias_);

    const Int<L> flip = less(0.5f * a * (rest_[row] - alpha_[row]) + b, Float<L>{});
    const Float<L> old = select(flip, rest_[row], alpha_[row]);
    const Float<L> slope = select(flip, -b, b);
    Float<L> z = select(less(cost - old, 0.5f * cost), 0.1f * old, old);
    auto derivative = [&] { return a * (z - old) + slope + vlog<L>(z / (cost - z)); };
    Float<L> g = derivative();
    const Float<L> size = magnitude<L>(g);
    largest_ = select(running_, vmax(largest_, size), largest_);
    Int<L> moving = running_ & at_least(size, spread<L>(inner_eps_));
    const Int<L> moved = moving;
    if (!any<L>(moving))
      return 0;
    int steps = 0;
    for (; steps <= kMaxNewtonSteps && any<L>(moving); steps++) {
      const Float<L> curvature = a + cost / (cost - z) / z;
      Float<L> next = z - g / curvature;
      next = select(at_least(Float<L>{}, next), 0.1f * z, next);
      next = vmin(vmax(next, spread<L>(kTiny)), 0.999999f * cost);
      z = select(moving, next, z);
      g = derivative();
      moving &= at_least(magnitude<L>(g), spread<L>(inner_eps_));
    }
    z = select(moved, z, old);
    const Float<L> other = select(moved, cost - z, select(flip, alpha_[row], rest_[row]));
    alpha_[row] = select(flip, other, z);
    rest_[row] = select(flip, z, other);
    const Float<L> change = select(flip, old - z, z - old) * sign;
    example.add(change, weights_.shared.data());
    bias_ += change;
    return steps;
  }

  const TrainBlock& block_;
  const LaneTargets& targets_;
  const SolverOptions& params_;
  ActiveSet order_;
  Buffer<Float<L>> alpha_, rest_;  // the dual variables and cost minus them
  LaneWeights<L> weights_;
  Float<L> bias_{};
  Float<L> largest_{};
  Int<L> running_;
  float inner_eps_ = 1e-2f;
};

}  // namespace arborank::train
