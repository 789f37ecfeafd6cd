// What the solvers of one group of sibling labels share: a label a lane of a vector.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "base/simd.hpp"
#include "train/block.hpp"

namespace arborank::train {

enum class Solver : int { l2svc_dual, l1svc_dual, logistic_dual, l2svc_primal };

struct SolverOptions {
  Solver solver = Solver::l2svc_dual;
  float Cp = 1, Cn = 1;
  float bias = 1;  // value of the constant feature; 0: none
  float eps = 0.1f;
  int max_iter = 100;
  float threshold = 0.1f;
  std::int64_t max_nonzeros = -1;  // a label; negative: no limit

  void check() const {
    if (!(Cp > 0 && Cn > 0 && eps > 0 && bias >= 0 && threshold >= 0 && max_iter >= 1))
      throw std::invalid_argument("Cp, Cn and eps must be above 0, bias and threshold at least 0, max_iter at least 1");
  }
};

template <int L>
struct LaneTypes {
  typedef float F __attribute__((vector_size(4 * L)));
  typedef std::int32_t I __attribute__((vector_size(4 * L)));
  typedef std::int64_t Wide __attribute__((vector_size(4 * L)));
};
template <int L>
using Float = typename LaneTypes<L>::F;
template <int L>
using Int = typename LaneTypes<L>::I;  // as a mask: -1 true, 0 false

template <int L>
inline Float<L> spread(float x) {
  return Float<L>{} + x;
}
template <int L>
inline Float<L> magnitude(Float<L> a) {
  return (Float<L>)((Int<L>)a & 0x7fffffff);
}
template <int L>
inline bool any(Int<L> mask) {
#if defined(__SSE2__)
  if constexpr (L == kLanes)
    return lane_mask(mask) != 0;
#endif
  const auto wide = (typename LaneTypes<L>::Wide)mask;
  std::int64_t all = 0;
  for (int i = 0; i < L / 2; i++)
    all |= wide[i];
  return all != 0;
}
// Bit l set where lane l is true.
template <int L>
inline std::uint32_t bits_of(Int<L> mask) {
  if constexpr (L == kLanes)
    return lane_mask(mask);
  std::uint32_t bits = 0;
  for (int l = 0; l < L; l++)
    bits |= static_cast<std::uint32_t>(mask[l] < 0) << l;
  return bits;
}
// Lane l true where bit l is set.
template <int L>
inline Int<L> lanes_of(std::uint32_t bits) {
  Int<L> bit;
  for (int l = 0; l < L; l++)
    bit[l] = 1 << l;
  return equal((Int<L>{} + static_cast<std::int32_t>(bits)) & bit, bit);
}

// Which examples are positive for which lane, and at what cost.
struct LaneTargets {
  std::vector<std::uint16_t> positive;  // an example: bit l set if it is positive for lane l
  std::vector<float> relevance;         // n x L multipliers of Cp; empty: all 1
  std::vector<float> weight;            // n multipliers of Cp and Cn; empty: all 1

  template <int L>
  Float<L> cost(std::int64_t row, Int<L> is_positive, const SolverOptions& params) const {
    Float<L> Cp = spread<L>(params.Cp);
    if (!relevance.empty())
      for (int l = 0; l < L; l++)
        Cp[l] *= relevance[row * L + l];
    // A cost of zero would make the dual variable's range empty; this small it has no effect on the weights.
    const Float<L> cost = select(is_positive, Cp, spread<L>(params.Cn));
    return vmax(weight.empty() ? cost : cost * weight[row], spread<L>(1e-20f));
  }
};

// A group's weights: of shared features in memory, of private features through the coefficients of the examples.
template <int L>
struct LaneWeights {
  Buffer<Float<L>> shared;        // n_shared
  Buffer<Float<L>> coefficients;  // n
  Float<L> constant{};            // weight of the constant feature
};

}  // namespace arborank::train
