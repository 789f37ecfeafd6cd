// What a tree says of given labels, whether or not a beam would reach them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "search/margins.hpp"
#include "search/tree.hpp"

namespace arborank::search {

// The margin of a label among its siblings, and how far its ancestors are from certain: the sum of their hinges, cubed.
struct LabelMargins {
  float margin, above;
};

class Rescorer {
 public:
  // Of `n` different labels; of several slots of a label, those with the least loss. A label without one is far from
  // certain.
  void operator()(const BeamTree& tree, const sparse::CsrView& X, std::int64_t row, const std::int32_t* labels,
                  std::int64_t n, std::vector<LabelMargins>& found) {
    tree.leading_to(labels, labels + n, leading_);
    const std::int64_t from = X.begin(row), n_features = X.length(row);
    ranks_.resize(n_features);
    values_.resize(n_features);
    margins_.reserve(n_features);
    above_.assign(1, 0.0f);
    nodes_.assign(1, 0);
    Query query{ranks_.data(), values_.data(), n_features, 0, unit_of(X.data + from, n_features)};
    for (std::int64_t t = 0; t < tree.depth(); t++) {
      const layer::LayerView& layer = tree.layer(t);
      if (t == 0 || layer.ranks != tree.layer(t - 1).ranks) {
        query.n_rest =
            rank_query(layer.ranks, X.indices + from, X.data + from, n_features, ranks_.data(), values_.data());
        for (std::int64_t i = 0; query.unit != 1.0f && i < n_features; i++)
          values_[i] /= query.unit;
      }
      open(layer, query, leading_[t], t + 1 == tree.depth());
    }
    found.assign(n, {kFar, kLost});
    const auto& slots = leading_.back();
    for (std::int64_t i = 0; i < n; i++)
      tree.for_each_slot(labels + i, labels + i + 1, [&](std::int32_t slot) {
        const auto at = std::lower_bound(slots.begin(), slots.end(), slot) - slots.begin();
        const LabelMargins one{std::max(slot_margins_[at], kFar), std::min(above_[at], kLost)};
        if (loss(one) < loss(found[i]))
          found[i] = one;
      });
  }

  static float hinge(float margin) { return std::max(1.0f - margin, 0.0f); }
  static float loss(const LabelMargins& one) { return one.above + cube(hinge(one.margin)); }

 private:
  static constexpr float kFar = -10, kLost = 1000;  // at the most: a single weight shall not decide
  static float cube(float x) { return x * x * x; }

  // Leaves the children that are wanted as nodes, with what is above them.
  void open(const layer::LayerView& layer, const Query& query, const std::vector<std::int32_t>& wanted, bool last) {
    next_.clear();
    slot_margins_.clear();
    std::size_t i = 0;
    const auto n = static_cast<std::int64_t>(nodes_.size());
    open_in_turn(
        layer, n, [&](std::int64_t parent) { return nodes_[parent]; }, query, margins_, sums_,
        [&](std::int64_t parent, const Chunk&, const f32x16* margins) {
          const std::int64_t first = layer.branches[nodes_[parent]], end = layer.branches[nodes_[parent] + 1];
          for (; i < wanted.size() && wanted[i] < end; i++) {
            const std::int64_t child = wanted[i] - first;
            const float margin = margins[child / kLanes][child % kLanes];
            next_.push_back(above_[parent] + (last ? 0.0f : cube(hinge(margin))));
            slot_margins_.push_back(margin);
          }
          return true;
        });
    nodes_ = wanted;
    std::swap(above_, next_);
  }

  Margins margins_;
  std::vector<f32x16> sums_;
  std::vector<std::int32_t> ranks_, nodes_;
  std::vector<float> values_, above_, next_, slot_margins_;
  std::vector<std::vector<std::int32_t>> leading_;
};

}  // namespace arborank::search
