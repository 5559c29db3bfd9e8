#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

// Counters of one thread's work on the store. A lane is used by one thread at a time, which alone
// writes it; readers add the lanes up. So counting costs an add in the thread's own cache and
// never a shared line.

namespace larder {

// Class 0 is "no class"; sizes are numbered from 1 as in memcached.
inline constexpr int kClassesMax = 256;

// One writer, any readers.
class Counter {
 public:
  void Add(int64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

struct alignas(64) Lane {
  // What is linked less what was unlinked by this thread: one lane's may be negative.
  std::array<Counter, kClassesMax> items;
  std::array<Counter, kClassesMax> item_bytes;
  Counter items_linked;  // of all classes
  Counter items_stored;
  Counter flushed_items;

  // How many items are of up to so many steps of 32 bytes; empty if nobody wants to know.
  static constexpr uint64_t kSizeStepBytes = 32;
  static size_t SizeStep(uint64_t bytes) { return (bytes + kSizeStepBytes - 1) / kSizeStepBytes; }
  void CountSize(uint64_t bytes, int sign) {
    if (!sizes.empty()) sizes[SizeStep(bytes)].Add(sign);
  }
  std::vector<Counter> sizes;
};
static_assert(alignof(Lane) == 64);  // no two lanes on one line

}  // namespace larder
