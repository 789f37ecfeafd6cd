// Text to n-grams. A text is normalised into a buffer in which every n-gram is one contiguous piece of bytes: words
// are joined by single spaces, white space is collapsed, and for char_wb every word has a space on both sides.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "text/compose.hpp"
#include "text/graphemes.hpp"
#include "text/runs.hpp"
#include "text/unicode.hpp"

namespace arborank::text {

enum class Analyzer { kWord, kChar, kCharWb };
enum class Tokens { kWord2, kWord1, kWhitespace, kSklearn };

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
  bool compose = true;     // to NFC, without invisible characters
  bool positions = false;  // rows hold every occurrence with its position, in place of counts
  bool graphemes = false;  // kChar: what a reader takes for one character is one, of however many code points
  StopWords stop_words;
};

// Offsets are 32-bit; lower-casing and folding make a text at most 12 times longer.
constexpr std::size_t kLongestText = std::size_t{1} << 28;

// Uninitialised memory that is kept for the next text.
template <class T>
class Scratch {
 public:
  T* get(std::size_t n) {
    if (n > size_) {
      size_ = std::max(n, size_ + size_ / 2);
      data_ = std::make_unique_for_overwrite<T[]>(size_);
    }
    return data_.get();
  }
  T* data() const { return data_.get(); }

 private:
  std::unique_ptr<T[]> data_;
  std::size_t size_ = 0;
};

// Working memory to analyse one text after another.
class Analysis {
 public:
  void analyse(std::string_view text, const TextOptions& options) {
    if (options.lowercase)
      unicode::lower(text, text_);
    else
      text_.assign(text);
    if ((options.compose || options.accents != unicode::Accents::kKeep) && !unicode::is_ascii(text_))
      unify(options);
    const std::size_t n = text_.size();
    text_.append(kPadding, '\0');
    out_ = bytes_.get(2 * n + 2 + kPadding);  // every word may get two spaces
    start_ = starts_.get(options.analyzer == Analyzer::kWord ? n / 2 + 2 : 2 * n + 2);
    word_ = words_.get(options.analyzer == Analyzer::kCharWb ? n / 2 + 2 : 1);
    if (options.analyzer == Analyzer::kWord)
      split_words(n, options);
    else if (options.analyzer == Analyzer::kChar)
      split_characters(n, options.graphemes);
    else
      split_characters_of_words(n);
    *word_ = static_cast<std::uint32_t>(start_ - starts_.data());
    *start_ = position(out_);
  }

  // The normalised text; `kPadding` bytes after its end may be read.
  const char* bytes() const { return bytes_.data(); }

  // visit(word) for every word of kWord, stop words left out.
  template <class Visit>
  void each_word(Visit&& visit) const {
    for (const std::uint32_t* start = starts_.data(); start < start_; start++)
      visit(std::string_view(bytes() + start[0], start[1] - start[0] - 1));
  }

  // emit(start, length, position) for every n-gram, as often as it occurs, equal ones by ascending position.
  template <class Emit>
  void each(const TextOptions& options, Emit&& emit) const {
    const std::uint32_t* const starts = starts_.data();
    const auto n_starts = static_cast<std::int64_t>(start_ - starts);
    const int joint = options.analyzer == Analyzer::kWord ? 1 : 0;  // the space after a word
    if (options.analyzer != Analyzer::kCharWb) {
      for (std::int64_t n = options.min_n; n <= std::min<std::int64_t>(options.max_n, n_starts); n++)
        for (std::int64_t i = 0; i + n <= n_starts; i++)
          emit(starts[i], starts[i + n] - starts[i] - joint, static_cast<std::uint32_t>(i));
      return;
    }
    for (const std::uint32_t* word = words_.data(); word < word_; word++) {
      const std::int64_t first = word[0], last = word[1];
      for (std::int64_t n = options.min_n; n <= options.max_n; n++) {
        if (n >= last - first) {  // a word shorter than n counts once, whole
          emit(starts[first], starts[last] - starts[first], static_cast<std::uint32_t>(first));
          break;
        }
        for (std::int64_t i = first; i + n <= last; i++)
          emit(starts[i], starts[i + n] - starts[i], static_cast<std::uint32_t>(i));
      }
    }
  }

