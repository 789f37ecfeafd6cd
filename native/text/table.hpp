// Hashed strings: the key of an n-gram, the growing table that counts n-grams, and the frozen one that finds them.
// Both are exact. A key holds a string of up to seven bytes itself; of longer ones the bytes are compared.
#pragma once
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace arborank::text {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::uint64_t kLongKey = std::uint64_t{1} << 63;

// Keys are stored in saved models, so they are the same on every machine.
inline std::uint64_t load_little(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, 8);
  if constexpr (std::endian::native == std::endian::big)
    word = __builtin_bswap64(word);
  return word;
}

inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Up to seven bytes: the bytes and their number. Longer: a hash, with the top bit set. Never 0 for a non-empty string.
// Reads eight bytes from p even where `length` is less.
inline std::uint64_t key_of(const char* p, std::uint32_t length) {
  if (length <= 7)
    return (load_little(p) & ((std::uint64_t{1} << 8 * length) - 1)) | std::uint64_t{length} << 56;
  std::uint64_t h = length * 0x9E3779B97F4A7C15u;
  for (std::uint32_t i = 0; i + 8 < length; i += 8)
    h = fold_multiply(h ^ load_little(p + i), 0xA0761D6478BD642Fu);
  return fold_multiply(h ^ load_little(p + length - 8), 0xE7037ED1A0B428DBu) | kLongKey;
}

// Of strings of at least eight bytes; most are short, and a call of memcmp costs more than the comparison.
inline bool equal_long(const char* a, const char* b, std::uint32_t length) {
  std::uint64_t difference = load_little(a + length - 8) ^ load_little(b + length - 8);
  for (std::uint32_t i = 0; i + 8 < length; i += 8)
    difference |= load_little(a + i) ^ load_little(b + i);
  return difference == 0;
}

inline std::uint64_t mix(std::uint64_t key) { return fold_multiply(key, 0x9E3779B97F4A7C15u); }

struct Entry {  // of a document: an n-gram and how often it occurs, or where
  std::uint32_t id;
  std::uint32_t count;  // or the position of one occurrence

  friend auto operator<=>(const Entry&, const Entry&) = default;
};

// What one thread knows of an n-gram.
struct Term {
  const char* bytes;
  std::uint64_t key;
  std::uint64_t tf;       // occurrences
  std::uint32_t df;       // documents
  std::uint32_t row = 0;  // where the present document counts it, if it does
  std::uint32_t length;
};

// Copies of strings that never move.
class Arena {
 public:
  const char* put(const char* bytes, std::uint32_t length) {
    if (used_ + length > size_) {
      size_ = std::max<std::size_t>(kBlock, length);
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(size_));
      used_ = 0;
    }
    char* const copy = blocks_.back().get() + used_;
    std::memcpy(copy, bytes, length);
    used_ += length;
    return copy;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 20;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t used_ = 0, size_ = 0;
};

// Strings numbered in order of arrival.
class TermTable {
 public:
  struct Slot {
    std::uint32_t tag;  // the upper half of the hash; its upper bits say where the search begins
    std::uint32_t id;
  };

  std::size_t size() const { return terms_.size(); }
  Term& operator[](std::uint32_t id) { return terms_[id]; }
  const Term& operator[](std::uint32_t id) const { return terms_[id]; }
  const std::vector<Slot>& slots() const { return slots_; }

  // Room for n strings. Needed before strings come in hash order: in a small table they would all crowd at its start.
  void reserve(std::size_t n) {
    while (n * 2 > slots_.size())
      grow();
    terms_.reserve(n);
  }

  // Two steps ahead of `insert`, so that the memory it needs has arrived.
  void prefetch_slot(std::uint64_t key) const { __builtin_prefetch(&slots_[home(tag_of(key))]); }
  void prefetch_term(std::uint64_t key) const {
    const std::uint32_t id = slots_[home(tag_of(key))].id;
    if (id != kNone)
      __builtin_prefetch(&terms_[id]);
  }
  void prefetch_bytes(std::uint64_t key) const {
    const std::uint32_t id = slots_[home(tag_of(key))].id;
    if (id != kNone && key & kLongKey)
      __builtin_prefetch(terms_[id].bytes);
  }

