// The rows that k-means works on. Sparse rows shrink on the way down the tree; dense rows stay as they are.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "csr.hpp"
#include "kmeans_team.hpp"
#include "simd.hpp"
#include "spmm.hpp"

namespace arborank {

// What a thread, or a team, needs to split one node after the other.
struct Scratch {
  std::vector<float> c, sum;                                    // per feature
  std::vector<float> score;                                     // per row of the node, as the following
  std::vector<std::int32_t> sample, stale, to_left, to_right;
  std::vector<std::pair<float, std::int32_t>> ranked;
  std::vector<float> bounds;
  std::vector<std::uint8_t> seen;                               // for renumbering, as the following
  std::vector<std::uint64_t> kept;
  std::vector<std::int32_t> first;
};

// A CSR matrix that shrinks, in a copy of its own or, to overwrite it, in place. Some nodes renumber the features that
// at least two of their rows share; a feature that one row alone has is dropped, its squared value added to the row's
// `own`.
class SparseRows {
 public:
  struct Space {
    std::int64_t width;  // features, as the node numbers them
  };

  SparseRows(const CsrView& m, bool overwrite)
      : n_(m.n_rows), n_cols_(m.n_cols), nnz_(m.nnz()), own_(n_), begin_(m.indptr, m.indptr + n_), length_(n_),
        columns_(const_cast<std::int32_t*>(m.indices)), values_(const_cast<float*>(m.data)) {
    for (std::int64_t i = 0; i < n_; i++)
      length_[i] = m.length(i);
    if (overwrite)
      return;
    columns_copy_ = raw_array<std::int32_t>(nnz_);
    values_copy_ = raw_array<float>(nnz_);
    std::copy_n(m.indices, nnz_, columns_copy_.get());
    std::copy_n(m.data, nnz_, values_copy_.get());
    columns_ = columns_copy_.get();
    values_ = values_copy_.get();
  }

  std::int64_t size() const { return n_; }
  bool small() const { return nnz_ < 200'000; }
  Space root() const { return {n_cols_}; }
  float own(std::int32_t row) const { return own_[row]; }

  float norm(std::int64_t row) const {
    double square = 0;
    for (std::int64_t k = begin_[row]; k < begin_[row] + length_[row]; k++)
      square += static_cast<double>(values_[k]) * values_[k];
    return static_cast<float>(std::sqrt(square));
  }

  float dot(std::int32_t row, const float* c) const {
    const std::int64_t end = begin_[row] + length_[row];
    const std::int32_t* columns = columns_;
    const float* values = values_;
    std::int64_t k = begin_[row];
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (; k + 4 <= end; k += 4) {
      s0 += values[k] * c[columns[k]];
      s1 += values[k + 1] * c[columns[k + 1]];
      s2 += values[k + 2] * c[columns[k + 2]];
      s3 += values[k + 3] * c[columns[k + 3]];
      keep_scalar(s0, s1, s2, s3);
    }
    for (; k < end; k++)
      s0 += values[k] * c[columns[k]];
    return (s0 + s2) + (s1 + s3);
  }

  // target += scale * the sum of the rows, in their order.
  void add(const std::int32_t* ids, std::int64_t n, float scale, float* target, Space space, Team& team) const {
    ranges(ids, n, space, team, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t k = from; k < to; k++)
        target[columns_[k]] += scale * values_[k];
    });
  }

  // Whether vectors over the features have become long for what the node's rows hold.
  bool sparse_in(Space space, const std::int32_t* ids, std::int64_t n) const {
    std::int64_t held = 0;
    for (std::int64_t i = 0; i < n; i++)
      held += length_[ids[i]];
    return held < 2 * space.width;
  }

