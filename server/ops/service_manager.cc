#include "server/ops/service_manager.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace larder {

void NotifyServiceManager(std::string_view state) {
  sd_notify(/*unset_environment=*/0, std::string(state).c_str());
}

void NotifyReloading() {
  const auto monotonic = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  NotifyServiceManager(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", monotonic.count()));
}

std::chrono::microseconds WatchdogLimit() {
  uint64_t microseconds = 0;
  const int enabled = sd_watchdog_enabled(/*unset_environment=*/0, &microseconds);
  return std::chrono::microseconds(enabled > 0 ? microseconds : 0);
}

absl::StatusOr<std::vector<InheritedSocket>> TakeInheritedSockets() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  if (count < 0) {
    return absl::InvalidArgumentError(absl::StrCat("failed to take the sockets of LISTEN_FDS: ",
                                                   std::generic_category().message(-count)));
  }
  std::vector<InheritedSocket> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back({.fd = SD_LISTEN_FDS_START + i, .name = names[i]});
    free(names[i]);
  }
  free(names);
  return sockets;
}

}  // namespace larder
