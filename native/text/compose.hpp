// The composed form of Unicode (NFC), without invisible characters and with a space for a zero-width one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode.hpp"

namespace arborank::text::unicode {

// What two characters compose to, or 0.
inline char32_t composed(char32_t first, char32_t second) {
  if (first >= 0x1100 && first < 0x1113 && second >= 0x1161 && second < 0x1176)
    return 0xAC00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28;
  if (first >= 0xAC00 && first < 0xD7A4 && (first - 0xAC00) % 28 == 0 && second > 0x11A7 && second < 0x11C3)
    return first + (second - 0x11A7);
  if (!Tables::get().is_second(second))
    return 0;
  std::size_t low = 0, high = std::size(kCompose) / 3;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const std::uint32_t* const pair = kCompose + 3 * middle;
    if (pair[0] == first && pair[1] == second)
      return pair[2];
    if (pair[0] < first || (pair[0] == first && pair[1] < second))
      low = middle + 1;
    else
      high = middle;
  }
  return 0;
}

class Composer {
 public:
  // Composes `text`; with `visible`, it also drops invisible characters and makes zero-width spaces spaces. A text that
  // is so already is left alone: then this is false, and `out` is not written.
  bool compose(std::string_view text, bool visible, std::string& out) {
    const auto& tables = Tables::get();
    const char* const end = text.data() + text.size();
    const char* done = text.data();     // what is before is in `out`, if anything was changed
    const char* starter = text.data();  // where the last character began that others may compose with
    char32_t before = 0;                // the character before
    bool marked = false;                // whether it is a mark
    bool changed = false;
    for (const char* p = text.data(); p < end;) {
      const char* at = p;
      if (static_cast<unsigned char>(*p) < 0x80) {
        while (end - p >= 16 && is_ascii({p, 16}))
          p += 16;
        while (p < end && static_cast<unsigned char>(*p) < 0x80)
          p++;
        starter = p - 1;
        before = static_cast<unsigned char>(*starter);
        marked = false;
        continue;
      }
      const char32_t c = decode(p);
      if (!tables.is(c, kIsUnsettled) || (!marked && stays(before, c, visible, tables))) {
        before = c;
        marked = tables.combining(c) > 0;
        starter = marked ? starter : at;
        continue;
      }
      points_.clear();
      for (const char* q = starter; q < p;)
        add(decode(q), visible, tables);
      for (; p < end; p = at) {
        at = p;
        const char32_t next = decode(at);
        if (!tables.is(next, kIsUnsettled))
          break;
        add(next, visible, tables);
      }
      reorder();
      join();
      piece_.clear();
      for (const Point point : points_)
        append(piece_, point.c);
      if (piece_ != std::string_view(starter, p)) {
        if (!changed)
          out.clear();
        changed = true;
        out.append(done, starter);
        out.append(piece_);
        done = p;
      }
      starter = p;
      before = 0;
      marked = false;
    }
    if (changed)
      out.append(done, end);
    return changed;
  }

 private:
  struct Point {
    char32_t c;
    std::uint8_t combining;
  };

  // Is c, behind a character that is no mark, as it is in composed text? True for most marks, it spares the way below.
  static bool stays(char32_t before, char32_t c, bool visible, const Tables& tables) {
    return !(visible && (c == 0x200B || tables.is(c, kIsInvisible))) && !tables.decompose(before) &&
           !tables.decompose(c) && !composed(before, c);
  }

  void add(char32_t c, bool visible, const Tables& tables) {
    if (visible && tables.is(c, kIsInvisible))
      return;
    if (visible && c == 0x200B)
      c = ' ';
    if (const std::uint32_t* parts = tables.decompose(c))
      for (std::uint32_t k = 1; k <= parts[0]; k++)
        points_.push_back({parts[k], tables.combining(parts[k])});
    else
      points_.push_back({c, tables.combining(c)});
  }

  // Marks on one letter stand in the order of their classes.
  void reorder() {
    const auto before = [](Point a, Point b) { return a.combining < b.combining; };
    for (auto first = points_.begin(); first != points_.end();) {
      const auto last = std::find_if(first + 1, points_.end(), [](Point p) { return p.combining == 0; });
      if (!std::is_sorted(first, last, before))
        std::stable_sort(first, last, before);
      first = last;
    }
  }

  void join() {
    std::size_t n = 0, letter = 0;
    bool found = false;           // whether there is a letter
    std::uint8_t combining = 0;   // of the last mark kept behind it
    for (const Point point : points_) {
      const bool open = found && (n == letter + 1 || (combining && combining < point.combining));
      if (const char32_t c = open ? composed(points_[letter].c, point.c) : 0) {
        points_[letter].c = c;
        continue;
      }
      if (point.combining == 0) {
        letter = n;
        found = true;
      }
      combining = point.combining;
      points_[n++] = point;
    }
    points_.resize(n);
  }

  std::vector<Point> points_;
  std::string piece_;
};

}  // namespace arborank::text::unicode
