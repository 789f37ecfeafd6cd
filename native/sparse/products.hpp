// Sparse times sparse, row by row (Gustavson), and the transpose. Rows are independent, so any number of threads
// gives the same bytes. One pass: rows are emitted into a buffer a block, and the buffers joined.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "base/pool.hpp"
#include "sparse/csr.hpp"

namespace arborank::sparse {

struct FreeMemory {
  void operator()(void* p) const noexcept { std::free(p); }
};
// Memory that nothing has written to yet, so that its pages cost nothing until they are used.
template <class T>
using RawArray = std::unique_ptr<T[], FreeMemory>;

template <class T>
RawArray<T> raw_array(std::int64_t n) {
  void* p = std::malloc(std::max<std::size_t>(1, static_cast<std::size_t>(n) * sizeof(T)));
  if (p == nullptr)
    throw std::bad_alloc();
  return RawArray<T>(static_cast<T*>(p));
}

template <class T>
void shorten(RawArray<T>& array, std::int64_t n) {
  void* p = std::realloc(array.get(), std::max<std::size_t>(1, static_cast<std::size_t>(n) * sizeof(T)));
  if (p == nullptr)
    return;  // it stays as long as it is
  (void)array.release();
  array.reset(static_cast<T*>(p));
}

struct CsrArrays {
  std::vector<std::int64_t> indptr;
  RawArray<std::int32_t> indices;
  RawArray<float> data;
};

// Sums scaled sparse rows in a dense vector and remembers, group by group, where it is not zero.
class RowAccumulator {
 public:
  explicit RowAccumulator(std::int64_t n_cols)
      : sums_((n_cols + kSpan - 1) / kSpan * kSpan + kGroup),
        groups_((n_cols + kSpan - 1) / kSpan * (kSpan / kGroup)),
        spans_(((n_cols + kSpan - 1) / kSpan + 7) / 8 * 8) {}

  void add(float scale, const std::int32_t* columns, const float* values, std::int64_t n) {
    float* sums = sums_.data();  // byte stores may change anything, the members too: keep them in registers
    std::uint8_t *groups = groups_.data(), *spans = spans_.data();
    for (std::int64_t k = 0; k < n; k++) {
      const std::uint32_t c = columns[k];
      sums[c] += scale * values[k];
      groups[c / kGroup] = 1;
      spans[c / kSpan] = 1;
    }
  }

  // Writes the non-zero sums in ascending column order, clears them and returns their number. At most kGroup
  // entries beyond that number are overwritten.
  std::int64_t emit(std::int32_t* columns, float* values) {
    std::int64_t n = 0;
    for (std::size_t block = 0; block < spans_.size(); block += 8) {
      std::uint64_t any;
      std::memcpy(&any, &spans_[block], 8);
      if (any == 0)
        continue;
      for (std::size_t span = block; span < block + 8; span++)
        if (spans_[span])
          n = emit_span(span, columns, values, n);
    }
    return n;
  }

  static constexpr int kGroup = 16, kSpan = 1024;

 private:
  std::int64_t emit_span(std::size_t span, std::int32_t* columns, float* values, std::int64_t n) {
    spans_[span] = 0;
    const std::size_t first = span * (kSpan / kGroup);
    for (std::size_t group = first; group < first + kSpan / kGroup; group++) {
      if (!groups_[group])
        continue;
      groups_[group] = 0;
      float* sums = &sums_[group * kGroup];
      for (int j = 0; j < kGroup; j++) {  // no branch: which of them are zero cannot be predicted
        columns[n] = static_cast<std::int32_t>(group * kGroup) + j;
        values[n] = sums[j];
        n += sums[j] != 0.0f;
      }
      std::memset(sums, 0, kGroup * sizeof(float));
    }
    return n;
  }

