#include "slab/slab_class.h"

#include <algorithm>

#include "slab/poison.h"

namespace larder {
namespace {

// Chunks are visited in the ring's order, which is no order of addresses: ask for the one that
// comes some turns later.
constexpr size_t kPrefetchAhead = 4;

// A hint without the lock of the key's bucket.
bool IsPinned(const Item& item) {
  return item.large() && item.extension().pins.load(std::memory_order_relaxed) > 0;
}

}  // namespace

void PageRecord::LowerEarliestExpire(uint32_t expire) {
  uint32_t old = earliest_expire.load(std::memory_order_relaxed);
  while ((old == kNeverExpires || expire < old) &&
         !earliest_expire.compare_exchange_weak(old, expire, std::memory_order_relaxed)) {
  }
}

void SlabClass::Init(const Geometry& geometry, const Arena* arena, LazyArray<PageRecord>* records) {
  geometry_ = geometry;
  SpinLockHolder lock(&lock_);
  share_.Start(geometry.probation_percent);
  arena_ = arena;
  records_ = records;
}

void SlabClass::HandOut(Location chunk, bool probation) {
  arena_->ItemAt(chunk)->SetReserved(probation);
  if (probation) PutOnRing(chunk);
}

Location SlabClass::Take(bool probation) {
  if (room_head_ == 0) return 0;
  const uint32_t page = room_head_;
  PageRecord& record = (*records_)[page];
  uint32_t number = 0;
  Location chunk = 0;
  if (record.free_head != 0) {
    number = record.free_head - 1;
    chunk = ChunkAt(page, number);
    record.free_head = arena_->ItemAt(chunk)->next_free();
  } else {
    number = record.cut++;
    chunk = ChunkAt(page, number);
    UnpoisonMemory(arena_->ItemAt(chunk), Item::kHeaderBytes);
  }
  ++record.used;
  ++used_chunks_;
  if (record.free_head == 0 && record.cut == geometry_.chunks_per_page) UnlistRoom(page);
  HandOut(chunk, probation);
  return chunk;
}

void SlabClass::PutOnFreeList(Location chunk) {
  PageRecord& record = (*records_)[arena_->PageOf(chunk)];
  Item* item = arena_->ItemAt(chunk);
  PoisonMemory(item, geometry_.chunk_bytes);
  UnpoisonMemory(item, Item::kHeaderBytes);
  item->SetFree(record.free_head);
  record.free_head = NumberOf(chunk) + 1;
}

uint32_t SlabClass::Free(Location chunk) {
  const uint32_t page = arena_->PageOf(chunk);
  PageRecord& record = (*records_)[page];
  PutOnFreeList(chunk);
  --record.used;
  --used_chunks_;
  if (record.emptying) return 0;
  if (!record.with_room) ListRoom(page);
  // Another page with room stays, so that a class does not lose and get a page turn by turn.
  if (record.used > 0 || (room_head_ == page && record.next_with_room == 0)) return 0;
  RemovePage(page);
  return page;
}

size_t SlabClass::RingBlocksMissing(uint32_t percent_min) const {
  const uint64_t chunks = total_chunks() + geometry_.chunks_per_page;
  const size_t needed = RingBlocksFor(chunks, std::max<double>(share_.percent(), percent_min));
  return needed > ring_.blocks() ? needed - ring_.blocks() : 0;
}

void SlabClass::AddPage(uint32_t page) {
  PageRecord& record = (*records_)[page];
  uint32_t slot = static_cast<uint32_t>(pages_.size());
  if (free_slots_.empty()) {
    pages_.push_back(page);
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
    pages_[slot] = page;
  }
  record.earliest_expire.store(kNeverExpires, std::memory_order_relaxed);
  record.cut = 0;
  record.used = 0;
  record.free_head = 0;
  record.slot = slot;
  record.emptying = false;
  record.class_id.store(static_cast<uint8_t>(geometry_.class_id), std::memory_order_release);
  ++page_count_;
  ListRoom(page);
}

void SlabClass::RemovePage(uint32_t page) {
  PageRecord& record = (*records_)[page];
  LARDER_CHECK(record.used == 0);
  if (record.with_room) UnlistRoom(page);
  pages_[record.slot] = 0;
  free_slots_.push_back(record.slot);
  --page_count_;
  record.emptying = false;
  record.class_id.store(0, std::memory_order_release);
  PoisonMemory(arena_->ItemAt(ChunkAt(page, 0)), arena_->page_bytes());
}

void SlabClass::ListRoom(uint32_t page) {
  PageRecord& record = (*records_)[page];
  record.with_room = true;
  record.previous_with_room = 0;
  record.next_with_room = room_head_;
  if (room_head_ != 0) (*records_)[room_head_].previous_with_room = page;
  room_head_ = page;
}

void SlabClass::UnlistRoom(uint32_t page) {
  PageRecord& record = (*records_)[page];
  if (record.next_with_room != 0) {
    (*records_)[record.next_with_room].previous_with_room = record.previous_with_room;
  }
  if (record.previous_with_room != 0) {
    (*records_)[record.previous_with_room].next_with_room = record.next_with_room;
  } else {
    room_head_ = record.next_with_room;
  }
  record.with_room = false;
}

// A reference is the number of a chunk among all that the class's slots have room for. The page
// that was in the slot may have left: then there is nothing, or another page's chunk, which is
// looked at for what it is.
Location SlabClass::AtReference(uint32_t reference) const {
  const uint32_t page = pages_[reference / geometry_.chunks_per_page];
  const uint32_t number = reference % geometry_.chunks_per_page;
  if (page == 0 || number >= (*records_)[page].cut) return 0;
  return ChunkAt(page, number);
}

void SlabClass::PutOnRing(Location chunk) {
  PromoteOverflowing();
  const uint64_t reference =
      uint64_t{(*records_)[arena_->PageOf(chunk)].slot} * geometry_.chunks_per_page +
      NumberOf(chunk);
  LARDER_CHECK(reference <= UINT32_MAX);
  ring_.PushBack(static_cast<uint32_t>(reference));
}

// Keeps the ring within what its blocks hold and, step by step, within its share. There is memory,
// or the entry would have been a victim: what is still on probation at the end of its time becomes
// protected.
void SlabClass::PromoteOverflowing() {
  const size_t target = std::max<size_t>(RingTarget(), 1);
  for (int i = 0; i < 2 && ring_.size() >= target; ++i) {
    const Location chunk = AtReference(ring_.PopFront());
    if (chunk == 0) continue;
    EndProbation(chunk);
  }
}

// What a reference that has left the ring referred to: an item, unless the chunk is free, or
// continues another chunk's value.
void SlabClass::EndProbation(Location chunk) {
  Item* item = arena_->ItemAt(chunk);
  const ItemState state = item->state();
  if (state != ItemState::kLinked && state != ItemState::kReserved) return;
  item->TryEndProbation();
  ++counts_.promoted;
}

Location SlabClass::NextVictim(Tick now) {
  if (page_count_ == 0) return 0;
  const size_t target = RingTarget();
  Location victim = ring_.size() > 0 && ring_.size() >= target ? NextOnProbation() : 0;
  if (victim == 0) victim = NextProtected(now);
  if (victim == 0) victim = NextOnProbation();
  return victim;
}

Location SlabClass::NextOnProbation() {
  for (size_t left = std::min(ring_.size(), kRingStepsMax); left > 0; --left) {
    if (const uint32_t soon = ring_.PeekAhead(kPrefetchAhead); soon != 0) {
      if (const Location chunk = AtReference(soon); chunk != 0) {
        __builtin_prefetch(arena_->ItemAt(chunk));
      }
    }
    ++looked_at_;
    const Location chunk = AtReference(ring_.PopFront());
    if (chunk == 0) continue;
    const Item* item = arena_->ItemAt(chunk);
    if (item->state() == ItemState::kLinked && item->on_probation() && !IsPinned(*item) &&
        !(*records_)[arena_->PageOf(chunk)].emptying) {
      return chunk;
    }
    // Read since it came, or being read; or still being filled, or about to leave its page: then it
    // has no entry any more, and is protected.
    EndProbation(chunk);
  }
  return 0;
}

// The next chunk in address order that a page has cut; 0 at the end of a page, so that a round over
// empty pages ends.
Location SlabClass::StepHand() {
  ++looked_at_;
  if (hand_slot_ >= pages_.size()) hand_slot_ = 0;
  const uint32_t page = pages_[hand_slot_];
  if (page == 0 || (*records_)[page].emptying || hand_chunk_ >= (*records_)[page].cut) {
    ++hand_slot_;
    hand_chunk_ = 0;
    return 0;
  }
  return ChunkAt(page, hand_chunk_++);
}

Location SlabClass::NextProtected(Tick now) {
  Location least_used = 0;
  uint32_t least = kFrequencyMax + 1;
  int aged = 0;
  for (int step = 0; step < kHandStepsMax && aged < kHandAgedMax; ++step) {
    const Location chunk = StepHand();
    if (chunk == 0) continue;
    Item* item = arena_->ItemAt(chunk);
    const ItemState state = item->state();
    if (state == ItemState::kPart) {
      // As hot as its owner, which is evicted with it.
      item = arena_->ItemAt(arena_->PartAt(chunk)->owner());
      if (item->state() != ItemState::kLinked) continue;
    } else if (state != ItemState::kLinked || item->on_probation()) {
      continue;
    }
    if (IsPinned(*item)) continue;
    if (item->frequency() == 0 || HasPassed(item->expire(), now)) return chunk;
    if (item->frequency() < least) {
      least = item->frequency();
      least_used = chunk;
    }
    item->TryAge();
    ++aged;
  }
  return least_used;
}

void SlabClass::CountGhost(Segment left) {
  if (left == Segment::kProbation) ++counts_.evicted_on_probation;
  share_.CountEviction(left, total_chunks());
}

bool SlabClass::CountGhostHit(Segment left) {
  ++counts_.ghost_hits;
  if (left == Segment::kProbation) ++counts_.ghost_hits_on_probation;
  const double percent = share_.PercentAfterHit(left, total_chunks());
  if (RingBlocksFor(total_chunks(), percent) > ring_.blocks()) return false;
  share_.MoveTo(percent);
  return true;
}

ClassAges SlabClass::Ages(Tick now) const {
  ClassAges ages;
  std::array<uint32_t, kAgesSampled> oldest;
  size_t size = 0;
  ring_.ForOldest(kAgesSampled, [&](uint32_t reference) { oldest[size++] = reference; });
  for (size_t i = 0; i < size; ++i) {
    const Location chunk = AtReference(oldest[i]);
    if (chunk == 0) continue;
    const Item* item = arena_->ItemAt(chunk);
    if (item->state() != ItemState::kLinked || !item->on_probation()) continue;
    ages.probation_seconds = std::max(ages.probation_seconds, item->IdleSeconds(now));
  }
  // A chunk or the end of a page a step, as the hand goes.
  uint32_t number = hand_chunk_;
  size_t slot = hand_slot_;
  for (size_t step = 0; step < kAgesSampled && !pages_.empty(); ++step) {
    if (slot >= pages_.size()) slot = 0;
    const uint32_t page = pages_[slot];
    if (page == 0 || number >= (*records_)[page].cut) {
      ++slot;
      number = 0;
      continue;
    }
    const Item* item = arena_->ItemAt(ChunkAt(page, number++));
    if (item->state() != ItemState::kLinked || item->on_probation()) continue;
    ages.protected_seconds = std::max(ages.protected_seconds.value_or(0), item->IdleSeconds(now));
  }
  return ages;
}

void SlabClass::Spare(Location chunk) {
  const Item* item = arena_->ItemAt(chunk);
  if (item->state() == ItemState::kLinked && item->on_probation()) PutOnRing(chunk);
}

void SlabClass::Reuse(Location chunk, bool probation) {
  Item* item = arena_->ItemAt(chunk);
  PoisonMemory(item, geometry_.chunk_bytes);
  UnpoisonMemory(item, Item::kHeaderBytes);
  HandOut(chunk, probation);
}

void SlabClass::StartEmptying(uint32_t page) {
  PageRecord& record = (*records_)[page];
  record.emptying = true;
  if (record.with_room) UnlistRoom(page);
}

void SlabClass::StopEmptying(uint32_t page) {
  PageRecord& record = (*records_)[page];
  record.emptying = false;
  if (record.free_head != 0 || record.cut < geometry_.chunks_per_page) ListRoom(page);
}

uint32_t SlabClass::PageToEmpty(uint32_t* looked) {
  uint32_t emptiest = 0;
  uint32_t pages = 0;
  uint32_t chunks = 0;
  for (; *looked < pages_.size() && pages < kPagesLookedAtMax && chunks < kChunksLookedAtMax;
       ++*looked, ++pages) {
    if (emptying_slot_ >= pages_.size()) emptying_slot_ = 0;
    const uint32_t page = pages_[emptying_slot_++];
    if (page == 0 || (*records_)[page].emptying) continue;
    if (emptiest != 0 && (*records_)[page].used >= (*records_)[emptiest].used) continue;
    if (MayHoldUp()) chunks += (*records_)[page].cut;
    if (!IsHeldUp(page)) emptiest = page;
  }
  return emptiest;
}

// Only large values are pinned, or received bit by bit, so only pages of few chunks are looked at.
bool SlabClass::IsHeldUp(uint32_t page) const {
  if (!MayHoldUp()) return false;
  for (uint32_t number = 0; number < (*records_)[page].cut; ++number) {
    const Location chunk = ChunkAt(page, number);
    const Item* item = arena_->ItemAt(chunk);
    if (item->state() == ItemState::kPart) item = arena_->ItemAt(arena_->PartAt(chunk)->owner());
    if (item->state() == ItemState::kReserved) return true;
    if (item->state() == ItemState::kLinked && IsPinned(*item)) return true;
  }
  return false;
}

}  // namespace larder