  // The number of a string, new ones are copied when `keep` is null and taken over from `keep` otherwise.
  std::uint32_t insert(std::uint64_t key, const char* bytes, std::uint32_t length, const char* keep = nullptr) {
    if (terms_.size() * 2 >= slots_.size())
      grow();
    const std::uint32_t tag = tag_of(key);
    std::size_t at = home(tag);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      const Slot slot = slots_[at];
      if (slot.id == kNone)
        break;
      if (slot.tag != tag)
        continue;
      const Term& term = terms_[slot.id];
      if (term.key == key && (!(key & kLongKey) || (term.length == length && equal_long(term.bytes, bytes, length))))
        return slot.id;
    }
    const auto id = static_cast<std::uint32_t>(terms_.size());
    slots_[at] = {tag, id};
    terms_.push_back({keep ? keep : arena_.put(bytes, length), key, 0, 0, 0, length});
    return id;
  }

 private:
  static std::uint32_t tag_of(std::uint64_t key) { return static_cast<std::uint32_t>(mix(key) >> 32); }
  std::size_t home(std::uint32_t tag) const { return tag >> shift_; }

  // Tags order slots like homes do, so that both tables are gone through in order.
  void grow() {
    if (shift_ == 0)
      throw std::length_error("more than 2 billion different n-grams; use a smaller ngram_range");
    shift_--;
    std::vector<Slot> old(std::size_t{1} << (32 - shift_), Slot{0, kNone});
    old.swap(slots_);
    for (const Slot slot : old) {
      if (slot.id == kNone)
        continue;
      std::size_t at = home(slot.tag);
      while (slots_[at].id != kNone)
        at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  int shift_ = 32 - 10;
  std::vector<Slot> slots_ = std::vector<Slot>(std::size_t{1} << 10, Slot{0, kNone});
  std::vector<Term> terms_;
  Arena arena_;
};

// Strings numbered in byte order, in flat arrays that may be a mapped file.
struct Vocabulary {
  const std::uint8_t* terms = nullptr;    // all strings, one after another
  const std::int64_t* offsets = nullptr;  // n_terms + 1
  const std::uint64_t* slots = nullptr;   // n_slots x 2: key, number; key 0 where empty
  std::int64_t n_terms = 0;
  std::int64_t n_slots = 0;  // a power of two, more than n_terms

  static std::int64_t slots_for(std::int64_t n_terms) {
    return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n_terms + n_terms / 2 + 1)));
  }
  int shift() const { return 64 - std::countr_zero(static_cast<std::uint64_t>(n_slots)); }
  std::size_t home(std::uint64_t key) const { return n_slots == 1 ? 0 : mix(key) >> shift(); }
  void prefetch(std::uint64_t key) const { __builtin_prefetch(slots + 2 * home(key)); }

  // The number of the first string with this key.
  std::uint32_t candidate(std::uint64_t key) const {
    for (std::size_t at = home(key);; at = (at + 1) & (n_slots - 1)) {
      if (slots[2 * at] == key)
        return static_cast<std::uint32_t>(slots[2 * at + 1]);
      if (slots[2 * at] == 0)
        return kNone;
    }
  }
  // Is a string the one with number `id`, which has the same key?
  bool is(std::uint32_t id, std::uint64_t key, const char* bytes, std::uint32_t length) const {
    return !(key & kLongKey) || (offsets[id + 1] - offsets[id] == length && length >= 8 &&
                                 equal_long(reinterpret_cast<const char*>(terms) + offsets[id], bytes, length));
  }
  std::uint32_t find(std::uint64_t key, const char* bytes, std::uint32_t length) const {
    for (std::size_t at = home(key); slots[2 * at] != 0; at = (at + 1) & (n_slots - 1))
      if (slots[2 * at] == key && is(static_cast<std::uint32_t>(slots[2 * at + 1]), key, bytes, length))
        return static_cast<std::uint32_t>(slots[2 * at + 1]);
    return kNone;
  }

  // Fills the slots of a vocabulary whose strings are in place.
  static void build(const Vocabulary& v, std::uint64_t* slots) {
    for (std::int64_t id = 0; id < v.n_terms; id++) {
      const auto length = static_cast<std::uint32_t>(v.offsets[id + 1] - v.offsets[id]);
      const char* const bytes = reinterpret_cast<const char*>(v.terms) + v.offsets[id];
      char padded[8] = {};
      if (length < 8)
        std::memcpy(padded, bytes, length);
      const std::uint64_t key = key_of(length < 8 ? padded : bytes, length);
      std::size_t at = v.home(key);
      while (slots[2 * at] != 0)
        at = (at + 1) & (v.n_slots - 1);
      slots[2 * at] = key;
      slots[2 * at + 1] = static_cast<std::uint64_t>(id);
    }
  }

  // A damaged file must not lead outside the arrays, nor make `find` run for ever.
  void check(std::int64_t n_bytes) const {
    if (n_slots < 1 || !std::has_single_bit(static_cast<std::uint64_t>(n_slots)) || n_slots <= n_terms)
      throw std::invalid_argument("vocabulary has " + std::to_string(n_slots) + " slots for " +
                                  std::to_string(n_terms) + " terms; a greater power of two was expected");
    if (offsets[0] != 0 || offsets[n_terms] != n_bytes)
      throw std::invalid_argument("vocabulary offsets must run from 0 to " + std::to_string(n_bytes));
    for (std::int64_t id = 0; id < n_terms; id++)
      if (offsets[id + 1] <= offsets[id])
        throw std::invalid_argument("vocabulary offsets do not ascend at term " + std::to_string(id));
    std::int64_t filled = 0;
    for (std::int64_t at = 0; at < n_slots; at++) {
      filled += slots[2 * at] != 0;
      if (slots[2 * at] != 0 && slots[2 * at + 1] >= static_cast<std::uint64_t>(n_terms))
        throw std::invalid_argument("vocabulary slot " + std::to_string(at) + " names a term that does not exist");
    }
    if (filled != n_terms)
      throw std::invalid_argument("vocabulary has " + std::to_string(filled) + " filled slots for " +
                                  std::to_string(n_terms) + " terms");
  }
};

}  // namespace arborank::text
