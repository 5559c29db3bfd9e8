#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "slab/index.h"
#include "slab/item.h"
#include "slab/lane.h"
#include "slab/memory.h"
#include "slab/mutex.h"
#include "slab/page_mover.h"
#include "slab/saved_store.h"
#include "slab/slabs.h"
#include "slab/store_types.h"

// The Store: every item of the cache, found by its key, in bounded memory, shared by all workers.
//
// It joins the index (which item has this key), the slabs (where a chunk of this size is free) and
// the eviction that makes room in them. Every operation is one call of one thread with its own
// Lane; all of them may run at once. What an operation does to one key is atomic.
//
//   Read      looks an item up and shows it to a visitor under the lock of the key's bucket.
//   Write     stores a value that is at hand; overwrites a small one in place when it fits.
//   Reserve, Reservation, Commit
//             store a value that is still arriving: it is received into its chunk.
//   Delete, Arithmetic, Flush
//             what they say.
//   Walk      shows every item, step by step.
//   Set..., Reassign, Crawl
//             what an operator changes or asks for while the store is used.
//   Maintain  does a bounded piece of the work that nobody waits for: the index grows, expired
//             items are swept out, pages are emptied.
//
// Locks are taken in the order bucket, class, page pool; whoever holds a class and wants a bucket
// (the evictor) only tries. No system call, page fault or copy of a large value happens under one.

namespace larder {

class Store;

// Walks the contiguous pieces of a value, which are one for a small value and the chunks of the
// chain for a large one. Valid as long as the item stays where it is: while it is pinned.
class ValuePieces {
 public:
  // The next piece; empty after the last one.
  std::string_view Next();

 private:
  friend class ItemView;
  friend class ItemRef;
  friend class Store;
  ValuePieces(const Arena* arena, std::string_view first, Location next)
      : arena_(arena), piece_(first), next_(next) {}

  const Arena* arena_;
  std::string_view piece_;
  Location next_;
};

// Keeps a large item's value in place and readable while it is being sent, though the item may be
// deleted, replaced or evicted from the cache meanwhile. Any thread may let it go; it
// must be gone before the Store is.
class ItemRef {
 public:
  ItemRef() = default;
  ItemRef(ItemRef&& other) noexcept { *this = std::move(other); }
  ItemRef& operator=(ItemRef&& other) noexcept;
  ~ItemRef() { Reset(); }

  explicit operator bool() const { return store_ != nullptr; }
  ValuePieces Pieces() const;
  void Reset() {
    if (store_ != nullptr) [[unlikely]]
      Unpin();
  }

 private:
  friend class ItemView;
  friend class Store;
  ItemRef(Store* store, Item* item, uint64_t hash) : store_(store), item_(item), hash_(hash) {}
  void Unpin();
  // The item has moved, and its pins with it.
  void Forget() { store_ = nullptr; }

  Store* store_ = nullptr;
  Item* item_ = nullptr;
  uint64_t hash_ = 0;
};

// What a read's visitor is shown: valid during the visit only, under the bucket's lock. So a
// visitor copies a small value or pins a large one, and does nothing that takes long.
class ItemView {
 public:
  std::string_view key() const { return item_->key(); }
  uint32_t client_flags() const { return item_->client_flags(); }
  uint64_t cas() const { return item_->cas(); }
  uint32_t expire() const { return item_->expire(); }
  uint32_t value_bytes() const { return item_->value_bytes(); }
  // Header, key, flags, value and all.
  uint64_t total_bytes() const { return item_->TotalBytes(); }
  int class_id() const;
  bool large() const { return item_->large(); }
  bool stale() const { return item_->stale(); }
  bool binary_key() const { return item_->binary_key(); }

