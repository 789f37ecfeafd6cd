// Vector types. The compiler lowers them to whatever the level has: one AVX-512 register, two AVX2, four SSE or NEON.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace arborank {

constexpr int kLanes = 16;  // siblings that share one vector, in training and in prediction

typedef float f32x16 __attribute__((vector_size(64)));
typedef std::int32_t i32x16 __attribute__((vector_size(64)));

inline f32x16 broadcast(float x) { return f32x16{} + x; }
inline f32x16 vmax(f32x16 a, f32x16 b) { return a > b ? a : b; }
inline f32x16 vmin(f32x16 a, f32x16 b) { return a < b ? a : b; }

inline void prefetch(const void* p) { __builtin_prefetch(p); }

// Bit i is set where lane i of the comparison result is true.
inline std::uint32_t lane_mask(i32x16 truth) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(truth));
#elif defined(__AVX2__)
  __m256 halves[2];
  std::memcpy(halves, &truth, sizeof truth);
  return static_cast<std::uint32_t>(_mm256_movemask_ps(halves[0]) | _mm256_movemask_ps(halves[1]) << 8);
#else
  std::uint32_t mask = 0;
  for (int lane = 0; lane < kLanes; lane++)
    mask |= static_cast<std::uint32_t>(truth[lane] < 0) << lane;
  return mask;
#endif
}

}  // namespace arborank
