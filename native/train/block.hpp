// The examples of one parent node, gathered once and shared by the solvers of all its children.
//
// Features are renumbered 0..n_shared by how many of the examples have them, most frequent first, so that the part
// of the weights that is touched all the time stays in cache. A feature that only one example has needs no weight in
// memory: every linear solver's weights are a combination of the examples, w = sum_i coef_i x_i, hence such a feature
// adds coef_i * own_i to example i's margin, own_i being the squared norm of the example's private features.
//
// A block that is a large part of all instances is not gathered: its examples are read where they lie, by the features'
// own numbers.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <vector>

#include "base/buffer.hpp"
#include "base/pool.hpp"
#include "sparse/csr.hpp"

namespace arborank::train {

struct TrainBlock {
  // What a visit of an example reads first; in half a cache line.
  struct alignas(32) Row {
    std::int64_t start;  // in features and values
    std::int32_t length;
    float norm;  // squared
    float own;  // the part of it that comes from private features
  };
  std::int64_t n = 0;  // examples
  const std::uint32_t* features = nullptr;  // shared features, local numbers: gathered, or the instances' own
  const float* values = nullptr;
  std::vector<Row> rows;  // n
  std::vector<std::uint32_t> shared;  // local number -> feature
  std::vector<std::int64_t> own_starts;  // n + 1: extents in own_features and own_values
  std::vector<std::uint32_t> own_features;
  std::vector<float> own_values;
  std::vector<float> sum;  // n_shared: of the examples
  double sum_norm = 0;  // squared, private features included
  Buffer<std::uint32_t> gathered_features;
  Buffer<float> gathered_values;

  std::int64_t n_shared() const { return static_cast<std::int64_t>(shared.size()); }
};

// Gathers blocks; one a thread, its map from features to local numbers is reused.
class BlockGatherer {
 public:
  // `n_values` are those of all instances, of which X may have a part.
  BlockGatherer(std::int64_t n_features, std::int64_t n_values) : number_(n_features, 0), n_values_(n_values) {}

  // Incomplete when the job is stopped.
  TrainBlock gather(const sparse::CsrView& X, const std::int32_t* rows, std::int64_t n, const Job& job) {
    std::int64_t nnz = 0;
    for (std::int64_t a = 0; a < n; a++)
      nnz += X.length(rows[a]);
    TrainBlock block;
    block.n = n;
    block.rows.reserve(n);
    block.own_starts.reserve(n + 1);
    block.own_starts.push_back(0);
    if (4 * nnz >= n_values_ && nnz >= 2 * X.n_cols)
      take_in_place(X, rows, job, block);
    else
      renumber(X, rows, nnz, job, block);
    add_up(job, block);
    return block;
  }

 private:
  // The sum of all examples, from which solvers start.
  static void add_up(const Job& job, TrainBlock& block) {
    block.sum.assign(block.shared.size(), 0.0f);
    for (const TrainBlock::Row& row : block.rows) {
      if (job.stopped())
        return;
      for (std::int64_t k = row.start; k < row.start + row.length; k++)
        block.sum[block.features[k]] += block.values[k];
      block.sum_norm += row.own;
    }
    for (float x : block.sum)
      block.sum_norm += double{x} * x;
  }

  static constexpr std::uint32_t kOwn = 0xffffffffu;

  static void take_in_place(const sparse::CsrView& X, const std::int32_t* rows, const Job& job, TrainBlock& block) {
    block.features = reinterpret_cast<const std::uint32_t*>(X.indices);
    block.values = X.data;
    block.shared.resize(X.n_cols);
    std::iota(block.shared.begin(), block.shared.end(), 0u);
    for (std::int64_t a = 0; a < block.n && !job.stopped(); a++) {
      float norm = 0;
      for (std::int64_t k = X.begin(rows[a]); k < X.end(rows[a]); k++)
        norm += X.data[k] * X.data[k];
      finish_row(X.begin(rows[a]), X.length(rows[a]), norm, 0.0f, block);
    }
  }

  void renumber(const sparse::CsrView& X, const std::int32_t* rows, std::int64_t nnz, const Job& job,
                TrainBlock& block) {
    std::vector<std::uint32_t> found;
    for (std::int64_t a = 0; a < block.n && !job.stopped(); a++)
      for (std::int64_t k = X.begin(rows[a]); k < X.end(rows[a]); k++)
        if (number_[X.indices[k]]++ == 0)
          found.push_back(X.indices[k]);
    number_by_frequency(found, block);
    const std::int64_t n_own = static_cast<std::int64_t>(found.size()) - block.n_shared();
    block.gathered_features = Buffer<std::uint32_t>(nnz - n_own);
    block.gathered_values = Buffer<float>(nnz - n_own);
    block.own_features.reserve(n_own);
    block.own_values.reserve(n_own);
    std::int64_t filled = 0;
    for (std::int64_t a = 0; a < block.n && !job.stopped(); a++)
      filled = add_row(X, rows[a], filled, block);
    block.features = block.gathered_features.data();
    block.values = block.gathered_values.data();
    for (std::uint32_t feature : found)
      number_[feature] = 0;
  }

  static void finish_row(std::int64_t start, std::int64_t length, float norm, float own, TrainBlock& block) {
    block.rows.push_back({start, static_cast<std::int32_t>(length), norm, own});
    block.own_starts.push_back(static_cast<std::int64_t>(block.own_features.size()));
  }

  // Counting sort by falling frequency, first met first: number_ turns from counts into local numbers. Features of
  // one example are private.
  void number_by_frequency(const std::vector<std::uint32_t>& found, TrainBlock& block) {
    std::vector<std::uint32_t> place(block.n + 1, 0);
    for (std::uint32_t feature : found)
      place[number_[feature]]++;
    std::uint32_t next = 0;
    for (std::int64_t count = block.n; count >= 2; count--) {
      const std::uint32_t many = place[count];
      place[count] = next;
      next += many;
    }
    block.shared.resize(next);
    for (std::uint32_t feature : found) {
      const std::uint32_t count = number_[feature];
      if (count < 2) {
        number_[feature] = kOwn;
      } else {
        number_[feature] = place[count]++;
        block.shared[number_[feature]] = feature;
      }
    }
  }

  // Returns where the next row begins.
  std::int64_t add_row(const sparse::CsrView& X, std::int32_t row, std::int64_t start, TrainBlock& block) const {
    std::int64_t end = start;
    float shared = 0, own = 0;
    for (std::int64_t k = X.begin(row); k < X.end(row); k++) {
      const float value = X.data[k];
      const std::uint32_t number = number_[X.indices[k]];
      if (number == kOwn) {
        block.own_features.push_back(X.indices[k]);
        block.own_values.push_back(value);
        own += value * value;
      } else {
        block.gathered_features[end] = number;
        block.gathered_values[end++] = value;
        shared += value * value;
      }
    }
    finish_row(start, end - start, shared + own, own, block);
    return end;
  }

  std::vector<std::uint32_t> number_;
  std::int64_t n_values_;
};

}  // namespace arborank::train
