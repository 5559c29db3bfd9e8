#include <utility>

#include "slab/store.h"

// Deleting, and what meta deletes ask for instead: an item that stays, but as stale, so that one
// client recaches it while the others still have something; or one that stays without its value.

namespace larder {
namespace {

bool Matches(const DeleteOptions& options, const Item& item) {
  return !options.compare || item.cas() == options.compare_cas;
}

}  // namespace

DeleteOutcome Store::Delete(Lane& lane, const Key& key, const DeleteOptions& options, Tick now) {
  NoticeFlush(now);
  DeleteOutcome outcome;
  Location gone = 0;
  bool done = true;
  {
    Index::LockedBucket bucket = index_.Lock(key.hash);
    const Index::Slot slot = FindLive(lane, &bucket, key, now, &gone);
    if (slot) {
      const Location location = bucket.At(slot);
      outcome.class_id = static_cast<uint8_t>(slabs_->ClassOf(location));
      if (!Matches(options, *arena_.ItemAt(location))) {
        outcome.status = DeleteStatus::kExists;
      } else {
        outcome.status = DeleteStatus::kDeleted;
        if (options.remove_value) {
          done = false;
        } else if (options.invalidate) {
          done = InvalidateInPlace(lane, location, options);
        } else {
          gone = Unlink(lane, &bucket, slot);
        }
      }
    }
  }
  FreeItem(gone);
  if (done) return outcome;
  return options.remove_value ? RemoveValue(lane, key, options, now)
                              : InvalidateElsewhere(lane, key, options, now);
}

// Under the bucket's lock. False if the chunk has no room for the CAS chosen.
bool Store::InvalidateInPlace(Lane& lane, Location location, const DeleteOptions& options) {
  Item* item = arena_.ItemAt(location);
  const int class_id = slabs_->ClassOf(location);
  const uint32_t marks = kMarkStale | (item->marks() & kMarkBinaryKey) |
                         (options.chosen_cas != 0 ? kMarkChosenCas : 0);
  if (item->large()) {
    item->SetMarks(marks, kMarks);
    if (options.chosen_cas != 0) item->SetChosenCas(options.chosen_cas);
    item->SetLinked(NextOrder());
  } else {
    if (!FitsInPlace(*item, class_id, item->value_bytes(), options.chosen_cas)) return false;
    ResizeSmall(lane, item, class_id, item->value_bytes(), marks, options.chosen_cas);
  }
  if (options.touch) SetExpire(location, item, options.expire);
  return true;
}

DeleteOutcome Store::InvalidateElsewhere(Lane& lane, const Key& key, const DeleteOptions& options,
                                         Tick now) {
  while (true) {
    DeleteOutcome outcome;
    Snapshot snapshot;
    Location dead = 0;
    {
      Index::LockedBucket bucket = index_.Lock(key.hash);
      const Index::Slot slot = FindLive(lane, &bucket, key, now, &dead);
      if (slot) {
        const Location location = bucket.At(slot);
        Item* item = arena_.ItemAt(location);
        outcome.class_id = static_cast<uint8_t>(slabs_->ClassOf(location));
        if (!Matches(options, *item)) {
          outcome.status = DeleteStatus::kExists;
        } else {
          outcome.status = DeleteStatus::kDeleted;
          if (!InvalidateInPlace(lane, location, options)) {
            TakeSnapshot(item, key.hash, &snapshot);
          }
        }
      }
    }
    FreeItem(dead);
    if (snapshot.order == 0) return outcome;
    const Change change = {.value = snapshot.small,
                           .expire = options.touch ? options.expire : snapshot.expire,
                           .marks = kMarkStale | (snapshot.marks & kMarkBinaryKey),
                           .chosen_cas = options.chosen_cas,
                           .keep_usage = true};
    const WriteOutcome linked = Relink(lane, key, snapshot, change, now);
    if (linked.status == WriteStatus::kExists) continue;
    if (linked.status != WriteStatus::kStored) outcome.status = DeleteStatus::kNoMemory;
    return outcome;
  }
}

DeleteOutcome Store::RemoveValue(Lane& lane, const Key& key, const DeleteOptions& options,
                                 Tick now) {
  // The old item's CAS is filled in when it is known for good.
  const bool keep_cas = options.chosen_cas == 0 && !options.invalidate;
  Reservation reservation;
  const ReserveOptions empty = {.client_flags = options.client_flags,
                                .expire = options.touch ? options.expire : kNeverExpires,
                                .chosen_cas = keep_cas ? 1 : options.chosen_cas};
  if (Reserve(lane, key, empty, now, &reservation) != WriteStatus::kStored) {
    return {.status = DeleteStatus::kNoMemory};
  }
  Item* item = reservation.item_;
  if (options.invalidate) item->SetMarks(kMarkStale, 0);
  DeleteOutcome outcome;
  const WriteOutcome linked =
      Link(std::move(reservation), now, [&](const Item* old, int old_class) -> Verdict {
        if (old == nullptr) return {.status = WriteStatus::kNotFound};
        outcome.class_id = static_cast<uint8_t>(old_class);
        if (!Matches(options, *old)) return {.status = WriteStatus::kExists};
        if (keep_cas) item->SetChosenCas(old->cas());
        return {};
      });
  if (linked.status == WriteStatus::kStored) outcome.status = DeleteStatus::kDeleted;
  if (linked.status == WriteStatus::kExists) outcome.status = DeleteStatus::kExists;
  if (linked.status == WriteStatus::kNoMemory) outcome.status = DeleteStatus::kNoMemory;
  return outcome;
}

}  // namespace larder