  // As it was before this read: the expiry, whether a read had found the item since it was
  // stored, for how long nobody had read or stored it (in steps of two seconds), and whether
  // somebody had won it.
  uint32_t expire_before() const { return expire_before_; }
  bool fetched() const { return item_->fetched(); }
  uint32_t idle_seconds(Tick now) const { return item_->IdleSeconds(now); }
  bool win_sent() const { return item_->win_sent(); }

  // This read wins the item; it has made it.
  bool won() const { return won_; }
  bool created() const { return created_; }

  // Of a small item.
  std::string_view value() const { return {item_->value(), item_->value_bytes()}; }
  // Of a large item.
  ItemRef Pin() const;

 private:
  friend class Store;
  ItemView(Store* store, Item* item, uint64_t hash)
      : store_(store), item_(item), hash_(hash), expire_before_(item->expire()) {}

  Store* store_;
  Item* item_;
  uint64_t hash_;
  uint32_t expire_before_;
  bool won_ = false;
  bool created_ = false;
};

// Memory taken for an item whose value is still arriving; not in the index yet. Gives the memory
// back when it goes without Commit. Belongs to the thread of its lane.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { *this = std::move(other); }
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { Reset(); }

  explicit operator bool() const { return store_ != nullptr; }
  // Where the next bytes of the value go; empty once all are there.
  std::span<char> Room() const { return room_; }
  // The first `bytes` of Room() have been filled.
  void Filled(size_t bytes);
  uint64_t missing_bytes() const { return missing_bytes_; }
  std::string_view key() const { return item_->key(); }
  void Reset();

 private:
  friend class Store;

  Store* store_ = nullptr;
  Lane* lane_ = nullptr;
  Item* item_ = nullptr;
  uint64_t hash_ = 0;
  std::span<char> room_;
  Location next_part_ = 0;
  uint64_t missing_bytes_ = 0;
};

struct ReserveOptions {
  uint64_t value_bytes = 0;
  uint32_t client_flags = 0;
  uint32_t expire = kNeverExpires;
  bool binary_key = false;
  uint64_t chosen_cas = 0;  // 0: the store's count
};

class Store {
 public:
  // Fails when the address range cannot be had or the options contradict each other.
  static absl::StatusOr<std::unique_ptr<Store>> Create(const StoreOptions& options);
  ~Store();

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // A lane for one thread, the Store's own; it lives as long as the Store. Any thread may ask.
  Lane& AddLane() ABSL_LOCKS_EXCLUDED(lanes_mutex_);

  // `bytes` must stay as long as the key is used.
  Key MakeKey(std::string_view bytes) const { return {bytes, index_.Hash(bytes)}; }

  // Hints for a window of requests: first every key's bucket, then every key's item.
  void PrefetchBucket(const Key& key) const { index_.Prefetch(key.hash); }
  void PrefetchItem(const Key& key) const;

  // Looks `key` up and, on a hit, calls visit(const ItemView&) once, under the bucket's lock. That
  // it was read is marked after the visit. Makes no item: `options.create` is for the next one.
  template <typename Visitor>
  ReadOutcome Read(Lane& lane, const Key& key, const ReadOptions& options, Tick now,
                   Visitor&& visit);
  // The same; on a miss it makes the item, if that is asked for, and shows it.
  template <typename Visitor>
  ReadOutcome ReadOrCreate(Lane& lane, const Key& key, const ReadOptions& options, Tick now,
                           Visitor&& visit);

  // Shows `key`'s item, if it is there and alive, to visit(const ItemView&) under the bucket's
  // lock, and leaves no trace of it, for those who look on. Whether it was there.
  template <typename Visitor>
  bool Peek(const Key& key, Tick now, Visitor&& visit);

  // Stores `value`. A small one must not lie in the store's own memory.
  WriteOutcome Write(Lane& lane, const Key& key, std::string_view value,
                     const WriteOptions& options, Tick now);

