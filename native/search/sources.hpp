// Candidates from several sources, merged: the labels that a tree lists, those with the most similar mean instances or
// names, and those of the most similar training rows. One score is made from what all of them say of a label. Of the
// best by it, the tree is asked again, whether it lists them or not, and a second score ranks these.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/simd.hpp"
#include "search/rescore.hpp"
#include "search/top.hpp"
#include "sparse/products.hpp"

namespace arborank::search {

// Products of a row with many items, of which most are zero: sums by item, and which items have one.
class ItemSums {
 public:
  explicit ItemSums(std::int64_t n_items = 0) : sums_(n_items, kNone), items_(n_items + 1) {}

  // postings: a row of items a feature
  void add(const sparse::CsrView& postings, const std::int32_t* features, const float* values, std::int64_t n) {
    float* const sums = sums_.data();
    std::int32_t* const items = items_.data();
    std::size_t n_items = n_items_;
    for (std::int64_t i = 0; i < n; i++) {
      if (i + 1 < n)
        sparse::prefetch_row(postings, features[i + 1]);
      for (std::int64_t k = postings.begin(features[i]); k < postings.end(features[i]); k++) {
        const std::int32_t item = postings.indices[k];
        const float sum = sums[item];
        items[n_items] = item;
        n_items += std::bit_cast<std::uint32_t>(sum) == kNoneBits;
        sums[item] = sum + (values[i] * postings.data[k] + 0.0f);  // never -0 again
      }
    }
    n_items_ = n_items;
  }
  float operator[](std::int64_t item) const { return sums_[item] + 0.0f; }

  // The items with the largest sums above 0 among those that `wanted` holds of, best first, the first of equals.
  template <class Wanted>
  void best(std::int64_t k, std::vector<Candidate>& items, Wanted&& wanted) const {
    items.clear();
    Candidate least = make_candidate(0.0f, 0);  // of sums of 0, the best
    for (std::size_t i = 0; i < n_items_; i++) {
      const Candidate one = make_candidate(sums_[items_[i]], static_cast<std::uint32_t>(items_[i]));
      if (one <= least || !wanted(items_[i]))
        continue;
      items.push_back(one);
      if (static_cast<std::int64_t>(items.size()) >= 2 * k + 64) {
        std::nth_element(items.begin(), items.begin() + (k - 1), items.end(), std::greater<>());
        items.resize(k);
        least = items[k - 1];
      }
    }
    const auto n = std::min<std::int64_t>(k, static_cast<std::int64_t>(items.size()));
    std::partial_sort(items.begin(), items.begin() + n, items.end(), std::greater<>());
    items.resize(n);
  }

  void clear() {
    for (std::size_t i = 0; i < n_items_; i++)
      sums_[items_[i]] = kNone;
    n_items_ = 0;
  }

 private:
  static constexpr float kNone = -0.0f;  // what no sum of products is
  static constexpr std::uint32_t kNoneBits = std::bit_cast<std::uint32_t>(kNone);

  std::vector<float> sums_;
  std::vector<std::int32_t> items_;  // that have a sum, in the order in which they got it
  std::size_t n_items_ = 0;
};

// What the sources say of a label for a query; 0 where one says nothing.
struct Evidence {
  std::int32_t label;
  float tree = 0, centroid = 0, name = 0;
  float votes = 0, nearest = 0;  // similarities of the neighbours that have the label: their sum, and the largest
};

// The evidence of one query by label: a table with open addressing.
class EvidenceTable {
 public:
  std::vector<Evidence> rows;

  void clear(std::int64_t most) {
    const std::size_t size = std::bit_ceil(static_cast<std::size_t>(2 * most + 2));
    places_.assign(size, -1);
    shift_ = 32 - std::countr_zero(size);
    rows.clear();
  }
  // At most as many as `clear` was told.
  Evidence& operator[](std::int32_t label) {
    std::size_t at = (static_cast<std::uint32_t>(label) * 2654435769u) >> shift_;
    for (; places_[at] >= 0; at = (at + 1) & (places_.size() - 1))
      if (rows[places_[at]].label == label)
        return rows[places_[at]];
    places_[at] = static_cast<std::int32_t>(rows.size());
    rows.push_back({label});
    return rows.back();
  }

