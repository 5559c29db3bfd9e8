#include "server/engine/engine.h"

#include "server/engine/stats.h"

namespace larder {

// What the sampling may take of memory, with as many workers as that.
static_assert(MiniatureCaches::table_bytes() + sizeof(MissRatioCurve) + sizeof(HotKeys) +
                  1024 * sizeof(RequestSampler) <=
              size_t{4} << 20);

Engine::Engine(const Settings& settings, Store* store, const ServerView* server, const Now& start,
               Authenticator* authenticator, const AuthFile* auth_file)
    : settings_(settings),
      store_(store),
      server_(server),
      start_(start),
      authenticator_(authenticator),
      auth_file_(auth_file),
      verbosity_(settings.verbosity),
      connections_max_(settings.connections_max),
      idle_timeout_seconds_(settings.idle_timeout_seconds),
      watch_hub_(settings.worker_log_buffer_bytes, settings.watcher_buffer_bytes),
      count_prefixes_(settings.prefix_stats ? kCountPrefixes : 0),
      segmented_(settings.lru_maintainer),
      hot_keys_(settings.hot_keys_sample > 0
                    ? std::make_unique<HotKeys>(settings.hot_keys_sample, start.tick)
                    : nullptr),
      miss_ratio_curve_(settings.miss_ratio_curve ? std::make_unique<MissRatioCurve>() : nullptr),
      probation_percent_(settings.probation_percent) {
  if (miss_ratio_curve_ != nullptr) UpdateMissRatioCurve(start.tick);
  SetAutomove(settings.automove);
  store_->SetSweeper(settings.sweeper);
}

Engine::~Engine() { store_->SetObserver(nullptr); }

std::unique_ptr<Watcher> Engine::Watch(unsigned events, EngineWorker* worker, const Now& now) {
  // From the first that wants to know of evictions on, and not before.
  if ((events & kWatchEvictions) != 0) store_->SetObserver(&eviction_reporter_);
  return watch_hub_.Watch(events, worker->wake(), now);
}

EngineWorker* Engine::AddWorker() {
  Lane& lane = store_->AddLane();
  WatchLog* const log = watch_hub_.AddLog();
  const MutexLock lock(&mutex_);
  return workers_.emplace_back(std::make_unique<EngineWorker>(this, &lane, log, workers_.size()))
      .get();
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

void Engine::ResetStats(Tick now) {
  const MutexLock lock(&mutex_);
  baseline_ = std::make_unique<const StatsSnapshot>(Measure());
  for (const auto& worker : workers_) {
    worker->prefix_stats().Clear();
    if (worker->turn_times() != nullptr) worker->turn_times()->Clear();
  }
  if (hot_keys_ != nullptr) hot_keys_->Reset(now);
  if (miss_ratio_curve_ != nullptr) miss_ratio_curve_->Reset(CountReads(), now);
}

ReadCounts Engine::CountReads() const {
  ReadCounts counts;
  for (const auto& worker : workers_) {
    const WorkerCounters& counters = worker->counters();
    counts.misses += counters.get_misses.value() + counters.touch_misses.value();
    for (const ClassCounters& of_class : counters.classes) {
      counts.reads += of_class.probation_hits.value() + of_class.protected_hits.value() +
                      of_class.touch_hits.value();
    }
  }
  counts.reads += counts.misses;
  return counts;
}

void Engine::UpdateMissRatioCurve(Tick now) {
  const StoreStats store = store_->Stats();
  const ReadCounts reads = [this] {
    const MutexLock lock(&mutex_);
    return CountReads();
  }();
  miss_ratio_curve_->Update(store, store_->probation_percent(), reads, now);
}

TurnTimeTotals Engine::TurnTimesOfAll() const {
  TurnTimeTotals totals;
  const MutexLock lock(&mutex_);
  for (const auto& worker : workers_) {
    if (worker->turn_times() != nullptr) worker->turn_times()->AddTo(&totals);
  }
  return totals;
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

void Engine::SetIdleTimeout(int seconds) {
  idle_timeout_seconds_.store(seconds, std::memory_order_relaxed);
  const MutexLock lock(&mutex_);
  for (const std::unique_ptr<EngineWorker>& worker : workers_) worker->wake()();
}

void Engine::SetAutomove(int mode) {
  automove_.store(mode, std::memory_order_relaxed);
  store_->SetAutomove(/*on=*/mode != 0, /*eager=*/mode == 2);
}

std::map<std::string, PrefixCounts> Engine::PrefixTotals() const {
  std::map<std::string, PrefixCounts> totals;
  const MutexLock lock(&mutex_);
  for (const auto& worker : workers_) worker->prefix_stats().AddTo(&totals);
  return totals;
}

EngineWorker::EngineWorker(Engine* engine, Lane* lane, WatchLog* watch_log, size_t number)
    : engine_(engine),
      lane_(lane),
      watch_log_(watch_log),
      prefix_stats_(engine->settings().prefix_delimiter),
      window_(std::make_unique<RequestWindow>()),
      sampler_(engine, /*seed=*/number),
      turn_times_(engine->settings().track_turn_times ? std::make_unique<TurnTimes>() : nullptr) {}

EngineWorker::~EngineWorker() = default;

}  // namespace larder
