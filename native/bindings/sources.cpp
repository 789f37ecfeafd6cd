#include "search/sources.hpp"

#include "bindings/searcher.hpp"

namespace arborank::bindings {
namespace {

// The Python class: keeps the arrays alive, and checks what comes in.
struct Sources {
  Vector<float> log_counts;  // the matrices are kept alive by the binding
  search::Sources own;

  Sources(const Csr& centroids, const Csr& names, const Csr& rows, const Csr& labels, Vector<float> log_counts_)
      : log_counts(std::move(log_counts_)),
        own(canonical(centroids, "centroids"), canonical(names, "names"), canonical(rows, "rows"),
            canonical(labels, "labels"), log_counts.data()) {
    if (static_cast<std::int64_t>(log_counts.size()) != own.n_labels())
      throw std::invalid_argument("log_counts must have one entry a label");
  }

  struct Call {
    search::TreeLists tree;
    search::LabelLimits limits;
    search::MergeOptions options;
  };

  Call checked(const Csr& X, const Matrix<std::int64_t>& ids, const Matrix<float>& scores,
               const search::MergeOptions& options, const Csr* allowed, const Csr* excluded) const {
    const std::int64_t n = canonical(X, "X").n_rows;
    if (X.view.n_cols != own.n_features())
      throw std::invalid_argument("X has " + std::to_string(X.view.n_cols) + " columns, but " +
                                  std::to_string(own.n_features()) + " were expected");
    if (ids.shape(0) != scores.shape(0) || ids.shape(1) != scores.shape(1) ||
        static_cast<std::int64_t>(ids.shape(0)) != n)
      throw std::invalid_argument("ids and scores of the tree must have a row a query, and the same shape");
    for (std::size_t i = 0; i < ids.size(); i++)
      if (ids.data()[i] >= own.n_labels() || (ids.data()[i] >= 0 && !std::isfinite(scores.data()[i])))
        throw std::invalid_argument("the tree lists a label out of range, or a score that is not finite");
    for (const Csr* one : {allowed, excluded})
      if (one != nullptr && (one->view.n_cols != own.n_labels() || (one->view.n_rows != 1 && one->view.n_rows != n)))
        throw std::invalid_argument("allowed and excluded must have a column a label, and one row or a row a query");
    return {{ids.data(), scores.data(), static_cast<std::int64_t>(ids.shape(1))},
            {allowed == nullptr ? nullptr : &allowed->view, excluded == nullptr ? nullptr : &excluded->view},
            options};
  }

  void check_tree(const Searcher& tree) const {
    if (tree.tree.n_labels() != own.n_labels() || tree.tree.n_features() != own.n_features())
      throw std::invalid_argument("the tree has other labels or features than the sources");
  }

  static void check_weights(const Vector<double>& weights, int n) {
    if (static_cast<int>(weights.size()) != n + 1)
      throw std::invalid_argument("weights must have " + std::to_string(n + 1) + " entries");
  }

  // Inputs of all queries, as `collect(query, scratch, labels, values)` leaves them.
  template <class Collect>
  static auto collected(const search::Sources& own, std::int64_t n_rows, std::size_t width, Collect&& collect) {
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> labels;
    std::vector<float> values;
    without_gil([&] {
      auto scratch = own.take();
      const Progress progress;
      const Tick tick = python_tick(progress);
      Clock clock(tick);
      for (std::int64_t query = 0; query < n_rows; query++) {
        collect(query, *scratch, labels, values);
        indptr.push_back(static_cast<std::int64_t>(labels.size()));
        clock.tick(query);
      }
      own.give(std::move(scratch));
      return 0;
    });
    auto matrix = std::make_unique_for_overwrite<float[]>(values.size());
    std::copy(values.begin(), values.end(), matrix.get());
    return std::tuple(to_numpy(std::move(indptr)), to_numpy(std::move(labels)),
                      to_numpy(std::move(matrix), values.size() / width, width));
  }

  auto inputs(const Csr& X, const Matrix<std::int64_t>& ids, const Matrix<float>& scores,
              const search::MergeOptions& options) const {
    const Call call = checked(X, ids, scores, options, nullptr, nullptr);
    return collected(own, X.view.n_rows, search::Sources::kInputs,
                     [&](std::int64_t query, auto& scratch, auto& labels, auto& values) {
                       own.gather(X.view, query, call.tree, call.limits, call.options, scratch);
                       for (const search::Evidence& one : scratch.table.rows) {
                         labels.push_back(one.label);
                         const auto row = own.inputs(one);
                         values.insert(values.end(), row.begin(), row.end());
                       }
                     });
  }

  auto short_inputs(const Csr& X, const Matrix<std::int64_t>& ids, const Matrix<float>& scores,
                    const search::MergeOptions& options, const Searcher& tree, const Vector<double>& weights) const {
    const Call call = checked(X, ids, scores, options, nullptr, nullptr);
    check_tree(tree);
    check_weights(weights, search::Sources::kInputs);
    const search::MergeWeights of{weights.data(), nullptr, nullptr};
    return collected(own, X.view.n_rows, search::Sources::kShortInputs,
                     [&](std::int64_t query, auto& scratch, auto& labels, auto& values) {
                       own.gather(X.view, query, call.tree, call.limits, call.options, scratch);
                       own.shorten(tree.tree, X.view, query, of, options.n_short, scratch);
                       for (std::size_t i = 0; i < scratch.labels.size(); i++) {
                         labels.push_back(scratch.labels[i]);
                         const auto row = own.inputs(scratch.table.rows[scratch.ranked[i].second], scratch.margins[i]);
                         values.insert(values.end(), row.begin(), row.end());
                       }
                     });
  }

