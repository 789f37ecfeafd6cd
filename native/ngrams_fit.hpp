// Learns vocabularies from texts, and keeps every text's counts so that its rows follow without reading it again.
// Each thread numbers the n-grams of its documents in a table of its own; the tables are then merged by ranges of the
// hash. Final numbers follow byte order (which is code point order), so nothing depends on the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ngrams.hpp"
#include "ngrams_rows.hpp"
#include "ngrams_table.hpp"
#include "pool.hpp"

namespace arborank {

// The terms that were kept, in byte order.
struct Selection {
  std::unique_ptr<std::uint8_t[]> terms;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int64_t> df;
};

class Fitter {
 public:
  // Texts are not looked at again after `add`, except through their counts, when `keep_rows`.
  Fitter(std::vector<TextOptions> parts, bool keep_rows, int n_threads)
      : options_(std::move(parts)), keep_rows_(keep_rows), n_threads_(resolve_threads(n_threads)),
        workers_(n_threads_), maps_(options_.size()), widths_(options_.size(), 0) {
    for (auto& worker : workers_)
      worker.tables.resize(options_.size());
  }

  Fitter(const Fitter&) = delete;
  Fitter& operator=(const Fitter&) = delete;

  std::int64_t n_texts() const { return n_texts_; }
  bool found_any(std::size_t part) const {
    return std::any_of(workers_.begin(), workers_.end(), [part](const Worker& w) { return w.tables[part].size() > 0; });
  }

  // Reads blocks of texts from next() until one is empty.
  template <class Next>
  void add(Next&& next, const Tick& tick) {
    while (true) {
      const std::vector<std::string_view>& texts = next();
      if (texts.empty())
        return;
      add_block(texts, tick);
    }
  }

  // Keeps the terms found in `low` to `high` documents, and of those the `max_features` most frequent (0: all; by
  // documents when `binary`, else by occurrences; the alphabet decides between equals).
  Selection select(std::size_t part, double low, double high, std::int64_t max_features, bool binary,
                   const Tick& tick) {
    merge(part, low, high, tick);
    std::vector<Candidate> chosen;
    for (auto& range : ranges_)
      for (const Merged& term : range.kept)
        chosen.push_back({prefix(term), &term});
    if (max_features > 0 && static_cast<std::int64_t>(chosen.size()) > max_features) {
      const auto frequency = [binary](const Candidate& c) { return binary ? c.term->df : c.term->tf; };
      std::nth_element(chosen.begin(), chosen.begin() + max_features, chosen.end(),
                       [&](const Candidate& a, const Candidate& b) {
                         const std::uint64_t fa = frequency(a), fb = frequency(b);
                         return fa != fb ? fa > fb : before(a, b);
                       });
      chosen.resize(max_features);
    }
    sort(chosen, tick);
    for (auto& range : ranges_)
      range.final.assign(range.kept.size(), kNone);
    Selection selection;
    std::int64_t n_bytes = 0;
    for (const auto& c : chosen)
      n_bytes += c.term->length;
    selection.terms = std::make_unique_for_overwrite<std::uint8_t[]>(n_bytes);
    selection.offsets.reserve(chosen.size() + 1);
    selection.df.reserve(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); i++) {
      const Merged& term = *chosen[i].term;
      std::memcpy(selection.terms.get() + selection.offsets.back(), term.bytes, term.length);
      selection.offsets.push_back(selection.offsets.back() + term.length);
      selection.df.push_back(term.df);
      Range& range = ranges_[term.range];
      range.final[&term - range.kept.data()] = static_cast<std::uint32_t>(i);
    }
    renumber(part, tick);
    widths_[part] = static_cast<std::int64_t>(chosen.size());
    ranges_.clear();
    for (auto& worker : workers_)
      worker.tables[part] = TermTable();
    return selection;
  }

  const TextOptions& options(std::size_t part) const { return options_[part]; }
  std::int64_t width(std::size_t part) const { return widths_[part]; }