  // kStored: `reservation` is there to be filled, and then committed. Else why not.
  WriteStatus Reserve(Lane& lane, const Key& key, const ReserveOptions& options, Tick now,
                      Reservation* reservation);
  // The reservation must be filled. Of a set, add or replace, what ReserveOptions says holds, and
  // the same fields of `options` are not looked at. Whatever the outcome, the reservation is used
  // up.
  WriteOutcome Commit(Reservation&& reservation, const WriteOptions& options, Tick now);

  DeleteOutcome Delete(Lane& lane, const Key& key, const DeleteOptions& options, Tick now);

  // The value is read and written as decimal digits; one that becomes shorter is padded with
  // spaces, as in memcached.
  ArithmeticOutcome Arithmetic(Lane& lane, const Key& key, const ArithmeticOptions& options,
                               Tick now);

  // From `due` on, everything stored before that moment is gone. A later call replaces one that
  // is not due yet. `due` at or before `now`: at once.
  void Flush(Tick due, Tick now) ABSL_LOCKS_EXCLUDED(flush_mutex_);

  // Shows items to `visit`, each under its bucket's lock, until about `steps` have been looked at;
  // false once all have been. A key that is there from the first call to the last is shown exactly
  // once, whatever is stored, evicted and moved between the calls; one that comes or goes
  // meanwhile, at most once. (Twice, perhaps, while a lowered limit makes the index smaller.) Any
  // thread, any number of walks at once.
  bool Walk(WalkCursor* cursor, size_t steps, Tick now,
            absl::FunctionRef<void(const ItemView&)> visit);

  // Does up to about `budget` steps (an item looked at, a bucket split) of the work that is due.
  // One thread at a time. True if there is more to do now.
  bool Maintain(Tick now, size_t budget);

  // Changes of settings while the store is used, by any thread (store_control.cc).

  // What -m said, from now on. Less is reached as Maintain evicts pages and gives their memory back
  // to the system, or, with -M, as items go. False, and nothing changes, if it is more than there
  // are addresses for, or less than a few pages and what cannot be given back of the index.
  bool SetMemoryLimit(uint64_t bytes) ABSL_LOCKS_EXCLUDED(emptying_mutex_);
  // Maintain will empty a page of class `source` (-1: of the class that misses it least) and give
  // it to `destination`.
  ReassignStatus Reassign(int source, int destination) ABSL_LOCKS_EXCLUDED(emptying_mutex_);
  // Off: Maintain moves no pages, and keeps none free for classes without one. (They take one when
  // they need it.) Eager: as PageMoverOptions has it.
  void SetAutomove(bool on, bool eager = false) ABSL_LOCKS_EXCLUDED(emptying_mutex_);
  // Off: once the sweep that is running has ended, dead items go only as they are come upon.
  void SetSweeper(bool on) { sweeper_.store(on, std::memory_order_relaxed); }
  // Maintain will sweep these classes now, whether or not the sweeper is on.
  CrawlStatus Crawl(const ClassSet& classes) ABSL_LOCKS_EXCLUDED(crawl_mutex_);
  // The share of a class's chunks that new items are on probation for, to begin with; at most 90.
  // From there on each class moves it to what its ghosts say (probation_share.h). 0: none are.
  void SetProbationPercent(uint32_t percent);
  uint32_t probation_percent() const { return probation_percent_.load(std::memory_order_relaxed); }
  // Null: none. It must live until another has been set and every operation then under way is done.
  void SetObserver(StoreObserver* observer) {
    observer_.store(observer, std::memory_order_release);
  }

  // Any thread; adds up what the lanes and classes hold at about this time.
  StoreStats Stats() const ABSL_LOCKS_EXCLUDED(lanes_mutex_);

  // Of a class that Stats() tells of. For what is asked rarely: looks at some hundred items.
  ClassAges AgesOf(int class_id, Tick now) const;

  // How many items there are of each size, if StoreOptions::track_sizes asked for it to be known.
  std::vector<SizeCount> SizeCounts() const ABSL_LOCKS_EXCLUDED(lanes_mutex_);