  auto topk(const Csr& X, const Matrix<std::int64_t>& ids, const Matrix<float>& scores,
            const search::MergeOptions& options, const Searcher& tree, const Vector<double>& weights,
            const Vector<double>& short_weights, std::int64_t k, const Csr* allowed, const Csr* excluded,
            const std::optional<Vector<float>>& label_weights, int n_threads) const {
    const Call call = checked(X, ids, scores, options, allowed, excluded);
    check_tree(tree);
    check_weights(weights, search::Sources::kInputs);
    check_weights(short_weights, search::Sources::kShortInputs);
    if (k < 1)
      throw std::invalid_argument("k must be at least 1");
    if (label_weights && static_cast<std::int64_t>(label_weights->size()) != own.n_labels())
      throw std::invalid_argument("label_weights must have one entry a label");
    const search::MergeWeights of{weights.data(), short_weights.data(),
                                  label_weights ? label_weights->data() : nullptr};
    const std::int64_t n = X.view.n_rows;
    auto best = std::make_unique_for_overwrite<std::int64_t[]>(n * k);
    auto chances = std::make_unique_for_overwrite<float[]>(n * k);
    const auto some = [&](std::int64_t begin, std::int64_t end) {
      auto scratch = own.take();
      for (std::int64_t query = begin; query < end; query++) {
        own.gather(X.view, query, call.tree, call.limits, call.options, *scratch);
        own.shorten(tree.tree, X.view, query, of, std::max(k, options.n_short), *scratch);
        own.rank(of, k, &best[query * k], &chances[query * k], *scratch);
      }
      own.give(std::move(scratch));
    };
    constexpr std::int64_t kRows = 64;
    if (n == 1) {
      some(0, 1);
    } else {
      nb::gil_scoped_release release;
      parallel_for(n_threads, (n + kRows - 1) / kRows, python_tick(std::nullopt),
                   [&](std::int64_t task, int, Job&) { some(task * kRows, std::min(n, (task + 1) * kRows)); });
    }
    return std::pair(to_numpy(std::move(best), n, k), to_numpy(std::move(chances), n, k));
  }
};

}  // namespace

void bind_sources(nb::module_& m) {
  nb::class_<search::MergeOptions>(m, "MergeOptions", "How many candidates are gathered, from how much of a query.")
      .def(
          "__init__",
          [](search::MergeOptions* self, std::int64_t n_candidates, std::int64_t n_neighbours,
             std::int64_t most_features, std::int64_t n_short) {
            if (n_candidates < 1 || n_neighbours < 1 || most_features < 1 || n_short < 1)
              throw std::invalid_argument("n_candidates, n_neighbours, most_features and n_short must be at least 1");
            new (self) search::MergeOptions{n_candidates, n_neighbours, most_features, n_short};
          },
          nb::kw_only(), nb::arg("n_candidates"), nb::arg("n_neighbours"), nb::arg("most_features"), nb::arg("n_short"))
      .def("__repr__", [](const search::MergeOptions& options) {
        return "<MergeOptions: " + std::to_string(options.n_candidates) + " candidates>";
      });
  nb::class_<Sources>(m, "Sources", "Merges what a tree, mean instances, names and training rows say of labels.")
      .def(nb::init<const Csr&, const Csr&, const Csr&, const Csr&, Vector<float>>(), nb::arg("centroids"),
           nb::arg("names"), nb::arg("rows"), nb::arg("labels"), nb::arg("log_counts"), nb::keep_alive<1, 2>(),
           nb::keep_alive<1, 3>(), nb::keep_alive<1, 4>(), nb::keep_alive<1, 5>())
      .def("__repr__", [](const Sources& s) { return "<Sources: of " + std::to_string(s.own.n_labels()) + " labels>"; })
      .def_prop_ro("n_inputs", [](const Sources&) { return search::Sources::kInputs; })
      .def_prop_ro("n_short_inputs", [](const Sources&) { return search::Sources::kShortInputs; })
      .def("inputs", &Sources::inputs, nb::arg("X"), nb::arg("ids"), nb::arg("scores"), nb::arg("options"),
           "Where the candidates of each query begin, their labels, and the inputs of their scores.")
      .def("short_inputs", &Sources::short_inputs, nb::arg("X"), nb::arg("ids"), nb::arg("scores"), nb::arg("options"),
           nb::arg("tree"), nb::arg("weights"), "The same of the short list of each query, best first.")
      .def("topk", &Sources::topk, nb::arg("X"), nb::arg("ids"), nb::arg("scores"), nb::arg("options"), nb::arg("tree"),
           nb::arg("weights"), nb::arg("short_weights"), nb::arg("k"), nb::kw_only(),
           nb::arg("allowed").none() = nb::none(), nb::arg("excluded").none() = nb::none(),
           nb::arg("label_weights").none() = nb::none(), nb::arg("n_threads") = 1,
           "Labels and probabilities of the best k by two logistic models: of all candidates, and of the short list.");
}

}  // namespace arborank::bindings
