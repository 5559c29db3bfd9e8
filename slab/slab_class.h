#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "slab/assert.h"
#include "slab/item.h"
#include "slab/memory.h"
#include "slab/poison.h"
#include "slab/probation_ring.h"
#include "slab/probation_share.h"
#include "slab/spin_lock.h"
#include "slab/store_types.h"
#include "slab/tick.h"

// One size class: its pages, its free chunks, and the order in which its items are evicted.
//
// A page is cut as chunks are taken from it: chunks from `cut` on were never used and their memory
// means nothing. Every chunk before `cut` has a valid header, always, because it is written under
// the class's lock when the chunk is taken and when it is freed; so whoever holds that lock may
// read any of them. Free chunks are listed page by page, so that a page can be emptied: it is taken
// off the list of pages with room, and what is freed on it stays there.
//
// Eviction is S3-FIFO (Yang et al., SOSP 2023) without its lists, in place:
//   - a new item is on probation (a bit in its header) and at the end of a ring of references. When
//     the ring holds its share of the class, its oldest item is looked at: if it has been read
//     since, the bit is gone and it simply stays where it is, protected; if not, it is evicted
//     (or, while there is still free memory, becomes protected too). The share follows the ghosts
//     (probation_share.h);
//   - the protected items are the chunks themselves, in address order. A hand goes round over them,
//     takes one from an item's frequency, and evicts the first that it finds at zero: a second
//     chance up to three times, CLOCK with two bits.
// So a hit writes at most a few bits of its own item, and there is no list and no list's lock.
//
// A key that is stored anew while it has a ghost has been asked for once more than the ring knows:
// its item is protected from the start, and, if it had been protected before, with one second
// chance. (With one for all of them, drifting loads missed 2 to 4 % less, but Zipf's law 2 % more.)
//
// Simulated and left: two reads to end probation (3 % fewer misses on an object cache, 2 % more
// under drift); three bits of frequency (nothing); eight or four ghosts a bucket (within 1 %,
// either way); evicting first what came off probation unread while memory filled (up to 6 % more).

namespace larder {

// What is known of a page. Zero bytes are a page of no class.
struct PageRecord {
  // 0: none. Changes under the lock of the class that the page comes to or leaves; steady while
  // the page has a chunk in use.
  std::atomic<uint8_t> class_id;
  // No item on the page expires before this; 0: none expires at all. Lowered by whoever stores,
  // raised by the sweeper.
  std::atomic<uint32_t> earliest_expire;
  // Guarded by the class's lock.
  uint32_t cut;
  uint32_t used;
  uint32_t free_head;  // number of a free chunk plus one; 0: none
  uint32_t slot;       // in SlabClass::pages
  uint32_t next_with_room;
  uint32_t previous_with_room;
  bool with_room;  // in the list
  bool emptying;

  void LowerEarliestExpire(uint32_t expire);
};

// What the evictor did and found, for `stats items`.
struct EvictionCounts {
  uint64_t evicted = 0;
  uint64_t evicted_nonzero = 0;
  uint64_t evicted_unfetched = 0;
  uint64_t evicted_active = 0;
  uint64_t reclaimed = 0;
  uint64_t expired_unfetched = 0;
  uint64_t promoted = 0;
  uint64_t evicted_on_probation = 0;     // of `evicted`
  uint64_t ghost_hits = 0;               // items stored whose key had been evicted not long before
  uint64_t ghost_hits_on_probation = 0;  // of these, had been evicted on probation
  uint64_t out_of_memory = 0;
  uint64_t sweeper_reclaimed = 0;
  uint64_t sweeper_checked = 0;
  uint32_t evicted_idle_seconds = 0;  // of the item evicted last
};

// Workers that store into different classes share no line of theirs.
class alignas(64) SlabClass {
 public:
  struct Geometry {
    int class_id = 0;
    uint32_t chunk_bytes = 0;
    uint32_t chunks_per_page = 0;
    uint32_t probation_percent = 0;  // at first
  };

  void Init(const Geometry& geometry, const Arena* arena, LazyArray<PageRecord>* records);

  SpinLock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }
  const Geometry& geometry() const { return geometry_; }