  // The TF-IDF rows of all texts added, parts side by side. Gives the counts away: call it once.
  NgramRows rows(const std::vector<Weighting>& parts, Norm norm, const Tick& tick) {
    std::vector<std::int64_t> lengths(n_texts_);
    std::vector<std::int64_t> firsts;
    std::int64_t first = 0;
    for (const auto& chunk : chunks_) {
      firsts.push_back(first);
      first += chunk.n_texts;
    }
    const auto n_chunks = static_cast<std::int64_t>(chunks_.size());
    parallel_for(n_threads_, n_chunks, [&](std::int64_t) { tick(0); }, [&](std::int64_t c, int, Job& job) {
      Chunk& chunk = chunks_[c];
      for (std::size_t part = 0; part < parts.size() && !job.stopped(); part++) {
        const auto& map = maps_[part][chunk.thread];
        auto& entries = chunk.entries[part];
        std::size_t read = 0, kept = 0;
        for (std::int64_t i = 0; i < chunk.n_texts; i++) {
          const std::size_t start = kept;
          for (; read < chunk.ends[part][i]; read++)
            if (const std::uint32_t id = map[entries[read].id]; id != kNone)
              entries[kept++] = {id, entries[read].count};
          chunk.ends[part][i] = kept;
          auto n = static_cast<std::int64_t>(kept - start);
          if (options_[part].positions) {
            std::sort(entries.begin() + start, entries.begin() + kept);
            for (std::size_t e = start + 1; e < kept; e++)
              n -= entries[e].id == entries[e - 1].id;
          }
          lengths[firsts[c] + i] += n;
        }
      }
    });
    NgramRows out(lengths);
    std::vector<std::unique_ptr<RowMaker>> makers(n_threads_);
    for (auto& maker : makers)
      maker = std::make_unique<RowMaker>();
    parallel_for(n_threads_, n_chunks, tick, [&](std::int64_t c, int thread, Job& job) {
      Chunk& chunk = chunks_[c];
      RowMaker& maker = *makers[thread];
      for (std::int64_t i = 0; i < chunk.n_texts && !job.stopped(); i++) {
        maker.start();
        std::int64_t column = 0;
        for (std::size_t part = 0; part < parts.size(); part++) {
          const Entry* const entries = chunk.entries[part].data();
          maker.entries.assign(entries + (i ? chunk.ends[part][i - 1] : 0), entries + chunk.ends[part][i]);
          maker.order();
          maker.add(parts[part], column);
          column += widths_[part];
        }
        const std::int64_t at = out.indptr[firsts[c] + i];
        maker.finish(norm, out.indices.get() + at, out.data.get() + at);
      }
      job.advance(chunk.n_texts);
      chunk = Chunk{};
    });
    return out;
  }

 private:
  static constexpr std::int64_t kChunk = 64;  // texts

  struct Gram {
    std::uint64_t key;
    std::uint32_t start, length, position;
  };
  struct Worker {
    Analysis analysis;
    std::vector<Gram> grams;
    std::vector<Entry> row;
    std::vector<TermTable> tables;
  };
  struct Chunk {
    int thread = 0;
    std::int64_t n_texts = 0;
    std::vector<std::vector<Entry>> entries;     // of each part: rows one after another
    std::vector<std::vector<std::size_t>> ends;  // of each part: where each row ends
  };
  struct Merged {
    const char* bytes;
    std::uint64_t tf;
    std::uint32_t df, length, range;
  };
  struct Range {  // of hashes
    std::vector<Merged> kept;
    std::vector<std::uint32_t> final;  // number of each kept term, or kNone
  };
  struct Candidate {
    std::uint64_t prefix;
    const Merged* term;
  };

  void add_block(const std::vector<std::string_view>& texts, const Tick& tick) {
    const auto n = static_cast<std::int64_t>(texts.size());
    const std::int64_t n_chunks = (n + kChunk - 1) / kChunk;
    const std::size_t first = chunks_.size();
    chunks_.resize(first + n_chunks);
    const auto report = [&](std::int64_t done) { tick(n_texts_ + done); };
    parallel_for(n_threads_, n_chunks, report, [&](std::int64_t c, int thread, Job& job) {
      Chunk& chunk = chunks_[first + c];
      chunk.thread = thread;
      chunk.entries.resize(options_.size());
      chunk.ends.resize(options_.size());
      chunk.n_texts = std::min(n, (c + 1) * kChunk) - c * kChunk;
      for (std::int64_t i = c * kChunk; i < c * kChunk + chunk.n_texts && !job.stopped(); i++)
        for (std::size_t part = 0; part < options_.size(); part++) {
          count(texts[i], part, workers_[thread]);
          const auto& row = workers_[thread].row;
          if (keep_rows_) {
            chunk.entries[part].insert(chunk.entries[part].end(), row.begin(), row.end());
            chunk.ends[part].push_back(chunk.entries[part].size());
          }
        }
      for (auto& entries : chunk.entries)
        entries.shrink_to_fit();
      job.advance(chunk.n_texts);
    });
    n_texts_ += n;
  }

  // The counts of one text as `row`, with numbers of the thread's own table.
  void count(std::string_view text, std::size_t part, Worker& worker) {
    TermTable& table = worker.tables[part];
    worker.analysis.analyse(text, options_[part]);
    const char* const bytes = worker.analysis.bytes();
    auto& grams = worker.grams;
    grams.clear();
    worker.analysis.each(options_[part], [&](std::uint32_t start, std::uint32_t length, std::uint32_t position) {
      grams.push_back({key_of(bytes + start, length), start, length, position});
    });
    auto& row = worker.row;
    row.clear();
    const bool positions = options_[part].positions;
    for (std::size_t i = 0; i < grams.size(); i++) {
      if (i + 24 < grams.size())
        table.prefetch_slot(grams[i + 24].key);
      if (i + 16 < grams.size())
        table.prefetch_term(grams[i + 16].key);
      if (i + 8 < grams.size())
        table.prefetch_bytes(grams[i + 8].key);
      const std::uint32_t id = table.insert(grams[i].key, bytes + grams[i].start, grams[i].length);
      Term& term = table[id];
      term.tf++;
      if (term.row < row.size() && row[term.row].id == id) {
        if (positions)
          row.push_back({id, grams[i].position});
        else
          row[term.row].count++;
      } else {
        term.df++;
        term.row = static_cast<std::uint32_t>(row.size());
        row.push_back({id, positions ? grams[i].position : 1});
      }
    }
  }

