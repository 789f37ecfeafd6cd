// How often labels were sent, and one ranking of what followed, what is frequent and what a search found: by a formula,
// or by learned weights, with a user's own queries.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/simd.hpp"
#include "search/best_of_range.hpp"
#include "search/words.hpp"

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

// What a user's history says of a label that the user sent before. Labels from `n` on are not in the catalogue.
constexpr int kOwn = 8;
struct Own {
  std::int64_t id;
  std::array<double, kOwn> values;
};

// What is known of a candidate: logarithms of its score by the formula, where it is more than a share, of its shares of
// what was sent, of what was sent lately (two rates of ageing) and of what followed the context, and of its score in
// the search; whether it was found; how much of its name are words that begin as some of the context do, and the
// logarithm of how much those that it followed have of its words; whether it goes on after the last query; and what the
// history says.
constexpr int kAges = 2;
constexpr int kEvidence = 3 + kAges + 6 + kOwn;

// Whether anything is known of a context: by what followed it, the search or its words.
constexpr int kContexts = 2;

struct Weighed {
  std::vector<std::int64_t> ids;
  std::vector<double> rows;  // kEvidence values of each
  bool in_context;  // whether anything is known of the context here
};

// Labels, in ascending order, that alone may be returned, where these are no range; how often they were sent in all.
struct Among {
  const std::int64_t* ids;
  std::int64_t n;
  double sent;
  std::array<double, kAges> lately;

  bool has(std::int64_t label) const { return std::binary_search(ids, ids + n, label); }
};

// What is known of one keystroke.
struct Keystroke {
  std::int64_t first, end, k;
  std::vector<std::pair<std::int64_t, double>> found;  // by the search, with scores
  std::vector<Follower> after;  // in ascending order
  std::vector<std::int64_t> often;  // labels that are candidates, as they are frequent or so lately
  WordRow words, beginnings;  // of the context, and of its words
  const Among* among = nullptr;  // of the range, if not all

  bool wants(std::int64_t label) const { return among == nullptr || among->has(label); }
};

class Frequencies {
 public:
  // `blocked` labels, in ascending order, are never returned. `aged` holds counts that age, `n_ages` times `n`. All
  // arrays stay with the caller.
  Frequencies(const std::int64_t* counts, std::int64_t n, const std::int32_t* blocked, std::int64_t n_blocked,
              const double* aged = nullptr, int n_ages = 0)
      : counts_(counts), blocked_(blocked), n_blocked_(n_blocked), aged_(aged), n_ages_(n_ages), sums_(n + 1, 0) {
    for (std::int64_t i = 0; i < n; i++)
      sums_[i + 1] = sums_[i] + counts[i];
    for (int age = 0; age < n_ages; age++) {
      aged_sums_.emplace_back(n + 1, 0.0);
      for (std::int64_t i = 0; i < n; i++)
        aged_sums_[age][i + 1] = aged_sums_[age][i] + aged[age * n + i];
    }
    const auto is_out = [this](std::int64_t label) { return is_blocked(label); };
    most_sent_ = {counts, n, is_out};
    if (n_ages > 0)
      most_lately_ = {aged, n, is_out};
  }

  std::int64_t size() const { return static_cast<std::int64_t>(sums_.size()) - 1; }

  // How often the labels of a range were sent in all, at least 1.
  std::int64_t total(std::int64_t first, std::int64_t end) const {
    return std::max<std::int64_t>(sums_[end] - sums_[first], 1);
  }

  bool is_blocked(std::int64_t label) const {
    return n_blocked_ > 0 && std::binary_search(blocked_, blocked_ + n_blocked_, static_cast<std::int32_t>(label));
  }

  // The `k` labels of a range that were sent most often; among equals the first.
  std::vector<std::int64_t> top(std::int64_t first, std::int64_t end, std::int64_t k) const {
    return most_sent_.best(first, end, k, [this](std::int64_t label) { return is_blocked(label); });
  }

  // The same of the counts that age, the faster ones; none where there are none.
  std::vector<std::int64_t> lately(std::int64_t first, std::int64_t end, std::int64_t k) const {
    if (n_ages_ == 0)
      return {};
    return most_lately_.best(first, end, k, [this](std::int64_t label) { return is_blocked(label); });
  }

  // The `k` best labels of a range. With `f` the share of a label of what was sent in the range, and `q` its score in
  // the search, one that followed `n` times of `N` scores `(n + f (1 + q) / 2) / (N + 1)`; where nothing followed,
  // `(1 - weight) q + weight f`, and `f` where nothing was found either. The most frequent labels count where fewer
  // than `k` followed.
  Ranked blend(Keystroke asked, double weight) const {
    Candidates all = gather(asked, false);
    score(all, asked, weight);
    keep_best(all.rows, asked.k, by_score);
    Ranked result;
    for (const Candidate& row : all.rows) {
      result.ids.push_back(row.id);
      result.scores.push_back(row.score);
    }
    return result;
  }

