// Texts to TF-IDF rows with vocabularies that are already there. A few texts are done by the calling thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "ngrams.hpp"
#include "ngrams_rows.hpp"
#include "ngrams_table.hpp"
#include "pool.hpp"

namespace arborank {

struct EncoderPart {
  TextOptions options;
  Vocabulary vocabulary;
  Weighting weighting;
};

class Encoder {
 public:
  Encoder(std::vector<EncoderPart> parts, Norm norm) : parts_(std::move(parts)), norm_(norm) {
    for (const auto& part : parts_)
      n_columns_ += part.vocabulary.n_terms;
  }
  std::int64_t n_columns() const { return n_columns_; }

  // Reads blocks of texts from next() until one is empty.
  template <class Next>
  NgramRows encode(Next&& next, int n_threads, const Tick& tick) const {
    n_threads = resolve_threads(n_threads);
    std::vector<std::unique_ptr<Worker>> workers(n_threads);
    std::vector<Rows> chunks;
    std::vector<std::int64_t> lengths, firsts;  // of rows; the first row of each chunk
    while (true) {
      const std::vector<std::string_view>& texts = next();
      if (texts.empty())
        break;
      const auto n = static_cast<std::int64_t>(texts.size());
      const auto row = static_cast<std::int64_t>(lengths.size());
      const auto first = static_cast<std::int64_t>(chunks.size());
      const std::int64_t n_chunks = (n + kChunk - 1) / kChunk;
      lengths.resize(row + n);
      chunks.resize(first + n_chunks);
      for (std::int64_t c = 0; c < n_chunks; c++)
        firsts.push_back(row + c * kChunk);
      const auto body = [&](std::int64_t c, int thread, const auto& stopped) {
        if (!workers[thread])
          workers[thread] = std::make_unique<Worker>();
        for (std::int64_t i = c * kChunk; i < std::min(n, (c + 1) * kChunk) && !stopped(); i++)
          lengths[row + i] = append(texts[i], *workers[thread], chunks[first + c]);
      };
      const auto report = [&](std::int64_t done) { tick(row + done); };
      if (is_little(texts))
        for (std::int64_t c = 0; c < n_chunks; c++)
          body(c, 0, [] { return false; });
      else
        parallel_for(n_threads, n_chunks, report, [&](std::int64_t c, int thread, Job& job) {
          body(c, thread, [&] { return job.stopped(); });
          job.advance(std::min(n, (c + 1) * kChunk) - c * kChunk);
        });
    }
    NgramRows out(lengths);
    const auto copy = [&](std::int64_t c) {
      const std::int64_t at = out.indptr[firsts[c]];
      std::copy(chunks[c].indices.begin(), chunks[c].indices.end(), out.indices.get() + at);
      std::copy(chunks[c].data.begin(), chunks[c].data.end(), out.data.get() + at);
      chunks[c] = Rows{};
    };
    const auto n_chunks = static_cast<std::int64_t>(chunks.size());
    if (n_chunks < 256)
      for (std::int64_t c = 0; c < n_chunks; c++)
        copy(c);
    else
      parallel_for(n_threads, n_chunks, [&](std::int64_t) { tick(out.n_rows); },
                   [&](std::int64_t c, int, Job&) { copy(c); });
    return out;
  }

 private:
  static constexpr std::int64_t kChunk = 64;

  // Little enough that starting threads would take longer.
  static bool is_little(const std::vector<std::string_view>& texts) {
    std::size_t n_bytes = 0;
    for (const auto text : texts)
      n_bytes += text.size();
    return n_bytes < 20000;
  }

  struct Gram {
    std::uint64_t key;
    std::uint32_t start, length, position;
  };
  struct Worker {
    Analysis analysis;
    std::vector<Gram> grams;
    std::vector<std::uint32_t> ids;
    RowMaker maker;
  };
  struct Rows {
    std::vector<std::int32_t> indices;
    std::vector<float> data;
  };

  // Adds the row of one text; returns its length.
  std::int64_t append(std::string_view text, Worker& worker, Rows& rows) const {
    worker.maker.start();
    std::int64_t column = 0;
    for (const auto& part : parts_) {
      worker.analysis.analyse(text, part.options);
      const char* const bytes = worker.analysis.bytes();
      worker.grams.clear();
      worker.analysis.each(part.options, [&](std::uint32_t start, std::uint32_t length, std::uint32_t position) {
        const std::uint64_t key = key_of(bytes + start, length);
        part.vocabulary.prefetch(key);
        worker.grams.push_back({key, start, length, position});
      });
      worker.ids.clear();
      worker.maker.entries.clear();
      for (const Gram gram : worker.grams)
        if (const std::uint32_t id = part.vocabulary.find(gram.key, bytes + gram.start, gram.length); id != kNone) {
          if (part.options.positions)
            worker.maker.entries.push_back({id, gram.position});
          else
            worker.ids.push_back(id);
        }
      if (part.options.positions)
        worker.maker.order();
      else
        worker.maker.count(worker.ids);
      worker.maker.add(part.weighting, column);
      column += part.vocabulary.n_terms;
    }
    const std::size_t before = rows.indices.size(), length = worker.maker.columns.size();
    rows.indices.resize(before + length);
    rows.data.resize(before + length);
    worker.maker.finish(norm_, rows.indices.data() + before, rows.data.data() + before);
    return static_cast<std::int64_t>(length);
  }

  std::vector<EncoderPart> parts_;
  Norm norm_;
  std::int64_t n_columns_ = 0;
};

}  // namespace arborank