 private:
  std::vector<std::int32_t> places_;
  int shift_ = 0;
};

// Labels that may be returned, of all queries or of each.
struct LabelLimits {
  const sparse::CsrView *allowed = nullptr, *excluded = nullptr;  // of one row: for all queries
};

// The labels that a tree lists for many queries, padded at the ends with -1.
struct TreeLists {
  const std::int64_t* ids;
  const float* scores;
  std::int64_t width;
};

struct MergeOptions {
  std::int64_t n_candidates, n_neighbours;  // of every source
  std::int64_t most_features;               // of a query that are compared, the largest
  std::int64_t n_short;                     // candidates that the tree is asked about again
};

// Of the logistic models that rank the candidates, and those of the short list: a weight an input, then the intercept.
struct MergeWeights {
  const double *first, *second;
  const float* of_labels;  // above 0, what probabilities are multiplied by; may be null
};

struct MergeScratch {
  ItemSums centroids, names, rows;
  EvidenceTable table;
  std::vector<Candidate> items;
  std::vector<std::pair<double, std::int32_t>> ranked;  // score, the worst last, and the label's place in the table
  std::vector<std::int32_t> labels;                     // of the short list
  std::vector<LabelMargins> margins;
  Rescorer rescorer;
  std::vector<std::pair<float, std::int32_t>> largest;
  std::vector<std::int32_t> features;
  std::vector<float> values;
  std::vector<std::uint8_t> forbidden;  // of every label, if some are
};

class Sources {
 public:
  // What a score is learned from: what the sources say, whether they say anything, and how frequent the label is, by
  // which a source is trusted more or less.
  static constexpr int kInputs = 19, kShortInputs = kInputs + 11;
  typedef std::array<float, kInputs> Inputs;
  typedef std::array<float, kShortInputs> ShortInputs;

  // Postings of mean instances, names and training rows; the labels of these; log(1 + n) of the instances of every
  // label. All stay with the caller.
  Sources(const sparse::CsrView& centroids, const sparse::CsrView& names, const sparse::CsrView& rows,
          const sparse::CsrView& labels, const float* log_counts)
      : centroids_(centroids), names_(names), rows_(rows), labels_(labels), log_counts_(log_counts) {
    if (centroids.n_cols != labels.n_cols || names.n_cols != labels.n_cols || rows.n_cols != labels.n_rows ||
        names.n_rows != centroids.n_rows || rows.n_rows != centroids.n_rows)
      throw std::invalid_argument(
          "centroids, names, rows and labels have different numbers of features, rows or labels");
  }
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;
  ~Sources() {
    for (auto& slot : slots_)
      delete slot.load();
  }

  std::int64_t n_labels() const { return labels_.n_cols; }
  std::int64_t n_features() const { return centroids_.n_rows; }

  std::unique_ptr<MergeScratch> take() const {
    for (auto& slot : slots_)
      if (MergeScratch* scratch = slot.exchange(nullptr))
        return std::unique_ptr<MergeScratch>(scratch);
    auto scratch = std::make_unique<MergeScratch>();
    scratch->centroids = ItemSums(n_labels());
    scratch->names = ItemSums(names_.nnz() > 0 ? n_labels() : 0);
    scratch->rows = ItemSums(labels_.n_rows);
    return scratch;
  }
  void give(std::unique_ptr<MergeScratch> scratch) const {
    for (auto& slot : slots_) {
      MergeScratch* empty = nullptr;
      if (slot.compare_exchange_strong(empty, scratch.get())) {
        (void)scratch.release();
        return;
      }
    }
  }

