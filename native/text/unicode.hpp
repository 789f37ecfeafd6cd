// Characters as Python sees them: \w and \s of `re`, and str.lower(); and accent folding.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "text/unicode_tables.hpp"

namespace arborank::text::unicode {

enum Class : std::uint8_t {
  kIsWord = 1,
  kIsSpace = 2,
  kIsCased = 4,
  kIsIgnorable = 8,
  kExtends = 16,
  kContinues = 32,
  kIsUnsettled = 64,
  kIsInvisible = 128,
};

// The generated ranges laid out for one look-up a character; built when first needed, in about two milliseconds.
class Tables {
 public:
  static const Tables& get() {
    static const Tables tables;
    return tables;
  }
  bool is(char32_t c, std::uint8_t classes) const { return (classes_[c] & classes) != 0; }
  bool is_prefix(char32_t c) const { return c < kMapped && is_prefix_[c]; }
  bool is_pictograph(char32_t c) const { return c < kMapped && is_pictograph_[c]; }
  // Code points that `c` becomes, or nothing found: nullptr. The first number is how many.
  const std::uint32_t* lower(char32_t c) const { return find(lower_, c); }
  const std::uint32_t* fold(char32_t c) const { return find(fold_, c); }
  const std::uint32_t* decompose(char32_t c) const { return find(decompose_, c); }
  std::uint8_t combining(char32_t c) const { return c < kMapped ? combining_[c] : 0; }
  // May c compose with a character before it, other than in Hangul?
  bool is_second(char32_t c) const { return c < kMapped && is_second_[c]; }

 private:
  static constexpr char32_t kMapped = 0x30000;  // no character beyond is changed

  Tables()
      : classes_(0x110000),
        combining_(kMapped),
        lower_(kMapped),
        fold_(kMapped),
        decompose_(kMapped),
        is_second_(kMapped),
        is_prefix_(kMapped),
        is_pictograph_(kMapped) {
    mark(kWord, kIsWord);
    mark(kSpace, kIsSpace);
    mark(kCased, kIsCased);
    mark(kIgnorable, kIsIgnorable);
    mark(kContinue, kContinues | kExtends);
    mark(kJoined, kExtends);
    each(kApart, [&](std::uint32_t c) { classes_[c] &= ~kExtends; });
    mark(kInvisible, kIsInvisible | kIsUnsettled);
    each(kPrepend, [&](std::uint32_t c) { is_prefix_.at(c) = true; });
    each(kPictograph, [&](std::uint32_t c) { is_pictograph_.at(c) = true; });
    for (std::size_t i = 0; i < std::size(kCombining); i += 3)
      for (std::uint32_t c = kCombining[i]; c <= kCombining[i + 1]; c++) {
        combining_.at(c) = static_cast<std::uint8_t>(kCombining[i + 2]);
        classes_[c] |= kIsUnsettled;
      }
    results_.reserve(std::size(kLower) + std::size(kFold) + std::size(kDecompose) + std::size(kCompose));
    read(kLower, lower_);
    read(kFold, fold_);
    read(kDecompose, decompose_);
    const Pairs pairs = decompose_pairs();
    fold_canonically(pairs);
    for (std::uint32_t c = 0; c < kMapped; c++)
      if (decompose_[c] != 0 && !pairs.contains(c))
        classes_[c] |= kIsUnsettled;
    constexpr std::uint32_t kOthers[] = {0x1161, 0x1175, 0x11A8, 0x11C2, 0x200B, 0x200B};  // Hangul, zero-width space
    mark(kOthers, kIsUnsettled);
  }
  template <std::size_t kSize, class Visit>
  static void each(const std::uint32_t (&ranges)[kSize], Visit&& visit) {
    for (std::size_t i = 0; i < kSize; i += 2)
      for (std::uint32_t c = ranges[i]; c <= ranges[i + 1]; c++)
        visit(c);
  }
  template <std::size_t kSize>
  void mark(const std::uint32_t (&ranges)[kSize], std::uint8_t bit) {
    each(ranges, [&](std::uint32_t c) { classes_[c] |= bit; });
  }

  typedef std::vector<std::uint32_t> Map;  // where in `results_` what a character becomes begins; 0: it stays

  const std::uint32_t* find(const Map& map, char32_t c) const {
    return c < kMapped && map[c] ? results_.data() + map[c] : nullptr;
  }
  void put(Map& map, std::uint32_t c, std::span<const std::uint32_t> result) {
    map.at(c) = static_cast<std::uint32_t>(results_.size());
    results_.push_back(static_cast<std::uint32_t>(result.size()));
    results_.insert(results_.end(), result.begin(), result.end());
  }
  template <std::size_t kSize>
  void read(const std::uint32_t (&table)[kSize], Map& map) {
    for (std::size_t i = 0; i < kSize;) {
      const std::uint32_t first = table[i], end = first + table[i + 1], length = table[i + 2];
      i += 3;
      for (std::uint32_t c = first; c < end; c++, i += length)
        if (length != 1 || table[i] != c)
          put(map, c, {table + i, length});
    }
  }

  typedef std::unordered_map<std::uint32_t, const std::uint32_t*> Pairs;  // two characters by what they compose to

