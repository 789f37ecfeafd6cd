#include "search/history.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {
namespace {

using Numbers = std::vector<std::int32_t>;

std::string_view view(const nb::bytes& text) { return {text.c_str(), text.size()}; }

nb::str decoded(const std::string& text) { return nb::str(text.data(), text.size()); }

void check(const search::History& h, const Numbers& numbers) {
  for (const std::int32_t number : numbers)
    if (!h.has(number))
      throw std::invalid_argument("the history has no query " + std::to_string(number));
}

}  // namespace

void bind_history(nb::module_& m) {
  using search::History;
  nb::class_<History>(m, "SentQueries", "What one user sent, the latest of it. Texts are UTF-8, queries have numbers.")
      .def(
          "__init__",
          [](History* self, std::int64_t size) {
            if (size < 1)
              throw std::invalid_argument("size must be at least 1");
            new (self) History(size);
          },
          nb::arg("size"))
      .def("__repr__",
           [](const History& h) { return "<SentQueries: " + std::to_string(h.n_queries()) + " different>"; })
      .def("__len__", &History::n_sent)
      .def_prop_ro("n_queries", &History::n_queries)
      .def_prop_ro("latest", &History::latest)
      .def(
          "append",
          [](History& h, const nb::bytes& key, double time, const nb::bytes& text) {
            if (h.n_sent() > 0 && time < h.latest())
              throw std::invalid_argument("times must ascend");
            h.append(view(key), time, view(text));
          },
          nb::arg("key"), nb::arg("time"), nb::arg("text"), "A query was sent, as the last one.")
      .def(
          "find", [](const History& h, const nb::bytes& key) { return h.find(view(key)); }, nb::arg("key"),
          "The number of a query, -1 if it is not there.")
      .def(
          "key",
          [](const History& h, std::int32_t number) {
            check(h, {number});
            return decoded(h.key(number));
          },
          nb::arg("number"))
      .def(
          "text",
          [](const History& h, std::int32_t number) {
            check(h, {number});
            return decoded(h.text(number));
          },
          nb::arg("number"))
      .def(
          "sent",
          [](const History& h) {
            std::vector<std::tuple<nb::str, double, nb::str>> rows;
            for (const auto& [number, time] : h.sent())
              rows.emplace_back(decoded(h.key(number)), time, decoded(h.text(number)));
            return rows;
          },
          "Key, time and text of all that was sent, oldest first.")
      .def(
          "matching",
          [](const History& h, const nb::bytes& prefix, std::int64_t most) {
            if (most < 0)
              throw std::invalid_argument("most must be at least 0");
            return h.matching(view(prefix), most);
          },
          nb::arg("prefix"), nb::arg("most"),
          "The queries that begin with a prefix; of more than most, those sent last.")
      .def(
          "labels",
          [](History& h, const Numbers& numbers) {
            check(h, numbers);
            std::vector<std::int64_t> labels;
            for (const std::int32_t number : numbers)
              labels.push_back(h.label(number));
            return labels;
          },
          nb::arg("numbers"), "What set_label gave to queries, -2 for those without.")
      .def(
          "set_label",
          [](History& h, std::int32_t number, std::int64_t label) {
            check(h, {number});
            h.label(number) = label;
          },
          nb::arg("number"), nb::arg("label"))
      .def("forget_labels", &History::forget_labels)
      .def(
          "use",
          [](const History& h, std::int32_t number, std::int64_t most) {
            check(h, {number});
            History::Use used = h.use(number, most);
            return std::tuple(used.count, used.ago, std::move(used.times));
          },
          nb::arg("number"), nb::arg("most"),
          "How often a query was sent, how many queries ago, and when the last times.")
      .def(
          "after",
          [](const History& h, std::int32_t number) {
            check(h, {number});
            return h.after(number);
          },
          nb::arg("number"), "The queries that were sent right after one, oldest first.")
      .def(
          "evidence",
          [](const History& h, const Numbers& numbers, double moment, const std::vector<nb::bytes>& session) {
            check(h, numbers);
            Numbers sent;
            for (const nb::bytes& key : session)
              sent.push_back(h.find(view(key)));
            const auto rows = h.evidence(numbers, moment, sent);
            auto values = std::make_unique_for_overwrite<double[]>(rows.size() * search::kOwn);
            for (std::size_t i = 0; i < rows.size(); i++)
              std::copy(rows[i].begin(), rows[i].end(), &values[i * search::kOwn]);
            return to_numpy(std::move(values), rows.size(), search::kOwn);
          },
          nb::arg("numbers"), nb::arg("moment"), nb::arg("session"),
          "What is known of queries at a moment and after some of a session, eight values of each.");
}

}  // namespace arborank::bindings
