// The features that a query and a chunk share: where their rows are, and their sum.
#pragma once
#include <algorithm>
#include <vector>

#include "search/add.hpp"
#include "search/map.hpp"

namespace arborank::search {

// The features that one query and one chunk share, found in two stages.
class Hits {
 public:
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(from_.capacity() * (5 * sizeof(std::uint32_t) + sizeof(float)));
  }
  void reserve(std::int64_t n_features) {
    const auto room = static_cast<std::size_t>(n_features + kLanes);
    if (from_.size() < room) {
      from_.resize(room);
      at_.resize(room);
      end_.resize(room);
      tail_from_.resize(room);
      tail_at_.resize(room);
      value_.resize(room);
    }
  }

  // Features whose bit is set: their place in the query and their row; in the tail the first row that may be theirs.
  void probe(const Chunk& chunk, const Query& query) {
    find_bits(chunk, query);
    for (std::int64_t i = 0; i < n_; i++) {  // then n_head > 0
      at_[i] = std::min(row(chunk.index, at_[i]), chunk.n_head - 1);
      prefetch(chunk.starts.starts + at_[i]);
    }
    if (chunk.n_tail == 0)
      n_tail_ = 0;  // as it is, unless the index is damaged
    find_tail_rows(chunk);
  }

  // The same as `probe` and `match` together, by the map of the chunk.
  void look_up(const Chunk& chunk, const ChunkMap& map, const Query& query) {
    const std::int64_t n_rest = map_head(chunk, map, query);
    find_in_tail(chunk, query, n_rest);
    find_tail_rows(chunk);
    for (std::int64_t i = 0; i < n_; i++)
      prefetch(chunk.units + at_[i]);
  }

  // Where the rows' weights begin and end; of the tail, only rows that are the features' own.
  void match(const Chunk& chunk, const Query& query) {
    const auto start = [&](std::uint32_t row) { return std::min(chunk.starts[row], chunk.n_units); };
    for (std::int64_t i = 0; i < n_; i++) {
      const std::uint32_t row = at_[i];
      at_[i] = start(row);
      end_[i] = start(row + 1);
      value_[i] = query.values[from_[i]];
      prefetch(chunk.units + at_[i]);
    }
    match_tail(chunk, query);
  }

  // The last part of `match`, after `look_up` all of it.
  void match_tail(const Chunk& chunk, const Query& query) {
    const auto start = [&](std::uint32_t row) { return std::min(chunk.starts[row], chunk.n_units); };
    std::int64_t n = n_;
    for (std::int64_t i = 0; i < n_tail_; i++) {
      const std::uint32_t hash = chunk.hash(static_cast<std::uint32_t>(query.ranks[tail_from_[i]]));
      const std::uint16_t key = chunk.places.key(hash);
      const std::uint32_t found = chunk.find(tail_at_[i], hash, key), row = chunk.n_head + found;
      at_[n] = start(row);
      end_[n] = start(row + 1);
      value_[n] = query.values[tail_from_[i]];
      prefetch(chunk.units + at_[n]);
      n += chunk.keys[found] == key;
    }
    n_ = n;
  }

  // Adds the rows up in blocks of 16 children: kWays sums of a single block, kWideWays of each of several. Uses the
  // hits up.
  template <layer::Precision kPrecision>
  void add(const Chunk& chunk, f32x16* sums) {
    const std::int64_t n_blocks = chunk.n_blocks();
    if (n_blocks == 1)
      return add_narrow<kPrecision>(chunk.units, sums);
    std::fill(sums, sums + n_blocks * kWideWays, f32x16{});
    if (layer::has_pairs(kPrecision, chunk.n_siblings))
      add_pairs(chunk.units, sums);
    else
      add_wide<kPrecision>(chunk.units, static_cast<std::uint32_t>(n_blocks), sums);
  }

  // Calls body(where the row starts, where it ends, the value of the feature) for every hit.
  template <class Body>
  void for_each(Body&& body) const {
    for (std::int64_t i = 0; i < n_; i++)
      body(at_[i], end_[i], value_[i]);
  }

