// The layout of a layer: what is packed comes back, conversions keep their bounds, and no damage passes the checks.
#include <cmath>
#include <map>
#include <numeric>

#include "check.hpp"
#include "layer/assemble.hpp"
#include "matrices.hpp"

namespace arborank::tests {

namespace {

// A layer that owns its arrays, with biases and a view of them.
struct Owned {
  std::vector<std::int64_t> branches;
  std::vector<std::int32_t> ranks;
  layer::LayerArrays arrays;
  std::vector<float> bias, scales;
  std::int64_t n_features;
  layer::Precision precision = layer::Precision::float32;

  layer::LayerView view() const {
    layer::LayerView out;
    out.branches = branches.data();
    out.ranks = ranks.data();
    out.extents = arrays.extents.data();
    out.index = arrays.index.data();
    out.starts = arrays.starts.data();
    out.bases = arrays.bases.data();
    out.keys = arrays.keys.data();
    out.units = arrays.units.data();
    out.bias = bias.data();
    out.scales = scales.data();
    out.precision = precision;
    out.hash = layer::RankHash(n_features);
    out.n_parents = static_cast<std::int64_t>(branches.size()) - 1;
    out.n_children = branches.back();
    out.n_features = n_features;
    out.n_units = static_cast<std::int64_t>(arrays.units.size());
    return out;
  }
  layer::LayerSizes sizes() const {
    const auto n = [](const auto& array) { return static_cast<std::int64_t>(array.size()); };
    return {n(branches),    n(arrays.extents), n(arrays.index), n(arrays.starts), n(arrays.bases),
            n(arrays.keys), n(arrays.units),   n(bias),         n(scales)};
  }
  void check() const {
    layer::check_extents(view(), sizes());
    layer::check_layer(view());
  }
};

Owned packed(const Matrix& children, std::vector<std::int64_t> branches, int n_threads = 1) {
  Owned out;
  out.branches = std::move(branches);
  out.n_features = children.n_cols;
  out.ranks = layer::rank_features(children.view());
  out.bias.assign(children.n_rows(), 0.5f);
  out.arrays = layer::pack_layer(children.view(), out.branches.data(), out.view().n_parents, out.ranks, n_threads, {});
  return out;
}

// Child, feature and weight.
std::map<std::pair<std::int64_t, std::int32_t>, float> weights(const Owned& owned) {
  const auto out = layer::unpack_layer(owned.view());
  std::map<std::pair<std::int64_t, std::int32_t>, float> result;
  for (std::size_t child = 0; child + 1 < out.indptr.size(); child++)
    for (std::int64_t k = out.indptr[child]; k < out.indptr[child + 1]; k++)
      CHECK(result.emplace(std::pair(child, out.features[k]), out.weights[k]).second);
  return result;
}

Owned converted(const Owned& owned, const layer::Conversion& conversion) {
  Owned out = owned;
  auto result = layer::convert_layer(owned.view(), conversion, 2, {});
  out.arrays = std::move(result.arrays);
  out.scales = std::move(result.scales);
  out.precision = conversion.precision;
  return out;
}

const std::vector<std::int64_t> kBranches{0, 3, 3, 20, 55, 60};

}  // namespace

TEST(a_packed_layer_holds_the_weights_that_went_in) {
  for (const double density : {0.0, 0.01, 0.2, 0.9})
    for (const std::int64_t n_features : {1, 40, 3000}) {
      const Matrix children = random_matrix(60, n_features, density, 7);
      const Owned owned = packed(children, kBranches);
      owned.check();
      const auto found = weights(owned);
      CHECK(static_cast<std::int64_t>(found.size()) == children.indptr.back());
      CHECK(layer::count_weights(owned.view()) == children.indptr.back());
      const auto dense = children.dense();
      for (const auto& [place, weight] : found)
        CHECK(weight == dense[place.first][place.second]);
    }
}

TEST(threads_do_not_change_a_byte) {
  const Matrix children = random_matrix(60, 500, 0.1, 8);
  const Owned one = packed(children, kBranches, 1), many = packed(children, kBranches, 5);
  CHECK(one.arrays.units == many.arrays.units && one.arrays.starts == many.arrays.starts);
  CHECK(one.arrays.keys == many.arrays.keys && one.arrays.bases == many.arrays.bases);
}

TEST(a_conversion_keeps_weights_to_its_precision) {
  const Matrix children = random_matrix(60, 500, 0.1, 9);
  const Owned owned = packed(children, kBranches);
  const auto before = weights(owned);
  const Owned half = converted(owned, {layer::Precision::float16, 0, -1});
  half.check();
  CHECK(weights(half) == before);  // quarters up to 2 are exact
  const Owned bytes = converted(owned, {layer::Precision::int8, 0, -1});
  bytes.check();
  const auto after = weights(bytes);
  for (const auto& [place, weight] : before) {
    const auto found = after.find(place);
    CHECK(std::fabs((found == after.end() ? 0.0f : found->second) - weight) <= 2.0f / 127 / 2 + 1e-6f);
  }
}

TEST(pruning_keeps_the_largest_weights_of_a_child) {
  const Owned owned = packed(random_matrix(60, 500, 0.1, 10), kBranches);
  const auto before = weights(owned);
  const auto large = weights(converted(owned, {layer::Precision::float32, 1.0f, -1}));
  for (const auto& [place, weight] : before)
    CHECK(large.contains(place) == (std::fabs(weight) >= 1.0f));
  const auto few = weights(converted(owned, {layer::Precision::float32, 0, 5}));
  std::vector<std::vector<float>> all(60), kept(60);
  for (const auto& [place, weight] : before)
    all[place.first].push_back(std::fabs(weight));
  for (const auto& [place, weight] : few)
    kept[place.first].push_back(std::fabs(weight));
  for (std::size_t child = 0; child < all.size(); child++) {
    std::sort(all[child].begin(), all[child].end(), std::greater<>());
    std::sort(kept[child].begin(), kept[child].end(), std::greater<>());
    all[child].resize(std::min<std::size_t>(5, all[child].size()));
    CHECK(all[child] == kept[child]);
  }
}

// Every number of the structure replaced by one that is wrong: the checks throw, and never read outside.
TEST(a_damaged_layer_is_refused) {
  const Owned good = packed(random_matrix(60, 500, 0.1, 11), kBranches);
  good.check();
  const auto refused = [](const Owned& bad) { THROWS(std::invalid_argument, (bad.check(), 0)); };
  for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{1} << 62, INT64_MIN, INT64_MAX}) {
    for (std::size_t p = 0; p < good.arrays.extents.size(); p++)
      for (const auto part : {&layer::Extent::index, &layer::Extent::tail, &layer::Extent::start, &layer::Extent::key,
                              &layer::Extent::unit, &layer::Extent::base}) {
        Owned bad = good;
        bad.arrays.extents[p].*part = wrong;
        refused(bad);
      }
    for (std::size_t p = 0; p < good.branches.size(); p++) {
      Owned bad = good;
      bad.branches[p] = wrong;
      refused(bad);
    }
  }
  for (const std::int32_t wrong : {-1, 500, good.ranks[1], INT32_MAX}) {
    Owned bad = good;
    bad.ranks[0] = wrong;
    refused(bad);
  }
  for (std::size_t i = 0; i < good.arrays.index.size(); i++) {
    Owned bad = good;
    bad.arrays.index[i].bits ^= 1u << (i % 32);
    refused(bad);
    bad = good;
    bad.arrays.index[i].rows += 7;
    refused(bad);
  }
  Owned bad = good;
  bad.bias[3] = std::nanf("");
  refused(bad);
}

}  // namespace arborank::tests
