// A layer with its arrays, which it keeps alive: checked once, so that no search of it reads outside them.
#pragma once
#include <utility>
#include <vector>

#include "base/array.hpp"
#include "layer/check.hpp"
#include "layer/convert.hpp"

namespace arborank::layer {

// What a saved layer consists of; `LayerView` says what each array holds.
struct LayerParts {
  Array<std::int64_t> branches;
  Array<std::int32_t> ranks;
  Array<Extent> extents;
  Array<IndexEntry> index;
  Array<std::uint16_t> starts;
  Array<std::uint32_t> bases;
  Array<std::uint16_t> keys, units;
  Array<float> bias, scales;
  Precision precision = Precision::float32;

  void take(LayerArrays&& arrays) {
    extents = std::move(arrays.extents);
    index = std::move(arrays.index);
    starts = std::move(arrays.starts);
    bases = std::move(arrays.bases);
    keys = std::move(arrays.keys);
    units = std::move(arrays.units);
  }
};

class Layer {
 public:
  explicit Layer(LayerParts parts) : parts_(std::move(parts)) {
    view_.branches = parts_.branches.data();
    view_.ranks = parts_.ranks.data();
    view_.extents = parts_.extents.data();
    view_.index = parts_.index.data();
    view_.starts = parts_.starts.data();
    view_.bases = parts_.bases.data();
    view_.keys = parts_.keys.data();
    view_.units = parts_.units.data();
    view_.bias = parts_.bias.data();
    view_.scales = parts_.scales.data();
    view_.precision = parts_.precision;
    view_.n_parents = parts_.branches.size() - 1;
    view_.n_children = parts_.bias.size();
    view_.n_features = parts_.ranks.size();
    view_.hash = RankHash(view_.n_features);
    view_.n_units = parts_.units.size();
    check_extents(view_, {parts_.branches.size(), parts_.extents.size(), parts_.index.size(), parts_.starts.size(),
                          parts_.bases.size(), parts_.keys.size(), parts_.units.size(), parts_.bias.size(),
                          parts_.scales.size()});
  }

  const LayerParts& parts() const { return parts_; }
  const LayerView& view() const { return view_; }

  // Reads everything; throws std::invalid_argument unless all is as training makes it.
  void check() const { check_layer(view_); }

  // Number of weights.
  std::int64_t nnz() const {
    check();
    return count_weights(view_);
  }

  Layer converted(const Conversion& conversion, int n_threads, const Tick& tick) const {
    check();
    auto [arrays, scales] = convert_layer(view_, conversion, n_threads, tick);
    LayerParts made = parts_;
    made.take(std::move(arrays));
    made.scales = std::move(scales);
    made.precision = conversion.precision;
    return Layer(std::move(made));
  }

  ChildMajor unpacked() const {
    check();
    return unpack_layer(view_);
  }

 private:
  LayerParts parts_;
  LayerView view_;
};

// children: W transposed, canonical.
inline Layer packed_layer(const sparse::CsrView& children, Array<float> bias, Array<std::int64_t> branches,
                          Array<std::int32_t> ranks, int n_threads, const Tick& tick) {
  if (bias.size() != children.n_rows)
    throw std::invalid_argument("bias has " + std::to_string(bias.size()) + " entries, but W has " +
                                std::to_string(children.n_rows) + " columns");
  check_branches(branches.span(), children.n_rows);
  check_ranks(ranks.span(), children.n_cols);
  LayerParts parts;
  parts.branches = std::move(branches);
  parts.ranks = std::move(ranks);
  parts.bias = std::move(bias);
  parts.take(
      pack_layer(children, parts.branches.data(), parts.branches.size() - 1, parts.ranks.span(), n_threads, tick));
  return Layer(std::move(parts));
}

}  // namespace arborank::layer
