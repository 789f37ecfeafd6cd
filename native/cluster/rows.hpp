// The rows that k-means works on. Sparse rows shrink on the way down the tree; dense rows stay as they are.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/simd.hpp"
#include "cluster/team.hpp"
#include "sparse/compact_rows.hpp"

namespace arborank::cluster {

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

// The features of a node.
struct Space {
  std::int64_t width;  // as the node numbers them
};

// Sparse rows that shrink where they lie. Some nodes renumber the features that at least two of their rows share; a
// feature that one row alone has is dropped, its squared value added to the row's `own`.
class SparseRows {
 public:
  explicit SparseRows(sparse::CompactRows&& m) : m_(std::move(m)), own_(m_.size()) {}

  static constexpr bool kScattered = true;  // rows that follow one another in a node may lie far apart

  // Some of the rows, one behind the other in memory of their own.
  SparseRows gathered(const std::int32_t* ids, std::int64_t n) const {
    std::vector<std::int64_t> lengths(n);
    std::vector<float> units(n);
    std::int64_t nnz = 0;
    for (std::int64_t i = 0; i < n; i++) {
      lengths[i] = m_.rows[ids[i]].length;
      units[i] = m_.rows[ids[i]].unit;
      nnz += lengths[i];
    }
    std::vector<sparse::ProductBlock<std::int16_t>> blocks;
    blocks.push_back({0, n, nnz, sparse::raw_array<std::int32_t>(nnz), sparse::raw_array<std::int16_t>(nnz)});
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < n; at += lengths[i++]) {
      std::copy_n(m_.rows[ids[i]].columns, lengths[i], blocks[0].indices.get() + at);
      std::copy_n(m_.rows[ids[i]].shares, lengths[i], blocks[0].data.get() + at);
    }
    SparseRows result(sparse::rows_of(std::move(blocks), lengths, units, m_.n_cols));
    for (std::int64_t i = 0; i < n; i++)
      result.own_[i] = own_[ids[i]];
    return result;
  }

  std::int64_t size() const { return m_.size(); }
  bool small() const { return m_.nnz < 200'000; }
  Space root() const { return {m_.n_cols}; }
  float own(std::int32_t row) const { return own_[row]; }

  float norm(std::int64_t row) const {
    const sparse::CompactRow& r = m_.rows[row];
    double square = 0;
    for (std::int64_t k = 0; k < r.length; k++)
      square += static_cast<double>(r.shares[k]) * r.shares[k];
    return static_cast<float>(r.unit * std::sqrt(square));
  }

  float dot(std::int32_t row, const float* c) const {
    const auto [columns, shares, n, unit] = m_.rows[row];
    std::int64_t k = 0;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (; k + 4 <= n; k += 4) {
      s0 += shares[k] * c[columns[k]];
      s1 += shares[k + 1] * c[columns[k + 1]];
      s2 += shares[k + 2] * c[columns[k + 2]];
      s3 += shares[k + 3] * c[columns[k + 3]];
      keep_scalar(s0, s1, s2, s3);
    }
    for (; k < n; k++)
      s0 += shares[k] * c[columns[k]];
    return unit * ((s0 + s2) + (s1 + s3));
  }

  // target += scale * the sum of the rows, in their order.
  void add(const std::int32_t* ids, std::int64_t n, float scale, float* target, Space space, Team& team) const {
    ranges(ids, n, space, team, [&](const sparse::CompactRow& row, std::int64_t from, std::int64_t to) {
      const float unit = scale * row.unit;
      for (std::int64_t k = from; k < to; k++)
        target[row.columns[k]] += unit * row.shares[k];
    });
  }

  // Whether vectors over the features have become long for what the node's rows hold.
  bool sparse_in(Space space, const std::int32_t* ids, std::int64_t n) const {
    std::int64_t held = 0;
    for (std::int64_t i = 0; i < n; i++)
      held += m_.rows[ids[i]].length;
    return held < 2 * space.width;
  }

  // Renumbers the features that at least two of a node's rows share.
  Space renumber(Space space, const std::int32_t* ids, std::int64_t n, Scratch& scratch, Team& team) {
    const std::int64_t n_words = (space.width + 63) / 64;
    auto& seen = scratch.seen;
    auto& kept = scratch.kept;
    auto& first = scratch.first;
    seen.assign(n_words * 64, 0);
    ranges(ids, n, space, team, [&](const sparse::CompactRow& row, std::int64_t from, std::int64_t to) {
      for (std::int64_t k = from; k < to; k++) {
        std::uint8_t& count = seen[row.columns[k]];
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
  // body(row, from, to) for the entries of every row, row after row. A team shares the features, not the rows, so that
  // a sum over rows has their order whoever takes it.
  template <class Body>
  void ranges(const std::int32_t* ids, std::int64_t n, Space space, Team& team, Body&& body) const {
    if (team.size() == 1 || n < 64) {
      for (std::int64_t i = 0; i < n && !team.stopped(); i++)
        body(m_.rows[ids[i]], 0, m_.rows[ids[i]].length);
      return;
    }
    const std::int64_t n_parts = 4 * team.size(), size = (space.width / n_parts + 64) / 64 * 64;
    team.blocks(space.width, size, [&](std::int64_t low, std::int64_t high) {
      for (std::int64_t i = 0; i < n; i++) {
        const sparse::CompactRow& row = m_.rows[ids[i]];
        const std::int32_t* end = row.columns + row.length;
        const std::int32_t* from = std::lower_bound<const std::int32_t*>(row.columns, end, low);
        body(row, from - row.columns, std::lower_bound(from, end, high) - row.columns);
      }
    });
  }

  void shrink(std::int32_t id, const std::uint64_t* kept, const std::int32_t* first) {
    sparse::CompactRow& row = m_.rows[id];
    std::int64_t to = 0;
    float own = 0;
    for (std::int64_t k = 0; k < row.length; k++) {
      const std::int32_t column = row.columns[k];
      const std::uint64_t bits = kept[column >> 6];
      const bool keep = bits >> (column & 63) & 1;
      const std::int16_t share = row.shares[k];
      const float value = row.unit * share;
      row.columns[to] = first[column >> 6] + std::popcount(bits & ((std::uint64_t{1} << (column & 63)) - 1));
      row.shares[to] = share;
      to += keep;
      own += keep ? 0.0f : value * value;
    }
    row.length = to;
    own_[id] += own;
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

  sparse::CompactRows m_;
  std::vector<float> own_;
};

// Rows of a dense matrix, read in place.
class DenseRows {
 public:
  static constexpr bool kScattered = false;  // one row is long enough to be read at full speed

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

}  // namespace arborank::cluster
