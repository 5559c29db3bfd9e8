#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "slab/assert.h"
#include "slab/store.h"

// What always holds, checked by walking everything: for tests and fuzzers.

namespace larder {

void Store::CheckInvariants() {
  // The index refers to linked items, each once, under the hash of its key.
  std::unordered_set<Location> linked;
  for (uint64_t bucket = 0; bucket < index_.buckets(); ++bucket) {
    index_.CheckBucket(bucket);
    index_.ForEachInBucket(bucket, [&](Location location) {
      const Item* item = arena_.ItemAt(location);
      LARDER_CHECK(item->state() == ItemState::kLinked);
      LARDER_CHECK(linked.insert(location).second);
      LARDER_CHECK(index_.BucketOfHash(index_.Hash(item->key())) == bucket);
    });
  }

  StoreStats counted;
  uint64_t pages = 0;
  uint64_t found = 0;
  for (int id = 1; id <= slabs_->sizes().count(); ++id) {
    CheckClass(id, linked, &found, &counted);
  }
  LARDER_CHECK(found == linked.size());

  const StoreStats stats = Stats();
  LARDER_CHECK(stats.items == linked.size());
  LARDER_CHECK(stats.item_bytes == counted.item_bytes);
  for (const ClassStats& of_class : stats.classes) pages += of_class.pages;
  LARDER_CHECK(pages == stats.pages);
  // Every bucket has its record of ghosts, and all of it is paid for.
  LARDER_CHECK(stats.ghost_bytes >=
               stats.index_buckets * GhostTable::kGhostsPerBucket * sizeof(uint16_t));
  LARDER_CHECK(stats.memory_bytes >=
               stats.pages * stats.page_bytes + stats.index_bytes + stats.ghost_bytes);
  // Pages alone never pass the limit, unless it was lowered just now; index and rings may, by a
  // step, until pages come back.
  LARDER_CHECK(shrinking_.load() || stats.pages * stats.page_bytes <= stats.memory_limit_bytes);
}

// Every linked item of the class is in the index; on probation, it is in the ring. The parts of a
// chain belong to their owner, in its order, and hold the value's bytes.
void Store::CheckClass(int class_id, const std::unordered_set<Location>& linked, uint64_t* found,
                       StoreStats* counted) {
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  std::unordered_set<Location> on_ring;
  slab_class.ForEachOnRing([&](Location chunk) { on_ring.insert(chunk); });
  slab_class.Check([&](Location chunk) {
    const Item* item = arena_.ItemAt(chunk);
    if (item->state() != ItemState::kLinked) return;
    ++*found;
    LARDER_CHECK(linked.contains(chunk));
    LARDER_CHECK(!item->on_probation() || on_ring.contains(chunk));
    const uint32_t earliest =
        slabs_->RecordOf(chunk).earliest_expire.load(std::memory_order_relaxed);
    // The page that the sweeper has not finished is being found out about.
    const bool known = !sweep_.running || sweep_.page != arena_.PageOf(chunk);
    LARDER_CHECK(!known || item->expire() == kNeverExpires ||
                 (earliest != kNeverExpires && earliest <= item->expire()));
    counted->item_bytes += item->TotalBytes();
    if (!item->large()) {
      LARDER_CHECK(item->TotalBytes() <= slab_class.geometry().chunk_bytes);
      return;
    }
    const ItemExtension& extension = item->extension();
    uint64_t value_bytes = extension.value_bytes_here;
    for (Location at = extension.next_part(); at != 0; at = arena_.PartAt(at)->next()) {
      LARDER_CHECK(arena_.ItemAt(at)->state() == ItemState::kPart);
      LARDER_CHECK(arena_.PartAt(at)->owner() == chunk);
      value_bytes += arena_.PartAt(at)->value_bytes_here();
    }
    LARDER_CHECK(value_bytes == extension.value_bytes);
  });
}

}  // namespace larder
