// Memory in large pages.
#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace arborank::inline base {

// Zeroed memory aligned for vectors. Large buffers come from the system, in large pages where it has them (weights are
// read in random order), and go back to it at once: an allocator would keep them.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t n) : size_(n) {
    const std::size_t bytes = n * sizeof(T);
    if (bytes >= kPage) {
      mapped_ = (bytes + 2 * kPage - 1) / kPage * kPage;  // a page more, to align
      base_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (base_ == MAP_FAILED) {
        mapped_ = 0;
        base_ = nullptr;
        throw std::bad_alloc();
      }
      data_ = reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(base_) + kPage - 1) / kPage * kPage);
#ifdef MADV_HUGEPAGE
      madvise(static_cast<void*>(data_), bytes, MADV_HUGEPAGE);
#endif
    } else {
      base_ = std::aligned_alloc(64, (bytes + 64) / 64 * 64);
      if (!base_)
        throw std::bad_alloc();
      data_ = static_cast<T*>(base_);
      std::memset(base_, 0, bytes);
    }
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (mapped_ > 0)
      munmap(base_, mapped_);
    else
      std::free(base_);
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kPage = 2u << 20;

  void swap(Buffer& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(data_, other.data_);
    std::swap(mapped_, other.mapped_);
    std::swap(size_, other.size_);
  }

  void* base_ = nullptr;
  T* data_ = nullptr;
  std::size_t mapped_ = 0, size_ = 0;
};

}  // namespace arborank::inline base
