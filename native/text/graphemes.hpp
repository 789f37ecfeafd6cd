// What a reader takes for one character: extended grapheme clusters (UAX 29), but for the conjuncts of Indic scripts.
// Text here is never white space or a line end, whose rules are left out too.
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

// visit(first byte) for every grapheme.
template <class Visit>
void each_grapheme(const char* text, std::size_t n, Visit&& visit) {
  const auto& tables = Tables::get();
  bool picture = false;  // the grapheme began with a pictograph
  bool joiner = false;   // the character before is a zero-width joiner
  bool prefix = false;   // it belongs to the next one
  bool half_flag = false;
  Hangul before = Hangul::kNone;
  for (const char *p = text, *end = text + n; p < end;) {
    const auto at = static_cast<std::size_t>(p - text);
    const char32_t c = decode(p);
    if (at > 0 && tables.is(c, kExtends)) {
      joiner = c == 0x200D;
      half_flag = prefix = false;
      before = Hangul::kNone;
      continue;
    }
    const Hangul now = hangul(c);
    const bool flag = c >= 0x1F1E6 && c < 0x1F200;
    const bool same = joins(before, now) || (flag && half_flag) || (picture && joiner && tables.is_pictograph(c));
    if (!same && !prefix)
      visit(at);
    if (!same)
      picture = tables.is_pictograph(c);
    half_flag = flag && !same;
    joiner = false;
    prefix = tables.is_prefix(c);
    before = now;
  }
}

}  // namespace arborank::text::unicode
