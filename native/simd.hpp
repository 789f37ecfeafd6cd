// Vector types. The compiler lowers them to whatever the level has: one AVX-512 register, two AVX2, four SSE or NEON.
#pragma once
#include <array>
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

#if defined(__AVX2__) && !defined(__AVX512F__)
namespace detail {
// Lane i of the result takes packed value number popcount(mask & ((1 << i) - 1)).
constexpr std::array<std::array<std::uint8_t, 8>, 256> expand_table() {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (unsigned mask = 0; mask < 256; mask++)
    for (unsigned lane = 0, next = 0; lane < 8; lane++)
      table[mask][lane] = static_cast<std::uint8_t>(mask >> lane & 1 ? next++ : 0);
  return table;
}
alignas(64) inline constexpr auto kExpand = expand_table();
alignas(64) inline constexpr std::int32_t kFirst[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
alignas(32) inline constexpr std::int32_t kBit[8] = {1, 2, 4, 8, 16, 32, 64, 128};

inline __m256 expand8(unsigned mask, const float* packed) {
  const auto first = [](int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + 8 - n)); };
  const __m256 values = _mm256_maskload_ps(packed, first(std::popcount(mask)));
  std::int64_t lanes;
  std::memcpy(&lanes, kExpand[mask].data(), 8);
  const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(lanes));
  const __m256i bit = _mm256_load_si256(reinterpret_cast<const __m256i*>(kBit));
  const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask)), bit), bit);
  return _mm256_and_ps(_mm256_permutevar8x32_ps(values, order), _mm256_castsi256_ps(set));
}
}  // namespace detail
#endif

// sums[lane] += x * (next packed value), for every lane set in mask; the values need not be aligned.
inline void add_expanded(f32x16& sums, float x, std::uint32_t mask, const void* packed) {
#if defined(__AVX512F__)
  sums = reinterpret_cast<f32x16>(_mm512_fmadd_ps(_mm512_set1_ps(x),
                                                  _mm512_maskz_expandloadu_ps(static_cast<__mmask16>(mask), packed),
                                                  reinterpret_cast<__m512>(sums)));
#elif defined(__AVX2__)
  const auto* values = static_cast<const float*>(packed);
  const unsigned low = mask & 255, high = mask >> 8;
  const __m256 factor = _mm256_set1_ps(x);
  __m256 halves[2];
  std::memcpy(halves, &sums, sizeof sums);
  halves[0] = _mm256_fmadd_ps(factor, detail::expand8(low, values), halves[0]);
  halves[1] = _mm256_fmadd_ps(factor, detail::expand8(high, values + std::popcount(low)), halves[1]);
  std::memcpy(&sums, halves, sizeof sums);
#else
  float* lanes = reinterpret_cast<float*>(&sums);
  const auto* next = static_cast<const char*>(packed);
  for (; mask != 0; mask &= mask - 1, next += sizeof(float)) {
    float weight;
    std::memcpy(&weight, next, sizeof weight);
    lanes[std::countr_zero(mask)] += x * weight;
  }
#endif
}

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
