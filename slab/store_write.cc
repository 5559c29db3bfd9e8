#include <algorithm>
#include <cstring>
#include <optional>

#include "slab/assert.h"
#include "slab/poison.h"
#include "slab/store.h"

// Everything that changes an item.
//
// A small value that fits into the chunk that the key's item has is written over it, under the
// bucket's lock: nothing is allocated, linked or freed. Everything else is written beside it,
// without a lock, into a chunk of its own, and then linked in the old one's place; what the
// operation demands of the old item is judged once before, so that nothing is evicted for a store
// that is refused anyway, and again when it is linked.

namespace larder {
namespace {

uint32_t MarksOf(bool binary_key, uint64_t chosen_cas) {
  return (binary_key ? kMarkBinaryKey : 0) | (chosen_cas != 0 ? kMarkChosenCas : 0);
}

}  // namespace

// As memcached's do_store_item has it.
Store::Verdict Store::JudgeOld(const WriteOptions& options, const Item* old, int old_class) {
  Verdict verdict{.class_id = static_cast<uint8_t>(old_class)};
  const bool matches =
      old != nullptr && options.compare_cas != 0 && old->cas() == options.compare_cas;
  switch (options.mode) {
    case WriteMode::kSet:
    case WriteMode::kReplace:
      if (options.compare) {
        if (old == nullptr) {
          verdict.status = WriteStatus::kNotFound;
        } else if (!matches) {
          verdict.stale =
              options.invalidate && options.compare_cas != 0 && options.compare_cas < old->cas();
          if (!verdict.stale) verdict.status = WriteStatus::kExists;
        }
      } else if (old == nullptr && options.mode == WriteMode::kReplace) {
        verdict.status = WriteStatus::kNotStored;
      }
      break;
    case WriteMode::kAdd:
      if (old != nullptr) verdict.status = WriteStatus::kNotStored;
      break;
    case WriteMode::kAppend:
    case WriteMode::kPrepend:
      if (old == nullptr) {
        if (!options.create) verdict.status = WriteStatus::kNotStored;
      } else if (options.compare && options.compare_cas != 0 && !matches) {
        verdict.status = WriteStatus::kExists;
      }
      break;
  }
  return verdict;
}

WriteOutcome Store::Write(Lane& lane, const Key& key, std::string_view value,
                          const WriteOptions& options, Tick now) {
  NoticeFlush(now);
  const bool extends = options.mode == WriteMode::kAppend || options.mode == WriteMode::kPrepend;
  Location dead = 0;
  std::optional<WriteOutcome> outcome;
  {
    Index::LockedBucket bucket = index_.Lock(key.hash);
    const Index::Slot slot = FindLive(lane, &bucket, key, now, &dead);
    const Location location = slot ? bucket.At(slot) : 0;
    Item* old = slot ? arena_.ItemAt(location) : nullptr;
    const int class_id = slot ? slabs_->ClassOf(location) : 0;
    const Verdict verdict = Judge(options, old, class_id);
    if (old == nullptr) index_.PrefetchGhosts(key.hash);  // for Link
    if (verdict.status != WriteStatus::kStored) [[unlikely]] {
      outcome = WriteOutcome{.status = verdict.status, .class_id = verdict.class_id};
    } else if (old != nullptr && !verdict.stale &&
               (extends ? ExtendInPlace(lane, old, class_id, value, options, now)
                        : OverwriteInPlace(lane, old, class_id, value, options, now))) {
      if (!extends && options.expire != kNeverExpires) {
        slabs_->RecordOf(location).LowerEarliestExpire(options.expire);
      }
      outcome = WriteOutcome{.status = WriteStatus::kStored,
                             .class_id = static_cast<uint8_t>(class_id),
                             .value_bytes = old->value_bytes(),
                             .cas = old->cas()};
    }
  }
  FreeItem(dead);
  if (outcome) return *outcome;
  if (extends) {
    return Combine(lane, key, ValuePieces(&arena_, value, 0), value.size(), options, now);
  }
  Reservation reservation;
  const WriteStatus reserved = Reserve(lane, key,
                                       {.value_bytes = value.size(),
                                        .client_flags = options.client_flags,
                                        .expire = options.expire,
                                        .binary_key = options.binary_key,
                                        .chosen_cas = options.chosen_cas},
                                       now, &reservation);
  if (reserved != WriteStatus::kStored) return {.status = reserved};
  FillFrom(ValuePieces(&arena_, value, 0), &reservation);
  return Commit(std::move(reservation), options, now);
}

// Under the bucket's lock. The class must be the one that a new item would have, or a value that
// shrank would keep a chunk far too large.
bool Store::OverwriteInPlace(Lane& lane, Item* item, int class_id, std::string_view value,
                             const WriteOptions& options, Tick now) {
  const Item::Shape shape{.key_bytes = item->key_bytes(),
                          .value_bytes = static_cast<uint32_t>(value.size()),
                          .client_flags = options.client_flags,
                          .marks = MarksOf(options.binary_key, options.chosen_cas)};
  if (value.size() > kSmallValueBytesMax || item->large() ||
      (options.client_flags != 0) != item->has_client_flags() ||
      !options_.item_limit.Fits(shape.key_bytes, value.size(), options.client_flags) ||
      slabs_->sizes().ClassFor(static_cast<uint32_t>(shape.TotalBytes())) != class_id) {
    return false;
  }
  ResizeSmall(lane, item, class_id, shape.value_bytes, shape.marks, options.chosen_cas);
  item->MarkWritten(now);
  lane.items_stored.Add(1);
  if (options.client_flags != 0) item->SetClientFlags(options.client_flags);
  item->SetExpire(options.expire);
  value.copy(item->value(), value.size());
  return true;
}

// A mark of the old value's does not outlive it.
bool Store::ExtendInPlace(Lane& lane, Item* item, int class_id, std::string_view value,
                          const WriteOptions& options, Tick now) {
  const uint64_t value_bytes = uint64_t{item->value_bytes()} + value.size();
  if (item->large() || value_bytes > kSmallValueBytesMax ||
      !options_.item_limit.Fits(item->key_bytes(), value_bytes, item->client_flags()) ||
      !FitsInPlace(*item, class_id, value_bytes, options.chosen_cas)) {
    return false;
  }
  const uint32_t old_bytes = item->value_bytes();
  ResizeSmall(lane, item, class_id, static_cast<uint32_t>(value_bytes),
              MarksOf(/*binary_key=*/false, options.chosen_cas), options.chosen_cas);
  item->MarkWritten(now);
  lane.items_stored.Add(1);
  char* start = item->value();
  if (options.mode == WriteMode::kAppend) {
    value.copy(start + old_bytes, value.size());
  } else {
    std::memmove(start + value.size(), start, old_bytes);
    value.copy(start, value.size());
  }
  return true;
}

bool Store::FitsInPlace(const Item& item, int class_id, uint64_t value_bytes,
                        uint64_t chosen_cas) const {
  return item.PrefixBytes() + value_bytes + (chosen_cas != 0 ? sizeof(chosen_cas) : 0) <=
         slabs_->sizes().ChunkBytes(class_id);
}

// The item is about to get a value of this length, in its own chunk, and with it a new order and
// other marks. A chosen CAS is behind the new value at once; the value may be moved up to there.
void Store::ResizeSmall(Lane& lane, Item* item, int class_id, uint32_t value_bytes, uint32_t marks,
                        uint64_t chosen_cas) {
  const uint32_t old_bytes = item->SmallBytes();
  lane.CountSize(item->TotalBytes(), -1);
  item->SetSmallShape(value_bytes, marks, NextOrder());
  lane.CountSize(item->TotalBytes(), 1);
  const uint32_t new_bytes = item->SmallBytes();
  lane.item_bytes[static_cast<size_t>(class_id)].Add(int64_t{new_bytes} - old_bytes);
  if constexpr (kPoisons) {
    PoisonMemory(item->value(), slabs_->sizes().ChunkBytes(class_id) - item->PrefixBytes());
    UnpoisonMemory(item->value(), new_bytes);
  }
  if (chosen_cas != 0) item->SetChosenCas(chosen_cas);
}

WriteStatus Store::Reserve(Lane& lane, const Key& key, const ReserveOptions& options, Tick now,
                           Reservation* reservation) {
  if (!options_.item_limit.Fits(key.bytes.size(), options.value_bytes, options.client_flags)) {
    return WriteStatus::kTooLarge;
  }
  const WriteStatus status = ReserveItem(lane, key,
                                         {.key_bytes = static_cast<uint32_t>(key.bytes.size()),
                                          .value_bytes = static_cast<uint32_t>(options.value_bytes),
                                          .client_flags = options.client_flags,
                                          .marks = MarksOf(options.binary_key, options.chosen_cas)},
                                         options.expire, now, reservation);
  if (status == WriteStatus::kStored && options.chosen_cas != 0) {
    reservation->item_->SetChosenCas(options.chosen_cas);
  }
  return status;
}

WriteStatus Store::ReserveItem(Lane& lane, const Key& key, const Item::Shape& shape,
                               uint32_t expire, Tick now, Reservation* reservation) {
  const auto chunk_bytes = static_cast<uint32_t>(
      std::min<uint64_t>(shape.TotalBytes(), slabs_->sizes().chunk_bytes_max()));
  const Location chunk = Allocate(lane, ClassFor(shape), /*probation=*/true, now);
  if (chunk == 0) return WriteStatus::kNoMemory;
  Item* item = arena_.ItemAt(chunk);
  UnpoisonMemory(item, chunk_bytes);
  item->Fill(shape, key.bytes, expire, now);

  reservation->Reset();
  reservation->store_ = this;
  reservation->lane_ = &lane;
  reservation->item_ = item;
  reservation->hash_ = key.hash;
  if (chunk_bytes < shape.TotalBytes() && !ReserveParts(lane, item, now)) {
    reservation->Reset();
    return WriteStatus::kNoMemory;
  }
  reservation->missing_bytes_ = shape.value_bytes;
  reservation->room_ = {item->value(), shape.value_bytes};
  reservation->next_part_ = 0;
  if (shape.large()) {
    const ItemExtension& extension = item->extension();
    reservation->room_ = {item->value(), extension.value_bytes_here};
    reservation->next_part_ = extension.next_part();
  }
  return WriteStatus::kStored;
}

// The chain is whole at every step, so that freeing the item frees what there is of it.
bool Store::ReserveParts(Lane& lane, Item* head, Tick now) {
  const SizeClasses& sizes = slabs_->sizes();
  ItemExtension& extension = head->extension();
  extension.value_bytes_here = sizes.chunk_bytes_max() - head->PrefixBytes();
  const Location owner = arena_.LocationOf(head);
  ItemPart* last = nullptr;
  for (uint32_t missing = extension.value_bytes - extension.value_bytes_here; missing > 0;) {
    const auto chunk_bytes = static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t{missing} + ItemPart::kHeaderBytes, sizes.chunk_bytes_max()));
    const Location chunk = Allocate(lane, sizes.ClassFor(chunk_bytes), /*probation=*/false, now);
    if (chunk == 0) return false;
    ItemPart* part = arena_.PartAt(chunk);
    UnpoisonMemory(part, chunk_bytes);
    const auto value_bytes = static_cast<uint32_t>(chunk_bytes - ItemPart::kHeaderBytes);
    part->Init(owner, value_bytes);
    missing -= value_bytes;
    if (last == nullptr) {
      extension.SetNextPart(chunk);
    } else {
      last->SetNext(chunk);
    }
    last = part;
  }
  return true;
}

