// How a node's margin becomes a score and meets its parent's: the ten-odd combinations of PECOS, 16 nodes at a time.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/simd.hpp"

namespace arborank::search {

enum class Transform { identity, sigmoid, hinge };

struct Combination {
  Transform transform = Transform::hinge;
  int power = 3;           // of the hinge
  bool logarithm = false;  // scores add instead of multiply

  void check() const {
    if (power < 0 || power > 4 || (transform == Transform::hinge) != (power > 0))
      throw std::invalid_argument("power is " + std::to_string(power) + "; a hinge has one of 1 to 4, others have 0");
  }
  // A child never scores above its parent, so a search may stop early.
  bool bounded() const { return transform != Transform::identity; }
  float root() const { return logarithm ? 0.0f : 1.0f; }
};

namespace detail {

// e^x for x <= 0, within 1.5 units in the last place; never above 1, 0 below -104, denormals in between.
inline f32x16 exp_nonpositive(f32x16 x) {
  x = vmax(x, broadcast(-104.0f));
  const f32x16 magic = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const f32x16 n = (x * 1.44269504088896341f + magic) - magic;
  f32x16 r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  f32x16 p = broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // 2^n in two factors, because n may be below the smallest exponent
  const i32x16 whole = __builtin_convertvector(n, i32x16), half = whole >> 1;
  const f32x16 first = reinterpret_cast<f32x16>((half + 127) << 23);
  const f32x16 second = reinterpret_cast<f32x16>((whole - half + 127) << 23);
  return vmin(p * first * second, broadcast(1.0f));
}

// log(1 + t) for 0 <= t <= 1: twice the inverse hyperbolic tangent of t / (2 + t), a series in its square.
inline f32x16 log1p_unit(f32x16 t) {
  const f32x16 s = t / (t + 2.0f), q = s * s;
  f32x16 p = broadcast(1.0f / 15);
  p = p * q + 1.0f / 13;
  p = p * q + 1.0f / 11;
  p = p * q + 1.0f / 9;
  p = p * q + 1.0f / 7;
  p = p * q + 1.0f / 5;
  p = p * q + 1.0f / 3;
  return 2.0f * s * (p * q + 1.0f);
}

// A child's logarithm after its parent's: finite, for -infinity stands where there is no answer.
inline f32x16 logarithm(f32x16 own, float parent) {
  return vmax(own + parent, broadcast(-std::numeric_limits<float>::max())) + 0.0f;
}

template <int kPower>
inline f32x16 negative_hinge(f32x16 margin) {
  const f32x16 h = vmax(1.0f - margin, f32x16{});
  if constexpr (kPower == 1)
    return -h;
  else if constexpr (kPower == 2)
    return -(h * h);
  else if constexpr (kPower == 3)
    return -(h * h * h);
  else
    return -((h * h) * (h * h));
}

}  // namespace detail

// Scores of 16 children of a parent with the given score. -0 becomes 0, so that equal scores have equal bits.
template <Transform kTransform, int kPower, bool kLogarithm>
inline f32x16 combined(f32x16 margin, float parent) {
  using namespace detail;
  if constexpr (kTransform == Transform::identity) {
    return margin + 0.0f;
  } else if constexpr (kTransform == Transform::hinge) {
    const f32x16 v = negative_hinge<kPower>(margin);
    if constexpr (kLogarithm)
      return logarithm(v, parent);
    else
      return exp_nonpositive(v) * parent;
  } else {
    const f32x16 t = exp_nonpositive(-vmax(margin, -margin));  // e^-|margin|
    if constexpr (kLogarithm)
      return logarithm(vmin(margin, f32x16{}) - log1p_unit(t), parent);
    else
      return select(less(margin, f32x16{}), t, broadcast(1.0f)) / (t + 1.0f) * parent;
  }
}

// A combination as a function object.
template <Transform kTransform, int kPower, bool kLogarithm>
struct Combine {
  f32x16 operator()(f32x16 margin, float parent) const {
    return combined<kTransform, kPower, kLogarithm>(margin, parent);
  }

  // What the exponent of a hinge must not be below, for a score to reach `least`: rounded down, by up to 6 % of the
  // score. NaN has no limit, nor do scores that are almost denormal, whose rounding is coarse.
  static constexpr bool kHasLimit = kTransform == Transform::hinge && !kLogarithm;
  static float limit(float least, float parent) {
    if (!kHasLimit || !(least >= 1e-30f))
      return -std::numeric_limits<float>::infinity();
    const auto bits = static_cast<float>(std::bit_cast<std::int32_t>(least / parent));
    return (bits * 0x1p-23f - 127.0f) * 0.693147f - 1e-3f;  // log2(1 + m) >= m
  }
  // Lanes within the limit: the others' scores are less than `least`, which needs no exponential to see.
  static std::uint32_t within([[maybe_unused]] f32x16 margin, [[maybe_unused]] float limit) {
    if constexpr (kHasLimit)
      return ~lane_mask(less(detail::negative_hinge<kPower>(margin), broadcast(limit)));
    else
      return 0xffffu;
  }
};

// Calls body with the function object of a combination, so that loops over it are specialised.
template <class Body>
decltype(auto) with_combination(const Combination& c, Body&& body) {
#define ARBORANK_COMBINE(transform, power, logarithm) body(Combine<transform, power, logarithm>{})
  if (c.transform == Transform::identity)
    return ARBORANK_COMBINE(Transform::identity, 0, false);
  if (c.transform == Transform::sigmoid)
    return c.logarithm ? ARBORANK_COMBINE(Transform::sigmoid, 0, true) : ARBORANK_COMBINE(Transform::sigmoid, 0, false);
  switch (c.power * 2 + c.logarithm) {
    case 2:
      return ARBORANK_COMBINE(Transform::hinge, 1, false);
    case 3:
      return ARBORANK_COMBINE(Transform::hinge, 1, true);
    case 4:
      return ARBORANK_COMBINE(Transform::hinge, 2, false);
    case 5:
      return ARBORANK_COMBINE(Transform::hinge, 2, true);
    case 7:
      return ARBORANK_COMBINE(Transform::hinge, 3, true);
    case 8:
      return ARBORANK_COMBINE(Transform::hinge, 4, false);
    case 9:
      return ARBORANK_COMBINE(Transform::hinge, 4, true);
    default:
      return ARBORANK_COMBINE(Transform::hinge, 3, false);
  }
#undef ARBORANK_COMBINE
}

}  // namespace arborank::search
