// A filter of one query alone, as bits like those of a LabelFilter, in memory that outlives the query: what it costs
// follows from the labels it names, and not from those there are.
#pragma once
#include "beam_filter.hpp"

namespace arborank {

class OwnFilter {
 public:
  // Labels in any order, maybe repeated; `allowed` and `excluded` may be null, but not both.
  void set(const BeamTree& tree, const LabelIds* allowed, const LabelIds* excluded) {
    tree_ = &tree;
    restricted_ = allowed != nullptr;
    const std::int64_t depth = tree.depth(), n_slots = tree.layer(depth - 1).n_children;
    if (restricted_ && levels_.empty())
      for (std::int64_t t = 0; t < depth; t++)
        levels_.emplace_back(tree.layer(t).n_children);
    if (!restricted_ && all_.empty())
      all_.emplace_back(n_slots, true);
    if (restricted_)
      gather(*allowed);
    else
      gather(*excluded);
    NodeSet& slots = restricted_ ? levels_.back() : all_[0];
    if (!restricted_) {
      for (const std::int32_t slot : slots_)
        slots.erase(slot);
      return;
    }
    for (const std::int32_t slot : slots_)
      slots.insert(slot);
    if (depth > 1) {
      const std::int32_t* parents = tree.parents(depth - 1).data();
      for (const std::int32_t slot : slots_)
        levels_[depth - 2].insert(parents[slot]);
    }
    for (std::int64_t t = depth - 2; t > 0; t--) {
      const std::int32_t* parents = tree.parents(t).data();
      levels_[t].for_each([&](std::int64_t node) { levels_[t - 1].insert(parents[node]); });
    }
    if (excluded != nullptr)  // a node that leads only to excluded labels takes its place in the beam all the same
      for (const std::int64_t* label = excluded->begin; label != excluded->end; label++)
        for (const std::int32_t slot : tree.slots(static_cast<std::int32_t>(*label)))
          slots.erase(slot);
  }

  // Makes it ready for the next query.
  void clear() {
    if (restricted_) {
      for (const std::int32_t slot : slots_)
        levels_.back().erase(slot);
      for (std::size_t t = 0; t + 1 < levels_.size(); t++)
        levels_[t].clear();
    } else {
      for (const std::int32_t slot : slots_)
        all_[0].insert(slot);
    }
    tree_ = nullptr;
  }

  std::int64_t bytes() const {
    std::int64_t n = static_cast<std::int64_t>(slots_.capacity() * sizeof(std::int32_t));
    for (const auto* sets : {&levels_, &all_})
      for (const NodeSet& set : *sets)
        n += set.bytes();
    return n;
  }
  bool is_set() const { return tree_ != nullptr; }

  // Nodes of the level below layer t that may enter the beam; null: all.
  const std::uint32_t* nodes(std::int64_t t) const {
    if (restricted_)
      return levels_[t].words();
    return t + 1 == tree_->depth() ? all_[0].words() : nullptr;
  }

 private:
  void gather(const LabelIds& labels) {
    slots_.clear();
    for (const std::int64_t* label = labels.begin; label != labels.end; label++)
      for (const std::int32_t slot : tree_->slots(static_cast<std::int32_t>(*label)))
        slots_.push_back(slot);
  }

  const BeamTree* tree_ = nullptr;
  bool restricted_ = false;
  std::vector<NodeSet> levels_;     // empty between queries
  std::vector<NodeSet> all_;        // the slots, all of them between queries
  std::vector<std::int32_t> slots_;
};

}  // namespace arborank
