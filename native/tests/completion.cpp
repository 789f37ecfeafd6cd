// What a keystroke needs: ranges of sorted strings, rows of two parts, and one ranking of all that counts.
#include <cmath>
#include <limits>
#include <string>

#include "check.hpp"
#include "matrices.hpp"
#include "search/blend.hpp"
#include "sparse/mixture.hpp"
#include "text/strings.hpp"

namespace arborank::tests {

namespace {

struct Table {
  std::string text;
  std::vector<std::int64_t> offsets{0};

  explicit Table(const std::vector<std::string>& strings) {
    for (const auto& one : strings) {
      text += one;
      offsets.push_back(static_cast<std::int64_t>(text.size()));
    }
  }
  text::Strings view() const {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<std::int64_t>(text.size()), offsets.data()};
  }
};

}  // namespace

TEST(strings_that_begin_with_a_prefix_are_a_range) {
  const std::vector<std::string> strings{"", "a", "ab", "abc", "ab\xff", "b", "\xc3\xa9"};
  const Table table(strings);
  for (const std::string prefix : {"", "a", "ab", "abc", "abcd", "aa", "c", "\xc3", "\xff"}) {
    const auto [first, end] = text::starting_with(table.view(), prefix, 0, 7);
    for (std::int64_t i = 0; i < 7; i++)
      CHECK((strings[i].compare(0, prefix.size(), prefix) == 0) == (first <= i && i < end));
  }
}

TEST(offsets_that_lie_lead_to_no_byte_outside_the_text) {
  Table table({"a", "b", "c"});
  const auto most = std::numeric_limits<std::int64_t>::max();
  table.offsets = {most, -most, 2, most};
  for (std::int64_t i = 0; i < 3; i++)
    CHECK(table.view().at(i).size() <= table.text.size());
  const auto [first, end] = text::starting_with(table.view(), "b", 0, 3);
  CHECK(0 <= first && first <= end && end <= 3);
}

TEST(mixed_rows_have_a_part_of_length_one_and_a_weighted_one) {
  const Matrix rows = random_matrix(9, 40, 0.2, 1), tail = random_matrix(4, 7, 0.5, 2);
  const std::vector<std::int64_t> starts{0, 1, 1, 3, 6};
  const std::vector<std::int32_t> sources{3, 0, 0, 8, 1, 2};
  const std::vector<float> weights{1, 1, 0.5, 1, 0.5, 0.25};
  const auto mixed = sparse::mix_rows(starts, sources, weights, rows.view(), tail.view(), 0.5f);
  const auto before = rows.dense(), behind = tail.dense();
  for (std::int64_t row = 0; row < 4; row++) {
    std::vector<double> expected(47);
    for (std::int64_t k = starts[row]; k < starts[row + 1]; k++)
      for (std::int64_t j = 0; j < 40; j++)
        expected[j] += weights[k] * before[sources[k]][j];
    double square = 0;
    for (const double value : expected)
      square += value * value;
    for (double& value : expected)
      value /= square > 0 ? std::sqrt(square) : 1.0;
    for (std::int64_t j = 0; j < 7; j++)
      expected[40 + j] = 0.5 * behind[row][j];
    for (std::int64_t k = mixed.indptr[row]; k < mixed.indptr[row + 1]; k++) {
      CHECK(std::fabs(mixed.data[k] - expected[mixed.indices[k]]) < 1e-6);
      CHECK(k == mixed.indptr[row] || mixed.indices[k - 1] < mixed.indices[k]);
      expected[mixed.indices[k]] = 0;
    }
    for (const double value : expected)
      CHECK(value == 0);
  }
}

TEST(what_followed_comes_first_and_blocked_labels_never) {
  const std::vector<std::int64_t> counts{5, 0, 9, 1, 4};
  const std::vector<std::int32_t> blocked{2}, labels{0, 2, 3, 1, 3};
  const std::vector<std::int64_t> times{1, 7, 2, 1, 2};
  const search::Frequencies sent(counts.data(), 5, blocked.data(), 1);
  CHECK(sent.top(0, 5, 9) == (std::vector<std::int64_t>{0, 4, 3}));
  const auto after = search::followers({{&labels[0], &times[0], 3, 1.0}, {&labels[3], &times[3], 2, 0.5}}, 0, 5);
  const search::Keystroke asked{0, 5, 4, {{4, 0.5}}, after, sent.top(0, 5, 4), {}, {}};
  const auto best = sent.blend(asked, 0.25);
  CHECK(best.ids == (std::vector<std::int64_t>{3, 0, 1, 4}));  // 3, 1 and 0.5 times; never, but found
  CHECK(std::fabs(best.scores[0] - (3 + 1.0 / 19 / 2) / 5.5) < 1e-12);
  // an own query that is blocked, and one that is not in the catalogue
  const auto all = sent.weigh(asked, 0.25, 4, {{2, {1}}, {7, {1}}}, {0, 0}, {1, 1}, nullptr);
  CHECK(all.in_context && all.ids == (std::vector<std::int64_t>{0, 1, 3, 4, 7}));
  std::vector<double> weights(2 * search::kEvidence, 0.0);  // without a context, and in one
  weights[2 * search::kEvidence - search::kOwn] = 1.0;
  const auto own = search::Frequencies::weighted(all, 2, weights.data());
  CHECK(own.ids == (std::vector<std::int64_t>{7, 0}));
  CHECK(std::fabs(own.scores[0] - std::exp(1.0) / (std::exp(1.0) + 4)) < 1e-12);
}

}  // namespace arborank::tests
