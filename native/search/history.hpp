// What one user sent, the latest of it: which queries begin with a prefix, and what is known of each.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "search/blend.hpp"

namespace arborank::search {

// Queries have numbers, which are used again when a query falls out. Each holds what the caller knows it by, a label.
class History {
 public:
  static constexpr std::int64_t kUnknown = -2;  // a label that the caller has not looked up yet

  explicit History(std::int64_t size) : size_(size) {}

  std::int64_t n_sent() const { return static_cast<std::int64_t>(sent_.size()); }
  std::int64_t n_queries() const { return static_cast<std::int64_t>(by_key_.size()); }
  double latest() const { return sent_.empty() ? 0.0 : sent_.back().second; }
  const std::string& key(std::int32_t number) const { return queries_[number].key; }
  const std::string& text(std::int32_t number) const { return queries_[number].text; }
  std::int64_t& label(std::int32_t number) { return queries_[number].label; }
  const std::deque<std::pair<std::int32_t, double>>& sent() const { return sent_; }

  bool has(std::int64_t number) const {
    return number >= 0 && number < static_cast<std::int64_t>(queries_.size()) && !queries_[number].places.empty();
  }

  // -1 for a query that is not there.
  std::int32_t find(std::string_view key) const {
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? -1 : at->second;
  }

  // A query that was sent last.
  void append(std::string_view key, double time, std::string_view text) {
    auto at = by_key_.find(key);
    if (at == by_key_.end()) {
      std::int32_t number = static_cast<std::int32_t>(queries_.size());
      if (free_.empty()) {
        queries_.emplace_back();
      } else {
        number = free_.back();
        free_.pop_back();
      }
      queries_[number] = {std::string(key), {}, {}, kUnknown};
      at = by_key_.emplace(key, number).first;
    }
    Query& query = queries_[at->second];
    query.text = text;
    query.places.push_back(dropped_ + n_sent());
    sent_.emplace_back(at->second, time);
    if (n_sent() > size_)
      drop_oldest();
  }

  void forget_labels() {
    for (Query& query : queries_)
      query.label = kUnknown;
  }

  // The queries that begin with a prefix, in order; of more than `most`, those sent last, the last one first.
  std::vector<std::int32_t> matching(std::string_view prefix, std::int64_t most) const {
    std::vector<std::int32_t> found;
    for (auto at = by_key_.lower_bound(prefix); at != by_key_.end() && at->first.starts_with(prefix); ++at) {
      if (static_cast<std::int64_t>(found.size()) == most)
        return last_sent(prefix, most);
      found.push_back(at->second);
    }
    return found;
  }

  // How often a query was sent, how many queries ago, and when the last `most` times.
  struct Use {
    std::int64_t count, ago;
    std::vector<double> times;
  };
  Use use(std::int32_t number, std::int64_t most) const {
    const auto& places = queries_[number].places;
    Use result{static_cast<std::int64_t>(places.size()), dropped_ + n_sent() - places.back(), {}};
    for (auto i = std::max<std::int64_t>(result.count - most, 0); i < result.count; i++)
      result.times.push_back(sent_[places[i] - dropped_].second);
    return result;
  }

  // The queries sent right after one, oldest first.
  std::vector<std::int32_t> after(std::int32_t number) const {
    std::vector<std::int32_t> found;
    for (const std::int64_t place : queries_[number].places)
      if (place - dropped_ + 1 < n_sent())
        found.push_back(sent_[place - dropped_ + 1].first);
    return found;
  }

  // What is known of some queries at a moment: 1, as they are in the history; the logarithms of how often each was
  // sent, and of how many queries ago; of one more than the hours since; the share of its latest sendings at this time
  // of day; the logarithm of one more than how often it followed the last query of the session, whose queries are given
  // by their numbers, -1 for those that are not here; 1 if it is an earlier one of the session; and 1 if it is the
  // last.
  std::vector<std::array<double, kOwn>> evidence(const std::vector<std::int32_t>& numbers, double moment,
                                                 const std::vector<std::int32_t>& session) const {
    constexpr double kHour = 3600, kDay = 86400, kNear = 2 * kHour;
    constexpr std::int64_t kLatest = 4;
    const std::int32_t last = session.empty() ? -1 : session.back();
    const std::vector<std::int32_t> followed = last < 0 ? std::vector<std::int32_t>{} : after(last);
    std::vector<std::array<double, kOwn>> rows;
    rows.reserve(numbers.size());
    for (const std::int32_t number : numbers) {
      const auto& places = queries_[number].places;
      const auto count = static_cast<std::int64_t>(places.size()), n_latest = std::min(count, kLatest);
      const double since = moment - sent_[places.back() - dropped_].second;
      double near = 0;
      for (std::int64_t i = count - n_latest; i < count; i++) {
        const double rest = std::fmod(moment - sent_[places[i] - dropped_].second, kDay);
        const double away = rest < 0 ? rest + kDay : rest;
        near += away < kNear || away > kDay - kNear ? 1 : 0;
      }
      const auto often = static_cast<double>(std::count(followed.begin(), followed.end(), number));
      const bool before = std::find(session.begin(), session.end(), number) != session.end();
      const auto ago = static_cast<double>(dropped_ + n_sent() - places.back());
      rows.push_back({1.0, std::log(static_cast<double>(count)), std::log(ago),
                      since > 0 ? std::log1p(since / kHour) : 0.0, near / static_cast<double>(n_latest),
                      often > 0 ? std::log1p(often) : 0.0, before && number != last ? 1.0 : 0.0,
                      number == last ? 1.0 : 0.0});
    }
    return rows;
  }

 private:
  struct Query {
    std::string key, text;
    std::deque<std::int64_t> places;  // among all that were ever sent, ascending
    std::int64_t label;
  };

  // Of many that begin with a prefix, those sent last.
  std::vector<std::int32_t> last_sent(std::string_view prefix, std::int64_t most) const {
    std::vector<std::int32_t> found;
    for (std::int64_t place = n_sent() - 1; place >= 0 && static_cast<std::int64_t>(found.size()) < most; place--) {
      const std::int32_t number = sent_[place].first;
      if (queries_[number].places.back() == dropped_ + place && queries_[number].key.starts_with(prefix))
        found.push_back(number);
    }
    return found;
  }

  void drop_oldest() {
    const std::int32_t number = sent_.front().first;
    sent_.pop_front();
    dropped_++;
    Query& query = queries_[number];
    query.places.pop_front();
    if (query.places.empty()) {
      by_key_.erase(query.key);
      query = {{}, {}, {}, kUnknown};
      free_.push_back(number);
    }
  }

  std::int64_t size_, dropped_ = 0;
  std::deque<std::pair<std::int32_t, double>> sent_;  // a query's number and the time, in the order of the times
  std::vector<Query> queries_;
  std::vector<std::int32_t> free_;
  std::map<std::string, std::int32_t, std::less<>> by_key_;
};

}  // namespace arborank::search
