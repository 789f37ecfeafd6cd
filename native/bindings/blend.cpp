#include "search/blend.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {
namespace {

using Scored = std::pair<std::vector<std::int64_t>, std::vector<double>>;
using Contexts = std::vector<std::tuple<std::int64_t, std::int64_t, double>>;
using Run = std::pair<std::int64_t, std::int64_t>;

// The Python class of the words of names and contexts: checked once.
struct ContextWords {
  search::Words own;

  ContextWords(const Csr& names, const Csr& followed)
      : own{canonical(names, "names"), canonical(followed, "followed")} {
    if (own.names.n_cols != own.followed.n_cols)
      throw std::invalid_argument("names and followed must have a column a label");
  }
};

// The Python class of labels that alone may be returned.
struct Among {
  Vector<std::int64_t> ids;
  search::Among own;

  Among(Vector<std::int64_t> ids_, double sent, const std::vector<double>& lately)
      : ids(std::move(ids_)), own{ids.data(), static_cast<std::int64_t>(ids.size()), sent, {0, 0}} {
    if (static_cast<int>(lately.size()) != search::kAges)
      throw std::invalid_argument("lately must have " + std::to_string(search::kAges) + " entries");
    std::copy(lately.begin(), lately.end(), own.lately.begin());
  }
};

// The Python class: keeps the arrays alive, and checks what comes in.
struct Frequencies {
  Vector<std::int64_t> counts;
  Vector<std::int32_t> blocked;
  Matrix<double> aged;
  search::Frequencies own;

  Frequencies(Vector<std::int64_t> counts_, Vector<std::int32_t> blocked_, Matrix<double> aged_)
      : counts(std::move(counts_)),
        blocked(std::move(blocked_)),
        aged(std::move(aged_)),
        own(counts.data(), static_cast<std::int64_t>(counts.size()), blocked.data(),
            static_cast<std::int64_t>(blocked.size()), aged.data(), checked_ages()) {}

  int checked_ages() const {
    if (aged.shape(1) != counts.size() || (aged.shape(0) != 0 && aged.shape(0) != search::kAges))
      throw std::invalid_argument("aged must have no row or " + std::to_string(search::kAges) + ", and " +
                                  std::to_string(counts.size()) + " columns");
    return static_cast<int>(aged.shape(0));
  }

  void check_range(const Run& run) const {
    if (run.first < 0 || run.second < run.first || run.second > own.size())
      throw std::invalid_argument("first and end must be a range of labels below " + std::to_string(own.size()));
  }

  void check_label(std::int64_t label) const {
    if (label < 0 || label >= own.size())
      throw std::invalid_argument("label " + std::to_string(label) + " is outside [0, " + std::to_string(own.size()) +
                                  ")");
  }

  search::Keystroke asked(const Run& run, std::int64_t k, const Vector<std::int64_t>& ids, const Vector<float>& scores,
                          const Vector<std::int32_t>& labels, const Vector<std::int64_t>& times,
                          const Contexts& contexts, const std::vector<std::int64_t>& often, const Among* among) const {
    check_range(run);
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
    return {run.first,
            run.second,
            k,
            std::move(found),
            search::followers(after, run.first, run.second),
            often,
            {},
            {},
            among == nullptr ? nullptr : &among->own};
  }