  // Leaves the evidence of one query in the table, the labels in the order in which the sources list them.
  void gather(const sparse::CsrView& X, std::int64_t query, const TreeLists& tree, const LabelLimits& limits,
              const MergeOptions& options, MergeScratch& s) const {
    pick_features(X, query, options.most_features, s);
    forbid(limits, query, s);
    const auto free = [&](std::int64_t label) { return s.forbidden.empty() || !s.forbidden[label]; };
    const auto n = static_cast<std::int64_t>(s.features.size());
    s.rows.add(rows_, s.features.data(), s.values.data(), n);
    s.rows.best(options.n_neighbours, s.items, [](std::int64_t) { return true; });
    s.rows.clear();
    std::int64_t most = tree.width + 2 * options.n_candidates;
    for (const Candidate one : s.items)
      most += labels_.length(candidate_order(one));
    s.table.clear(most);
    for (std::int64_t i = query * tree.width; i < (query + 1) * tree.width && tree.ids[i] >= 0; i++)
      s.table[static_cast<std::int32_t>(tree.ids[i])].tree = tree.scores[i];
    for (const Candidate one : s.items) {
      const float near = candidate_score(one);
      for (std::int64_t k = labels_.begin(candidate_order(one)); k < labels_.end(candidate_order(one)); k++)
        if (free(labels_.indices[k])) {
          Evidence& label = s.table[labels_.indices[k]];
          label.votes += near;
          label.nearest = std::max(label.nearest, near);
        }
    }
    const auto list = [&](const sparse::CsrView& postings, ItemSums& sums) {
      if (postings.nnz() == 0)
        return;
      sums.add(postings, s.features.data(), s.values.data(), n);
      sums.best(options.n_candidates, s.items, free);
      for (const Candidate one : s.items)
        s.table[static_cast<std::int32_t>(candidate_order(one))];
    };
    list(centroids_, s.centroids);
    list(names_, s.names);
    for (Evidence& one : s.table.rows) {
      one.centroid = s.centroids[one.label];
      one.name = names_.nnz() > 0 ? s.names[one.label] : 0.0f;
    }
    s.centroids.clear();
    s.names.clear();
  }

  Inputs inputs(const Evidence& one) const {
    const auto flag = [](bool holds) { return holds ? 1.0f : 0.0f; };
    const auto log = [](float score, float least) { return score > 0 ? std::log(std::max(score, least)) : 0.0f; };
    const float missing = flag(one.tree <= 0), tree = log(one.tree, 1e-4f), votes = log(one.votes, 1e-2f);
    const float count = log_counts_[one.label];
    return {missing,
            tree,
            one.tree,
            one.centroid,
            flag(one.votes <= 0),
            votes,
            one.nearest,
            one.name,
            one.name * one.name,
            count,
            count * count,
            flag(count <= 0),
            missing * count,
            tree * count,
            one.tree * count,
            one.centroid * count,
            votes * count,
            one.nearest * count,
            one.name * count};
  }

  // Leaves the short list in `labels`, best first, what the tree says of them in `margins`, and where their evidence is
  // in the table in `ranked`.
  void shorten(const BeamTree& tree, const sparse::CsrView& X, std::int64_t query, const MergeWeights& weights,
               std::int64_t n, MergeScratch& s) const {
    s.ranked.clear();
    for (std::size_t i = 0; i < s.table.rows.size(); i++)
      s.ranked.emplace_back(-score(inputs(s.table.rows[i]), weights.first, weights.of_labels, s.table.rows[i].label),
                            static_cast<std::int32_t>(i));
    n = best_of(n, s);
    s.ranked.resize(n);
    s.labels.clear();
    for (const auto& [key, at] : s.ranked)
      s.labels.push_back(s.table.rows[at].label);
    s.rescorer(tree, X, query, s.labels.data(), n, s.margins);
  }

  ShortInputs inputs(const Evidence& one, const LabelMargins& margins) const {
    const float hinge = Rescorer::hinge(margins.margin), above = std::cbrt(margins.above);
    const float loss = std::min(Rescorer::loss(margins), 9.2f), chance = std::exp(-loss);
    const float count = log_counts_[one.label];
    const float tree[] = {margins.margin, hinge,  hinge * hinge, margins.margin * count, hinge * count, above,
                          above * count,  chance, loss,          chance * count,         loss * count};
    ShortInputs all;
    const Inputs own = inputs(one);
    std::copy(own.begin(), own.end(), all.begin());
    std::copy(std::begin(tree), std::end(tree), all.begin() + kInputs);
    return all;
  }

