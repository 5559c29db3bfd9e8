#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/engine/space_saving.h"
#include "slab/mutex.h"
#include "slab/store_types.h"
#include "slab/tick.h"

// `stats hotkeys`: the keys with the most requests, and those whose values are most of the traffic,
// from a sample of the requests of all workers. It describes recent load: every minute what was
// counted before counts half.

namespace larder {

struct HotKey {
  std::string key;
  uint32_t value_bytes = 0;      // as it was last seen
  double per_second = 0;         // requests, or bytes of values
  double percent = 0;            // of all requests, or of all bytes of values
  double percent_error_max = 0;  // it may be that much less
};

struct HotKeysReport {
  double sampled = 0;  // requests; those before the last minute count less
  double seconds = 0;  // of load that the sample tells of, counted the same way
  std::vector<HotKey> by_requests;
  std::vector<HotKey> by_bytes;
};

// Thread-safe.
class HotKeys {
 public:
  static constexpr uint32_t kHalfLifeSeconds = 60;
  static constexpr size_t kReported = 20;

  // `sample_gap`: one request of so many is sampled.
  HotKeys(uint32_t sample_gap, Tick now) : sample_gap_(sample_gap), halved_at_(now.seconds) {}

  uint32_t sample_gap() const { return sample_gap_; }

  // A request of the sample. `value_bytes` is the length of the key's value, 0 if there is none;
  // `moved` tells whether it was sent or received. Never waits: while somebody else is here the
  // request is not counted.
  void TryAdd(const Key& key, uint32_t value_bytes, bool moved, Tick now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Reset(Tick now) ABSL_LOCKS_EXCLUDED(mutex_);

  HotKeysReport Report(Tick now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Age(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<HotKey> Heaviest(const SpaceSaving& sketch, double seconds) const;

  const uint32_t sample_gap_;
  Mutex mutex_;
  SpaceSaving requests_ ABSL_GUARDED_BY(mutex_);
  SpaceSaving bytes_ ABSL_GUARDED_BY(mutex_);
  uint32_t halved_at_ ABSL_GUARDED_BY(mutex_);         // tick
  double seconds_before_ ABSL_GUARDED_BY(mutex_) = 0;  // until then, counted as the rest is
};

}  // namespace larder
