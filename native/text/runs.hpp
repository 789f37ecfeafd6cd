// Runs of word characters in a text, found sixty-four bytes at a time.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.hpp"
#include "text/unicode.hpp"

namespace arborank::text {

constexpr std::size_t kPadding = 64;  // readable bytes after a text

namespace unicode {

enum class Runs {
  kWord,        // of \w
  kMarkedWord,  // of \w, marks and joiners
  kNoSpace,     // of what is not \s
};

// run(first, end) for every longest run.
template <class Run>
void each_run(const char* text, std::size_t n, Runs kind, Run&& run) {
  const bool by_space = kind == Runs::kNoSpace;
  const std::uint8_t classes = by_space ? kIsSpace : kind == Runs::kWord ? kIsWord : kIsWord | kContinues;
  std::uint64_t carry = 0;  // whether the byte before this block is inside a run
  std::uint64_t spill = 0;  // bytes of this block that belong to a character of the one before, where that is inside
  std::size_t first = 0;
  for (std::size_t base = 0; base < n; base += 64) {
    const u8x64 bytes = load_bytes(text + base);
    const std::uint64_t valid = n - base < 64 ? (std::uint64_t{1} << (n - base)) - 1 : ~std::uint64_t{0};
    const std::uint64_t high = byte_mask(bytes >= 0x80) & valid;
    std::uint64_t inside = (by_space ? ~byte_mask(is_ascii_space(bytes)) : byte_mask(is_ascii_word(bytes))) & valid;
    if (high | spill) {
      inside = (inside & ~high) | spill;
      spill = 0;
      const auto& tables = Tables::get();
      for (std::uint64_t leads = byte_mask(bytes >= 0xC0) & valid; leads; leads &= leads - 1) {
        const int at = std::countr_zero(leads);
        const char* p = text + base + at;
        const std::uint64_t character = (std::uint64_t{1} << width(static_cast<unsigned char>(*p))) - 1;
        const char32_t c = decode(p);
        if (tables.is(c, classes) == by_space)
          continue;
        inside |= character << at;
        if (at > 60)
          spill |= character >> (64 - at);
      }
    }
    for (std::uint64_t edges = inside ^ (inside << 1 | carry); edges; edges &= edges - 1) {
      const int at = std::countr_zero(edges);
      if (inside >> at & 1)
        first = base + at;
      else
        run(first, base + at);
    }
    carry = inside >> 63;
  }
  if (n % 64 == 0 && carry)
    run(first, n);
}

// A run of kMarkedWord from its first \w on, without joiners at its end. A virama keeps the joiner behind it, which
// makes another letter of the two in Malayalam.
inline std::string_view without_stray_marks(std::string_view run) {
  const auto byte = [](const char* p) { return static_cast<unsigned char>(*p); };
  const char *first = run.data(), *end = first + run.size();
  if (byte(first) < 0x80 && byte(end - 1) != 0x8C && byte(end - 1) != 0x8D)
    return run;
  const auto& tables = Tables::get();
  for (const char* p = first; first < end; first = p)
    if (tables.is(decode(p), kIsWord))
      break;
  const auto character_before = [&](const char* p) {
    do
      p--;
    while ((byte(p) & 0xC0) == 0x80);
    return p;
  };
  while (first < end) {
    const char* const last = character_before(end);
    const char* p = last;
    const char32_t joiner = decode(p);
    if (joiner != 0x200C && joiner != 0x200D)
      break;
    p = character_before(last);
    if (joiner == 0x200D && tables.combining(decode(p)) == 9)
      break;
    end = last;
  }
  return {first, static_cast<std::size_t>(end - first)};
}

}  // namespace unicode
}  // namespace arborank::text
