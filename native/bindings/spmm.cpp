#include "sparse/products.hpp"

#include <algorithm>

#include "bindings/common.hpp"
#include "sparse/compact_rows.hpp"
#include "sparse/mixture.hpp"

namespace arborank::bindings {

namespace {

std::tuple<NumpyVector<std::int64_t>, NumpyVector<std::int32_t>, NumpyVector<float>> to_python(
    sparse::CsrArrays&& arrays) {
  const std::int64_t nnz = arrays.indptr.back();
  return {to_numpy(std::move(arrays.indptr)), to_numpy(std::move(arrays.indices), nnz),
          to_numpy(std::move(arrays.data), nnz)};
}

void check_product(const Csr& a, const Csr& b) {
  if (a.view.n_cols != b.view.n_rows)
    throw std::invalid_argument("a has " + std::to_string(a.view.n_cols) + " columns, but b has " +
                                std::to_string(b.view.n_rows) + " rows");
  canonical(a, "a");
  canonical(b, "b");
}

void check_mixture(const std::vector<std::int64_t>& starts, const std::vector<std::int32_t>& sources,
                   const std::vector<float>& weights, const Csr& rows, const Csr& tail) {
  canonical(rows, "rows");
  canonical(tail, "tail");
  const auto n = static_cast<std::int64_t>(sources.size());
  if (weights.size() != sources.size() || static_cast<std::int64_t>(starts.size()) != tail.view.n_rows + 1 ||
      starts.front() != 0 || starts.back() != n || !std::is_sorted(starts.begin(), starts.end()))
    throw std::invalid_argument("starts, sources and weights do not fit each other and the rows of tail");
  for (const std::int32_t source : sources)
    if (source < 0 || source >= rows.view.n_rows)
      throw std::invalid_argument("source " + std::to_string(source) + " is outside [0, " +
                                  std::to_string(rows.view.n_rows) + ")");
  if (rows.view.n_cols + tail.view.n_cols > INT32_MAX)
    throw std::invalid_argument("rows and tail have more than 2147483647 columns");
}

}  // namespace

void bind_spmm(nb::module_& m) {
  nb::class_<sparse::CompactRows>(m, "CompactRows", "A sparse matrix of values in 16 bits, made for one clustering.")
      .def("__repr__",
           [](const sparse::CompactRows& rows) {
             return "<CompactRows: " + std::to_string(rows.size()) + " x " + std::to_string(rows.n_cols) + ", " +
                    std::to_string(rows.nnz) + " stored values>";
           })
      .def_prop_ro("shape", [](const sparse::CompactRows& rows) { return std::pair(rows.size(), rows.n_cols); })
      .def_prop_ro("nnz", [](const sparse::CompactRows& rows) { return rows.nnz; })
      .def("copy", [](const sparse::CompactRows& rows) { return without_gil([&] { return rows.copy(); }); });
  m.def(
      "multiply_compact",
      [](const Csr& a, const Csr& b, int n_threads, Progress progress) {
        check_product(a, b);
        nb::gil_scoped_release release;
        return sparse::multiply_compact(a.view, b.view, n_threads, python_tick(progress));
      },
      nb::arg("a"), nb::arg("b"), nb::arg("n_threads"), nb::arg("progress") = nb::none(),
      "The product of two sparse matrices with every row divided by its Euclidean norm.");
  m.def(
      "multiply",
      [](const Csr& a, const Csr& b, bool normalize, int n_threads, Progress progress) {
        check_product(a, b);
        return to_python(
            without_gil([&] { return multiply(a.view, b.view, normalize, n_threads, python_tick(progress)); }));
      },
      nb::arg("a"), nb::arg("b"), nb::arg("normalize"), nb::arg("n_threads"), nb::arg("progress") = nb::none(),
      "Arrays (indptr, indices, data) of the product of two sparse matrices.");
  m.def(
      "mix_rows",
      [](const std::vector<std::int64_t>& starts, const std::vector<std::int32_t>& sources,
         const std::vector<float>& weights, const Csr& rows, const Csr& tail, float tail_weight) {
        check_mixture(starts, sources, weights, rows, tail);
        return to_python(
            without_gil([&] { return sparse::mix_rows(starts, sources, weights, rows.view, tail.view, tail_weight); }));
      },
      nb::arg("starts"), nb::arg("sources"), nb::arg("weights"), nb::arg("rows"), nb::arg("tail"),
      nb::arg("tail_weight"),
      "Arrays (indptr, indices, data) of weighted sums of rows, of unit length, beside weighted rows of tail.");
  m.def(
      "normalize_rows",
      [](const Csr& a) {
        const sparse::CsrView& m = a.view;
        auto data = sparse::raw_array<float>(m.nnz());
        without_gil([&] {
          for (std::int64_t row = 0; row < m.n_rows; row++)
            sparse::normalize_row(m.data + m.begin(row), m.length(row), &data[m.begin(row)]);
        });
        return to_numpy(std::move(data), m.nnz());
      },
      nb::arg("a"), "The values of a sparse matrix with every row divided by its Euclidean norm.");
  m.def(
      "transpose",
      [](const Csr& a) {
        canonical(a, "a");
        return to_python(without_gil([&] { return transpose(a.view, python_tick(std::nullopt)); }));
      },
      nb::arg("a"), "Arrays (indptr, indices, data) of the transpose.");
}

}  // namespace arborank::bindings
