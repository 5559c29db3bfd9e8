#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "slab/memory.h"
#include "slab/mutex.h"

// Who may use how much: the limit on memory, and the pages that no class has.
//
// Everything that the limit covers is charged here: a page while it is open, and, by their owners,
// the memory of the index and the rings. A page that a class gives back stays open, for the next
// class or until the index needs its memory. The pool's mutex is held over system calls, so nobody
// who holds a bucket or a class comes here.

namespace larder {

class PagePool {
 public:
  PagePool(Arena* arena, uint64_t limit_bytes) : arena_(arena), limit_bytes_(limit_bytes) {}

  // An open page, its contents arbitrary; 0 when the limit is reached or the system has no more.
  uint32_t Take() ABSL_LOCKS_EXCLUDED(mutex_);
  void Give(uint32_t page) ABSL_LOCKS_EXCLUDED(mutex_);

  // True if `bytes` more would fit under the limit, once free pages are closed, which this does.
  bool MakeRoom(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Charges memory that is not pages. It is not refused: what a page or an item needs beside it
  // may pass the limit until pages come back.
  void Charge(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t charged_bytes() const { return charged_bytes_.load(std::memory_order_relaxed); }
  // Pages that Take would still give, at about this moment. No lock.
  uint64_t FreePages() const;
  // Pages with a number below this may have been given to a class.
  uint32_t pages_end() const { return fresh_.load(std::memory_order_acquire); }

 private:
  void OpenMore() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseFreePagesFor(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Arena* const arena_;
  const uint64_t limit_bytes_;
  mutable Mutex mutex_;
  std::vector<uint32_t> open_ ABSL_GUARDED_BY(mutex_);    // free and open
  std::vector<uint32_t> closed_ ABSL_GUARDED_BY(mutex_);  // had been open
  // Written under mutex_.
  std::atomic<uint32_t> fresh_{1};  // never open from here on; page 0 is "none"
  std::atomic<uint64_t> open_count_{0};
  std::atomic<uint64_t> charged_bytes_{0};
};

}  // namespace larder
