// Rows of two parts: a weighted sum of rows of one matrix, brought to unit length, and behind it a row of another one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "sparse/csr.hpp"
#include "sparse/products.hpp"

namespace arborank::sparse {

// Row i of the first part is the sum of `weights[k]` times row `sources[k]` of `rows`, for k from `starts[i]` to before
// `starts[i + 1]`; a source may come twice. The second part is row i of `tail` times `tail_weight`.
inline CsrArrays mix_rows(const std::vector<std::int64_t>& starts, const std::vector<std::int32_t>& sources,
                          const std::vector<float>& weights, const CsrView& rows, const CsrView& tail,
                          float tail_weight) {
  struct Entry {
    std::int32_t column;
    float value;
  };
  std::int64_t most = tail.nnz();
  for (const std::int32_t source : sources)
    most += rows.length(source);
  CsrArrays result;
  result.indptr.assign(tail.n_rows + 1, 0);
  result.indices = raw_array<std::int32_t>(most);
  result.data = raw_array<float>(most);
  std::vector<Entry> entries;
  std::int64_t filled = 0;
  for (std::int64_t row = 0; row < tail.n_rows; row++) {
    entries.clear();
    for (std::int64_t k = starts[row]; k < starts[row + 1]; k++)
      for (std::int64_t j = rows.begin(sources[k]); j < rows.end(sources[k]); j++)
        entries.push_back({rows.indices[j], weights[k] * rows.data[j]});
    if (starts[row + 1] - starts[row] > 1)  // stable: the sum does not depend on how a library sorts
      std::stable_sort(entries.begin(), entries.end(), [](Entry a, Entry b) { return a.column < b.column; });
    std::int32_t* indices = &result.indices[filled];
    float* data = &result.data[filled];
    std::int64_t n = 0;
    for (std::size_t k = 0; k < entries.size();) {
      const std::int32_t column = entries[k].column;
      float sum = 0;
      for (; k < entries.size() && entries[k].column == column; k++)
        sum += entries[k].value;
      indices[n] = column;
      data[n] = sum;
      n += sum != 0.0f;
    }
    normalize_row(data, n, data);
    for (std::int64_t k = tail.begin(row); k < tail.end(row); k++, n++) {
      indices[n] = static_cast<std::int32_t>(rows.n_cols) + tail.indices[k];
      data[n] = tail_weight * tail.data[k];
    }
    filled += n;
    result.indptr[row + 1] = filled;
  }
  shorten(result.indices, filled);
  shorten(result.data, filled);
  return result;
}

}  // namespace arborank::sparse
