#pragma once

#include <chrono>

#include "absl/status/status.h"
#include "server/net/clock.h"
#include "server/net/thread.h"
#include "server/net/unique_fd.h"
#include "slab/store.h"

namespace larder {

// The thread that does what the store has to do and nobody waits for: it grows the index, sweeps
// out the expired, and empties pages. It works in short pieces with pauses between them, so that a
// worker that shares its processor is not held up, and sleeps longer the longer there was nothing
// to do.
class Maintenance {
 public:
  // Both must outlive the thread.
  Maintenance(Store* store, const Clock* clock) : store_(store), clock_(clock) {}

  // Fails with a message for the operator.
  absl::Status Start();
  // Any thread. Returns once the thread has ended.
  void Stop();

 private:
  void Run();
  bool Pause(std::chrono::microseconds duration) const;

  Store* const store_;
  const Clock* const clock_;
  UniqueFd stop_;  // readable once the thread is to end
  Thread thread_;
};

}  // namespace larder