  // The class of an item of this shape; of a chained one, its first chunk's.
  int ClassFor(const Item::Shape& shape) const;

  // What there is to know besides the bytes in the memory file, for Restore. Nothing else may use
  // the store meanwhile, or afterwards; no item is pinned, no reservation open.
  SavedStore Save(Tick now) ABSL_LOCKS_EXCLUDED(lanes_mutex_, flush_mutex_);
  // The setting that differs from that of the saved store, and what it was there; nothing if all
  // are the same.
  std::optional<std::pair<std::string, std::string>> DifferentSetting(
      const SavedStore& saved) const;
  // Brings everything back that was saved, into a new store on the same file with the same
  // settings. Items whose bytes cannot be right are left out. Time must go on from where it was, by
  // as much as has passed. False if the system refuses the memory, or the pages saved cannot be.
  bool Restore(const SavedStore& saved) ABSL_LOCKS_EXCLUDED(lanes_mutex_, flush_mutex_);

  const StoreOptions& options() const { return options_; }
  // False if -k was asked for and the system refused.
  bool memory_locked() const { return arena_.locked(); }

  // Walks everything and ends the process if an invariant does not hold. Nothing else may use the
  // store meanwhile.
  void CheckInvariants() ABSL_LOCKS_EXCLUDED(lanes_mutex_);

 private:
  friend class ItemRef;
  friend class ItemView;
  friend class Reservation;

  // What a write found to be so under the bucket's lock.
  struct Verdict {
    WriteStatus status = WriteStatus::kStored;
    uint8_t class_id = 0;
    bool stale = false;  // store it, but as WriteOptions::invalidate says
  };
  // An item as it was when its bucket was unlocked, to be changed only if it is still the same.
  struct Snapshot {
    uint64_t order = 0;  // 0: there was no item
    uint64_t cas = 0;
    uint32_t client_flags = 0;
    uint32_t expire = kNeverExpires;
    uint32_t marks = 0;
    ItemRef pin;        // of a large value
    std::string small;  // of a small one
    uint64_t value_bytes = 0;
  };
  // What a small item is to become that has no room for it in its chunk.
  struct Change {
    std::string_view value;
    uint32_t client_flags = 0;
    uint32_t expire = kNeverExpires;
    uint32_t marks = 0;
    uint64_t chosen_cas = 0;
    bool keep_usage = false;  // it stays as old, and as much read, as it was
  };
  enum class EmptyingFor : uint8_t {
    kRoom,      // the index, the reserve, a lower limit, or a class that has no page
    kReassign,  // what Reassign asked for
    kBalance,   // what the page mover decided
  };
  // The page that is being emptied, and how far.
  struct Emptying {
    uint32_t page = 0;  // 0: none
    uint32_t next_chunk = 0;
    int destination = 0;  // the class that is to have it; 0: the pool
    EmptyingFor purpose = EmptyingFor::kRoom;
    bool progress = false;  // something left it in this pass
    bool stuck = false;     // nothing did in the whole last pass
  };
  struct Sweep {
    bool running = false;
    uint32_t page = 0;
    uint32_t next_chunk = 0;
    uint32_t due_seconds = 0;
    bool crawl = false;  // asked for by Crawl: of these classes, and every page
    ClassSet classes;
    // What the flush was when the sweep began.
    bool flush = false;
    uint64_t flush_order = 0;
  };
  // A chunk that was worth locking its bucket for.
  struct Candidate {
    Location chunk = 0;
    Location item = 0;  // the chunk itself, or the owner of the part that it is
    uint64_t hash = 0;
  };
  static constexpr size_t kBatch = 32;
  struct Batch {
    std::array<Candidate, kBatch> candidates;
    size_t size = 0;
    bool page_ends = false;
    int class_id = 0;
  };

  Store(const StoreOptions& options, std::unique_ptr<Slabs> slabs, std::unique_ptr<Index> index);

