// How long searches hold the interpreter, the memory they leave behind, and the options that they refuse.
#include "search/search.hpp"

#include <numeric>

#include "check.hpp"
#include "layer/stored.hpp"
#include "matrices.hpp"

namespace arborank::tests {

namespace {

// A layer of no weights, with so many children below each parent.
layer::Layer bare(std::int64_t n_features, const std::vector<std::int64_t>& widths) {
  std::vector<std::int64_t> branches{0};
  for (const std::int64_t width : widths)
    branches.push_back(branches.back() + width);
  Matrix children;
  children.n_cols = n_features;
  children.indptr.assign(branches.back() + 1, 0);
  std::vector<std::int32_t> ranks(n_features);
  std::iota(ranks.begin(), ranks.end(), 0);
  std::vector<float> bias(branches.back(), 0.0f);
  return layer::packed_layer(children.view(), std::move(bias), std::move(branches), std::move(ranks), 1, {});
}

Matrix ones(std::int64_t n_rows, std::int64_t n_cols, std::int64_t nnz) {
  Matrix X;
  X.n_cols = n_cols;
  for (std::int64_t row = 0; row < n_rows; row++) {
    for (std::int32_t column = 0; column < nnz; column++) {
      X.indices.push_back(column);
      X.data.push_back(1.0f);
    }
    X.indptr.push_back(static_cast<std::int64_t>(X.indices.size()));
  }
  return X;
}

std::vector<std::int32_t> all_labels(std::int64_t n) {
  std::vector<std::int32_t> labels(n);
  std::iota(labels.begin(), labels.end(), 0);
  return labels;
}

}  // namespace

TEST(what_decides_whether_a_search_is_short_is_its_work) {
  constexpr std::int64_t kLabels = 100'000;
  const auto labels = all_labels(kLabels);
  const layer::Layer flat = bare(100, {kLabels}), top = bare(100, {1000}),
                     bottom = bare(100, std::vector<std::int64_t>(1000, 100));
  const search::BeamTree wide({flat.view()}, labels.data(), kLabels, kLabels);
  const search::BeamTree narrow({top.view(), bottom.view()}, labels.data(), kLabels, kLabels);
  const auto is_short = [](const search::BeamTree& tree, const Matrix& X, std::int64_t k, std::int64_t beam_size,
                           std::int64_t n_masked = 0) {
    search::SearchOptions options;
    options.beam_size = beam_size;
    return search::is_short(tree, X.view(), k, options, n_masked);
  };
  const Matrix row = ones(1, 100, 50);
  CHECK(is_short(narrow, row, 10, 10) && is_short(narrow, ones(10, 100, 5), 10, 10));
  CHECK(!is_short(narrow, ones(30, 100, 50), 10, 10) && !is_short(narrow, row, 10, 10'000));
  CHECK(!is_short(narrow, ones(1, 100, 5), 1'000'000, 10) && !is_short(narrow, row, 10, 10, 50'000));
  CHECK(!is_short(wide, row, 10, 10) && is_short(wide, ones(1, 100, 1), 10, 10));
  CHECK(!is_short(wide, row, INT32_MAX, INT64_MAX, INT64_MAX / 2));
}

TEST(an_extraordinary_search_leaves_little_memory_behind) {
  constexpr std::int64_t kLabels = 300'000;
  const auto labels = all_labels(kLabels);
  const layer::Layer flat = bare(2, {kLabels});
  const search::BeamTree tree({flat.view()}, labels.data(), kLabels, kLabels);
  search::ScratchPool pool;
  const auto search = [&](std::int64_t n_rows, std::int64_t k, int n_threads) {
    const Matrix X = ones(n_rows, 2, 2);
    std::vector<std::int64_t> ids(n_rows * k);
    std::vector<float> scores(n_rows * k);
    search::search(tree, X.view(), {}, {}, {k, ids.data(), scores.data()}, pool, n_threads, {});
    return pool.bytes();
  };
  const std::int64_t ordinary = search(16, 5, 1);
  CHECK(ordinary > 0 && ordinary < 1 << 23);
  const std::int64_t once = search(1, kLabels, 1);
  CHECK(once > ordinary && once < 1 << 25);
  CHECK(search(16, kLabels, 2) <= 1 << 26);
  CHECK(search(16, 5, 1) > 0 && pool.bytes() <= 1 << 26);
}

TEST(options_that_no_search_has_are_refused) {
  using search::Combination, search::Merge, search::SearchOptions, search::Transform;
  THROWS(std::invalid_argument, (Combination{Transform::hinge, 0, false}.check(), 0));
  THROWS(std::invalid_argument, (Combination{Transform::hinge, 5, false}.check(), 0));
  THROWS(std::invalid_argument, (Combination{Transform::sigmoid, 3, false}.check(), 0));
  const Combination plain, logarithm{Transform::hinge, 3, true}, margins{Transform::identity, 0, false};
  for (const Combination& combination : {plain, logarithm, margins}) {
    combination.check();
    SearchOptions{1, combination, combination, Merge::max}.check();
    THROWS(std::invalid_argument, (SearchOptions{0, combination, combination, Merge::max}.check(), 0));
  }
  THROWS(std::invalid_argument, (SearchOptions{1, plain, logarithm, Merge::max}.check(), 0));
  THROWS(std::invalid_argument, (SearchOptions{1, margins, plain, Merge::max}.check(), 0));
  THROWS(std::invalid_argument, (SearchOptions{1, margins, margins, Merge::max}.check_weighted(), 0));
  THROWS(std::invalid_argument, (SearchOptions{1, plain, plain, Merge::log_sum}.check_weighted(), 0));
  SearchOptions{1, logarithm, logarithm, Merge::log_sum}.check_weighted();
}

TEST(labels_out_of_range_are_named) {
  const std::int64_t ids[] = {0, 4, -1};
  CHECK(search::checked_ids("allowed", {ids, 2}, 5).end == ids + 2);
  THROWS(std::invalid_argument, search::checked_ids("allowed", {ids, 2}, 4));
  THROWS(std::invalid_argument, search::checked_ids("allowed", {ids, 3}, 5));
  const std::int64_t ranges[] = {0, 5, 2, 2, 3, 1};
  search::check_ranges(ranges, 2, 5);
  THROWS(std::invalid_argument, (search::check_ranges(ranges, 2, 4), 0));
  THROWS(std::invalid_argument, (search::check_ranges(ranges, 3, 5), 0));
  const float weights[] = {0.0f, 1.0f, -1.0f};
  search::check_weights({weights, 2}, 2);
  THROWS(std::invalid_argument, (search::check_weights({weights, 2}, 3), 0));
  THROWS(std::invalid_argument, (search::check_weights({weights, 3}, 3), 0));
}

}  // namespace arborank::tests