void Store::FillFrom(ValuePieces pieces, Reservation* reservation) {
  for (std::string_view piece = pieces.Next(); !piece.empty(); piece = pieces.Next()) {
    while (!piece.empty()) {
      const std::span<char> room = reservation->Room();
      const size_t bytes = std::min(piece.size(), room.size());
      std::memcpy(room.data(), piece.data(), bytes);
      reservation->Filled(bytes);
      piece.remove_prefix(bytes);
    }
  }
}

WriteOutcome Store::Link(Reservation&& reservation, Tick now,
                         absl::FunctionRef<Verdict(const Item* old, int old_class)> accept,
                         absl::FunctionRef<void(Item* item)> linked) {
  LARDER_CHECK(reservation.missing_bytes() == 0);
  Lane& lane = *reservation.lane_;
  Item* item = reservation.item_;
  const Location location = arena_.LocationOf(item);
  const Key key{item->key(), reservation.hash_};
  const int class_id = slabs_->ClassOf(location);
  while (true) {
    Location dead = 0;
    Location replaced = 0;
    std::optional<WriteOutcome> outcome;
    std::optional<Segment> ghost;
    {
      Index::LockedBucket bucket = index_.Lock(key.hash);
      const Index::Slot slot = FindLive(lane, &bucket, key, now, &dead);
      const Location old_location = slot ? bucket.At(slot) : 0;
      Item* old = slot ? arena_.ItemAt(old_location) : nullptr;
      const Verdict verdict = accept(old, slot ? slabs_->ClassOf(old_location) : 0);
      if (verdict.status != WriteStatus::kStored) {
        outcome = WriteOutcome{.status = verdict.status, .class_id = verdict.class_id};
      } else if (slot || bucket.Insert(key.hash, location)) {
        if (verdict.stale) [[unlikely]] {
          item->SetExpire(old->expire());
          item->SetMarks(kMarkStale | (old->marks() & kMarkWinSent), 0);
        }
        if (slot) {
          CountLinked(lane, *old, slabs_->ClassOf(old_location), -1);
          old->SetState(ItemState::kReserved);
          if (!old->large() || old->extension().pins == 0) replaced = old_location;
          bucket.Replace(slot, location);
        } else if ((ghost = bucket.TakeGhost(key.hash))) {
          // What had been protected went too early: it has a second chance from the start.
          if (item->on_probation()) item->Protect(*ghost == Segment::kProtected ? 1 : 0);
        }
        MarkLinked(lane, item, class_id);
        reservation.store_ = nullptr;
        outcome = WriteOutcome{.status = WriteStatus::kStored,
                               .class_id = static_cast<uint8_t>(class_id),
                               .value_bytes = item->value_bytes(),
                               .cas = item->cas()};
        linked(item);
        if (item->expire() != kNeverExpires) {
          slabs_->RecordOf(location).LowerEarliestExpire(item->expire());
        }
      }
    }
    FreeItem(dead);
    FreeItem(replaced);
    if (ghost) slabs_->CountGhostHit(class_id, *ghost);
    if (outcome) {
      reservation.Reset();
      return *outcome;
    }
    if (!OpenOverflow()) {
      reservation.Reset();
      return {.status = WriteStatus::kNoMemory};
    }
  }
}

