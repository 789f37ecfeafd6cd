// From every thread's own table to one vocabulary. Tables are merged by ranges of the hash, a range a core; terms
// that are kept are numbered in byte order (which is code point order), so nothing depends on the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/pool.hpp"
#include "text/table.hpp"

namespace arborank::text {

// Keep the terms found in `low` to `high` documents, and of those the `max_features` most frequent (0: all; by
// documents when `binary`, else by occurrences; the alphabet decides between equals).
struct Limits {
  double low = 1, high = 0;
  std::int64_t max_features = 0;
  bool binary = false;
};

using Columns = std::vector<std::vector<std::uint32_t>>;  // [thread][number in the thread's table], or kNone

// The terms that were kept, in byte order.
struct Selection {
  std::unique_ptr<std::uint8_t[]> terms;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int64_t> df, tf;
  Columns columns;
};

class Selector {
 public:
  Selector(const std::vector<TermTable>& tables, int n_threads, const Tick& tick)
      : tables_(tables),
        n_ranges_(busy_threads(0, static_cast<std::int64_t>(tables.size()))),
        n_threads_(n_threads),
        tick_(tick),
        ranges_(n_ranges_) {}

  Selection select(const Limits& limits) {
    for (const auto& table : tables_)
      selection_.columns.emplace_back(table.size(), kNone);
    parallel_for(n_threads_, n_ranges_, tick_, [&](std::int64_t r, int, Job& job) { merge(r, limits, job); });
    std::vector<Candidate> chosen;
    for (auto& range : ranges_)
      for (const Merged& term : range.kept)
        chosen.push_back({prefix(term), &term});
    if (limits.max_features > 0 && static_cast<std::int64_t>(chosen.size()) > limits.max_features)
      keep_most_frequent(chosen, limits);
    sort(chosen);
    number(chosen);
    parallel_for(n_threads_, n_ranges_, tick_, [&](std::int64_t r, int, Job&) {
      each_of_range(r, [&](std::size_t t, std::uint32_t id) {
        auto& column = selection_.columns[t][id];
        column = column == kNone ? kNone : ranges_[r].columns[column];
      });
    });
    return std::move(selection_);
  }

 private:
  struct Merged {
    const char* bytes;
    std::uint64_t tf;
    std::uint32_t df, length, range;
  };
  struct Range {  // of hashes
    std::vector<Merged> kept;
    std::vector<std::uint32_t> columns;  // of each kept term, or kNone
  };
  struct Candidate {
    std::uint64_t prefix;
    const Merged* term;
  };

  // visit(table, number) for the terms of all tables whose hash is in range r.
  template <class Visit>
  void each_of_range(std::int64_t r, Visit&& visit) const {
    for (std::size_t t = 0; t < tables_.size(); t++)
      for (const auto& slot : tables_[t].slots())
        if (slot.id != kNone && slot.tag % static_cast<std::uint32_t>(n_ranges_) == r)
          visit(t, slot.id);
  }

  // Fills ranges_[r].kept, and for its terms the columns with numbers within it.
  void merge(std::int64_t r, const Limits& limits, const Job& job) {
    TermTable merged;
    if (tables_.size() != 1) {
      std::size_t most = 0;
      each_of_range(r, [&](std::size_t, std::uint32_t) { most++; });
      merged.reserve(most);
      each_of_range(r, [&](std::size_t t, std::uint32_t id) {
        const Term& term = tables_[t][id];
        const std::uint32_t joint = merged.insert(term.key, term.bytes, term.length, term.bytes);
        selection_.columns[t][id] = joint;
        merged[joint].df += term.df;
        merged[joint].tf += term.tf;
      });
    }
    if (job.stopped())
      return;
    const TermTable& all = tables_.size() == 1 ? tables_[0] : merged;
    std::vector<std::uint32_t> renumbered(all.size(), kNone);
    auto& kept = ranges_[r].kept;
    for (std::uint32_t id = 0; id < all.size(); id++)
      if (const Term& term = all[id]; term.df >= limits.low && term.df <= limits.high) {
        renumbered[id] = static_cast<std::uint32_t>(kept.size());
        kept.push_back({term.bytes, term.tf, term.df, term.length, static_cast<std::uint32_t>(r)});
      }
    each_of_range(r, [&](std::size_t t, std::uint32_t id) {
      auto& column = selection_.columns[t][id];
      column = renumbered[tables_.size() == 1 ? id : column];
    });
  }

