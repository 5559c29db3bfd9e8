#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/net/clock.h"
#include "server/net/thread.h"
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

  absl::Status Start();
  // Any thread. Returns once the thread has ended.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  Store* const store_;
  const Clock* const clock_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace larder
