#pragma once

#include <chrono>

#include "absl/status/status.h"
#include "server/engine/watch.h"
#include "server/net/clock.h"
#include "server/net/thread.h"
#include "server/net/unique_fd.h"
#include "slab/store.h"

namespace larder {

// The thread that does what has to be done and nobody waits for: the store's index grows, what has
// expired is swept out, pages are emptied, and watchers are told what happened. It works in short
// pieces with pauses between them, so that a worker that shares its processor is not held up, and
// sleeps longer the longer there was nothing to do.
class Maintenance {
 public:
  // All must outlive the thread.
  Maintenance(Store* store, WatchHub* watch_hub, const Clock* clock)
      : store_(store), watch_hub_(watch_hub), clock_(clock) {}

  // Fails with a message for the operator.
  absl::Status Start();
  // Any thread. Returns once the thread has ended.
  void Stop();

 private:
  void Run();
  bool Pause(std::chrono::microseconds duration) const;

  Store* const store_;
  WatchHub* const watch_hub_;
  const Clock* const clock_;
  UniqueFd stop_;  // readable once the thread is to end
  Thread thread_;
};

}  // namespace larder
