// A log-linear histogram
//
// Latencies spread over six orders of magnitude, and it is the rare long ones that matter: equal
// buckets would be too coarse at one end or too many at the other, and a sample of the values
// would miss the tail. So the value's leading bit chooses an octave and the next seven bits one of
// 128 equal buckets within it. The relative error is the same everywhere, 1/128, and the index is
// three instructions:
//
//     value                buckets        width
//     0..255               0..255         1        (two octaves' worth: below 128 nothing is cut)
//     256..511             256..383       2
//     512..1023            384..511       4
//     ...
//
// With `shift` the number of low bits dropped, bucket = shift * 128 + (value >> shift), where
// value >> shift keeps its leading bit and lies in 128..255 (or in 0..127 with a shift of 0):
// neighbouring octaves therefore join without a gap. 4608 buckets of 8 bytes cover 73 minutes.
#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace larder::bench {

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

double Histogram::Mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

uint64_t Histogram::LastValueOf(size_t bucket) {
  const size_t shift = bucket < 2 * kPerOctave ? 0 : bucket / kPerOctave - 1;
  const uint64_t first = (bucket - shift * kPerOctave) << shift;
  return first + (uint64_t{1} << shift) - 1;
}

uint64_t Histogram::Percentile(double percent) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(percent / 100 * static_cast<double>(count_));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
  uint64_t seen = 0;
  size_t bucket = 0;
  while ((seen += counts_[bucket]) < rank) ++bucket;
  return bucket == kBuckets - 1 ? max_ : std::min(LastValueOf(bucket), max_);
}

}  // namespace larder::bench
