#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/base/thread_annotations.h"
#include "server/engine/miniature_caches.h"
#include "slab/mutex.h"
#include "slab/store_types.h"
#include "slab/tick.h"

// `stats mrc`: which share of reads would hit with other amounts of memory, while the server runs.
//
// Miniature caches (miniature_caches.h) say what share of a sample of the reads each amount would
// have missed. The server knows besides what it has missed itself in the same time, which is what
// the miniature of the same size estimates: so all five are multiplied by what that one is wrong
// by. That takes most of the sampling's error away, above all that of a few very hot keys, which
// are in a sample or are not.
//
// Sizes are in bytes of items and what the index needs for them. How many of these the memory holds
// is learnt from the store once it is nearly full, so what is lost in chunks and pages is in it.
//
// It describes recent load: every hour what was counted before counts half.

namespace larder {

// Reads and those of them that found nothing, as the server counted them since its start.
struct ReadCounts {
  int64_t reads = 0;
  int64_t misses = 0;
};

struct MissRatios {
  double sample_rate = 0;  // share of the keys that are in the sample
  uint32_t keys = 0;       // of the sample, known at this time
  double reads = 0;        // of the sample, counted
  double measured = 0;     // the share of all reads that missed in the same time
  uint64_t memory_bytes = 0;
  // Estimated for MiniatureCaches::kMultiples of memory_bytes; nothing while `reads` is less than
  // kReadsMin.
  std::array<double, MiniatureCaches::kCaches> misses{};

  static constexpr double kReadsMin = 1000;
};

// Thread-safe.
class MissRatioCurve {
 public:
  // Accesses after which Update is wanted.
  static constexpr uint32_t kAccessesPerUpdate = 4096;
  static constexpr uint32_t kHalfLifeSeconds = 3600;
  // What an item takes of the index and of the eviction's own memory.
  static constexpr uint32_t kIndexBytes = 12;

  explicit MissRatioCurve(uint64_t threshold_max = MiniatureCaches::kThresholdMax)
      : caches_(threshold_max) {}

  // Keys whose hash is below are to be sampled at first.
  uint64_t threshold() const ABSL_LOCKS_EXCLUDED(mutex_);

  struct Taken {
    bool taken = false;  // false: somebody else is at it, try again later
    bool wants_update = false;
    uint64_t threshold = 0;  // of the keys to sample from now on
  };
  // Never waits.
  Taken TryTake(std::span<const SampledAccess> accesses, Tick now) ABSL_LOCKS_EXCLUDED(mutex_);
  // How much memory there is, and what the server has counted so far. To be called before all else.
  void Update(const StoreStats& store, uint32_t probation_percent, const ReadCounts& measured,
              Tick now) ABSL_LOCKS_EXCLUDED(mutex_);
  // Everything stored before `due` is gone from then on.
  void Flush(Tick due) ABSL_LOCKS_EXCLUDED(mutex_);
  // Counts from now on. What is in the caches stays.
  void Reset(const ReadCounts& measured, Tick now) ABSL_LOCKS_EXCLUDED(mutex_);

  MissRatios Estimate() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  MiniatureCaches caches_ ABSL_GUARDED_BY(mutex_);
  uint32_t accesses_ ABSL_GUARDED_BY(mutex_) = 0;   // since the last update
  uint32_t flush_due_ ABSL_GUARDED_BY(mutex_) = 0;  // tick; 0: none
  uint32_t halved_at_ ABSL_GUARDED_BY(mutex_) = 0;  // tick
  uint64_t memory_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  ReadCounts seen_ ABSL_GUARDED_BY(mutex_);  // at the last update
  double measured_reads_ ABSL_GUARDED_BY(mutex_) = 0;
  double measured_misses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace larder
