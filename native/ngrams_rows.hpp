// Counts to TF-IDF rows: weighting, normalising, and joining the parts of a union into one CSR matrix.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ngrams_table.hpp"

namespace arborank {

enum class Norm { kNone, kL1, kL2 };

struct Weighting {
  bool binary = false;
  bool sublinear = false;
  Norm norm = Norm::kNone;
  const double* idf = nullptr;  // n_terms, or none
  const double* positions = nullptr;  // weights by position, the last for all beyond; none: entries hold counts
  std::uint32_t n_positions = 0;
  double weight = 1;            // of this part in its union
};

inline void normalise(double* values, std::size_t n, Norm norm) {
  double sum = 0;
  if (norm == Norm::kL1)
    for (std::size_t i = 0; i < n; i++)
      sum += std::abs(values[i]);
  else if (norm == Norm::kL2)
    for (std::size_t i = 0; i < n; i++)
      sum += values[i] * values[i];
  if (sum == 0)
    return;
  const double length = norm == Norm::kL2 ? std::sqrt(sum) : sum;
  for (std::size_t i = 0; i < n; i++)
    values[i] /= length;
}

// Scratch of one thread.
class RowMaker {
 public:
  std::vector<Entry> entries;  // of the part at hand: ascending ids, each once; or ascending occurrences

  // Sorts ids and counts equal ones: the row of one part as `entries`.
  void count(std::vector<std::uint32_t>& ids) {
    sort(ids, [](std::uint32_t id) { return id; }, scratch_);
    entries.clear();
    for (const std::uint32_t id : ids)
      if (!entries.empty() && entries.back().id == id)
        entries.back().count++;
      else
        entries.push_back({id, 1});
  }
  // Those of one id must stand in ascending order already.
  void order() {
    sort(entries, [](Entry e) { return e.id; }, entry_scratch_);
  }

  void start() {
    columns.clear();
    values_.clear();
  }
  // Adds the part in `entries`; its columns come after those of the parts before.
  void add(const Weighting& w, std::int64_t first_column) {
    const std::size_t before = values_.size();
    const auto put = [&](std::uint32_t id, double value) {
      columns.push_back(static_cast<std::int32_t>(first_column + id));
      values_.push_back(w.idf ? value * w.idf[id] : value);
    };
    if (w.positions)
      for (std::size_t i = 0; i < entries.size();) {
        const std::uint32_t id = entries[i].id;
        const std::size_t first = i;
        double sum = 0;
        for (; i < entries.size() && entries[i].id == id; i++)
          sum += w.positions[std::min(entries[i].count, w.n_positions - 1)];
        const auto count = static_cast<double>(i - first);
        put(id, sum / count * frequency(w, count));
      }
    else
      for (const Entry e : entries)
        put(e.id, frequency(w, e.count));
    normalise(values_.data() + before, values_.size() - before, w.norm);
    if (w.weight != 1)
      for (std::size_t i = before; i < values_.size(); i++)
        values_[i] *= w.weight;
  }
  void finish(Norm norm, std::int32_t* indices, float* data) {
    normalise(values_.data(), values_.size(), norm);
    std::copy(columns.begin(), columns.end(), indices);
    for (std::size_t i = 0; i < values_.size(); i++)
      data[i] = static_cast<float>(values_[i]);
  }

  std::vector<std::int32_t> columns;

 private:
  static double frequency(const Weighting& w, double count) {
    if (w.binary)
      return 1;
    return w.sublinear && count > 1 ? std::log(count) + 1 : count;
  }

  // std::sort for very short rows, else a radix sort: digits of at most 7 bits, or of 11 for long rows.
  template <class T, class Id>
  static void sort(std::vector<T>& items, Id id, std::vector<T>& scratch) {
    if (items.size() < 24) {
      std::sort(items.begin(), items.end());
      return;
    }
    std::uint32_t all = 0;
    for (const T& item : items)
      all |= id(item);
    const int bits = std::bit_width(all), most = items.size() < 512 ? 7 : 11;
    const int n_digits = std::max(1, (bits + most - 1) / most);
    const int width = (bits + n_digits - 1) / n_digits;
    const std::uint32_t mask = (std::uint32_t{1} << width) - 1;
    scratch.resize(items.size());
    for (int digit = 0; digit < n_digits; digit++) {
      const int shift = digit * width;
      std::uint32_t starts[2048];
      std::fill_n(starts, mask + 1, 0u);
      for (const T& item : items)
        starts[id(item) >> shift & mask]++;
      std::uint32_t start = 0;
      for (std::uint32_t d = 0; d <= mask; d++)
        start += std::exchange(starts[d], start);
      for (const T& item : items)
        scratch[starts[id(item) >> shift & mask]++] = item;
      items.swap(scratch);
    }
  }

  std::vector<std::uint32_t> scratch_;
  std::vector<Entry> entry_scratch_;
  std::vector<double> values_;
};

struct NgramRows {
  std::unique_ptr<std::int64_t[]> indptr;
  std::unique_ptr<std::int32_t[]> indices;
  std::unique_ptr<float[]> data;
  std::int64_t n_rows = 0;

  explicit NgramRows(const std::vector<std::int64_t>& lengths)
      : indptr(std::make_unique_for_overwrite<std::int64_t[]>(lengths.size() + 1)),
        n_rows(static_cast<std::int64_t>(lengths.size())) {
    indptr[0] = 0;
    for (std::int64_t i = 0; i < n_rows; i++)
      indptr[i + 1] = indptr[i] + lengths[i];
    indices = std::make_unique_for_overwrite<std::int32_t[]>(indptr[n_rows]);
    data = std::make_unique_for_overwrite<float[]>(indptr[n_rows]);
  }
};

}  // namespace arborank
