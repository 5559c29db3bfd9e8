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
      verbosity_(settings.verbosity) {}

Engine::~Engine() = default;

EngineWorker* Engine::AddWorker() {
  auto worker = std::make_unique<EngineWorker>(this, &store_->AddLane());
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
}

EngineWorker::EngineWorker(Engine* engine, Lane* lane)
    : engine_(engine), lane_(lane), window_(std::make_unique<RequestWindow>()) {}

EngineWorker::~EngineWorker() = default;

}  // namespace larder
