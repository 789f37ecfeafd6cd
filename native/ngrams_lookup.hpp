// The n-grams of one text that a vocabulary knows. A look-up waits for memory two or three times, so those of a block
// of n-grams are taken step by step together: while one waits, the memory for the others is on its way.
#pragma once
#include <cstdint>
#include <vector>

#include "ngrams.hpp"
#include "ngrams_table.hpp"

namespace arborank {

class Lookup {
 public:
  // found(id, position) for every known n-gram; equal ones by ascending position.
  template <class Found>
  void each(const Analysis& analysis, const TextOptions& options, const Vocabulary& vocabulary, Found&& found) {
    const char* const bytes = analysis.bytes();
    int n = 0;
    analysis.each(options, [&](std::uint32_t start, std::uint32_t length, std::uint32_t position) {
      const std::uint64_t key = key_of(bytes + start, length);
      vocabulary.prefetch(key);
      grams_[n++] = {key, start, length, position};
      if (n == kBlock) {
        find(n, bytes, vocabulary, found);
        n = 0;
      }
    });
    find(n, bytes, vocabulary, found);
  }

 private:
  static constexpr int kBlock = 256;

  struct Gram {
    std::uint64_t key;
    std::uint32_t start, length, position;
  };
  struct Candidate {
    std::uint32_t gram, id;
  };

  template <class Found>
  void find(int n, const char* bytes, const Vocabulary& vocabulary, Found&& found) {
    int n_candidates = 0;
    for (int i = 0; i < n; i++) {
      const std::uint32_t id = vocabulary.candidate(grams_[i].key);
      candidates_[n_candidates] = {static_cast<std::uint32_t>(i), id};
      n_candidates += id != kNone;
      if (id != kNone)
        __builtin_prefetch(vocabulary.offsets + id);
    }
    for (int c = 0; c < n_candidates; c++)
      __builtin_prefetch(vocabulary.terms + vocabulary.offsets[candidates_[c].id]);
    for (int c = 0; c < n_candidates; c++) {
      const Gram& gram = grams_[candidates_[c].gram];
      std::uint32_t id = candidates_[c].id;
      if (!vocabulary.is(id, gram.key, bytes + gram.start, gram.length))  // two strings with the same hash
        id = vocabulary.find(gram.key, bytes + gram.start, gram.length);
      if (id != kNone)
        found(id, gram.position);
    }
  }

  Gram grams_[kBlock];
  Candidate candidates_[kBlock + 1];
};

}  // namespace arborank