WriteOutcome Store::Commit(Reservation&& reservation, const WriteOptions& options, Tick now) {
  NoticeFlush(now);
  Reservation filled = std::move(reservation);
  if (options.mode == WriteMode::kAppend || options.mode == WriteMode::kPrepend) {
    const Item* item = filled.item_;
    ValuePieces pieces(&arena_, {item->value(), item->value_bytes()}, 0);
    if (item->large()) {
      const ItemExtension& extension = item->extension();
      pieces =
          ValuePieces(&arena_, {item->value(), extension.value_bytes_here}, extension.next_part());
    }
    return Combine(*filled.lane_, {item->key(), filled.hash_}, pieces, item->value_bytes(), options,
                   now);
  }
  return Link(std::move(filled), now,
              [&](const Item* old, int old_class) { return Judge(options, old, old_class); });
}

// Under the bucket's lock. Copies what is small and pins what is large.
void Store::TakeSnapshot(Item* item, uint64_t hash, Snapshot* snapshot) {
  snapshot->order = item->order();
  snapshot->cas = item->cas();
  snapshot->client_flags = item->client_flags();
  snapshot->expire = item->expire();
  snapshot->marks = item->marks();
  snapshot->value_bytes = item->value_bytes();
  if (item->large()) {
    snapshot->pin = ItemView(this, item, hash).Pin();
  } else {
    snapshot->small.assign(item->value(), item->value_bytes());
  }
}

