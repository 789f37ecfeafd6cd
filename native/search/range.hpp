// A search among labels with neighbouring ids: which nodes may lead to them, and where it begins.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "layer/layer.hpp"

namespace arborank::search {

// Labels from `first` to before `end`.
struct LabelRange {
  std::int32_t first, end;
};

// The least and the greatest label below every node of a level: of those in a trie over sorted names, exactly its
// labels.
struct LabelSpans {
  std::vector<std::int32_t> least, greatest;

  bool meets(std::int64_t node, const LabelRange& range) const {
    return least[node] < range.end && greatest[node] >= range.first;
  }
};

// Spans of every level below the root.
inline std::vector<LabelSpans> label_spans(const std::vector<layer::LayerView>& layers, const std::int32_t* labels) {
  std::vector<LabelSpans> levels(layers.size());
  const std::int64_t n_slots = layers.back().n_children;
  levels.back() = {{labels, labels + n_slots}, {labels, labels + n_slots}};
  for (std::size_t t = layers.size() - 1; t > 0; t--) {
    const std::int64_t* branches = layers[t].branches;
    const LabelSpans& below = levels[t];
    for (std::int64_t node = 0; node < layers[t].n_parents; node++) {
      const auto begin = branches[node], end = branches[node + 1];
      // a node without children leads nowhere
      levels[t - 1].least.push_back(
          begin == end ? INT32_MAX : *std::min_element(below.least.begin() + begin, below.least.begin() + end));
      levels[t - 1].greatest.push_back(
          begin == end ? -1 : *std::max_element(below.greatest.begin() + begin, below.greatest.begin() + end));
    }
  }
  return levels;
}

struct StartNode {
  std::int64_t level, node;
};

// The deepest node above the labels that alone on its level may lead to the range.
inline StartNode start_node(const std::vector<layer::LayerView>& layers, const std::vector<LabelSpans>& spans,
                            const LabelRange& range) {
  StartNode start{0, 0};
  while (start.level + 1 < static_cast<std::int64_t>(layers.size())) {
    const std::int64_t* branches = layers[start.level].branches;
    std::int64_t found = -1;
    for (std::int64_t child = branches[start.node]; child < branches[start.node + 1]; child++)
      if (spans[start.level].meets(child, range)) {
        if (found >= 0)
          return start;
        found = child;
      }
    if (found < 0)
      return start;
    start = {start.level + 1, found};
  }
  return start;
}

}  // namespace arborank::search
