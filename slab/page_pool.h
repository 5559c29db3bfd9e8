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
// class or until the index needs its memory. Closing is done under the pool's mutex, so nobody who
// holds a bucket or a class comes here; opening, which may take milliseconds where the system has
// to find the memory first, is not, and is mostly done ahead, by the thread that maintains.

namespace larder {

class PagePool {
 public:
  PagePool(Arena* arena, uint64_t limit_bytes) : arena_(arena), limit_bytes_(limit_bytes) {}

  // An open page, its contents arbitrary; 0 when the limit is reached or the system has no more.
  // Where none is open, one is opened: the caller then pays for the system's providing it.
  uint32_t Take() ABSL_LOCKS_EXCLUDED(mutex_);
  // Opens up to a frame if fewer than `pages` are open, so that Take finds some. True if it did.
  bool OpenAhead(uint64_t pages) ABSL_LOCKS_EXCLUDED(mutex_);
  // How many Take has given since the start.
  uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  void Give(uint32_t page) ABSL_LOCKS_EXCLUDED(mutex_);

  // Closes as many free pages as it takes for `bytes` more to fit under the limit. False, and none
  // is closed, if all of them would not do.
  bool MakeRoom(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Charges memory that is not pages. It is not refused: what a page or an item needs beside it
  // may pass the limit until pages come back.
  void Charge(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Discharge(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on this is the limit. Free pages over it are closed here; the others are once they are
  // given back, so until then more than the limit may be charged.
  void SetLimit(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // At the start of a store on a file: of the pages below `end` those in `taken` are open and
  // taken, with what is on them, and the others' memory is given back. `taken` grows. False if the
  // system refuses.
  bool Adopt(uint32_t end, const std::vector<uint32_t>& taken) ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t limit_bytes() const { return limit_bytes_.load(std::memory_order_relaxed); }
  uint64_t charged_bytes() const { return charged_bytes_.load(std::memory_order_relaxed); }
  // Pages that Take would still give, at about this moment. No lock.
  uint64_t FreePages() const;
  // Of the free pages that are open, those that a class had: given back, and not taken since. No
  // lock.
  uint64_t PagesGivenBack() const { return given_back_.load(std::memory_order_relaxed); }
  // Pages with a number below this may have been given to a class.
  uint32_t pages_end() const { return fresh_.load(std::memory_order_acquire); }

 private:
  // Pages of one frame that are about to be opened, charged already; none: count is 0.
  struct Opening {
    uint32_t first = 0;
    uint32_t count = 0;
  };
  Opening StartOpening(uint32_t pages_max) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Open(Opening opening) ABSL_LOCKS_EXCLUDED(mutex_);
  void CloseFreePagesFor(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Arena* const arena_;
  mutable Mutex mutex_;
  std::vector<uint32_t> open_ ABSL_GUARDED_BY(mutex_);    // free and open
  std::vector<uint32_t> closed_ ABSL_GUARDED_BY(mutex_);  // had been open
  // Written under mutex_.
  std::atomic<uint64_t> limit_bytes_;
  std::atomic<uint32_t> fresh_{1};  // never open from here on; page 0 is "none"
  std::atomic<uint64_t> open_count_{0};
  std::atomic<uint64_t> given_back_{0};
  std::atomic<uint64_t> taken_{0};
  std::atomic<uint64_t> charged_bytes_{0};
};

}  // namespace larder
