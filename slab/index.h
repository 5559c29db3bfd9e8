#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "slab/assert.h"
#include "slab/ghost_table.h"
#include "slab/item.h"
#include "slab/memory.h"
#include "slab/mutex.h"
#include "slab/spin_lock.h"

// The index: from a key's hash to the locations of the items that may have that key.
//
// A bucket is one cache line: a header word, ten 16-bit tags and ten 32-bit references. A tag holds
// 11 bits of the hash (never all zero: 0 is an empty slot) and the upper five bits of the 37-bit
// location whose rest is the reference. So a miss reads one line and a hit two, the bucket and the
// item; one lookup in two hundred reads an item of another key in vain.
//
// A full bucket. The slots of a bucket are filled in order without holes. When an eleventh item
// comes, the last slot becomes the link to an overflow line of the same shape, and so on. The
// header's upper half is a filter of the tags beyond the first line: a lookup goes on to the
// overflow line only if a tag there may match, so that nearly every miss still ends in the first
// line. Removing an item fills its slot with the last item of the chain, so overflow lines empty
// and go back.
//
// Growth is linear hashing (Litwin, 1980): with `n` buckets, the hash's low bits name a bucket
// among the next power of two, or, where that is not there yet, the one it will be split from.
// Grow() splits one bucket into itself and bucket n and touches no other, so no request ever waits
// for more than the split of its own bucket. A split must know which items move: it reads their
// keys through the caller's function, under the bucket's lock.
//
// Shrinking undoes the last split: the last bucket's items go back to the one they came from. A
// thread may still wait for the lock of a bucket that is no more, or look into it without: so its
// memory goes back to the system but stays readable, as zeroes, which are an empty bucket.
//
// Beside every bucket is a record of its ghosts (ghost_table.h), split and merged with it.
//
// Cost: 10.5 to 10.8 bytes an item, overflow lines included, as measured over three to seventeen
// million items. Buckets not yet split in a round hold up to twice as many items as those that are,
// so the more of a round is left, the more of them have an overflow line.
//
// Locking: bit 0 of the header. A LockedBucket is the proof of holding it. The lock of a bucket
// guards the slots of its whole chain and, by the Store's rules, the items they refer to. After
// waiting for a lock the bucket may have been split; Lock() sees to it that what it returns is the
// bucket of that hash.

namespace larder {

class Index {
 public:
  // Items a bucket, on average, from which on the index wants to grow.
  static constexpr uint64_t kItemsPerBucket = 7;
  static constexpr int kSlots = 10;

  struct Slot {
    void* line = nullptr;  // of the index's own
    int i = 0;
    explicit operator bool() const { return line != nullptr; }
  };
  class LockedBucket;

  // Room for `buckets_max` buckets at the most; opens memory in steps of `step_bytes`.
  static absl::StatusOr<std::unique_ptr<Index>> Create(uint64_t buckets_max, uint64_t step_bytes,
                                                       uint64_t seed);

  uint64_t Hash(std::string_view key) const;

  // Waits for the lock of the bucket of `hash`.
  LockedBucket Lock(uint64_t hash);
  // Empty if somebody else holds it.
  LockedBucket TryLock(uint64_t hash);

