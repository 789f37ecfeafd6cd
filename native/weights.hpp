// The weights of one tree layer, siblings together: a chunk a parent, and in it a row a feature.
//
// Features go by their rank, commonest first, so that what most queries ask for lies together in few cache lines. A
// chunk finds its rows by bits, 32 to an entry, with the number of rows before every entry. The commonest features have
// a bit each: the dense part. Where rows become rare, features share bits by a hash: the tail, with a key a row to tell
// them apart. Rows stand in the order of their bits, and end where the next one starts.
//
// A row is a run of 16-bit units: for every block of 16 siblings that has a weight, a mask of lanes, the number of the
// block if the parent has more than one, and the block's weights, packed: 32-bit floats, 16-bit floats, or 8-bit integers
// in units of a scale of their child's.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace arborank {

constexpr std::uint32_t kKeyMultiplier = 2654435769u;  // odd: a bijection of 32-bit words
constexpr std::uint32_t kKeyInverse = 340573321u;
constexpr std::uint32_t kSentinelKey = 0xffffffffu;  // no rank below 2^31 has it
static_assert(kKeyMultiplier * kKeyInverse == 1u);

constexpr std::uint32_t rank_key(std::uint32_t rank) { return rank * kKeyMultiplier; }
constexpr std::uint32_t key_rank(std::uint32_t key) { return key * kKeyInverse; }
static_assert(key_rank(kSentinelKey) >= 0x80000000u);

struct IndexEntry {
  std::uint32_t bits;  // of bit 32 i + b bit b of entry i tells that a row is there
  std::uint32_t rows;  // rows before, of the same part of the chunk
};
// Where a chunk begins in each array; it ends where the next one begins.
struct Extent {
  std::int64_t index;
  std::int64_t tail;   // in the index too: where the dense part ends
  std::int64_t start;
  std::int64_t key;
  std::int64_t unit;
};
static_assert(sizeof(IndexEntry) == 8 && sizeof(Extent) == 40);

enum class Precision { float32, float16, int8 };

// Units of n weights in a row.
template <Precision kPrecision>
constexpr std::uint32_t n_units_of(std::uint32_t n) {
  return kPrecision == Precision::float32 ? 2 * n : kPrecision == Precision::float16 ? n : (n + 1) / 2;
}

struct LayerView {
  const std::int64_t* branches = nullptr;  // n_parents + 1: children of parent p are [branches[p], branches[p + 1])
  const std::int32_t* ranks = nullptr;     // n_features
  const Extent* extents = nullptr;         // n_parents + 1
  const IndexEntry* index = nullptr;
  const std::uint32_t* starts = nullptr;  // first unit of every row, relative to the chunk; then the end of the last
  const std::uint32_t* keys = nullptr;    // of the tail's rows, ascending; then the sentinel
  const std::uint16_t* units = nullptr;
  const float* bias = nullptr;  // one a child: its weight of the constant feature, times that constant
  const float* scales = nullptr;  // one a child, of int8 weights only
  Precision precision = Precision::float32;
  std::int64_t n_parents = 0;
  std::int64_t n_children = 0;
  std::int64_t n_features = 0;
  std::int64_t n_units = 0;
};

constexpr std::int64_t kBlockLimit = std::int64_t{1} << 16;  // blocks of 16 siblings under one parent
constexpr std::int64_t kRowLimit = std::int64_t{1} << 28;    // rows of a chunk, so that the number of a bit has 32 bits
constexpr std::int64_t kPadding = 40;  // units after the last row: kernels may read a row's longest block anywhere

// Units before the weights of a block.
constexpr std::uint32_t header_size(std::int64_t n_siblings) { return n_siblings > 16 ? 2 : 1; }

// Entries of the tail for n rows, and the bit of a key there; rows that find it taken stand in the first free one after.
constexpr std::uint32_t n_tail_entries(std::uint32_t n_rows) { return n_rows / 8 + 1; }
constexpr std::uint32_t tail_bit(std::uint32_t key, std::uint32_t n_entries) {
  return static_cast<std::uint32_t>((std::uint64_t{key} * (std::uint64_t{n_entries} * 32)) >> 32);
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
    case Precision::float16: return body(std::integral_constant<Precision, Precision::float16>{});
    case Precision::int8: return body(std::integral_constant<Precision, Precision::int8>{});
    default: return body(std::integral_constant<Precision, Precision::float32>{});
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

}  // namespace arborank
