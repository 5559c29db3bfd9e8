#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "slab/store.h"

// The work that nobody waits for: memory is opened ahead, the index grows, free pages are kept in
// reserve, and dead items are swept out.
//
// The sweeper goes over all pages in address order every StoreOptions::sweep_seconds and skips
// those on which nothing expires yet. A page it does look at costs 8 to 12 ns an item. It is also
// what ends a flush: once a sweep that began after the flush has passed every page, nothing that
// the flush killed is left, and reads need not compare orders any more.

namespace larder {
namespace {

// Chunks looked at under one holding of a class's lock.
constexpr uint32_t kSweepChunks = 64;
constexpr uint64_t kFramesAheadMax = 16;
// What the splitting of a bucket and the emptying of a batch count as, in steps of an item.
constexpr size_t kSplitSteps = 8;
constexpr size_t kEmptySteps = 64;

// Takes `steps` from the budget; false once it is used up.
bool Spend(size_t* budget, size_t steps) {
  if (*budget == 0) return false;
  *budget -= std::min(*budget, steps);
  return true;
}

}  // namespace

bool Store::Maintain(Tick now, size_t budget) {
  NoticeFlush(now);
  bool more = OpenPagesAhead();
  more = GrowIndex(&budget) || more;
  more = ShrinkIndex(&budget) || more;
  more = ReassignPage(now, &budget) || more;
  more = KeepPages(now, &budget) || more;
  more = BalancePages(now, &budget) || more;
  more = SweepExpired(now, &budget) || more;
  return more;
}

bool Store::OpenOverflow() {
  MutexLock lock(&index_memory_mutex_);
  const bool open = index_.OpenOverflow();
  ChargeIndex();
  return open;
}

bool Store::OpenBuckets() {
  MutexLock lock(&index_memory_mutex_);
  const bool open = index_.OpenBuckets();
  ChargeIndex();
  return open;
}

void Store::ChargeIndex() {
  const uint64_t bytes = index_.bytes() + index_.ghost_bytes();
  if (bytes > index_charged_bytes_) {
    slabs_->pool().Charge(bytes - index_charged_bytes_);
  } else {
    slabs_->pool().Discharge(index_charged_bytes_ - bytes);
  }
  index_charged_bytes_ = bytes;
}

bool Store::GrowIndex(size_t* budget) {
  const auto items = static_cast<uint64_t>(std::max<int64_t>(LinkedItems(), 0));
  const auto wants_more = [&] { return items > index_.buckets() * Index::kItemsPerBucket; };
  // What it waited for it takes, though the items that made room may be those that were too many:
  // it would soon want it again, and another page be emptied for it.
  const bool waited = std::exchange(index_wants_pages_, false);
  if (waited && !index_.CanGrow() && slabs_->pool().MakeRoom(index_.step_bytes())) OpenBuckets();
  if (index_.OverflowRunsLow()) OpenOverflow();
  while (wants_more() && *budget > 0) {
    if (!index_.CanGrow()) {
      if (!slabs_->pool().MakeRoom(index_.step_bytes())) {
        index_wants_pages_ = options_.evict;
        break;
      }
      if (!OpenBuckets()) break;
    }
    if (index_.OverflowRunsLow() && !OpenOverflow()) break;
    Spend(budget, kSplitSteps);
    index_.Grow([&](Location location) { __builtin_prefetch(arena_.ItemAt(location)); },
                [&](Location location) { return index_.Hash(arena_.ItemAt(location)->key()); });
  }
  const bool growing = wants_more();
  index_growing_.store(growing, std::memory_order_relaxed);
  return growing && *budget == 0;
}

// While a lowered limit is not reached yet, the index follows the items that go, at some distance,
// or it would soon grow again.
bool Store::ShrinkIndex(size_t* budget) {
  if (!shrinking_.load(std::memory_order_relaxed)) return false;
  const auto items = static_cast<uint64_t>(std::max<int64_t>(LinkedItems(), 0));
  const auto wants_less = [&] {
    return index_.CanShrink() && items < index_.buckets() * (Index::kItemsPerBucket - 1);
  };
  while (wants_less()) {
    if (index_.OverflowRunsLow() && !OpenOverflow()) return false;
    if (!Spend(budget, kSplitSteps)) return true;
    index_.Shrink();
    if (index_.CloseBuckets()) {
      MutexLock lock(&index_memory_mutex_);
      ChargeIndex();
    }
  }
  return false;
}

// The system may need milliseconds to provide a frame, which no request should spend. As many pages
// are held open as were taken of late, twice over.
bool Store::OpenPagesAhead() {
  if (index_wants_pages_) return false;
  PagePool& pool = slabs_->pool();
  const uint64_t frame = arena_.PagesPerFrame();
  const uint64_t taken = pool.taken();
  const uint64_t of_late = taken - pages_taken_;
  pages_taken_ = taken;
  return pool.OpenAhead(std::clamp(2 * of_late, frame, kFramesAheadMax * frame));
}

// Does what Reassign asked for. If something holds the page up, it is left at that: whoever asked
// sees in the statistics that no page has come.
bool Store::ReassignPage(Tick now, size_t* budget) {
  while (reassigning_.load(std::memory_order_relaxed)) {
    MutexLock lock(&emptying_mutex_);
    if (emptying_.page != 0 && emptying_.purpose != EmptyingFor::kReassign) AbandonEmptying();
    if (emptying_.page == 0 && reassign_destination_ != 0) {
      if (StartEmptyingClass(reassign_source_)) {
        emptying_.destination = reassign_destination_;
        emptying_.purpose = EmptyingFor::kReassign;
      }
    }
    if (emptying_.page != 0) {
      if (!Spend(budget, kEmptySteps)) return true;
      EmptyBatch(*maintain_lane_, /*move=*/true, now);
      if (!emptying_.stuck) continue;
      AbandonEmptying();
    }
    reassign_destination_ = 0;
    reassigning_.store(false, std::memory_order_relaxed);
  }
  return false;
}

// Empties pages as long as more is in use than a lowered limit, or than the limit by a page, as
// rings may have grown; as the index waits for memory; or as the reserve that a class without a
// page takes from is not full. (While memory has never been full, there are more free pages than
// that.)
bool Store::KeepPages(Tick now, size_t* budget) {
  PagePool& pool = slabs_->pool();
  if (shrinking_.load(std::memory_order_relaxed)) {
    MutexLock lock(&emptying_mutex_);
    if (pool.charged_bytes() <= pool.limit_bytes()) shrinking_.store(false);
  }
  if (!options_.evict) return false;
  const auto wanted = [&] {
    const bool over = pool.charged_bytes() >= pool.limit_bytes() + arena_.page_bytes();
    if ((over || shrinking_.load(std::memory_order_relaxed)) && !pool.MakeRoom(0)) return true;
    if (index_wants_pages_) return !pool.MakeRoom(index_.step_bytes());
    return automove_.load(std::memory_order_relaxed) && pool.FreePages() < slabs_->reserve_pages();
  };
  while (wanted()) {
    MutexLock lock(&emptying_mutex_);
    if (emptying_.page == 0 && !StartEmptying(/*besides=*/{})) return false;
    if (!Spend(budget, kEmptySteps)) return true;
    EmptyBatch(*maintain_lane_, /*move=*/true, now);
    // What is pinned or being filled is no nearer to its end if it is looked at again at once.
    if (emptying_.stuck) {
      AbandonEmptying();
      return false;
    }
  }
  MutexLock lock(&emptying_mutex_);
  if (emptying_.page != 0 && emptying_.purpose == EmptyingFor::kRoom) AbandonEmptying();
  return index_wants_pages_;
}

// Moves pages to where they spare more misses. Nothing to do while there are pages that are free:
// they go to whoever asks first, and nothing is evicted.
bool Store::BalancePages(Tick now, size_t* budget) {
  if (!options_.evict) return false;
  MutexLock lock(&emptying_mutex_);
  if (!automove_.load(std::memory_order_relaxed)) {
    // It may have been switched off in the middle of a move.
    if (emptying_.page != 0 && emptying_.purpose == EmptyingFor::kBalance) AbandonEmptying();
    return false;
  }
  while (emptying_.page != 0 || StartBalancing()) {
    if (emptying_.purpose != EmptyingFor::kBalance || !Spend(budget, kEmptySteps)) return true;
    EmptyBatch(*maintain_lane_, /*move=*/true, now);
    // Somebody is reading or sending something on it: another page, another time.
    if (emptying_.stuck) {
      AbandonEmptying();
      return false;
    }
  }
  return false;
}

bool Store::StartBalancing() {
  // By what has changed in the store, not by the time: then a look sees about as much whatever the
  // load.
  constexpr uint64_t kMutationsPerLook = 4096;
  const uint64_t order = order_.load(std::memory_order_relaxed);
  if (order - mover_looked_ >= kMutationsPerLook) {
    mover_looked_ = order;
    LookAtClasses();
  }
  while (const std::optional<PageMover::Move> move = mover_.NextMove()) {
    if (!StartEmptyingClass(move->source)) continue;
    emptying_.destination = move->destination;
    emptying_.purpose = EmptyingFor::kBalance;
    return true;
  }
  return false;
}

void Store::LookAtClasses() {
  std::array<PageMover::ClassView, kClassesMax> views;
  for (int id = 1; id <= slabs_->sizes().count(); ++id) {
    SlabClass& slab_class = slabs_->ClassAt(id);
    SpinLockHolder lock(&slab_class.lock());
    views[static_cast<size_t>(id)] = {
        .pages = slab_class.page_count(),
        .chunks_per_page = slab_class.geometry().chunks_per_page,
        .free_chunks = slab_class.total_chunks() - slab_class.used_chunks(),
        .ghost_hits = slab_class.counts().ghost_hits};
  }
  mover_.Look(std::span(views).first(static_cast<size_t>(slabs_->sizes().count()) + 1));
}

bool Store::SweepExpired(Tick now, size_t* budget) {
  if (!sweep_.running && !StartSweep(now)) return false;
  while (sweep_.page < slabs_->pool().pages_end()) {
    PageRecord& record = slabs_->RecordAt(sweep_.page);
    const bool begins = sweep_.next_chunk == 0;
    const uint32_t earliest = record.earliest_expire.load(std::memory_order_relaxed);
    const bool due = sweep_.flush || sweep_.crawl || HasPassed(earliest, now);
    if (!sweep_.classes.test(record.class_id) || (begins && !due)) {
      ++sweep_.page;
      sweep_.next_chunk = 0;
      continue;
    }
    if (!Spend(budget, kSweepChunks)) return true;
    // Found anew as the page is gone over; who stores meanwhile lowers it too.
    if (begins) record.earliest_expire.store(kNeverExpires, std::memory_order_relaxed);
    SweepBatch(now);
  }
  EndSweep();
  return false;
}

// One of its own when it is due, or the one that Crawl asked for.
bool Store::StartSweep(Tick now) {
  ClassSet all;
  all.set();
  all.reset(0);  // pages of no class
  Sweep sweep{.running = true,
              .page = 1,
              .next_chunk = 0,
              .due_seconds = now.seconds + options_.sweep_seconds,
              .classes = all,
              .flush = flush_active_.load(std::memory_order_acquire),
              .flush_order = flush_order_.load(std::memory_order_relaxed)};
  {
    MutexLock lock(&crawl_mutex_);
    if (crawling_) {
      sweep.crawl = true;
      sweep.classes = crawl_classes_ & all;
    } else if (now.seconds < sweep_.due_seconds || !sweeper_.load(std::memory_order_relaxed)) {
      return false;
    }
  }
  sweep_ = sweep;
  sweeping_.store(true, std::memory_order_relaxed);
  sweeps_started_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Store::EndSweep() {
  sweep_.running = false;
  sweeping_.store(false, std::memory_order_relaxed);
  sweeps_.fetch_add(1, std::memory_order_relaxed);
  if (sweep_.crawl) {
    MutexLock lock(&crawl_mutex_);
    crawling_ = false;
    return;  // it may have left classes out
  }
  MutexLock lock(&flush_mutex_);
  if (sweep_.flush && flush_order_.load(std::memory_order_relaxed) == sweep_.flush_order) {
    flush_active_.store(false, std::memory_order_release);
  }
}

void Store::SweepBatch(Tick now) {
  const uint32_t page = sweep_.page;
  const Batch batch = CollectDead(page, now);
  uint64_t reclaimed = 0;
  uint64_t unfetched = 0;
  for (size_t i = 0; i < batch.size; ++i) {
    const Candidate& candidate = batch.candidates[i];
    Location gone = 0;
    {
      Index::LockedBucket bucket = index_.Lock(candidate.hash);
      const Index::Slot slot = FindLocation(bucket, candidate.hash, candidate.item);
      if (!slot) continue;
      const Item* item = arena_.ItemAt(candidate.item);
      if (!IsDead(*item, now)) continue;
      ++reclaimed;
      if (!item->fetched()) ++unfetched;
      gone = Unlink(*maintain_lane_, &bucket, slot);
    }
    FreeItem(gone);
  }
  if (reclaimed == 0) return;
  SlabClass& slab_class = slabs_->ClassAt(batch.class_id);
  SpinLockHolder lock(&slab_class.lock());
  slab_class.counts().sweeper_reclaimed += reclaimed;
  slab_class.counts().expired_unfetched += unfetched;
}

// The page may leave its class between two batches, and come to another: then what is left of it
// is gone over as that class's.
Store::Batch Store::CollectDead(uint32_t page, Tick now) {
  Batch batch;
  PageRecord& record = slabs_->RecordAt(page);
  batch.class_id = record.class_id.load(std::memory_order_acquire);
  SlabClass& slab_class = slabs_->ClassAt(batch.class_id);
  SpinLockHolder lock(&slab_class.lock());
  if (batch.class_id == 0 || record.class_id != batch.class_id) {
    ++sweep_.page;
    sweep_.next_chunk = 0;
    return batch;
  }
  const uint32_t end = std::min(record.cut, sweep_.next_chunk + kSweepChunks);
  for (; sweep_.next_chunk < end && batch.size < kBatch; ++sweep_.next_chunk) {
    const Location chunk = slab_class.ChunkAt(page, sweep_.next_chunk);
    Item* item = arena_.ItemAt(chunk);
    if (item->state() != ItemState::kLinked) continue;
    ++slab_class.counts().sweeper_checked;
    if (IsDead(*item, now)) {
      batch.candidates[batch.size++] = {
          .chunk = chunk, .item = chunk, .hash = index_.Hash(item->key())};
      continue;
    }
    if (item->expire() != kNeverExpires) record.LowerEarliestExpire(item->expire());
    item->HoldOldAccess(now);
  }
  if (sweep_.next_chunk >= record.cut) {
    ++sweep_.page;
    sweep_.next_chunk = 0;
  }
  return batch;
}

}  // namespace larder
