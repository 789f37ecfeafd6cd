// Texts to TF-IDF rows with vocabularies that are already there. A few texts are done by the calling thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/pool.hpp"
#include "text/analysis.hpp"
#include "text/lookup.hpp"
#include "text/rows.hpp"
#include "text/table.hpp"

namespace arborank::text {

struct EncoderPart {
  TextOptions options;
  Vocabulary vocabulary;
  Weighting weighting;
};

class Encoder {
 public:
  // If `apart`, every part reads a text of its own: those of a row come one after another.
  Encoder(const std::vector<EncoderPart>& parts, Norm norm, bool apart = false)
      : norm_(norm), stride_(apart ? parts.size() : 1) {
    for (const auto& part : parts) {
      options_.push_back(part.options);
      vocabularies_.push_back(part.vocabulary);
      weightings_.push_back(part.weighting);
      columns_.push_back(part.vocabulary.n_terms);
      n_columns_ += part.vocabulary.n_terms;
    }
  }
  std::int64_t n_columns() const { return n_columns_; }
  std::size_t stride() const { return stride_; }

  // Reads blocks of texts from next() until one is empty. Ticks tell the texts done.
  template <class Next>
  NgramRows encode(Next&& next, int n_threads, const Tick& tick) const {
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<CountedTexts> chunks;
    std::int64_t n_done = 0;
    while (true) {
      const std::vector<std::string_view>& texts = next();
      if (texts.empty())
        break;
      const auto n = static_cast<std::int64_t>(texts.size() / stride_);
      const std::size_t first = chunks.size();
      const std::int64_t n_chunks = (n + kChunk - 1) / kChunk;
      chunks.resize(first + n_chunks);
      workers.resize(std::max<std::size_t>(workers.size(), busy_threads(n_threads, n_chunks)));
      const auto body = [&](std::int64_t c, int thread, const auto& stopped) {
        if (!workers[thread])
          workers[thread] = std::make_unique<Worker>();
        for (std::int64_t i = c * kChunk; i < std::min(n, (c + 1) * kChunk) && !stopped(); i++)
          count(texts.data() + i * stride_, *workers[thread], chunks[first + c]);
      };
      const auto report = [&](std::int64_t done) { tick(n_done + done); };
      if (is_little(texts))
        for (std::int64_t c = 0; c < n_chunks; c++)
          body(c, 0, [] { return false; });
      else
        parallel_for(n_threads, n_chunks, report, [&](std::int64_t c, int thread, Job& job) {
          body(c, thread, [&] { return job.stopped(); });
          job.advance(static_cast<std::int64_t>(chunks[first + c].widths.size()));
        });
      n_done += n;
      if (n_done > n)  // blocks may be too quick for the ticks between
        tick(n_done);
    }
    return lay_out(chunks, weightings_, columns_, norm_, n_threads, [&](std::int64_t) { tick(n_done); });
  }

 private:
  static constexpr std::int64_t kChunk = 64;

  // Little enough that starting threads would take longer.
  static bool is_little(const std::vector<std::string_view>& texts) {
    std::size_t n_bytes = 0;
    for (const auto text : texts)
      n_bytes += text.size();
    return n_bytes < (texts.size() == 1 ? 1000000 : 20000);
  }

  struct Worker {
    Analysis analysis;
    Lookup lookup;
    std::vector<std::uint32_t> ids, id_scratch;
    std::vector<Entry> entries, entry_scratch;
  };

  void count(const std::string_view* texts, Worker& worker, CountedTexts& counted) const {
    counted.add_text();
    auto& [analysis, lookup, ids, id_scratch, entries, entry_scratch] = worker;
    for (std::size_t part = 0; part < options_.size(); part++) {
      const TextOptions& options = options_[part];
      analysis.analyse(texts[stride_ > 1 ? part : 0], options);
      entries.clear();
      if (options.positions) {
        lookup.each(analysis, options, vocabularies_[part],
                    [&](std::uint32_t id, std::uint32_t position) { entries.push_back({id, position}); });
        sort_by_id(entries, [](Entry e) { return e.id; }, entry_scratch);
      } else {
        ids.clear();
        lookup.each(analysis, options, vocabularies_[part],
                    [&](std::uint32_t id, std::uint32_t) { ids.push_back(id); });
        sort_by_id(ids, [](std::uint32_t id) { return id; }, id_scratch);
        entries.resize(ids.size());
        std::size_t n = 0;
        Entry last{kNone, 0};
        for (const std::uint32_t id : ids) {
          n += id != last.id;
          last = {id, id == last.id ? last.count + 1 : 1};
          entries[n - 1] = last;
        }
        entries.resize(n);
      }
      counted.add_part(entries, options.positions);
    }
  }

  std::vector<TextOptions> options_;  // of each part, as the next three
  std::vector<Vocabulary> vocabularies_;
  std::vector<Weighting> weightings_;
  std::vector<std::int64_t> columns_;
  Norm norm_;
  std::size_t stride_;
  std::int64_t n_columns_ = 0;
};

}  // namespace arborank::text