  // Independent sums, so that additions need not wait for one another. Of several blocks few rows have the same.
  static constexpr std::int64_t kWays = 4, kWideWays = 2;

 private:
  void find_tail_rows(const Chunk& chunk) {
    for (std::int64_t i = 0; i < n_tail_; i++) {
      tail_at_[i] = std::min(row(chunk.tail, tail_at_[i]), chunk.n_tail - 1);
      prefetch(chunk.keys + tail_at_[i]);
      prefetch(chunk.starts.starts + chunk.n_head + tail_at_[i]);
    }
  }

  static std::uint32_t row(const layer::IndexEntry* index, std::uint32_t bit) {
    const layer::IndexEntry entry = index[bit >> 5];
    return entry.rows + static_cast<std::uint32_t>(std::popcount(entry.bits & ((1u << (bit & 31)) - 1)));
  }

  void find_bits(const Chunk& chunk, const Query& query) {
    std::int64_t n = 0, n_tail = 0;
#if defined(__AVX512F__)
    const __m512i multiplier = _mm512_set1_epi32(static_cast<int>(chunk.hash.multiplier));
    const __m512i scale = _mm512_set1_epi64(static_cast<std::int64_t>(chunk.places.n_bits));
    const __m512i dense = _mm512_set1_epi32(static_cast<int>(chunk.n_dense));
    const __m512i one = _mm512_set1_epi32(1);
    const __m512i to_tail = _mm512_set1_epi32(static_cast<int>(chunk.tail - chunk.index));
    __m512i from = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::int64_t i = 0; i < query.n; i += kLanes, from = _mm512_add_epi32(from, _mm512_set1_epi32(kLanes))) {
      const auto there = static_cast<__mmask16>(first_lanes(query.n - i));
      const __m512i rank = _mm512_maskz_loadu_epi32(there, query.ranks + i);
      const __mmask16 head = _mm512_cmplt_epu32_mask(rank, dense);
      const __m512i key = _mm512_mullo_epi32(rank, multiplier);
      const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(key, scale), 32);
      const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(key, 32), scale);
      const __m512i place = _mm512_mask_mov_epi32(_mm512_mask_blend_epi32(0xaaaa, even, odd), head, rank);
      const __m512i entry = _mm512_srli_epi32(place, 5);
      const __m512i place_of = _mm512_mask_add_epi32(entry, static_cast<__mmask16>(~head), entry, to_tail);
      const __m512i bits = _mm512_i32gather_epi32(place_of, chunk.index, sizeof(layer::IndexEntry));
      const __m512i bit = _mm512_sllv_epi32(one, _mm512_and_si512(place, _mm512_set1_epi32(31)));
      const __mmask16 set = _mm512_mask_test_epi32_mask(there, bits, bit);
      const auto set_head = static_cast<__mmask16>(set & head), set_tail = static_cast<__mmask16>(set & ~head);
      _mm512_storeu_si512(&at_[n], _mm512_maskz_compress_epi32(set_head, place));
      _mm512_storeu_si512(&from_[n], _mm512_maskz_compress_epi32(set_head, from));
      n += std::popcount(static_cast<unsigned>(set_head));
      _mm512_storeu_si512(&tail_at_[n_tail], _mm512_maskz_compress_epi32(set_tail, place));
      _mm512_storeu_si512(&tail_from_[n_tail], _mm512_maskz_compress_epi32(set_tail, from));
      n_tail += std::popcount(static_cast<unsigned>(set_tail));
    }
#else
    for (std::int64_t i = 0; i < query.n; i++) {
      const auto rank = static_cast<std::uint32_t>(query.ranks[i]);
      const bool head = rank < chunk.n_dense;
      const std::uint32_t place = head ? rank : chunk.places.bit(chunk.hash(rank));
      const bool set = (head ? chunk.index : chunk.tail)[place >> 5].bits >> (place & 31) & 1;
      at_[n] = place;
      from_[n] = static_cast<std::uint32_t>(i);
      tail_at_[n_tail] = place;
      tail_from_[n_tail] = static_cast<std::uint32_t>(i);
      n += set && head;
      n_tail += set && !head;
    }