  static void keep_most_frequent(std::vector<Candidate>& chosen, const Limits& limits) {
    const auto frequency = [&](const Candidate& c) { return limits.binary ? c.term->df : c.term->tf; };
    std::nth_element(chosen.begin(), chosen.begin() + limits.max_features, chosen.end(),
                     [&](const Candidate& a, const Candidate& b) {
                       const std::uint64_t fa = frequency(a), fb = frequency(b);
                       return fa != fb ? fa > fb : before(a, b);
                     });
    chosen.resize(limits.max_features);
  }

  // Copies the terms, now in order, and notes their columns.
  void number(const std::vector<Candidate>& chosen) {
    for (auto& range : ranges_)
      range.columns.assign(range.kept.size(), kNone);
    std::int64_t n_bytes = 0;
    for (const auto& c : chosen)
      n_bytes += c.term->length;
    selection_.terms = std::make_unique_for_overwrite<std::uint8_t[]>(n_bytes);
    selection_.offsets.reserve(chosen.size() + 1);
    selection_.df.reserve(chosen.size());
    selection_.tf.reserve(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); i++) {
      const Merged& term = *chosen[i].term;
      std::memcpy(selection_.terms.get() + selection_.offsets.back(), term.bytes, term.length);
      selection_.offsets.push_back(selection_.offsets.back() + term.length);
      selection_.df.push_back(term.df);
      selection_.tf.push_back(static_cast<std::int64_t>(term.tf));
      Range& range = ranges_[term.range];
      range.columns[&term - range.kept.data()] = static_cast<std::uint32_t>(i);
    }
  }

  static std::uint64_t prefix(const Merged& term) {  // the first eight bytes as a number that orders like them
    std::uint64_t p = 0;
    for (std::uint32_t i = 0; i < 8; i++)
      p = p << 8 | (i < term.length ? static_cast<unsigned char>(term.bytes[i]) : 0);
    return p;
  }
  static bool before(const Candidate& a, const Candidate& b) {
    if (a.prefix != b.prefix)
      return a.prefix < b.prefix;
    const std::string_view x(a.term->bytes, a.term->length), y(b.term->bytes, b.term->length);
    return x < y;  // compares as unsigned bytes
  }
  // Sorts equal pieces on all threads and merges neighbours.
  void sort(std::vector<Candidate>& terms) const {
    const std::int64_t n_pieces = terms.size() < 4096 ? 1 : 16;
    const auto at = [&](std::int64_t piece) {
      return terms.begin() + static_cast<std::int64_t>(terms.size()) * std::min(piece, n_pieces) / n_pieces;
    };
    parallel_for(n_threads_, n_pieces, tick_, [&](std::int64_t p, int, Job&) { std::sort(at(p), at(p + 1), before); });
    for (std::int64_t width = 1; width < n_pieces; width *= 2)
      parallel_for(n_threads_, n_pieces / (2 * width), tick_, [&](std::int64_t p, int, Job&) {
        std::inplace_merge(at(2 * p * width), at((2 * p + 1) * width), at((2 * p + 2) * width), before);
      });
  }

  const std::vector<TermTable>& tables_;
  std::int64_t n_ranges_;
  int n_threads_;
  const Tick& tick_;
  std::vector<Range> ranges_;
  Selection selection_;
};

// The vocabulary of texts counted in `tables`, one a thread.
inline Selection select(const std::vector<TermTable>& tables, const Limits& limits, int n_threads, const Tick& tick) {
  return Selector(tables, n_threads, tick).select(limits);
}

}  // namespace arborank::text