  search::Weighed weighed(search::Keystroke&& keystroke, double weight, std::int64_t pool,
                          const std::vector<std::int64_t>& own_ids, const Matrix<double>& own_values,
                          const Run& extends, const std::vector<double>& left, const ContextWords* words,
                          const Vector<std::int32_t>& columns, const Vector<float>& values,
                          const Vector<std::int32_t>& begun, const Vector<float>& begun_values) const {
    if (static_cast<int>(left.size()) != search::kAges)
      throw std::invalid_argument("left must have " + std::to_string(search::kAges) + " entries");
    if (columns.size() != values.size() || begun.size() != begun_values.size())
      throw std::invalid_argument("columns and values are not as many");
    if (words != nullptr) {
      if (words->own.names.n_cols != own.size())
        throw std::invalid_argument("words must be of " + std::to_string(own.size()) + " labels");
      keystroke.words = search::heaviest(columns.data(), values.data(), static_cast<std::int64_t>(columns.size()),
                                         words->own.followed.n_rows);
      keystroke.beginnings = search::heaviest(begun.data(), begun_values.data(),
                                              static_cast<std::int64_t>(begun.size()), words->own.names.n_rows);
      for (auto& beginning : keystroke.beginnings)
        beginning.second = 1;  // whether it is there counts
    }
    if (own_values.shape(0) != own_ids.size() || own_values.shape(1) != search::kOwn)
      throw std::invalid_argument("own_values must have a row of " + std::to_string(search::kOwn) +
                                  " values for each of own_ids");
    if (pool < 0)
      throw std::invalid_argument("pool must be at least 0");
    std::vector<search::Own> owned(own_ids.size());
    for (std::size_t i = 0; i < own_ids.size(); i++) {
      if (own_ids[i] < 0)
        throw std::invalid_argument("own_ids must be at least 0");
      owned[i].id = own_ids[i];
      std::copy_n(own_values.data() + i * search::kOwn, search::kOwn, owned[i].values.begin());
    }
    return own.weigh(std::move(keystroke), weight, pool, owned, extends, {left[0], left[1]},
                     words == nullptr ? nullptr : &words->own);
  }
};

}  // namespace

