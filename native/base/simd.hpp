// Vector types. The compiler lowers them to whatever the level has: one AVX-512 register, two AVX2, four SSE or NEON.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace arborank::inline base {

constexpr int kLanes = 16;  // siblings that share one vector, in training and in prediction

typedef float f32x16 __attribute__((vector_size(64)));
typedef std::int32_t i32x16 __attribute__((vector_size(64)));

inline f32x16 broadcast(float x) { return f32x16{} + x; }

// Comparisons and choices. Of vectors wider than a register, GCC makes them of scalars, unlike sums and products; so
// these go register by register. Truth is -1, as of every comparison of vectors.
#if defined(__AVX512F__)
constexpr std::size_t kRegister = 64;
#elif defined(__AVX__)
constexpr std::size_t kRegister = 32;
#else
constexpr std::size_t kRegister = 16;
#endif

namespace detail {
template <class V>
struct RegisterOf {
  typedef std::remove_cvref_t<decltype(V{}[0])> Element;
  typedef Element Type __attribute__((vector_size(kRegister)));
};
template <class V>
inline typename RegisterOf<V>::Type register_at(const V& v, std::size_t at) {
  typename RegisterOf<V>::Type part;
  std::memcpy(&part, reinterpret_cast<const char*>(&v) + at, kRegister);
  return part;
}
template <class Result, class Op, class... V>
inline Result by_registers(Op&& op, const V&... values) {
  if constexpr (sizeof(Result) <= kRegister) {
    return op(values...);
  } else {
    Result result;
    for (std::size_t at = 0; at < sizeof(Result); at += kRegister) {
      const auto part = op(register_at(values, at)...);
      std::memcpy(reinterpret_cast<char*>(&result) + at, &part, kRegister);
    }
    return result;
  }
}
template <class F>
using TruthOf = decltype(F{} < F{});
}  // namespace detail

template <class F>
inline detail::TruthOf<F> less(F a, F b) {
  return detail::by_registers<detail::TruthOf<F>>([](auto x, auto y) { return x < y; }, a, b);
}
template <class F>
inline detail::TruthOf<F> at_least(F a, F b) {
  return detail::by_registers<detail::TruthOf<F>>([](auto x, auto y) { return x >= y; }, a, b);
}
template <class F>
inline detail::TruthOf<F> equal(F a, F b) {
  return detail::by_registers<detail::TruthOf<F>>([](auto x, auto y) { return x == y; }, a, b);
}
template <class F>
inline F select(detail::TruthOf<F> truth, F a, F b) {
  return detail::by_registers<F>([](auto t, auto x, auto y) { return t ? x : y; }, truth, a, b);
}
template <class F>
inline F vmax(F a, F b) {
  return detail::by_registers<F>([](auto x, auto y) { return x > y ? x : y; }, a, b);
}
template <class F>
inline F vmin(F a, F b) {
  return detail::by_registers<F>([](auto x, auto y) { return x < y ? x : y; }, a, b);
}

// a * b + c, fused where the level can.
inline f32x16 multiply_add(f32x16 a, f32x16 b, f32x16 c) {
#if defined(__AVX512F__)
  return reinterpret_cast<f32x16>(
      _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
  __m256 x[2], y[2], z[2];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  for (int half = 0; half < 2; half++)
    z[half] = _mm256_fmadd_ps(x[half], y[half], z[half]);
  std::memcpy(&c, z, sizeof c);
  return c;
#else
  return a * b + c;
#endif
}

inline float multiply_add(float a, float b, float c) {
#if defined(__FMA__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

// A bit for each of the first n lanes, at most all.
inline std::uint32_t first_lanes(std::int64_t n) { return n >= kLanes ? 0xffffu : (1u << n) - 1; }

// The first n lanes, at most all, from memory that may end there; the others are `rest`.
inline f32x16 load_first(const float* values, std::int64_t n, float rest = 0.0f) {
  f32x16 lanes = broadcast(rest);
#if defined(__AVX512F__)
  const auto first = static_cast<__mmask16>(first_lanes(n));
  lanes = reinterpret_cast<f32x16>(_mm512_mask_loadu_ps(reinterpret_cast<__m512>(lanes), first, values));
#else
  std::memcpy(&lanes, values, (n >= kLanes ? kLanes : n) * sizeof(float));
#endif
  return lanes;
}
// The same the other way round: to memory that may end there.
inline void store_first(float* values, f32x16 lanes, std::int64_t n) {
#if defined(__AVX512F__)
  const auto first = static_cast<__mmask16>(first_lanes(n));
  _mm512_mask_storeu_ps(values, first, reinterpret_cast<__m512>(lanes));
#else
  std::memcpy(values, &lanes, (n >= kLanes ? kLanes : n) * sizeof(float));
#endif
}

inline void prefetch(const void* p) { __builtin_prefetch(p); }

// Bit i is set where lane i of the comparison result is true.
inline std::uint32_t lane_mask(i32x16 truth) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(truth));
#elif defined(__AVX2__)
  __m256 halves[2];
  std::memcpy(halves, &truth, sizeof truth);
  return static_cast<std::uint32_t>(_mm256_movemask_ps(halves[0]) | _mm256_movemask_ps(halves[1]) << 8);
#elif defined(__SSE2__)
  __m128 parts[4];
  std::memcpy(parts, &truth, sizeof truth);
  std::uint32_t mask = 0;
  for (int part = 0; part < 4; part++)
    mask |= static_cast<std::uint32_t>(_mm_movemask_ps(parts[part])) << 4 * part;
  return mask;
#else
  std::uint32_t mask = 0;
  for (int lane = 0; lane < kLanes; lane++)
    mask |= static_cast<std::uint32_t>(truth[lane] < 0) << lane;
  return mask;
#endif
}

}  // namespace arborank::inline base
