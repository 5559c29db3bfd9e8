#include "server/lifecycle.h"

#include <string.h>

#include "absl/strings/str_cat.h"
#include "server/engine/stats.h"
#include "server/ops/service_manager.h"

namespace larder {

namespace {

std::string Describe(const StopReason& reason) {
  if (reason.commanded) return "the shutdown command";
  return absl::StrCat("signal ", sigabbrev_np(reason.signal));
}

}  // namespace

Lifecycle::Lifecycle(const Log* log, const Clock* clock, Server* server, Engine* engine)
    : log_(log),
      clock_(clock),
      server_(server),
      engine_(engine),
      monitor_(WatchdogLimit(), log, &NotifyServiceManager) {
  server_->Every(monitor_.Period(), [this](const Now& now) { Look(now); });
}

void Lifecycle::Ready(const std::string& addresses) const {
  log_->Info(clock_->Read(), absl::StrCat("larder ", LARDER_VERSION, " serves on ", addresses));
  NotifyServiceManager("READY=1");
}

void Lifecycle::BeginReload() const { NotifyReloading(); }

void Lifecycle::EndReload() const { NotifyServiceManager("READY=1"); }

void Lifecycle::Stopping(const StopReason& reason) const {
  NotifyServiceManager("STOPPING=1\nSTATUS=Stopping");
  log_->Info(clock_->Read(), absl::StrCat("stopping: ", Describe(reason)));
}

void Lifecycle::Look(const Now& now) {
  monitor_.Look(engine_->Snapshot(), server_->SilentWorkers(), now);
  server_->AskWorkers();
}

}  // namespace larder
