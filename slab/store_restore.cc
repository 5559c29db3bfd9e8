#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "slab/assert.h"
#include "slab/poison.h"
#include "slab/store.h"

// A store that goes on where another one stopped (-e).
//
// The pages lie in a file that both have mapped, so all items are there already, with their
// expiry, tokens, marks and chains: a location means the same wherever the file is mapped. What is
// not in the pages is saved beside them: which class has which page and how far it was cut, the
// count of mutations, and the flush. The rest is found by going over the pages twice:
//   - once to put every linked item into the index, which grows to its size before the first;
//   - once to list the chunks that nobody uses, and to find out what expires first on each page.
// Then the items on probation go back on their ring, in the order in which they were stored.
//
// Whoever keeps the file sees to it that only memory is restored that was closed in order. Even so
// nothing in an item is believed that could lead out of its chunk: an item that does not fit, or a
// chain that does not hold what its head says, is left out, as if it had been evicted.
//
// It reads each header and key twice and costs about 100 to 200 ns an item, mostly for the index.

namespace larder {
namespace {

// Items whose buckets are asked for before the first of them is linked.
constexpr size_t kLinkedTogether = 16;

}  // namespace

std::vector<std::pair<std::string, std::string>> Store::SavedSettings() const {
  std::string chunk_bytes;
  for (int id = 1; id <= slabs_->sizes().count(); ++id) {
    chunk_bytes.append(id > 1 ? "," : "").append(std::to_string(slabs_->sizes().ChunkBytes(id)));
  }
  const ItemLimit& limit = options_.item_limit;
  return {{"mem_limit", std::to_string(options_.memory_bytes)},
          {"item_size_max", std::to_string(limit.item_bytes_max)},
          {"item_overhead", std::to_string(limit.overhead_bytes)},
          {"slab_page_size", std::to_string(arena_.page_bytes())},
          {"slab_unit", std::to_string(arena_.unit_bytes())},
          {"slab_pages", std::to_string(arena_.pages())},
          {"slab_sizes", chunk_bytes}};
}

SavedStore Store::Save(Tick now) {
  NoticeFlush(now);
  SavedStore saved{.tick = now.seconds,
                   .items = static_cast<uint64_t>(std::max<int64_t>(LinkedItems(), 0)),
                   .order = order_.load(std::memory_order_relaxed),
                   .flush_due = flush_due_.load(std::memory_order_relaxed),
                   .flush_active = flush_active_.load(std::memory_order_relaxed),
                   .flush_order = flush_order_.load(std::memory_order_relaxed),
                   .settings = SavedSettings(),
                   .pages_end = slabs_->pool().pages_end()};
  for (uint32_t page = 1; page < saved.pages_end; ++page) {
    const PageRecord& record = slabs_->RecordAt(page);
    if (record.class_id == 0) continue;
    saved.pages.push_back({.page = page, .class_id = record.class_id, .cut = record.cut});
  }
  return saved;
}

std::optional<std::pair<std::string, std::string>> Store::DifferentSetting(
    const SavedStore& saved) const {
  const auto own = SavedSettings();
  for (size_t i = 0; i < own.size(); ++i) {
    if (i >= saved.settings.size()) return std::pair{own[i].first, std::string("unknown")};
    if (saved.settings[i] != own[i]) return saved.settings[i];
  }
  return std::nullopt;
}

bool Store::Restore(const SavedStore& saved) {
  LARDER_CHECK(options_.memory_file >= 0 && LinkedItems() == 0);
  order_.store(saved.order, std::memory_order_relaxed);
  flush_due_.store(saved.flush_due, std::memory_order_relaxed);
  flush_order_.store(saved.flush_order, std::memory_order_relaxed);
  flush_active_.store(saved.flush_active, std::memory_order_release);
  if (!AdoptPages(saved) || !GrowIndexFor(saved.items)) return false;
  for (const SavedPage& page : saved.pages) {
    if (!LinkItemsOn(page)) return false;
  }
  std::vector<std::vector<OnProbation>> on_probation(kClassesMax);
  for (const SavedPage& page : saved.pages) AdoptChunksOn(page, &on_probation[page.class_id]);
  for (int id = 1; id <= slabs_->sizes().count(); ++id) {
    RestoreRing(id, &on_probation[static_cast<size_t>(id)]);
  }
  // The index has perhaps become a little larger than it was.
  shrinking_.store(true, std::memory_order_relaxed);
  return true;
}

bool Store::AdoptPages(const SavedStore& saved) {
  std::vector<uint32_t> pages;
  for (const SavedPage& page : saved.pages) {
    const auto class_id = static_cast<int>(page.class_id);
    if (page.page <= (pages.empty() ? 0 : pages.back()) || page.page >= saved.pages_end ||
        class_id < 1 || class_id > slabs_->sizes().count() ||
        page.cut > slabs_->sizes().ChunksPerPage(class_id)) {
      return false;
    }
    pages.push_back(page.page);
  }
  if (saved.pages_end < 1 || saved.pages_end > arena_.pages()) return false;
  if (!slabs_->pool().Adopt(saved.pages_end, pages)) return false;
  for (const SavedPage& page : saved.pages) {
    slabs_->AddPageTo(static_cast<int>(page.class_id), page.page);
    slabs_->RecordAt(page.page).cut = page.cut;
  }
  return true;
}

// Splitting empty buckets costs nothing; splitting them later would read every item once more.
bool Store::GrowIndexFor(uint64_t items) {
  while (items > index_.buckets() * Index::kItemsPerBucket) {
    if (!index_.CanGrow() && !OpenBuckets()) return false;
    index_.Grow([](Location) {}, [](Location) { return uint64_t{0}; });
  }
  return true;
}

bool Store::LinkItemsOn(const SavedPage& page) {
  const SlabClass& slab_class = slabs_->ClassAt(static_cast<int>(page.class_id));
  struct Found {
    Location location;
    uint64_t hash;
  };
  std::array<Found, kLinkedTogether> found;
  size_t size = 0;
  const auto link_found = [&] {
    const size_t linked = std::exchange(size, 0);
    return std::all_of(found.begin(), found.begin() + linked,
                       [&](const Found& item) { return LinkRestored(item.location, item.hash); });
  };
  for (uint32_t number = 0; number < page.cut; ++number) {
    const Location location = slab_class.ChunkAt(page.page, number);
    Item* item = arena_.ItemAt(location);
    if (item->state() != ItemState::kLinked) continue;
    if (!IsWhole(location)) {
      item->SetState(ItemState::kReserved);
      continue;
    }
    const uint64_t hash = index_.Hash(item->key());
    index_.Prefetch(hash);
    found[size++] = {.location = location, .hash = hash};
    if (size == found.size() && !link_found()) return false;
  }
  return link_found();
}

bool Store::LinkRestored(Location location, uint64_t hash) {
  const Item& item = *arena_.ItemAt(location);
  while (true) {
    {
      Index::LockedBucket bucket = index_.Lock(hash);
      if (bucket.Insert(hash, location)) break;
    }
    if (!OpenOverflow()) return false;
  }
  CountLinked(*maintain_lane_, item, slabs_->ClassOf(location), 1);
  return true;
}

// A chunk that a page of some class has cut.
bool Store::IsChunk(Location location) {
  const uint32_t page = arena_.PageOf(location);
  if (location == 0 || page >= slabs_->pool().pages_end()) return false;
  const PageRecord& record = slabs_->RecordAt(page);
  if (record.class_id == 0) return false;
  const SlabClass& slab_class = slabs_->ClassAt(record.class_id);
  const uint32_t number = slab_class.NumberOf(location);
  return number < record.cut && slab_class.ChunkAt(page, number) == location;
}

bool Store::IsWhole(Location location) {
  Item* item = arena_.ItemAt(location);
  const uint32_t chunk_bytes = slabs_->sizes().ChunkBytes(slabs_->ClassOf(location));
  if (item->key_bytes() < 1 || item->key_bytes() > kKeyBytesMax) return false;
  if (!item->large()) return item->TotalBytes() <= chunk_bytes;
  constexpr size_t kLeastBytes = Item::kHeaderBytes + sizeof(uint32_t) + sizeof(ItemExtension);
  if (chunk_bytes < kLeastBytes) return false;
  item->extension().pins = 0;
  return uint64_t{item->PrefixBytes()} + item->extension().value_bytes_here <= chunk_bytes &&
         IsWholeChain(*item, location);
}

bool Store::IsWholeChain(const Item& head, Location location) {
  const ItemExtension& extension = head.extension();
  uint64_t value_bytes = extension.value_bytes_here;
  for (Location at = extension.next_part(); at != 0; at = arena_.PartAt(at)->next()) {
    if (!IsChunk(at) || arena_.ItemAt(at)->state() != ItemState::kPart) return false;
    const ItemPart& part = *arena_.PartAt(at);
    const uint32_t chunk_bytes = slabs_->sizes().ChunkBytes(slabs_->ClassOf(at));
    if (part.owner() != location || part.value_bytes_here() == 0 ||
        part.value_bytes_here() > chunk_bytes - ItemPart::kHeaderBytes) {
      return false;
    }
    value_bytes += part.value_bytes_here();
    if (value_bytes > extension.value_bytes) return false;  // so a ring of parts ends, too
  }
  return value_bytes == extension.value_bytes;
}

void Store::AdoptChunksOn(const SavedPage& page, std::vector<OnProbation>* on_probation) {
  const auto class_id = static_cast<int>(page.class_id);
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  PageRecord& record = slabs_->RecordAt(page.page);
  const uint64_t order = order_.load(std::memory_order_relaxed);
  SpinLockHolder lock(&slab_class.lock());
  slab_class.AdoptChunks(page.page, page.cut, [&](Location chunk) {
    if (!SettleChunk(chunk, class_id)) return false;
    const Item& item = *arena_.ItemAt(chunk);
    if (item.state() != ItemState::kLinked) return true;
    if (item.expire() != kNeverExpires) record.LowerEarliestExpire(item.expire());
    if (item.on_probation()) {
      on_probation->push_back({.age = (order - item.order()) & kOrderMask, .chunk = chunk});
    }
    return true;
  });
}

// True if it is a linked item or belongs to one.
bool Store::SettleChunk(Location chunk, int class_id) {
  const Item& item = *arena_.ItemAt(chunk);
  uint64_t bytes = 0;
  if (item.state() == ItemState::kLinked) {
    bytes =
        item.large() ? item.PrefixBytes() + item.extension().value_bytes_here : item.TotalBytes();
  } else if (item.state() == ItemState::kPart) {
    const Location owner = arena_.PartAt(chunk)->owner();
    if (!IsChunk(owner) || arena_.ItemAt(owner)->state() != ItemState::kLinked) return false;
    bytes = ItemPart::kHeaderBytes + arena_.PartAt(chunk)->value_bytes_here();
  } else {
    return false;
  }
  PoisonMemory(arena_.ItemAt(chunk), slabs_->sizes().ChunkBytes(class_id));
  UnpoisonMemory(arena_.ItemAt(chunk), bytes);
  return true;
}

void Store::RestoreRing(int class_id, std::vector<OnProbation>* on_probation) {
  std::sort(on_probation->begin(), on_probation->end(),
            [](const OnProbation& a, const OnProbation& b) { return a.age > b.age; });
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  for (const OnProbation& item : *on_probation) slab_class.PutOnRing(item.chunk);
}

}  // namespace larder
