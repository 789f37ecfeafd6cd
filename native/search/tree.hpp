// A stack of layers as the search walks it, and which of its nodes lead to given labels.
#pragma once
#include <mutex>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/buffer.hpp"
#include "base/simd.hpp"
#include "layer/layer.hpp"
#include "search/range.hpp"
#include "sparse/csr.hpp"

namespace arborank::search {

class BeamTree {
 public:
  // labels: one a child of the last layer.
  BeamTree(std::vector<layer::LayerView> layers, const std::int32_t* labels, std::int64_t n_slots,
           std::int64_t n_labels)
      : layers_(std::move(layers)), labels_(labels), n_labels_(n_labels) {
    if (layers_.empty())
      throw std::invalid_argument("a beam search needs at least one layer");
    std::int64_t n_nodes = 1;
    for (std::size_t t = 0; t < layers_.size(); t++) {
      if (layers_[t].n_parents != n_nodes)
        throw std::invalid_argument("layer " + std::to_string(t) + " has " + std::to_string(layers_[t].n_parents) +
                                    " parents, but the level above has " + std::to_string(n_nodes) + " nodes");
      if (layers_[t].n_features != layers_[0].n_features)
        throw std::invalid_argument("layer " + std::to_string(t) + " takes " + std::to_string(layers_[t].n_features) +
                                    " features, but layer 0 takes " + std::to_string(layers_[0].n_features));
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
  const layer::LayerView& layer(std::int64_t t) const { return layers_[t]; }
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

  std::int64_t n_slots() const { return layers_.back().n_children; }

  // In how many slots a label stands, and the most of any; after `count_slots`.
  std::int32_t n_slots_of(std::int32_t label) const {
    return overlapping_ ? first_slot_[label + 1] - first_slot_[label] : 1;
  }
  std::int64_t most_slots_of_a_label() const { return most_slots_; }
  void count_slots() const {
    std::call_once(inverted_, [this] { invert_labels(); });
  }

  // Calls visit(slot) for the slots of every label.
  template <class Label, class Visit>
  void for_each_slot(const Label* begin, const Label* end, Visit&& visit) const {
    std::call_once(inverted_, [this] { invert_labels(); });
    const std::int32_t *slots = slots_.data(), *first = first_slot_.data();
    if (!overlapping_) {
      constexpr std::int64_t kAhead = 32;  // the slots of a million labels fit no cache but the last
      for (const Label* label = begin; label != end; label++) {
        if (end - label > kAhead)
          prefetch(slots + label[kAhead]);
        if (slots[*label] >= 0)
          visit(slots[*label]);
      }
    } else {
      for (const Label* label = begin; label != end; label++)
        for (std::int32_t i = first[*label]; i < first[*label + 1]; i++)
          visit(slots[i]);
    }
  }

  // The first slot below every node of the level below layer t, and the number of slots; not of the slots' own level.
  const std::vector<std::int32_t>& first_slots(std::int64_t t) const {
    std::call_once(bounded_, [this] {
      bounds_.resize(layers_.size() - 1);
      for (std::int64_t level = depth() - 2; level >= 0; level--) {
        const layer::LayerView& layer = layers_[level + 1];
        for (std::int64_t node = 0; node <= layer.n_parents; node++) {
          const auto child = static_cast<std::int32_t>(layer.branches[node]);
          bounds_[level].push_back(level == depth() - 2 ? child : bounds_[level + 1][child]);
        }
      }
    });
    return bounds_[t];
  }

  // The parent of every child of layer t.
  const std::vector<std::int32_t>& parents(std::int64_t t) const {
    std::call_once(climbed_, [this] {
      for (const layer::LayerView& layer : layers_) {
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
  void leading_to(const std::int32_t* begin, const std::int32_t* end,
                  std::vector<std::vector<std::int32_t>>& levels) const {
    levels.resize(layers_.size());
    for (auto& level : levels)
      level.clear();
    for_each_slot(begin, end, [&](std::int32_t slot) { levels.back().push_back(slot); });
    std::sort(levels.back().begin(), levels.back().end());
    for (std::int64_t t = depth() - 1; t > 0; t--) {
      const std::int32_t* parents = this->parents(t).data();
      for (const std::int32_t node : levels[t])
        if (levels[t - 1].empty() || levels[t - 1].back() != parents[node])
          levels[t - 1].push_back(parents[node]);
    }
  }

 private:
  void invert_labels() const {
    const std::int64_t n_slots = this->n_slots();
    if (!overlapping_) {
      slots_ = table(n_labels_);
      std::fill(slots_.data(), slots_.data() + n_labels_, -1);
      for (std::int64_t slot = 0; slot < n_slots; slot++)
        slots_[labels_[slot]] = static_cast<std::int32_t>(slot);
      return;
    }
    first_slot_.assign(n_labels_ + 1, 0);
    for (std::int64_t slot = 0; slot < n_slots; slot++)
      first_slot_[labels_[slot] + 1]++;
    most_slots_ = *std::max_element(first_slot_.begin(), first_slot_.end());
    std::partial_sum(first_slot_.begin(), first_slot_.end(), first_slot_.begin());
    slots_ = table(n_slots);
    std::vector<std::int32_t> next(first_slot_.begin(), first_slot_.end() - 1);
    for (std::int64_t slot = 0; slot < n_slots; slot++)
      slots_[next[labels_[slot]]++] = static_cast<std::int32_t>(slot);
  }

  // Of which a query reads a few places anywhere: most of what that takes is to find their pages, unless these are
  // large.
  static Buffer<std::int32_t> table(std::int64_t n) {
    constexpr std::int64_t kLarge = 1 << 19;  // entries of a large page
    return Buffer<std::int32_t>(n < kLarge ? n : (n + kLarge - 1) / kLarge * kLarge);
  }

  std::vector<layer::LayerView> layers_;
  std::vector<std::int64_t> widest_;  // most children of a parent, layer by layer
  const std::int32_t* labels_;
  std::int64_t n_labels_;
  bool overlapping_ = false;
  mutable std::once_flag spanned_;
  mutable std::vector<LabelSpans> spans_;
  mutable std::once_flag climbed_;
  mutable std::vector<std::vector<std::int32_t>> parents_;
  mutable std::once_flag inverted_;
  // made when first asked for: the slot of every label, -1 of none; of an overlapping tree where its slots begin in
  // `slots_`
  mutable std::vector<std::int32_t> first_slot_;
  mutable std::int32_t most_slots_ = 1;
  mutable Buffer<std::int32_t> slots_;
  mutable std::once_flag bounded_;
  mutable std::vector<std::vector<std::int32_t>> bounds_;
};

}  // namespace arborank::search
