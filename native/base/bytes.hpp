// Sixty-four bytes of text at a time.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace arborank::inline base {

typedef std::uint8_t u8x64 __attribute__((vector_size(64)));
typedef std::int8_t i8x64 __attribute__((vector_size(64)));

inline u8x64 load_bytes(const char* p) {
  u8x64 bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

// Bit i is set where byte i of the comparison result is true.
inline std::uint64_t byte_mask(i8x64 truth) {
#if defined(__AVX512BW__)
  return _mm512_movepi8_mask(reinterpret_cast<__m512i>(truth));
#elif defined(__AVX2__)
  __m256i halves[2];
  std::memcpy(halves, &truth, sizeof truth);
  const auto mask = [](__m256i half) { return std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(half))}; };
  return mask(halves[0]) | mask(halves[1]) << 32;
#elif defined(__SSE2__)
  __m128i quarters[4];
  std::memcpy(quarters, &truth, sizeof truth);
  std::uint64_t mask = 0;
  for (int i = 0; i < 4; i++)
    mask |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(quarters[i]))} << 16 * i;
  return mask;
#else
  std::uint64_t mask = 0;
  for (int i = 0; i < 64; i++)
    mask |= std::uint64_t{truth[i] < 0} << i;
  return mask;
#endif
}

// The classes of ASCII, as `re` has them; other bytes are in none.
inline i8x64 is_ascii_word(u8x64 c) { return ((c | 0x20) - 'a' < 26) | (c - '0' < 10) | (c == '_'); }
inline i8x64 is_ascii_space(u8x64 c) { return (c == ' ') | (c - 9 < 5) | (c - 28 < 4); }

inline char ascii_lower(char c) { return static_cast<char>(c + ((c >= 'A' && c <= 'Z') << 5)); }

}  // namespace arborank::inline base
