// The margins of all children of one parent for one query, in stages: `look_up`, `match`, `margins`.
#pragma once
#include <limits>

#include "search/common.hpp"

namespace arborank::search {

// What a batch has laid out of the chunk at hand.
struct ChunkLayout {
  ChunkMap map;
  CommonRows common;
  bool mapped = false, unpacked = false;

  // n_lookups: of how many features, n_common: of how many common ones the queries ask for
  void lay_out(const Chunk& chunk, std::int64_t n_lookups, std::int64_t n_common) {
    unpacked = CommonRows::pays(chunk, n_common);
    if (unpacked)
      common.unpack(chunk);
    mapped = ChunkMap::pays(chunk, unpacked ? n_lookups - n_common : n_lookups) && map.lay_out(chunk);
  }
  std::int64_t bytes() const { return map.bytes() + common.bytes(); }
};

class Margins {
 public:
  void reserve(std::int64_t n_features) {
    rest_.reserve(n_features);
    common_.reserve(n_features);  // kCommon would do, were ranks never damaged
  }

  // layout: null where nothing is laid out
  void look_up(const Chunk& chunk, const Query& query, const ChunkLayout* layout) {
    const auto find = [&](Hits& hits, const Query& part) {
      if (layout != nullptr && layout->mapped)
        hits.look_up(chunk, layout->map, part);
      else
        hits.probe(chunk, part);
    };
    find(rest_, query.rest());
    if (layout == nullptr || !layout->unpacked)
      find(common_, query.common());
  }

  void match(const Chunk& chunk, const Query& query, const ChunkLayout* layout) {
    const auto match = [&](Hits& hits, const Query& part) {
      if (layout != nullptr && layout->mapped)
        hits.match_tail(chunk, part);
      else
        hits.match(chunk, part);
    };
    match(rest_, query.rest());
    if (layout == nullptr || !layout->unpacked)
      match(common_, query.common());
  }

  // In blocks of 16; lanes beyond the last child hold no meaning.
  const f32x16* margins(const Chunk& chunk, const Query& query, const ChunkLayout* layout, std::vector<f32x16>& room) {
    const std::int64_t n_blocks = chunk.n_blocks(), n_sums = std::max(Hits::kWays, (n_blocks + 1) * Hits::kWideWays);
    const auto wanted = static_cast<std::size_t>(n_sums + n_blocks + 1);
    if (room.size() < std::max<std::size_t>(wanted, 128))
      room.resize(std::max<std::size_t>(wanted, 128));
    f32x16 *const sums = room.data(), *const common = sums + n_sums;
    layer::with_precision(chunk.precision, [&](auto precision) {
      rest_.add<precision()>(chunk, sums);
      const bool some_common = query.n > query.n_rest;
      if (some_common && layout != nullptr && layout->unpacked) {
        layout->common.add(query.common(), n_blocks, common);
      } else if (some_common) {
        std::fill(common, common + n_blocks, f32x16{});
        common_.for_each([&](std::uint32_t at, std::uint32_t end, float value) {
          add_row<precision()>(chunk, at, end, value, common);
        });
      }
      for (std::int64_t block = 0; block < n_blocks; block++) {
        const std::int64_t begin = block * kLanes, n = chunk.n_siblings - begin;
        const f32x16* ways = sums + block * Hits::kWideWays;
        f32x16 sum = ways[0] + ways[1];
        if (n_blocks == 1)
          sum += ways[2] + ways[3];
        if (some_common)
          sum += common[block];
        if constexpr (precision() == layer::Precision::int8)
          sum *= load_first(chunk.scales + begin, n);
        if (query.unit != 1.0f)
          sum *= query.unit;
        sums[block] = finite(sum + load_first(chunk.bias + begin, n));
      }
    });
    return sums;
  }

  std::int64_t bytes() const { return rest_.bytes() + common_.bytes(); }

 private:
  // What is beyond the largest float becomes that; NaN, which only damaged weights give, the least.
  static f32x16 finite(f32x16 x) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    return vmin(vmax(x, broadcast(-kLargest)), broadcast(kLargest));
  }

  Hits rest_, common_;
};

// Opens n nodes for one query: calls body(i, chunk, margins) for one after the other, while it returns true. Meanwhile
// the next one's index is fetched.
template <class NodeOf, class Body>
inline void open_in_turn(const layer::LayerView& layer, std::int64_t n, NodeOf&& node_of, const Query& query,
                         Margins& margins, std::vector<f32x16>& room, Body&& body) {
  if (n == 0)
    return;
  for (std::int64_t i = 0; i < n; i++)
    prefetch(layer.extents + node_of(i) + 1);
  Chunk next(layer, node_of(0));
  next.prefetch_index(query);
  for (std::int64_t i = 0; i < n; i++) {
    const Chunk chunk = next;
    if (i + 1 < n) {
      next = Chunk(layer, node_of(i + 1));
      next.prefetch_index(query);
    }
    margins.look_up(chunk, query, nullptr);
    margins.match(chunk, query, nullptr);
    if (!body(i, chunk, margins.margins(chunk, query, nullptr, room)))
      return;
  }
}

}  // namespace arborank::search
