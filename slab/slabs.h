#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "slab/lane.h"
#include "slab/memory.h"
#include "slab/page_pool.h"
#include "slab/size_classes.h"
#include "slab/slab_class.h"
#include "slab/store_types.h"

// The slabs: chunks of memory by size class, in pages. Owns the arena, the pool and the classes;
// knows headers, but no keys and no index.

namespace larder {

class Slabs {
 public:
  static absl::StatusOr<std::unique_ptr<Slabs>> Create(const StoreOptions& options);

  const Arena& arena() const { return *arena_; }
  PagePool& pool() { return *pool_; }
  const PagePool& pool() const { return *pool_; }
  const SizeClasses& sizes() const { return sizes_; }

  SlabClass& ClassAt(int class_id) { return classes_[static_cast<size_t>(class_id)]; }
  const SlabClass& ClassAt(int class_id) const { return classes_[static_cast<size_t>(class_id)]; }
  PageRecord& RecordOf(Location chunk) { return records_[arena_->PageOf(chunk)]; }
  PageRecord& RecordAt(uint32_t page) { return records_[page]; }
  const PageRecord& RecordAt(uint32_t page) const { return records_[page]; }
  // Of a chunk that is in use and stays so during the call.
  int ClassOf(Location chunk) { return RecordOf(chunk).class_id.load(std::memory_order_acquire); }

  // A chunk if one is free in the class; 0 if not. No bucket's or class's lock may be held by
  // those below.
  Location Take(int class_id, bool probation);
  void Free(Location chunk);
  // Gives the class one more page of the pool's. False if there is none.
  bool AddPage(int class_id);
  // The same with an open page that the caller has from the pool, or has emptied.
  void AddPageTo(int class_id, uint32_t page);
  // Pages that are kept back for a class that has none; a class that has some evicts instead.
  uint64_t reserve_pages() const { return reserve_pages_.load(std::memory_order_relaxed); }

  // An item of the class was stored whose key had a ghost.
  void CountGhostHit(int class_id, Segment left);
  // Any thread. What of the classes' chunks new items are on probation for, from now on; the
  // classes adapt it to what the ghosts say.
  void SetProbationPercent(uint32_t percent);
  // False, and nothing changes, if there are not so many addresses.
  bool SetMemoryLimit(uint64_t bytes);

 private:
  Slabs(const StoreOptions& options, std::unique_ptr<Arena> arena, LazyArray<PageRecord> records);
  struct Change {
    uint32_t page = 0;                          // comes to the class; 0: none
    std::optional<uint32_t> probation_percent;  // becomes the share
  };
  // Provides the ring with what it needs for it first.
  void Apply(const Change& change, SlabClass* slab_class);
  static uint64_t ReserveFor(uint64_t memory_bytes, uint32_t page_bytes);

  std::unique_ptr<Arena> arena_;
  std::unique_ptr<PagePool> pool_;
  SizeClasses sizes_;
  std::atomic<uint64_t> reserve_pages_;
  LazyArray<PageRecord> records_;
  std::array<SlabClass, kClassesMax> classes_;
};

}  // namespace larder
