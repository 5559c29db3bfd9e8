#include "server/engine/turn_times.h"

#include <algorithm>
#include <cmath>

namespace larder {

uint64_t TurnTimeTotals::Count() const {
  uint64_t count = 0;
  for (const uint64_t turns : buckets) count += turns;
  return count;
}

uint64_t TurnTimeTotals::Percentile(double percent) const {
  const uint64_t count = Count();
  if (count == 0) return 0;
  const double wanted = std::ceil(percent / 100 * static_cast<double>(count));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count);
  uint64_t seen = 0;
  size_t bucket = 0;
  while ((seen += buckets[bucket]) < rank) ++bucket;
  return bucket == kBuckets - 1 ? longest_nanoseconds
                                : std::min(LongestIn(bucket), longest_nanoseconds);
}

void TurnTimeTotals::ForEachOctave(const std::function<void(uint64_t, uint64_t)>& f) const {
  uint64_t turns = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    turns += buckets[bucket];
    const uint64_t end = LongestIn(bucket) + 1;
    if (turns == 0 || !std::has_single_bit(end)) continue;
    f(end, turns);
    turns = 0;
  }
}

void TurnTimes::AddTo(TurnTimeTotals* totals) const {
  // Cleared, but for the worker to notice: it has had no turn since.
  if (clears_done_.load(std::memory_order_acquire) !=
      clears_asked_.load(std::memory_order_acquire)) {
    return;
  }
  for (size_t i = 0; i < buckets_.size(); ++i) {
    totals->buckets[i] += static_cast<uint64_t>(buckets_[i].value());
  }
  totals->longest_nanoseconds =
      std::max(totals->longest_nanoseconds, longest_nanoseconds_.load(std::memory_order_relaxed));
}

void TurnTimes::ClearNow(uint64_t asked) {
  for (Counter& bucket : buckets_) bucket.Add(-bucket.value());
  longest_nanoseconds_.store(0, std::memory_order_relaxed);
  clears_done_.store(asked, std::memory_order_release);
}

}  // namespace larder
