// A layer made of the families of other layers: whole ones are taken over byte by byte, in a mapped file without a
// copy; others, and those of other ranks or another precision, are packed anew, to the same weights.
#pragma once
#include <algorithm>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "layer/stored.hpp"

namespace arborank::layer {

// The children of one parent, or those that are marked.
struct Piece {
  const Layer* layer;
  std::int64_t parent;
  const bool* kept = nullptr;  // of all children of the layer; null: all
};

namespace detail {

inline bool fits(const LayerParts& parts, const LayerParts& like) {
  const auto same = [](const Array<std::int32_t>& a, const Array<std::int32_t>& b) {
    return a.data() == b.data() || std::equal(a.data(), a.data() + a.size(), b.data());
  };
  return parts.precision == like.precision && same(parts.ranks, like.ranks);
}

// Chunks packed anew, of weights as they are in other layers.
class Repacker {
 public:
  explicit Repacker(const LayerParts& like) : ranks_(like.ranks.span()), precision_(like.precision) {
    made_.ranks = like.ranks;
    made_.precision = like.precision;
  }

  // Makes the pieces' children siblings; returns the number of their parent.
  std::int64_t add(std::span<const Piece> pieces) {
    Weights weights;
    std::int64_t n_siblings = 0;
    for (const Piece& piece : pieces)
      n_siblings = add_piece(piece, n_siblings, weights);
    branches_.push_back(branches_.back() + n_siblings);
    chunks_.push_back(pack_weights(weights, ranks_, n_siblings, precision_));
    return static_cast<std::int64_t>(chunks_.size()) - 1;
  }

  LayerParts finish() {
    made_.take(LayerArrays::join(std::move(chunks_), {}, 0));
    made_.branches = std::move(branches_);
    made_.bias = std::move(bias_);
    made_.scales = std::move(scales_);
    return std::move(made_);
  }

 private:
  std::int64_t add_piece(const Piece& piece, std::int64_t n_siblings, Weights& weights) {
    const LayerView& layer = piece.layer->view();
    if (known_ != piece.layer) {
      check_ranks(layer);
      feature_of_ = features_by_rank(layer);
      known_ = piece.layer;
    }
    check_chunk(layer, piece.parent);
    const std::int64_t first = layer.branches[piece.parent], n = layer.branches[piece.parent + 1] - first;
    std::vector<float> scales(precision_ == Precision::int8 ? n : 0);
    if (precision_ == Precision::int8)
      set_scales(layer, piece.parent, scales.data());
    std::vector<std::int64_t> place(n, -1);
    for (std::int64_t child = 0; child < n; child++) {
      if (piece.kept != nullptr && !piece.kept[first + child])
        continue;
      place[child] = n_siblings++;
      bias_.push_back(layer.bias[first + child]);
      if (precision_ == Precision::int8)
        scales_.push_back(scales[child]);
    }
    const auto ranks = row_ranks(layer, piece.parent);
    visit_blocks(layer, piece.parent,
                 [&](std::int64_t row, std::uint32_t block, std::uint32_t mask, const float* weight) {
                   const std::uint64_t feature = static_cast<std::uint32_t>(feature_of_[ranks[row]]);
                   for (; mask != 0; mask &= mask - 1, weight++) {
                     const std::uint32_t child = block * 16 + std::countr_zero(mask);
                     if (place[child] < 0)
                       continue;
                     const float value = to_pack(*weight, precision_, scales.data() + child);
                     if (value != 0)
                       weights.emplace_back(feature << 32 | static_cast<std::uint64_t>(place[child]), value);
                   }
                 });
    return n_siblings;
  }

