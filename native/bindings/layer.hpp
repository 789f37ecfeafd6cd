// Arrays that C++ and Python share without copies.
#pragma once
#include "base/array.hpp"
#include "bindings/common.hpp"

namespace arborank::bindings {

// An array of Python's, kept alive.
template <class T>
Array<T> shared(Vector<T> values) {
  const auto held = std::make_shared<Vector<T>>(std::move(values));
  return {held->data(), static_cast<std::int64_t>(held->size()), held};
}

// A matrix of Python's as structs of equal words.
template <class Struct, class Word>
Array<Struct> shared_structs(Matrix<Word> values) {
  const auto held = std::make_shared<Matrix<Word>>(std::move(values));
  return {reinterpret_cast<const Struct*>(held->data()), static_cast<std::int64_t>(held->shape(0)), held};
}

template <class T>
NumpyVector<const T> to_numpy(const Array<T>& values) {
  auto* owner = new std::shared_ptr<const void>(values.owner());
  nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::shared_ptr<const void>*>(p); });
  return NumpyVector<const T>(values.data(), {static_cast<std::size_t>(values.size())}, capsule);
}

// Structs of equal words as a matrix of those words.
template <class Word, class Struct>
NumpyMatrix<const Word> to_words(const Array<Struct>& values) {
  auto* owner = new std::shared_ptr<const void>(values.owner());
  nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::shared_ptr<const void>*>(p); });
  return NumpyMatrix<const Word>(reinterpret_cast<const Word*>(values.data()),
                                 {static_cast<std::size_t>(values.size()), sizeof(Struct) / sizeof(Word)}, capsule);
}

}  // namespace arborank::bindings
