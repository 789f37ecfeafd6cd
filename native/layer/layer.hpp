// The weights of one tree layer, siblings together: a chunk a parent, and in it a row a feature.
//
// Features go by their rank, commonest first, so that what most queries ask for lies together in few cache lines. A
// chunk finds its rows by bits, 32 to an entry, with the number of rows before every entry. The commonest features have
// a bit each: the dense part. Where rows become rare, features share bits by a hash: the tail, with a key a row to tell
// them apart. Rows stand in the order of their bits, and end where the next one starts; where that is takes 16 bits,
// counted from a base that some hundred rows share.
//
// A row is a run of 16-bit units: for every block of 16 siblings that has a weight, a mask of lanes, the number of the
// block if the parent has more than one, and the block's weights, packed: 32-bit floats, 16-bit floats, or 8-bit
// integers in units of a scale of their child's. 8-bit weights of 17 to 256 siblings, of which a row has few, stand in
// pairs instead: a unit is a sibling and its weight.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace arborank::layer {

constexpr std::uint32_t kMultiplier = 2654435769u;  // odd: a bijection of 32-bit words
constexpr std::uint32_t kInverse = 340573321u;
static_assert(kMultiplier * kInverse == 1u);

// Ranks below 2^bits hashed to 32-bit words of which only the upper `bits` can be set, one to one.
struct RankHash {
  std::uint32_t bits, multiplier, inverse;

  constexpr explicit RankHash(std::int64_t n_features)
      : bits(n_features > 2 ? static_cast<std::uint32_t>(std::bit_width(static_cast<std::uint64_t>(n_features - 1)))
                            : 1),
        multiplier(kMultiplier >> (32 - bits) | 1),
        inverse(1) {
    for (int i = 0; i < 5; i++)
      inverse *= 2 - multiplier * inverse;  // Newton: each step doubles the bits that are right
    multiplier <<= 32 - bits;
  }
  constexpr std::uint32_t operator()(std::uint32_t rank) const { return rank * multiplier; }
  constexpr std::uint32_t rank(std::uint32_t hash) const {
    return (hash >> (32 - bits)) * inverse & static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
  }
};

// Where a feature's bit is in the tail of a chunk, and the key of its row: the last bits of the number of the bit, and
// what of the hash that number does not tell. A row that finds its bit taken stands in the first free one after, less
// than `reach` away, so key and place tell the feature.
struct TailPlaces {
  std::uint64_t n_bits;
  std::uint32_t shift;
  std::int64_t reach;  // 0: there are too few bits for the number of features

  constexpr TailPlaces(std::uint32_t n_entries, const RankHash& hash) : n_bits(std::uint64_t{n_entries} * 32) {
    const int rest = std::max(0, static_cast<int>(hash.bits) - static_cast<int>(std::bit_width(n_bits)) + 1);
    shift = static_cast<std::uint32_t>(32 - rest);
    reach = n_entries == 0 || rest > 15 ? 0 : std::int64_t{1} << (15 - rest);
  }
  constexpr std::uint32_t bit(std::uint32_t hash) const { return static_cast<std::uint32_t>(hash * n_bits >> 32); }
  constexpr std::uint16_t key(std::uint32_t hash) const { return static_cast<std::uint16_t>(hash * n_bits >> shift); }

  // The hash of a row that stands at a bit.
  std::uint32_t hash(std::uint32_t at, std::uint16_t key, const RankHash& hash) const {
    const std::uint32_t rest = 32 - shift, window = (1u << (16 - rest)) - 1;
    const std::uint64_t bit = at - ((at - (key >> rest)) & window);
    const std::uint64_t least = (bit << rest | (key & ((1u << rest) - 1))) << shift;
    const std::uint64_t step = n_bits << (32 - hash.bits);
    return static_cast<std::uint32_t>((least + step - 1) / step << (32 - hash.bits));
  }
};

struct IndexEntry {
  std::uint32_t bits;  // of bit 32 i + b bit b of entry i tells that a row is there
  std::uint32_t rows;  // rows before, of the same part of the chunk
};
// Where a chunk begins in each array; it ends where the next one begins.
struct Extent {
  std::int64_t index;
  std::int64_t tail;  // in the index too: where the dense part ends
  std::int64_t start;
  std::int64_t key;
  std::int64_t unit;
  std::int64_t base;
};
static_assert(sizeof(IndexEntry) == 8 && sizeof(Extent) == 48);

enum class Precision { float32, float16, int8 };

// Units of n weights in a row.
template <Precision kPrecision>
constexpr std::uint32_t n_units_of(std::uint32_t n) {
  return kPrecision == Precision::float32 ? 2 * n : kPrecision == Precision::float16 ? n : (n + 1) / 2;
}

