// How often labels were sent, and one ranking of what followed, what is frequent and what a search found.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace arborank::search {

struct Ranked {
  std::vector<std::int64_t> ids;
  std::vector<double> scores;
};

// What followed a context: labels in ascending order, and how often each did, which counts `weight` times.
struct Followed {
  const std::int32_t* labels;
  const std::int64_t* times;
  std::int64_t n;
  double weight;
};

struct Follower {
  std::int32_t label;
  double times;
};

// The labels of a range that followed some contexts, in ascending order; their times added up.
inline std::vector<Follower> followers(const std::vector<Followed>& contexts, std::int64_t first, std::int64_t end) {
  std::vector<Follower> all;
  for (const Followed& after : contexts) {
    const std::int32_t* stop = after.labels + after.n;
    for (const std::int32_t* one = std::lower_bound(after.labels, stop, first); one < stop && *one < end; one++)
      if (*one >= first)  // as it is, in ascending order
        all.push_back({*one, after.weight * static_cast<double>(after.times[one - after.labels])});
  }
  if (contexts.size() < 2)
    return all;
  std::stable_sort(all.begin(), all.end(), [](const Follower& a, const Follower& b) { return a.label < b.label; });
  std::size_t n = 0;
  for (const Follower& one : all)
    if (n > 0 && all[n - 1].label == one.label)
      all[n - 1].times += one.times;
    else
      all[n++] = one;
  all.resize(n);
  return all;
}

class Frequencies {
 public:
  // `blocked` labels, in ascending order, are never returned; both arrays stay with the caller.
  Frequencies(const std::int64_t* counts, std::int64_t n, const std::int32_t* blocked, std::int64_t n_blocked)
      : counts_(counts), blocked_(blocked), n_blocked_(n_blocked), sums_(n + 1, 0) {
    for (std::int64_t i = 0; i < n; i++)
      sums_[i + 1] = sums_[i] + counts[i];
  }

  std::int64_t size() const { return static_cast<std::int64_t>(sums_.size()) - 1; }

  // How often the labels of a range were sent in all, at least 1.
  std::int64_t total(std::int64_t first, std::int64_t end) const {
    return std::max<std::int64_t>(sums_[end] - sums_[first], 1);
  }

  bool is_blocked(std::int32_t label) const {
    return n_blocked_ > 0 && std::binary_search(blocked_, blocked_ + n_blocked_, label);
  }

  // The `k` labels of a range that were sent most often; among equals the first.
  std::vector<std::int64_t> top(std::int64_t first, std::int64_t end, std::int64_t k) const {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = first; i < end; i++)
      if (counts_[i] > 0 && !is_blocked(static_cast<std::int32_t>(i)))
        ids.push_back(i);
    keep_best(ids, k, [&](std::int64_t a, std::int64_t b) {
      return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : a < b;
    });
    return ids;
  }

  // The `k` best labels of a range. With `f` the share of a label of what was sent in the range, and `q` its score in
  // the search, one that followed `n` times of `N` scores `(n + f (1 + q) / 2) / (N + 1)`; where nothing followed,
  // `(1 - weight) q + weight f`, and `f` where nothing was found either. `often` are the range's most frequent labels,
  // which count where fewer than `k` followed.
  Ranked blend(std::int64_t first, std::int64_t end, std::int64_t k, std::vector<std::pair<std::int64_t, double>> found,
               const std::vector<Follower>& after, const std::vector<std::int64_t>& often, double weight) const {
    struct Candidate {
      std::int64_t id;
      double times, score;
    };
    std::vector<Candidate> rows;
    double n = 0;
    for (const auto& [label, times] : after)
      if (!is_blocked(label)) {
        rows.push_back({label, times, 0.0});
        n += times;
      }
    const auto n_followed = static_cast<std::int64_t>(rows.size());
    // those that followed are in order; behind them stand those that were found, in order too
    std::sort(found.begin(), found.end());
    const auto by_id = [](const Candidate& row, std::int64_t id) { return row.id < id; };
    const auto place = [&](std::int64_t id, std::int64_t begin, std::int64_t behind) -> Candidate* {
      const auto at = std::lower_bound(rows.begin() + begin, rows.begin() + behind, id, by_id);
      return at != rows.begin() + behind && at->id == id ? &*at : nullptr;
    };
    for (const auto& [id, score] : found)
      if (Candidate* followed = place(id, 0, n_followed))
        followed->score = score;
      else
        rows.push_back({id, 0.0, score});
    const auto n_chosen = static_cast<std::int64_t>(rows.size());
    if (n_followed < k && n_chosen < end - first)
      for (const std::int64_t id : often)
        if (!place(id, 0, n_followed) && !place(id, n_followed, n_chosen))
          rows.push_back({id, 0.0, 0.0});

    const auto sent = static_cast<double>(total(first, end));
    if (found.empty())
      weight = 1.0;
    for (Candidate& row : rows) {
      const double share = static_cast<double>(counts_[row.id]) / sent;
      row.score =
          n > 0 ? (row.times + share * (1 + row.score) / 2) / (n + 1) : (1 - weight) * row.score + weight * share;
    }
    keep_best(rows, k, [](const Candidate& a, const Candidate& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    Ranked result;
    for (const Candidate& row : rows) {
      result.ids.push_back(row.id);
      result.scores.push_back(row.score);
    }
    return result;
  }

 private:
  template <class T, class Before>
  static void keep_best(std::vector<T>& rows, std::int64_t k, Before&& before) {
    const auto n = std::min<std::int64_t>(k, rows.size());
    std::partial_sort(rows.begin(), rows.begin() + n, rows.end(), before);
    rows.resize(n);
  }

  const std::int64_t* counts_;
  const std::int32_t* blocked_;
  std::int64_t n_blocked_;
  std::vector<std::int64_t> sums_;
};

}  // namespace arborank::search
