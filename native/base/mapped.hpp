// Pages of a file as an array of their own, and an array that goes on behind another one which is mapped from a file,
// without a copy of what is mapped.
#pragma once
#include <sys/mman.h>
#include <unistd.h>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace arborank::inline base {

// Read-only memory of its own.
class MappedBytes {
 public:
  MappedBytes() = default;
  // Takes over pages that are mapped.
  MappedBytes(void* pages, std::size_t length)
      : base_(static_cast<std::uint8_t*>(pages)), data_(base_), length_(length) {}
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;
  ~MappedBytes() {
    if (base_ != nullptr)
      munmap(base_, length_);
  }

  // Pages of `first` are mapped a second time, where there is room for `second` behind them: the last, incomplete page
  // and `second` are copied. False if the system cannot do that, as where `first` lies in ordinary memory.
  bool join(const std::uint8_t* first, std::size_t n_first, const std::uint8_t* second, std::size_t n_second) {
#if defined(__linux__)
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t shift = reinterpret_cast<std::uintptr_t>(first) % page;
    const std::size_t whole = (shift + n_first) / page * page;  // bytes in complete pages, from the first one's begin
    const std::size_t length = (shift + n_first + n_second + page - 1) / page * page;
    // of a shared mapping an old size of 0 makes a second one; private memory is refused, which one page tells
    auto* pages = const_cast<std::uint8_t*>(first - shift);
    void* probe = whole == 0 ? MAP_FAILED : mremap(pages, 0, page, MREMAP_MAYMOVE);
    if (probe == MAP_FAILED)
      return false;
    munmap(probe, page);
    void* base = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
      return false;
    base_ = static_cast<std::uint8_t*>(base);
    length_ = length;
    if (mremap(pages, 0, whole, MREMAP_MAYMOVE | MREMAP_FIXED, base_) != base) {
      base_ = nullptr;  // what it has left there is not known to be ours
      return false;
    }
    data_ = base_ + shift;
    const std::size_t copied = shift + n_first - whole;
    if (copied > 0)
      std::memcpy(base_ + whole, pages + whole, copied);
    if (n_second > 0)
      std::memcpy(data_ + n_first, second, n_second);
    return mprotect(base_, length_, PROT_READ) == 0;
#else
    (void)first, (void)n_first, (void)second, (void)n_second;
    return false;
#endif
  }
  const std::uint8_t* data() const { return data_; }

 private:
  std::uint8_t *base_ = nullptr, *data_ = nullptr;
  std::size_t length_ = 0;
};

}  // namespace arborank::inline base
