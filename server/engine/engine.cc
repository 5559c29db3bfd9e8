#include "server/engine/engine.h"

#include "server/engine/request_window.h"
#include "server/engine/stats.h"

namespace larder {

Engine::Engine(const Settings& settings, Store* store, const ServerView* server, const Now& start,
               Authenticator* authenticator, const AuthFile* auth_file)
    : settings_(settings),
      store_(store),
      server_(server),
      start_(start),
      authenticator_(authenticator),
      auth_file_(auth_file),
      verbosity_(settings.verbosity),
      watch_hub_(settings.worker_log_buffer_bytes, settings.watcher_buffer_bytes),
      count_prefixes_(settings.prefix_stats ? kCountPrefixes : 0),
      automove_(settings.automove),
      segmented_(settings.lru_maintainer),
      probation_percent_(settings.probation_percent) {
  store_->SetAutomove(settings.automove != 0);
  store_->SetSweeper(settings.sweeper);
}

Engine::~Engine() { store_->SetObserver(nullptr); }

std::unique_ptr<Watcher> Engine::Watch(unsigned events, EngineWorker* worker, const Now& now) {
  // From the first that wants to know of evictions on, and not before.
  if ((events & kWatchEvictions) != 0) store_->SetObserver(&eviction_reporter_);
  return watch_hub_.Watch(events, worker->wake(), now);
}

EngineWorker* Engine::AddWorker() {
  auto worker = std::make_unique<EngineWorker>(this, &store_->AddLane(), watch_hub_.AddLog());
  const MutexLock lock(&mutex_);
  return workers_.emplace_back(std::move(worker)).get();
}

StatsSnapshot Engine::Measure() const {
  StatsSnapshot snapshot;
  for (const auto& worker : workers_) {
    AddCounters(worker->counters(), &snapshot.counters);
    snapshot.output_blocks += static_cast<int64_t>(worker->output_blocks().count());
  }
  snapshot.store = store_->Stats();
  snapshot.server = server_->Stats();
  snapshot.watch = watch_hub_.Stats();
  return snapshot;
}

StatsSnapshot Engine::Snapshot() const {
  const MutexLock lock(&mutex_);
  StatsSnapshot snapshot = Measure();
  if (baseline_ != nullptr) SubtractCounted(*baseline_, &snapshot);
  return snapshot;
}

void Engine::ResetStats() {
  const MutexLock lock(&mutex_);
  baseline_ = std::make_unique<const StatsSnapshot>(Measure());
  for (const auto& worker : workers_) worker->prefix_stats().Clear();
}

void Engine::SetProbation(uint32_t percent) {
  const MutexLock lock(&mutex_);
  probation_percent_ = percent;
  if (segmented()) store_->SetProbationPercent(percent);
}

void Engine::SetSegmented(bool segmented) {
  const MutexLock lock(&mutex_);
  segmented_.store(segmented, std::memory_order_relaxed);
  store_->SetProbationPercent(segmented ? probation_percent_ : 0);
}

uint32_t Engine::probation_percent() const {
  const MutexLock lock(&mutex_);
  return probation_percent_;
}

void Engine::SetAutomove(int mode) {
  automove_.store(mode, std::memory_order_relaxed);
  store_->SetAutomove(mode != 0);
}

std::map<std::string, PrefixCounts> Engine::PrefixTotals() const {
  std::map<std::string, PrefixCounts> totals;
  const MutexLock lock(&mutex_);
  for (const auto& worker : workers_) worker->prefix_stats().AddTo(&totals);
  return totals;
}

EngineWorker::EngineWorker(Engine* engine, Lane* lane, WatchLog* watch_log)
    : engine_(engine),
      lane_(lane),
      watch_log_(watch_log),
      prefix_stats_(engine->settings().prefix_delimiter),
      window_(std::make_unique<RequestWindow>()) {}

EngineWorker::~EngineWorker() = default;

}  // namespace larder