 private:
  std::uint32_t position(const char* at) const { return static_cast<std::uint32_t>(at - bytes_.data()); }
  static bool is_first(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }  // byte of a character
  static bool is_one_character(const char* p, std::size_t n_bytes) {
    return unicode::width(static_cast<unsigned char>(*p)) == static_cast<int>(n_bytes);
  }

  void unify(const TextOptions& options) {
    const auto compose = [&](bool visible) {
      if (composer_.compose(text_, visible, other_))
        text_.swap(other_);
    };
    if (options.compose)
      compose(true);
    if (options.accents == unicode::Accents::kKeep)
      return;
    unicode::fold(text_, options.accents, other_);
    text_.swap(other_);
    if (options.accents == unicode::Accents::kFold)
      compose(false);
  }

  // Copies whole pieces; what stands after the n bytes is overwritten by the next word or is padding.
  void copy(const char* from, std::size_t n) {
    for (std::size_t i = 0; i < n; i += 16)
      std::memcpy(out_ + i, from + i, 16);
    out_ += n;
  }
  void copy_characters(const char* from, std::size_t n) {
    std::uint32_t at = position(out_);
    for (std::size_t i = 0; i < n; i++) {
      *start_ = at++;
      start_ += is_first(from[i]);
    }
    copy(from, n);
  }

  void copy_graphemes(const char* from, std::size_t n) {
    const std::uint32_t at = position(out_);
    unicode::each_grapheme(from, n, [&](std::size_t first) { *start_++ = at + static_cast<std::uint32_t>(first); });
    copy(from, n);
  }

  void split_words(std::size_t n, const TextOptions& options) {
    const bool two = options.tokens == Tokens::kWord2 || options.tokens == Tokens::kSklearn;
    const bool marked = options.tokens == Tokens::kWord2 || options.tokens == Tokens::kWord1;
    const bool stopped = !options.stop_words.empty();
    const auto runs = options.tokens == Tokens::kWhitespace ? unicode::Runs::kNoSpace
                      : marked                              ? unicode::Runs::kMarkedWord
                                                            : unicode::Runs::kWord;
    const char* const text = text_.data();
    unicode::each_run(text, n, runs, [&](std::size_t first, std::size_t end) {
      std::string_view word(text + first, end - first);
      if (marked)
        word = unicode::without_stray_marks(word);
      if (word.empty() || (two && is_one_character(word.data(), word.size())) ||
          (stopped && options.stop_words.contains(word)))
        return;
      *start_++ = position(out_);
      copy(word.data(), word.size());
      *out_++ = ' ';
    });
  }

  // Two or more spaces of any kind become one; a single one stays what it is, as in scikit-learn.
  void split_characters(std::size_t n, bool graphemes) {
    const char* const text = text_.data();
    const auto put_space = [&](std::size_t first, std::size_t end) {
      if (first == end)
        return;
      if (is_one_character(text + first, end - first)) {
        copy_characters(text + first, end - first);
      } else {
        *start_++ = position(out_);
        *out_++ = ' ';
      }
    };
    std::size_t done = 0;
    unicode::each_run(text, n, unicode::Runs::kNoSpace, [&](std::size_t first, std::size_t end) {
      put_space(done, first);
      if (graphemes)
        copy_graphemes(text + first, end - first);
      else
        copy_characters(text + first, end - first);
      done = end;
    });
    put_space(done, n);
  }

  void split_characters_of_words(std::size_t n) {
    const char* const text = text_.data();
    unicode::each_run(text, n, unicode::Runs::kNoSpace, [&](std::size_t first, std::size_t end) {
      *word_++ = static_cast<std::uint32_t>(start_ - starts_.data());
      *start_++ = position(out_);
      *out_++ = ' ';
      copy_characters(text + first, end - first);
      *start_++ = position(out_);
      *out_++ = ' ';
    });
  }

  std::string text_, other_;
  unicode::Composer composer_;
  Scratch<char> bytes_;
  Scratch<std::uint32_t> starts_;  // of words, or of characters; and the end
  Scratch<std::uint32_t> words_;   // char_wb: the first character of every word; and the end
  char* out_ = nullptr;
  std::uint32_t *start_ = nullptr, *word_ = nullptr;
};

}  // namespace arborank::text
