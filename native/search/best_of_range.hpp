// The labels of a range with the highest counts, found without looking at all of it.
#pragma once
#include <algorithm>
#include <cstdint>
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
    std::vector<std::int64_t> ids;
    for (std::int64_t size = kBlock; size < n; size *= kFactor) {
      Level level{size, {0}, {}};
      for (std::int64_t begin = 0; begin + size <= n; begin += size) {
        ids.clear();
        if (levels_.empty())
          add(begin, begin + size, left_out, ids);
        else
          for (std::int64_t block = begin / levels_.back().size; block < (begin + size) / levels_.back().size; block++)
            add(levels_.back(), block, kKept, ids);
        keep(ids, kKept);
        level.ids.insert(level.ids.end(), ids.begin(), ids.end());
        level.bounds.push_back(static_cast<std::int64_t>(level.ids.size()));
      }
      levels_.push_back(std::move(level));
    }
  }

  // The `k` labels with the highest counts, the highest first; among equals the first.
  template <class LeftOut>
  std::vector<std::int64_t> best(std::int64_t first, std::int64_t end, std::int64_t k, LeftOut&& left_out) const {
    std::vector<std::int64_t> ids;
    if (k > kKept)
      add(first, end, left_out, ids);
    else
      collect(first, end, k, static_cast<int>(levels_.size()) - 1, left_out, ids);
    keep(ids, k);
    return ids;
  }

 private:
  static constexpr std::int64_t kBlock = 256, kFactor = 8, kKept = 32;

  struct Level {
    std::int64_t size;
    std::vector<std::int64_t> bounds;  // of each block in `ids`
    std::vector<std::int64_t> ids;
  };

  template <class LeftOut>
  void add(std::int64_t first, std::int64_t end, LeftOut&& left_out, std::vector<std::int64_t>& ids) const {
    for (std::int64_t i = first; i < end; i++)
      if (counts_[i] > 0 && !left_out(i))
        ids.push_back(i);
  }

  static void add(const Level& level, std::int64_t block, std::int64_t k, std::vector<std::int64_t>& ids) {
    const auto begin = level.ids.begin() + level.bounds[block];
    ids.insert(ids.end(), begin, begin + std::min(k, level.bounds[block + 1] - level.bounds[block]));
  }

  // What whole blocks of a level cover by them, the rest by the levels below.
  template <class LeftOut>
  void collect(std::int64_t first, std::int64_t end, std::int64_t k, int at, LeftOut&& left_out,
               std::vector<std::int64_t>& ids) const {
    if (first >= end)
      return;
    if (at < 0)
      return add(first, end, left_out, ids);
    const std::int64_t size = levels_[at].size, low = (first + size - 1) / size, high = end / size;
    if (low >= high)
      return collect(first, end, k, at - 1, left_out, ids);
    collect(first, low * size, k, at - 1, left_out, ids);
    for (std::int64_t block = low; block < high; block++)
      add(levels_[at], block, k, ids);
    collect(high * size, end, k, at - 1, left_out, ids);
  }

  void keep(std::vector<std::int64_t>& ids, std::int64_t k) const {
    const auto n = std::min<std::int64_t>(k, ids.size());
    std::partial_sort(ids.begin(), ids.begin() + n, ids.end(), [&](std::int64_t a, std::int64_t b) {
      return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : a < b;
    });
    ids.resize(n);
  }

  const Count* counts_ = nullptr;
  std::vector<Level> levels_;
};

}  // namespace arborank::search