  // Fills ranges_ with the terms in `low` to `high` documents, and maps_[part] with each thread's numbers within them.
  void merge(std::size_t part, double low, double high, const Tick& tick) {
    auto& maps = maps_[part];
    maps.resize(n_threads_);
    for (int t = 0; t < n_threads_; t++)
      maps[t].assign(workers_[t].tables[part].size(), kNone);
    ranges_.assign(n_threads_, {});
    parallel_for(n_threads_, n_threads_, tick, [&](std::int64_t r, int, Job& job) {
      TermTable merged;
      if (n_threads_ > 1) {
        std::size_t most = 0;
        for (int t = 0; t < n_threads_; t++)
          each_of_range(part, t, r, [&](std::uint32_t) { most++; });
        merged.reserve(most);
      }
      for (int t = 0; t < n_threads_; t++)
        each_of_range(part, t, r, [&](std::uint32_t id) {
          const Term& term = workers_[t].tables[part][id];
          const std::uint32_t joint =
              n_threads_ == 1 ? id : merged.insert(term.key, term.bytes, term.length, term.bytes);
          maps[t][id] = joint;
          if (n_threads_ > 1) {
            merged[joint].df += term.df;
            merged[joint].tf += term.tf;
          }
        });
      if (job.stopped())
        return;
      const TermTable& all = n_threads_ == 1 ? workers_[0].tables[part] : merged;
      std::vector<std::uint32_t> renumbered(all.size(), kNone);
      auto& kept = ranges_[r].kept;
      for (std::uint32_t id = 0; id < all.size(); id++)
        if (const Term& term = all[id]; term.df >= low && term.df <= high) {
          renumbered[id] = static_cast<std::uint32_t>(kept.size());
          kept.push_back({term.bytes, term.tf, term.df, term.length, static_cast<std::uint32_t>(r)});
        }
      for (int t = 0; t < n_threads_; t++)
        each_of_range(part, t, r, [&](std::uint32_t id) { maps[t][id] = renumbered[maps[t][id]]; });
    });
  }

  // maps_[part] from numbers within ranges to final ones.
  void renumber(std::size_t part, const Tick& tick) {
    parallel_for(n_threads_, n_threads_, tick, [&](std::int64_t r, int, Job&) {
      const auto& final = ranges_[r].final;
      for (int t = 0; t < n_threads_; t++)
        each_of_range(part, t, r, [&](std::uint32_t id) {
          auto& number = maps_[part][t][id];
          number = number == kNone ? kNone : final[number];
        });
    });
  }

  // visit(number) for the terms of thread t's table whose hash is in range r.
  template <class Visit>
  void each_of_range(std::size_t part, int t, std::int64_t r, Visit&& visit) const {
    for (const auto& slot : workers_[t].tables[part].slots())
      if (slot.id != kNone && slot.tag % static_cast<std::uint32_t>(n_threads_) == r)
        visit(slot.id);
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
  void sort(std::vector<Candidate>& terms, const Tick& tick) const {
    std::int64_t n_pieces = terms.size() < 4096 ? 1 : 16;
    const auto at = [&, n = n_pieces](std::int64_t piece) {
      return terms.begin() + static_cast<std::int64_t>(terms.size()) * std::min(piece, n) / n;
    };
    parallel_for(n_threads_, n_pieces, tick, [&](std::int64_t p, int, Job&) { std::sort(at(p), at(p + 1), before); });
    for (std::int64_t width = 1; width < n_pieces; width *= 2)
      parallel_for(n_threads_, n_pieces / (2 * width), tick, [&](std::int64_t p, int, Job&) {
        std::inplace_merge(at(2 * p * width), at((2 * p + 1) * width), at((2 * p + 2) * width), before);
      });
  }

  std::vector<TextOptions> options_;
  bool keep_rows_;
  int n_threads_;
  std::int64_t n_texts_ = 0;
  std::vector<Worker> workers_;
  std::vector<Chunk> chunks_;
  std::vector<Range> ranges_;
  std::vector<std::vector<std::vector<std::uint32_t>>> maps_;  // [part][thread][number in the thread's table]
  std::vector<std::int64_t> widths_;
};

}  // namespace arborank
