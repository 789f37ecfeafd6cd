// The inner product of one query with all children of one parent: the heart of prediction.
//
// Three passes over ever fewer features, each free of unpredictable branches, each fetching what the next one reads:
// the index tells which features the chunk may have, the rows' keys tell which it has, the rows' blocks are added up.
// One query and many go through the same code, so their scores are equal to the last bit.
#pragma once
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

class ChunkScorer {
 public:
  // Room for queries of n_features non-zeros and chunks of n_siblings.
  void reserve(std::int64_t n_features, std::int64_t n_siblings) {
    if (static_cast<std::int64_t>(keys_.size()) < n_features + kLanes) {
      keys_.resize(n_features + kLanes);
      places_.resize(n_features + kLanes);
      values_.resize(n_features + kLanes);
      ends_.resize(n_features + kLanes);
    }
    const std::int64_t n_blocks = (n_siblings + kLanes - 1) / kLanes;
    if (static_cast<std::int64_t>(sums_.size()) < n_blocks)
      sums_.resize(n_blocks);
  }

  // Margins of the children of `parent`, in blocks of 16; lanes beyond the last child hold no meaning.
  const f32x16* margins(const LayerView& layer, std::int64_t parent, const Query& query) {
    const Extent &from = layer.extents[parent], &to = layer.extents[parent + 1];
    const std::int64_t first = layer.branches[parent], n_siblings = layer.branches[parent + 1] - first;
    const std::int64_t n_blocks = (n_siblings + kLanes - 1) / kLanes;
    sums_[n_blocks - 1] = f32x16{};
    std::memcpy(static_cast<void*>(sums_.data()), layer.bias + first, n_siblings * sizeof(float));
    const auto n_rows = static_cast<std::uint32_t>(to.row - from.row - 1);
    const IndexEntry* index = layer.index + from.index;
    const std::int64_t n_possible = probe(index, n_index_entries(n_rows), query);
    const std::int64_t n_hits = match(index, layer.rows + from.row, layer.words + from.word, n_possible);
    if (n_blocks == 1)
      add_narrow(layer.words + from.word, n_hits);
    else
      add_wide(layer.words + from.word, n_hits);
    return sums_.data();
  }

  // Asks for the memory that margins() will read first.
  static void prefetch_index(const LayerView& layer, std::int64_t parent, const Query& query) {
    const Extent &from = layer.extents[parent], &to = layer.extents[parent + 1];
    const std::uint32_t n_entries = n_index_entries(static_cast<std::uint32_t>(to.row - from.row - 1));
    const IndexEntry* index = layer.index + from.index;
    for (std::int64_t i = 0; i < query.n; i++)
      prefetch(index + (bucket(feature_key(query.features[i]), n_entries) >> 5));
    prefetch(layer.bias + layer.branches[parent]);
  }

 private:
  // Features whose bit is set: their keys, buckets and values.
  std::int64_t probe(const IndexEntry* index, std::uint32_t n_entries, const Query& query) {
    std::int64_t n = 0;
#if defined(__AVX512F__)
    const __m512i multiplier = _mm512_set1_epi32(static_cast<int>(kKeyMultiplier));
    const __m512i scale = _mm512_set1_epi64(std::int64_t{n_entries} * 32);
    for (std::int64_t i = 0; i < query.n; i += kLanes) {
      const auto there = static_cast<__mmask16>(query.n - i >= kLanes ? 0xffff : (1u << (query.n - i)) - 1);
      const __m512i features = _mm512_maskz_loadu_epi32(there, query.features + i);
      const __m512i key = _mm512_mullo_epi32(features, multiplier);
      const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(key, scale), 32);
      const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(key, 32), scale);
      const __m512i place = _mm512_mask_blend_epi32(0xaaaa, even, odd);
      const __m512i bits = _mm512_i32gather_epi32(_mm512_srli_epi32(place, 5), index, sizeof(IndexEntry));
      const __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(place, _mm512_set1_epi32(31)));
      const __mmask16 hit = _mm512_mask_test_epi32_mask(there, bits, bit);
      _mm512_storeu_si512(&keys_[n], _mm512_maskz_compress_epi32(hit, key));
      _mm512_storeu_si512(&places_[n], _mm512_maskz_compress_epi32(hit, place));
      _mm512_storeu_ps(&values_[n], _mm512_maskz_compress_ps(hit, _mm512_maskz_loadu_ps(there, query.values + i)));
      n += std::popcount(static_cast<unsigned>(hit));
    }
#else
    for (std::int64_t i = 0; i < query.n; i++) {
      const std::uint32_t key = feature_key(query.features[i]), place = bucket(key, n_entries);
      keys_[n] = key;
      places_[n] = place;
      values_[n] = query.values[i];
      n += index[place >> 5].bits >> (place & 31) & 1;
    }
#endif
    return n;
  }

  // Features that have a row: where their words begin and end, and their values.
  std::int64_t match(const IndexEntry* index, const Row* rows, const std::uint32_t* words, std::int64_t n_possible) {
    for (std::int64_t i = 0; i < n_possible; i++) {
      const IndexEntry entry = index[places_[i] >> 5];
      places_[i] = entry.rank + std::popcount(entry.bits & ((1u << (places_[i] & 31)) - 1));
      prefetch(rows + places_[i]);
    }
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < n_possible; i++) {
      const std::uint32_t key = keys_[i];
      std::uint32_t row = places_[i];
      while (rows[row].key < key)  // another key took the bucket; ends at the sentinel at the latest
        row++;
      const bool equal = rows[row].key == key;
      places_[n] = rows[row].start;
      ends_[n] = rows[row + equal].start;
      values_[n] = values_[i];
      prefetch(words + places_[n]);
      n += equal;
    }
    return n;
  }

  // At most 16 siblings: a row is one block.
  void add_narrow(const std::uint32_t* words, std::int64_t n) {
    f32x16 sums = sums_[0];
    for (std::int64_t i = 0; i < n; i++) {
      const std::uint32_t* row = words + places_[i];
      add_expanded(sums, values_[i], row[0] & 0xffff, reinterpret_cast<const float*>(row + 1));
    }
    sums_[0] = sums;
  }

  // The first block of every row, then the second of those that have one, and so on.
  void add_wide(const std::uint32_t* words, std::int64_t n) {
    while (n > 0) {
      std::int64_t left = 0;
      for (std::int64_t i = 0; i < n; i++) {
        const std::uint32_t at = places_[i], end = ends_[i], header = words[at], mask = header & 0xffff;
        const float value = values_[i];
        add_expanded(sums_[header >> 16], value, mask, reinterpret_cast<const float*>(words + at + 1));
        places_[left] = at + 1 + std::popcount(mask);
        ends_[left] = end;
        values_[left] = value;
        left += places_[left] < end;
      }
      n = left;
    }
  }

  std::vector<std::uint32_t> keys_, places_, ends_;
  std::vector<float> values_;
  std::vector<f32x16> sums_;
};

}  // namespace arborank
