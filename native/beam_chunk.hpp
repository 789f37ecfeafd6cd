// The inner product of one query with all children of one parent: the heart of prediction.
//
// Four stages, each free of unpredictable branches, each asking for the memory that the next one reads, so that a
// search can have the next parent's stages under way while it adds up this one's: `prefetch_index`; `probe` tells from
// the index which features the chunk may have; `match` finds where their rows start; `margins` adds the rows. One query
// and many go through the same code, so their scores are equal to the last bit.
//
// Nothing that a chunk's arrays hold is trusted: what is read from them is bounded before it serves as a place.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "beam_add.hpp"
#include "beam_meter.hpp"

namespace arborank {

struct Query {
  const std::int32_t* ranks;  // of its features, in the layer at hand
  const float* values;
  std::int64_t n;
};

// One parent's chunk.
struct Chunk {
  const IndexEntry *index, *tail;
  RowStarts starts;
  const std::uint16_t *keys, *units;
  const float *bias, *scales;
  Precision precision;
  RankHash hash;
  TailPlaces places;
  std::uint32_t n_dense;  // ranks below have a bit each
  std::uint32_t n_head, n_tail;  // rows
  std::uint32_t n_units;         // at most what the last row's longest block leaves of the whole layer's
  std::int64_t n_siblings;

  Chunk(const LayerView& layer, std::int64_t parent)
      : starts(row_starts(layer, parent)), hash(layer.hash),
        places(static_cast<std::uint32_t>(layer.extents[parent + 1].index - layer.extents[parent].tail - 1), hash) {
    const Extent &from = layer.extents[parent], &to = layer.extents[parent + 1];
    index = layer.index + from.index;
    tail = layer.index + from.tail;
    keys = layer.keys + from.key;
    units = layer.units + from.unit;
    bias = layer.bias + layer.branches[parent];
    scales = layer.scales + (layer.precision == Precision::int8 ? layer.branches[parent] : 0);
    precision = layer.precision;
    n_dense = static_cast<std::uint32_t>(from.tail - from.index) * 32;
    n_tail = static_cast<std::uint32_t>(to.key - from.key);
    n_head = static_cast<std::uint32_t>(to.start - from.start - 1) - n_tail;
    n_units = static_cast<std::uint32_t>(std::min<std::int64_t>(to.unit - from.unit, UINT32_MAX - kPadding));
    n_siblings = layer.branches[parent + 1] - layer.branches[parent];
  }

  const IndexEntry* entry(std::uint32_t rank) const {
    return rank < n_dense ? index + rank / 32 : tail + places.bit(hash(rank)) / 32;
  }
  // The row of the tail that a feature's key is at, if at any, given the one that stands at its bit.
  std::uint32_t find(std::uint32_t row, std::uint32_t rank_hash, std::uint16_t key) const {
    const std::uint64_t n_bits = places.n_bits + 32;
    for (std::uint64_t bit = places.bit(rank_hash) + 1; static_cast<std::int16_t>(keys[row] - key) < 0; bit++, row++)
      if (row + 1 >= n_tail || bit >= n_bits || (tail[bit / 32].bits >> (bit % 32) & 1) == 0)
        break;
    return row;
  }
  void prefetch_index(const Query& query) const {
    for (std::int64_t i = 0; i < query.n; i++)
      prefetch(entry(static_cast<std::uint32_t>(query.ranks[i])));
    prefetch(bias);
  }
};

// The features that one query and one chunk share, found in two stages.
class Hits {
 public:
  Meter* meter = nullptr;  // what to tell of the memory read, if anything

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
    for (std::int64_t i = 0; i < n_tail_; i++) {
      tail_at_[i] = std::min(row(chunk.tail, tail_at_[i]), chunk.n_tail - 1);
      prefetch(chunk.keys + tail_at_[i]);
      prefetch(chunk.starts.starts + chunk.n_head + tail_at_[i]);
    }
  }

  // Where the rows' weights begin and end; of the tail, only rows that are the features' own.
  void match(const Chunk& chunk, const Query& query) {
    const auto start = [&](std::uint32_t row) { return std::min(chunk.starts[row], chunk.n_units); };
    if (meter != nullptr)
      measure_rows(chunk, query);
    std::int64_t n = n_;
    for (std::int64_t i = 0; i < n_; i++) {
      const std::uint32_t row = at_[i];
      at_[i] = start(row);
      end_[i] = start(row + 1);
      value_[i] = query.values[from_[i]];
      prefetch(chunk.units + at_[i]);
    }
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
    for (std::int64_t i = 0; meter != nullptr && i < n_; i++)
      meter->touch(Part::units, chunk.units + at_[i], 2 * (end_[i] - at_[i]));
  }

