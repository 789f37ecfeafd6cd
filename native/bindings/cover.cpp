#include "cluster/cover.hpp"

#include <cmath>

#include "bindings/common.hpp"
#include "cluster/part.hpp"

namespace arborank::bindings {

namespace {

void require(bool holds, const char* message) {
  if (!holds)
    throw std::invalid_argument(message);
}

void check_beams(const Matrix<std::int32_t>& beams, const Matrix<float>& scores, std::int64_t n_clusters) {
  for (std::size_t i = 0; i < beams.size(); i++)
    require(beams.data()[i] >= -1 && beams.data()[i] < n_clusters && scores.data()[i] >= 0 &&
                std::isfinite(scores.data()[i]),
            "beams must hold clusters or -1, scores finite numbers of at least 0");
}

std::pair<NumpyVector<std::int32_t>, NumpyVector<std::int32_t>> cover_labels(
    const Csr& instances, Matrix<std::int32_t> beams, Matrix<float> scores, Vector<std::int32_t> homes,
    std::int64_t n_clusters, std::int64_t max_clusters, std::int64_t capacity, double min_gain) {
  const sparse::CsrView& view = canonical(instances, "instances");
  require(static_cast<std::int64_t>(beams.shape(0)) == view.n_cols && beams.shape(0) == scores.shape(0) &&
              beams.shape(1) == scores.shape(1),
          "beams and scores must have one row an instance and the same shape");
  require(static_cast<std::int64_t>(homes.size()) == view.n_rows, "homes must have one entry a label");
  require(n_clusters >= 1 && n_clusters <= INT32_MAX && max_clusters >= 1 && capacity >= 0 && min_gain >= 0,
          "n_clusters and max_clusters must be positive, capacity and min_gain not negative");
  check_beams(beams, scores, n_clusters);
  for (std::size_t i = 0; i < homes.size(); i++)
    require(homes.data()[i] >= -1 && homes.data()[i] < n_clusters, "homes must hold clusters or -1");
  const cluster::CoverProblem problem{
      view,         beams.data(), scores.data(), static_cast<std::int64_t>(beams.shape(1)), homes.data(), n_clusters,
      max_clusters, capacity,     min_gain};
  cluster::Copies copies = without_gil([&] { return cluster::cover(problem, python_tick(std::nullopt)); });
  return {to_numpy(std::move(copies.labels)), to_numpy(std::move(copies.clusters))};
}

NumpyVector<std::int32_t> part_instances(const Csr& features, const Csr& companions, const Csr& instances,
                                         const Csr& leaves, Matrix<std::int32_t> beams, Matrix<float> scores,
                                         float coherence, int max_iter, int starts, int n_threads) {
  const sparse::CsrView& rows = canonical(instances, "instances");
  const sparse::CsrView& own = canonical(leaves, "leaves");
  const auto n = static_cast<std::int64_t>(beams.shape(0));
  require(features.view.n_rows == n && companions.view.n_rows == n && rows.n_cols == n &&
              scores.shape(0) == beams.shape(0) && beams.shape(1) == scores.shape(1),
          "features, companions, beams and scores must have one row an instance, instances one column");
  require(own.n_rows == rows.n_rows && companions.view.n_cols == rows.n_rows,
          "instances and leaves must have one row a label, companions one column");
  require(max_iter >= 1 && starts >= 1, "max_iter and starts must be at least 1");
  check_beams(beams, scores, own.n_cols);
  const cluster::PartProblem problem{features.view,
                                     companions.view,
                                     rows,
                                     own,
                                     beams.data(),
                                     scores.data(),
                                     static_cast<std::int64_t>(beams.shape(1)),
                                     coherence,
                                     max_iter,
                                     starts};
  return to_numpy(without_gil([&] { return cluster::part(problem, n_threads, python_tick(std::nullopt)); }));
}

}  // namespace

void bind_cover(nb::module_& m) {
  m.def("cover_labels", &cover_labels, nb::arg("instances"), nb::arg("beams").noconvert(),
        nb::arg("scores").noconvert(), nb::arg("homes").noconvert(), nb::kw_only(), nb::arg("n_clusters"),
        nb::arg("max_clusters"), nb::arg("capacity"), nb::arg("min_gain"),
        "Copies (labels, clusters) that let beams cover more positives, in the order they were taken.");
  m.def("part_instances", &part_instances, nb::arg("features"), nb::arg("companions"), nb::arg("instances"),
        nb::arg("leaves"), nb::arg("beams").noconvert(), nb::arg("scores").noconvert(), nb::kw_only(),
        nb::arg("coherence"), nb::arg("max_iter"), nb::arg("starts"), nb::arg("n_threads"),
        "The leaf of every positive of every label, parted among the label's leaves; -1 for a label in none.");
}

}  // namespace arborank::bindings
