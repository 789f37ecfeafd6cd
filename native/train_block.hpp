// The examples of one parent node, gathered once and shared by the solvers of all its children.
//
// Features are renumbered 0..n_shared by how many of the examples have them, most frequent first, so that the part
// of the weights that is touched all the time stays in cache. A feature that only one example has needs no weight in
// memory: every linear solver's weights are a combination of the examples, w = sum_i coef_i x_i, hence such a feature
// adds coef_i * own_i to example i's margin, own_i being the squared norm of the example's private features.
#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "csr.hpp"
#include "pool.hpp"

namespace arborank {

// Zeroed memory aligned for vectors; large pages where the system has them, since weights are read in random order.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t n) : size_(n) {
    constexpr std::size_t kPage = 2u << 20;
    const std::size_t bytes = n * sizeof(T);
    const std::size_t alignment = bytes >= kPage ? kPage : 64;
    data_ = static_cast<T*>(std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment));
    if (!data_)
      throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (alignment == kPage)
      madvise(static_cast<void*>(data_), bytes, MADV_HUGEPAGE);
#endif
    std::memset(static_cast<void*>(data_), 0, bytes);
  }
  Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_) { other.data_ = nullptr, other.size_ = 0; }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { std::free(data_); }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

struct TrainBlock {
  std::int64_t n = 0;                      // examples
  std::vector<std::int64_t> starts;        // n + 1: extents in local
  std::vector<std::uint32_t> local;        // shared features, local numbers
  std::vector<std::int64_t> value_starts;  // n: where an example's values of shared features start
  const float* values = nullptr;           // in copies, or where the instances lie
  std::vector<float> copies;
  std::vector<std::uint32_t> shared;     // local number -> feature
  std::vector<float> norms;              // n: squared norm of the example
  std::vector<float> own;                // n: the part of it that comes from private features
  std::vector<std::int64_t> own_starts;  // n + 1: extents in own_features and own_values
  std::vector<std::uint32_t> own_features;
  std::vector<float> own_values;

  std::int64_t n_shared() const { return static_cast<std::int64_t>(shared.size()); }
};

// Gathers blocks; one a thread, its map from features to local numbers is reused.
class BlockGatherer {
 public:
  explicit BlockGatherer(std::int64_t n_features) : number_(n_features, 0) {}

  // Incomplete when the job is stopped.
  TrainBlock gather(const CsrView& X, const std::int32_t* rows, std::int64_t n, const Job& job) {
    TrainBlock block;
    block.n = n;
    std::vector<std::uint32_t> found;
    std::int64_t nnz = 0;
    for (std::int64_t a = 0; a < n && !job.stopped(); a++)
      for (std::int64_t k = X.begin(rows[a]); k < X.end(rows[a]); k++) {
        if (number_[X.indices[k]]++ == 0)
          found.push_back(X.indices[k]);
        nnz++;
      }
    // A block that is a large part of all instances has few private features: then all count as shared, and the
    // values are read where they lie, which saves the memory of a second copy.
    const bool in_place = 4 * nnz >= X.nnz();
    number_by_frequency(found, n, in_place ? 1 : 2, block);
    const std::int64_t n_own = static_cast<std::int64_t>(found.size()) - block.n_shared();
    reserve(block, nnz, n_own, in_place);
    for (std::int64_t a = 0; a < n && !job.stopped(); a++)
      add_row(X, rows[a], in_place, block);
    block.values = in_place ? X.data : block.copies.data();
    for (std::uint32_t feature : found)
      number_[feature] = 0;
    return block;
  }

 private:
  static constexpr std::uint32_t kOwn = 0xffffffffu;

  // Counting sort by falling frequency, first met first: number_ turns from counts into local numbers. Features of
  // fewer than `least` examples are private.
  void number_by_frequency(const std::vector<std::uint32_t>& found, std::int64_t n, std::uint32_t least,
                           TrainBlock& block) {
    std::vector<std::uint32_t> place(n + 2, 0);
    for (std::uint32_t feature : found)
      place[number_[feature]]++;
    std::uint32_t next = 0;
    for (std::int64_t count = n; count >= least; count--) {
      const std::uint32_t many = place[count];
      place[count] = next;
      next += many;
    }
    block.shared.resize(next);
    for (std::uint32_t feature : found) {
      const std::uint32_t count = number_[feature];
      if (count < least) {
        number_[feature] = kOwn;
      } else {
        number_[feature] = place[count]++;
        block.shared[number_[feature]] = feature;
      }
    }
  }

  static void reserve(TrainBlock& block, std::int64_t nnz, std::int64_t n_own, bool in_place) {
    block.starts.reserve(block.n + 1);
    block.own_starts.reserve(block.n + 1);
    block.value_starts.reserve(block.n);
    block.norms.reserve(block.n);
    block.own.reserve(block.n);
    block.local.reserve(nnz - n_own);
    block.copies.reserve(in_place ? 0 : nnz - n_own);
    block.own_features.reserve(n_own);
    block.own_values.reserve(n_own);
    block.starts.push_back(0);
    block.own_starts.push_back(0);
  }

  void add_row(const CsrView& X, std::int32_t row, bool in_place, TrainBlock& block) const {
    block.value_starts.push_back(in_place ? X.begin(row) : static_cast<std::int64_t>(block.copies.size()));
    float shared = 0, own = 0;
    for (std::int64_t k = X.begin(row); k < X.end(row); k++) {
      const float value = X.data[k];
      const std::uint32_t number = number_[X.indices[k]];
      if (number == kOwn) {
        block.own_features.push_back(X.indices[k]);
        block.own_values.push_back(value);
        own += value * value;
      } else {
        block.local.push_back(number);
        if (!in_place)
          block.copies.push_back(value);
        shared += value * value;
      }
    }
    block.starts.push_back(static_cast<std::int64_t>(block.local.size()));
    block.own_starts.push_back(static_cast<std::int64_t>(block.own_features.size()));
    block.norms.push_back(shared + own);
    block.own.push_back(own);
  }

  std::vector<std::uint32_t> number_;
};

}  // namespace arborank
