// Which of many sorted strings begin with nearly what was typed.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "text/strings.hpp"

namespace arborank::text {

struct Near {
  std::int64_t first, end;
  int errors;
};

// A walk through the trie that sorted strings are. At every node it knows the distances (characters too many, too few,
// wrong, or swapped with the next; optimal string alignment) of its path to all beginnings of what was typed.
template <class Sorted>
class NearSearch {
 public:
  NearSearch(const Sorted& strings, std::string_view typed, int most) : strings_(strings), most_(most) {
    while (!typed.empty()) {
      const std::string_view one = character(typed);
      typed_.push_back(one);
      typed.remove_prefix(one.size());
    }
  }

  // Of the first `n` strings, runs of those that begin with what was typed up to `most` errors behind the first
  // character, in order, each with the fewest errors.
  std::vector<Near> search(std::int64_t n) {
    if (typed_.empty())
      return {};
    const std::string_view head = typed_.front();
    const auto [first, end] = starting_with(strings_, head, 0, n);
    typed_.erase(typed_.begin());
    Row row(typed_.size() + 1);
    for (std::size_t j = 0; j < row.size(); j++)
      row[j] = static_cast<int>(j);
    if (first < end)
      walk(first, end, head.size(), {}, row, {}, row.back());
    return std::move(found_);
  }

 private:
  using Row = std::vector<int>;
  static constexpr std::int64_t kNodes = 1 << 18;  // of a walk, at most

  // A character of UTF-8 at the beginning; of damaged text, a byte.
  static std::string_view character(std::string_view text) {
    std::size_t n = 1;
    while (n < std::min<std::size_t>(text.size(), 4) && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80)
      n++;
    return text.substr(0, n);
  }

  std::string_view rest(std::int64_t i, std::size_t depth) const {
    const std::string_view whole = strings_.at(i);
    return whole.substr(std::min(depth, whole.size()));  // damaged strings may be in any order
  }

  // Strings of a run have the same beginning of `depth` bytes, the last character of which is `last`, with distances
  // `row`; `before` are those of the character before. `best` is the least distance of the whole on this path.
  void walk(std::int64_t first, std::int64_t end, std::size_t depth, std::string_view last, const Row& row,
            const Row& before, int best) {
    const std::int64_t begin = first;
    while (first < end && strings_.at(first).size() <= depth)
      first++;
    add(begin, first, best);
    while (first < end && nodes_++ < kNodes) {
      const std::string_view next = character(rest(first, depth));
      const auto stop = behind(first, end, depth, next);
      const Row to = step(next, last, row, before);
      const int least = std::min(best, to.back()), ahead = *std::min_element(to.begin(), to.end());
      if (ahead > most_ || ahead >= least)
        add(first, stop, least);
      else
        walk(first, stop, depth + next.size(), next, to, row, least);
      first = stop;
    }
  }

  Row step(std::string_view next, std::string_view last, const Row& row, const Row& before) const {
    Row to(row.size());
    to[0] = row[0] + 1;
    for (std::size_t j = 1; j < row.size(); j++) {
      to[j] = std::min({row[j] + 1, to[j - 1] + 1, row[j - 1] + (typed_[j - 1] == next ? 0 : 1)});
      if (j > 1 && !before.empty() && typed_[j - 2] == next && typed_[j - 1] == last)
        to[j] = std::min(to[j], before[j - 2] + 1);
    }
    return to;
  }

  // The first string of a run, which is not empty, that goes on otherwise.
  std::int64_t behind(std::int64_t first, std::int64_t end, std::size_t depth, std::string_view next) const {
    const auto stays = [&](std::int64_t i) { return rest(i, depth).substr(0, next.size()) == next; };
    std::int64_t step = 1;
    while (first + step < end && stays(first + step))
      step *= 2;
    std::int64_t low = first + step / 2, high = std::min(first + step, end);
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (stays(middle) ? low : high) = middle;
    }
    return high;
  }

  void add(std::int64_t first, std::int64_t end, int errors) {
    if (first == end || errors > most_)
      return;
    if (!found_.empty() && found_.back().end == first && found_.back().errors == errors)
      found_.back().end = end;
    else
      found_.push_back({first, end, errors});
  }

  const Sorted& strings_;
  std::vector<std::string_view> typed_;
  int most_;
  std::int64_t nodes_ = 0;
  std::vector<Near> found_;
};

}  // namespace arborank::text
