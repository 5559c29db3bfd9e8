#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

#include "bench/replay/cache.h"
#include "bench/replay/request.h"

namespace larder::bench {

// What a cache made of a load, tenth by tenth of the requests.
struct ReplayResult {
  std::array<Counts, 10> tenths;
  uint64_t resident_bytes = 0;  // Cache::ResidentBytes() at the end
  double seconds = 0;

  Counts Total(size_t from_tenth = 0) const {
    Counts total;
    for (const Counts& counts : std::span(tenths).subspan(from_tenth)) total += counts;
    return total;
  }
};

absl::StatusOr<ReplayResult> Replay(Load& load, Cache& cache);

}  // namespace larder::bench
