// The best candidates of a query against sorting all of them.
#include "search/top.hpp"

#include <algorithm>
#include <random>

#include "check.hpp"

namespace arborank::tests {

TEST(a_candidate_gives_its_score_and_place_back_and_orders_by_both) {
  const float scores[] = {-1e30f, -2.5f, -0.0f, 0.0f, 1e-30f, 0.5f, 3e38f};
  for (const float score : scores)
    for (const std::uint32_t order : {0u, 1u, 77u, UINT32_MAX}) {
      const auto candidate = search::make_candidate(score, order);
      CHECK(search::candidate_score(candidate) == score && search::candidate_order(candidate) == order);
    }
  for (std::size_t i = 0; i + 1 < std::size(scores); i++) {
    if (scores[i] < scores[i + 1])
      CHECK(search::make_candidate(scores[i], 0) < search::make_candidate(scores[i + 1], 9));
    CHECK(search::make_candidate(scores[i], 5) > search::make_candidate(scores[i], 6));  // ties: the first place
  }
}

TEST(the_best_are_kept_whatever_order_they_come_in) {
  std::mt19937 random(1);
  for (const std::int64_t keep : {1, 5, 32, 33, 200})
    for (const std::int64_t n : {0, 3, 32, 500}) {
      std::vector<search::Candidate> all;
      for (std::int64_t i = 0; i < n; i++)  // few values, so that ties are common
        all.push_back(search::make_candidate(static_cast<float>(random() % 40) / 8, static_cast<std::uint32_t>(i)));
      std::shuffle(all.begin(), all.end(), random);
      std::vector<search::Candidate> room(search::Top::room_for(keep) + kLanes);
      search::Top top;
      top.items = room.data();
      top.keep = keep;
      top.clear();
      for (const auto candidate : all)
        if (candidate > top.threshold) {
          top.make_room();
          top.add(candidate);
        }
      top.shrink();
      std::vector<search::Candidate> found(top.items, top.items + top.size);
      std::sort(found.begin(), found.end(), std::greater<>());
      std::sort(all.begin(), all.end(), std::greater<>());
      all.resize(std::min<std::size_t>(all.size(), keep));
      found.resize(std::min<std::size_t>(found.size(), keep));
      CHECK(found == all);
    }
}

// Of parents with the scores given, each with 40 children of margins that `draw` makes.
template <class Combine, class Draw>
void check_families(const std::vector<float>& parents, Draw&& draw) {
  constexpr std::int64_t kSiblings = 40;
  for (const std::int64_t keep : {1, 7, 8, 9, 16, 17, 32, 33}) {
    std::vector<search::Candidate> all, room(search::Top::room_for(keep) + kLanes, ~search::Candidate{0});
    search::Top top;
    top.items = room.data();
    top.keep = keep;
    top.clear();
    for (std::uint32_t family = 0; family < parents.size(); family++) {
      const auto first = family * static_cast<std::uint32_t>(kSiblings);
      f32x16 margins[3]{}, scores[3];
      for (std::int64_t i = 0; i < kSiblings; i++)
        margins[i / kLanes][i % kLanes] = draw();
      for (int block = 0; block < 3; block++)
        scores[block] = Combine{}(margins[block], parents[family]);
      for (std::int64_t i = 0; i < kSiblings; i++)
        all.push_back(search::make_candidate(scores[i / kLanes][i % kLanes], first + static_cast<std::uint32_t>(i)));
      search::push_family(top, margins, {parents[family], first, 0, kSiblings}, {}, Combine{});
      std::sort(all.begin(), all.end(), std::greater<>());
      std::vector<search::Candidate> found(top.items, top.items + top.size);
      std::sort(found.begin(), found.end(), std::greater<>());
      const std::int64_t n = std::min<std::int64_t>(keep, static_cast<std::int64_t>(all.size()));
      CHECK(found == std::vector<search::Candidate>(all.begin(), all.begin() + n));
      CHECK(top.threshold == (n == keep ? all[keep - 1] : 0));
      CHECK(
          std::all_of(room.end() - kLanes, room.end(), [](search::Candidate c) { return c == ~search::Candidate{0}; }));
    }
  }
}

TEST(families_leave_the_best_of_all_children) {
  using search::Combine, search::Transform;
  std::mt19937 random(2);
  const auto whole = [&] { return static_cast<float>(random() % 25) - 12; };  // ties are common
  check_families<Combine<Transform::identity, 0, false>>({0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f}, whole);
  // what cannot be kept is seen by its exponent, close to the limit and where scores are zero or denormal as well
  const auto near = [&] { return static_cast<float>(random() % 4000) * 1e-3f - 3; };
  for (const std::vector<float>& parents :
       {std::vector<float>{1.0f, 0.9f, 0.5f, 0.1f, 1e-3f, 0.0f}, {1e-28f, 1e-29f, 1e-30f, 1e-37f, 1e-40f, 0.0f}}) {
    check_families<Combine<Transform::hinge, 1, false>>(parents, near);
    check_families<Combine<Transform::hinge, 3, false>>(parents, near);
    check_families<Combine<Transform::hinge, 4, false>>(parents, near);
    check_families<Combine<Transform::hinge, 3, false>>(parents, whole);
    check_families<Combine<Transform::hinge, 3, true>>(parents, near);
    check_families<Combine<Transform::sigmoid, 0, false>>(parents, near);
  }
}

}  // namespace arborank::tests
