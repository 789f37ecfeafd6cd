// What the words of a context say of labels: which have them in their names, and which followed others with them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "sparse/csr.hpp"

namespace arborank::search {

// The heaviest words of a context.
using WordRow = std::vector<std::pair<std::int32_t, float>>;

// The order of pairs of a number and a value by their values, the largest first.
constexpr auto is_larger = [](const auto& a, const auto& b) {
  return a.second != b.second ? a.second > b.second : a.first < b.first;
};

inline WordRow heaviest(const std::int32_t* words, const float* values, std::int64_t n, std::int64_t n_words) {
  constexpr std::int64_t kMost = 16;
  WordRow row;
  for (std::int64_t i = 0; i < n; i++)
    if (words[i] >= 0 && words[i] < n_words)  // behind the words stand n-grams of the prefix
      row.emplace_back(words[i], values[i]);
  if (static_cast<std::int64_t>(row.size()) > kMost) {
    std::nth_element(row.begin(), row.begin() + kMost, row.end(), is_larger);
    row.resize(kMost);
  }
  return row;
}

// Adds, for each of some labels in ascending order, the products with a row of words. `postings` has a row a word.
inline void add_products(const sparse::CsrView& postings, const WordRow& row, const std::vector<std::int64_t>& labels,
                         std::vector<double>& sums) {
  for (const auto& [word, value] : row) {
    const std::int32_t *at = postings.indices + postings.begin(word), *stop = postings.indices + postings.end(word);
    for (std::size_t i = 0; i < labels.size() && at != stop; i++) {
      at = std::lower_bound(at, stop, labels[i]);
      if (at != stop && *at == labels[i])
        sums[i] += static_cast<double>(value) * postings.data[at - postings.indices];
    }
  }
}

// The `k` wanted labels of a range with the largest products, by words that few labels of it have, and the labels for
// which each of these says most.
template <class Wanted>
std::vector<std::int64_t> largest_products(const sparse::CsrView& postings, const WordRow& row, std::int64_t first,
                                           std::int64_t end, std::int64_t k, Wanted&& is_wanted) {
  constexpr std::int64_t kMost = 512, kOfWord = 64;
  std::vector<std::pair<std::int64_t, double>> all;
  for (const auto& [word, value] : row) {
    const std::int32_t *begin = postings.indices + postings.begin(word), *stop = postings.indices + postings.end(word);
    begin = std::lower_bound(begin, stop, first);
    stop = std::lower_bound(begin, stop, end);
    if (stop - begin > kMost)
      continue;
    const auto n_before = static_cast<std::int64_t>(all.size());
    for (; begin != stop; begin++)
      if (is_wanted(*begin))
        all.emplace_back(*begin, static_cast<double>(value) * postings.data[begin - postings.indices]);
    if (static_cast<std::int64_t>(all.size()) - n_before > kOfWord) {
      std::nth_element(all.begin() + n_before, all.begin() + n_before + kOfWord, all.end(), is_larger);
      all.resize(n_before + kOfWord);
    }
  }
  std::sort(all.begin(), all.end());
  std::size_t n = 0;
  for (const auto& [label, product] : all)
    if (n > 0 && all[n - 1].first == label)
      all[n - 1].second += product;
    else
      all[n++] = {label, product};
  all.resize(n);
  const auto kept = std::min<std::int64_t>(k, n);
  std::partial_sort(all.begin(), all.begin() + kept, all.end(), is_larger);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < kept; i++)
    labels.push_back(all[i].first);
  return labels;
}

// Two matrices with a column a label: of beginnings of words in its name, a row each, the share of the name that they
// are; and the words of contexts that it followed, a row a word.
struct Words {
  sparse::CsrView names, followed;
};

}  // namespace arborank::search
