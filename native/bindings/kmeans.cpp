#include "cluster/kmeans.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {

namespace {

using cluster::KMeansOptions;

using Leaves = std::pair<NumpyVector<std::int32_t>, NumpyVector<std::int64_t>>;

template <class MakeRows>
Leaves run(MakeRows&& make_rows, std::int64_t n_rows, const KMeansOptions& options, const Progress& progress) {
  if (n_rows > INT32_MAX)
    throw std::invalid_argument(std::to_string(n_rows) + " rows; at most 2147483647 are supported");
  cluster::Clusters clusters = without_gil([&] {
    auto rows = make_rows();
    return cluster::BalancedKMeans(rows, options).run(python_tick(progress));
  });
  return {to_numpy(std::move(clusters.order)), to_numpy(std::move(clusters.bounds))};
}

Leaves of_sparse(const Csr& rows, const KMeansOptions& options, Progress progress) {
  const sparse::CsrView& view = canonical(rows, "rows");
  return run([&] { return cluster::SparseRows(sparse::compact(view)); }, view.n_rows, options, progress);
}

Leaves of_compact(sparse::CompactRows& rows, const KMeansOptions& options, Progress progress) {
  sparse::CompactRows taken = std::exchange(rows, {});
  const std::int64_t n_rows = taken.size();
  return run([&] { return cluster::SparseRows(std::move(taken)); }, n_rows, options, progress);
}

Leaves of_dense(Matrix<float> rows, const KMeansOptions& options, Progress progress) {
  const auto n_rows = static_cast<std::int64_t>(rows.shape(0)), n_cols = static_cast<std::int64_t>(rows.shape(1));
  return run([&] { return cluster::DenseRows(rows.data(), n_rows, n_cols); }, n_rows, options, progress);
}

}  // namespace

void bind_kmeans(nb::module_& m) {
  nb::class_<KMeansOptions>(m, "KMeansOptions", "How rows are halved, again and again.")
      .def(
          "__init__",
          [](KMeansOptions* self, int depth, int max_iter, double tolerance, bool spherical, std::uint64_t seed,
             int n_threads) {
            const KMeansOptions options{depth, max_iter, tolerance, spherical, seed, n_threads};
            options.check();
            new (self) KMeansOptions(options);
          },
          nb::kw_only(), nb::arg("depth"), nb::arg("max_iter"), nb::arg("tolerance"), nb::arg("spherical"),
          nb::arg("seed"), nb::arg("n_threads"))
      .def("__repr__", [](const KMeansOptions& options) {
        return "<KMeansOptions: " + std::to_string(options.depth) + " halvings>";
      });
  const char* doc = "Arrays (order, bounds): rows in leaf order, and where each of the 2^depth leaves begins.";
  m.def("balanced_kmeans", &of_sparse, nb::arg("rows"), nb::arg("options"), nb::arg("progress").none(), doc);
  m.def("balanced_kmeans", &of_compact, nb::arg("rows"), nb::arg("options"), nb::arg("progress").none(),
        "The same; the rows are used up.");
  m.def("balanced_kmeans", &of_dense, nb::arg("rows").noconvert(), nb::arg("options"), nb::arg("progress").none(),
        "The same.");
}

}  // namespace arborank::bindings
