// The n-grams of one text that a vocabulary knows. A look-up waits for memory two or three times, so those of a block
// of n-grams are taken step by step together: while one waits, the memory for the others is on its way.
#pragma once
#include <cstdint>
#include <vector>

#include "text/analysis.hpp"
#include "text/table.hpp"

namespace arborank::text {

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
  struct Known {
    std::uint32_t id, gram;
  };

  template <class Found>
  void find(int n, const char* bytes, const Vocabulary& vocabulary, Found&& found) {
    int n_known = 0, n_long = 0;
    for (int i = 0; i < n; i++) {
      const std::uint32_t id = vocabulary.candidate(grams_[i].key);
      known_[n_known] = {id, static_cast<std::uint32_t>(i)};
      long_[n_long] = n_known;
      n_known += id != kNone;
      n_long += id != kNone && grams_[i].key & kLongKey;
    }
    for (int i = 0; i < n_long; i++)
      __builtin_prefetch(vocabulary.offsets + known_[long_[i]].id);
    for (int i = 0; i < n_long; i++)
      __builtin_prefetch(vocabulary.terms + vocabulary.offsets[known_[long_[i]].id]);
    for (int i = 0; i < n_long; i++) {
      auto& [id, number] = known_[long_[i]];
      const Gram& gram = grams_[number];
      if (!vocabulary.is(id, gram.key, bytes + gram.start, gram.length))  // two strings with the same hash
        id = vocabulary.find(gram.key, bytes + gram.start, gram.length);
    }
    for (int i = 0; i < n_known; i++)
      if (known_[i].id != kNone)
        found(known_[i].id, grams_[known_[i].gram].position);
  }

  Gram grams_[kBlock];
  Known known_[kBlock + 1];  // one more, as the last is written before it is known to count
  int long_[kBlock + 1];     // those of `known_` whose keys do not tell all
};

}  // namespace arborank::text
