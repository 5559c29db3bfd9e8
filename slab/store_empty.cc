#include <algorithm>
#include <cstring>
#include <tuple>

#include "slab/assert.h"
#include "slab/poison.h"
#include "slab/store.h"

// Emptying a page, so that another class or the index can have its memory.
//
// The page is taken off its class's list of pages with room; what is freed on it stays there. Then
// its chunks are looked at in batches: under the class's lock, keys are hashed, since a chunk's
// header and key hold still there; after that, item by item, under the bucket's lock, what was seen
// is made sure of. An item goes to a free chunk elsewhere in its class or, if there is none, is
// evicted. A page with something pinned or still being filled is not chosen; where that comes up
// later, the page goes back to its class, and another one is taken.
//
// A large item is copied without the bucket's lock: it is pinned meanwhile, and the copy takes its
// place only if nobody else has pinned it, since a reader's pin points into the old chunk. A chain
// may have thousands of parts, so it is not gone along under a lock either: a chain that is pinned
// holds still.

namespace larder {

// A class whose other pages have room for what one of them holds gives that one up; else the class
// that misses it least does, by its ghost hits a page; where these are equally many, the one with
// the most pages; and where none has more than one, the class that loses fewest bytes.
int Store::ChooseDonor(const ClassSet& besides) {
  // Whether it is the last page, hits a page, by how many pages the class has less than any could,
  // bytes; what comes first decides.
  using Loss = std::tuple<bool, double, uint32_t, uint64_t>;
  int donor = 0;
  Loss least;
  for (int id = 1; id <= slabs_->sizes().count(); ++id) {
    if (besides.test(static_cast<size_t>(id))) continue;
    SlabClass& slab_class = slabs_->ClassAt(id);
    SpinLockHolder lock(&slab_class.lock());
    const uint32_t pages = slab_class.page_count();
    if (pages == 0) continue;
    const uint64_t chunks = slab_class.used_chunks();
    if (chunks <= slab_class.total_chunks() - slab_class.geometry().chunks_per_page) return id;
    const Loss loss = {pages == 1, mover_.HitsPerPage(id, pages), UINT32_MAX - pages,
                       chunks * slab_class.geometry().chunk_bytes};
    if (donor == 0 || loss < least) {
      least = loss;
      donor = id;
    }
  }
  return donor;
}

bool Store::StartEmptying(ClassSet besides) {
  LARDER_CHECK(emptying_.page == 0);
  for (int donor = ChooseDonor(besides); donor != 0; donor = ChooseDonor(besides)) {
    if (StartEmptyingClass(donor)) return true;
    besides.set(static_cast<size_t>(donor));
  }
  return false;
}

bool Store::StartEmptyingClass(int donor) {
  SlabClass& slab_class = slabs_->ClassAt(donor);
  for (uint32_t looked = 0;;) {
    SpinLockHolder lock(&slab_class.lock());
    if (const uint32_t page = slab_class.PageToEmpty(&looked); page != 0) {
      slab_class.StartEmptying(page);
      emptying_ = {.page = page};
      return true;
    }
    if (looked >= slab_class.page_slots()) return false;
  }
}

void Store::AbandonEmptying() {
  SlabClass& slab_class = slabs_->ClassAt(slabs_->RecordAt(emptying_.page).class_id);
  SpinLockHolder lock(&slab_class.lock());
  slab_class.StopEmptying(emptying_.page);
  emptying_ = {};
}

// Nothing is left on the page, and it has left its class.
void Store::FinishEmptying() {
  const Emptying done = std::exchange(emptying_, {});
  pages_emptied_.fetch_add(1, std::memory_order_relaxed);
  PagePool& pool = slabs_->pool();
  // Index and rings may have gone over the limit by a step, which this page then pays for. While a
  // lowered limit is far from reached, a class that has no page cannot wait for that.
  const bool reassigns = done.purpose == EmptyingFor::kReassign;
  const bool pays = !reassigns && !shrinking_.load(std::memory_order_relaxed) &&
                    pool.charged_bytes() > pool.limit_bytes();
  if (done.destination != 0 && !pays) {
    slabs_->AddPageTo(done.destination, done.page);
  } else {
    pool.Give(done.page);
  }
  if (!reassigns) return;
  reassign_destination_ = 0;
  reassigning_.store(false, std::memory_order_relaxed);
}

Store::Batch Store::CollectInUse(int class_id) {
  Batch batch;
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  const PageRecord& record = slabs_->RecordAt(emptying_.page);
  while (batch.size < kBatch && emptying_.next_chunk < record.cut) {
    const Location chunk = slab_class.ChunkAt(emptying_.page, emptying_.next_chunk++);
    const ItemState state = arena_.ItemAt(chunk)->state();
    if (state == ItemState::kFree || state == ItemState::kReserved) continue;
    const Location head = state == ItemState::kPart ? arena_.PartAt(chunk)->owner() : chunk;
    const Item* item = arena_.ItemAt(head);
    if (item->state() != ItemState::kLinked) continue;
    batch.candidates[batch.size++] = {
        .chunk = chunk, .item = head, .hash = index_.Hash(item->key())};
  }
  batch.page_ends = emptying_.next_chunk >= record.cut;
  return batch;
}

void Store::EmptyBatch(Lane& lane, bool move, Tick now) {
  const uint32_t page = emptying_.page;
  const int class_id = slabs_->RecordAt(page).class_id;
  const Batch batch = CollectInUse(class_id);
  for (size_t i = 0; i < batch.size; ++i) {
    const Candidate& candidate = batch.candidates[i];
    const bool gone =
        (move && Move(candidate, class_id, now)) || EvictCandidate(lane, candidate, now);
    emptying_.progress = emptying_.progress || gone;
  }
  if (!batch.page_ends) return;

  SlabClass& slab_class = slabs_->ClassAt(class_id);
  bool empty = false;
  {
    SpinLockHolder lock(&slab_class.lock());
    empty = slabs_->RecordAt(page).used == 0;
    if (empty) slab_class.RemovePage(page);
  }
  if (empty) {
    FinishEmptying();
    return;
  }
  emptying_.next_chunk = 0;
  emptying_.stuck = !emptying_.progress;
  if (emptying_.stuck) pages_held_up_.fetch_add(1, std::memory_order_relaxed);
  emptying_.progress = false;
}

// False if the item is pinned, or no longer what it was.
bool Store::EvictCandidate(Lane& lane, const Candidate& candidate, Tick now) {
  Location gone = 0;
  {
    Index::LockedBucket bucket = index_.Lock(candidate.hash);
    const Index::Slot slot = FindLocation(bucket, candidate.hash, candidate.item);
    if (!slot) return false;
    Item* item = arena_.ItemAt(candidate.item);
    if (item->large() && item->extension().pins > 0) return false;
    if (CountEmptied(candidate.item, now)) bucket.AddGhost(candidate.hash, item->segment());
    gone = Unlink(lane, &bucket, slot);
  }
  FreeItem(gone);
  return true;
}

// True if it was alive.
bool Store::CountEmptied(Location location, Tick now) {
  const Item* item = arena_.ItemAt(location);
  const bool dead = IsDead(*item, now);
  (dead ? items_reclaimed_ : items_dropped_).fetch_add(1, std::memory_order_relaxed);
  const int class_id = slabs_->ClassOf(location);
  if (!dead) TellEviction(*item, class_id, now);
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  EvictionCounts& counts = slab_class.counts();
  if (dead) {
    ++counts.reclaimed;
    if (!item->fetched()) ++counts.expired_unfetched;
    return false;
  }
  ++counts.evicted;
  if (item->expire() != kNeverExpires) ++counts.evicted_nonzero;
  if (!item->fetched()) ++counts.evicted_unfetched;
  slab_class.CountGhost(item->segment());
  return true;
}

// To a free chunk of the class, not by evicting another item. False if there is none.
bool Store::Move(const Candidate& candidate, int class_id, Tick now) {
  const bool part = candidate.chunk != candidate.item;
  const bool probation = !part && arena_.ItemAt(candidate.chunk)->on_probation();
  const Location to = slabs_->Take(class_id, probation);
  if (to == 0) return false;
  UnpoisonMemory(arena_.ItemAt(to), slabs_->sizes().ChunkBytes(class_id));
  const bool moved = MoveSmall(candidate, to, now) || MoveLarge(candidate, to, now);
  if (!moved) {
    slabs_->Free(to);
    return false;
  }
  slabs_->Free(candidate.chunk);
  (part ? parts_moved_ : items_moved_).fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Store::MoveSmall(const Candidate& candidate, Location to, Tick now) {
  Index::LockedBucket bucket = index_.Lock(candidate.hash);
  const Index::Slot slot = FindLocation(bucket, candidate.hash, candidate.item);
  if (!slot) return false;
  Item* from = arena_.ItemAt(candidate.item);
  if (from->large() || IsDead(*from, now)) return false;
  Item* copy = arena_.ItemAt(to);
  const auto bytes = static_cast<uint32_t>(from->TotalBytes());
  copy->CopyFrom(*from, bytes);
  SettleMoved(copy, to, bytes);
  bucket.Replace(slot, to);
  from->SetState(ItemState::kReserved);
  return true;
}

// A copy takes the item's place: as old, as much used, and linked.
void Store::SettleMoved(Item* copy, Location to, uint32_t bytes) {
  if constexpr (kPoisons) {
    const uint32_t chunk_bytes = slabs_->sizes().ChunkBytes(slabs_->ClassOf(to));
    PoisonMemory(reinterpret_cast<char*>(copy) + bytes, chunk_bytes - bytes);
  }
  copy->SetState(ItemState::kLinked);
  if (copy->expire() != kNeverExpires) {
    slabs_->RecordOf(to).LowerEarliestExpire(copy->expire());
  }
}

bool Store::ContinuesItem(Location chunk, Location head) const {
  return arena_.ItemAt(chunk)->state() == ItemState::kPart && arena_.PartAt(chunk)->owner() == head;
}

bool Store::MoveLarge(const Candidate& candidate, Location to, Tick now) {
  Item* head = arena_.ItemAt(candidate.item);
  const bool part = candidate.chunk != candidate.item;
  ItemRef pin;  // declared before the second lock, so that it goes after it
  {
    Index::LockedBucket bucket = index_.Lock(candidate.hash);
    const Index::Slot slot = FindLocation(bucket, candidate.hash, candidate.item);
    if (!slot || !head->large() || IsDead(*head, now) || head->extension().pins > 0) {
      return false;
    }
    // The key may have been stored anew since, twice, and its item lie where the last one lay.
    if (part && !ContinuesItem(candidate.chunk, candidate.item)) return false;
    pin = ItemView(this, head, candidate.hash).Pin();
  }
  const uint32_t head_bytes = head->PrefixBytes() + head->extension().value_bytes_here;
  if (part) {
    ItemPart* from = arena_.PartAt(candidate.chunk);
    std::memcpy(arena_.PartAt(to)->value(), from->value(), from->value_bytes_here());
  } else {
    // The value alone: the rest may change meanwhile, and is copied under the lock.
    std::memcpy(reinterpret_cast<char*>(arena_.ItemAt(to)) + head->PrefixBytes(), head->value(),
                head->extension().value_bytes_here);
  }

  const Location before = part ? PartBefore(*head, candidate.chunk) : 0;
  Item* copy = arena_.ItemAt(to);
  {
    Index::LockedBucket bucket = index_.Lock(candidate.hash);
    const Index::Slot slot = FindLocation(bucket, candidate.hash, candidate.item);
    if (!slot || head->extension().pins != 1) return false;
    if (part) {
      ReplacePart(head, before, candidate.chunk, to);
      return true;
    }
    copy->CopyFrom(*head, head->PrefixBytes());  // the pin, too
    SettleMoved(copy, to, head_bytes);
    bucket.Replace(slot, to);
    head->SetState(ItemState::kReserved);
  }
  pin.Forget();
  pin = ItemRef(this, copy, candidate.hash);
  // Who comes upon a part that has not been told sees an owner that is not in use, and leaves it.
  for (Location at = copy->extension().next_part(); at != 0; at = arena_.PartAt(at)->next()) {
    SlabClass& slab_class = slabs_->ClassAt(slabs_->ClassOf(at));
    SpinLockHolder lock(&slab_class.lock());
    arena_.PartAt(at)->SetOwner(to);
  }
  return true;
}

// The part that `part` follows; 0: the head. The item is pinned.
Location Store::PartBefore(const Item& head, Location part) const {
  Location before = 0;
  for (Location at = head.extension().next_part(); at != part; at = arena_.PartAt(at)->next()) {
    before = at;
  }
  return before;
}

void Store::ReplacePart(Item* head, Location before, Location from, Location to) {
  ItemPart* old = arena_.PartAt(from);
  ItemPart* copy = arena_.PartAt(to);
  const Location next = old->next();
  copy->Init(old->owner(), old->value_bytes_here());
  copy->SetNext(next);
  if constexpr (kPoisons) {
    const uint32_t chunk_bytes = slabs_->sizes().ChunkBytes(slabs_->ClassOf(to));
    const uint32_t bytes = static_cast<uint32_t>(ItemPart::kHeaderBytes) + copy->value_bytes_here();
    PoisonMemory(reinterpret_cast<char*>(copy) + bytes, chunk_bytes - bytes);
  }
  if (before == 0) {
    head->extension().SetNextPart(to);
  } else {
    arena_.PartAt(before)->SetNext(to);
  }
}

}  // namespace larder
