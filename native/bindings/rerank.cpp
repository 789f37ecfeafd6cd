#include "search/rerank.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {
namespace {

// The Python class: keeps the arrays alive, and checks what comes in.
struct Centroids {
  Vector<std::int64_t> indptr;
  Vector<std::int32_t> features;
  Vector<std::int8_t> values;
  Vector<float> units, shares;
  std::int64_t n_features;

  Centroids(Vector<std::int64_t> indptr_, Vector<std::int32_t> features_, Vector<std::int8_t> values_,
            Vector<float> units_, Vector<float> shares_, std::int64_t n_features_)
      : indptr(std::move(indptr_)),
        features(std::move(features_)),
        values(std::move(values_)),
        units(std::move(units_)),
        shares(std::move(shares_)),
        n_features(n_features_) {
    if (units.size() != shares.size() || indptr.size() != units.size() + 1 || features.size() != values.size())
      throw std::invalid_argument("the arrays of centroids differ in length");
    if (indptr(0) != 0 || indptr(units.size()) != static_cast<std::int64_t>(values.size()))
      throw std::invalid_argument("indptr of centroids must run from 0 to " + std::to_string(values.size()));
    for (std::size_t label = 0; label < units.size(); label++) {
      if (indptr(label + 1) < indptr(label))
        throw std::invalid_argument("indptr of centroids decreases at label " + std::to_string(label));
      if (!(shares(label) >= 0 && shares(label) <= 1) || !std::isfinite(units(label)))
        throw std::invalid_argument("the centroid of label " + std::to_string(label) + " has a wrong share or unit");
    }
  }

  std::pair<NumpyMatrix<std::int64_t>, NumpyMatrix<float>> rerank(const Csr& X, const Matrix<std::int64_t>& ids,
                                                                  const Matrix<float>& scores, std::int64_t k,
                                                                  double weight, double enough, double sharpness,
                                                                  bool logarithm, const search::LabelFilter* filter,
                                                                  const std::optional<Vector<float>>& label_weights,
                                                                  int n_threads) const {
    const std::size_t n_rows = ids.shape(0), n = ids.shape(1);
    if (X.view.n_cols != n_features)
      throw std::invalid_argument("X has " + std::to_string(X.view.n_cols) + " features, but " +
                                  std::to_string(n_features) + " were expected");
    if (static_cast<std::int64_t>(n_rows) != X.view.n_rows || scores.shape(0) != n_rows || scores.shape(1) != n)
      throw std::invalid_argument("ids and scores must have a row for every row of X, and one shape");
    if (k < 1 || k > static_cast<std::int64_t>(n))
      throw std::invalid_argument("k must be from 1 to " + std::to_string(n) + ", found " + std::to_string(k));
    if (!(weight >= 0 && weight <= 1))
      throw std::invalid_argument("weight must be from 0 to 1, found " + std::to_string(weight));
    if (label_weights && label_weights->size() != units.size())
      throw std::invalid_argument("label_weights must have an entry for every label");
    const auto n_labels = static_cast<std::int64_t>(units.size());
    for (std::size_t i = 0; i < n_rows * n; i++)
      if (ids.data()[i] >= n_labels)
        throw std::invalid_argument("label " + std::to_string(ids.data()[i]) + " has no centroid");
    const search::CentroidsView view{indptr.data(), features.data(), values.data(),
                                     units.data(),  shares.data(),   n_labels};
    const search::Reranking how{weight,
                                enough,
                                sharpness,
                                logarithm,
                                filter != nullptr && filter->weighted() ? filter : nullptr,
                                label_weights ? label_weights->data() : nullptr};
    auto best = to_numpy(std::make_unique_for_overwrite<std::int64_t[]>(n_rows * k), n_rows, k);
    auto joined = to_numpy(std::make_unique_for_overwrite<float[]>(n_rows * k), n_rows, k);
    const auto run = [&] {
      search::rerank(view, how, X.view, ids.data(), scores.data(), static_cast<std::int64_t>(n), k, best.data(),
                     joined.data(), n_threads, python_tick(std::nullopt));
    };
    if (n_rows == 1)  // shorter than it takes others to get the interpreter
      run();
    else
      without_gil([&] {
        run();
        return 0;
      });
    return {std::move(best), std::move(joined)};
  }
};

}  // namespace

void bind_rerank(nb::module_& m) {
  nb::class_<Centroids>(m, "Centroids", "Unit vectors, one a label, that queries are compared with.")
      .def(nb::init<Vector<std::int64_t>, Vector<std::int32_t>, Vector<std::int8_t>, Vector<float>, Vector<float>,
                    std::int64_t>(),
           nb::arg("indptr"), nb::arg("features"), nb::arg("values"), nb::arg("units"), nb::arg("shares"),
           nb::arg("n_features"))
      .def("__repr__", [](const Centroids& c) { return "<Centroids: " + std::to_string(c.units.size()) + " labels>"; })
      .def("rerank", &Centroids::rerank, nb::arg("X"), nb::arg("ids"), nb::arg("scores"), nb::arg("k"), nb::kw_only(),
           nb::arg("weight"), nb::arg("enough"), nb::arg("sharpness"), nb::arg("logarithm") = false,
           nb::arg("label_filter").none() = nb::none(), nb::arg("label_weights").none() = nb::none(),
           nb::arg("n_threads") = 1, "Labels and scores of the best k of short lists, ranked again.");
}

}  // namespace arborank::bindings
