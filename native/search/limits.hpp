// Which labels queries may get, and the checks of what says so.
#pragma once
#include <stdexcept>
#include <string>

#include "search/filter.hpp"
#include "sparse/csr.hpp"

namespace arborank::search {

struct Limits {
  const LabelFilter* filter = nullptr;        // for all queries
  const LabelIds* only = nullptr;             // of a single query: the labels that it may get
  const LabelIds* without = nullptr;          // and those that it may not
  const sparse::CsrView* allowed = nullptr;   // a row for each query
  const sparse::CsrView* excluded = nullptr;  // the same
  const std::int64_t* ranges = nullptr;       // not with `allowed`: from one label to before another, for each query
};

// Ids of labels, each below n_labels.
inline LabelIds checked_ids(const char* name, std::span<const std::int64_t> ids, std::int64_t n_labels) {
  std::uint64_t most = 0;  // a negative one is larger than any
  for (const std::int64_t label : ids)
    most = std::max(most, static_cast<std::uint64_t>(label));
  if (!ids.empty() && most >= static_cast<std::uint64_t>(n_labels))
    for (const std::int64_t label : ids)
      if (label < 0 || label >= n_labels)
        throw std::invalid_argument(std::string(name) + " holds label " + std::to_string(label) +
                                    ", which is outside [0, " + std::to_string(n_labels) + ")");
  return {ids.data(), ids.data() + ids.size()};
}

inline void check_shape(const char* name, std::int64_t n_rows, std::int64_t n_cols, std::int64_t rows,
                        std::int64_t cols) {
  if (n_rows != rows || n_cols != cols)
    throw std::invalid_argument(std::string(name) + " has shape (" + std::to_string(n_rows) + ", " +
                                std::to_string(n_cols) + "), but (" + std::to_string(rows) + ", " +
                                std::to_string(cols) + ") was expected");
}

inline void check_mask(const char* name, const sparse::CsrView& mask, const sparse::CsrFacts& facts,
                       std::int64_t n_rows, std::int64_t n_labels) {
  check_shape(name, mask.n_rows, mask.n_cols, n_rows, n_labels);
  if (!facts.canonical)
    throw std::invalid_argument(std::string(name) + " must have ascending columns without duplicates");
}

// ranges: n_rows x 2
inline void check_ranges(const std::int64_t* ranges, std::int64_t n_rows, std::int64_t n_labels) {
  for (std::int64_t row = 0; row < n_rows; row++) {
    const std::int64_t first = ranges[2 * row], end = ranges[2 * row + 1];
    if (first < 0 || first > end || end > n_labels)
      throw std::invalid_argument("ranges of row " + std::to_string(row) + " go from " + std::to_string(first) +
                                  " to " + std::to_string(end) + ", outside the " + std::to_string(n_labels) +
                                  " labels");
  }
}

inline void check_weights(std::span<const float> weights, std::int64_t n_labels) {
  if (static_cast<std::int64_t>(weights.size()) != n_labels)
    throw std::invalid_argument("weights has " + std::to_string(weights.size()) + " entries, but " +
                                std::to_string(n_labels) + " labels were expected");
  for (std::size_t i = 0; i < weights.size(); i++)
    if (!(weights[i] >= 0 && weights[i] <= std::numeric_limits<float>::max()))
      throw std::invalid_argument("weights must be finite and at least 0, found " + std::to_string(weights[i]) +
                                  " for label " + std::to_string(i));
}

}  // namespace arborank::search