  // store.cc: finding, linking, freeing.
  void SetExpire(Location location, Item* item, uint32_t expire) {
    item->SetExpire(expire);
    if (expire != kNeverExpires) slabs_->RecordOf(location).LowerEarliestExpire(expire);
  }
  Index::Slot FindKey(const Index::LockedBucket& bucket, const Key& key) const;
  Index::Slot FindLocation(const Index::LockedBucket& bucket, uint64_t hash,
                           Location location) const;
  // A slot without the dead item that may be there: that one is unlinked and *dead is set.
  Index::Slot FindLive(Lane& lane, Index::LockedBucket* bucket, const Key& key, Tick now,
                       Location* dead);
  bool IsFlushed(const Item& item) const;
  bool IsDead(const Item& item, Tick now) const {
    return HasPassed(item.expire(), now) || IsFlushed(item);
  }
  void NoticeFlush(Tick now) {
    const uint32_t due = flush_due_.load(std::memory_order_relaxed);
    if (due != 0 && due <= now.seconds) [[unlikely]]
      StartDueFlush(now);
  }
  void StartDueFlush(Tick now) ABSL_LOCKS_EXCLUDED(flush_mutex_);
  void FlushAtOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mutex_);
  uint64_t NextOrder();
  // Takes the item out of the index. The location if its memory is to be freed once the bucket is
  // unlocked; 0 if pins keep it until the last of them goes.
  Location Unlink(Lane& lane, Index::LockedBucket* bucket, Index::Slot slot);
  void CountLinked(Lane& lane, const Item& item, int class_id, int sign);
  void MarkLinked(Lane& lane, Item* item, int class_id);
  // Frees the item and its parts; 0 is nothing.
  void FreeItem(Location location);
  void FreeParts(const Item& head, Location besides);
  void Unpin(Item* item, uint64_t hash);

  // store_claim.cc
  static void DecideWin(const ReadOptions& options, ItemView* view);
  bool CreateWon(Lane& lane, const Key& key, const ReadOptions& options, Tick now,
                 absl::FunctionRef<void(const ItemView&)> visit, ReadOutcome* outcome);

  // store_write.cc
  static Verdict Judge(const WriteOptions& options, const Item* old, int old_class) {
    if (options.mode == WriteMode::kSet && !options.compare) [[likely]]
      return {.class_id = static_cast<uint8_t>(old_class)};
    return JudgeOld(options, old, old_class);
  }
  static Verdict JudgeOld(const WriteOptions& options, const Item* old, int old_class);
  bool OverwriteInPlace(Lane& lane, Item* item, int class_id, std::string_view value,
                        const WriteOptions& options, Tick now);
  bool ExtendInPlace(Lane& lane, Item* item, int class_id, std::string_view value,
                     const WriteOptions& options, Tick now);
  bool FitsInPlace(const Item& item, int class_id, uint64_t value_bytes, uint64_t chosen_cas) const;
  void ResizeSmall(Lane& lane, Item* item, int class_id, uint32_t value_bytes, uint32_t marks,
                   uint64_t chosen_cas);
  WriteOutcome Combine(Lane& lane, const Key& key, ValuePieces added, uint64_t added_bytes,
                       const WriteOptions& options, Tick now);
  void TakeSnapshot(Item* item, uint64_t hash, Snapshot* snapshot);
  // kExists if the item has changed since.
  Verdict SameAs(const Snapshot& snapshot, const Item* old, int old_class) const;
  // Links the filled reservation if `accept(old item or null)` gives kStored, and shows it to
  // `linked` before the bucket is unlocked.
  WriteOutcome Link(
      Reservation&& reservation, Tick now,
      absl::FunctionRef<Verdict(const Item* old, int old_class)> accept,
      absl::FunctionRef<void(Item* item)> linked = [](Item*) {});
  // Links the changed item in the old one's place; kExists if that has changed since.
  WriteOutcome Relink(Lane& lane, const Key& key, const Snapshot& snapshot, const Change& change,
                      Tick now);
  WriteStatus ReserveItem(Lane& lane, const Key& key, const Item::Shape& shape, uint32_t expire,
                          Tick now, Reservation* reservation);
  bool ReserveParts(Lane& lane, Item* head, Tick now);
  static void FillFrom(ValuePieces pieces, Reservation* reservation);

  // store_delete.cc
  bool InvalidateInPlace(Lane& lane, Location location, const DeleteOptions& options);
  DeleteOutcome DeleteInPart(Lane& lane, const Key& key, const DeleteOptions& options, Tick now);
  static Change LeftOf(const DeleteOptions& options, const Snapshot& snapshot);

  // store_arithmetic.cc
  bool CountInPlace(Lane& lane, Location location, const ArithmeticOptions& options, Tick now,
                    ArithmeticOutcome* outcome);
  bool SetDigitsInPlace(Lane& lane, Item* item, int class_id, std::string_view digits,
                        uint64_t chosen_cas, Tick now);
  bool CountElsewhere(Lane& lane, const Key& key, const ArithmeticOptions& options,
                      const Snapshot& snapshot, Tick now, ArithmeticOutcome* outcome);
  bool CreateNumber(Lane& lane, const Key& key, const ArithmeticOptions& options, Tick now,
                    ArithmeticOutcome* outcome);

  // store_evict.cc: a chunk, whatever it takes; 0 if it takes what is not allowed.
  Location Allocate(Lane& lane, int class_id, bool probation, Tick now);
  Location Evict(Lane& lane, int class_id, bool probation, Tick now);
  bool TryUnlinkVictim(Lane& lane, Location victim, Tick now, SlabClass* slab_class)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(slab_class->lock());
  bool StealPage(Lane& lane, int class_id, Tick now) ABSL_LOCKS_EXCLUDED(emptying_mutex_);

  // store_empty.cc: emptying pages.
  int ChooseDonor(const ClassSet& besides) ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  bool StartEmptying(ClassSet besides) ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  // Works on one batch of chunks. `move`: items go elsewhere in their class where there is room.
  void EmptyBatch(Lane& lane, bool move, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  bool StartEmptyingClass(int donor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  void AbandonEmptying() ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  void FinishEmptying() ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  Batch CollectInUse(int class_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  bool EvictCandidate(Lane& lane, const Candidate& candidate, Tick now);
  bool CountEmptied(Location location, Tick now);
  void TellEviction(const Item& item, int class_id, Tick now);
  bool Move(const Candidate& candidate, int class_id, Tick now);
  bool MoveSmall(const Candidate& candidate, Location to, Tick now);
  // Whether `chunk` continues the value of the item at `head`.
  bool ContinuesItem(Location chunk, Location head) const;
  bool MoveLarge(const Candidate& candidate, Location to, Tick now);
  void SettleMoved(Item* copy, Location to, uint32_t bytes);
  Location PartBefore(const Item& head, Location part) const;
  void ReplacePart(Item* head, Location before, Location from, Location to);

  // store_maintain.cc
  bool OpenPagesAhead();
  bool GrowIndex(size_t* budget);
  bool ShrinkIndex(size_t* budget);
  bool KeepPages(Tick now, size_t* budget) ABSL_LOCKS_EXCLUDED(emptying_mutex_);
  bool ReassignPage(Tick now, size_t* budget) ABSL_LOCKS_EXCLUDED(emptying_mutex_);
  bool BalancePages(Tick now, size_t* budget) ABSL_LOCKS_EXCLUDED(emptying_mutex_);
  bool StartBalancing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  void LookAtClasses() ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  bool StartSweep(Tick now) ABSL_LOCKS_EXCLUDED(crawl_mutex_);
  bool SweepExpired(Tick now, size_t* budget) ABSL_LOCKS_EXCLUDED(crawl_mutex_);
  void EndSweep() ABSL_LOCKS_EXCLUDED(crawl_mutex_, flush_mutex_);
  void SweepBatch(Tick now);
  Batch CollectDead(uint32_t page, Tick now);
  // Memory for the index, charged to the limit. Any thread, without a bucket's lock.
  bool OpenOverflow() ABSL_LOCKS_EXCLUDED(index_memory_mutex_);
  bool OpenBuckets() ABSL_LOCKS_EXCLUDED(index_memory_mutex_);
  void ChargeIndex() ABSL_EXCLUSIVE_LOCKS_REQUIRED(index_memory_mutex_);
  int64_t LinkedItems() const ABSL_LOCKS_EXCLUDED(lanes_mutex_);

  // store_control.cc
  int DonorForReassign(int destination) ABSL_EXCLUSIVE_LOCKS_REQUIRED(emptying_mutex_);
  uint32_t PagesOf(int class_id);

  // store_stats.cc
  ClassStats StatsOf(int class_id) const;

  // store_restore.cc
  std::vector<std::pair<std::string, std::string>> SavedSettings() const;
  bool AdoptPages(const SavedStore& saved);
  bool GrowIndexFor(uint64_t items);
  bool LinkItemsOn(const SavedPage& page);
  bool LinkRestored(Location location, uint64_t hash);
  bool IsWhole(Location location);
  bool IsWholeChain(const Item& head, Location location);
  bool IsChunk(Location location);
  struct OnProbation {
    uint64_t age;  // mutations ago
    Location chunk;
  };
  void AdoptChunksOn(const SavedPage& page, std::vector<OnProbation>* on_probation);
  bool SettleChunk(Location chunk, int class_id);
  void RestoreRing(int class_id, std::vector<OnProbation>* on_probation);

  // store_check.cc
  void CheckClass(int class_id, const std::unordered_set<Location>& linked, uint64_t* found,
                  StoreStats* counted);

  const StoreOptions options_;
  const std::unique_ptr<Slabs> slabs_;
  const Arena& arena_;
  const std::unique_ptr<Index> index_owner_;
  Index& index_;

  // Read by every operation; written under the mutex by flushes and by the sweep that ends one.
  Mutex flush_mutex_;
  std::atomic<uint32_t> flush_due_{0};  // tick at which a delayed flush starts; 0: none
  std::atomic<bool> flush_active_{false};
  std::atomic<uint64_t> flush_order_{0};  // what is at or before it is dead

  // Written by every mutation: a line of its own.
  alignas(64) std::atomic<uint64_t> order_{0};

  alignas(64) mutable Mutex lanes_mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_ ABSL_GUARDED_BY(lanes_mutex_);

  Mutex index_memory_mutex_;
  uint64_t index_charged_bytes_ ABSL_GUARDED_BY(index_memory_mutex_) = 0;

  Mutex emptying_mutex_;
  Emptying emptying_ ABSL_GUARDED_BY(emptying_mutex_);
  PageMover mover_ ABSL_GUARDED_BY(emptying_mutex_);
  uint64_t mover_looked_ ABSL_GUARDED_BY(emptying_mutex_) = 0;  // order_ when it last did
  // What Reassign asked for; no destination: nothing.
  int reassign_source_ ABSL_GUARDED_BY(emptying_mutex_) = 0;
  int reassign_destination_ ABSL_GUARDED_BY(emptying_mutex_) = 0;
  std::atomic<bool> reassigning_{false};  // there is a destination
  std::atomic<bool> shrinking_{false};    // the limit was changed, and is perhaps not yet kept
  std::atomic<uint64_t> pages_emptied_{0};
  std::atomic<uint64_t> items_moved_{0};
  std::atomic<uint64_t> parts_moved_{0};
  std::atomic<uint64_t> items_dropped_{0};
  std::atomic<uint64_t> items_reclaimed_{0};
  std::atomic<uint64_t> pages_held_up_{0};

  std::atomic<StoreObserver*> observer_{nullptr};
  std::atomic<uint32_t> probation_percent_;
  std::atomic<bool> automove_;
  std::atomic<bool> sweeper_;

  Mutex crawl_mutex_;
  ClassSet crawl_classes_ ABSL_GUARDED_BY(crawl_mutex_);  // asked for, not begun
  bool crawling_ ABSL_GUARDED_BY(crawl_mutex_) = false;   // begun, or asked for

  // The maintaining thread's.
  Lane* maintain_lane_ = nullptr;
  Sweep sweep_;
  uint64_t pages_taken_ = 0;  // of the pool's count, at the last look
  bool index_wants_pages_ = false;
  std::atomic<bool> index_growing_{false};
  std::atomic<bool> sweeping_{false};
  std::atomic<uint64_t> sweeps_{0};
  std::atomic<uint64_t> sweeps_started_{0};
};

template <typename Visitor>
bool Store::Peek(const Key& key, Tick now, Visitor&& visit) {
  Index::LockedBucket bucket = index_.Lock(key.hash);
  const Index::Slot slot = FindKey(bucket, key);
  if (!slot) return false;
  Item* const item = arena_.ItemAt(bucket.At(slot));
  if (IsDead(*item, now)) return false;
  const ItemView view(this, item, key.hash);
  visit(view);
  return true;
}

// The visitor is called in one place, so that it is inlined there.
template <typename Visitor>
ReadOutcome Store::Read(Lane& lane, const Key& key, const ReadOptions& options, Tick now,
                        Visitor&& visit) {
  NoticeFlush(now);
  ReadOutcome outcome;
  Location dead = 0;
  {
    Index::LockedBucket bucket = index_.Lock(key.hash);
    const Index::Slot slot = FindKey(bucket, key);
    if (!slot) return outcome;
    const Location location = bucket.At(slot);
    Item* item = arena_.ItemAt(location);
    if (IsDead(*item, now)) [[unlikely]] {
      outcome.status = HasPassed(item->expire(), now) ? ReadStatus::kExpired : ReadStatus::kFlushed;
      dead = Unlink(lane, &bucket, slot);
    } else {
      outcome.status = ReadStatus::kHit;
      outcome.class_id = static_cast<uint8_t>(slabs_->ClassOf(location));
      ItemView view(this, item, key.hash);
      if (options.touch) SetExpire(location, item, options.expire);
      if (options.claim) [[unlikely]]
        DecideWin(options, &view);
      visit(std::as_const(view));
      outcome.won = view.won_;
      if (view.won_) item->SetMarks(kMarkWinSent, 0);
      outcome.on_probation = options.bump ? item->MarkRead(now) : item->on_probation();
    }
  }
  FreeItem(dead);
  return outcome;
}

template <typename Visitor>
ReadOutcome Store::ReadOrCreate(Lane& lane, const Key& key, const ReadOptions& options, Tick now,
                                Visitor&& visit) {
  while (true) {
    ReadOutcome outcome = Read(lane, key, options, now, visit);
    if (outcome.status == ReadStatus::kHit || !options.create) return outcome;
    // Unless somebody else was faster.
    if (CreateWon(lane, key, options, now, visit, &outcome)) return outcome;
  }
}

inline int ItemView::class_id() const {
  return store_->slabs_->ClassOf(store_->arena_.LocationOf(item_));
}

inline Index::Slot Store::FindKey(const Index::LockedBucket& bucket, const Key& key) const {
  return bucket.Find(
      key.hash, [&](Location location) { return arena_.ItemAt(location)->key() == key.bytes; });
}

inline bool Store::IsFlushed(const Item& item) const {
  if (!flush_active_.load(std::memory_order_acquire)) [[likely]]
    return false;
  return OrderIsAtOrBefore(item.order(), flush_order_.load(std::memory_order_relaxed));
}

}  // namespace larder
