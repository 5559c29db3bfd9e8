#include "server/engine/hot_keys.h"

#include <algorithm>
#include <utility>

namespace larder {

void HotKeys::TryAdd(const Key& key, uint32_t value_bytes, bool moved, Tick now) {
  if (!mutex_.TryLock()) return;
  Age(now);
  requests_.Add(key, 1, value_bytes);
  if (moved && value_bytes > 0) bytes_.Add(key, value_bytes, value_bytes);
  mutex_.Unlock();
}

void HotKeys::Reset(Tick now) {
  const MutexLock lock(&mutex_);
  requests_.Clear();
  bytes_.Clear();
  halved_at_ = now.seconds;
  seconds_before_ = 0;
}

void HotKeys::Age(Tick now) {
  // Workers read their clocks at different moments.
  for (; halved_at_ + kHalfLifeSeconds <= now.seconds; halved_at_ += kHalfLifeSeconds) {
    if (requests_.total() == 0) {
      halved_at_ = now.seconds;
      seconds_before_ = 0;
      return;
    }
    requests_.Halve();
    bytes_.Halve();
    seconds_before_ = (seconds_before_ + kHalfLifeSeconds) / 2;
  }
}

HotKeysReport HotKeys::Report(Tick now) {
  const MutexLock lock(&mutex_);
  Age(now);
  const double since = now.seconds > halved_at_ ? now.seconds - halved_at_ : 0;
  const double seconds = seconds_before_ + since;
  return {.sampled = static_cast<double>(requests_.total()),
          .seconds = seconds,
          .by_requests = Heaviest(requests_, seconds),
          .by_bytes = Heaviest(bytes_, seconds)};
}

std::vector<HotKey> HotKeys::Heaviest(const SpaceSaving& sketch, double seconds) const {
  const auto total = static_cast<double>(std::max<uint64_t>(sketch.total(), 1));
  std::vector<HotKey> keys;
  for (SpaceSaving::Entry& entry : sketch.Heaviest(kReported)) {
    // Under an even load counters pass from key to key, and what is on them says nothing of their
    // keys.
    if (entry.error > entry.weight / 2) continue;
    const auto weight = static_cast<double>(entry.weight);
    keys.push_back({.key = std::move(entry.key),
                    .value_bytes = entry.value_bytes,
                    .per_second = weight * sample_gap_ / std::max(seconds, 1.0),
                    .percent = 100 * weight / total,
                    .percent_error_max = 100 * static_cast<double>(entry.error) / total});
  }
  return keys;
}

}  // namespace larder
