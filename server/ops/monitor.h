#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/engine/clock.h"
#include "server/engine/stats.h"
#include "server/ops/log.h"

// Looks at the daemon at regular times and says what an operator wants to know of: to the log when
// something has begun or gone on for a while, and to the service manager always.
//
// What it goes by is what `stats` reports, so that nothing on a request's way knows of it; what has
// happened is seen some time later, but none of it is lost, as it is counted. And what happens a
// thousand times a second is one line a minute, with how often.
//
// The manager's watchdog is fed from the workers' progress. At every look each worker is asked for
// a sign that its loop turns, and WATCHDOG=1 is sent only if all have given the one that was asked
// for the last time. So a worker that stands still for as long as the manager's limit
// (WatchdogSec=) leaves the manager without a word for that long, which then restarts the service.

namespace larder {

class Monitor {
 public:
  using Notify = std::function<void(std::string_view state)>;

  // `watchdog_limit` is the manager's; 0: it has none. `log` must outlive the monitor. `notify` is
  // called with what the manager is to be told.
  Monitor(std::chrono::microseconds watchdog_limit, const Log* log, Notify notify)
      : watchdog_limit_(watchdog_limit), log_(log), notify_(std::move(notify)) {}

  // How often to look.
  std::chrono::milliseconds Period() const;

  // One look: `stats` as it is now, and which workers have not answered since the last look.
  void Look(const StatsSnapshot& stats, const std::vector<int>& silent_workers, const Now& now);

 private:
  // A count that grows, told in doses.
  struct Recurring {
    int64_t seen = 0;
    int64_t untold = 0;
    std::optional<uint32_t> told_tick;

    // How much is to be told of now; 0: nothing.
    int64_t Take(int64_t count, const Now& now);
  };
  struct Silence {
    int worker = 0;
    uint32_t since_tick = 0;
    bool told = false;
  };

  void TellMemory(const StatsSnapshot& stats, const Now& now);
  void TellConnections(const ServerStats& server, const Now& now);
  void TellSilence(const std::vector<int>& silent_workers, const Now& now);
  void TellStatus(const StatsSnapshot& stats, const Now& now);

  const std::chrono::microseconds watchdog_limit_;
  const Log* const log_;
  const Notify notify_;
  bool has_evicted_ = false;
  Recurring out_of_memory_;
  Recurring rejected_;
  Recurring paused_;
  std::vector<Silence> silences_;
  std::string status_;        // as the manager has it
  uint32_t status_tick_ = 0;  // when it was looked at last
};

}  // namespace larder
