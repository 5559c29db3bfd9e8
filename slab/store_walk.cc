#include "slab/store.h"

// Going over everything while the store is in use, for dumps. The walk follows the index and not
// the pages: an item that is written anew or moved changes its page, but never its hash, and so
// cannot slip past.

namespace larder {

bool Store::Walk(WalkCursor* cursor, size_t steps, Tick now,
                 absl::FunctionRef<void(const ItemView&)> visit) {
  NoticeFlush(now);
  size_t taken = 0;
  do {
    ++taken;  // an empty bucket is looked at too
    cursor->position = index_.WalkBucket(
        cursor->position, [&](Location location) { __builtin_prefetch(arena_.ItemAt(location)); },
        [&](Location location) {
          ++taken;
          if (cursor->class_id != 0 && slabs_->ClassOf(location) != cursor->class_id) return;
          Item* item = arena_.ItemAt(location);
          if (!IsDead(*item, now)) visit(ItemView(this, item, index_.Hash(item->key())));
        });
  } while (cursor->position != 0 && taken < steps);
  return cursor->position != 0;
}

}  // namespace larder
