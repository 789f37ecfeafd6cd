// Which labels a search may return and what their scores are multiplied by, prepared once for a tree.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include "base/simd.hpp"
#include "search/tree.hpp"

namespace arborank::search {

// A bit a node, with 16 more to read.
class NodeSet {
 public:
  explicit NodeSet(std::int64_t n_nodes, bool all = false) : words_((n_nodes + 63) / 32 + 1, all ? 0xffffffffu : 0) {}
  void insert(std::int64_t node) { words_[node >> 5] |= 1u << (node & 31); }
  void erase(std::int64_t node) { words_[node >> 5] &= ~(1u << (node & 31)); }
  const std::uint32_t* words() const { return words_.data(); }

  // The bits of 16 nodes from one on.
  static std::uint32_t lanes(const std::uint32_t* words, std::int64_t first) {
    const std::uint64_t two = words[first >> 5] | std::uint64_t{words[(first >> 5) + 1]} << 32;
    return static_cast<std::uint32_t>(two >> (first & 31)) & 0xffff;
  }
  bool any(std::int64_t begin, std::int64_t end) const {
    for (; begin < end; begin += kLanes) {
      if (lanes(words(), begin) & first_lanes(end - begin))
        return true;
    }
    return false;
  }

 private:
  std::vector<std::uint32_t> words_;
};

struct LabelIds {
  const std::int64_t *begin = nullptr, *end = nullptr;  // each below n_labels
};

class LabelFilter {
 public:
  // allowed, excluded: may be null; weights: one a label, finite and not negative, or null. A label of weight 0 is
  // excluded: it has no place in any order by scores or by their logarithms.
  LabelFilter(const BeamTree& tree, const LabelIds* allowed, const LabelIds* excluded, const float* weights)
      : tree_(&tree) {
    const std::int64_t depth = tree.depth(), n_slots = tree.layer(depth - 1).n_children;
    const bool hides =
        weights != nullptr && std::find(weights, weights + tree.n_labels(), 0.0f) != weights + tree.n_labels();
    if (allowed != nullptr || excluded != nullptr || hides) {
      NodeSet slots(n_slots, allowed == nullptr);
      if (allowed != nullptr)
        tree.for_each_slot(allowed->begin, allowed->end, [&](std::int64_t slot) { slots.insert(slot); });
      std::vector<NodeSet> upwards;
      if (allowed != nullptr)
        for (std::int64_t t = depth - 1; t > 0; t--) {
          const layer::LayerView& layer = tree.layer(t);
          const NodeSet& children = t == depth - 1 ? slots : upwards.back();
          NodeSet parents(layer.n_parents);
          for (std::int64_t p = 0; p < layer.n_parents; p++)
            if (children.any(layer.branches[p], layer.branches[p + 1]))
              parents.insert(p);
          upwards.push_back(std::move(parents));
        }
      if (excluded !=
          nullptr)  // where a node leads only to excluded labels it takes its place in the beam all the same
        tree.for_each_slot(excluded->begin, excluded->end, [&](std::int64_t slot) { slots.erase(slot); });
      for (std::int64_t slot = 0; hides && slot < n_slots; slot++)
        if (weights[tree.labels()[slot]] == 0)
          slots.erase(slot);
      upper_.assign(std::make_move_iterator(upwards.rbegin()), std::make_move_iterator(upwards.rend()));
      bottom_.push_back(std::move(slots));
    }
    if (weights != nullptr) {
      weights_.resize(n_slots + kLanes);
      for (std::int64_t slot = 0; slot < n_slots; slot++)
        weights_[slot] = weights[tree.labels()[slot]];
      const layer::LayerView& last = tree.layer(depth - 1);
      best_.resize(last.n_parents);
      for (std::int64_t p = 0; p < last.n_parents; p++)
        for (std::int64_t slot = last.branches[p]; slot < last.branches[p + 1]; slot++)
          best_[p] = std::max(best_[p], weights_[slot]);
    }
  }

  const BeamTree* tree() const { return tree_; }
  bool weighted() const { return !weights_.empty(); }
  // Of a label of the tree, if weighted.
  float weight_of(std::int64_t label) const {
    float weight = 1;
    tree_->for_each_slot(&label, &label + 1, [&](std::int64_t slot) { weight = weights_[slot]; });
    return weight;
  }

  // Labels of the tree that a search may return.
  std::int64_t n_labels() const {
    const std::int64_t n_slots = tree_->layer(tree_->depth() - 1).n_children;
    std::vector<bool> found(tree_->n_labels());
    for (std::int64_t slot = 0; slot < n_slots; slot++)
      if (bottom_.empty() || bottom_[0].any(slot, slot + 1))
        found[tree_->labels()[slot]] = true;
    return std::count(found.begin(), found.end(), true);
  }

  // Nodes of the level below layer t that may enter the beam; null: all.
  const std::uint32_t* nodes(std::int64_t t) const {
    if (t + 1 == tree_->depth())
      return bottom_.empty() ? nullptr : bottom_[0].words();
    return upper_.empty() ? nullptr : upper_[t].words();
  }

  // What a score is multiplied by, or their logarithms, which are added.
  struct Weights {
    const float* slots = nullptr;  // one a slot and 16 more; null: none
    const float* best = nullptr;   // the largest below every parent
    bool logarithm = false;

    float apply(float score, std::int64_t parent) const {
      return logarithm ? (score + best[parent]) + 0.0f : score * best[parent];
    }
  };
  Weights weights(bool logarithm) const {
    if (weights_.empty())
      return {};
    if (!logarithm)
      return {weights_.data(), best_.data(), false};
    std::call_once(logarithms_, [this] {
      for (const auto& [from, to] : {std::pair(&weights_, &log_weights_), std::pair(&best_, &log_best_)})
        for (const float weight : *from)
          to->push_back(std::log(weight));
    });
    return {log_weights_.data(), log_best_.data(), true};
  }

 private:
  const BeamTree* tree_;
  std::vector<NodeSet> upper_, bottom_;  // of all levels but the last, of the last; empty: no restriction
  std::vector<float> weights_, best_;
  mutable std::once_flag logarithms_;
  mutable std::vector<float> log_weights_, log_best_;
};

}  // namespace arborank::search
