#include "slab/store.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "slab/assert.h"
#include "slab/poison.h"

namespace larder {
namespace {

// Memory of the index is opened in steps: a huge page in a large store, less in a small one.
constexpr uint64_t kIndexStepBytesMin = uint64_t{64} << 10;
constexpr uint64_t kIndexStepsInMemory = 512;

uint64_t IndexStepBytes(uint64_t memory_bytes) {
  return std::clamp(std::bit_floor(memory_bytes / kIndexStepsInMemory), kIndexStepBytesMin,
                    AddressRange::kFrameBytes);
}

}  // namespace

std::string_view ValuePieces::Next() {
  const std::string_view piece = piece_;
  if (next_ == 0) {
    piece_ = {};
  } else {
    ItemPart* part = arena_->PartAt(next_);
    piece_ = {part->value(), part->value_bytes_here()};
    next_ = part->next();
  }
  return piece;
}

ItemRef& ItemRef::operator=(ItemRef&& other) noexcept {
  if (this != &other) {
    Reset();
    store_ = std::exchange(other.store_, nullptr);
    item_ = other.item_;
    hash_ = other.hash_;
  }
  return *this;
}

void ItemRef::Unpin() { std::exchange(store_, nullptr)->Unpin(item_, hash_); }

ValuePieces ItemRef::Pieces() const {
  const ItemExtension& extension = item_->extension();
  return {&store_->arena_, {item_->value(), extension.value_bytes_here}, extension.next_part()};
}

ItemRef ItemView::Pin() const {
  item_->extension().pins.fetch_add(1, std::memory_order_relaxed);
  return {store_, item_, hash_};
}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    Reset();
    store_ = std::exchange(other.store_, nullptr);
    lane_ = other.lane_;
    item_ = other.item_;
    hash_ = other.hash_;
    room_ = other.room_;
    next_part_ = other.next_part_;
    missing_bytes_ = other.missing_bytes_;
  }
  return *this;
}

void Reservation::Filled(size_t bytes) {
  LARDER_CHECK(bytes <= room_.size());
  room_ = room_.subspan(bytes);
  missing_bytes_ -= bytes;
  if (room_.empty() && next_part_ != 0) {
    ItemPart* part = store_->arena_.PartAt(next_part_);
    room_ = {part->value(), part->value_bytes_here()};
    next_part_ = part->next();
  }
}

void Reservation::Reset() {
  if (store_ == nullptr) return;
  Store* store = std::exchange(store_, nullptr);
  store->FreeItem(store->arena_.LocationOf(item_));
}

absl::StatusOr<std::unique_ptr<Store>> Store::Create(const StoreOptions& options) {
  auto slabs = Slabs::Create(options);
  if (!slabs.ok()) return slabs.status();
  // As many buckets as the smallest items could fill, if the limit were raised to all there is.
  const Arena& arena = (*slabs)->arena();
  const uint64_t items_max =
      uint64_t{arena.pages()} * arena.page_bytes() / (*slabs)->sizes().ChunkBytes(1);
  auto index = Index::Create(items_max / Index::kItemsPerBucket,
                             IndexStepBytes(options.memory_bytes), options.hash_seed);
  if (!index.ok()) return index.status();
  return std::unique_ptr<Store>(new Store(options, *std::move(slabs), *std::move(index)));
}

Store::Store(const StoreOptions& options, std::unique_ptr<Slabs> slabs,
             std::unique_ptr<Index> index)
    : options_(options),
      slabs_(std::move(slabs)),
      arena_(slabs_->arena()),
      index_owner_(std::move(index)),
      index_(*index_owner_),
      mover_(options.page_mover),
      probation_percent_(options.probation_percent),
      automove_(options.automove),
      sweeper_(options.sweeper),
      maintain_lane_(&AddLane()) {
  MutexLock lock(&index_memory_mutex_);
  ChargeIndex();
}

Store::~Store() = default;

Lane& Store::AddLane() {
  MutexLock lock(&lanes_mutex_);
  lanes_.push_back(std::make_unique<Lane>());
  if (options_.track_sizes) {
    lanes_.back()->sizes =
        std::vector<Counter>(Lane::SizeStep(options_.item_limit.item_bytes_max) + 1);
  }
  return *lanes_.back();
}

int Store::ClassFor(const Item::Shape& shape) const {
  const SizeClasses& sizes = slabs_->sizes();
  return sizes.ClassFor(
      static_cast<uint32_t>(std::min<uint64_t>(shape.TotalBytes(), sizes.chunk_bytes_max())));
}

