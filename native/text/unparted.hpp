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
    if (is_east(c))
      east_.add(word);
    else if (is_southeast(c))
      southeast_.add(word);
  }

  Unparted& operator+=(const Unparted& other) {
    n_bytes_ += other.n_bytes_;
    east_ += other.east_;
    southeast_ += other.southeast_;
    return *this;
  }

  // The share of all bytes that is in such words. Parted texts have words of 2 to 3 characters in Chinese and Japanese,
  // and of 4 to 7 in Thai, Lao, Khmer and Burmese, where vowels and tones are characters, too.
  double share() const {
    const double bytes =
        (east_.is_longer_than(3.5) ? east_.n_bytes : 0) + (southeast_.is_longer_than(9) ? southeast_.n_bytes : 0);
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

  // Katakana is left out: words of foreign origin are long.
  static bool is_east(char32_t c) {
    return (c >= 0x3041 && c < 0x3097) || (c >= 0x3400 && c < 0x4DC0) || (c >= 0x4E00 && c < 0xA000) ||
           (c >= 0xF900 && c < 0xFB00) || (c >= 0x20000 && c < 0x32000);
  }
  static bool is_southeast(char32_t c) {
    return (c >= 0xE01 && c < 0xF00) || (c >= 0x1000 && c < 0x10A0) || (c >= 0x1780 && c < 0x1800);
  }

  std::uint64_t n_bytes_ = 0;
  Words east_, southeast_;
};

}  // namespace arborank::text
