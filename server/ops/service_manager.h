#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

// The process's side of systemd's protocols: what it tells the service manager that started it
// (sd_notify), and what it is given by it (sockets, the watchdog's limit). Both are found by
// variables of the environment; without them there is no manager, and everything here does nothing.

namespace larder {

// Tells the manager of a state: assignments as in sd_notify(3), one a line, such as "READY=1".
// Without a manager, or if it does not listen, nothing happens. One thread at a time.
void NotifyServiceManager(std::string_view state);

// Tells the manager that a reload begins, and when on the system's monotonic clock, by which it
// knows this one from earlier ones. READY=1 ends it.
void NotifyReloading();

// After how long without WATCHDOG=1 the manager takes the process for dead; 0: never.
std::chrono::microseconds WatchdogLimit();

// A socket that the manager has opened.
struct InheritedSocket {
  int fd = -1;       // the caller's to close; closed on exec
  std::string name;  // as FileDescriptorName= has it
};

// The sockets that were given to this process, in the manager's order; none the second time. Fails
// with a message for the operator.
absl::StatusOr<std::vector<InheritedSocket>> TakeInheritedSockets();

}  // namespace larder
