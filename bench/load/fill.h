#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

#include "bench/load/load_run.h"
#include "bench/load/options.h"
#include "bench/load/stats_client.h"

namespace larder::bench {

// How much a server held when it first evicted.
struct FillResult {
  uint64_t items = 0;      // that the server says it holds
  uint64_t stored = 0;     // sets until then
  uint64_t evictions = 0;  // between the last two looks, the first of which found none
  double seconds = 0;
  uint64_t resident_bytes = 0;  // 0 without --server-pid
  ServerStats stats;            // of the last look
};

// Stores new keys, options.check_every at a time, until the server's `evictions` is no longer 0.
// The server must be empty at the beginning. Fails if it still did not evict when all keys of the
// format are stored, or refuses items instead of evicting.
absl::StatusOr<FillResult> FillUntilEviction(const Options& options, LoadRun& run);

}  // namespace larder::bench
