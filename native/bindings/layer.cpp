#include "bindings/layer.hpp"

#include "layer/assemble.hpp"

namespace arborank::bindings {

namespace {

using layer::Layer;

// The names of a layer's arrays, in the order of `LayerParts`.
constexpr const char* kNames[] = {"branches", "ranks", "extents", "index", "starts",
                                  "bases",    "keys",  "units",   "bias",  "scales"};

template <class Values>
Values array_named(const nb::dict& arrays, const char* name) {
  Values values;
  if (!nb::try_cast<Values>(arrays[name], values, false)) {
    const nb::object found = arrays[name];
    throw std::invalid_argument("corrupt layer weights: " + std::string(name) + " has the wrong type or shape: " +
                                nb::cast<std::string>(nb::str(nb::getattr(found, "dtype", found.type()))) +
                                nb::cast<std::string>(nb::str(nb::getattr(found, "shape", nb::none()))));
  }
  return values;
}

template <class Struct, class Word>
Array<Struct> structs_named(const nb::dict& arrays, const char* name) {
  const auto words = array_named<Matrix<Word>>(arrays, name);
  if (words.shape(1) != sizeof(Struct) / sizeof(Word))
    throw std::invalid_argument("corrupt layer weights: " + std::string(name) + " has " +
                                std::to_string(words.shape(1)) + " columns");
  return shared_structs<Struct, Word>(words);
}

std::string listed(nb::handle names) { return nb::cast<std::string>(nb::str(", ").attr("join")(names)); }

Layer from_arrays(const nb::dict& arrays, layer::Precision precision) {
  bool all = arrays.size() == std::size(kNames);
  for (const char* name : kNames)
    all = all && arrays.contains(name);
  if (!all)
    throw std::invalid_argument("layer weights hold the arrays " + listed(nb::list(arrays.keys())) + ", but " +
                                listed(nb::cast(std::vector<std::string>(std::begin(kNames), std::end(kNames)))) +
                                " were expected");
  const layer::LayerParts parts{shared(array_named<Vector<std::int64_t>>(arrays, "branches")),
                                shared(array_named<Vector<std::int32_t>>(arrays, "ranks")),
                                structs_named<layer::Extent, std::int64_t>(arrays, "extents"),
                                structs_named<layer::IndexEntry, std::uint32_t>(arrays, "index"),
                                shared(array_named<Vector<std::uint16_t>>(arrays, "starts")),
                                shared(array_named<Vector<std::uint32_t>>(arrays, "bases")),
                                shared(array_named<Vector<std::uint16_t>>(arrays, "keys")),
                                shared(array_named<Vector<std::uint16_t>>(arrays, "units")),
                                shared(array_named<Vector<float>>(arrays, "bias")),
                                shared(array_named<Vector<float>>(arrays, "scales")),
                                precision};
  nb::gil_scoped_release release;
  return Layer(parts);
}

nb::dict arrays_of(const Layer& layer) {
  const layer::LayerParts& parts = layer.parts();
  nb::dict out;
  out["branches"] = to_numpy(parts.branches);
  out["ranks"] = to_numpy(parts.ranks);
  out["extents"] = to_words<std::int64_t>(parts.extents);
  out["index"] = to_words<std::uint32_t>(parts.index);
  out["starts"] = to_numpy(parts.starts);
  out["bases"] = to_numpy(parts.bases);
  out["keys"] = to_numpy(parts.keys);
  out["units"] = to_numpy(parts.units);
  out["bias"] = to_numpy(parts.bias);
  out["scales"] = to_numpy(parts.scales);
  return out;
}

NumpyVector<std::int32_t> ranks_of(const Csr& X) {
  return to_numpy(without_gil([&] { return layer::rank_features(X.view); }));
}

NumpyVector<std::int32_t> ranks_of_counts(const Vector<std::uint32_t>& counts) {
  return to_numpy(layer::rank_features(std::vector<std::uint32_t>(counts.data(), counts.data() + counts.size())));
}

Layer pack(const Csr& children, Vector<float> bias, Vector<std::int64_t> branches, Vector<std::int32_t> ranks,
           int n_threads) {
  const sparse::CsrView& view = canonical(children, "W");
  nb::gil_scoped_release release;
  return layer::packed_layer(view, shared(std::move(bias)), shared(std::move(branches)), shared(std::move(ranks)),
                             n_threads, python_tick(std::nullopt));
}

Layer convert(const Layer& layer, layer::Precision precision, float threshold, std::optional<std::int64_t> max_nonzeros,
              int n_threads) {
  nb::gil_scoped_release release;
  return layer.converted({precision, threshold, max_nonzeros.value_or(-1)}, n_threads, python_tick(std::nullopt));
}

std::tuple<NumpyVector<std::int64_t>, NumpyVector<std::int32_t>, NumpyVector<float>> unpack(const Layer& layer) {
  layer::ChildMajor out = without_gil([&] { return layer.unpacked(); });
  return {to_numpy(std::move(out.indptr)), to_numpy(std::move(out.features)), to_numpy(std::move(out.weights))};
}

Layer gather(const std::vector<const Layer*>& layers, Vector<std::int64_t> source, Vector<std::int64_t> parent) {
  if (layers.empty() || source.size() != parent.size())
    throw std::invalid_argument("layers must not be empty, source and parent of one length");
  std::vector<layer::Piece> pieces;
  for (std::size_t i = 0; i < source.size(); i++) {
    const std::int64_t number = source.data()[i];
    if (number < 0 || number >= static_cast<std::int64_t>(layers.size()))
      throw std::invalid_argument("source holds " + std::to_string(number) + ", but there are " +
                                  std::to_string(layers.size()) + " layers");
    pieces.push_back({layers[number], parent.data()[i]});
    if (pieces.back().parent < 0 || pieces.back().parent >= layers[number]->view().n_parents)
      throw std::invalid_argument("parent holds " + std::to_string(pieces.back().parent) + ", but the layer has " +
                                  std::to_string(layers[number]->view().n_parents) + " parents");
  }
  nb::gil_scoped_release release;
  return layer::gather(layers[0]->parts(), pieces);
}

Layer select(const Layer& layer, Vector<bool> kept) {
  if (static_cast<std::int64_t>(kept.size()) != layer.view().n_children)
    throw std::invalid_argument("kept has " + std::to_string(kept.size()) + " entries, but the layer has " +
                                std::to_string(layer.view().n_children) + " children");
  nb::gil_scoped_release release;
  return layer::select(layer, kept.data());
}

}  // namespace

void bind_layer(nb::module_& m) {
  nb::enum_<layer::Precision>(m, "Precision", "How a weight is stored.")
      .value("float32", layer::Precision::float32)
      .value("float16", layer::Precision::float16)
      .value("int8", layer::Precision::int8);
  nb::class_<Layer>(m, "Layer",
                    "The weights of one layer; no search of it reads outside its arrays, whatever they hold.")
      .def_static("from_arrays", &from_arrays, nb::arg("arrays"), nb::arg("precision"),
                  nb::sig("def from_arrays(arrays: dict[str, numpy.typing.NDArray[typing.Any]], precision: Precision) "
                          "-> Layer"),
                  "A layer over arrays that a saved one has; reads no weights.")
      .def_static("pack", &pack, nb::arg("children"), nb::arg("bias").noconvert(), nb::arg("branches").noconvert(),
                  nb::arg("ranks").noconvert(), nb::arg("n_threads"), "A layer of weights W, given transposed.")
      .def_static("gather", &gather, nb::arg("layers"), nb::arg("source").noconvert(), nb::arg("parent").noconvert(),
                  "Families of several layers as one layer, in the ranks and the precision of the first.")
      .def_static(
          "join_siblings", [](const std::vector<const Layer*>& layers) { return layer::join_siblings(layers); },
          nb::arg("layers"), "The children of layers of a single parent as siblings below one.")
      .def("select", &select, nb::arg("kept").noconvert(), "The children marked, and their parents.")
      .def_prop_ro("arrays", &arrays_of,
                   nb::for_getter(nb::sig("def arrays(self) -> dict[str, numpy.typing.NDArray[typing.Any]]")),
                   "All arrays by name, not copied.")
      .def_prop_ro(
          "branches", [](const Layer& layer) { return to_numpy(layer.parts().branches); }, nb::rv_policy::reference)
      .def_prop_ro(
          "ranks", [](const Layer& layer) { return to_numpy(layer.parts().ranks); }, nb::rv_policy::reference)
      .def_prop_ro(
          "bias", [](const Layer& layer) { return to_numpy(layer.parts().bias); }, nb::rv_policy::reference)
      .def_prop_ro("precision", [](const Layer& layer) { return layer.parts().precision; })
      .def_prop_ro("n_features", [](const Layer& layer) { return layer.view().n_features; })
      .def_prop_ro("n_parents", [](const Layer& layer) { return layer.view().n_parents; })
      .def_prop_ro("n_children", [](const Layer& layer) { return layer.view().n_children; })
      .def("check", &Layer::check, nb::call_guard<nb::gil_scoped_release>(),
           "Raises ValueError unless all arrays are as training makes them; reads everything.")
      .def("nnz", &Layer::nnz, nb::call_guard<nb::gil_scoped_release>(), "Number of weights.")
      .def("convert", &convert, nb::arg("precision"), nb::arg("threshold"), nb::arg("max_nonzeros").none(),
           nb::arg("n_threads"), "A layer of another precision, of weights that are large enough.")
      .def("unpack", &unpack, "W transposed as CSR: (indptr, unsorted features, weights).")
      .def("__repr__", [](const Layer& layer) {
        return "<Layer: " + std::to_string(layer.view().n_children) + " children of " +
               std::to_string(layer.view().n_parents) + " parents>";
      });
  m.def("rank_features", &ranks_of, nb::arg("X"), "Places of the columns, those with most entries first.");
  m.def("rank_features", &ranks_of_counts, nb::arg("counts").noconvert(), "The same, of the entries of every column.");
}

}  // namespace arborank::bindings