void Store::PrefetchItem(const Key& key) const {
  const Location location = index_.Peek(key.hash);
  if (location == 0) return;
  const char* item = reinterpret_cast<const char*>(arena_.ItemAt(location));
  __builtin_prefetch(item);
  __builtin_prefetch(item + 64);
  __builtin_prefetch(item + 128);
}

void Store::Flush(Tick due, Tick now) {
  MutexLock lock(&flush_mutex_);
  if (due.seconds > now.seconds) {
    flush_due_.store(due.seconds, std::memory_order_relaxed);
  } else {
    FlushAtOnce();
  }
}

void Store::FlushAtOnce() {
  flush_due_.store(0, std::memory_order_relaxed);
  flush_order_.store(order_.load(std::memory_order_relaxed) & kOrderMask,
                     std::memory_order_relaxed);
  flush_active_.store(true, std::memory_order_release);
}

// Many may notice; the first one does it.
void Store::StartDueFlush(Tick now) {
  MutexLock lock(&flush_mutex_);
  const uint32_t due = flush_due_.load(std::memory_order_relaxed);
  if (due != 0 && due <= now.seconds) FlushAtOnce();
}

// Never zero in 40 bits: 0 says "no CAS" in the binary protocol.
uint64_t Store::NextOrder() {
  uint64_t order = 0;
  do {
    order = (order_.fetch_add(1, std::memory_order_relaxed) + 1) & kOrderMask;
  } while (order == 0);
  return order;
}

Index::Slot Store::FindLocation(const Index::LockedBucket& bucket, uint64_t hash,
                                Location location) const {
  return bucket.Find(hash, [&](Location found) { return found == location; });
}

Index::Slot Store::FindLive(Lane& lane, Index::LockedBucket* bucket, const Key& key, Tick now,
                            Location* dead) {
  const Index::Slot slot = FindKey(*bucket, key);
  if (slot && IsDead(*arena_.ItemAt(bucket->At(slot)), now)) [[unlikely]] {
    *dead = Unlink(lane, bucket, slot);
    return {};
  }
  return slot;
}

void Store::CountLinked(Lane& lane, const Item& item, int class_id, int sign) {
  const auto id = static_cast<size_t>(class_id);
  lane.items_linked.Add(sign);
  lane.items[id].Add(sign);
  lane.item_bytes[id].Add(sign * static_cast<int64_t>(item.TotalBytes()));
  lane.CountSize(item.TotalBytes(), sign);
}

void Store::MarkLinked(Lane& lane, Item* item, int class_id) {
  item->SetLinked(NextOrder());
  CountLinked(lane, *item, class_id, 1);
  lane.items_stored.Add(1);
}

Location Store::Unlink(Lane& lane, Index::LockedBucket* bucket, Index::Slot slot) {
  const Location location = bucket->At(slot);
  Item* item = arena_.ItemAt(location);
  bucket->Remove(slot);
  CountLinked(lane, *item, slabs_->ClassOf(location), -1);
  if (IsFlushed(*item)) lane.flushed_items.Add(1);
  item->SetState(ItemState::kReserved);
  return item->large() && item->extension().pins > 0 ? 0 : location;
}

// The parts go first: whoever holds a part's class may still look at its owner's header.
void Store::FreeItem(Location location) {
  if (location == 0) return;
  const Item* item = arena_.ItemAt(location);
  if (item->large()) FreeParts(*item, /*besides=*/0);
  slabs_->Free(location);
}

void Store::FreeParts(const Item& head, Location besides) {
  for (Location next = head.extension().next_part(); next != 0;) {
    const Location part = next;
    next = arena_.PartAt(part)->next();
    if (part != besides) slabs_->Free(part);
  }
}

void Store::Unpin(Item* item, uint64_t hash) {
  {
    Index::LockedBucket bucket = index_.Lock(hash);
    const uint32_t pins = item->extension().pins.fetch_sub(1, std::memory_order_relaxed) - 1;
    if (pins > 0 || item->state() == ItemState::kLinked) return;
  }
  FreeItem(arena_.LocationOf(item));
}

int64_t Store::LinkedItems() const {
  MutexLock lock(&lanes_mutex_);
  int64_t items = 0;
  for (const auto& lane : lanes_) items += lane->items_linked.value();
  return items;
}

}  // namespace larder
