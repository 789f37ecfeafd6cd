// Layers made of other layers' families: against the weights that went in, in memory and in a mapped file.
#include "layer/assemble.hpp"

#include <unistd.h>

#include <cstdio>
#include <map>
#include <numeric>

#include "check.hpp"
#include "matrices.hpp"

namespace arborank::tests {

namespace {

using layer::Layer, layer::Precision;

typedef std::map<std::pair<std::int64_t, std::int32_t>, float> Weights;  // by child and feature

Weights weights(const Layer& layer) {
  const auto out = layer.unpacked();
  Weights result;
  for (std::size_t child = 0; child + 1 < out.indptr.size(); child++)
    for (std::int64_t k = out.indptr[child]; k < out.indptr[child + 1]; k++)
      CHECK(result.emplace(std::pair(child, out.features[k]), out.weights[k]).second);
  return result;
}

Layer packed(std::vector<std::int64_t> branches, unsigned seed, std::int64_t n_features = 500) {
  const Matrix children = random_matrix(branches.back(), n_features, 0.1, seed);
  std::vector<float> bias(branches.back());
  std::iota(bias.begin(), bias.end(), 1000.0f * static_cast<float>(seed));
  return layer::packed_layer(children.view(), std::move(bias), std::move(branches),
                             layer::rank_features(children.view()), 1, {});
}

Layer as(const Layer& layer, Precision precision) { return layer.converted({precision, 0, -1}, 1, {}); }

template <class T>
bool same(const Array<T>& a, const Array<T>& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
bool same(const Layer& a, const Layer& b) {
  const auto &p = a.parts(), &q = b.parts();
  return same(p.branches, q.branches) && same(p.ranks, q.ranks) && same(p.extents, q.extents) &&
         same(p.index, q.index) && same(p.starts, q.starts) && same(p.bases, q.bases) && same(p.keys, q.keys) &&
         same(p.units, q.units) && same(p.bias, q.bias) && same(p.scales, q.scales) && p.precision == q.precision;
}

std::vector<layer::Piece> families(const Layer& layer) {
  std::vector<layer::Piece> pieces;
  for (std::int64_t parent = 0; parent < layer.view().n_parents; parent++)
    pieces.push_back({&layer, parent});
  return pieces;
}

// Children of the pieces one after the other, as they stand in their layers.
Weights expected(std::span<const layer::Piece> pieces) {
  Weights result;
  std::int64_t next = 0;
  for (const auto& piece : pieces) {
    const auto all = weights(*piece.layer);
    const std::int64_t* branches = piece.layer->view().branches;
    for (std::int64_t child = branches[piece.parent]; child < branches[piece.parent + 1]; child++) {
      if (piece.kept != nullptr && !piece.kept[child])
        continue;
      for (auto at = all.lower_bound({child, 0}); at != all.end() && at->first.first == child; ++at)
        result[{next, at->first.second}] = at->second;
      next++;
    }
  }
  return result;
}

const std::vector<std::int64_t> kBranches{0, 3, 3, 20, 55, 60};
constexpr Precision kPrecisions[] = {Precision::float32, Precision::float16, Precision::int8};

}  // namespace

TEST(a_layer_checks_what_it_is_made_of) {
  const Layer good = packed(kBranches, 1);
  good.check();
  for (const auto member : {&layer::LayerParts::starts, &layer::LayerParts::keys, &layer::LayerParts::units}) {
    layer::LayerParts parts = good.parts();
    parts.*member = std::vector<std::uint16_t>((parts.*member).data(), (parts.*member).data() + 1);
    THROWS(std::invalid_argument, Layer(parts));
  }
  layer::LayerParts parts = good.parts();
  parts.branches = {};
  THROWS(std::invalid_argument, Layer(parts));
  parts = good.parts();
  parts.bias = std::vector<float>(59);
  THROWS(std::invalid_argument, Layer(parts));
  parts = good.parts();
  parts.precision = Precision::int8;  // has scales
  THROWS(std::invalid_argument, Layer(parts));
  const Matrix children = random_matrix(4, 5, 0.5, 2);
  const std::vector<std::int32_t> ranks{0, 1, 2, 3, 4};
  const auto pack = [&](std::vector<std::int64_t> branches, std::vector<std::int32_t> own, std::size_t n_bias) {
    return layer::packed_layer(children.view(), std::vector<float>(n_bias), std::move(branches), std::move(own), 1, {});
  };
  pack({0, 4}, ranks, 4);
  for (const auto& branches : {std::vector<std::int64_t>{}, {0, 3}, {1, 4}, {0, 3, 2, 4}})
    THROWS(std::invalid_argument, pack(branches, ranks, 4));
  for (const auto& wrong : {std::vector<std::int32_t>{0, 1, 2, 3}, {0, 1, 2, 3, 3}, {0, 1, 2, 3, 5}, {-1, 1, 2, 3, 4}})
    THROWS(std::invalid_argument, pack({0, 4}, wrong, 4));
  THROWS(std::invalid_argument, pack({0, 4}, ranks, 3));
}

TEST(what_is_gathered_whole_is_the_same_to_the_byte) {
  for (const Precision precision : kPrecisions) {
    const Layer layer = as(packed(kBranches, 3), precision);
    CHECK(same(layer::gather(layer.parts(), families(layer)), layer));
    std::vector<layer::Piece> upper{{&layer, 0}, {&layer, 1}, {&layer, 2}}, lower{{&layer, 3}, {&layer, 4}};
    const Layer first = layer::gather(layer.parts(), upper), last = layer::gather(layer.parts(), lower);
    auto both = families(first);
    for (const auto& piece : families(last))
      both.push_back(piece);
    CHECK(same(layer::gather(layer.parts(), both), layer));
    const layer::Piece mixed[] = {{&layer, 4}, {&layer, 2}, {&layer, 2}, {&layer, 1}};
    const Layer found = layer::gather(layer.parts(), mixed);
    found.check();
    CHECK(weights(found) == expected(mixed));
  }
}

TEST(families_of_other_ranks_or_precisions_are_packed_anew) {
  for (const Precision precision : kPrecisions) {
    const Layer first = as(packed(kBranches, 4), precision), second = packed({0, 2, 40}, 5),
                converted = as(second, precision);
    const layer::Piece pieces[] = {{&first, 3}, {&second, 1}, {&first, 0}, {&second, 0}};
    const layer::Piece wanted[] = {{&first, 3}, {&converted, 1}, {&first, 0}, {&converted, 0}};
    const Layer found = layer::gather(first.parts(), pieces);
    found.check();
    CHECK(weights(found) == expected(wanted));
    CHECK(found.parts().bias[35] == second.parts().bias[2]);
  }
  const Layer narrow = packed({0, 2}, 6, 20), wide = packed({0, 2}, 6, 30);
  const layer::Piece pieces[] = {{&narrow, 0}, {&wide, 0}};
  THROWS(std::invalid_argument, layer::gather(narrow.parts(), pieces));
  THROWS(std::invalid_argument, layer::gather(narrow.parts(), {}));
}

TEST(children_are_left_out_and_joined) {
  for (const Precision precision : kPrecisions) {
    const Layer layer = as(packed(kBranches, 7), precision);
    bool kept[60];
    for (int i = 0; i < 60; i++)
      kept[i] = i >= 3 && i % 3 != 1;
    const Layer found = layer::select(layer, kept);
    found.check();
    std::vector<layer::Piece> pieces = families(layer);
    for (auto& piece : pieces)
      piece.kept = kept;
    CHECK(weights(found) == expected(pieces) && found.view().n_parents == 3);
    std::fill(kept, kept + 60, true);
    CHECK(weights(layer::select(layer, kept)) == weights(layer));
    const Layer one = as(packed({0, 9}, 8), precision), two = as(packed({0, 18}, 9), precision);
    const Layer* const both[] = {&one, &two};
    const Layer joined = layer::join_siblings(both);
    joined.check();
    const layer::Piece roots[] = {{&one, 0}, {&two, 0}};
    CHECK(weights(joined) == expected(roots) && joined.view().n_parents == 1);
    const Layer* const wrong[] = {&one, &layer};
    THROWS(std::invalid_argument, layer::join_siblings(wrong));
  }
}

#if defined(__linux__)
TEST(a_mapped_array_goes_on_in_memory_and_again) {
  constexpr std::int64_t kSize = 700'000;
  std::vector<std::uint32_t> content(kSize), more(5000);
  std::iota(content.begin(), content.end(), 1u);
  std::iota(more.begin(), more.end(), 1u << 31);
  std::FILE* file = std::tmpfile();
  CHECK(std::fwrite(content.data(), sizeof content[0], kSize, file) == kSize && std::fflush(file) == 0);
  void* pages = mmap(nullptr, kSize * sizeof content[0], PROT_READ, MAP_SHARED, fileno(file), 0);
  CHECK(pages != MAP_FAILED);
  std::fclose(file);
  const Array<std::uint32_t> whole(static_cast<const std::uint32_t*>(pages), kSize,
                                   std::make_shared<const MappedBytes>(pages, kSize * sizeof content[0]));
  const Array<std::uint32_t> second(std::move(more));
  for (const std::int64_t begin : {0, 16, 1030}) {
    Array<std::uint32_t> grown = whole;
    std::vector<std::uint32_t> wanted(content.begin() + begin, content.begin() + 400'000);
    for (int round = 0; round < 3; round++) {
      Joiner<std::uint32_t> joiner;
      joiner.add(grown, round == 0 ? begin : 0, round == 0 ? 400'000 : grown.size());
      joiner.add(second, 0, second.size());
      grown = joiner.join();
      wanted.insert(wanted.end(), second.data(), second.data() + second.size());
      CHECK(grown.size() == static_cast<std::int64_t>(wanted.size()));
      CHECK(std::equal(wanted.begin(), wanted.end(), grown.data()));
      CHECK(grown.n_mapped() < grown.size() && grown.n_mapped() > 390'000);  // the file's pages are shared
    }
  }
  CHECK(!MappedBytes::is_file(reinterpret_cast<const std::uint8_t*>(second.data()), 4096));
}
#endif

}  // namespace arborank::tests
