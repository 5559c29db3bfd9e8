#include "server/net/maintenance.h"

#include <algorithm>

#include "absl/time/time.h"

namespace larder {

namespace {

// Steps at a time: about 20 to 100 microseconds.
constexpr size_t kBudget = 2048;

// With work to do, the thread has a quarter of a processor at most.
constexpr absl::Duration kBusyPause = absl::Microseconds(200);
constexpr absl::Duration kIdlePauseMin = absl::Milliseconds(10);
constexpr absl::Duration kIdlePauseMax = absl::Milliseconds(100);

}  // namespace

absl::Status Maintenance::Start() {
  return thread_.Start("larder-maint", [this] { Run(); });
}

void Maintenance::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.Join();
}

void Maintenance::Run() {
  absl::Duration idle_pause = kIdlePauseMin;
  for (bool stop = false; !stop;) {
    const bool more = store_->Maintain(clock_->Read().tick, kBudget);
    idle_pause = more ? kIdlePauseMin : std::min(2 * idle_pause, kIdlePauseMax);
    absl::MutexLock lock(&mutex_);
    stop = mutex_.AwaitWithTimeout(absl::Condition(&stopping_), more ? kBusyPause : idle_pause);
  }
}

}  // namespace larder