  // A chunk, its header marked reserved, poisoned behind it; 0 if no page has room. On probation:
  // the ring refers to it from now on.
  Location Take(bool probation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Takes a chunk back. If its page has nothing left and another page has room, the page leaves
  // the class: then its number is returned, for the pool. Else 0.
  uint32_t Free(Location chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // Ring blocks that AddPage will need, or with a larger share on probation SetProbationPercent.
  size_t RingBlocksMissing(uint32_t percent_min = 0) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void ProvideRingBlock(std::unique_ptr<ProbationRing::Block> block)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    ring_.Provide(std::move(block));
  }
  void AddPage(uint32_t page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Of a page just added whose memory was kept: finds out which of its first `cut` chunks are in
  // use (in_use(chunk) says so) and lists the others as free.
  template <typename InUse>
  void AdoptChunks(uint32_t page, uint32_t cut, InUse&& in_use)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Where the ring becomes too long by it, it shortens as items come and are evicted.
  void SetProbationPercent(uint32_t percent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    share_.Start(percent);
  }
  double probation_percent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return share_.percent(); }

  // The next chunk to evict: a linked item's, or a part's whose owner is to go; nothing that is
  // pinned. The ring's reference to it is gone: whoever does not evict it after all calls Spare.
  // Looks at a bounded number of chunks; 0: there was nothing among these.
  Location NextVictim(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // How many chunks and ends of pages NextVictim has looked at since the start, and how many there
  // are: by so many more it will have looked at all.
  uint64_t looked_at() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return looked_at_; }
  uint64_t to_look_at() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return ring_.size() + total_chunks() + pages_.size();
  }
  void Spare(Location chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // The victim's chunk is the caller's: marks it reserved, as Take does.
  void Reuse(Location chunk, bool probation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // A chunk that is, or will be, on probation goes to the ring's end.
  void PutOnRing(Location chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // An item of the class is evicted and leaves a ghost.
  void CountGhost(Segment left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // An item of the class was stored whose key had a ghost, which moves the share on probation.
  // False if the ring must be provided with another block before the share can grow.
  bool CountGhostHit(Segment left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // How long what would be evicted next has not been used, about: there are no lists, so a few
  // items are looked at, the oldest on the ring and those that the hand comes to next.
  ClassAges Ages(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // Emptying a page: from now on nothing is taken from it.
  void StartEmptying(uint32_t page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void StopEmptying(uint32_t page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // The page leaves the class. Nothing on it may be in use.
  void RemovePage(uint32_t page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Of the next few pages the one with the fewest chunks in use, but none on which something large
  // is pinned or being filled; 0 if there is none among them. *looked counts the pages looked at,
  // in turn: once it is page_slots(), it has been all. It starts at 0.
  uint32_t PageToEmpty(uint32_t* looked) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  uint32_t page_slots() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return static_cast<uint32_t>(pages_.size());
  }

  uint32_t page_count() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return page_count_; }
  uint64_t used_chunks() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return used_chunks_; }
  uint64_t total_chunks() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return uint64_t{page_count_} * geometry_.chunks_per_page;
  }
  size_t ring_size() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return ring_.size(); }
  EvictionCounts& counts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return counts_; }

  Location ChunkAt(uint32_t page, uint32_t number) const {
    return arena_->LocationIn(page, number * geometry_.chunk_bytes);
  }
  uint32_t NumberOf(Location chunk) const {
    return arena_->OffsetInPage(chunk) / geometry_.chunk_bytes;
  }

  template <typename Visit>
  void ForEachOnRing(Visit&& visit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    std::vector<uint32_t> references;
    ring_.ForEach([&](uint32_t reference) { references.push_back(reference); });
    for (const uint32_t reference : references) {
      if (const Location chunk = AtReference(reference); chunk != 0) visit(chunk);
    }
  }

  // Ends the process if a rule of this file does not hold. `in_use(chunk)` is called for every
  // chunk that is not free.
  template <typename InUse>
  void Check(InUse&& in_use) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

 private:
  // What one look for a victim, or for a page to empty, costs at most: others wait for the lock.
  // So many items the hand ages before it takes the least used one that it saw; so many chunks of
  // any kind it passes, and so many references are taken off the ring; so many pages are looked at
  // and chunks on them.
  static constexpr int kHandAgedMax = 128;
  static constexpr int kHandStepsMax = 256;
  static constexpr size_t kRingStepsMax = 128;
  static constexpr uint32_t kPagesLookedAtMax = 64;
  static constexpr uint32_t kChunksLookedAtMax = 256;
  // Of how many chunks Ages looks at the headers, in either segment.
  static constexpr size_t kAgesSampled = 256;

  size_t RingTarget() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return share_.ChunksOf(total_chunks());
  }
  // How many blocks must have been provided for a ring of that share of so many chunks.
  static size_t RingBlocksFor(uint64_t chunks, double percent) {
    return ProbationRing::BlocksFor(ProbationShare::ChunksOf(chunks, percent) + 1);
  }
  Location AtReference(uint32_t reference) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void EndProbation(Location chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Location NextOnProbation() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Location NextProtected(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool MayHoldUp() const { return geometry_.chunk_bytes > kSmallValueBytesMax; }
  bool IsHeldUp(uint32_t page) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Location StepHand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PromoteOverflowing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void ListRoom(uint32_t page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void UnlistRoom(uint32_t page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PutOnFreeList(Location chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void HandOut(Location chunk, bool probation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  Geometry geometry_;
  const Arena* arena_ = nullptr;
  LazyArray<PageRecord>* records_ = nullptr;

  SpinLock lock_;
  std::vector<uint32_t> pages_ ABSL_GUARDED_BY(lock_);  // by slot; 0 where a page has left
  std::vector<uint32_t> free_slots_ ABSL_GUARDED_BY(lock_);
  uint32_t page_count_ ABSL_GUARDED_BY(lock_) = 0;
  uint32_t room_head_ ABSL_GUARDED_BY(lock_) = 0;  // list of pages with a chunk to take
  uint64_t used_chunks_ ABSL_GUARDED_BY(lock_) = 0;
  ProbationShare share_ ABSL_GUARDED_BY(lock_);
  ProbationRing ring_ ABSL_GUARDED_BY(lock_);
  uint32_t hand_slot_ ABSL_GUARDED_BY(lock_) = 0;
  uint32_t hand_chunk_ ABSL_GUARDED_BY(lock_) = 0;
  uint64_t looked_at_ ABSL_GUARDED_BY(lock_) = 0;
  uint32_t emptying_slot_ ABSL_GUARDED_BY(lock_) = 0;  // whose page PageToEmpty looks at next
  EvictionCounts counts_ ABSL_GUARDED_BY(lock_);
};

template <typename InUse>
void SlabClass::AdoptChunks(uint32_t page, uint32_t cut, InUse&& in_use) {
  PageRecord& record = (*records_)[page];
  record.cut = cut;
  // From the last on, so that the first is the first to be taken.
  for (uint32_t number = cut; number > 0; --number) {
    const Location chunk = ChunkAt(page, number - 1);
    if (in_use(chunk)) {
      ++record.used;
      ++used_chunks_;
    } else {
      PutOnFreeList(chunk);
    }
  }
  PoisonMemory(arena_->ItemAt(ChunkAt(page, cut)),
               arena_->page_bytes() - cut * geometry_.chunk_bytes);
  if (record.free_head == 0 && cut == geometry_.chunks_per_page) UnlistRoom(page);
}

template <typename InUse>
void SlabClass::Check(InUse&& in_use) const {
  uint64_t used = 0;
  for (uint32_t slot = 0; slot < pages_.size(); ++slot) {
    const uint32_t page = pages_[slot];
    if (page == 0) continue;
    const PageRecord& record = (*records_)[page];
    LARDER_CHECK(record.class_id == geometry_.class_id && record.slot == slot);
    uint32_t used_here = 0;
    for (uint32_t number = 0; number < record.cut; ++number) {
      const Location chunk = ChunkAt(page, number);
      if (arena_->ItemAt(chunk)->state() == ItemState::kFree) continue;
      ++used_here;
      in_use(chunk);
    }
    LARDER_CHECK(used_here == record.used);
    uint32_t free = 0;
    for (uint32_t next = record.free_head; next != 0; ++free) {
      next = arena_->ItemAt(ChunkAt(page, next - 1))->next_free();
    }
    LARDER_CHECK(free + used_here == record.cut);
    const bool has_room = free > 0 || record.cut < geometry_.chunks_per_page;
    LARDER_CHECK(record.with_room == (has_room && !record.emptying));
    used += used_here;
  }
  LARDER_CHECK(used == used_chunks_);
}

}  // namespace larder
