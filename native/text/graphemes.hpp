// What a reader takes for one character: extended grapheme clusters (UAX 29), but for prepended marks. Text here is
// never white space or a line end, whose rules are left out too.
#pragma once
#include <cstdint>

#include "text/unicode.hpp"

namespace arborank::text::unicode {

enum class Hangul { kNone, kLeading, kVowel, kTrailing, kSyllable, kClosedSyllable };

inline Hangul hangul(char32_t c) {
  if (c < 0x1100 || c > 0xD7FB)
    return Hangul::kNone;
  if (c < 0x1160 || (c >= 0xA960 && c <= 0xA97C))
    return Hangul::kLeading;
  if (c < 0x11A8 || (c >= 0xD7B0 && c <= 0xD7C6))
    return Hangul::kVowel;
  if (c < 0x1200 || c >= 0xD7CB)
    return Hangul::kTrailing;
  if (c >= 0xAC00 && c < 0xD7A4)
    return (c - 0xAC00) % 28 ? Hangul::kClosedSyllable : Hangul::kSyllable;
  return Hangul::kNone;
}

// May b follow a in one syllable?
inline bool joins(Hangul a, Hangul b) {
  switch (a) {
    case Hangul::kLeading:
      return b != Hangul::kNone && b != Hangul::kTrailing;
    case Hangul::kVowel:
    case Hangul::kSyllable:
      return b == Hangul::kVowel || b == Hangul::kTrailing;
    case Hangul::kTrailing:
    case Hangul::kClosedSyllable:
      return b == Hangul::kTrailing;
    default:
      return false;
  }
}

// The blocks of symbols that joiners combine (a little wider than Extended_Pictographic).
inline bool is_pictograph(char32_t c) {
  const bool flag = c >= 0x1F1E6 && c < 0x1F200;
  return c == 0xA9 || c == 0xAE || (c >= 0x2010 && c < 0x2C00) || c == 0x3030 || c == 0x303D || c == 0x3297 ||
         c == 0x3299 || (c >= 0x1F000 && c < 0x1FB00 && !flag);
}

// visit(first byte) for every grapheme.
template <class Visit>
void each_grapheme(const char* text, std::size_t n, Visit&& visit) {
  const auto& tables = Tables::get();
  bool picture = false;  // the grapheme began with a pictograph
  bool joiner = false;   // the character before is a zero-width joiner
  bool half_flag = false;
  Hangul before = Hangul::kNone;
  for (const char *p = text, *end = text + n; p < end;) {
    const auto at = static_cast<std::size_t>(p - text);
    const char32_t c = decode(p);
    if (at > 0 && tables.is(c, kExtends)) {
      joiner = c == 0x200D;
      half_flag = false;
      before = Hangul::kNone;
      continue;
    }
    const Hangul now = hangul(c);
    const bool flag = c >= 0x1F1E6 && c < 0x1F200;
    const bool same = joins(before, now) || (flag && half_flag) || (picture && joiner && is_pictograph(c));
    if (!same) {
      visit(at);
      picture = is_pictograph(c);
    }
    half_flag = flag && !same;
    joiner = false;
    before = now;
  }
}

}  // namespace arborank::text::unicode
