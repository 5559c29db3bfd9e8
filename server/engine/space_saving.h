#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slab/store_types.h"

// The heaviest keys of a stream, in fixed memory (space-saving: Metwally, Agrawal and El Abbadi,
// ICDT 2005).
//
// There are kCounters counters, each with a key. What comes with a key that has one is added to it.
// Another key takes over the lightest counter, with all that is on it, and remembers how much that
// was: by so much its weight may be too high.
//
// What always holds: the weights add up to what came (but for what halving rounds off); so the
// lightest is at most a kCounters-th of that, a key's weight is too high by that at most and never
// too low, and every key that came with more than that has a counter.
//
// What it costs: a look through the keys' tags and, for a key that has no counter, now and then one
// through the weights: about 150 instructions.

namespace larder {

class SpaceSaving {
 public:
  static constexpr size_t kCounters = 128;

  struct Entry {
    std::string key;
    uint64_t weight = 0;       // too high by `error` at most
    uint64_t error = 0;        // it weighs weight - error at least
    uint32_t value_bytes = 0;  // as it last was
  };

  // `value_bytes` is only remembered.
  void Add(const Key& key, uint64_t weight, uint32_t value_bytes);
  // All that came counts half from now on.
  void Halve();
  void Clear() { *this = SpaceSaving(); }

  uint64_t total() const { return total_; }
  // The heaviest, heaviest first.
  std::vector<Entry> Heaviest(size_t count) const;

 private:
  struct Holder {
    uint64_t error = 0;
    uint32_t value_bytes = 0;
    uint8_t key_bytes = 0;
    std::array<char, kKeyBytesMax> key_data{};
    std::string_view key() const { return {key_data.data(), key_bytes}; }
  };

  // Position of the counter that has `key`; kCounters if none has.
  size_t Find(const Key& key, uint32_t tag) const;
  size_t FindLightest();

  uint64_t total_ = 0;
  // No counter is lighter than this. Where many are as light they are taken over one after the
  // other, beginning at the cursor, so that most of them are found at once.
  uint64_t lightest_ = 0;
  size_t cursor_ = 0;
  // Apart from the rest, to be looked through quickly. A counter that was never used has weight 0.
  std::array<uint32_t, kCounters> tags_{};
  std::array<uint64_t, kCounters> weights_{};
  std::array<Holder, kCounters> holders_{};
};

}  // namespace larder