#endif
    n_ = n;
    n_tail_ = n_tail;
  }

  // The hits of the head; returns how many features may be in the tail and leaves them in `tail_from_`.
  std::int64_t map_head(const Chunk& chunk, const ChunkMap& map, const Query& query) {
    const std::uint32_t* const entries = map.entries();
    std::int64_t n = 0, n_rest = 0;
#if defined(__AVX512F__)
    const __m512i dense = _mm512_set1_epi32(static_cast<int>(chunk.n_dense));
    const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(map.length_bits()));
    const __m512i longest = _mm512_set1_epi32(static_cast<int>((1u << map.length_bits()) - 1));
    __m512i from = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::int64_t i = 0; i < query.n; i += kLanes, from = _mm512_add_epi32(from, _mm512_set1_epi32(kLanes))) {
      const auto there = static_cast<__mmask16>(first_lanes(query.n - i));
      const __m512i rank = _mm512_maskz_loadu_epi32(there, query.ranks + i);
      const __mmask16 head = _mm512_mask_cmplt_epu32_mask(there, rank, dense);
      const __m512i entry = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), head, rank, entries, 4);
      const __mmask16 set = _mm512_test_epi32_mask(entry, entry);
      const __m512i found = _mm512_maskz_compress_epi32(set, entry), at = _mm512_srl_epi32(found, shift);
      _mm512_storeu_si512(&at_[n], at);
      _mm512_storeu_si512(&end_[n], _mm512_add_epi32(at, _mm512_and_si512(found, longest)));
      _mm512_storeu_ps(&value_[n], _mm512_maskz_compress_ps(set, _mm512_maskz_loadu_ps(there, query.values + i)));
      n += std::popcount(static_cast<unsigned>(set));
      const auto rest = static_cast<__mmask16>(there & ~head);
      _mm512_storeu_si512(&tail_from_[n_rest], _mm512_maskz_compress_epi32(rest, from));
      n_rest += std::popcount(static_cast<unsigned>(rest));
    }
#else
    const std::uint32_t longest = (1u << map.length_bits()) - 1;
    for (std::int64_t i = 0; i < query.n; i++) {
      const auto rank = static_cast<std::uint32_t>(query.ranks[i]);
      const bool head = rank < chunk.n_dense;
      const std::uint32_t entry = head ? entries[rank] : 0;
      at_[n] = entry >> map.length_bits();
      end_[n] = at_[n] + (entry & longest);
      value_[n] = query.values[i];
      n += entry != 0;
      tail_from_[n_rest] = static_cast<std::uint32_t>(i);
      n_rest += !head;
    }
#endif
    n_ = n;
    return n_rest;
  }

  // Of the first features in `tail_from_`, those whose bit in the tail is set.
  void find_in_tail(const Chunk& chunk, const Query& query, std::int64_t n_rest) {
    n_tail_ = 0;
    if (chunk.n_tail == 0)
      return;
    std::int64_t n = 0;
#if defined(__AVX512F__)
    const __m512i multiplier = _mm512_set1_epi32(static_cast<int>(chunk.hash.multiplier));
    const __m512i scale = _mm512_set1_epi64(static_cast<std::int64_t>(chunk.places.n_bits));
    for (std::int64_t i = 0; i < n_rest; i += kLanes) {
      const auto there = static_cast<__mmask16>(first_lanes(n_rest - i));
      const __m512i from = _mm512_maskz_loadu_epi32(there, &tail_from_[i]);
      const __m512i rank = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), there, from, query.ranks, 4);
      const __m512i key = _mm512_mullo_epi32(rank, multiplier);
      const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(key, scale), 32);
      const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(key, 32), scale);
      const __m512i place = _mm512_mask_blend_epi32(0xaaaa, even, odd);
      const __m512i bits = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), there, _mm512_srli_epi32(place, 5),
                                                       chunk.tail, sizeof(layer::IndexEntry));
      const __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(place, _mm512_set1_epi32(31)));
      const __mmask16 set = _mm512_mask_test_epi32_mask(there, bits, bit);
      _mm512_storeu_si512(&tail_at_[n], _mm512_maskz_compress_epi32(set, place));
      _mm512_storeu_si512(&tail_from_[n], _mm512_maskz_compress_epi32(set, from));
      n += std::popcount(static_cast<unsigned>(set));
    }
