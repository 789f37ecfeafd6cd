// What every binding shares: array types, the checked CSR class, ownership of results, Ctrl-C and progress.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/pool.hpp"
#include "sparse/csr.hpp"

namespace nb = nanobind;

namespace arborank::bindings {

template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using NumpyVector = nb::ndarray<nb::numpy, T, nb::ndim<1>, nb::c_contig>;
template <class T>
using NumpyMatrix = nb::ndarray<nb::numpy, T, nb::ndim<2>, nb::c_contig>;

// Hands a vector's memory to NumPy without a copy.
template <class T>
NumpyVector<T> to_numpy(std::vector<T>&& values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return NumpyVector<T>(owned->data(), {owned->size()}, owner);
}

// The same of other arrays; of a shape, if there are several lengths.
template <class T, class Deleter, class... Lengths>
auto to_numpy(std::unique_ptr<T[], Deleter>&& values, Lengths... lengths) {
  T* const data = values.release();
  nb::capsule owner(data, [](void* p) noexcept { Deleter()(static_cast<T*>(p)); });
  return nb::ndarray<nb::numpy, T, nb::ndim<sizeof...(lengths)>, nb::c_contig>(
      data, {static_cast<std::size_t>(lengths)...}, owner);
}

// What a function returns that is called without the GIL.
template <class Function>
auto without_gil(Function&& function) {
  nb::gil_scoped_release release;
  return function();
}

// The Python class `Csr`: arrays kept alive and checked once. Kernels take its view.
struct Csr {
  Vector<std::int64_t> indptr;
  Vector<std::int32_t> indices;
  Vector<float> data;
  sparse::CsrView view;
  sparse::CsrFacts facts;

  Csr(Vector<std::int64_t> indptr_, Vector<std::int32_t> indices_, Vector<float> data_, std::int64_t n_cols)
      : indptr(std::move(indptr_)), indices(std::move(indices_)), data(std::move(data_)) {
    if (indptr.size() == 0)
      throw std::invalid_argument("CSR indptr is empty; it needs n_rows + 1 entries");
    if (n_cols < 0 || n_cols > INT32_MAX)
      throw std::invalid_argument("CSR has " + std::to_string(n_cols) + " columns; 0 to 2147483647 are supported");
    view = {indptr.data(), indices.data(), data.data(), static_cast<std::int64_t>(indptr.size()) - 1, n_cols};
    facts = sparse::check_csr(view, static_cast<std::int64_t>(indices.size()), static_cast<std::int64_t>(data.size()));
  }
};

// The view of a matrix for kernels that rely on columns ascending in every row.
inline const sparse::CsrView& canonical(const Csr& matrix, const char* name) {
  if (!matrix.facts.canonical || !matrix.facts.finite)
    throw std::invalid_argument(std::string(name) + " must have ascending columns and finite values");
  return matrix.view;
}

// Takes the work done.
using Progress = std::optional<nb::typed<nb::callable, void(std::int64_t)>>;

// A tick for kernels run without the GIL: raises KeyboardInterrupt, and calls progress(done) when given.
inline Tick python_tick(const Progress& progress) {
  return [&progress](std::int64_t done) {
    nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0)
      throw nb::python_error();
    if (progress)
      (*progress)(done);
  };
}

}  // namespace arborank::bindings
