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
  if (options.invalidate || options.remove_value) [[unlikely]]
    return DeleteInPart(lane, key, options, now);
  DeleteOutcome outcome;
  Location gone = 0;
  {
    Index::LockedBucket bucket = index_.Lock(key.hash);
    const Index::Slot slot = FindLive(lane, &bucket, key, now, &gone);
    if (slot) {
      const Location location = bucket.At(slot);
      outcome.class_id = static_cast<uint8_t>(slabs_->ClassOf(location));
      outcome.status = DeleteStatus::kExists;
      if (Matches(options, *arena_.ItemAt(location))) {
        outcome.status = DeleteStatus::kDeleted;
        gone = Unlink(lane, &bucket, slot);
      }
    }
  }
  FreeItem(gone);
  return outcome;
}

// What is left of the item is in its place, or, where it needs another chunk, is made beside it and
// linked if the item is still the same; else it begins again.
DeleteOutcome Store::DeleteInPart(Lane& lane, const Key& key, const DeleteOptions& options,
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
          if (options.remove_value) {
            snapshot.order = item->order();
            snapshot.cas = item->cas();
          } else if (!InvalidateInPlace(lane, location, options)) {
            TakeSnapshot(item, key.hash, &snapshot);
          }
        }
      }
    }
    FreeItem(dead);
    if (snapshot.order == 0) return outcome;
    const WriteOutcome linked = Relink(lane, key, snapshot, LeftOf(options, snapshot), now);
    if (linked.status == WriteStatus::kExists) continue;
    if (linked.status != WriteStatus::kStored) outcome.status = DeleteStatus::kNoMemory;
    return outcome;
  }
}

Store::Change Store::LeftOf(const DeleteOptions& options, const Snapshot& snapshot) {
  const uint32_t stale = options.invalidate ? kMarkStale : 0;
  if (!options.remove_value) {
    return {.value = snapshot.small,
            .client_flags = snapshot.client_flags,
            .expire = options.touch ? options.expire : snapshot.expire,
            .marks = stale | (snapshot.marks & kMarkBinaryKey),
            .chosen_cas = options.chosen_cas,
            .keep_usage = true};
  }
  const bool keep_cas = options.chosen_cas == 0 && !options.invalidate;
  return {.value = {},
          .client_flags = options.client_flags,
          .expire = options.touch ? options.expire : kNeverExpires,
          .marks = stale,
          .chosen_cas = keep_cas ? snapshot.cas : options.chosen_cas};
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

}  // namespace larder
