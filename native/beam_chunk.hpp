// The inner product of one query with all children of one parent: the heart of prediction.
//
// Four stages, each free of unpredictable branches, each asking for the memory that the next one reads, so that a
// search can have the next parent's stages under way while it adds up this one's: `prefetch_index`; `probe` tells from
// the index which features the chunk may have; `match` tells from the rows' keys which it has; `margins` adds the rows.
// One query and many go through the same code, so their scores are equal to the last bit.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "simd.hpp"
#include "weights.hpp"

namespace arborank {

struct Query {
  const std::int32_t* features;  // ascending
  const float* values;
  std::int64_t n;
};

// One parent's chunk.
struct Chunk {
  const IndexEntry* index;
  const Row* rows;
  const std::uint32_t* words;
  const float* bias;
  std::uint32_t n_entries;
  std::int64_t n_siblings;

  Chunk(const LayerView& layer, std::int64_t parent) {
    const Extent &from = layer.extents[parent], &to = layer.extents[parent + 1];
    index = layer.index + from.index;
    rows = layer.rows + from.row;
    words = layer.words + from.word;
    bias = layer.bias + layer.branches[parent];
    n_entries = n_index_entries(static_cast<std::uint32_t>(to.row - from.row - 1));
    n_siblings = layer.branches[parent + 1] - layer.branches[parent];
  }

  void prefetch_index(const Query& query) const {
    for (std::int64_t i = 0; i < query.n; i++)
      prefetch(index + (bucket(feature_key(query.features[i]), n_entries) >> 5));
    prefetch(bias);
  }
};

// The features that one query and one chunk share, found in two stages.
class Hits {
 public:
  void reserve(std::int64_t n_features) {
    const auto room = static_cast<std::size_t>(n_features + kLanes);
    if (from_.size() < room) {
      from_.resize(room);
      at_.resize(room);
      end_.resize(room);
      value_.resize(room);
    }
  }

  // Features whose bit is set: their place in the query, and the first row that may be theirs.
  void probe(const Chunk& chunk, const Query& query) {
    std::int64_t n = 0;
#if defined(__AVX512F__)
    const __m512i multiplier = _mm512_set1_epi32(static_cast<int>(kKeyMultiplier));
    const __m512i scale = _mm512_set1_epi64(std::int64_t{chunk.n_entries} * 32);
    const __m512i one = _mm512_set1_epi32(1);
    __m512i from = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::int64_t i = 0; i < query.n; i += kLanes, from = _mm512_add_epi32(from, _mm512_set1_epi32(kLanes))) {
      const auto there = static_cast<__mmask16>(query.n - i >= kLanes ? 0xffff : (1u << (query.n - i)) - 1);
      const __m512i key = _mm512_mullo_epi32(_mm512_maskz_loadu_epi32(there, query.features + i), multiplier);
      const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(key, scale), 32);
      const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(key, 32), scale);
      const __m512i place = _mm512_mask_blend_epi32(0xaaaa, even, odd);
      const __m512i bits = _mm512_i32gather_epi32(_mm512_srli_epi32(place, 5), chunk.index, sizeof(IndexEntry));
      const __m512i bit = _mm512_sllv_epi32(one, _mm512_and_si512(place, _mm512_set1_epi32(31)));
      const __mmask16 set = _mm512_mask_test_epi32_mask(there, bits, bit);
      _mm512_storeu_si512(&at_[n], _mm512_maskz_compress_epi32(set, place));
      _mm512_storeu_si512(&from_[n], _mm512_maskz_compress_epi32(set, from));
      n += std::popcount(static_cast<unsigned>(set));
    }
#else
    for (std::int64_t i = 0; i < query.n; i++) {
      const std::uint32_t place = bucket(feature_key(query.features[i]), chunk.n_entries);
      at_[n] = place;
      from_[n] = static_cast<std::uint32_t>(i);
      n += chunk.index[place >> 5].bits >> (place & 31) & 1;
    }
#endif
    for (std::int64_t i = 0; i < n; i++) {
      const IndexEntry entry = chunk.index[at_[i] >> 5];
      at_[i] = entry.rank + std::popcount(entry.bits & ((1u << (at_[i] & 31)) - 1));
      prefetch(chunk.rows + at_[i]);
    }
    n_ = n;
  }

  // Features that have a row: where their words begin and end, and their values.
  void match(const Chunk& chunk, const Query& query) {
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < n_; i++) {
      const std::uint32_t key = feature_key(query.features[from_[i]]);
      const Row* row = chunk.rows + at_[i];
      while (row->key < key)  // another key took the bucket; ends at the sentinel at the latest
        row++;
      const bool equal = row->key == key;
      at_[n] = row->start;
      end_[n] = row[equal].start;
      value_[n] = query.values[from_[i]];
      prefetch(chunk.words + row->start);
      n += equal;
    }
    n_ = n;
  }

  // Margins of the children in blocks of 16; lanes beyond the last child hold no meaning. Uses the hits up.
  const f32x16* margins(const Chunk& chunk, std::vector<f32x16>& room) {
    const std::int64_t n_blocks = (chunk.n_siblings + kLanes - 1) / kLanes;
    if (static_cast<std::int64_t>(room.size()) < n_blocks * kWays)
      room.resize(n_blocks * kWays);
    f32x16* sums = room.data();
    if (n_blocks == 1) {
      add_narrow(chunk.words, sums);
    } else {
      std::fill(sums, sums + n_blocks * kWays, f32x16{});
      add_wide(chunk.words, sums);
    }
    for (std::int64_t block = 0; block < n_blocks; block++) {
      const std::int64_t begin = block * kLanes;
      f32x16 bias{};
      std::memcpy(&bias, chunk.bias + begin, std::min<std::int64_t>(chunk.n_siblings - begin, kLanes) * sizeof(float));
      const f32x16* ways = sums + block * kWays;
      sums[block] = ((ways[0] + ways[1]) + (ways[2] + ways[3])) + bias;
    }
    return sums;
  }

 private:
  // At most 16 siblings: a row is one block.
  void add_narrow(const std::uint32_t* words, f32x16* sums) const {
    const auto add = [&](f32x16& sum, std::int64_t i) {
      const std::uint32_t* row = words + at_[i];
      add_expanded(sum, value_[i], row[0] & 0xffff, reinterpret_cast<const float*>(row + 1));
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
  void add_wide(const std::uint32_t* words, f32x16* sums) {
    for (std::int64_t n = n_, left = 0; n > 0; n = left) {
      left = 0;
      for (std::int64_t i = 0; i < n; i++) {
        const std::uint32_t at = at_[i], end = end_[i], header = words[at], mask = header & 0xffff;
        const float value = value_[i];
        add_expanded(sums[(header >> 16) * kWays + i % kWays], value, mask,
                     reinterpret_cast<const float*>(words + at + 1));
        at_[left] = at + 1 + std::popcount(mask);
        end_[left] = end;
        value_[left] = value;
        left += at_[left] < end;
      }
    }
  }

  static constexpr std::int64_t kWays = 4;  // independent sums, so that additions need not wait for one another
  std::int64_t n_ = 0;
  std::vector<std::uint32_t> from_, at_, end_;
  std::vector<float> value_;
};

}  // namespace arborank
