#include "bindings/common.hpp"

namespace arborank::bindings {

void bind_csr(nb::module_& m) {
  nb::class_<Csr>(m, "Csr", "Compressed-sparse-row matrix, float32; its structure is checked when it is made.")
      .def(nb::init<Vector<std::int64_t>, Vector<std::int32_t>, Vector<float>, std::int64_t>(),
           nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(), nb::arg("data").noconvert(),
           nb::arg("n_cols"))
      .def_prop_ro("indptr", [](const Csr& c) { return NumpyVector<const std::int64_t>(c.indptr); })
      .def_prop_ro("indices", [](const Csr& c) { return NumpyVector<const std::int32_t>(c.indices); })
      .def_prop_ro("data", [](const Csr& c) { return NumpyVector<const float>(c.data); })
      .def_prop_ro("shape", [](const Csr& c) { return std::pair(c.view.n_rows, c.view.n_cols); })
      .def_prop_ro("nnz", [](const Csr& c) { return c.view.nnz(); })
      .def("__repr__",
           [](const Csr& c) {
             return "<Csr: " + std::to_string(c.view.n_rows) + " x " + std::to_string(c.view.n_cols) + ", " +
                    std::to_string(c.view.nnz()) + " stored values>";
           })
      .def_prop_ro(
          "canonical", [](const Csr& c) { return c.facts.canonical; }, "Columns strictly ascending in every row.")
      .def_prop_ro("finite", [](const Csr& c) { return c.facts.finite; }, "No NaN and no infinity.");
}

}  // namespace arborank::bindings