  Pairs decompose_pairs() {
    Pairs pairs(std::size(kCompose) / 3);
    for (std::size_t i = 0; i < std::size(kCompose); i += 3) {
      is_second_.at(kCompose[i + 1]) = true;
      classes_[kCompose[i + 1]] |= kIsUnsettled;
      pairs[kCompose[i + 2]] = kCompose + i;
    }
    std::vector<std::uint32_t> parts;
    for (const auto& [c, pair] : pairs) {
      parts = {pair[0], pair[1]};
      for (auto first = pairs.find(pair[0]); first != pairs.end(); first = pairs.find(parts[0])) {
        parts[0] = first->second[1];
        parts.insert(parts.begin(), first->second[0]);
      }
      put(decompose_, c, parts);
    }
    return pairs;
  }

  // Folds what kFold lacks: accents go, and of what decomposes the accents; what has none stays composed.
  void fold_canonically(const Pairs& pairs) {
    std::vector<bool> is_accent(kMapped);
    each(kAccents, [&](std::uint32_t c) { is_accent.at(c) = combining_[c] > 0; });
    std::vector<std::uint32_t> kept;
    for (std::uint32_t c = 0; c < kMapped; c++) {
      const std::uint32_t* const parts = decompose(c);
      if (parts == nullptr || fold_[c] != 0)
        continue;
      kept.assign(parts + 1, parts + 1 + parts[0]);
      std::erase_if(kept, [&](std::uint32_t part) { return is_accent[part]; });
      if (kept.size() < parts[0] || !pairs.contains(c))
        put(fold_, c, kept);
    }
    each(kAccents, [&](std::uint32_t c) {
      if (is_accent[c] && fold_[c] == 0)
        put(fold_, c, {});
    });
  }

  std::vector<std::uint8_t> classes_, combining_;
  std::vector<std::uint32_t> results_ = {0};
  Map lower_, fold_, decompose_;
  std::vector<bool> is_second_, is_prefix_, is_pictograph_;
};

inline int width(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// Decodes one character of UTF-8 that Python wrote (so well-formed, surrogates let through) and steps over it.
inline char32_t decode(const char*& p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  const int n = width(u[0]);
  p += n;
  if (n == 1)
    return u[0];
  if (n == 2)
    return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
  if (n == 3)
    return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
  return (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 | (u[3] & 0x3Fu);
}

inline void append(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

inline bool is_ascii(std::string_view text) {
  unsigned char high = 0;
  for (const char c : text)
    high |= static_cast<unsigned char>(c);
  return high < 0x80;
}

// Is the capital sigma at `at` the last letter of a word? Unicode's Final_Sigma, as str.lower() decides it.
inline bool final_sigma(std::string_view text, const char* at) {
  const auto& tables = Tables::get();
  const char* const first = text.data();
  const char* const last = first + text.size();
  char32_t before = 0;
  bool found = false;
  for (const char* p = at; p > first && !found;) {
    do
      p--;
    while ((static_cast<unsigned char>(*p) & 0xC0) == 0x80);
    const char* q = p;
    before = decode(q);
    found = !tables.is(before, kIsIgnorable);
  }
  if (!found || !tables.is(before, kIsCased))
    return false;
  for (const char* p = at + 2; p < last;) {
    const char32_t after = decode(p);
    if (!tables.is(after, kIsIgnorable))
      return !tables.is(after, kIsCased);
  }
  return true;
}

// str.lower(). `out` is replaced.
inline void lower(std::string_view text, std::string& out) {
  if (is_ascii(text)) {
    out.resize(text.size());
    std::transform(text.begin(), text.end(), out.begin(), ascii_lower);
    return;
  }
  const auto& tables = Tables::get();
  out.clear();
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const char* const at = p;
    while (end - p >= 16 && is_ascii({p, 16}))
      p += 16;
    while (p < end && static_cast<unsigned char>(*p) < 0x80)
      p++;
    if (p > at) {
      const std::size_t n = out.size();
      out.append(at, p);
      std::transform(out.begin() + n, out.end(), out.begin() + n, ascii_lower);
      continue;
    }
    const char32_t c = decode(p);
    if (c == 0x3A3)
      append(out, final_sigma(text, at) ? 0x3C2 : 0x3C3);
    else if (const std::uint32_t* mapped = tables.lower(c))
      for (std::uint32_t k = 1; k <= mapped[0]; k++)
        append(out, mapped[k]);
    else
      out.append(at, p);
  }
}

enum class Accents { kKeep, kFold, kAscii };

// The compatibility composition of every character, without accents; what then composes across characters is left to
// `Composer`. kAscii also drops what is not ASCII then. `out` is replaced.
inline void fold(std::string_view text, Accents accents, std::string& out) {
  const auto& tables = Tables::get();
  out.clear();
  const auto put = [&](char32_t c) {
    if (accents == Accents::kFold || c < 0x80)
      append(out, c);
  };
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const char32_t c = decode(p);
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (const std::uint32_t* mapped = tables.fold(c)) {
      for (std::uint32_t k = 1; k <= mapped[0]; k++)
        put(mapped[k]);
    } else {
      put(c);
    }
  }
}

}  // namespace arborank::text::unicode
