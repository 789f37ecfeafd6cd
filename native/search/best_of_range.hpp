// The labels of a range with the highest counts, found without looking at all of it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace arborank::search {

// Blocks of labels know their best ones; larger blocks, `kFactor` smaller ones each, do too.
template <class Count>
class BestOfRange {
 public:
  BestOfRange() = default;

  // Of labels from 0 to before n, those that `counts` gives more than 0 and `left_out(label)` is not true for.
  template <class LeftOut>
  BestOfRange(const Count* counts, std::int64_t n, LeftOut&& left_out) : counts_(counts) {
    std::vector<Counted> found;
    for (std::int64_t size = kBlock; size < n; size *= kFactor) {
      Level level{size, {0}, {}};
      for (std::int64_t begin = 0; begin + size <= n; begin += size) {
        found.clear();
        if (levels_.empty())
          add(begin, begin + size, left_out, found);
        else
          for (std::int64_t block = begin / levels_.back().size; block < (begin + size) / levels_.back().size; block++)
            add(levels_.back(), block, kKept, found);
        keep(found, kKept);
        level.best.insert(level.best.end(), found.begin(), found.end());
        level.bounds.push_back(static_cast<std::int64_t>(level.best.size()));
      }
      levels_.push_back(std::move(level));
    }
  }

  // The `k` labels with the highest counts, the highest first; among equals the first.
  template <class LeftOut>
  std::vector<std::int64_t> best(std::int64_t first, std::int64_t end, std::int64_t k, LeftOut&& left_out) const {
    std::vector<Counted> found;
    if (k > kKept)
      add(first, end, left_out, found);
    else
      collect(first, end, k, static_cast<int>(levels_.size()) - 1, left_out, found);
    keep(found, k);
    std::vector<std::int64_t> ids;
    for (const Counted& one : found)
      ids.push_back(one.second);
    return ids;
  }

 private:
  static constexpr std::int64_t kBlock = 256, kFactor = 8, kKept = 32;

  using Counted = std::pair<Count, std::int64_t>;  // a label behind its count

  struct Level {
    std::int64_t size;
    std::vector<std::int64_t> bounds;  // of each block in `best`
    std::vector<Counted> best;
  };

  template <class LeftOut>
  void add(std::int64_t first, std::int64_t end, LeftOut&& left_out, std::vector<Counted>& found) const {
    for (std::int64_t i = first; i < end; i++)
      if (counts_[i] > 0 && !left_out(i))
        found.emplace_back(counts_[i], i);
  }

  static void add(const Level& level, std::int64_t block, std::int64_t k, std::vector<Counted>& found) {
    const auto begin = level.best.begin() + level.bounds[block];
    found.insert(found.end(), begin, begin + std::min(k, level.bounds[block + 1] - level.bounds[block]));
  }

  // What whole blocks of a level cover by them, the rest by the levels below.
  template <class LeftOut>
  void collect(std::int64_t first, std::int64_t end, std::int64_t k, int at, LeftOut&& left_out,
               std::vector<Counted>& found) const {
    if (first >= end)
      return;
    if (at < 0)
      return add(first, end, left_out, found);
    const std::int64_t size = levels_[at].size, low = (first + size - 1) / size, high = end / size;
    if (low >= high)
      return collect(first, end, k, at - 1, left_out, found);
    collect(first, low * size, k, at - 1, left_out, found);
    for (std::int64_t block = low; block < high; block++)
      add(levels_[at], block, k, found);
    collect(high * size, end, k, at - 1, left_out, found);
  }

  static void keep(std::vector<Counted>& found, std::int64_t k) {
    const auto n = std::min<std::int64_t>(k, found.size());
    std::partial_sort(found.begin(), found.begin() + n, found.end(), [](const Counted& a, const Counted& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    found.resize(n);
  }

  const Count* counts_ = nullptr;
  std::vector<Level> levels_;
};

}  // namespace arborank::search