  // The k best labels of the short list, the smaller of equals first, with their probabilities.
  void rank(const MergeWeights& weights, std::int64_t k, std::int64_t* ids, float* scores, MergeScratch& s) const {
    for (std::size_t i = 0; i < s.ranked.size(); i++) {
      auto& [key, at] = s.ranked[i];
      key = -score(inputs(s.table.rows[at], s.margins[i]), weights.second, weights.of_labels, s.labels[i]);
    }
    const std::int64_t n = best_of(k, s);
    const auto probability = [&](double key) {
      return static_cast<float>(weights.of_labels != nullptr ? std::exp(-key) : 1.0 / (1.0 + std::exp(key)));
    };
    for (std::int64_t i = 0; i < k; i++) {
      ids[i] = i < n ? s.table.rows[s.ranked[i].second].label : -1;
      scores[i] = i < n ? probability(s.ranked[i].first) : -std::numeric_limits<float>::infinity();
    }
  }

 private:
  // By which candidates are ranked: a margin or, with weights of labels, the logarithm of a weighted probability.
  template <std::size_t n>
  static double score(const std::array<float, n>& inputs, const double* weights, const float* of_labels,
                      std::int32_t label) {
    double margin = weights[n];
    for (std::size_t i = 0; i < n; i++)
      margin += weights[i] * static_cast<double>(inputs[i]);
    if (of_labels == nullptr)
      return margin;
    return std::log(static_cast<double>(of_labels[label])) - std::log1p(std::exp(-margin));
  }

  // Puts the k best in front, in order; returns how many there are.
  static std::int64_t best_of(std::int64_t k, MergeScratch& s) {
    const auto n = std::min<std::int64_t>(k, static_cast<std::int64_t>(s.ranked.size()));
    std::partial_sort(s.ranked.begin(), s.ranked.begin() + n, s.ranked.end(), [&](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : s.table.rows[a.second].label < s.table.rows[b.second].label;
    });
    return n;
  }

  // The features of a query that count, in their order, and their values in a row of unit length.
  static void pick_features(const sparse::CsrView& X, std::int64_t query, std::int64_t most, MergeScratch& s) {
    const std::int64_t begin = X.begin(query), n = X.length(query);
    const auto scale = static_cast<float>(sparse::inverse_norm(X.data + begin, n));
    float least = 0;
    if (n > most) {
      s.largest.clear();
      for (std::int64_t i = begin; i < X.end(query); i++)
        s.largest.emplace_back(std::fabs(X.data[i]), 0);
      std::nth_element(s.largest.begin(), s.largest.begin() + most, s.largest.end(), std::greater<>());
      least = s.largest[most].first;  // equals of the first one left out are left out, too
    }
    s.features.clear();
    s.values.clear();
    for (std::int64_t i = begin; i < X.end(query); i++)
      if (std::fabs(X.data[i]) > least) {
        s.features.push_back(X.indices[i]);
        s.values.push_back(X.data[i] * scale);
      }
  }

  void forbid(const LabelLimits& limits, std::int64_t query, MergeScratch& s) const {
    s.forbidden.clear();
    if (limits.allowed == nullptr && limits.excluded == nullptr)
      return;
    s.forbidden.assign(n_labels(), limits.allowed != nullptr);
    const auto mark = [&](const sparse::CsrView* one, std::uint8_t mark) {
      const std::int64_t row = one == nullptr || one->n_rows == 1 ? 0 : query;
      for (std::int64_t k = one == nullptr ? 0 : one->begin(row); one != nullptr && k < one->end(row); k++)
        s.forbidden[one->indices[k]] = mark;
    };
    mark(limits.allowed, 0);
    mark(limits.excluded, 1);
  }

  sparse::CsrView centroids_, names_, rows_, labels_;
  const float* log_counts_;
  mutable std::array<std::atomic<MergeScratch*>, 8> slots_{};  // lock-free: a fork cannot break it
};

}  // namespace arborank::search