struct LayerView {
  const std::int64_t* branches = nullptr;  // n_parents + 1: children of parent p are [branches[p], branches[p + 1])
  const std::int32_t* ranks = nullptr;  // n_features
  const Extent* extents = nullptr;  // n_parents + 1
  const IndexEntry* index = nullptr;
  const std::uint16_t* starts = nullptr;  // first unit of every row, relative to its base; then the end of the last
  const std::uint32_t* bases = nullptr;  // one for every run of so many rows, relative to the chunk
  const std::uint16_t* keys = nullptr;  // of the tail's rows
  const std::uint16_t* units = nullptr;
  const float* bias = nullptr;  // one a child: its weight of the constant feature, times that constant
  const float* scales = nullptr;  // one a child, of int8 weights only
  Precision precision = Precision::float32;
  RankHash hash{0};  // for so many features
  std::int64_t n_parents = 0;
  std::int64_t n_children = 0;
  std::int64_t n_features = 0;
  std::int64_t n_units = 0;
};

constexpr std::int64_t kBlockLimit = std::int64_t{1} << 16;  // blocks of 16 siblings under one parent
constexpr std::int64_t kRowLimit = std::int64_t{1} << 28;  // rows of a chunk, so that the number of a bit has 32 bits
constexpr std::int64_t kPadding = 40;  // units after the last row: kernels may read a row's longest block anywhere

// Units before the weights of a block.
constexpr std::uint32_t header_size(std::int64_t n_siblings) { return n_siblings > 16 ? 2 : 1; }

// Whether rows are pairs of a sibling (the lower byte of a unit) and its weight (the upper).
constexpr bool has_pairs(Precision precision, std::int64_t n_siblings) {
  return precision == Precision::int8 && n_siblings > 16 && n_siblings <= 256;
}

inline float pair_weight(std::uint16_t unit) { return static_cast<std::int8_t>(unit >> 8); }

// How many rows share a base, as a power of two: so many that the longest fit 16 bits.
constexpr std::uint32_t base_shift(std::int64_t n_siblings, Precision precision) {
  const std::int64_t weights = precision == Precision::float32 ? 32 : precision == Precision::float16 ? 16 : 8;
  const std::int64_t blocks = (n_siblings + 15) / 16;
  const std::int64_t longest =
      has_pairs(precision, n_siblings) ? n_siblings : blocks * (header_size(n_siblings) + weights);
  std::uint32_t shift = 8;
  while (shift > 0 && longest << shift > 65536)
    shift--;
  return shift;
}
// Bases of a chunk with so many rows.
constexpr std::int64_t n_bases(std::int64_t n_rows, std::uint32_t shift) { return (n_rows >> shift) + 1; }

// Where the rows of a chunk start.
struct RowStarts {
  const std::uint16_t* starts;
  const std::uint32_t* bases;
  std::uint32_t shift;
  std::uint32_t operator[](std::uint32_t row) const { return bases[row >> shift] + starts[row]; }
};

inline RowStarts row_starts(const LayerView& layer, std::int64_t parent) {
  return {layer.starts + layer.extents[parent].start, layer.bases + layer.extents[parent].base,
          base_shift(layer.branches[parent + 1] - layer.branches[parent], layer.precision)};
}

// A finite 16-bit float. Its exponent is set right by a multiplication, which is exact for subnormal numbers too.
inline float half_to_float(std::uint16_t half) {
  const float magnitude = std::bit_cast<float>(static_cast<std::uint32_t>(half & 0x7fff) << 13) * 0x1p112f;
  return half & 0x8000 ? -magnitude : magnitude;
}

// To the nearest, ties to even; for magnitudes below 65520.
inline std::uint16_t float_to_half(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), sign = bits >> 16 & 0x8000;
  const float magnitude = std::bit_cast<float>(bits & 0x7fffffffu);
  if (magnitude < 0x1p-14f)  // subnormal: adding 1/2 leaves the units of 2^-24 in the last places
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(magnitude + 0.5f) - 0x3f000000u));
  const std::uint32_t rounded = (bits & 0x7fffffffu) + 0xfff + (bits >> 13 & 1);
  return static_cast<std::uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

constexpr float kLargestHalf = 65504.0f;

// Calls body(std::integral_constant<Precision, p>) for the precision at hand, so that loops over it are specialised.
template <class Body>
decltype(auto) with_precision(Precision precision, Body&& body) {
  switch (precision) {
    case Precision::float16:
      return body(std::integral_constant<Precision, Precision::float16>{});
    case Precision::int8:
      return body(std::integral_constant<Precision, Precision::int8>{});
    default:
      return body(std::integral_constant<Precision, Precision::float32>{});
  }
}

// Number i of the packed weights that begin at a unit; of int8 not yet scaled.
template <Precision kPrecision>
float packed_weight(const std::uint16_t* units, int i) {
  if constexpr (kPrecision == Precision::float32) {
    float weight;
    std::memcpy(&weight, units + 2 * i, sizeof weight);
    return weight;
  } else if constexpr (kPrecision == Precision::float16) {
    return half_to_float(units[i]);
  } else {
    std::int8_t weight;
    std::memcpy(&weight, reinterpret_cast<const char*>(units) + i, sizeof weight);
    return weight;
  }
}

}  // namespace arborank::layer
