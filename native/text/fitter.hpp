// Learns vocabularies from texts, and keeps every text's counts so that its rows follow without reading it again.
// Each thread numbers the n-grams of its documents in a table of its own; `select` joins the tables.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/pool.hpp"
#include "text/analysis.hpp"
#include "text/rows.hpp"
#include "text/selection.hpp"
#include "text/table.hpp"
#include "text/unparted.hpp"

namespace arborank::text {

class Fitter {
 public:
  // Texts are not looked at again after `add`, except through their counts, when `keep_rows`. If `apart`, every part
  // reads a text of its own: those of a row come one after another.
  Fitter(std::vector<TextOptions> parts, bool keep_rows, int n_threads, bool apart = false)
      : options_(std::move(parts)),
        stride_(apart ? options_.size() : 1),
        keep_rows_(keep_rows),
        n_threads_(resolve_threads(n_threads)),
        tables_(options_.size()),
        columns_(options_.size()),
        widths_(options_.size(), 0) {}

  Fitter(const Fitter&) = delete;
  Fitter& operator=(const Fitter&) = delete;

  std::int64_t n_texts() const { return n_texts_; }
  std::size_t stride() const { return stride_; }
  const TextOptions& options(std::size_t part) const { return options_[part]; }
  std::int64_t width(std::size_t part) const { return widths_[part]; }
  // Texts without an n-gram of any part.
  std::int64_t n_without() const {
    std::int64_t n = 0;
    for (const Worker& worker : workers_)
      n += worker.n_without;
    return n;
  }
  // What share of the bytes of all words is in words of a script that does not part words, and too long to be one.
  double unparted(std::size_t part) const {
    Unparted all;
    for (const Worker& worker : workers_)
      all += worker.unparted[part];
    return all.share();
  }
  bool found_any(std::size_t part) const {
    return std::ranges::any_of(tables_[part], [](const TermTable& table) { return table.size() > 0; });
  }

  // Reads blocks of texts from next() until one is empty. Ticks tell the texts done, here and in `rows`.
  template <class Next>
  void add(Next&& next, const Tick& tick) {
    while (true) {
      const std::vector<std::string_view>& texts = next();
      if (texts.empty())
        return;
      add_block(texts, tick);
      tick(n_texts_);  // blocks may be too quick for the ticks between
    }
  }

  // Fixes the columns of a part; see `text::select`.
  Selection select(std::size_t part, const Limits& limits, const Tick& tick) {
    Selection selection = text::select(tables_[part], limits, n_threads_, tick);
    columns_[part] = std::move(selection.columns);
    widths_[part] = static_cast<std::int64_t>(selection.df.size());
    tables_[part].clear();
    return selection;
  }

  // The TF-IDF rows of all texts added, parts side by side. Gives the counts away: call it once, after `select`.
  NgramRows rows(const std::vector<Weighting>& parts, Norm norm, const Tick& tick) {
    const auto n_chunks = static_cast<std::int64_t>(chunks_.size());
    std::vector<Scratches> scratches(busy_threads(n_threads_, n_chunks));
    parallel_for(
        n_threads_, n_chunks, [&](std::int64_t) { tick(0); },
        [&](std::int64_t c, int thread, Job&) { chunks_[c] = renumbered(c, scratches[thread]); });
    return lay_out(chunks_, parts, widths_, norm, n_threads_, tick);
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
    std::int64_t n_without = 0;
    std::vector<Unparted> unparted;  // [part]
  };
  struct Scratches {
    std::vector<Entry> row, sorting;
  };

