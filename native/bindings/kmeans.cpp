#include "cluster/kmeans.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {

namespace {

template <class MakeRows>
nb::tuple cluster(MakeRows&& make_rows, const cluster::KMeansOptions& options,
                  const std::optional<nb::callable>& progress) {
  cluster::Clusters clusters;
  {
    nb::gil_scoped_release release;
    auto rows = make_rows();
    clusters = cluster::BalancedKMeans(rows, options).run(python_tick(progress));
  }
  return nb::make_tuple(to_numpy(std::move(clusters.order)), to_numpy(std::move(clusters.bounds)));
}

void check(const cluster::KMeansOptions& options, std::int64_t n_rows) {
  if (options.depth < 1 || options.depth > 40)
    throw std::invalid_argument("depth is " + std::to_string(options.depth) + "; 1 to 40 are supported");
  if (n_rows > INT32_MAX)
    throw std::invalid_argument(std::to_string(n_rows) + " rows; at most 2147483647 are supported");
}

}  // namespace

void bind_kmeans(nb::module_& m) {
  const char* doc = "Arrays (order, bounds): rows in leaf order, and where each of the 2^depth leaves begins.";
  m.def(
      "balanced_kmeans",
      [](const Csr& rows, int depth, int max_iter, double tolerance, bool spherical, std::int64_t max_sample,
         std::uint64_t seed, int n_threads, std::optional<nb::callable> progress) {
        const cluster::KMeansOptions options{depth, max_iter, tolerance, spherical, max_sample, seed, n_threads};
        canonical(rows, "rows");
        check(options, rows.view.n_rows);
        return cluster([&] { return cluster::SparseRows(sparse::compact(rows.view)); }, options, progress);
      },
      nb::arg("rows"), nb::arg("depth"), nb::arg("max_iter"), nb::arg("tolerance"), nb::arg("spherical"),
      nb::arg("max_sample"), nb::arg("seed"), nb::arg("n_threads"), nb::arg("progress").none() = nb::none(), doc);
  m.def(
      "balanced_kmeans_compact",
      [](sparse::CompactRows& rows, int depth, int max_iter, double tolerance, bool spherical, std::int64_t max_sample,
         std::uint64_t seed, int n_threads, std::optional<nb::callable> progress) {
        const cluster::KMeansOptions options{depth, max_iter, tolerance, spherical, max_sample, seed, n_threads};
        check(options, rows.size());
        sparse::CompactRows taken = std::exchange(rows, {});
        return cluster([&] { return cluster::SparseRows(std::move(taken)); }, options, progress);
      },
      nb::arg("rows"), nb::arg("depth"), nb::arg("max_iter"), nb::arg("tolerance"), nb::arg("spherical"),
      nb::arg("max_sample"), nb::arg("seed"), nb::arg("n_threads"), nb::arg("progress").none() = nb::none(), doc);
  m.def(
      "balanced_kmeans_dense",
      [](Matrix<float> rows, int depth, int max_iter, double tolerance, bool spherical, std::int64_t max_sample,
         std::uint64_t seed, int n_threads, std::optional<nb::callable> progress) {
        const cluster::KMeansOptions options{depth, max_iter, tolerance, spherical, max_sample, seed, n_threads};
        check(options, rows.shape(0));
        return cluster([&] { return cluster::DenseRows(rows.data(), rows.shape(0), rows.shape(1)); }, options,
                       progress);
      },
      nb::arg("rows"), nb::arg("depth"), nb::arg("max_iter"), nb::arg("tolerance"), nb::arg("spherical"),
      nb::arg("max_sample"), nb::arg("seed"), nb::arg("n_threads"), nb::arg("progress").none() = nb::none(), doc);
}

}  // namespace arborank::bindings
