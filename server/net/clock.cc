#include "server/net/clock.h"

#include <time.h>

namespace larder {

namespace {

// Whole seconds are all that anyone needs, so the coarse clocks do: they are a few milliseconds
// behind and cost a few nanoseconds.
int64_t Seconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec;
}

}  // namespace

SystemClock::SystemClock(Tick first)
    : tick_zero_(Seconds(CLOCK_MONOTONIC_COARSE) - int64_t{first.seconds}) {}

Now SystemClock::Read() const {
  const int64_t seconds = Seconds(CLOCK_MONOTONIC_COARSE) - tick_zero_;
  return {.tick = Tick{static_cast<uint32_t>(seconds)},
          .wall_seconds = Seconds(CLOCK_REALTIME_COARSE)};
}

}  // namespace larder