  std::vector<float> sums_;
  std::vector<std::uint8_t> groups_, spans_;
};

inline void prefetch_row(const CsrView& m, std::int64_t row) {
  for (std::int64_t k = m.begin(row); k < m.end(row); k += 16) {
    __builtin_prefetch(m.indices + k);
    __builtin_prefetch(m.data + k);
  }
}

inline double inverse_norm(const float* values, std::int64_t n) {
  double square = 0;
  for (std::int64_t k = 0; k < n; k++)
    square += static_cast<double>(values[k]) * values[k];
  return square > 0 ? 1.0 / std::sqrt(square) : 0.0;
}

// A row divided by its Euclidean norm; a row of zeros stays.
inline void normalize_row(const float* values, std::int64_t n, float* result) {
  const double scale = inverse_norm(values, n);
  for (std::int64_t k = 0; k < n; k++)
    result[k] = static_cast<float>(scale * values[k]);
}

// Some rows of a product, one after the other.
template <class Value>
struct ProductBlock {
  std::int64_t begin, end, most;  // rows, and a bound on their non-zeros
  RawArray<std::int32_t> indices;
  RawArray<Value> data;
};

// A and B multiplied, in blocks of rows, and the length of every row. `store(row, values, n, result)` writes the values
// of a row; with threads, of several rows at a time.
template <class Value, class Store>
std::vector<ProductBlock<Value>> product_blocks(const CsrView& a, const CsrView& b, std::int64_t* lengths,
                                                int n_threads, const Tick& tick, Store&& store) {
  constexpr std::int64_t kWork = 1 << 21;  // products of a block: some milliseconds
  std::vector<ProductBlock<Value>> blocks;
  std::int64_t work = 0, most = 0, begin = 0;
  for (std::int64_t row = 0; row < a.n_rows; row++) {
    std::int64_t products = 0;
    for (std::int64_t k = a.begin(row); k < a.end(row); k++)
      products += b.length(a.indices[k]);
    work += products + 64;
    most += std::min(products, b.n_cols);
    if (work >= kWork || row + 1 == a.n_rows) {
      blocks.push_back({begin, row + 1, most, nullptr, nullptr});
      work = most = 0;
      begin = row + 1;
    }
  }

  struct Worker {
    RowAccumulator accumulator;
    std::vector<float> values;
  };
  const int workers = busy_threads(n_threads, static_cast<std::int64_t>(blocks.size()));
  std::vector<std::unique_ptr<Worker>> of_thread(workers);
  parallel_for(workers, blocks.size(), tick, [&](std::int64_t task, int thread, Job& job) {
    auto& block = blocks[task];
    auto& worker = of_thread[thread];
    if (!worker)
      worker.reset(new Worker{RowAccumulator(b.n_cols), std::vector<float>(b.n_cols + RowAccumulator::kGroup)});
    float* values = worker->values.data();
    block.indices = raw_array<std::int32_t>(block.most + RowAccumulator::kGroup);
    block.data = raw_array<Value>(block.most);
    std::int64_t filled = 0;
    for (std::int64_t row = block.begin; row < block.end && !job.stopped(); row++) {
      std::int32_t* indices = &block.indices[filled];
      std::int64_t n = 0;
      if (a.length(row) == 1) {  // a label with one instance: nothing to sum
        const std::int64_t other = a.indices[a.begin(row)];
        const float scale = a.data[a.begin(row)];
        for (std::int64_t k = b.begin(other); k < b.end(other); k++) {
          indices[n] = b.indices[k];
          values[n] = scale * b.data[k];
          n += values[n] != 0.0f;
        }
      } else {
        for (std::int64_t k = a.begin(row); k < a.end(row); k++) {
          const std::int64_t other = a.indices[k];
          if (k + 1 < a.end(row))
            prefetch_row(b, a.indices[k + 1]);
          worker->accumulator.add(a.data[k], b.indices + b.begin(other), b.data + b.begin(other), b.length(other));
        }
        n = worker->accumulator.emit(indices, values);
      }
      store(row, values, n, &block.data[filled]);
      lengths[row] = n;
      filled += n;
    }
    shorten(block.indices, filled);
    shorten(block.data, filled);
    job.advance(block.end - block.begin);
  });
  return blocks;
}

// A and B multiplied; with `normalize` rows are divided by their Euclidean norm.
inline CsrArrays multiply(const CsrView& a, const CsrView& b, bool normalize, int n_threads, const Tick& tick) {
  CsrArrays result;
  result.indptr.assign(a.n_rows + 1, 0);
  const auto store = [&](std::int64_t, const float* values, std::int64_t n, float* to) {
    if (normalize)
      normalize_row(values, n, to);
    else
      std::copy_n(values, n, to);
  };
  auto blocks = product_blocks<float>(a, b, &result.indptr[1], n_threads, tick, store);
  for (std::int64_t row = 0; row < a.n_rows; row++)
    result.indptr[row + 1] += result.indptr[row];
  result.indices = raw_array<std::int32_t>(result.indptr[a.n_rows]);
  result.data = raw_array<float>(result.indptr[a.n_rows]);
  const Tick listen = [&](std::int64_t) {
    if (tick)
      tick(a.n_rows);
  };
  parallel_for(n_threads, blocks.size(), listen, [&](std::int64_t task, int, Job&) {
    auto& block = blocks[task];
    const std::int64_t to = result.indptr[block.begin], n = result.indptr[block.end] - to;
    std::memcpy(&result.indices[to], block.indices.get(), n * sizeof(std::int32_t));
    std::memcpy(&result.data[to], block.data.get(), n * sizeof(float));
    block = {};  // freed at once, so that the result is in memory about once
  });
  return result;
}

// The transpose by counting; rows come out in ascending column order whatever the input's.
inline CsrArrays transpose(const CsrView& m, const Tick& tick) {
  CsrArrays result;
  run_threads(1, tick, [&](int, Job& job) {
    result.indptr.assign(m.n_cols + 1, 0);
    for (std::int64_t row = 0; row < m.n_rows && !job.stopped(); row++)
      for (std::int64_t k = m.begin(row); k < m.end(row); k++)
        result.indptr[m.indices[k] + 1]++;
    for (std::int64_t c = 0; c < m.n_cols; c++)
      result.indptr[c + 1] += result.indptr[c];
    result.indices = raw_array<std::int32_t>(m.nnz());
    result.data = raw_array<float>(m.nnz());
    std::vector<std::int64_t> next(result.indptr.begin(), result.indptr.end() - 1);
    for (std::int64_t row = 0; row < m.n_rows && !job.stopped(); row++)
      for (std::int64_t k = m.begin(row); k < m.end(row); k++) {
        const std::int64_t to = next[m.indices[k]]++;
        result.indices[to] = static_cast<std::int32_t>(row);
        result.data[to] = m.data[k];
      }
  });
  return result;
}

}  // namespace arborank::sparse
