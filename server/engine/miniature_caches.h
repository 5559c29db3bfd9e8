#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "slab/item.h"
#include "slab/probation_share.h"
#include "slab/tick.h"

// How many reads a cache of half, the same, one and a half, twice and four times the memory would
// have missed, found out by running all five on a small sample of the keys.
//
// How it works. A key is in the sample if its hash is below a threshold, so all that is done to a
// key is seen or none of it, and what the sample's keys do to a cache of R times the memory is what
// all keys do to the whole one, R being the share of keys below the threshold (SHARDS: Waldspurger
// et al., FAST 2015). Eviction here is not LRU, whose hit ratios for all sizes come from one list,
// so the policy itself is run in small, once for every size (miniature simulation: Waldspurger et
// al., ATC 2017): slab_class.h's, probation and protected items with second chances, ghosts of what
// was evicted (ghost_table.h) and the share on probation that follows from them
// (probation_share.h), over all sizes of items at once.
//
// What is done to a key in the real cache is done in the five. A client stores what it missed, so
// two things differ. What is found in the real cache and not in a smaller one counts as a miss
// there, and is stored, as its client would have. What is missed in the real cache and found in a
// larger one counts as a hit there, and that its client then stores it changes nothing.
// A key that was found in the real cache and is unknown here was stored before anybody looked on:
// it is taken in and not counted.
//
// Memory is fixed. When the table of keys is full the threshold is lowered and the keys above it
// are forgotten; when it is nearly empty the threshold is raised. It is never above
// kThresholdMax, which bounds what the simulation costs.
//
// What always holds: a key of the table is, for each cache, in at most one of its three lists; a
// key that is in no list of any cache is not in the table.
//
// What it costs: an access looks at one entry of 48 bytes and its neighbours in lists: about 250
// instructions. Lowering the threshold visits the whole table.

namespace larder {

// What was done to a key of the sample.
struct SampledAccess {
  uint64_t hash = 0;    // below the threshold
  uint32_t bytes = 0;   // what its item takes of the memory afterwards; 0: there is none
  uint32_t expire = 0;  // the item's
  // Reads in a row, all of them with the same outcome. 0: it was stored, changed or deleted.
  uint32_t reads = 0;
};

// Not thread-safe.
class MiniatureCaches {
 public:
  // Of the memory that there is.
  static constexpr std::array<double, 5> kMultiples = {0.5, 1, 1.5, 2, 4};
  static constexpr size_t kCaches = kMultiples.size();
  static constexpr size_t kSame = 1;
  static constexpr uint32_t kKeysMax = 32767;
  // One key of 200.
  static constexpr uint64_t kThresholdMax = UINT64_MAX / 200;

  // Reads so far, and how many of them each cache missed.
  struct Counts {
    double reads = 0;
    std::array<double, kCaches> misses{};
  };

  // `threshold_max` is for tests, which have few keys.
  explicit MiniatureCaches(uint64_t threshold_max = kThresholdMax);

  // What the whole cache may hold, in the unit of SampledAccess::bytes, and the setting for its
  // share on probation.
  void SetCapacity(double bytes, uint32_t probation_percent);
  void Take(const SampledAccess& access, Tick now);
  // All items are gone.
  void Clear();

  // Keys whose hash is below are in the sample.
  uint64_t threshold() const { return threshold_; }
  double sample_rate() const { return static_cast<double>(threshold_) / 0x1p64; }
  uint32_t keys() const { return keys_; }
  const Counts& counts() const { return counts_; }
  // Whatever was counted counts `factor` as much from now on.
  void ScaleCounts(double factor);

  // Memory, apart from the object itself.
  static constexpr size_t table_bytes();

  // Ends the process if a rule of this file does not hold.
  void Check() const;

 private:
  // Position in the table; 0: none.
  using Ref = uint16_t;

  enum List : uint8_t { kNone, kProbation, kProtected, kGhost };
  static constexpr size_t kLists = 4;  // the first stays empty
  static constexpr uint8_t kFrequencyMax = 3;

  // A key as one of the caches knows it.
  struct State {
    uint8_t list : 2;
    uint8_t frequency : 2;
    uint8_t read : 1;           // while it was on probation
    uint8_t was_protected : 1;  // of a ghost: when it was evicted
  };
  struct Entry {
    uint64_t hash;
    uint32_t bytes;
    uint32_t expire;
    Ref chain;  // the next key of the bucket; in a free entry, the next free one
    std::array<State, kCaches> states;
    std::array<Ref, kCaches> next;
    std::array<Ref, kCaches> previous;
  };
  static_assert(sizeof(Entry) == 48);

  struct Queue {
    Ref oldest = 0;
    Ref newest = 0;
    uint64_t bytes = 0;
    uint32_t keys = 0;
  };
  struct Cache {
    std::array<Queue, kLists> queues;
    uint64_t capacity = 0;
    ProbationShare share;

    uint64_t probation_capacity() const {
      return static_cast<uint64_t>(static_cast<double>(capacity) * share.percent() / 100);
    }
    uint64_t used() const { return queues[kProbation].bytes + queues[kProtected].bytes; }
    uint32_t items() const { return queues[kProbation].keys + queues[kProtected].keys; }
  };

  static constexpr size_t kBuckets = 1 << 15;
  // An item may take this part of the smallest cache at most, and is taken for smaller if it would
  // take more: or one value of a megabyte would drive all others out of a cache that is a 64th of
  // the real one.
  static constexpr uint64_t kItemsMin = 64;
  // What one access may evict of a cache, and what may be passed to find one item: nobody is to
  // wait long, and a cache that is to be much smaller becomes so bit by bit.
  static constexpr int kEvictedMax = 64;
  static constexpr int kPassedMax = 128;
  // Entries that every access looks at for expired items.
  static constexpr int kSwept = 2;

  static bool IsResident(const State& state) {
    return state.list == kProbation || state.list == kProtected;
  }
  static void MarkRead(State* state, uint32_t times);

  // Whether the key is in a list of any cache.
  static bool IsUsed(const Entry& entry);

  Ref Find(uint64_t hash) const;
  Ref Add(uint64_t hash);
  // Takes a key out of the table that is in no list any more.
  void Free(Ref ref);
  void Remove(Ref ref);
  void Resize(Ref ref, uint32_t bytes);
  void TakeIn(size_t cache, Ref ref, const SampledAccess& access, bool counted, Tick now);
  void Sweep(Tick now);
  void LowerThreshold();
  void SpreadCapacity();

  void Append(size_t cache, List list, Ref ref);
  void Unlink(size_t cache, Ref ref);
  void Move(size_t cache, List list, Ref ref) {
    Unlink(cache, ref);
    Append(cache, list, ref);
  }
  void Insert(size_t cache, Ref ref, Tick now);
  void EvictOne(size_t cache, Tick now);
  void Evict(size_t cache, Ref ref, Tick now);

  const uint64_t threshold_max_;
  uint64_t threshold_;
  double capacity_bytes_ = 0;
  uint32_t probation_percent_ = 0;
  uint32_t item_bytes_max_ = 1;
  std::array<Cache, kCaches> caches_;
  Counts counts_;
  uint32_t keys_ = 0;
  Ref free_ = 0;        // list of entries that were used before
  uint32_t fresh_ = 1;  // from here on none ever was, and what they hold means nothing
  uint32_t swept_ = 1;
  const std::unique_ptr<Entry[]> entries_;
  const std::unique_ptr<Ref[]> buckets_;
};

constexpr size_t MiniatureCaches::table_bytes() {
  return (kKeysMax + 1) * sizeof(Entry) + kBuckets * sizeof(Ref);
}

}  // namespace larder
