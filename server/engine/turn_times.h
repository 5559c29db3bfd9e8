#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "slab/lane.h"

// How much processor time turns take: one worker's, or the sum of all, as `stats turns` tells it.
//
// A turn is what is executed of one connection's input at a time, so no single request in it took
// longer than it did. What counts is the time of the worker's thread: a request that waits while
// other processes have the CPU is nothing that larder could mend.
//
// A histogram in the manner of Gil Tene's HdrHistogram: a time's leading bit chooses an octave, the
// next four bits one of 16 equal buckets in it. So every time is known to 1 part in 16, the longest
// exactly, in a fixed array of 5 KiB.

namespace larder {

// Plain numbers.
struct TurnTimeTotals {
  static constexpr int kPrecisionBits = 4;
  static constexpr uint64_t kBucketsAnOctave = uint64_t{1} << kPrecisionBits;
  // 2^40 ns are 18 minutes; what is longer counts in the last bucket.
  static constexpr int kTimeBits = 40;
  static constexpr size_t kBuckets = (kTimeBits - kPrecisionBits + 1) * kBucketsAnOctave;

  static constexpr size_t BucketOf(uint64_t nanoseconds) {
    constexpr uint64_t kMax = (uint64_t{1} << kTimeBits) - 1;
    const uint64_t time = nanoseconds < kMax ? nanoseconds : kMax;
    const int shift =
        static_cast<int>(std::bit_width(time | kBucketsAnOctave)) - kPrecisionBits - 1;
    return (static_cast<size_t>(shift) << kPrecisionBits) + (time >> shift);
  }
  // The longest time that counts in `bucket`.
  static constexpr uint64_t LongestIn(size_t bucket) {
    const size_t shift = bucket < 2 * kBucketsAnOctave ? 0 : bucket / kBucketsAnOctave - 1;
    const uint64_t first = (bucket - shift * kBucketsAnOctave) << shift;
    return first + (uint64_t{1} << shift) - 1;
  }

  uint64_t Count() const;
  // A time that `percent` of the turns do not exceed, in nanoseconds: at most a sixteenth too long,
  // and never longer than the longest. 0 if there was no turn.
  uint64_t Percentile(double percent) const;
  // Calls f(less than so many nanoseconds, turns) for every power of two that there is a turn
  // below and not below its half, from the shortest up.
  void ForEachOctave(const std::function<void(uint64_t, uint64_t)>& f) const;

  std::array<uint64_t, kBuckets> buckets{};
  uint64_t longest_nanoseconds = 0;
};

// One worker's. Its thread records; any thread may add it up or clear it.
class alignas(64) TurnTimes {
 public:
  void Record(uint64_t nanoseconds) {
    const uint64_t asked = clears_asked_.load(std::memory_order_acquire);
    if (asked != clears_done_.load(std::memory_order_relaxed)) [[unlikely]]
      ClearNow(asked);
    buckets_[TurnTimeTotals::BucketOf(nanoseconds)].Add(1);
    if (nanoseconds > longest_nanoseconds_.load(std::memory_order_relaxed)) {
      longest_nanoseconds_.store(nanoseconds, std::memory_order_relaxed);
    }
  }

  // What was recorded before is forgotten: by the worker itself, at its next turn.
  void Clear() { clears_asked_.fetch_add(1, std::memory_order_acq_rel); }
  void AddTo(TurnTimeTotals* totals) const;

 private:
  void ClearNow(uint64_t asked);

  std::array<Counter, TurnTimeTotals::kBuckets> buckets_;
  std::atomic<uint64_t> longest_nanoseconds_{0};
  std::atomic<uint64_t> clears_asked_{0};
  std::atomic<uint64_t> clears_done_{0};
};

}  // namespace larder
