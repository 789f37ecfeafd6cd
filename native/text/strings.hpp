// Strings one after the other in UTF-8. Where they are in code point order, those that begin alike are neighbours.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace arborank::text {

// The arrays may be mapped from a damaged file: an offset may be any number.
struct Strings {
  const std::uint8_t* text;
  std::int64_t n_bytes;
  const std::int64_t* offsets;

  std::string_view at(std::int64_t i) const {
    const std::int64_t begin = std::clamp<std::int64_t>(offsets[i], 0, n_bytes);
    const std::int64_t end = std::clamp<std::int64_t>(offsets[i + 1], begin, n_bytes);
    return {reinterpret_cast<const char*>(text) + begin, static_cast<std::size_t>(end - begin)};
  }
};

// Ends of strings, from some byte of each on. Labels and bytes may be any numbers, too.
struct Endings {
  Strings strings;
  std::int64_t n_strings;
  const std::int32_t *labels, *begins;

  std::string_view at(std::int64_t i) const {
    if (labels[i] < 0 || labels[i] >= n_strings)
      return {};
    const std::string_view whole = strings.at(labels[i]);
    return whole.substr(std::min<std::size_t>(std::max(begins[i], 0), whole.size()));
  }
};

// The strings (or ends of strings) from `low` to before `high` that begin with a prefix, as the first and the one
// behind the last.
template <class Sorted>
std::pair<std::int64_t, std::int64_t> starting_with(const Sorted& strings, std::string_view prefix, std::int64_t low,
                                                    std::int64_t high) {
  const auto first_where = [&](std::int64_t begin, auto&& stays) {
    for (std::int64_t end = high; begin < end;) {
      const std::int64_t middle = begin + (end - begin) / 2;
      if (stays(strings.at(middle)))
        begin = middle + 1;
      else
        end = middle;
    }
    return begin;
  };
  const std::int64_t first = first_where(low, [&](std::string_view one) { return one < prefix; });
  return {first, first_where(first, [&](std::string_view one) { return one.substr(0, prefix.size()) == prefix; })};
}

}  // namespace arborank::text
