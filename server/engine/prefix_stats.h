#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "slab/mutex.h"

// `stats detail`: what was done to keys, counted by the part of the key that comes before a
// delimiter. Keys without one are not counted.

namespace larder {

struct PrefixCounts {
  uint64_t gets = 0;
  uint64_t hits = 0;
  uint64_t sets = 0;
  uint64_t deletes = 0;
};

// One worker's counts, so that workers do not wait for each other: the lock is taken by others only
// when somebody asks. Used only while the counting is on.
class PrefixStats {
 public:
  // Memory is bounded: of a worker's further prefixes nothing is counted.
  static constexpr size_t kPrefixesMax = 16384;

  explicit PrefixStats(char delimiter) : delimiter_(delimiter) {}

  void CountGet(std::string_view key, bool hit) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountSet(std::string_view key) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountDelete(std::string_view key) ABSL_LOCKS_EXCLUDED(mutex_);

  // Adds the counts to `total`.
  void AddTo(std::map<std::string, PrefixCounts>* total) const ABSL_LOCKS_EXCLUDED(mutex_);
  void Clear() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  PrefixCounts* Find(std::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const char delimiter_;
  mutable Mutex mutex_;
  std::map<std::string, PrefixCounts, std::less<>> counts_ ABSL_GUARDED_BY(mutex_);
};

// The lines of `stats detail dump`, without END.
std::string PrefixLines(const std::map<std::string, PrefixCounts>& totals);

}  // namespace larder