  std::span<const std::int32_t> ranks_;
  Precision precision_;
  LayerParts made_;
  std::vector<PackedChunk> chunks_;
  std::vector<std::int64_t> branches_{0};
  std::vector<float> bias_, scales_;
  const Layer* known_ = nullptr;  // whose features by rank these are
  std::vector<std::int32_t> feature_of_;
};

// Takes over chunks as they lie.
class Gatherer {
 public:
  void add(const LayerParts& parts, std::int64_t parent) {
    const Extent &a = parts.extents[parent], &b = parts.extents[parent + 1];
    index_.add(parts.index, a.index, b.index);
    starts_.add(parts.starts, a.start, b.start);
    bases_.add(parts.bases, a.base, b.base);
    keys_.add(parts.keys, a.key, b.key);
    units_.add(parts.units, a.unit, b.unit);
    const std::int64_t first = parts.branches[parent], end = parts.branches[parent + 1];
    bias_.add(parts.bias, first, end);
    if (parts.precision == Precision::int8)
      scales_.add(parts.scales, first, end);
    branches_.push_back(branches_.back() + end - first);
    extents_.back().tail += a.tail - a.index;
    const std::int64_t n = index_.size();
    extents_.push_back({n, n, starts_.size(), keys_.size(), units_.size(), bases_.size()});
    padding_ = &parts.units;
  }

  Layer finish(const LayerParts& like) {
    const std::int64_t n = padding_->size();
    units_.add(*padding_, n - kPadding, n);
    LayerParts made;
    made.branches = std::move(branches_);
    made.ranks = like.ranks;
    made.extents = std::move(extents_);
    made.index = index_.join();
    made.starts = starts_.join();
    made.bases = bases_.join();
    made.keys = keys_.join();
    made.units = units_.join();
    made.bias = bias_.join();
    made.scales = scales_.join();
    made.precision = like.precision;
    return Layer(std::move(made));
  }

 private:
  std::vector<std::int64_t> branches_{0};
  std::vector<Extent> extents_{{0, 0, 0, 0, 0, 0}};
  Joiner<IndexEntry> index_;
  Joiner<std::uint16_t> starts_, keys_, units_;
  Joiner<std::uint32_t> bases_;
  Joiner<float> bias_, scales_;
  const Array<std::uint16_t>* padding_ = nullptr;
};

}  // namespace detail

// Families of one piece each, in the ranks and the precision of a layer.
inline Layer gather(const LayerParts& like, std::span<const Piece> pieces) {
  if (pieces.empty())
    throw std::invalid_argument("no parent is asked for; a layer has at least one parent");
  detail::Repacker repacker(like);
  std::vector<std::int64_t> packed(pieces.size(), -1);  // where a piece is among those packed anew
  const Layer* known = nullptr;
  bool fits = false, any = false;
  for (std::size_t i = 0; i < pieces.size(); i++) {
    if (pieces[i].layer != known) {
      known = pieces[i].layer;
      if (known->view().n_features != like.ranks.size())
        throw std::invalid_argument(
            "the layers have different numbers of features: " + std::to_string(like.ranks.size()) + " and " +
            std::to_string(known->view().n_features));
      fits = detail::fits(known->parts(), like);
    }
    if (!fits || pieces[i].kept != nullptr) {
      packed[i] = repacker.add(pieces.subspan(i, 1));
      any = true;
    }
  }
  const LayerParts edited = any ? repacker.finish() : LayerParts();
  detail::Gatherer gatherer;
  for (std::size_t i = 0; i < pieces.size(); i++)
    if (packed[i] < 0)
      gatherer.add(pieces[i].layer->parts(), pieces[i].parent);
    else
      gatherer.add(edited, packed[i]);
  return gatherer.finish(like);
}

// The children that are marked, in their order; a parent that loses all of them goes too.
inline Layer select(const Layer& layer, const bool* kept) {
  std::vector<Piece> pieces;
  const LayerView& view = layer.view();
  for (std::int64_t parent = 0; parent < view.n_parents; parent++) {
    const bool *begin = kept + view.branches[parent], *end = kept + view.branches[parent + 1];
    const auto n = std::count(begin, end, true);
    if (n > 0)
      pieces.push_back({&layer, parent, n == end - begin ? nullptr : kept});
  }
  return gather(layer.parts(), pieces);
}

// The children of several single parents as siblings below one, in the ranks and the precision of the first one's
// layer.
inline Layer join_siblings(std::span<const Layer* const> layers) {
  std::vector<Piece> pieces;
  for (const Layer* layer : layers) {
    if (layer->view().n_parents != 1)
      throw std::invalid_argument("a layer has " + std::to_string(layer->view().n_parents) +
                                  " parents; 1 was expected");
    pieces.push_back({layer, 0});
  }
  detail::Repacker repacker(layers[0]->parts());
  repacker.add(pieces);
  return Layer(repacker.finish());
}

}  // namespace arborank::layer