#else
    for (std::int64_t i = 0; i < n_rest; i++) {
      const std::uint32_t from = tail_from_[i];
      const std::uint32_t place = chunk.places.bit(chunk.hash(static_cast<std::uint32_t>(query.ranks[from])));
      tail_at_[n] = place;
      tail_from_[n] = from;
      n += chunk.tail[place >> 5].bits >> (place & 31) & 1;
    }
#endif
    n_tail_ = n;
  }

  // At most 16 siblings: a row is one block.
  template <layer::Precision kPrecision>
  void add_narrow(const std::uint16_t* units, f32x16* sums) const {
    const auto add = [&](f32x16& sum, std::int64_t i) {
      const std::uint16_t* row = units + at_[i];
      add_expanded<kPrecision>(sum, value_[i], row[0], row + 1);
    };
    f32x16 a{}, b{}, c{}, d{};
    std::int64_t i = 0;
    for (; i + kWays <= n_; i += kWays) {
      add(a, i);
      add(b, i + 1);
      add(c, i + 2);
      add(d, i + 3);
    }
    if (i < n_)
      add(a, i);
    if (i + 1 < n_)
      add(b, i + 1);
    if (i + 2 < n_)
      add(c, i + 2);
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
  }

  // The first block of every row, then the second of those that have one, and so on.
  template <layer::Precision kPrecision>
  void add_wide(const std::uint16_t* units, std::uint32_t n_blocks, f32x16* sums) {
    for (std::int64_t n = n_, left = 0; n > 0; n = left) {
      left = 0;
      for (std::int64_t i = 0; i < n; i++) {
        const std::uint32_t at = at_[i], end = end_[i], mask = units[at];
        const std::uint32_t block = std::min<std::uint32_t>(units[at + 1], n_blocks);  // one block more has room
        const float value = value_[i];
        add_expanded<kPrecision>(sums[block * kWideWays + i % kWideWays], value, mask, units + at + 2);
        at_[left] = at + 2 + layer::n_units_of<kPrecision>(std::popcount(mask));
        end_[left] = end;
        value_[left] = value;
        left += at_[left] < end;
      }
    }
  }

  // The first pair of every row, then the rest of those that have more. Any sibling has room.
  void add_pairs(const std::uint16_t* units, f32x16* sums) {
    float* const lanes = reinterpret_cast<float*>(sums);
    const auto add = [&](std::int64_t way, float value, std::uint16_t unit) {
      const std::uint32_t child = unit & 255;
      lanes[(child / 16 * kWideWays + way % kWideWays) * 16 + child % 16] += value * layer::pair_weight(unit);
    };
    std::int64_t left = 0;
    for (std::int64_t i = 0; i < n_; i++) {
      const std::uint32_t at = at_[i], end = end_[i];
      const float value = value_[i];
      add(i, value, units[at]);
      at_[left] = at + 1;
      end_[left] = end;
      value_[left] = value;
      left += at + 1 < end;
    }
    for (std::int64_t i = 0; i < left; i++) {
      const float value = value_[i];
      for (std::uint32_t at = at_[i]; at < end_[i]; at++)
        add(i, value, units[at]);
    }
  }

  std::int64_t n_ = 0, n_tail_ = 0;
  std::vector<std::uint32_t> from_, at_, end_, tail_from_, tail_at_;
  std::vector<float> value_;
};

}  // namespace arborank::search
