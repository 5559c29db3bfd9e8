#include <thread>

#include "slab/store.h"

// Making room: a chunk of a class for whoever asks, from the first of these that has one: the
// class's free chunks; a page of the pool; an item of the class that is evicted; and, for a class
// that has nothing to evict, a page that another class has to give up.
//
// There is always one, unless all there is belongs to somebody this moment: is pinned by readers,
// or holds values that are arriving. So the class is searched once round before it is given up, and
// after it the others; and since what is in the way may be another thread's for an instant only,
// that is done a few times. What is searched is searched in bounded pieces, and the lock of the
// class is let go of between them.

namespace larder {
namespace {

// Rounds of all of the above. More than a few are only needed when other threads take what this
// one made free.
constexpr int kRounds = 64;
// Of these, such as found nothing at all.
constexpr int kFruitlessRounds = 4;
// Pages of one class that turn out to be held up, before the next class is asked.
constexpr int kPagesTried = 64;
constexpr uint32_t kActiveSeconds = 60;

}  // namespace

Location Store::Allocate(Lane& lane, int class_id, bool probation, Tick now) {
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  probation = probation && probation_percent() > 0;
  int fruitless = 0;
  for (int round = 0; round < kRounds && fruitless < kFruitlessRounds; ++round) {
    if (const Location chunk = slabs_->Take(class_id, probation); chunk != 0) return chunk;
    if (!options_.evict) {
      if (slabs_->AddPage(class_id)) continue;
      break;
    }
    if (slabs_->pool().FreePages() > slabs_->reserve_pages() && slabs_->AddPage(class_id)) {
      continue;
    }
    if (const Location chunk = Evict(lane, class_id, probation, now); chunk != 0) return chunk;
    if (const Location chunk = slabs_->Take(class_id, probation); chunk != 0) return chunk;
    if (slabs_->AddPage(class_id) || StealPage(lane, class_id, now)) continue;
    ++fruitless;
    std::this_thread::yield();
  }
  SpinLockHolder lock(&slab_class.lock());
  ++slab_class.counts().out_of_memory;
  return 0;
}

// A chunk of an item of the class that is evicted, marked reserved; 0 if a round over the class has
// found none.
Location Store::Evict(Lane& lane, int class_id, bool probation, Tick now) {
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  uint64_t end = 0;
  while (true) {
    Location victim = 0;
    Location head = 0;
    {
      SpinLockHolder lock(&slab_class.lock());
      if (end == 0) end = slab_class.looked_at() + slab_class.to_look_at();
      if (slab_class.page_count() == 0 || slab_class.looked_at() >= end) return 0;
      victim = slab_class.NextVictim(now);
      if (victim == 0) continue;
      const Item* item = arena_.ItemAt(victim);
      const bool part = item->state() == ItemState::kPart;
      head = part ? arena_.PartAt(victim)->owner() : victim;
      if (!TryUnlinkVictim(lane, head, now, &slab_class)) {
        if (!part) slab_class.Spare(victim);
        continue;
      }
      if (!part && (!item->large() || item->extension().next_part() == 0)) {
        slab_class.Reuse(victim, probation);
        return victim;
      }
    }
    // A chain: its other chunks are free, and this one is not for whoever comes first. The head
    // goes last, as in FreeItem.
    FreeParts(*arena_.ItemAt(head), /*besides=*/victim);
    {
      SpinLockHolder lock(&slab_class.lock());
      slab_class.Reuse(victim, probation);
    }
    if (head != victim) slabs_->Free(head);
    return victim;
  }
}

// The caller holds the lock of a class in which the item has a chunk, so its key stays readable;
// a bucket comes before a class in the order of locks, so here it is only tried.
bool Store::TryUnlinkVictim(Lane& lane, Location victim, Tick now, SlabClass* slab_class) {
  Item* item = arena_.ItemAt(victim);
  if (item->state() != ItemState::kLinked) return false;
  const uint64_t hash = index_.Hash(item->key());
  index_.PrefetchGhosts(hash);
  Index::LockedBucket bucket = index_.TryLock(hash);
  if (!bucket) return false;
  const Index::Slot slot = FindLocation(bucket, hash, victim);
  if (!slot) return false;
  if (item->large() && item->extension().pins > 0) return false;
  const bool fetched = item->fetched();
  EvictionCounts& counts = slab_class->counts();
  if (IsDead(*item, now)) {
    ++counts.reclaimed;
    if (!fetched) ++counts.expired_unfetched;
  } else {
    const uint32_t idle_seconds = item->IdleSeconds(now);
    ++counts.evicted;
    TellEviction(*item, slabs_->ClassOf(victim), now);
    if (item->expire() != kNeverExpires) ++counts.evicted_nonzero;
    if (!fetched) ++counts.evicted_unfetched;
    if (fetched && idle_seconds < kActiveSeconds) ++counts.evicted_active;
    counts.evicted_idle_seconds = idle_seconds;
    bucket.AddGhost(hash, item->segment());
    slab_class->CountGhost(item->segment());
  }
  Unlink(lane, &bucket, slot);
  return true;
}

// Under the lock of the item's bucket.
void Store::TellEviction(const Item& item, int class_id, Tick now) {
  StoreObserver* const observer = observer_.load(std::memory_order_acquire);
  if (observer == nullptr) [[likely]]
    return;
  observer->OnEviction({.key = item.key(),
                        .class_id = static_cast<uint8_t>(class_id),
                        .value_bytes = item.value_bytes(),
                        .expire = item.expire(),
                        .idle_seconds = item.IdleSeconds(now),
                        .fetched = item.fetched()});
}

// Somebody waits for this page, so a page that is held up by a pin or an unfinished store is given
// back at once, and after a few of a class the next class is asked. The page does not go by way of
// the pool: that would close it if the limit has been lowered, or give it to somebody else.
bool Store::StealPage(Lane& lane, int class_id, Tick now) {
  MutexLock lock(&emptying_mutex_);
  ClassSet besides;
  besides.set(static_cast<size_t>(class_id));
  for (int tries = 1; emptying_.page != 0 || StartEmptying(besides); ++tries) {
    const int donor = slabs_->RecordAt(emptying_.page).class_id;
    if (emptying_.purpose != EmptyingFor::kReassign) emptying_.destination = class_id;
    while (emptying_.page != 0 && !emptying_.stuck) EmptyBatch(lane, /*move=*/true, now);
    if (emptying_.page == 0) return true;
    AbandonEmptying();
    if (tries % kPagesTried == 0) besides.set(static_cast<size_t>(donor));
  }
  return false;
}

}  // namespace larder
