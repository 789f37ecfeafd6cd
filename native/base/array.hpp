// An array that somebody keeps alive: a vector, pages of a file, or an array of Python's. Copies share it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/mapped.hpp"

namespace arborank::inline base {

template <class T>
class Array {
 public:
  Array() = default;
  Array(const T* data, std::int64_t size, std::shared_ptr<const void> owner)
      : data_(data), size_(size), n_mapped_(size), owner_(std::move(owner)) {}
  Array(std::vector<T>&& values) {
    const auto held = std::make_shared<const std::vector<T>>(std::move(values));
    *this = {held->data(), static_cast<std::int64_t>(held->size()), held};
  }

  // `first`, which lies in a mapped file, and `second` behind it, without a copy of the file's pages; nothing where the
  // system cannot do that.
  static std::optional<Array> joined(const T* first, std::int64_t n_first, const std::vector<T>& second) {
    const auto pages = std::make_shared<MappedBytes>();
    if (!pages->join(reinterpret_cast<const std::uint8_t*>(first), n_first * sizeof(T),
                     reinterpret_cast<const std::uint8_t*>(second.data()), second.size() * sizeof(T)))
      return std::nullopt;
    Array out(reinterpret_cast<const T*>(pages->data()), n_first + static_cast<std::int64_t>(second.size()), pages);
    out.n_mapped_ = static_cast<std::int64_t>(pages->n_shared() / sizeof(T));
    return out;
  }

  const T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  std::span<const T> span() const { return {data_, static_cast<std::size_t>(size_)}; }
  const T& operator[](std::int64_t i) const { return data_[i]; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  // How many of the first ones are in a mapped file, if any are.
  std::int64_t n_mapped() const { return n_mapped_; }

 private:
  const T* data_ = nullptr;
  std::int64_t size_ = 0, n_mapped_ = 0;
  std::shared_ptr<const void> owner_;
};

// Puts pieces of arrays behind one another. A large piece of a mapped file that comes first is mapped again rather than
// copied, and a whole array that is alone is shared.
template <class T>
class Joiner {
 public:
  // Entries [begin, end) of an array that lives as long as this does.
  void add(const Array<T>& array, std::int64_t begin, std::int64_t end) {
    if (begin >= end)
      return;
    if (!pieces_.empty() && pieces_.back().array == &array && pieces_.back().end == begin)
      pieces_.back().end = end;
    else
      pieces_.push_back({&array, begin, end});
    size_ += end - begin;
  }
  std::int64_t size() const { return size_; }

  Array<T> join() {
    if (pieces_.empty())
      return std::vector<T>();
    Piece& first = pieces_.front();
    if (pieces_.size() == 1 && size_ == first.array->size())
      return *first.array;
    const T* const begin = first.array->data() + first.begin;
    const std::int64_t n_mapped = std::min(first.end, first.array->n_mapped()) - first.begin;
    const std::int64_t n_bytes = n_mapped * static_cast<std::int64_t>(sizeof(T));
    if (n_bytes >= kLarge && MappedBytes::is_file(reinterpret_cast<const std::uint8_t*>(begin), n_bytes)) {
      first.begin += n_mapped;
      auto joined = Array<T>::joined(begin, n_mapped, copied());
      first.begin -= n_mapped;
      if (joined)
        return std::move(*joined);
    }
    return copied();
  }

 private:
  static constexpr std::int64_t kLarge = 1 << 20;  // bytes
  struct Piece {
    const Array<T>* array;
    std::int64_t begin, end;
  };

  std::vector<T> copied() const {
    std::vector<T> values;
    values.reserve(size_);
    for (const Piece& piece : pieces_)
      values.insert(values.end(), piece.array->data() + piece.begin, piece.array->data() + piece.end);
    return values;
  }

  std::vector<Piece> pieces_;
  std::int64_t size_ = 0;
};

}  // namespace arborank::inline base
