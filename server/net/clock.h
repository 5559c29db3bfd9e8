#pragma once

#include <cstdint>

#include "server/engine/clock.h"

namespace larder {

// Where the turns of the loops get their moment from. Any thread may read; a server has one clock,
// so that all its workers agree on when an item expires.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now Read() const = 0;
};

// The processor time that the calling thread has used. Asking costs a system call.
uint64_t ThreadCpuNanoseconds();

// The system's monotonic and wall clocks.
class SystemClock : public Clock {
 public:
  // Ticks below the first lie before the start and have passed.
  static constexpr Tick kFirstTick{2};

  explicit SystemClock(Tick first = kFirstTick);
  Now Read() const override;

 private:
  const int64_t tick_zero_;  // of the monotonic clock, where tick 0 would have been
};

}  // namespace larder
