#pragma once

#include <string>

#include "server/engine/engine.h"
#include "server/net/clock.h"
#include "server/net/server.h"
#include "server/ops/log.h"
#include "server/ops/monitor.h"

namespace larder {

// The daemon's life, as its operator reads it in the log and as its service manager is told of it:
// it serves, it is looked after, it reloads, it stops and why.
class Lifecycle {
 public:
  // Before the server is started: from then on it is looked after. All must outlive the lifecycle,
  // and the server not run without it.
  Lifecycle(const Log* log, const Clock* clock, Server* server, Engine* engine);

  // The listeners accept. `addresses` are theirs, for the log.
  void Ready(const std::string& addresses) const;
  // Around what HUP does.
  void BeginReload() const;
  void EndReload() const;
  // The server is to stop, because of `reason`, and drains next.
  void Stopping(const StopReason& reason) const;

 private:
  void Look(const Now& now);

  const Log* const log_;
  const Clock* const clock_;
  Server* const server_;
  Engine* const engine_;
  Monitor monitor_;
};

}  // namespace larder
