// The filter of one query alone: what it costs follows from the labels it names, and not from those there are.
//
// Nothing of the tree is marked. Of the labels that may be returned, their slots are; whether a node leads to one of
// them is looked up when the search comes to the node, for the slots below a node stand together. Labels that may not
// be returned are marked by their ids, and looked up when they would become candidates.
#pragma once
#include <bit>
#include <cstring>

#include "search/filter.hpp"

namespace arborank::search {

// A set of numbers in memory that outlives it: a bit a number, and a byte a word of those, so that emptying it and
// searching it pass over what is empty. (A byte is stored without being read: a bit would wait for the one before it.)
class SparseSet {
 public:
  // Numbers below n; of another size it must be empty.
  void reserve(std::int64_t n) {
    if (static_cast<std::int64_t>(words_.size()) < n / 64 + 2) {  // 16 bits may be read from the last one on
      words_.resize(n / 64 + 2);
      used_.resize((words_.size() + 7) / 8 * 8);
    }
  }
  void insert(std::int64_t i) {
    words_[i >> 6] |= std::uint64_t{1} << (i & 63);
    used_[i >> 6] = 1;
  }
  void clear() {
    for (std::size_t i = 0; i < used_.size(); i += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, used_.data() + i, sizeof eight);
      if (eight == 0)
        continue;
      for (; eight != 0; eight &= eight - 1)
        words_[i + std::countr_zero(eight) / 8] = 0;
      std::memset(used_.data() + i, 0, sizeof eight);
    }
  }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(words_.capacity() * sizeof(std::uint64_t) + used_.capacity());
  }

  // The bits of 16 numbers from one on.
  std::uint32_t lanes(std::int64_t first) const {
    const std::int64_t word = first >> 6, shift = first & 63;
    return static_cast<std::uint32_t>(words_[word] >> shift | words_[word + 1] << 1 << (63 - shift)) & 0xffff;
  }
  bool any(std::int64_t begin, std::int64_t end) const {
    if (begin >= end)
      return false;
    const std::int64_t first = begin >> 6, last = (end - 1) >> 6;
    if (!any_word(first, last + 1))  // most often, and what tells it fits the fastest cache
      return false;
    if (first == last)
      return any_bit(begin, end);
    return any_bit(begin, (first + 1) * 64) || any_bit(last * 64, end) || any_word(first + 1, last);
  }

 private:
  // Of bits [begin, end) in one word.
  bool any_bit(std::int64_t begin, std::int64_t end) const {
    return (words_[begin >> 6] & ~std::uint64_t{0} << (begin & 63) & ~std::uint64_t{0} >> (63 - ((end - 1) & 63))) != 0;
  }
  bool any_word(std::int64_t begin, std::int64_t end) const {
    std::uint8_t any = 0;
    for (std::int64_t i = begin; i < end; i++)
      any |= used_[i];
    return any != 0;
  }

  std::vector<std::uint64_t> words_;
  std::vector<std::uint8_t> used_;
};

// A set of labels: bits in memory that outlives it.
class LabelSet {
 public:
  void insert(std::int64_t n_labels, const LabelIds& labels) {
    if (static_cast<std::int64_t>(words_.size()) < n_labels / 64 + 1)
      words_.resize(n_labels / 64 + 1);
    for (const std::int64_t* label = labels.begin; label != labels.end; label++)
      words_[*label >> 6] |= std::uint64_t{1} << (*label & 63);
  }
  void erase(const LabelIds& labels) {
    for (const std::int64_t* label = labels.begin; label != labels.end; label++)
      words_[*label >> 6] = 0;
  }
  bool has(std::int32_t label) const { return words_[label >> 6] >> (label & 63) & 1; }
  std::int64_t bytes() const { return static_cast<std::int64_t>(words_.capacity() * sizeof(std::uint64_t)); }

 private:
  std::vector<std::uint64_t> words_;
};

class OwnFilter {
 public:
  // Labels in any order, maybe repeated, which stay where they are until it is cleared; both may be null.
  void set(const BeamTree& tree, const LabelIds* allowed, const LabelIds* excluded) {
    restricts_ = allowed != nullptr;
    excluded_ = excluded;
    if (restricts_) {
      slots_.reserve(tree.n_slots());
      tree.for_each_slot(allowed->begin, allowed->end, [&](std::int32_t slot) { slots_.insert(slot); });
    }
    if (excluded != nullptr)
      labels_.insert(tree.n_labels(), *excluded);
  }

  // Makes it ready for the next query.
  void clear() {
    if (restricts_)
      slots_.clear();
    if (excluded_ != nullptr)
      labels_.erase(*excluded_);
    restricts_ = false;
    excluded_ = nullptr;
  }

  std::int64_t bytes() const { return slots_.bytes() + labels_.bytes(); }

  // Slots that may be returned; null: all.
  const SparseSet* slots() const { return restricts_ ? &slots_ : nullptr; }
  // Labels that may not; null: none. A node that leads only to these takes its place in the beam all the same.
  const LabelSet* excluded() const { return excluded_ != nullptr ? &labels_ : nullptr; }

 private:
  bool restricts_ = false;
  const LabelIds* excluded_ = nullptr;
  SparseSet slots_;  // empty between queries
  LabelSet labels_;  // the same
};

}  // namespace arborank::search