Store::Verdict Store::SameAs(const Snapshot& snapshot, const Item* old, int old_class) const {
  const bool same = (old != nullptr ? old->order() : 0) == snapshot.order;
  return {.status = same ? WriteStatus::kStored : WriteStatus::kExists,
          .class_id = static_cast<uint8_t>(old_class)};
}

WriteOutcome Store::Relink(Lane& lane, const Key& key, const Snapshot& snapshot,
                           const Change& change, Tick now) {
  Reservation reservation;
  const WriteStatus reserved = Reserve(lane, key,
                                       {.value_bytes = change.value.size(),
                                        .client_flags = change.client_flags,
                                        .expire = change.expire,
                                        .chosen_cas = change.chosen_cas},
                                       now, &reservation);
  if (reserved != WriteStatus::kStored) return {.status = reserved};
  FillFrom(ValuePieces(&arena_, change.value, 0), &reservation);
  Item* item = reservation.item_;
  item->SetMarks(change.marks & ~kMarkChosenCas, 0);
  return Link(std::move(reservation), now, [&](const Item* old, int old_class) {
    const Verdict verdict = SameAs(snapshot, old, old_class);
    if (change.keep_usage && verdict.status == WriteStatus::kStored) item->CopyUsage(*old);
    return verdict;
  });
}

