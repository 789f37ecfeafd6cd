// Counts what searches read, in cache lines, by the array they are in. For benchmarks: no search counts by itself.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace arborank::search {

enum class Part { ranks, index, starts, keys, units, bias };
constexpr std::size_t kParts = 6;

class Meter {
 public:
  void touch(Part part, const void* begin, std::size_t n_bytes) {
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    for (std::uintptr_t line = at / 64; n_bytes > 0 && line <= (at + n_bytes - 1) / 64; line++)
      lines_[static_cast<std::size_t>(part)].push_back(line);
  }
  // Distinct lines of every part.
  std::array<std::int64_t, kParts> count() {
    std::array<std::int64_t, kParts> counts;
    for (std::size_t part = 0; part < kParts; part++) {
      auto& lines = lines_[part];
      std::sort(lines.begin(), lines.end());
      counts[part] = std::unique(lines.begin(), lines.end()) - lines.begin();
    }
    return counts;
  }

 private:
  std::array<std::vector<std::uintptr_t>, kParts> lines_;
};

}  // namespace arborank::search