  // Renumbers the features that at least two of a node's rows share.
  Space renumber(Space space, const std::int32_t* ids, std::int64_t n, Scratch& scratch, Team& team) {
    const std::int64_t n_words = (space.width + 63) / 64;
    auto& seen = scratch.seen;
    auto& kept = scratch.kept;
    auto& first = scratch.first;
    seen.assign(n_words * 64, 0);
    ranges(ids, n, space, team, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t k = from; k < to; k++) {
        std::uint8_t& count = seen[columns_[k]];
        count += count < 2;
      }
    });
    kept.resize(n_words);
    first.resize(n_words);
    std::int64_t width = 0;
    for (std::int64_t word = 0; word < n_words; word++) {
      std::uint64_t bits = 0;
      for (int j = 0; j < 64; j++)
        bits |= std::uint64_t{seen[word * 64 + j] > 1} << j;
      kept[word] = bits;
      first[word] = static_cast<std::int32_t>(width);
      width += std::popcount(bits);
    }
    team.blocks(n, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; i++)
        shrink(ids[i], kept.data(), first.data());
    });
    return {width};
  }

 private:
  // body(from, to) for the entries of every row, row after row. A team shares the features, not the rows, so that
  // a sum over rows has their order whoever takes it.
  template <class Body>
  void ranges(const std::int32_t* ids, std::int64_t n, Space space, Team& team, Body&& body) const {
    if (team.size() == 1 || n < 64) {
      for (std::int64_t i = 0; i < n && !team.stopped(); i++)
        body(begin_[ids[i]], begin_[ids[i]] + length_[ids[i]]);
      return;
    }
    const std::int64_t n_parts = 4 * team.size(), size = (space.width / n_parts + 64) / 64 * 64;
    team.blocks(space.width, size, [&](std::int64_t low, std::int64_t high) {
      for (std::int64_t i = 0; i < n; i++) {
        const std::int32_t* begin = columns_ + begin_[ids[i]];
        const std::int32_t* end = begin + length_[ids[i]];
        const std::int32_t* from = std::lower_bound(begin, end, low);
        body(from - columns_, std::lower_bound(from, end, high) - columns_);
      }
    });
  }

  void shrink(std::int32_t row, const std::uint64_t* kept, const std::int32_t* first) {
    const std::int64_t begin = begin_[row], end = begin + length_[row];
    std::int64_t to = begin;
    float own = 0;
    for (std::int64_t k = begin; k < end; k++) {
      const std::int32_t column = columns_[k];
      const std::uint64_t bits = kept[column >> 6];
      const bool keep = bits >> (column & 63) & 1;
      const float value = values_[k];
      columns_[to] = first[column >> 6] + std::popcount(bits & ((std::uint64_t{1} << (column & 63)) - 1));
      values_[to] = value;
      to += keep;
      own += keep ? 0.0f : value * value;
    }
    length_[row] = to - begin;
    own_[row] += own;
  }

  // GCC would turn four scalar chains into vectors filled and emptied element by element, at twice the time.
  static void keep_scalar(float& s0, float& s1, float& s2, float& s3) {
#if defined(__x86_64__)
    asm("" : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3));
#elif defined(__aarch64__)
    asm("" : "+w"(s0), "+w"(s1), "+w"(s2), "+w"(s3));
#else
    (void)s0, (void)s1, (void)s2, (void)s3;
#endif
  }

  std::int64_t n_, n_cols_, nnz_;
  std::vector<float> own_;
  std::vector<std::int64_t> begin_, length_;
  std::int32_t* columns_;
  float* values_;
  RawArray<std::int32_t> columns_copy_;
  RawArray<float> values_copy_;
};

// Rows of a dense matrix, read in place.
class DenseRows {
 public:
  struct Space {
    std::int64_t width;
  };

  DenseRows(const float* data, std::int64_t n_rows, std::int64_t n_cols) : data_(data), n_(n_rows), d_(n_cols) {}

  std::int64_t size() const { return n_; }
  bool small() const { return n_ * d_ < 200'000; }
  Space root() const { return {d_}; }
  float own(std::int32_t) const { return 0.0f; }
  float norm(std::int64_t row) const {
    double square = 0;
    for (std::int64_t j = 0; j < d_; j++)
      square += static_cast<double>(data_[row * d_ + j]) * data_[row * d_ + j];
    return static_cast<float>(std::sqrt(square));
  }
  bool sparse_in(Space, const std::int32_t*, std::int64_t) const { return false; }
  Space renumber(Space space, const std::int32_t*, std::int64_t, Scratch&, Team&) const { return space; }

  float dot(std::int32_t row, const float* c) const {
    const float* x = data_ + row * d_;
    f32x16 sums{};
    std::int64_t j = 0;
    for (; j + kLanes <= d_; j += kLanes) {
      f32x16 a, b;
      std::memcpy(&a, x + j, sizeof a);
      std::memcpy(&b, c + j, sizeof b);
      sums += a * b;
    }
    float sum = 0;
    for (; j < d_; j++)
      sum += x[j] * c[j];
    for (int lane = 0; lane < kLanes; lane++)
      sum += sums[lane];
    return sum;
  }

  void add(const std::int32_t* ids, std::int64_t n, float scale, float* target, Space, Team& team) const {
    team.blocks(d_, 128, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = 0; i < n; i++) {
        const float* x = data_ + ids[i] * d_;
        for (std::int64_t j = from; j < to; j++)
          target[j] += scale * x[j];
      }
    });
  }

 private:
  const float* data_;
  std::int64_t n_, d_;
};

}  // namespace arborank