  void Prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[BucketOf(hash)], 1); }
  void PrefetchGhosts(uint64_t hash) const { ghosts_->Prefetch(BucketOf(hash)); }
  // The first location in the bucket of `hash` that may be its key's; 0 if none. A hint: read
  // without the lock.
  Location Peek(uint64_t hash) const;

  uint64_t BucketOfHash(uint64_t hash) const { return BucketOf(hash); }
  uint64_t buckets() const { return count_.load(std::memory_order_acquire); }
  // Memory opened, overflow lines included, but not the ghosts'.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Of that, the memory of overflow lines, which is kept once it is open.
  uint64_t overflow_bytes() const ABSL_LOCKS_EXCLUDED(overflow_lock_);
  uint64_t ghost_bytes() const { return ghosts_->bytes(); }

  // Growth is one thread's. CanGrow: memory for one more bucket is open; OpenBuckets opens
  // `step_bytes` more, the ghosts' included, and is false at the largest size, or if the system has
  // none.
  bool CanGrow() const;
  bool OpenBuckets();
  uint64_t step_bytes() const {
    return step_bytes_ + ghosts_->BytesMissing((open_bucket_bytes_ + step_bytes_) / sizeof(Line));
  }
  // Splits the next bucket. `hash_at(location)` must give the hash of the linked item there;
  // `fetch(location)`, a prefetch, is called for all of them first. OverflowRunsLow must be false.
  template <typename Fetch, typename HashAt>
  void Grow(Fetch&& fetch, HashAt&& hash_at);

  // Shrinking is the growing thread's, too. It makes the last bucket part of another;
  // OverflowRunsLow must be false. Once a step of memory has no bucket left, CloseBuckets gives it
  // back; false if there is none.
  bool CanShrink() const { return buckets() > kBucketsAtStart; }
  void Shrink();
  bool CloseBuckets();

  // Opens memory for more overflow lines. Any thread, without a bucket's lock. False if the system
  // has none.
  bool OpenOverflow() ABSL_LOCKS_EXCLUDED(overflow_lock_);
  bool OverflowRunsLow() const ABSL_LOCKS_EXCLUDED(overflow_lock_);

  // One step of a walk over all items: visits one bucket's under its lock, after fetch(location)
  // for each of them, and returns the position to go on from, 0 at the end. A walk begins at 0. The
  // order is that of the hash's bits from the lowest up, in which whatever is split from a bucket
  // comes right behind it; so a key that is there all the while is visited exactly once, though
  // the index may grow and items be written anew or moved between two steps. Where it shrinks, some
  // keys may be visited twice.
  template <typename Fetch, typename Visit>
  uint64_t WalkBucket(uint64_t position, Fetch&& fetch, Visit&& visit);

  // For checks: calls visit(location) for every item of a bucket, under its lock.
  template <typename Visit>
  void ForEachInBucket(uint64_t bucket, Visit&& visit);
  // Ends the process if the bucket's chain breaks a rule of this file.
  void CheckBucket(uint64_t bucket) const;
  uint64_t overflow_lines_in_use() const ABSL_LOCKS_EXCLUDED(overflow_lock_);

 private:
  static constexpr uint64_t kBucketsAtStart = 1024;
  static constexpr uint32_t kLocked = 1u << 0;
  static constexpr uint32_t kChained = 1u << 1;
  static constexpr int kFilterShift = 16;

  static constexpr int kTagShift = 5;  // above the location's upper bits
  static constexpr uint16_t kTagMask = static_cast<uint16_t>(0xffffu << kTagShift);
  static constexpr uint16_t UpperOf(uint16_t tag_and_upper) {
    return static_cast<uint16_t>(tag_and_upper & ~kTagMask);
  }

  // Slots are written with relaxed atomic stores, since Peek reads them without the lock.
  struct alignas(64) Line {
    std::atomic<uint32_t> header;
    std::array<uint16_t, kSlots> tags;
    std::array<uint32_t, kSlots> references;

    bool chained() const { return (header.load(std::memory_order_relaxed) & kChained) != 0; }
    int items_max() const { return chained() ? kSlots - 1 : kSlots; }
    int Count() const;
    Location At(int i) const {
      const auto u = static_cast<size_t>(i);
      return Location{UpperOf(tags[u])} << 32 | references[u];
    }
    uint16_t TagAt(int i) const { return tags[static_cast<size_t>(i)] & kTagMask; }
    void Set(int i, uint16_t tag, Location location);
    void Clear(int i);
    // The overflow line that the last slot links to, if chained.
    uint32_t link() const { return references[kSlots - 1]; }
    // A bit for every slot whose tag is `tag`.
    uint32_t Match(uint16_t tag) const;
  };
  static_assert(sizeof(Line) == 64);

  struct Entry {
    uint16_t tag;
    Location location;
  };
  using Entries = absl::InlinedVector<Entry, 4 * kSlots>;

  Index(std::unique_ptr<AddressRange> buckets, std::unique_ptr<AddressRange> overflow,
        std::unique_ptr<GhostTable> ghosts, uint64_t step_bytes, uint64_t seed);

  static uint16_t TagOf(uint64_t hash) {
    const auto tag = static_cast<uint16_t>(static_cast<uint16_t>(hash >> 48) & kTagMask);
    return tag == 0 ? uint16_t{1} << kTagShift : tag;
  }
  static uint32_t FilterBit(uint16_t tag) {
    return 1u << (kFilterShift + ((tag >> kTagShift) & 15));
  }
  static uint64_t BucketAmong(uint64_t hash, uint64_t count) {
    const auto bits = static_cast<int>(std::bit_width(count - 1));
    const uint64_t bucket = hash & ((uint64_t{1} << bits) - 1);
    return bucket < count ? bucket : bucket ^ (uint64_t{1} << (bits - 1));
  }
  // The position behind that bucket's in the order of a walk. Under the lock of the bucket.
  uint64_t PositionBehind(uint64_t position) const;
  uint64_t BucketOf(uint64_t hash) const {
    return BucketAmong(hash, count_.load(std::memory_order_acquire));
  }

  static bool TryLockLine(Line* line);
  static void LockLine(Line* line);
  static void UnlockLine(Line* line) {
    line->header.store(line->header.load(std::memory_order_relaxed) & ~kLocked,
                       std::memory_order_release);
  }

  // Overflow lines that only growth may take, so that a split never lacks one: its chain is much
  // shorter than that.
  static constexpr uint64_t kOverflowForGrowth = 32;

  // All of these need the lock of `home`. `lines_left`: how many free overflow lines may not be
  // touched.
  bool Insert(Line* home, uint16_t tag, Location location, uint64_t lines_left)
      ABSL_LOCKS_EXCLUDED(overflow_lock_);
  void Remove(Line* home, Line* line, int i) ABSL_LOCKS_EXCLUDED(overflow_lock_);
  void RebuildFilter(Line* home);
  template <typename Visit>
  void ForEachInChain(Line* home, Visit&& visit);
  Entries Drain(Line* home) ABSL_LOCKS_EXCLUDED(overflow_lock_);

  Line* OverflowAt(uint32_t number) const { return overflow_ + number; }
  // 0 if no more than `lines_left` are open and free.
  uint32_t TakeOverflow(uint64_t lines_left) ABSL_LOCKS_EXCLUDED(overflow_lock_);
  void FreeOverflow(uint32_t number) ABSL_LOCKS_EXCLUDED(overflow_lock_);
  uint64_t OverflowFree() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(overflow_lock_);

  const uint64_t step_bytes_;
  const uint64_t seed_;
  const std::unique_ptr<AddressRange> bucket_range_;
  const std::unique_ptr<AddressRange> overflow_range_;
  const std::unique_ptr<GhostTable> ghosts_;
  Line* const buckets_;
  Line* const overflow_;

  std::atomic<uint64_t> count_{0};

  // On other lines than what every lookup reads: whoever fills a bucket or empties one writes here.
  alignas(64) std::atomic<uint64_t> bytes_{0};
  uint64_t open_bucket_bytes_ = 0;  // the growing thread's

  mutable SpinLock overflow_lock_;
  Mutex overflow_opening_;  // held over the system calls of OpenOverflow
  uint32_t overflow_free_ ABSL_GUARDED_BY(overflow_lock_) = 0;  // list through references[0]
  uint32_t overflow_free_count_ ABSL_GUARDED_BY(overflow_lock_) = 0;
  uint32_t overflow_fresh_ ABSL_GUARDED_BY(overflow_lock_) = 1;  // number 0 is "none"
  uint32_t overflow_open_ ABSL_GUARDED_BY(overflow_lock_) = 0;   // lines open from the start
};