// Append and prepend where the result needs another chunk: writes old and added value side by side
// and links the result if the old item is still the same; else begins again.
WriteOutcome Store::Combine(Lane& lane, const Key& key, ValuePieces added, uint64_t added_bytes,
                            const WriteOptions& options, Tick now) {
  while (true) {
    Snapshot snapshot{.client_flags = options.client_flags, .expire = options.expire};
    Verdict verdict;
    Location dead = 0;
    {
      Index::LockedBucket bucket = index_.Lock(key.hash);
      const Index::Slot slot = FindLive(lane, &bucket, key, now, &dead);
      const Location location = slot ? bucket.At(slot) : 0;
      Item* old = slot ? arena_.ItemAt(location) : nullptr;
      verdict = Judge(options, old, slot ? slabs_->ClassOf(location) : 0);
      if (verdict.status == WriteStatus::kStored && old != nullptr) {
        TakeSnapshot(old, key.hash, &snapshot);
      }
    }
    FreeItem(dead);
    if (verdict.status != WriteStatus::kStored) {
      return {.status = verdict.status, .class_id = verdict.class_id};
    }
    Reservation reservation;
    const WriteStatus reserved = Reserve(lane, key,
                                         {.value_bytes = snapshot.value_bytes + added_bytes,
                                          .client_flags = snapshot.client_flags,
                                          .expire = snapshot.expire,
                                          .binary_key = options.binary_key && snapshot.order == 0,
                                          .chosen_cas = options.chosen_cas},
                                         now, &reservation);
    if (reserved != WriteStatus::kStored) return {.status = reserved};
    const ValuePieces old_pieces =
        snapshot.pin ? snapshot.pin.Pieces() : ValuePieces(&arena_, snapshot.small, 0);
    const bool append = options.mode == WriteMode::kAppend;
    FillFrom(append ? old_pieces : added, &reservation);
    FillFrom(append ? added : old_pieces, &reservation);
    const WriteOutcome outcome =
        Link(std::move(reservation), now,
             [&](const Item* old, int old_class) { return SameAs(snapshot, old, old_class); });
    if (outcome.status != WriteStatus::kExists) return outcome;
  }
}

}  // namespace larder
