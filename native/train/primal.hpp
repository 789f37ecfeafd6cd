// Truncated Newton (Newton-CG with a backtracking line search) for the L2-loss SVM in the primal, up to 16 labels at
// a time: Keerthi and DeCoste 2005, Lin, Weng and Keerthi 2008. The private features of an example are rotated into
// one feature of value sqrt(own), which changes neither margins nor norms.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "train/dual.hpp"
#include "train/lanes.hpp"

namespace arborank::train {

template <int L>
class SvmPrimal {
 public:
  SvmPrimal(const TrainBlock& block, const LaneTargets& targets, int n_lanes, const SolverOptions& params)
      : block_(block),
        targets_(targets),
        params_(params),
        n_shared_(block.n_shared()),
        running_(lanes_of<L>((1u << n_lanes) - 1)),
        w_(size()),
        step_(size()),
        residual_(size()),
        direction_(size()),
        product_(size()),
        margins_(block.n),
        step_margins_(block.n) {}

  LaneWeights<L> solve(Job& job) {
    const Float<L> tolerance = params_.eps * rarer_share();
    Float<L> first_norm{};
    for (int iteration = 0; iteration < params_.max_iter && !job.stopped(); iteration++) {
      const Float<L> norm = negative_gradient();
      if (iteration == 0)
        first_norm = norm;
      running_ &= norm > tolerance * first_norm;
      if (!any<L>(running_))
        break;
      conjugate_gradient(norm, job);
      if (job.stopped())
        break;
      line_search();
    }
    return result();
  }

 private:
  // Shared features, then one private feature an example, then the constant feature.
  std::size_t size() const { return static_cast<std::size_t>(n_shared_ + block_.n + 1); }

  Float<L> rarer_share() const {
    Float<L> share{};
    for (int l = 0; l < L; l++) {
      std::int64_t positives = 0;
      for (std::uint16_t mask : targets_.positive)
        positives += mask >> l & 1;
      const std::int64_t rarer = std::max<std::int64_t>(std::min(positives, block_.n - positives), 1);
      share[l] = static_cast<float>(rarer) / static_cast<float>(std::max<std::int64_t>(block_.n, 1));
    }
    return share;
  }

  Float<L> dot(std::int64_t row, const Buffer<Float<L>>& v) const {
    return Example<L>(block_, row).dot(v.data()) + std::sqrt(block_.rows[row].own) * v[n_shared_ + row] +
           params_.bias * v[n_shared_ + block_.n];
  }
  void add(std::int64_t row, Float<L> amount, Buffer<Float<L>>& v) const {
    Example<L>(block_, row).add(amount, v.data());
    v[n_shared_ + row] += std::sqrt(block_.rows[row].own) * amount;
    v[n_shared_ + block_.n] += params_.bias * amount;
  }

  struct Loss {
    Float<L> sign, cost, slack;  // slack: 1 - sign * margin, if positive
  };
  Loss loss(std::int64_t row, Float<L> margin) const {
    const Int<L> is_positive = lanes_of<L>(targets_.positive[row]);
    const Float<L> sign = select(is_positive, spread<L>(1.0f), spread<L>(-1.0f));
    return {sign, targets_.cost<L>(row, is_positive, params_), vmax(1.0f - sign * margin, Float<L>{})};
  }

  // Sums over long arrays in pieces, so that the rounding stays small.
  template <class Term>
  static Float<L> sum(std::size_t n, Term&& term) {
    Float<L> total{};
    for (std::size_t start = 0; start < n; start += 256) {
      Float<L> part{};
      for (std::size_t i = start; i < std::min(n, start + 256); i++)
        part += term(i);
      total += part;
    }
    return total;
  }
  static Float<L> root(Float<L> x) {
    for (int l = 0; l < L; l++)
      x[l] = std::sqrt(x[l]);
    return x;
  }

  // residual = -gradient; returns its norm
  Float<L> negative_gradient() {
    for (std::size_t j = 0; j < size(); j++)
      residual_[j] = -w_[j];
    for (std::int64_t row = 0; row < block_.n; row++) {
      const Loss l = loss(row, margins_[row]);
      if (any<L>(less(Float<L>{}, l.slack)))
        add(row, 2.0f * l.cost * l.sign * l.slack, residual_);
    }
    return root(sum(size(), [&](std::size_t j) { return residual_[j] * residual_[j]; }));
  }