// A bucket whose lock is held until this goes.
class Index::LockedBucket {
 public:
  LockedBucket(LockedBucket&& other) noexcept
      : index_(other.index_), home_(std::exchange(other.home_, nullptr)) {}
  LockedBucket& operator=(LockedBucket&&) = delete;
  ~LockedBucket() {
    if (home_ != nullptr) UnlockLine(home_);
  }

  explicit operator bool() const { return home_ != nullptr; }

  // The slot with the tag of `hash` for whose location `matches` is true; false if there is none.
  template <typename Matches>
  Slot Find(uint64_t hash, Matches&& matches) const;

  Location At(Slot slot) const { return static_cast<const Line*>(slot.line)->At(slot.i); }
  void Replace(Slot slot, Location location) {
    auto* line = static_cast<Line*>(slot.line);
    line->Set(slot.i, line->TagAt(slot.i), location);
  }
  void Remove(Slot slot) { index_->Remove(home_, static_cast<Line*>(slot.line), slot.i); }
  // False if the chain is full and no overflow line is open: unlock, OpenOverflow, then again.
  [[nodiscard]] bool Insert(uint64_t hash, Location location) {
    return index_->Insert(home_, TagOf(hash), location, kOverflowForGrowth);
  }

  // Of a key that is evicted.
  void AddGhost(uint64_t hash, Segment left) { index_->ghosts_->Add(number(), hash, left); }
  // Of a key that is stored and was not in the index.
  std::optional<Segment> TakeGhost(uint64_t hash) { return index_->ghosts_->Take(number(), hash); }

 private:
  friend class Index;
  LockedBucket(Index* index, Line* home) : index_(index), home_(home) {}
  uint64_t number() const { return static_cast<uint64_t>(home_ - index_->buckets_); }

