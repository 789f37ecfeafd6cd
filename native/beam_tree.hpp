// A stack of layers as the search walks it, and which of its nodes lead to given labels.
#pragma once
#include <mutex>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "beam_range.hpp"
#include "csr.hpp"
#include "weights.hpp"

namespace arborank {

class BeamTree {
 public:
  // labels: one a child of the last layer.
  BeamTree(std::vector<LayerView> layers, const std::int32_t* labels, std::int64_t n_slots, std::int64_t n_labels)
      : layers_(std::move(layers)), labels_(labels), n_labels_(n_labels) {
    if (layers_.empty())
      throw std::invalid_argument("a beam search needs at least one layer");
    std::int64_t n_nodes = 1;
    for (std::size_t t = 0; t < layers_.size(); t++) {
      if (layers_[t].n_parents != n_nodes)
        throw std::invalid_argument("layer " + std::to_string(t) + " has " + std::to_string(layers_[t].n_parents) +
                                    " parents, but the level above has " + std::to_string(n_nodes) + " nodes");
      if (layers_[t].n_features != layers_[0].n_features)
        throw std::invalid_argument("layer " + std::to_string(t) + " takes " +
                                    std::to_string(layers_[t].n_features) + " features, but layer 0 takes " +
                                    std::to_string(layers_[0].n_features));
      n_nodes = layers_[t].n_children;
      std::int64_t& widest = widest_.emplace_back(0);
      for (std::int64_t p = 0; p < layers_[t].n_parents; p++)
        widest = std::max(widest, layers_[t].branches[p + 1] - layers_[t].branches[p]);
    }
    if (n_slots != n_nodes)
      throw std::invalid_argument("labels has " + std::to_string(n_slots) + " entries, but the last layer scores " +
                                  std::to_string(n_nodes) + " nodes");
    std::vector<bool> seen(n_labels, false);
    for (std::int64_t slot = 0; slot < n_slots; slot++) {
      if (labels[slot] < 0 || labels[slot] >= n_labels)
        throw std::invalid_argument("labels holds " + std::to_string(labels[slot]) + ", which is outside [0, " +
                                    std::to_string(n_labels) + ")");
      overlapping_ = overlapping_ || seen[labels[slot]];
      seen[labels[slot]] = true;
    }
  }

  std::int64_t depth() const { return static_cast<std::int64_t>(layers_.size()); }
  const LayerView& layer(std::int64_t t) const { return layers_[t]; }
  const std::int32_t* labels() const { return labels_; }
  std::int64_t n_labels() const { return n_labels_; }
  std::int64_t n_features() const { return layers_[0].n_features; }
  bool overlapping() const { return overlapping_; }       // a label stands in several slots

  // The most children of layer t that one search can score.
  std::int64_t most_scored_at(std::int64_t t, std::int64_t beam_size) const {
    return std::min(std::min(beam_size, layers_[t].n_parents) * widest_[t], layers_[t].n_children);
  }
  // The most nodes that one search can score.
  std::int64_t most_scored(std::int64_t beam_size) const {
    std::int64_t n = 0;
    for (std::int64_t t = 0; t < depth(); t++)
      n += most_scored_at(t, beam_size);
    return n;
  }

  // The slots that hold a label, ascending.
  std::span<const std::int32_t> slots(std::int32_t label) const {
    std::call_once(inverted_, [this] { invert_labels(); });
    return {slots_.data() + first_slot_[label], slots_.data() + first_slot_[label + 1]};
  }

  // The parent of every child of layer t.
  const std::vector<std::int32_t>& parents(std::int64_t t) const {
    std::call_once(climbed_, [this] {
      for (const LayerView& layer : layers_) {
        parents_.emplace_back();
        for (std::int64_t p = 0; p < layer.n_parents; p++)
          parents_.back().resize(layer.branches[p + 1], static_cast<std::int32_t>(p));
      }
    });
    return parents_[t];
  }

  // For every level below the root, which labels its nodes may lead to.
  const std::vector<LabelSpans>& spans() const {
    std::call_once(spanned_, [this] { spans_ = label_spans(layers_, labels_); });
    return spans_;
  }
  StartNode start(const LabelRange& range) const { return start_node(layers_, spans(), range); }

  // For every level below the root, its nodes that lead to one of the labels, ascending.
  std::vector<std::vector<std::int32_t>> leading_to(const std::int32_t* begin, const std::int32_t* end) const {
    std::vector<std::vector<std::int32_t>> levels(layers_.size());
    for (const std::int32_t* label = begin; label != end; label++)
      levels.back().insert(levels.back().end(), slots(*label).begin(), slots(*label).end());
    std::sort(levels.back().begin(), levels.back().end());
    for (std::int64_t t = depth() - 1; t > 0; t--) {
      const std::int64_t *branch = layers_[t].branches, *last = branch + layers_[t].n_parents + 1;
      for (const std::int32_t node : levels[t]) {
        if (!levels[t - 1].empty() && node < layers_[t].branches[levels[t - 1].back() + 1])
          continue;  // a sibling of the one before
        branch = std::upper_bound(branch, last, std::int64_t{node});
        levels[t - 1].push_back(static_cast<std::int32_t>(branch - layers_[t].branches - 1));
      }
    }
    return levels;
  }

 private:
  void invert_labels() const {
    first_slot_.assign(n_labels_ + 1, 0);
    const std::int64_t n_slots = layers_.back().n_children;
    for (std::int64_t slot = 0; slot < n_slots; slot++)
      first_slot_[labels_[slot] + 1]++;
    std::partial_sum(first_slot_.begin(), first_slot_.end(), first_slot_.begin());
    slots_.resize(n_slots);
    std::vector<std::int32_t> next(first_slot_.begin(), first_slot_.end() - 1);
    for (std::int64_t slot = 0; slot < n_slots; slot++)
      slots_[next[labels_[slot]]++] = static_cast<std::int32_t>(slot);
  }

  std::vector<LayerView> layers_;
  std::vector<std::int64_t> widest_;  // most children of a parent, layer by layer
  const std::int32_t* labels_;
  std::int64_t n_labels_;
  bool overlapping_ = false;
  mutable std::once_flag spanned_;
  mutable std::vector<LabelSpans> spans_;
  mutable std::once_flag climbed_;
  mutable std::vector<std::vector<std::int32_t>> parents_;
  mutable std::once_flag inverted_;
  mutable std::vector<std::int32_t> first_slot_, slots_;  // slots of every label, made when first asked for
};

}  // namespace arborank