  void add_block(const std::vector<std::string_view>& texts, const Tick& tick) {
    const auto n = static_cast<std::int64_t>(texts.size() / stride_);
    const std::int64_t n_chunks = (n + kChunk - 1) / kChunk;
    const std::size_t first = chunks_.size();
    if (keep_rows_) {
      chunks_.resize(first + n_chunks);
      threads_.resize(first + n_chunks);
    }
    if (const std::size_t busy = busy_threads(n_threads_, n_chunks); busy > workers_.size()) {
      workers_.resize(busy);
      for (Worker& worker : workers_)
        worker.unparted.resize(options_.size());
      for (auto& tables : tables_)
        tables.resize(busy);
    }
    const auto report = [&](std::int64_t done) { tick(n_texts_ + done); };
    parallel_for(n_threads_, n_chunks, report, [&](std::int64_t c, int thread, Job& job) {
      const std::int64_t end = std::min(n, (c + 1) * kChunk);
      for (std::int64_t i = c * kChunk; i < end && !job.stopped(); i++) {
        if (keep_rows_)
          chunks_[first + c].add_text();
        Worker& worker = workers_[thread];
        bool without = true;
        for (std::size_t part = 0; part < options_.size(); part++) {
          count(texts[i * stride_ + (stride_ > 1 ? part : 0)], options_[part], tables_[part][thread], worker);
          without = without && worker.row.empty();
          if (options_[part].analyzer == Analyzer::kWord)
            worker.analysis.each_word([&](std::string_view word) { worker.unparted[part].add(word); });
          if (keep_rows_)
            chunks_[first + c].add_part(worker.row, false);
        }
        worker.n_without += without;
      }
      if (keep_rows_) {
        chunks_[first + c].entries.shrink_to_fit();
        threads_[first + c] = thread;
      }
      job.advance(end - c * kChunk);
    });
    n_texts_ += n;
  }

  // The counts, or with positions the occurrences, of one text as `row`, with numbers of the thread's own table.
  static void count(std::string_view text, const TextOptions& options, TermTable& table, Worker& worker) {
    worker.analysis.analyse(text, options);
    const char* const bytes = worker.analysis.bytes();
    auto& grams = worker.grams;
    grams.clear();
    worker.analysis.each(options, [&](std::uint32_t start, std::uint32_t length, std::uint32_t position) {
      grams.push_back({key_of(bytes + start, length), start, length, position});
    });
    auto& row = worker.row;
    row.clear();
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
      const bool again = term.row < row.size() && row[term.row].id == id;
      if (!again) {
        term.df++;
        term.row = static_cast<std::uint32_t>(row.size());
      }
      if (options.positions)
        row.push_back({id, grams[i].position});
      else if (again)
        row[term.row].count++;
      else
        row.push_back({id, 1});
    }
  }

  // A chunk with columns in place of a thread's numbers, without terms that were not selected, and in order.
  CountedTexts renumbered(std::int64_t c, Scratches& scratch) const {
    const CountedTexts& chunk = chunks_[c];
    CountedTexts out;
    out.entries.reserve(chunk.entries.size());
    const Entry* entry = chunk.entries.data();
    const std::uint32_t* length = chunk.lengths.data();
    for (std::size_t i = 0; i < chunk.widths.size(); i++) {
      out.add_text();
      for (std::size_t part = 0; part < options_.size(); part++) {
        const auto& columns = columns_[part][threads_[c]];
        auto& row = scratch.row;
        row.clear();
        for (const Entry* const end = entry + *length++; entry < end; entry++)
          if (const std::uint32_t column = columns[entry->id]; column != kNone)
            row.push_back({column, entry->count});
        sort_by_id(row, [](Entry e) { return e.id; }, scratch.sorting);
        out.add_part(row, options_[part].positions);
      }
    }
    return out;
  }

  std::vector<TextOptions> options_;
  std::size_t stride_;
  bool keep_rows_;
  int n_threads_;
  std::int64_t n_texts_ = 0;
  std::vector<Worker> workers_;
  std::vector<std::vector<TermTable>> tables_;  // [part][thread]
  std::vector<CountedTexts> chunks_;            // with numbers of the table of the thread that did it
  std::vector<int> threads_;
  std::vector<Columns> columns_;  // [part]
  std::vector<std::int64_t> widths_;
};

}  // namespace arborank::text