  Index* index_;
  Line* home_;
};

inline uint32_t Index::Line::Match(uint16_t tag) const {
#if defined(__SSE2__)
  // The header, just written by taking the lock, is not part of what is loaded: a wide load over a
  // narrower store in flight would stall.
  const __m128i mask = _mm_set1_epi16(static_cast<int16_t>(kTagMask));
  const __m128i want = _mm_set1_epi16(static_cast<int16_t>(tag));
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tags.data()));
  const __m128i equal = _mm_cmpeq_epi16(_mm_and_si128(low, mask), want);
  uint32_t found =
      static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())));
  found |= static_cast<uint32_t>(TagAt(8) == tag) << 8;
  found |= static_cast<uint32_t>(TagAt(9) == tag) << 9;
  return found;
#else
  uint32_t found = 0;
  for (int i = 0; i < kSlots; ++i) found |= static_cast<uint32_t>(TagAt(i) == tag) << i;
  return found;
#endif
}

inline bool Index::TryLockLine(Line* line) {
  return (line->header.fetch_or(kLocked, std::memory_order_acquire) & kLocked) == 0;
}

inline void Index::LockLine(Line* line) {
  if (TryLockLine(line)) return;
  SpinWait wait;
  do {
    while ((line->header.load(std::memory_order_relaxed) & kLocked) != 0) wait.Pause();
  } while (!TryLockLine(line));
}

inline Index::LockedBucket Index::Lock(uint64_t hash) {
  while (true) {
    const uint64_t count = buckets();
    Line* home = &buckets_[BucketAmong(hash, count)];
    LockLine(home);
    if (buckets() == count || &buckets_[BucketOf(hash)] == home) [[likely]]
      return {this, home};
    UnlockLine(home);
  }
}

inline Index::LockedBucket Index::TryLock(uint64_t hash) {
  Line* home = &buckets_[BucketOf(hash)];
  if (!TryLockLine(home)) return {this, nullptr};
  if (&buckets_[BucketOf(hash)] == home) return {this, home};
  UnlockLine(home);
  return {this, nullptr};
}

template <typename Matches>
Index::Slot Index::LockedBucket::Find(uint64_t hash, Matches&& matches) const {
  const uint16_t tag = TagOf(hash);
  Line* line = home_;
  uint32_t found = line->Match(tag);
  while (true) {
    for (; found != 0; found &= found - 1) {
      const int i = std::countr_zero(found);
      if (matches(line->At(i))) return {line, i};
    }
    if (!line->chained() || (home_->header.load(std::memory_order_relaxed) & FilterBit(tag)) == 0) {
      return {};
    }
    line = index_->OverflowAt(line->link());
    found = line->Match(tag);
  }
}

template <typename Fetch, typename HashAt>
void Index::Grow(Fetch&& fetch, HashAt&& hash_at) {
  const uint64_t count = count_.load(std::memory_order_relaxed);
  const uint64_t from = BucketAmong(count, count);
  Line* source = &buckets_[from];
  Line* target = &buckets_[count];
  LockLine(source);
  LockLine(target);  // it may have been a bucket before, and somebody have waited for it since
  const Entries entries = Drain(source);
  for (const Entry& entry : entries) fetch(entry.location);
  for (const Entry& entry : entries) {
    const bool moves = BucketAmong(hash_at(entry.location), count + 1) == count;
    LARDER_CHECK(Insert(moves ? target : source, entry.tag, entry.location, 0));
  }
  ghosts_->Split(from, count);
  count_.store(count + 1, std::memory_order_release);
  UnlockLine(target);
  UnlockLine(source);
}

template <typename Visit>
void Index::ForEachInChain(Line* home, Visit&& visit) {
  for (Line* line = home;; line = OverflowAt(line->link())) {
    const int count = line->Count();
    for (int i = 0; i < count; ++i) visit(line->At(i));
    if (!line->chained()) break;
  }
}

template <typename Visit>
void Index::ForEachInBucket(uint64_t bucket, Visit&& visit) {
  Line* home = &buckets_[bucket];
  LockLine(home);
  ForEachInChain(home, visit);
  UnlockLine(home);
}

template <typename Fetch, typename Visit>
uint64_t Index::WalkBucket(uint64_t position, Fetch&& fetch, Visit&& visit) {
  const LockedBucket bucket = Lock(position);
  ForEachInChain(bucket.home_, fetch);
  ForEachInChain(bucket.home_, visit);
  return PositionBehind(position);
}

}  // namespace larder