  // product = Hessian * direction; returns direction . product
  Float<L> multiply_hessian(Job& job) {
    for (std::size_t j = 0; j < size(); j++)
      product_[j] = direction_[j];
    for (std::int64_t row = 0; row < block_.n; row++) {
      if (row % 64 == 0 && job.stopped())
        break;
      const Loss l = loss(row, margins_[row]);
      const Int<L> inside = less(Float<L>{}, l.slack);
      if (any<L>(inside & running_))
        add(row, select(inside, 2.0f * l.cost * dot(row, direction_), Float<L>{}), product_);
    }
    return sum(size(), [&](std::size_t j) { return direction_[j] * product_[j]; });
  }

  // step: an approximate solution of Hessian * step = -gradient
  void conjugate_gradient(Float<L> norm, Job& job) {
    Int<L> going = running_;
    Float<L> square = norm * norm;
    const Float<L> enough = 0.01f * square;  // a tenth of the gradient's norm
    for (std::size_t j = 0; j < size(); j++) {
      step_[j] = Float<L>{};
      direction_[j] = residual_[j];
    }
    for (int iteration = 0; iteration < kMaxCgIterations && !job.stopped(); iteration++) {
      const Float<L> curvature = multiply_hessian(job);
      const Float<L> length = select(going, square / vmax(curvature, spread<L>(1e-30f)), Float<L>{});
      for (std::size_t j = 0; j < size(); j++) {
        step_[j] += length * direction_[j];
        residual_[j] -= length * product_[j];
      }
      const Float<L> next = sum(size(), [&](std::size_t j) { return residual_[j] * residual_[j]; });
      going &= less(enough, next);
      if (!any<L>(going))
        break;
      const Float<L> keep = next / vmax(square, spread<L>(1e-30f));
      for (std::size_t j = 0; j < size(); j++)
        direction_[j] = residual_[j] + keep * direction_[j];
      square = next;
    }
  }

  // Halves the step of every lane until its objective falls enough (Armijo, 0.01); a lane where none does is done.
  void line_search() {
    for (std::int64_t row = 0; row < block_.n; row++)
      step_margins_[row] = dot(row, step_);
    const Float<L> ww = sum(size(), [&](std::size_t j) { return w_[j] * step_[j]; });
    const Float<L> ss = sum(size(), [&](std::size_t j) { return step_[j] * step_[j]; });
    const Float<L> slope = ww - sum(block_.n, [&](std::size_t row) {
                             const Loss l = loss(row, margins_[row]);
                             return 2.0f * l.cost * l.slack * l.sign * step_margins_[row];
                           });
    Float<L> t = select(running_, spread<L>(1.0f), Float<L>{});
    Int<L> searching = running_;
    for (int halving = 0; halving < kMaxHalvings && any<L>(searching); halving++) {
      const Float<L> change = t * ww + 0.5f * t * t * ss + sum(block_.n, [&](std::size_t row) {
                                const Loss before = loss(row, margins_[row]);
                                const Loss after = loss(row, margins_[row] + t * step_margins_[row]);
                                return before.cost * (after.slack - before.slack) * (after.slack + before.slack);
                              });
      searching &= ~at_least(0.01f * t * slope, change);
      t = select(searching, 0.5f * t, t);
    }
    running_ &= ~searching;
    t = select(searching, Float<L>{}, t);
    for (std::size_t j = 0; j < size(); j++)
      w_[j] += t * step_[j];
    for (std::int64_t row = 0; row < block_.n; row++)
      margins_[row] += t * step_margins_[row];
  }

  LaneWeights<L> result() {
    LaneWeights<L> weights;
    weights.coefficients = Buffer<Float<L>>(block_.n);
    for (std::int64_t row = 0; row < block_.n; row++)
      if (block_.rows[row].own > 0)
        weights.coefficients[row] = w_[n_shared_ + row] / std::sqrt(block_.rows[row].own);
    weights.constant = w_[n_shared_ + block_.n];
    weights.shared = std::move(w_);
    return weights;
  }

  static constexpr int kMaxCgIterations = 1000;
  static constexpr int kMaxHalvings = 20;

  const TrainBlock& block_;
  const LaneTargets& targets_;
  const SolverOptions& params_;
  const std::int64_t n_shared_;
  Int<L> running_;
  Buffer<Float<L>> w_, step_, residual_, direction_, product_;
  Buffer<Float<L>> margins_, step_margins_;
};

}  // namespace arborank::train
