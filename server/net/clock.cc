#include "server/net/clock.h"

#include <time.h>

namespace larder {

namespace {

// Nobody needs more than milliseconds, so the coarse clocks do: they are a few milliseconds behind
// and cost a few nanoseconds.
timespec Time(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time;
}

}  // namespace

SystemClock::SystemClock(Tick first)
    : tick_zero_(Time(CLOCK_MONOTONIC_COARSE).tv_sec - int64_t{first.seconds}) {}

uint64_t ThreadCpuNanoseconds() {
  const timespec time = Time(CLOCK_THREAD_CPUTIME_ID);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

Now SystemClock::Read() const {
  const int64_t seconds = Time(CLOCK_MONOTONIC_COARSE).tv_sec - tick_zero_;
  const timespec wall = Time(CLOCK_REALTIME_COARSE);
  return {.tick = Tick{static_cast<uint32_t>(seconds)},
          .wall_seconds = wall.tv_sec,
          .wall_microseconds = static_cast<int32_t>(wall.tv_nsec / 1000)};
}

}  // namespace larder
