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
    for_ancestors([](NodeSet& nodes, std::int32_t node) {
      const bool is_new = !nodes.contains(node);
      nodes.insert(node);
      return is_new;
    });
    if (excluded != nullptr)  // a node that leads only to excluded labels takes its place in the beam all the same
      for (const std::int32_t* label = excluded->begin; label != excluded->end; label++)
        for (const std::int32_t slot : tree.slots(*label))
          slots.erase(slot);
  }

  // Makes it ready for the next query.
  void clear() {
    if (restricted_) {
      for (const std::int32_t slot : slots_)
        levels_.back().erase(slot);
      for_ancestors([](NodeSet& nodes, std::int32_t node) {
        const bool was_there = nodes.contains(node);
        nodes.erase(node);
        return was_there;
      });
    } else {
      for (const std::int32_t slot : slots_)
        all_[0].insert(slot);
    }
    tree_ = nullptr;
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
    for (const std::int32_t* label = labels.begin; label != labels.end; label++)
      for (const std::int32_t slot : tree_->slots(*label))
        slots_.push_back(slot);
  }

  // Calls visit(nodes of a level, node) for the nodes above the slots, upwards until it returns false.
  template <class Visit>
  void for_ancestors(Visit&& visit) {
    for (const std::int32_t slot : slots_) {
      std::int32_t node = slot;
      for (std::int64_t t = tree_->depth() - 1; t > 0; t--) {
        node = tree_->parents(t)[node];
        if (!visit(levels_[t - 1], node))
          break;
      }
    }
  }

  const BeamTree* tree_ = nullptr;
  bool restricted_ = false;
  std::vector<NodeSet> levels_;     // empty between queries
  std::vector<NodeSet> all_;        // the slots, all of them between queries
  std::vector<std::int32_t> slots_;
};

}  // namespace arborank