  // The candidates of all sources, and what is known of each. Of a range, the `pool` labels that were sent most often
  // and those that were so lately are candidates, too. `extends` are the labels that go on after the last query, and
  // `left` is what is left by now of the counts that age.
  Weighed weigh(Keystroke asked, double weight, std::int64_t pool, const std::vector<Own>& own,
                std::pair<std::int64_t, std::int64_t> extends, const std::array<double, kAges>& left,
                const Words* words) const {
    std::vector<std::int64_t> more = std::move(asked.often);
    asked.often = top(asked.first, asked.end, pool);
    Candidates all = gather(asked, true);
    keep_followers(all);
    const std::vector<std::int64_t> late = lately(asked.first, asked.end, pool);
    more.insert(more.end(), late.begin(), late.end());
    if (words != nullptr)
      for (const auto& [postings, row] :
           {std::pair{&words->names, &asked.beginnings}, std::pair{&words->followed, &asked.words}})
        for (const std::int64_t label : largest_products(*postings, *row, asked.first, asked.end, kOfWords,
                                                         [&](std::int64_t one) { return asked.wants(one); }))
          more.push_back(label);
    for (const Own& one : own)
      more.push_back(one.id);
    std::sort(more.begin(), more.end());
    more.erase(std::unique(more.begin(), more.end()), more.end());
    std::sort(all.rows.begin(), all.rows.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    const auto n_known = static_cast<std::int64_t>(all.rows.size());
    for (const std::int64_t id : more)
      if (!is_blocked(id) && !place(all.rows, id, 0, n_known))
        all.rows.push_back({id, 0.0, 0.0, 0.0});
    for (const Candidate& row : all.rows)
      if (row.id < size())
        for (int age = -1; age < n_ages_; age++)
          prefetch(age < 0 ? static_cast<const void*>(counts_ + row.id) : aged_ + age * size() + row.id);
    std::sort(all.rows.begin(), all.rows.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    score(all, asked, weight);

    const bool in_words = !asked.words.empty() || !asked.beginnings.empty();
    Weighed result{{}, {}, all.n_times > 0 || !asked.found.empty() || in_words};
    for (const Candidate& row : all.rows)
      result.ids.push_back(row.id);
    std::vector<double> named(result.ids.size()), followed(result.ids.size());
    if (words != nullptr) {
      add_products(words->names, asked.beginnings, result.ids, named);
      add_products(words->followed, asked.words, result.ids, followed);
    }
    result.rows.reserve(all.rows.size() * kEvidence);
    // the same logarithms again and again are taken once
    const double no_times = std::log(kNoTimes / (all.n_times + 1)), not_found = std::log(kNotFound),
                 no_words = std::log(kFew);
    const bool in_followed = words != nullptr && !asked.words.empty();
    const double sent =
        asked.among != nullptr ? asked.among->sent : static_cast<double>(sums_[asked.end] - sums_[asked.first]);
    for (std::size_t i = 0; i < all.rows.size(); i++) {
      const Candidate& row = all.rows[i];
      const bool known = row.id < size();
      auto& to = result.rows;
      to.push_back(result.in_context ? std::log(std::max(row.score, kLeast)) : 0.0);
      to.push_back(std::log((known ? static_cast<double>(counts_[row.id]) + 0.5 : 0.25) / (sent + 1)));
      to.push_back(known ? 0.0 : 1.0);
      for (int age = 0; age < kAges; age++) {
        if (age < n_ages_) {
          const double whole =
              left[age] * (asked.among != nullptr ? asked.among->lately[age]
                                                  : aged_sums_[age][asked.end] - aged_sums_[age][asked.first]);
          to.push_back(
              std::log(((known ? left[age] * aged_[age * size() + row.id] : 0.0) + 0.1) / (std::max(whole, 0.0) + 1)));
        } else {
          to.push_back(0.0);
        }
      }
      const double times = row.times > 0 ? std::log((row.times + kNoTimes) / (all.n_times + 1)) : no_times;
      to.push_back(all.n_times > 0 ? times : 0.0);
      const double found = row.found > 0 ? std::log(row.found + kNotFound) : not_found;
      to.push_back(asked.found.empty() ? 0.0 : found);
      to.push_back(row.found > 0 ? 1.0 : 0.0);
      to.push_back(named[i]);
      const double spoken = followed[i] > 0 ? std::log(followed[i] + kFew) : no_words;
      to.push_back(in_followed ? spoken : 0.0);
      to.push_back(row.id >= extends.first && row.id < extends.second ? 1.0 : 0.0);
      to.insert(to.end(), kOwn, 0.0);
    }
    for (const Own& one : own) {
      const auto at = std::lower_bound(result.ids.begin(), result.ids.end(), one.id);
      if (at != result.ids.end() && *at == one.id)
        std::copy(one.values.begin(), one.values.end(),
                  result.rows.begin() + (at - result.ids.begin() + 1) * kEvidence - kOwn);
    }
    return result;
  }

  // The best candidates by weights, a row where nothing is known of the context and one where something is; a score is
  // a candidate's share of the exponentials of all.
  static Ranked weighted(const Weighed& all, std::int64_t k, const double* rows_of_weights) {
    const double* weights = rows_of_weights + (all.in_context ? kEvidence : 0);
    const auto n = static_cast<std::int64_t>(all.ids.size());
    std::vector<std::pair<double, std::int64_t>> rows(n);
    double highest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t i = 0; i < n; i++) {
      double value = 0;
      for (int j = 0; j < kEvidence; j++)
        value += weights[j] * all.rows[i * kEvidence + j];
      rows[i] = {value, all.ids[i]};
      highest = std::max(highest, value);
    }
    for (auto& [value, id] : rows)
      sum += value = std::exp(value - highest);
    keep_best(rows, k, [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    Ranked result;
    for (const auto& [value, id] : rows) {
      result.ids.push_back(id);
      result.scores.push_back(value / sum);
    }
    return result;
  }

 private:
  static constexpr double kLeast = 1e-12;  // of a score, for its logarithm
  static constexpr double kNoTimes = 0.25, kNotFound = 1e-4, kFew = 0.03;  // what stands for nothing in logarithms
  static constexpr std::int64_t kOfWords = 20;  // labels that words speak for
  static constexpr std::int64_t kMost = 64;  // labels that followed, the most frequent ones

  struct Candidate {
    std::int64_t id;
    double times, found, score;
  };
  struct Candidates {
    std::vector<Candidate> rows;
    std::int64_t n_followed;
    double n_times;
  };

  static Candidate* place(std::vector<Candidate>& rows, std::int64_t id, std::int64_t begin, std::int64_t behind) {
    const auto at = std::lower_bound(rows.begin() + begin, rows.begin() + behind, id,
                                     [](const Candidate& row, std::int64_t label) { return row.id < label; });
    return at != rows.begin() + behind && at->id == id ? &*at : nullptr;
  }

  static bool by_score(const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  }

  // What followed, what was found and what is frequent, each once; the latter where fewer than `k` followed, or
  // `always`.
  Candidates gather(Keystroke& asked, bool always) const {
    Candidates all{{}, 0, 0.0};
    auto& rows = all.rows;
    for (const auto& [label, times] : asked.after)
      if (!is_blocked(label) && asked.wants(label)) {
        rows.push_back({label, times, 0.0, 0.0});
        all.n_times += times;
      }
    all.n_followed = static_cast<std::int64_t>(rows.size());
    // those that followed are in order; behind them stand those that were found, in order too
    std::sort(asked.found.begin(), asked.found.end());
    for (const auto& [id, found] : asked.found)
      if (Candidate* followed = place(rows, id, 0, all.n_followed))
        followed->found = found;
      else
        rows.push_back({id, 0.0, found, 0.0});
    const auto n_chosen = static_cast<std::int64_t>(rows.size());
    if ((always || all.n_followed < asked.k) && n_chosen < asked.end - asked.first)
      for (const std::int64_t id : asked.often)
        if (!place(rows, id, 0, all.n_followed) && !place(rows, id, all.n_followed, n_chosen))
          rows.push_back({id, 0.0, 0.0, 0.0});
    return all;
  }

  // Of many labels that followed, those that did most often, or that something else speaks for.
  static void keep_followers(Candidates& all) {
    if (all.n_followed <= kMost)
      return;
    std::vector<double> times(all.n_followed);
    std::transform(all.rows.begin(), all.rows.begin() + all.n_followed, times.begin(),
                   [](const Candidate& row) { return row.times; });
    std::nth_element(times.begin(), times.begin() + kMost - 1, times.end(), std::greater<>());
    const double least = times[kMost - 1];
    const auto is_rare = [&](const Candidate& row) { return row.times > 0 && row.times < least && row.found == 0; };
    all.rows.erase(std::remove_if(all.rows.begin(), all.rows.end(), is_rare), all.rows.end());
  }

  void score(Candidates& all, const Keystroke& asked, double weight) const {
    const double sent =
        asked.among != nullptr ? std::max(asked.among->sent, 1.0) : static_cast<double>(total(asked.first, asked.end));
    if (asked.found.empty())
      weight = 1.0;
    for (Candidate& row : all.rows) {
      const double share = row.id < size() ? static_cast<double>(counts_[row.id]) / sent : 0.0;
      row.score = all.n_times > 0 ? (row.times + share * (1 + row.found) / 2) / (all.n_times + 1)
                                  : (1 - weight) * row.found + weight * share;
    }
  }

  template <class T, class Before>
  static void keep_best(std::vector<T>& rows, std::int64_t k, Before&& before) {
    const auto n = std::min<std::int64_t>(k, rows.size());
    std::partial_sort(rows.begin(), rows.begin() + n, rows.end(), before);
    rows.resize(n);
  }

  const std::int64_t* counts_;
  const std::int32_t* blocked_;
  std::int64_t n_blocked_;
  const double* aged_;
  int n_ages_;
  std::vector<std::int64_t> sums_;
  std::vector<std::vector<double>> aged_sums_;
  BestOfRange<std::int64_t> most_sent_;
  BestOfRange<double> most_lately_;
};

}  // namespace arborank::search
