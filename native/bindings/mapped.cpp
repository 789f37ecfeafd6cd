// Arrays that share the pages of a mapped file.
#include "base/mapped.hpp"

#include <memory>

#include "bindings/common.hpp"

namespace arborank::bindings {

namespace {

typedef nb::ndarray<nb::numpy, const std::uint8_t, nb::ndim<1>, nb::c_contig> Bytes;

std::optional<Bytes> append_mapped(const Vector<std::uint8_t>& first, const Vector<std::uint8_t>& second) {
  auto mapped = std::make_unique<MappedBytes>();
  if (!mapped->join(first.data(), first.size(), second.data(), second.size()))
    return std::nullopt;
  const std::uint8_t* data = mapped->data();
  nb::capsule owner(mapped.release(), [](void* p) noexcept { delete static_cast<MappedBytes*>(p); });
  return Bytes(data, {first.size() + second.size()}, owner);
}

}  // namespace

void bind_mapped(nb::module_& m) {
  m.def("append_mapped", &append_mapped, nb::arg("first"), nb::arg("second"),
        "Two arrays joined without a copy of the first, if that is mapped from a file; else None.");
}

}  // namespace arborank::bindings
