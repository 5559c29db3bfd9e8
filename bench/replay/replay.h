#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

#include "bench/replay/cache.h"
#include "bench/replay/request.h"

namespace larder::bench {

// A run is told of tenth by tenth of its requests.
inline constexpr size_t kTenths = 10;

// What there is to know of a load without a cache.
struct LoadSummary {
  struct Tenth {
    uint64_t gets = 0;
    uint64_t first_gets = 0;  // of a key that no request before was for: no cache has it
  };

  uint64_t requests = 0;
  uint64_t keys = 0;
  std::array<Tenth, kTenths> tenths;

  // The least miss ratio that there can be.
  double LeastMissRatio() const;
};

LoadSummary Summarize(Load& load);

// What a cache made of a load.
struct ReplayResult {
  std::array<Counts, kTenths> tenths;
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