void bind_blend(nb::module_& m) {
  nb::class_<ContextWords>(m, "ContextWords", "Words of labels' names, and of the contexts that they followed.")
      .def(nb::init<const Csr&, const Csr&>(), nb::arg("names"), nb::arg("followed"), nb::keep_alive<1, 2>(),
           nb::keep_alive<1, 3>())
      .def("__repr__", [](const ContextWords& w) {
        return "<ContextWords: of " + std::to_string(w.own.names.n_cols) + " labels>";
      });
  nb::class_<Among>(m, "Among", "Labels, in ascending order, that alone may be returned; how often they were sent.")
      .def(nb::init<Vector<std::int64_t>, double, const std::vector<double>&>(), nb::arg("ids"), nb::arg("sent"),
           nb::arg("lately"))
      .def("__repr__", [](const Among& a) { return "<Among: " + std::to_string(a.own.n) + " labels>"; });
  nb::class_<Frequencies>(m, "Frequencies", "How often labels were sent; those that are blocked are never returned.")
      .def(nb::init<Vector<std::int64_t>, Vector<std::int32_t>, Matrix<double>>(), nb::arg("counts"),
           nb::arg("blocked"), nb::arg("aged"))
      .def("__repr__",
           [](const Frequencies& f) { return "<Frequencies: " + std::to_string(f.own.size()) + " labels>"; })
      .def(
          "total",
          [](const Frequencies& f, std::int64_t first, std::int64_t end) {
            f.check_range({first, end});
            return f.own.total(first, end);
          },
          nb::arg("first"), nb::arg("end"), "How often the labels of a range were sent in all, at least 1.")
      .def(
          "top",
          [](const Frequencies& f, std::int64_t first, std::int64_t end, std::int64_t k) {
            f.check_range({first, end});
            return f.own.top(first, end, k);
          },
          nb::arg("first"), nb::arg("end"), nb::arg("k"),
          "The labels of a range that were sent most often; among equals the first.")
      .def(
          "lately",
          [](const Frequencies& f, std::int64_t first, std::int64_t end, std::int64_t k) {
            f.check_range({first, end});
            return f.own.lately(first, end, k);
          },
          nb::arg("first"), nb::arg("end"), nb::arg("k"), "The same of the counts that age; none without these.")
      .def(
          "blend",
          [](const Frequencies& f, Run run, std::int64_t k, const Vector<std::int64_t>& ids,
             const Vector<float>& scores, const Vector<std::int32_t>& labels, const Vector<std::int64_t>& times,
             const Contexts& contexts, const std::vector<std::int64_t>& often, double weight,
             const Among* among) -> Scored {
            search::Ranked best =
                f.own.blend(f.asked(run, k, ids, scores, labels, times, contexts, often, among), weight);
            return {std::move(best.ids), std::move(best.scores)};
          },
          nb::arg("run"), nb::arg("k"), nb::arg("ids"), nb::arg("scores"), nb::arg("labels"), nb::arg("times"),
          nb::arg("contexts"), nb::arg("often"), nb::arg("weight"), nb::arg("among") = nb::none(),
          "The best labels of a range, and their scores, of what was found, what followed and what is frequent.")
      .def(
          "weighted",
          [](const Frequencies& f, Run run, std::int64_t k, const Vector<std::int64_t>& ids,
             const Vector<float>& scores, const Vector<std::int32_t>& labels, const Vector<std::int64_t>& times,
             const Contexts& contexts, const std::vector<std::int64_t>& often, double weight, std::int64_t pool,
             const std::vector<std::int64_t>& own_ids, const Matrix<double>& own_values, Run extends,
             const std::vector<double>& left, const ContextWords* words, const Vector<std::int32_t>& columns,
             const Vector<float>& values, const Vector<std::int32_t>& begun, const Vector<float>& begun_values,
             const Matrix<double>& weights, const Among* among) -> Scored {
            if (weights.shape(0) != search::kContexts || weights.shape(1) != search::kEvidence)
              throw std::invalid_argument("weights must have " + std::to_string(search::kContexts) + " rows of " +
                                          std::to_string(search::kEvidence));
            const search::Weighed all =
                f.weighed(f.asked(run, k, ids, scores, labels, times, contexts, often, among), weight, pool, own_ids,
                          own_values, extends, left, words, columns, values, begun, begun_values);
            search::Ranked best = search::Frequencies::weighted(all, k, weights.data());
            return {std::move(best.ids), std::move(best.scores)};
          },
          nb::arg("run"), nb::arg("k"), nb::arg("ids"), nb::arg("scores"), nb::arg("labels"), nb::arg("times"),
          nb::arg("contexts"), nb::arg("often"), nb::arg("weight"), nb::arg("pool"), nb::arg("own_ids"),
          nb::arg("own_values"), nb::arg("extends"), nb::arg("left"), nb::arg("words").none(), nb::arg("columns"),
          nb::arg("values"), nb::arg("begun"), nb::arg("begun_values"), nb::arg("weights"),
          nb::arg("among") = nb::none(),
          "The best candidates, and their scores, by weights without a known context and within one.")
      .def(
          "evidence",
          [](const Frequencies& f, Run run, std::int64_t k, const Vector<std::int64_t>& ids,
             const Vector<float>& scores, const Vector<std::int32_t>& labels, const Vector<std::int64_t>& times,
             const Contexts& contexts, const std::vector<std::int64_t>& often, double weight, std::int64_t pool,
             const std::vector<std::int64_t>& own_ids, const Matrix<double>& own_values, Run extends,
             const std::vector<double>& left, const ContextWords* words, const Vector<std::int32_t>& columns,
             const Vector<float>& values, const Vector<std::int32_t>& begun, const Vector<float>& begun_values,
             const Among* among) {
            search::Weighed all =
                f.weighed(f.asked(run, k, ids, scores, labels, times, contexts, often, among), weight, pool, own_ids,
                          own_values, extends, left, words, columns, values, begun, begun_values);
            return std::tuple(to_numpy(std::move(all.ids)), to_numpy(std::move(all.rows)), all.in_context);
          },
          nb::arg("run"), nb::arg("k"), nb::arg("ids"), nb::arg("scores"), nb::arg("labels"), nb::arg("times"),
          nb::arg("contexts"), nb::arg("often"), nb::arg("weight"), nb::arg("pool"), nb::arg("own_ids"),
          nb::arg("own_values"), nb::arg("extends"), nb::arg("left"), nb::arg("words").none(), nb::arg("columns"),
          nb::arg("values"), nb::arg("begun"), nb::arg("begun_values"), nb::arg("among") = nb::none(),
          "The candidates in ascending order, the evidence on each, and whether anything is known of the context.");
  m.attr("N_EVIDENCE") = search::kEvidence;
}

}  // namespace arborank::bindings
