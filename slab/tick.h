#pragma once

#include <cstdint>

namespace larder {

// The store's only notion of time: whole seconds of a monotonic clock of the caller's choice,
// which starts at 1 or above and does not go back. Expiry times are ticks too; 0 means never.
struct Tick {
  uint32_t seconds = 1;
};

inline constexpr uint32_t kNeverExpires = 0;

inline bool HasPassed(uint32_t expire_seconds, Tick now) {
  return expire_seconds != kNeverExpires && expire_seconds <= now.seconds;
}

}  // namespace larder
