// Short lists ranked again: a label's score is joined with how alike the query and the label's centroid are.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/pool.hpp"
#include "search/filter.hpp"
#include "sparse/products.hpp"

namespace arborank::search {

// Unit vectors, one a label: row l has `units[l]` times `values`. Features may be anything: they are only compared.
struct CentroidsView {
  const std::int64_t* indptr;  // n_labels + 1, ascending
  const std::int32_t* features;
  const std::int8_t* values;
  const float* units;
  const float* shares;  // of a label's score, at most: from 0 to 1
  std::int64_t n_labels;
};

struct Reranking {
  double weight;     // times a label's share: what its centroid counts, from 0 to 1
  double enough;     // the cosine from which on the centroid's score is 1
  double sharpness;  // how fast it falls below: exp(sharpness * (cosine - enough))
  bool logarithm;    // scores are logarithms
  const LabelFilter* filter = nullptr;  // whose weights, if any, the scores have been multiplied by
  const float* label_weights = nullptr;  // the same, one a label
};

// The values of one query by feature, in a hash table that fits the fastest cache.
class QueryTable {
 public:
  void fill(const std::int32_t* features, const float* values, std::int64_t n) {
    const auto size = std::bit_ceil(static_cast<std::size_t>(std::max<std::int64_t>(8 * n, 64)));
    shift_ = 32 - std::countr_zero(size);
    mask_ = static_cast<std::uint32_t>(size - 1);
    keys_.assign(size, -1);
    if (values_.size() < size)
      values_.resize(size);
    for (std::int64_t i = 0; i < n; i++) {
      std::uint32_t at = place(features[i]);
      while (keys_[at] != -1)
        at = (at + 1) & mask_;
      keys_[at] = features[i];
      values_[at] = values[i];
    }
    scale_ = sparse::inverse_norm(values, n);
  }

  // The cosine of the query and a unit vector.
  double cosine(const std::int32_t* features, const std::int8_t* values, std::int64_t n, double unit) const {
    float sum = 0;
    for (std::int64_t i = 0; i < n; i++) {
      std::uint32_t at = place(features[i]);
      while (keys_[at] != -1) {
        if (keys_[at] == features[i]) {
          sum += values_[at] * static_cast<float>(values[i]);
          break;
        }
        at = (at + 1) & mask_;
      }
    }
    return scale_ * unit * sum;
  }

 private:
  std::uint32_t place(std::int32_t feature) const {
    return static_cast<std::uint32_t>(feature) * 2654435769u >> shift_;
  }

  std::vector<std::int32_t> keys_;  // -1: empty
  std::vector<float> values_;
  std::uint32_t mask_ = 0;
  int shift_ = 0;
  double scale_ = 0;
};

class Reranker {
 public:
  Reranker(const CentroidsView& centroids, const Reranking& how) : centroids_(centroids), how_(how) {}

  // The k best of `n` labels, -1 where there is none, by their new scores; equal ones stay in their order.
  void row(const std::int64_t* ids, const float* scores, std::int64_t n, std::int64_t k, std::int64_t* best_ids,
           float* best_scores) {
    joined_.resize(n);
    order_.clear();
    for (std::int64_t i = 0; i < n; i++)
      if (ids[i] >= 0)
        prefetch_label(ids[i]);
    for (std::int64_t i = 0; i < n; i++) {
      if (i + kAhead < n && ids[i + kAhead] >= 0)
        prefetch_centroid(ids[i + kAhead]);
      if (ids[i] < 0)
        continue;
      joined_[i] = joined(ids[i], scores[i]);
      order_.push_back(i);
    }
    std::stable_sort(order_.begin(), order_.end(),
                     [this](std::int64_t a, std::int64_t b) { return joined_[a] > joined_[b]; });
    const auto found = static_cast<std::int64_t>(order_.size());
    for (std::int64_t i = 0; i < k; i++) {
      best_ids[i] = i < found ? ids[order_[i]] : -1;
      best_scores[i] = i < found ? joined_[order_[i]] : -std::numeric_limits<float>::infinity();
    }
  }

  QueryTable query;

 private:
  static constexpr std::int64_t kAhead = 4;

  void prefetch_label(std::int64_t label) const {
    __builtin_prefetch(centroids_.indptr + label);
    __builtin_prefetch(centroids_.units + label);
    __builtin_prefetch(centroids_.shares + label);
  }
  void prefetch_centroid(std::int64_t label) const {
    for (std::int64_t at = centroids_.indptr[label]; at < centroids_.indptr[label + 1]; at += 16) {
      __builtin_prefetch(centroids_.features + at);
      if (at % 64 < 16)
        __builtin_prefetch(centroids_.values + at);
    }
  }
  float joined(std::int64_t label, float score) const {
    const double share = how_.weight * centroids_.shares[label];
    if (!(share > 0))
      return score;
    const std::int64_t begin = centroids_.indptr[label], n = centroids_.indptr[label + 1] - begin;
    const double cosine =
        query.cosine(centroids_.features + begin, centroids_.values + begin, n, centroids_.units[label]);
    const double likeness = share * how_.sharpness * std::min(cosine - how_.enough, 0.0);
    const double weight = weight_of(label), old = how_.logarithm ? score : std::log(static_cast<double>(score));
    const double joined =
        (share < 1 ? (1 - share) * old : 0.0) + likeness + (weight == 1 ? 0.0 : share * std::log(weight));
    return static_cast<float>(how_.logarithm ? joined : std::exp(joined));
  }
  double weight_of(std::int64_t label) const {
    if (how_.label_weights != nullptr)
      return how_.label_weights[label];
    return how_.filter != nullptr ? how_.filter->weight_of(label) : 1;
  }

  CentroidsView centroids_;
  Reranking how_;
  std::vector<float> joined_;
  std::vector<std::int64_t> order_;
};

// ids, scores: n_rows x n; best_ids, best_scores: n_rows x k.
inline void rerank(const CentroidsView& centroids, const Reranking& how, const sparse::CsrView& X,
                   const std::int64_t* ids, const float* scores, std::int64_t n, std::int64_t k, std::int64_t* best_ids,
                   float* best_scores, int n_threads, const Tick& tick) {
  constexpr std::int64_t kBlock = 64;
  const auto rows = [&](std::int64_t begin, std::int64_t end) {
    Reranker reranker(centroids, how);
    for (std::int64_t row = begin; row < end; row++) {
      reranker.query.fill(X.indices + X.begin(row), X.data + X.begin(row), X.length(row));
      reranker.row(ids + row * n, scores + row * n, n, k, best_ids + row * k, best_scores + row * k);
    }
  };
  if (X.n_rows <= kBlock)
    return rows(0, X.n_rows);
  parallel_for(n_threads, (X.n_rows + kBlock - 1) / kBlock, tick, [&](std::int64_t task, int, Job& job) {
    const std::int64_t begin = task * kBlock, end = std::min(begin + kBlock, X.n_rows);
    rows(begin, end);
    job.advance(end - begin);
  });
}

}  // namespace arborank::search
