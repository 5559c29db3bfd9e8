#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/engine/clock.h"
#include "server/engine/counters.h"
#include "server/engine/eviction_reporter.h"
#include "server/engine/hot_keys.h"
#include "server/engine/miss_ratio_curve.h"
#include "server/engine/output.h"
#include "server/engine/prefix_stats.h"
#include "server/engine/request_sampler.h"
#include "server/engine/server_view.h"
#include "server/engine/settings.h"
#include "server/engine/turn_times.h"
#include "server/engine/watch.h"
#include "slab/mutex.h"
#include "slab/store.h"

// The engine joins protocol and store, and knows no sockets: it is given bytes and a moment and
// gives bytes. There is one Engine a process, one EngineWorker a thread, and one Session a
// connection. What they share is the store and what `stats` reports.

namespace larder {

class AuthFile;
class Authenticator;
class EngineWorker;
struct StatsSnapshot;

// What all workers share. Every member may be called from any thread.
class Engine {
 public:
  // All that is pointed to must outlive the engine. `start` is the moment that uptime counts from.
  // Without an authenticator (SASL, -S) or an auth file (-Y) clients are not asked who they are;
  // with an auth file they speak text.
  Engine(const Settings& settings, Store* store, const ServerView* server, const Now& start,
         Authenticator* authenticator = nullptr, const AuthFile* auth_file = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A worker for one thread; lives as long as the engine.
  EngineWorker* AddWorker() ABSL_LOCKS_EXCLUDED(mutex_);

  const Settings& settings() const { return settings_; }
  Store& store() const { return *store_; }
  const ServerView& server() const { return *server_; }
  const Now& start() const { return start_; }
  Authenticator* authenticator() const { return authenticator_; }
  const AuthFile* auth_file() const { return auth_file_; }

  // How much is logged: -v at first, then what the last `verbosity` command said.
  int verbosity() const { return verbosity_.load(std::memory_order_relaxed); }
  void SetVerbosity(int verbosity) { verbosity_.store(verbosity, std::memory_order_relaxed); }

  // How many clients there may be (-c), and after how many seconds without a request one is closed
  // (idle_timeout; 0: never): as the options have it at first, and as a reload changes it. What
  // watches over them learns of a change by the workers' wake.
  int connections_max() const { return connections_max_.load(std::memory_order_relaxed); }
  void SetConnectionsMax(int connections) {
    connections_max_.store(connections, std::memory_order_relaxed);
  }
  int idle_timeout_seconds() const { return idle_timeout_seconds_.load(std::memory_order_relaxed); }
  void SetIdleTimeout(int seconds) ABSL_LOCKS_EXCLUDED(mutex_);

  // What somebody looks at while it happens: what watchers want, and kCountPrefixes. 0 nearly
  // always, and then commands need not look further.
  static constexpr unsigned kCountPrefixes = 1u << 31;
  unsigned observed() const {
    return watch_hub_.events() | count_prefixes_.load(std::memory_order_relaxed);
  }
  WatchHub& watch_hub() { return watch_hub_; }
  const WatchHub& watch_hub() const { return watch_hub_; }

  // Begins a watch for a session of `worker`'s; null if there are too many.
  std::unique_ptr<Watcher> Watch(unsigned events, EngineWorker* worker, const Now& now);

  // Settings that commands change while the store is used. The share that is on probation is obeyed
  // while the LRU is segmented; flat, nothing is. Segmented with a share of 0 is still segmented.
  void SetProbation(uint32_t percent) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetSegmented(bool segmented) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetAutomove(int mode);
  uint32_t probation_percent() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool segmented() const { return segmented_.load(std::memory_order_relaxed); }
  int automove() const { return automove_.load(std::memory_order_relaxed); }

  // `stats detail`.
  bool counts_prefixes() const { return count_prefixes_.load(std::memory_order_relaxed) != 0; }
  void SetCountPrefixes(bool on) {
    count_prefixes_.store(on ? kCountPrefixes : 0, std::memory_order_relaxed);
  }
  std::map<std::string, PrefixCounts> PrefixTotals() const ABSL_LOCKS_EXCLUDED(mutex_);

  // `stats hotkeys` and `stats mrc`; null where the settings turn them off.
  HotKeys* hot_keys() const { return hot_keys_.get(); }
  MissRatioCurve* miss_ratio_curve() const { return miss_ratio_curve_.get(); }
  // Tells the curve how things stand. There must be one.
  void UpdateMissRatioCurve(Tick now) ABSL_LOCKS_EXCLUDED(mutex_);
  // What Settings::track_turn_times asked for, since the last reset.
  TurnTimeTotals TurnTimesOfAll() const ABSL_LOCKS_EXCLUDED(mutex_);

  // True if the caller may go through all keys, until EndDump: one at a time may, as in memcached.
  bool BeginDump() { return !dumping_.exchange(true, std::memory_order_acquire); }
  void EndDump() { dumping_.store(false, std::memory_order_release); }

  // What `stats` reports, counted since the last reset.
  StatsSnapshot Snapshot() const ABSL_LOCKS_EXCLUDED(mutex_);
  // `stats reset`: what counts events starts again from 0; what tells a state stays.
  void ResetStats(Tick now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  StatsSnapshot Measure() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ReadCounts CountReads() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Settings settings_;
  Store* const store_;
  const ServerView* const server_;
  const Now start_;
  Authenticator* const authenticator_;
  const AuthFile* const auth_file_;
  std::atomic<int> verbosity_;
  std::atomic<int> connections_max_;
  std::atomic<int> idle_timeout_seconds_;
  WatchHub watch_hub_;
  EvictionReporter eviction_reporter_{&watch_hub_};
  std::atomic<unsigned> count_prefixes_;
  std::atomic<bool> dumping_ = false;
  std::atomic<int> automove_{0};
  std::atomic<bool> segmented_;  // written under mutex_
  const std::unique_ptr<HotKeys> hot_keys_;
  const std::unique_ptr<MissRatioCurve> miss_ratio_curve_;
  mutable Mutex mutex_;
  uint32_t probation_percent_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<EngineWorker>> workers_ ABSL_GUARDED_BY(mutex_);
  // As it was at the last reset; null before the first.
  std::unique_ptr<const StatsSnapshot> baseline_ ABSL_GUARDED_BY(mutex_);
};

// What the sessions of one thread share. Used by that thread only, but for what Engine::Snapshot
// reads: the counters.
class EngineWorker {
 public:
  // The lane is the store's; it must be this worker's alone.
  // `number` differs from worker to worker.
  EngineWorker(Engine* engine, Lane* lane, WatchLog* watch_log, size_t number);
  ~EngineWorker();
  EngineWorker(const EngineWorker&) = delete;
  EngineWorker& operator=(const EngineWorker&) = delete;

  Engine& engine() const { return *engine_; }
  const Settings& settings() const { return engine_->settings(); }
  Store& store() const { return engine_->store(); }
  Lane& lane() const { return *lane_; }
  WorkerCounters& counters() { return counters_; }
  const WorkerCounters& counters() const { return counters_; }
  // Lent to the outputs of this thread's connections.
  OutputBlocks& output_blocks() { return output_blocks_; }
  const OutputBlocks& output_blocks() const { return output_blocks_; }
  // What watchers are to be told of this thread.
  WatchLog& watch_log() const { return *watch_log_; }
  PrefixStats& prefix_stats() { return prefix_stats_; }
  const PrefixStats& prefix_stats() const { return prefix_stats_; }
  // Where the time of each turn is to be recorded; null nearly always.
  TurnTimes* turn_times() const { return turn_times_.get(); }
  // Makes the thread run the sessions that are watching. Set before the first session; any thread
  // may call it.
  void SetWake(std::function<void()> wake) { wake_ = std::move(wake); }
  const std::function<void()>& wake() const { return wake_; }
  // Of the session that runs; holds nothing between runs.
  RequestWindow& window() { return *window_; }
  RequestSampler& sampler() { return sampler_; }
  const RequestSampler& sampler() const { return sampler_; }

 private:
  Engine* const engine_;
  Lane* const lane_;
  WatchLog* const watch_log_;
  PrefixStats prefix_stats_;
  std::function<void()> wake_ = [] {};
  OutputBlocks output_blocks_;
  const std::unique_ptr<RequestWindow> window_;
  RequestSampler sampler_;
  const std::unique_ptr<TurnTimes> turn_times_;
  WorkerCounters counters_;
};
// What one worker writes with every request lies on no line that another uses.
static_assert(alignof(EngineWorker) == 64 && alignof(TurnTimes) == 64);

}  // namespace larder
