// The counts of n-grams in each text, and from them TF-IDF rows: sorting, weighting, normalising, and the parts of a
// union side by side in one CSR matrix.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/pool.hpp"
#include "text/table.hpp"

namespace arborank::text {

enum class Norm { kNone, kL1, kL2 };

struct Weighting {
  bool binary = false;
  bool sublinear = false;
  Norm norm = Norm::kNone;
  const double* idf = nullptr;        // n_terms, or none
  const double* positions = nullptr;  // weights by position, the last for all beyond; none: entries hold counts
  std::uint32_t n_positions = 0;
  double weight = 1;  // of this part in its union
};

// Sorts ids: std::sort for very short rows, else a stable radix sort with digits of at most 7 bits, or of 11 for long
// rows.
template <class T, class Id>
void sort_by_id(std::vector<T>& items, Id id, std::vector<T>& scratch) {
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

// What is known of some texts: the entries of text 0 by part, of text 1 by part, and so on.
struct CountedTexts {
  std::vector<Entry> entries;  // ascending ids, each once; with positions one an occurrence, in ascending order
  std::vector<std::uint32_t> lengths;  // how many of them are of each part of each text
  std::vector<std::int64_t> widths;  // how many values the row of each text gets

  void add_text() { widths.push_back(0); }
  // Adds a part of the last text, already in order.
  void add_part(std::span<const Entry> part, bool positions) {
    entries.insert(entries.end(), part.begin(), part.end());
    lengths.push_back(static_cast<std::uint32_t>(part.size()));
    auto n = static_cast<std::int64_t>(part.size());
    if (positions)
      for (std::size_t i = 1; i < part.size(); i++)
        n -= part[i].id == part[i - 1].id;
    widths.back() += n;
  }
};

inline void normalise(std::span<double> values, Norm norm) {
  double sum = 0;
  if (norm == Norm::kL1)
    for (const double value : values)
      sum += std::abs(value);
  else if (norm == Norm::kL2)
    for (const double value : values)
      sum += value * value;
  if (sum == 0)
    return;
  const double length = norm == Norm::kL2 ? std::sqrt(sum) : sum;
  for (double& value : values)
    value /= length;
}

// Makes the row of one text after another, part by part.
class RowMaker {
 public:
  void start(std::size_t width) {
    values_.resize(width);
    n_ = 0;
  }
  // Adds a part, whose columns start at `first_column`.
  void add(std::span<const Entry> entries, const Weighting& w, std::int64_t first_column, std::int32_t* indices) {
    const std::size_t before = n_;
    const auto put = [&](std::uint32_t id, double value) {
      indices[n_] = static_cast<std::int32_t>(first_column + id);
      values_[n_++] = w.idf ? value * w.idf[id] : value;
    };
    if (w.positions)
      for (std::size_t i = 0; i < entries.size();) {
        const std::uint32_t id = entries[i].id;
        const std::size_t first = i;
        double sum = 0;
        for (; i < entries.size() && entries[i].id == id; i++)
          sum += w.positions[std::min(entries[i].count, w.n_positions - 1)];
        const auto count = static_cast<std::uint32_t>(i - first);
        put(id, sum / count * frequency(w, count));
      }
    else
      for (const Entry e : entries)
        put(e.id, frequency(w, e.count));
    const std::span part(values_.data() + before, n_ - before);
    normalise(part, w.norm);
    if (w.weight != 1)
      for (double& value : part)
        value *= w.weight;
  }
  void finish(Norm norm, float* data) {
    normalise(values_, norm);
    std::copy(values_.begin(), values_.end(), data);
  }

 private:
  static double frequency(const Weighting& w, std::uint32_t count) {
    static const auto logarithms = [] {
      std::array<double, 256> table{};
      for (std::size_t i = 1; i < table.size(); i++)
        table[i] = std::log(static_cast<double>(i)) + 1;
      return table;
    }();
    if (w.binary)
      return 1;
    if (!w.sublinear)
      return count;
    return count < logarithms.size() ? logarithms[count] : std::log(static_cast<double>(count)) + 1;
  }

  std::vector<double> values_;
  std::size_t n_ = 0;
};

struct NgramRows {
  std::unique_ptr<std::int64_t[]> indptr;
  std::unique_ptr<std::int32_t[]> indices;
  std::unique_ptr<float[]> data;
  std::int64_t n_rows = 0;
};

// The TF-IDF rows of all texts; part p has columns[p] columns. Chunks are given back as they are done with.
inline NgramRows lay_out(std::vector<CountedTexts>& chunks, std::span<const Weighting> parts,
                         std::span<const std::int64_t> columns, Norm norm, int n_threads, const Tick& tick) {
  const auto n_chunks = static_cast<std::int64_t>(chunks.size());
  std::vector<std::int64_t> firsts(n_chunks + 1);
  for (std::int64_t c = 0; c < n_chunks; c++)
    firsts[c + 1] = firsts[c] + static_cast<std::int64_t>(chunks[c].widths.size());
  NgramRows out;
  out.n_rows = firsts[n_chunks];
  out.indptr = std::make_unique_for_overwrite<std::int64_t[]>(out.n_rows + 1);
  std::int64_t* end = out.indptr.get();
  *end = 0;
  for (const auto& chunk : chunks)
    for (const std::int64_t width : chunk.widths) {
      end[1] = end[0] + width;
      end++;
    }
  out.indices = std::make_unique_for_overwrite<std::int32_t[]>(*end);
  out.data = std::make_unique_for_overwrite<float[]>(*end);

  const auto make_rows = [&](std::int64_t c, RowMaker& maker, const auto& stopped) {
    const CountedTexts& chunk = chunks[c];
    const Entry* entries = chunk.entries.data();
    const std::uint32_t* length = chunk.lengths.data();
    for (std::size_t i = 0; i < chunk.widths.size() && !stopped(); i++) {
      const std::int64_t at = out.indptr[firsts[c] + static_cast<std::int64_t>(i)];
      maker.start(chunk.widths[i]);
      std::int64_t first_column = 0;
      for (std::size_t part = 0; part < parts.size(); part++) {
        maker.add({entries, *length}, parts[part], first_column, out.indices.get() + at);
        entries += *length++;
        first_column += columns[part];
      }
      maker.finish(norm, out.data.get() + at);
    }
  };
  if (n_chunks == 1) {
    RowMaker maker;
    make_rows(0, maker, [] { return false; });
    return out;
  }
  std::vector<RowMaker> makers(busy_threads(n_threads, n_chunks));
  parallel_for(n_threads, n_chunks, tick, [&](std::int64_t c, int thread, Job& job) {
    make_rows(c, makers[thread], [&] { return job.stopped(); });
    job.advance(static_cast<std::int64_t>(chunks[c].widths.size()));
    chunks[c] = CountedTexts{};
  });
  return out;
}

}  // namespace arborank::text
