// The filter of one query alone: what it costs follows from the labels it names, and not from those there are.
//
// Nothing of the tree is marked. Of the labels that may be returned, their slots are; whether a node leads to one of
// them is looked up when the search comes to the node, for the slots below a node stand together. Labels that may not
// be returned are marked by their ids, and looked up when they would become candidates.
#pragma once
#include "beam_filter.hpp"

namespace arborank {

// A set of numbers in memory that outlives it: a bit a number, and a bit a word of those, so that emptying it and
// searching it pass over what is empty.
class SparseSet {
 public:
  // Numbers below n; of another size it must be empty.
  void reserve(std::int64_t n) {
    if (static_cast<std::int64_t>(words_.size()) < n / 64 + 2) {  // 16 bits may be read from the last one on
      words_.resize(n / 64 + 2);
      used_.resize(words_.size() / 64 + 1);
    }
  }
  void insert(std::int64_t i) {
    words_[i >> 6] |= std::uint64_t{1} << (i & 63);
    used_[i >> 12] |= std::uint64_t{1} << (i >> 6 & 63);
  }
  void clear() {
    for (std::size_t i = 0; i < used_.size(); i++) {
      for (std::uint64_t bits = used_[i]; bits != 0; bits &= bits - 1)
        words_[i * 64 + std::countr_zero(bits)] = 0;
      used_[i] = 0;
    }
  }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>((words_.capacity() + used_.capacity()) * sizeof(std::uint64_t));
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
      return any_bit(words_, begin, end);
    return any_bit(words_, begin, (first + 1) * 64) || any_bit(words_, last * 64, end) ||
           (last - first > 1 && any_word(first + 1, last));
  }

 private:
  // Of bits [begin, end) in one word.
  static bool any_bit(const std::vector<std::uint64_t>& words, std::int64_t begin, std::int64_t end) {
    return (words[begin >> 6] & ~std::uint64_t{0} << (begin & 63) & ~std::uint64_t{0} >> (63 - ((end - 1) & 63))) != 0;
  }
  bool any_word(std::int64_t begin, std::int64_t end) const {
    const std::int64_t first = begin >> 6, last = (end - 1) >> 6;
    if (first == last)
      return any_bit(used_, begin, end);
    std::uint64_t between = 0;
    for (std::int64_t i = first + 1; i < last; i++)
      between |= used_[i];
    return between != 0 || any_bit(used_, begin, (first + 1) * 64) || any_bit(used_, last * 64, end);
  }

  std::vector<std::uint64_t> words_, used_;
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

}  // namespace arborank
