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

// The first tick. Ticks below it lie before the start and have passed.
constexpr int64_t kFirstTick = 2;

}  // namespace

SystemClock::SystemClock() : monotonic_start_seconds_(Seconds(CLOCK_MONOTONIC_COARSE)) {}

Now SystemClock::Read() const {
  const int64_t seconds = Seconds(CLOCK_MONOTONIC_COARSE) - monotonic_start_seconds_ + kFirstTick;
  return {.tick = Tick{static_cast<uint32_t>(seconds)},
          .wall_seconds = Seconds(CLOCK_REALTIME_COARSE)};
}

}  // namespace larder
