// A layer's arrays on their way to NumPy, without copies; shared by training and import.
#pragma once
#include "bindings/common.hpp"
#include "layer/pack.hpp"

namespace arborank::bindings {

// A vector of structs of equal words, as a matrix of those words.
template <class Word, class Struct>
NumpyMatrix<Word> to_words(std::vector<Struct>&& values) {
  auto* owned = new std::vector<Struct>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<Struct>*>(p); });
  return NumpyMatrix<Word>(reinterpret_cast<Word*>(owned->data()), {owned->size(), sizeof(Struct) / sizeof(Word)},
                           owner);
}

// The keyword arguments of the Python class LayerWeights that come from packing.
inline nb::dict layer_to_numpy(layer::LayerArrays&& layer) {
  nb::dict out;
  out["extents"] = to_words<std::int64_t>(std::move(layer.extents));
  out["index"] = to_words<std::uint32_t>(std::move(layer.index));
  out["starts"] = to_numpy(std::move(layer.starts));
  out["bases"] = to_numpy(std::move(layer.bases));
  out["keys"] = to_numpy(std::move(layer.keys));
  out["units"] = to_numpy(std::move(layer.units));
  return out;
}

}  // namespace arborank::bindings
