// Text to n-grams. A text is normalised into a buffer in which every n-gram is one contiguous piece of bytes: words
// are joined by single spaces, white space is collapsed, and for char_wb every word has a space on both sides.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "unicode.hpp"

namespace arborank {

enum class Analyzer { kWord, kChar, kCharWb };
enum class Tokens { kWord2, kWord1, kWhitespace };

struct TransparentHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
using StopWords = std::unordered_set<std::string, TransparentHash, std::equal_to<>>;

struct TextOptions {
  Analyzer analyzer = Analyzer::kWord;
  Tokens tokens = Tokens::kWord2;
  int min_n = 1;
  int max_n = 1;
  bool lowercase = true;
  unicode::Accents accents = unicode::Accents::kKeep;
  bool positions = false;  // rows hold every occurrence with its position, in place of counts
  StopWords stop_words;
};

// Offsets are 32-bit; lower-casing and folding make a text at most 12 times longer.
constexpr std::size_t kLongestText = std::size_t{1} << 28;
constexpr std::size_t kPadding = 8;  // readable bytes after the buffer, for word-wise hashing

// Working memory to analyse one text after another.
class Analysis {
 public:
  void analyse(std::string_view text, const TextOptions& options) {
    if (options.lowercase) {
      unicode::lower(text, lowered_);
      text = lowered_;
    }
    if (options.accents != unicode::Accents::kKeep && !unicode::is_ascii(text)) {
      unicode::fold(text, options.accents, folded_);
      text = folded_;
    }
    bytes_.resize(2 * text.size() + 2 + kPadding);  // every word may get two spaces
    starts_.clear();
    words_.clear();
    out_ = bytes_.data();
    const char* const end = text.data() + text.size();
    if (options.analyzer == Analyzer::kChar)
      split_characters(text.data(), end);
    else
      split_words(text.data(), end, options);
    starts_.push_back(position());
    words_.push_back(static_cast<std::uint32_t>(starts_.size() - 1));
  }

  const char* bytes() const { return bytes_.data(); }

  // emit(start, length, position) for every n-gram, as often as it occurs, equal ones by ascending position.
  template <class Emit>
  void each(const TextOptions& options, Emit&& emit) const {
    const auto n_starts = static_cast<std::int64_t>(starts_.size()) - 1;
    const int joint = options.analyzer == Analyzer::kWord ? 1 : 0;  // the space after a word
    if (options.analyzer != Analyzer::kCharWb) {
      for (std::int64_t n = options.min_n; n <= std::min<std::int64_t>(options.max_n, n_starts); n++)
        for (std::int64_t i = 0; i + n <= n_starts; i++)
          emit(starts_[i], starts_[i + n] - starts_[i] - joint, static_cast<std::uint32_t>(i));
      return;
    }
    for (std::size_t w = 0; w + 1 < words_.size(); w++) {
      const std::int64_t first = words_[w], last = words_[w + 1];
      for (std::int64_t n = options.min_n; n <= options.max_n; n++) {
        if (n >= last - first) {  // a word shorter than n counts once, whole
          emit(starts_[first], starts_[last] - starts_[first], static_cast<std::uint32_t>(first));
          break;
        }
        for (std::int64_t i = first; i + n <= last; i++)
          emit(starts_[i], starts_[i + n] - starts_[i], static_cast<std::uint32_t>(i));
      }
    }
  }

 private:
  std::uint32_t position() const { return static_cast<std::uint32_t>(out_ - bytes_.data()); }

  // Copies the character at p and steps over it.
  void copy(const char*& p) {
    const int n = unicode::width(static_cast<unsigned char>(*p));
    for (int k = 0; k < n; k++)
      *out_++ = *p++;
  }

  static std::uint8_t classes(const char* p) {
    struct Ascii {
      std::uint8_t of[128] = {};
      constexpr Ascii() {
        for (int c = '0'; c <= '9'; c++)
          of[c] = unicode::kIsWord;
        for (int c = 'a'; c <= 'z'; c++)
          of[c] = of[c - 32] = unicode::kIsWord;
        of[int{'_'}] = unicode::kIsWord;
        for (int c : {9, 10, 11, 12, 13, 28, 29, 30, 31, 32})
          of[c] = unicode::kIsSpace;
      }
    };
    static constexpr Ascii ascii;
    const auto u = static_cast<unsigned char>(*p);
    if (u < 0x80)
      return ascii.of[u];
    const auto& tables = unicode::Tables::get();
    const char32_t c = unicode::decode(p);
    return static_cast<std::uint8_t>((tables.is(c, unicode::kIsWord) ? unicode::kIsWord : 0) |
                                     (tables.is(c, unicode::kIsSpace) ? unicode::kIsSpace : 0));
  }

  // Two or more spaces of any kind become one; a single one stays what it is, as in scikit-learn.
  void split_characters(const char* p, const char* end) {
    while (p < end) {
      starts_.push_back(position());
      const bool space = classes(p) & unicode::kIsSpace;
      char* const single = out_;
      copy(p);
      if (!space || p == end || !(classes(p) & unicode::kIsSpace))
        continue;
      out_ = single;
      *out_++ = ' ';
      while (p < end && classes(p) & unicode::kIsSpace)
        p += unicode::width(static_cast<unsigned char>(*p));
    }
  }

  void split_words(const char* p, const char* end, const TextOptions& options) {
    const bool boundaries = options.analyzer == Analyzer::kCharWb;
    const bool by_space = boundaries || options.tokens == Tokens::kWhitespace;
    const int shortest = !by_space && options.tokens == Tokens::kWord2 ? 2 : 1;
    const std::uint8_t wanted = by_space ? unicode::kIsSpace : unicode::kIsWord;
    const std::uint8_t inside = by_space ? 0 : unicode::kIsWord;
    while (true) {
      while (p < end && (classes(p) & wanted) != inside)
        p += unicode::width(static_cast<unsigned char>(*p));
      if (p >= end)
        return;
      char* const first = out_;
      const std::size_t n_starts = starts_.size();
      if (boundaries) {
        words_.push_back(static_cast<std::uint32_t>(n_starts));
        starts_.push_back(position());
        *out_++ = ' ';
      } else {
        starts_.push_back(position());
      }
      int length = 0;
      for (; p < end && (classes(p) & wanted) == inside; length++) {
        if (boundaries)
          starts_.push_back(position());
        copy(p);
      }
      if (length < shortest || (!options.stop_words.empty() &&
                                options.stop_words.contains(std::string_view(first, out_ - first)))) {
        out_ = first;
        starts_.resize(n_starts);
        continue;
      }
      if (boundaries)
        starts_.push_back(position());
      *out_++ = ' ';
    }
  }

  std::string lowered_, folded_;
  std::vector<char> bytes_;
  char* out_ = nullptr;
  std::vector<std::uint32_t> starts_;  // of words, or of characters; and the end
  std::vector<std::uint32_t> words_;   // char_wb: the first character of every word; and the end
};

}  // namespace arborank
