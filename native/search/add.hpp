// Adds a packed block of a row, times a query's value, to the sums of 16 siblings.
#pragma once
#include <array>
#include <bit>

#include "base/simd.hpp"
#include "layer/layer.hpp"

namespace arborank::search {

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
alignas(32) inline constexpr std::int32_t kBit[8] = {1, 2, 4, 8, 16, 32, 64, 128};

inline __m256 expand8(unsigned mask, __m256 values) {
  std::int64_t lanes;
  std::memcpy(&lanes, kExpand[mask].data(), 8);
  const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(lanes));
  const __m256i bit = _mm256_load_si256(reinterpret_cast<const __m256i*>(kBit));
  const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask)), bit), bit);
  return _mm256_and_ps(_mm256_permutevar8x32_ps(values, order), _mm256_castsi256_ps(set));
}

// Eight packed weights from number i on.
template <layer::Precision kPrecision>
inline __m256 load8(const std::uint16_t* units, int i) {
  if constexpr (kPrecision == layer::Precision::float32)
    return _mm256_loadu_ps(reinterpret_cast<const float*>(units) + i);
  else if constexpr (kPrecision == layer::Precision::float16)
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(units + i)));
  else
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(reinterpret_cast<const char*>(units) + i))));
}
}  // namespace detail
#endif

// sums[lane] += x * (next packed weight), for every lane set in mask. May read kPadding units whatever the mask.
template <layer::Precision kPrecision>
inline void add_expanded(f32x16& sums, float x, std::uint32_t mask, const std::uint16_t* units) {
#if defined(__AVX512F__)
  const auto lanes = static_cast<__mmask16>(mask);
  __m512 weights;
  if constexpr (kPrecision == layer::Precision::float32)
    weights = _mm512_maskz_expandloadu_ps(lanes, units);
  else if constexpr (kPrecision == layer::Precision::float16)
    weights =
        _mm512_maskz_expand_ps(lanes, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(units))));
  else
    weights = _mm512_maskz_expand_ps(
        lanes, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(units)))));
  sums = reinterpret_cast<f32x16>(_mm512_fmadd_ps(_mm512_set1_ps(x), weights, reinterpret_cast<__m512>(sums)));
#elif defined(__AVX2__)
  using detail::expand8, detail::load8;
  const unsigned low = mask & 255, high = mask >> 8;
  const __m256 factor = _mm256_set1_ps(x);
  __m256 halves[2];
  std::memcpy(halves, &sums, sizeof sums);
  halves[0] = _mm256_fmadd_ps(factor, expand8(low, load8<kPrecision>(units, 0)), halves[0]);
  halves[1] = _mm256_fmadd_ps(factor, expand8(high, load8<kPrecision>(units, std::popcount(low))), halves[1]);
  std::memcpy(&sums, halves, sizeof sums);
#else
  float* lanes = reinterpret_cast<float*>(&sums);
  for (int i = 0; mask != 0; mask &= mask - 1, i++)
    lanes[std::countr_zero(mask)] += x * layer::packed_weight<kPrecision>(units, i);
#endif
}

}  // namespace arborank::search
