#include "search/blend.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {
namespace {

// The Python class: keeps the arrays alive, and checks what comes in.
struct Frequencies {
  Vector<std::int64_t> counts;
  Vector<std::int32_t> blocked;
  search::Frequencies own;

  Frequencies(Vector<std::int64_t> counts_, Vector<std::int32_t> blocked_)
      : counts(std::move(counts_)),
        blocked(std::move(blocked_)),
        own(counts.data(), static_cast<std::int64_t>(counts.size()), blocked.data(),
            static_cast<std::int64_t>(blocked.size())) {}

  void check_range(std::int64_t first, std::int64_t end) const {
    if (first < 0 || end < first || end > own.size())
      throw std::invalid_argument("first and end must be a range of labels below " + std::to_string(own.size()));
  }

  void check_label(std::int64_t label) const {
    if (label < 0 || label >= own.size())
      throw std::invalid_argument("label " + std::to_string(label) + " is outside [0, " + std::to_string(own.size()) +
                                  ")");
  }

  std::pair<std::vector<std::int64_t>, std::vector<double>> blend(
      std::int64_t first, std::int64_t end, std::int64_t k, const Vector<std::int64_t>& ids,
      const Vector<float>& scores, const Vector<std::int32_t>& labels, const Vector<std::int64_t>& times,
      const std::vector<std::tuple<std::int64_t, std::int64_t, double>>& contexts,
      const std::vector<std::int64_t>& often, double weight) const {
    check_range(first, end);
    if (ids.size() != scores.size() || labels.size() != times.size())
      throw std::invalid_argument("ids and scores, or labels and times, are not as many");
    std::vector<std::pair<std::int64_t, double>> found;
    for (std::size_t i = 0; i < ids.size(); i++)
      if (ids(i) >= 0) {
        check_label(ids(i));
        found.emplace_back(ids(i), scores(i));
      }
    std::vector<search::Followed> after;
    for (const auto& [low, high, counts_for] : contexts) {
      if (low < 0 || high < low || high > static_cast<std::int64_t>(labels.size()))
        throw std::invalid_argument("contexts must be ranges of the " + std::to_string(labels.size()) + " labels");
      after.push_back({labels.data() + low, times.data() + low, high - low, counts_for});
    }
    for (const std::int64_t label : often)
      check_label(label);
    search::Ranked best =
        own.blend(first, end, k, std::move(found), search::followers(after, first, end), often, weight);
    return {std::move(best.ids), std::move(best.scores)};
  }
};

}  // namespace

void bind_blend(nb::module_& m) {
  nb::class_<Frequencies>(m, "Frequencies", "How often labels were sent; those that are blocked are never returned.")
      .def(nb::init<Vector<std::int64_t>, Vector<std::int32_t>>(), nb::arg("counts"), nb::arg("blocked"))
      .def("__repr__",
           [](const Frequencies& f) { return "<Frequencies: " + std::to_string(f.own.size()) + " labels>"; })
      .def(
          "total",
          [](const Frequencies& f, std::int64_t first, std::int64_t end) {
            f.check_range(first, end);
            return f.own.total(first, end);
          },
          nb::arg("first"), nb::arg("end"), "How often the labels of a range were sent in all, at least 1.")
      .def(
          "top",
          [](const Frequencies& f, std::int64_t first, std::int64_t end, std::int64_t k) {
            f.check_range(first, end);
            return f.own.top(first, end, k);
          },
          nb::arg("first"), nb::arg("end"), nb::arg("k"),
          "The labels of a range that were sent most often; among equals the first.")
      .def("blend", &Frequencies::blend, nb::arg("first"), nb::arg("end"), nb::arg("k"), nb::arg("ids"),
           nb::arg("scores"), nb::arg("labels"), nb::arg("times"), nb::arg("contexts"), nb::arg("often"),
           nb::arg("weight"),
           "The best labels of a range, and their scores, of what was found, what followed and what is frequent.");
}

}  // namespace arborank::bindings
