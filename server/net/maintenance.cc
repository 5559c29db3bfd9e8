#include "server/net/maintenance.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>

namespace larder {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Steps at a time: about 20 to 100 microseconds.
constexpr size_t kBudget = 2048;

// With work to do, the thread has a quarter of a processor at most.
constexpr microseconds kBusyPause(200);
constexpr microseconds kIdlePauseMin = milliseconds(10);
constexpr microseconds kIdlePauseMax = milliseconds(100);
// A busy worker fills its log in some milliseconds.
constexpr microseconds kWatchedPause = milliseconds(1);

}  // namespace

absl::Status Maintenance::Start() {
  stop_.Reset(eventfd(0, EFD_CLOEXEC));
  if (!stop_) return absl::ResourceExhaustedError("failed to create the maintenance thread");
  return thread_.Start("larder-maint", [this] { Run(); });
}

void Maintenance::Stop() {
  if (stop_) eventfd_write(stop_.get(), 1);
  thread_.Join();
}

void Maintenance::Run() {
  microseconds pause = kIdlePauseMin;
  do {
    const Now now = clock_->Read();
    const bool more = store_->Maintain(now.tick, kBudget);
    const bool watched = watch_hub_->Deliver(now);
    pause = more ? kBusyPause : std::clamp(2 * pause, kIdlePauseMin, kIdlePauseMax);
    if (watched) pause = std::min(pause, kWatchedPause);
  } while (Pause(pause));
}

// False once the thread is to end.
bool Maintenance::Pause(microseconds duration) const {
  pollfd stop = {.fd = stop_.get(), .events = POLLIN};
  const timespec time = {.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(duration).count()};
  return ppoll(&stop, 1, &time, nullptr) <= 0;
}

}  // namespace larder
