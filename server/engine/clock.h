#pragma once

#include <cstdint>

#include "slab/tick.h"

// What the engine knows of time. It reads no clock: whoever turns the loop reads the clocks once a
// turn and hands the result in, so that every request of a turn sees the same moment and tests
// choose it.

namespace larder {

// One moment, on both clocks.
struct Now {
  // Seconds of a monotonic clock, from any start of 1 or more: ages and times to live are measured
  // with it, so a step of the wall clock neither kills nor prolongs an item.
  Tick tick;
  // Unix time, for what clients and operators give or read as a date.
  int64_t wall_seconds = 0;
  int32_t wall_microseconds = 0;  // of the second, as far as the clock tells
};

// Up to here an expiry time sent by a client counts from now on; above, it is a date.
inline constexpr int64_t kRelativeExpirySecondsMax = 60 * 60 * 24 * 30;

// The tick at which an item expires whose client sent `exptime`: 0 never, negative at once, up to
// 30 days from now on, above that as a Unix time. A date in the past gives the tick that it was,
// or 1, the first there is, if it was before.
uint32_t ExpireTick(int64_t exptime, const Now& now);

}  // namespace larder