  // Margins of the children in blocks of 16; lanes beyond the last child hold no meaning. Uses the hits up.
  const f32x16* margins(const Chunk& chunk, std::vector<f32x16>& room) {
    const std::int64_t n_blocks = (chunk.n_siblings + kLanes - 1) / kLanes;
    if (static_cast<std::int64_t>(room.size()) < (n_blocks + 1) * kWays || room.size() < 16 * kWays)
      room.resize(std::max<std::int64_t>(n_blocks + 1, 16) * kWays);
    f32x16* sums = room.data();
    with_precision(chunk.precision, [&](auto precision) {
      if (n_blocks == 1) {
        add_narrow<precision()>(chunk.units, sums);
      } else {
        std::fill(sums, sums + n_blocks * kWays, f32x16{});
        if (has_pairs(precision(), chunk.n_siblings))
          add_pairs(chunk.units, sums);
        else
          add_wide<precision()>(chunk.units, static_cast<std::uint32_t>(n_blocks), sums);
      }
      for (std::int64_t block = 0; block < n_blocks; block++) {
        const std::int64_t begin = block * kLanes, n = std::min<std::int64_t>(chunk.n_siblings - begin, kLanes);
        const f32x16* ways = sums + block * kWays;
        f32x16 sum = (ways[0] + ways[1]) + (ways[2] + ways[3]);
        if constexpr (precision() == Precision::int8)
          sum *= first_lanes(chunk.scales + begin, n);
        sums[block] = sum + first_lanes(chunk.bias + begin, n);
      }
    });
    return sums;
  }

 private:
  void measure_rows(const Chunk& chunk, const Query& query) const {
    const auto touch_start = [&](std::uint32_t row) {
      meter->touch(Part::starts, chunk.starts.starts + row, 4);
      meter->touch(Part::starts, chunk.starts.bases + (row >> chunk.starts.shift), 4);
    };
    for (std::int64_t i = 0; i < query.n; i++)
      meter->touch(Part::index, chunk.entry(static_cast<std::uint32_t>(query.ranks[i])), sizeof(IndexEntry));
    for (std::int64_t i = 0; i < n_; i++)
      touch_start(at_[i]);
    for (std::int64_t i = 0; i < n_tail_; i++) {
      touch_start(chunk.n_head + tail_at_[i]);
      meter->touch(Part::keys, chunk.keys + tail_at_[i], 2);
    }
    meter->touch(Part::bias, chunk.bias, sizeof(float) * chunk.n_siblings);
    if (chunk.precision == Precision::int8)
      meter->touch(Part::bias, chunk.scales, sizeof(float) * chunk.n_siblings);
  }

  static f32x16 first_lanes(const float* values, std::int64_t n) {
    f32x16 lanes{};
    std::memcpy(&lanes, values, n * sizeof(float));
    return lanes;
  }

  static std::uint32_t row(const IndexEntry* index, std::uint32_t bit) {
    const IndexEntry entry = index[bit >> 5];
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
      const auto there = static_cast<__mmask16>(query.n - i >= kLanes ? 0xffff : (1u << (query.n - i)) - 1);
      const __m512i rank = _mm512_maskz_loadu_epi32(there, query.ranks + i);
      const __mmask16 head = _mm512_cmplt_epu32_mask(rank, dense);
      const __m512i key = _mm512_mullo_epi32(rank, multiplier);
      const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(key, scale), 32);
      const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(key, 32), scale);
      const __m512i place = _mm512_mask_mov_epi32(_mm512_mask_blend_epi32(0xaaaa, even, odd), head, rank);
      const __m512i entry = _mm512_srli_epi32(place, 5);
      const __m512i bits = _mm512_i32gather_epi32(
          _mm512_mask_add_epi32(entry, static_cast<__mmask16>(~head), entry, to_tail), chunk.index, sizeof(IndexEntry));
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

  // At most 16 siblings: a row is one block.
  template <Precision kPrecision>
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
  template <Precision kPrecision>
  void add_wide(const std::uint16_t* units, std::uint32_t n_blocks, f32x16* sums) {
    for (std::int64_t n = n_, left = 0; n > 0; n = left) {
      left = 0;
      for (std::int64_t i = 0; i < n; i++) {
        const std::uint32_t at = at_[i], end = end_[i], mask = units[at];
        const std::uint32_t block = std::min<std::uint32_t>(units[at + 1], n_blocks);  // one block more has room
        const float value = value_[i];
        add_expanded<kPrecision>(sums[block * kWays + i % kWays], value, mask, units + at + 2);
        at_[left] = at + 2 + n_units_of<kPrecision>(std::popcount(mask));
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
      lanes[(child / 16 * kWays + way % kWays) * 16 + child % 16] += value * pair_weight(unit);
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

  static constexpr std::int64_t kWays = 4;  // independent sums, so that additions need not wait for one another
  std::int64_t n_ = 0, n_tail_ = 0;
  std::vector<std::uint32_t> from_, at_, end_, tail_from_, tail_at_;
  std::vector<float> value_;
};

}  // namespace arborank
