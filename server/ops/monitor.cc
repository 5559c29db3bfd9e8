#include "server/ops/monitor.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace larder {

namespace {

constexpr std::chrono::milliseconds kPeriodMax(1000);

// The manager hears of the workers so often within its limit, so that one late word does no harm.
constexpr int kWordsPerLimit = 4;

constexpr uint32_t kStatusSeconds = 5;

// What goes on is told again after so long.
constexpr uint32_t kQuietSeconds = 60;

// A worker that is silent for less is busy.
constexpr uint32_t kSilenceSeconds = 3;

uint64_t Evictions(const StatsSnapshot& stats) {
  uint64_t evictions = 0;
  for (const ClassStats& of_class : stats.store.classes) evictions += of_class.evicted;
  return evictions;
}

std::string StatusOf(const StatsSnapshot& stats) {
  int64_t hits = 0;
  for (const ClassTotals& of_class : stats.counters.classes) {
    hits += of_class.probation_hits + of_class.protected_hits;
  }
  const int64_t gets = hits + stats.counters.get_misses;
  char ratio[32] = "no gets";
  if (gets > 0) {
    constexpr double kPercent = 100;
    std::snprintf(ratio, sizeof(ratio), "hit ratio %.1f %%",
                  kPercent * static_cast<double>(hits) / static_cast<double>(gets));
  }
  return absl::StrCat(stats.store.items, " items, ", ratio, ", ", stats.server.connections,
                      " connections");
}

}  // namespace

std::chrono::milliseconds Monitor::Period() const {
  if (watchdog_limit_.count() == 0) return kPeriodMax;
  const auto period =
      std::chrono::duration_cast<std::chrono::milliseconds>(watchdog_limit_ / kWordsPerLimit);
  return std::clamp(period, std::chrono::milliseconds(1), kPeriodMax);
}

void Monitor::Look(const StatsSnapshot& stats, const std::vector<int>& silent_workers,
                   const Now& now) {
  if (watchdog_limit_.count() > 0 && silent_workers.empty()) notify_("WATCHDOG=1");
  TellSilence(silent_workers, now);
  TellMemory(stats, now);
  TellConnections(stats.server, now);
  TellStatus(stats, now);
}

// `count` is since the last `stats reset`, and so may have become less.
int64_t Monitor::Recurring::Take(int64_t count, const Now& now) {
  untold += count >= seen ? count - seen : count;
  seen = count;
  if (untold == 0 || (told_tick && now.tick.seconds - *told_tick < kQuietSeconds)) return 0;
  told_tick = now.tick.seconds;
  return std::exchange(untold, 0);
}

void Monitor::TellSilence(const std::vector<int>& silent_workers, const Now& now) {
  std::erase_if(silences_, [&](const Silence& silence) {
    const bool goes_on = std::ranges::count(silent_workers, silence.worker) == 0;
    if (goes_on && silence.told) {
      log_->Warning(now, absl::StrCat("worker ", silence.worker, " goes on after ",
                                      now.tick.seconds - silence.since_tick, " s"));
    }
    return goes_on;
  });
  for (const int worker : silent_workers) {
    if (std::ranges::count(silences_, worker, &Silence::worker) == 0) {
      silences_.push_back({.worker = worker, .since_tick = now.tick.seconds});
    }
  }
  for (Silence& silence : silences_) {
    const uint32_t seconds = now.tick.seconds - silence.since_tick;
    if (silence.told || seconds < kSilenceSeconds) continue;
    silence.told = true;
    log_->Error(now, absl::StrCat("worker ", silence.worker, " has stood still for ", seconds,
                                  " s: its clients wait"));
  }
}

void Monitor::TellMemory(const StatsSnapshot& stats, const Now& now) {
  if (!has_evicted_ && Evictions(stats) > 0) {
    has_evicted_ = true;
    log_->Info(now, absl::StrCat("first eviction: ", stats.store.items, " items fill the ",
                                 stats.store.memory_limit_bytes >> 20, " MiB of -m"));
  }
  if (const int64_t times = out_of_memory_.Take(stats.counters.stores_out_of_memory, now);
      times > 0) {
    log_->Warning(now, absl::StrCat("out of memory; values not stored: ", times));
  }
}

void Monitor::TellConnections(const ServerStats& server, const Now& now) {
  if (const int64_t clients = rejected_.Take(server.connections_rejected, now); clients > 0) {
    log_->Warning(
        now, absl::StrCat("the limit of connections (-c) was reached; clients refused: ", clients));
  }
  if (const int64_t times = paused_.Take(server.accepting_stopped, now); times > 0) {
    log_->Warning(now, absl::StrCat("the limit of connections (-c) or of open files was reached; "
                                    "times that clients had to wait: ",
                                    times));
  }
}

void Monitor::TellStatus(const StatsSnapshot& stats, const Now& now) {
  if (!status_.empty() && now.tick.seconds - status_tick_ < kStatusSeconds) return;
  status_tick_ = now.tick.seconds;
  std::string status = StatusOf(stats);
  if (status == status_) return;
  status_ = std::move(status);
  notify_(absl::StrCat("STATUS=", status_));
}

}  // namespace larder
