#pragma once

#include <atomic>

#include "absl/base/thread_annotations.h"

namespace larder {

// Called in a loop by whoever waits for a lock bit. Spins first, since a lock here is held for some
// tens of nanoseconds; then lets other threads run, since its holder may have been preempted.
class SpinWait {
 public:
  void Pause();

 private:
  int rounds_ = 0;
};

// A lock of one byte for a few instructions' work, without system calls while nobody waits.
class ABSL_LOCKABLE SpinLock {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    SpinWait wait;
    while (held_.exchange(true, std::memory_order_acquire)) {
      while (held_.load(std::memory_order_relaxed)) wait.Pause();
    }
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

class ABSL_SCOPED_LOCKABLE SpinLockHolder {
 public:
  explicit SpinLockHolder(SpinLock* lock) ABSL_EXCLUSIVE_LOCK_FUNCTION(lock) : lock_(lock) {
    lock_->Lock();
  }
  ~SpinLockHolder() ABSL_UNLOCK_FUNCTION() { lock_->Unlock(); }

  SpinLockHolder(const SpinLockHolder&) = delete;
  SpinLockHolder& operator=(const SpinLockHolder&) = delete;

 private:
  SpinLock* lock_;
};

}  // namespace larder
