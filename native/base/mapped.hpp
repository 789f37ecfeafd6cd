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

  // Whether these bytes begin and end in pages of a file: of a shared mapping an old size of 0 makes a second one,
  // private memory is refused.
  static bool is_file(const std::uint8_t* bytes, std::size_t n) {
#if defined(__linux__)
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    for (const std::uint8_t* at : {bytes, bytes + n - 1}) {
      void* probe =
          mremap(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(at) / page * page), 0, page, MREMAP_MAYMOVE);
      if (probe == MAP_FAILED)
        return false;
      munmap(probe, page);
    }
    return n > 0;
#else
    return (void)bytes, (void)n, false;
#endif
  }

  // Pages of `first` are mapped a second time, where there is room for `second` behind them: the last, incomplete page
  // and `second` are copied. False if the system cannot do that; not to be called where `first` is not all mapped.
  bool join(const std::uint8_t* first, std::size_t n_first, const std::uint8_t* second, std::size_t n_second) {
#if defined(__linux__)
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t shift = reinterpret_cast<std::uintptr_t>(first) % page;
    const std::size_t whole = (shift + n_first) / page * page;  // bytes in complete pages, from the first one's begin
    const std::size_t length = (shift + n_first + n_second + page - 1) / page * page;
    auto* pages = const_cast<std::uint8_t*>(first - shift);
    if (whole == 0)
      return false;
    n_shared_ = whole - shift;
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
  // Bytes from `data` on that are pages of the file.
  std::size_t n_shared() const { return n_shared_; }

 private:
  std::uint8_t *base_ = nullptr, *data_ = nullptr;
  std::size_t length_ = 0, n_shared_ = 0;
};

}  // namespace arborank::inline base
