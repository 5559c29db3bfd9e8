#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace larder::bench {

// Counts of latencies in nanoseconds, from which percentiles are read: log-linear buckets, in the
// manner of Gil Tene's HdrHistogram. See histogram.cc.
//
// A fixed array: recording never allocates and takes about a nanosecond. One thread writes; merge
// the threads' histograms when they have stopped.
class Histogram {
 public:
  // Every value is known to 1 part in 128 (0.8 %).
  static constexpr int kPrecisionBits = 7;
  // 2^42 ns are 73 minutes. What is longer is counted in the last bucket; Max() stays exact.
  static constexpr int kValueBits = 42;

  void Record(uint64_t nanoseconds) {
    ++counts_[BucketOf(nanoseconds)];
    ++count_;
    sum_ += nanoseconds;
    if (nanoseconds < min_) min_ = nanoseconds;
    if (nanoseconds > max_) max_ = nanoseconds;
  }

  void Merge(const Histogram& other);

  uint64_t Count() const { return count_; }
  uint64_t Min() const { return count_ == 0 ? 0 : min_; }  // exact
  uint64_t Max() const { return max_; }                    // exact
  double Mean() const;                                     // exact

  // The smallest recorded value that at least `percent` of the values do not exceed, rounded up to
  // its bucket's end, and never more than Max(). 0 when nothing was recorded.
  uint64_t Percentile(double percent) const;

 private:
  static constexpr uint64_t kPerOctave = uint64_t{1} << kPrecisionBits;
  static constexpr int kShiftMax = kValueBits - kPrecisionBits - 1;
  static constexpr size_t kBuckets = (kShiftMax + 2) * kPerOctave;

  static size_t BucketOf(uint64_t value) {
    constexpr uint64_t kValueMax = (uint64_t{1} << kValueBits) - 1;
    if (value > kValueMax) value = kValueMax;
    const int shift = static_cast<int>(std::bit_width(value | kPerOctave)) - kPrecisionBits - 1;
    return (static_cast<size_t>(shift) << kPrecisionBits) + (value >> shift);
  }
  static uint64_t LastValueOf(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t min_ = std::numeric_limits<uint64_t>::max();
  uint64_t max_ = 0;
};

}  // namespace larder::bench
