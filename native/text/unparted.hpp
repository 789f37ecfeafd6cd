// Whether texts are in a script that is written without spaces between words, and nothing else has parted them.
#pragma once
#include <cstdint>
#include <string_view>

#include "text/unicode.hpp"

namespace arborank::text {

class Unparted {
 public:
  void add(std::string_view word) {
    n_bytes_ += word.size();
    if (static_cast<unsigned char>(word[0]) < 0xE0)
      return;
    const char* p = word.data();
    const char32_t c = unicode::decode(p);
    if (is_syllabic(c))
      syllabic_.add(word);
    else if (is_lettered(c))
      lettered_.add(word);
  }

  Unparted& operator+=(const Unparted& other) {
    n_bytes_ += other.n_bytes_;
    syllabic_ += other.syllabic_;
    lettered_ += other.lettered_;
    return *this;
  }

  // The share of all bytes that is in such words. Parted texts have words of 2 to 3 characters in Chinese and Japanese,
  // and of 4 to 7 in Thai, Lao, Khmer and Burmese, where vowels and tones are characters, too.
  double share() const {
    const double bytes =
        (syllabic_.is_longer_than(3.5) ? syllabic_.n_bytes : 0) + (lettered_.is_longer_than(9) ? lettered_.n_bytes : 0);
    return n_bytes_ ? bytes / static_cast<double>(n_bytes_) : 0;
  }

 private:
  struct Words {
    std::uint64_t n = 0, n_bytes = 0;
    void add(std::string_view word) {
      n++;
      n_bytes += word.size();
    }
    void operator+=(const Words& other) {
      n += other.n;
      n_bytes += other.n_bytes;
    }
    bool is_longer_than(double mean) const { return static_cast<double>(n_bytes) > 3 * mean * static_cast<double>(n); }
  };

  // Scripts with a character a syllable or more: Hiragana, Han, Yi, Tangut, Nushu. Katakana is left out: words of
  // foreign origin are long.
  static bool is_syllabic(char32_t c) {
    return (c >= 0x3041 && c < 0x3097) || (c >= 0x3400 && c < 0x4DC0) || (c >= 0x4E00 && c < 0xA4D0) ||
           (c >= 0xF900 && c < 0xFB00) || (c >= 0x17000 && c < 0x18D80) || (c >= 0x1B170 && c < 0x1B300) ||
           (c >= 0x20000 && c < 0x32000);
  }
  // Scripts with several characters a syllable: Thai and Lao, Burmese, Khmer, Tai Le and New Tai Lue, Tai Tham,
  // Balinese, Bopomofo, Javanese and more of Burmese, Tai Viet. Sundanese has spaces.
  static bool is_lettered(char32_t c) {
    return (c >= 0xE01 && c < 0xF00) || (c >= 0x1000 && c < 0x10A0) || (c >= 0x1780 && c < 0x1800) ||
           (c >= 0x1950 && c < 0x19E0) || (c >= 0x1A20 && c < 0x1AB0) || (c >= 0x1B00 && c < 0x1B80) ||
           (c >= 0x3105 && c < 0x3130) || (c >= 0xA980 && c < 0xAA00) || (c >= 0xAA60 && c < 0xAAE0);
  }

  std::uint64_t n_bytes_ = 0;
  Words syllabic_, lettered_;
};

}  // namespace arborank::text
