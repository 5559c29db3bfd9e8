#pragma once

#include "server/engine/clock.h"

namespace larder {

// Where the turns of the loops get their moment from. Any thread may read; a server has one clock,
// so that all its workers agree on when an item expires.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now Read() const = 0;
};

// The system's monotonic and wall clocks.
class SystemClock : public Clock {
 public:
  SystemClock();
  Now Read() const override;

 private:
  int64_t monotonic_start_seconds_;
};

}  // namespace larder
