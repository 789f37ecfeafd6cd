// Pages of a file as an array.
#include "base/mapped.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <memory>

#include "bindings/common.hpp"

namespace arborank::bindings {

namespace {

typedef nb::ndarray<nb::numpy, const std::uint8_t, nb::ndim<1>, nb::c_contig> Bytes;

// What Python's own mmap does, but that the pages alone hold the file: a descriptor is not kept.
Bytes map_pages(int descriptor, std::size_t n_bytes) {
  void* const pages = mmap(nullptr, n_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (pages == MAP_FAILED) {
    PyErr_SetFromErrno(PyExc_OSError);
    throw nb::python_error();
  }
  auto owned = std::make_unique<MappedBytes>(pages, n_bytes);
  nb::capsule owner(owned.get(), [](void* p) noexcept { delete static_cast<MappedBytes*>(p); });
  owned.release();
  return Bytes(static_cast<const std::uint8_t*>(pages), {n_bytes}, owner);
}

}  // namespace

void bind_mapped(nb::module_& m) {
  m.def("map_pages", &map_pages, nb::arg("descriptor"), nb::arg("n_bytes"),
        "The first bytes of an open file, read-only and mapped; OSError where that is refused.");
}

}  // namespace arborank::bindings
