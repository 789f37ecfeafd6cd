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

using CompactArrays =
    std::tuple<NumpyVector<std::int64_t>, NumpyVector<std::int32_t>, NumpyVector<std::int16_t>, NumpyVector<float>>;

CompactArrays compact_arrays(const sparse::CompactRows& rows) {
  std::vector<std::int64_t> indptr{0};
  std::vector<float> units;
  auto columns = sparse::raw_array<std::int32_t>(rows.nnz);
  auto shares = sparse::raw_array<std::int16_t>(rows.nnz);
  for (const sparse::CompactRow& row : rows.rows) {
    std::copy_n(row.columns, row.length, &columns[indptr.back()]);
    std::copy_n(row.shares, row.length, &shares[indptr.back()]);
    indptr.push_back(indptr.back() + row.length);
    units.push_back(row.unit);
  }
  return {to_numpy(std::move(indptr)), to_numpy(std::move(columns), rows.nnz), to_numpy(std::move(shares), rows.nnz),
          to_numpy(std::move(units))};
}

sparse::CompactRows compact_from(const Vector<std::int64_t>& indptr, const Vector<std::int32_t>& columns,
                                 const Vector<std::int16_t>& shares, const Vector<float>& units, std::int64_t n_cols) {
  const auto n = static_cast<std::int64_t>(units.size()), nnz = static_cast<std::int64_t>(columns.size());
  const std::int64_t* at = indptr.data();
  if (static_cast<std::int64_t>(indptr.size()) != n + 1 || static_cast<std::int64_t>(shares.size()) != nnz ||
      at[0] != 0 || at[n] != nnz || !std::is_sorted(at, at + n + 1))
    throw std::invalid_argument("indptr, columns, shares and units do not fit each other");
  std::vector<sparse::ProductBlock<std::int16_t>> blocks;
  blocks.push_back({0, n, nnz, sparse::raw_array<std::int32_t>(nnz), sparse::raw_array<std::int16_t>(nnz)});
  std::vector<std::int64_t> lengths(n);
  for (std::int64_t row = 0; row < n; row++) {
    lengths[row] = at[row + 1] - at[row];
    for (std::int64_t k = at[row]; k < at[row + 1]; k++)
      if (columns.data()[k] < 0 || columns.data()[k] >= n_cols ||
          (k > at[row] && columns.data()[k] <= columns.data()[k - 1]))
        throw std::invalid_argument("columns of row " + std::to_string(row) + " do not ascend below " +
                                    std::to_string(n_cols));
  }
  std::copy_n(columns.data(), nnz, blocks[0].indices.get());
  std::copy_n(shares.data(), nnz, blocks[0].data.get());
  return sparse::rows_of(std::move(blocks), lengths, {units.data(), units.data() + n}, n_cols);
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
      .def("copy", [](const sparse::CompactRows& rows) { return without_gil([&] { return rows.copy(); }); })
      .def_static(
          "of", [](const Csr& rows) { return sparse::compact(canonical(rows, "rows")); }, nb::arg("rows"),
          "The rows of a matrix.")
      .def_static("from_arrays", &compact_from, nb::arg("indptr"), nb::arg("columns"), nb::arg("shares"),
                  nb::arg("units"), nb::arg("n_cols"), "Rows of what `arrays` returns.")
      .def("arrays", &compact_arrays,
           "Arrays (indptr, columns, shares, units): the values of a row are its shares times its unit.");
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
