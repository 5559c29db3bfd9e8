#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "slab/tick.h"

// The item: a 16-byte header, then what is rare and only there when its bit is set (client flags,
// extension), then the key, then the value.
//
//   +--------+----------+-------+-------+- - - - - - - +- - - - - -+-----+-------+- - - - - - +
//   | expire | order lo | shape | usage | client flags | extension | key | value | chosen CAS |
//   +--------+----------+-------+-------+- - - - - - - +- - - - - -+-----+-------+- - - - - - +
//      4          4         4       4       0 or 4        0 or 28                    0 or 8
//
//   shape:  state 2 | order hi 8 | value length 12 | client flags 1 | extension 1 | marks 4
//   usage:  last access 20 | key length 8 | frequency 2 | probation 1 | fetched 1
//
// Words are 32 bits wide so that chunks need an alignment of four bytes only: a key of 24 and a
// value of 10 bytes take 52 bytes, where eight would make it 56.
//
// Who writes what. A chunk belongs to one thread from the moment it is taken until the item is
// linked, and again from the moment it is unlinked and has no pins until it is freed. Between
// these, while the state is kLinked, all of it is guarded by the lock of the key's bucket, but for
// two readers that do not hold that lock: the evictor and the sweeper look at shape, usage and
// expiry of any chunk to see whether it is worth locking a bucket for. So these words are atomics,
// and since the evictor also ages `usage`, it does so by compare-and-swap. A key's bytes do not
// change while its chunk is not free, and chunks of a class are taken and freed under the lock of
// that class: whoever holds it and has seen kLinked may read the key.
//
// A value longer than kSmallValueBytesMax is "large": its length, the pins that keep it in place
// while it is being sent, and the chunks that continue it are in the extension, and it is never
// changed in place.
//
// The CAS that clients see is the item's order, unless a client has chosen another. That one is
// behind the value, so that an item may gain and lose it without its key being moved; a large item
// has room for it in its extension, always. The order is renewed by every change all the same, so
// that it tells whether an item is what it was, and what a flush has passed.

namespace larder {

// Offset of a chunk from the arena's start in units of the arena (4 bytes, more in an arena too
// large for 37 bits of them). 0 is no chunk.
using Location = uint64_t;
inline constexpr int kLocationBits = 37;

// Where in its class's order of eviction an item is (slab_class.h).
enum class Segment : uint8_t { kProbation, kProtected };

inline constexpr uint32_t kSmallValueBytesMax = 4095;

enum class ItemState : uint32_t {
  kFree = 0,      // fresh memory is zero, so an untouched chunk is free
  kReserved = 1,  // being filled, not in the index; or unlinked and waiting for its last pin
  kLinked = 2,    // in the index
  kPart = 3,      // continues a large value
};

// The store's count of mutations, the CAS of an item, goes round after 40 bits: an order is at or
// before a mark if it lies at most half of that behind it.
inline constexpr uint64_t kOrderMask = (uint64_t{1} << 40) - 1;

constexpr bool OrderIsAtOrBefore(uint64_t order, uint64_t mark) {
  return ((mark - order) & kOrderMask) <= (kOrderMask >> 1);
}

// Bits of the shape that say something about the item's life among its clients.
inline constexpr uint32_t kMarkStale = 1u << 24;      // was invalidated, and is served as stale
inline constexpr uint32_t kMarkWinSent = 1u << 25;    // some client has been told to recache it
inline constexpr uint32_t kMarkBinaryKey = 1u << 26;  // the key came, and is echoed, in base64
inline constexpr uint32_t kMarkChosenCas = 1u << 27;  // a client has chosen its CAS
inline constexpr uint32_t kMarks = kMarkStale | kMarkWinSent | kMarkBinaryKey | kMarkChosenCas;

// What a large item has in addition. The pins and the CAS change under the lock of the key's
// bucket, and whoever looks for a page to empty glances at them without it. The rest changes only
// while nobody but the writer can have the item pinned, so whoever holds a pin reads it without the
// lock.
struct ItemExtension {
  uint32_t value_bytes;
  uint32_t value_bytes_here;   // of the value, in this chunk
  std::atomic<uint32_t> pins;  // readers that are sending the value
  uint32_t next_part_low;      // location of the first part, 0: the value is whole in this chunk
  uint32_t next_part_high;
  uint32_t chosen_cas_low;  // means something if kMarkChosenCas is set
  uint32_t chosen_cas_high;

  Location next_part() const { return next_part_low | Location{next_part_high} << 32; }
  void SetNextPart(Location part) {
    next_part_low = static_cast<uint32_t>(part);
    next_part_high = static_cast<uint32_t>(part >> 32);
  }
};
static_assert(sizeof(ItemExtension) == 28);

// The last access is kept in steps of two seconds; 20 bits of them are 24 days.
inline constexpr uint32_t kAccessStepSeconds = 2;
inline constexpr uint32_t kAccessMask = (1u << 20) - 1;
// A read writes the access time only when what is there is older than this.
inline constexpr uint32_t kAccessRefreshSeconds = 60;
inline constexpr uint32_t kFrequencyMax = 3;

class Item {
 public:
  static constexpr size_t kHeaderBytes = 16;

  // `extension` is needed for values over kSmallValueBytesMax.
  struct Shape {
    uint32_t key_bytes = 0;
    uint32_t value_bytes = 0;
    uint32_t client_flags = 0;
    uint32_t marks = 0;  // of kMarks

    bool large() const { return value_bytes > kSmallValueBytesMax; }
    uint32_t PrefixBytes() const {
      return static_cast<uint32_t>(kHeaderBytes) + (client_flags != 0 ? 4 : 0) +
             (large() ? static_cast<uint32_t>(sizeof(ItemExtension)) : 0) + key_bytes;
    }
    uint64_t TotalBytes() const {
      return uint64_t{PrefixBytes()} + value_bytes + ChosenCasBytes(marks, large());
    }
  };

  Item(const Item&) = delete;
  Item& operator=(const Item&) = delete;

  // The class hands a chunk out.
  void SetReserved(bool probation) {
    usage_.store(probation ? kProbation : 0, std::memory_order_relaxed);
    shape_.store(static_cast<uint32_t>(ItemState::kReserved) << kStateShift,
                 std::memory_order_release);
  }

  // Writes header, flags, extension and key of a reserved item; the value follows, and the CAS if
  // it is a chosen one (SetChosenCas). The extension says that the whole value lies here; whoever
  // chains it says otherwise. The probation bit stays as it is: the ring may have ended the
  // probation already.
  void Fill(const Shape& shape, std::string_view key, uint32_t expire, Tick now) {
    expire_.store(expire, std::memory_order_relaxed);
    order_low_.store(0, std::memory_order_relaxed);
    usage_.fetch_or(AccessBits(now) | (shape.key_bytes << kKeyShift), std::memory_order_relaxed);
    uint32_t bits = shape.marks | static_cast<uint32_t>(ItemState::kReserved) << kStateShift;
    if (shape.client_flags != 0) bits |= kHasFlags;
    if (shape.large()) {
      bits |= kHasExtension;
    } else {
      bits |= shape.value_bytes << kValueShift;
    }
    shape_.store(bits, std::memory_order_relaxed);
    if (shape.client_flags != 0) {
      std::memcpy(bytes() + kHeaderBytes, &shape.client_flags, sizeof(shape.client_flags));
    }
    if (shape.large()) {
      new (&extension()) ItemExtension{.value_bytes = shape.value_bytes,
                                       .value_bytes_here = shape.value_bytes,
                                       .pins = 0,
                                       .next_part_low = 0,
                                       .next_part_high = 0,
                                       .chosen_cas_low = 0,
                                       .chosen_cas_high = 0};
    }
    std::memcpy(bytes() + KeyOffset(bits), key.data(), key.size());
  }

  ItemState state() const { return StateOf(shape_.load(std::memory_order_acquire)); }
  void SetState(ItemState state) {
    const uint32_t bits = shape_.load(std::memory_order_relaxed) & ~kStateMask;
    shape_.store(bits | (static_cast<uint32_t>(state) << kStateShift), std::memory_order_release);
  }

  // Links, or marks a change in place: the order is the store's count of mutations.
  void SetLinked(uint64_t order) {
    order_low_.store(static_cast<uint32_t>(order), std::memory_order_relaxed);
    const uint32_t bits =
        shape_.load(std::memory_order_relaxed) & ~(kStateMask | (kOrderHighMask << kOrderShift));
    shape_.store(
        bits | (static_cast<uint32_t>(ItemState::kLinked) << kStateShift) | OrderHighBits(order),
        std::memory_order_release);
  }

  uint64_t order() const {
    const uint64_t high = (shape_.load(std::memory_order_relaxed) >> kOrderShift) & kOrderHighMask;
    return (high << 32) | order_low_.load(std::memory_order_relaxed);
  }

  uint32_t marks() const { return shape_.load(std::memory_order_relaxed) & kMarks; }
  bool stale() const { return (marks() & kMarkStale) != 0; }
  bool win_sent() const { return (marks() & kMarkWinSent) != 0; }
  bool binary_key() const { return (marks() & kMarkBinaryKey) != 0; }
  bool has_chosen_cas() const { return (marks() & kMarkChosenCas) != 0; }
  // Under the bucket's lock, or of a reserved item. Not for kMarkChosenCas of a small item, which
  // has a room to be found (Store::ResizeSmall).
  void SetMarks(uint32_t set, uint32_t clear) {
    const uint32_t bits = shape_.load(std::memory_order_relaxed);
    shape_.store((bits & ~clear) | set, std::memory_order_relaxed);
  }

  // What clients see.
  uint64_t cas() const {
    if (has_chosen_cas()) [[unlikely]]
      return ChosenCas();
    return order();
  }
  // Of an item with kMarkChosenCas.
  void SetChosenCas(uint64_t cas) {
    if (large()) {
      extension().chosen_cas_low = static_cast<uint32_t>(cas);
      extension().chosen_cas_high = static_cast<uint32_t>(cas >> 32);
    } else {
      std::memcpy(value() + value_bytes(), &cas, sizeof(cas));
    }
  }

  uint32_t expire() const { return expire_.load(std::memory_order_relaxed); }
  void SetExpire(uint32_t expire) { expire_.store(expire, std::memory_order_relaxed); }

  std::string_view key() const {
    return {bytes() + KeyOffset(shape_.load(std::memory_order_relaxed)), key_bytes()};
  }
  uint32_t key_bytes() const {
    return (usage_.load(std::memory_order_relaxed) >> kKeyShift) & kKeyMask;
  }

  uint32_t client_flags() const {
    uint32_t flags = 0;
    if (has_client_flags()) std::memcpy(&flags, bytes() + kHeaderBytes, sizeof(flags));
    return flags;
  }

  bool has_client_flags() const {
    return (shape_.load(std::memory_order_relaxed) & kHasFlags) != 0;
  }
  // Of an item that has some: the key does not move.
  void SetClientFlags(uint32_t flags) {
    std::memcpy(bytes() + kHeaderBytes, &flags, sizeof(flags));
  }

  bool large() const { return (shape_.load(std::memory_order_relaxed) & kHasExtension) != 0; }

  // Of a large item.
  ItemExtension& extension() {
    return *reinterpret_cast<ItemExtension*>(bytes() + ExtensionOffset());
  }
  const ItemExtension& extension() const { return const_cast<Item*>(this)->extension(); }

  uint32_t value_bytes() const {
    return large() ? extension().value_bytes
                   : (shape_.load(std::memory_order_relaxed) >> kValueShift) & kValueMask;
  }
  // Of a linked small item: what changes when it gets another value in its own chunk.
  void SetSmallShape(uint32_t value_bytes, uint32_t marks, uint64_t order) {
    order_low_.store(static_cast<uint32_t>(order), std::memory_order_relaxed);
    const uint32_t kept = shape_.load(std::memory_order_relaxed) & (kStateMask | kHasFlags);
    shape_.store(kept | OrderHighBits(order) | (value_bytes << kValueShift) | marks,
                 std::memory_order_release);
  }
  // Of a small item: what is behind its key.
  uint32_t SmallBytes() const {
    const uint32_t bits = shape_.load(std::memory_order_relaxed);
    return ((bits >> kValueShift) & kValueMask) + ChosenCasBytes(bits, /*large=*/false);
  }

  // Where the value starts; of a large item, its part in this chunk.
  char* value() {
    return bytes() + KeyOffset(shape_.load(std::memory_order_relaxed)) + key_bytes();
  }
  const char* value() const { return const_cast<Item*>(this)->value(); }

  uint32_t PrefixBytes() const { return static_cast<uint32_t>(value() - bytes()); }
  // All that the item holds, its parts' headers not counted.
  uint64_t TotalBytes() const {
    return uint64_t{PrefixBytes()} + value_bytes() + ChosenCasBytes(marks(), large());
  }

  bool fetched() const { return (usage_.load(std::memory_order_relaxed) & kFetched) != 0; }
  bool on_probation() const { return (usage_.load(std::memory_order_relaxed) & kProbation) != 0; }
  Segment segment() const { return on_probation() ? Segment::kProbation : Segment::kProtected; }
  uint32_t frequency() const {
    return (usage_.load(std::memory_order_relaxed) >> kFrequencyShift) & kFrequencyMax;
  }
  // Seconds since the last access, as far as 20 bits of two seconds tell.
  uint32_t IdleSeconds(Tick now) const {
    const uint32_t then = usage_.load(std::memory_order_relaxed) & kAccessMask;
    return ((now.seconds / kAccessStepSeconds - then) & kAccessMask) * kAccessStepSeconds;
  }

  // A hit, under the bucket's lock: promotes, counts, and refreshes the access time; writes only
  // when something changes, so that a hot item's line stays shared between processors. True if
  // the item was on probation.
  bool MarkRead(Tick now) {
    const uint32_t old = usage_.load(std::memory_order_relaxed);
    uint32_t usage = (old & ~kProbation) | kFetched;
    if ((old & kProbation) == 0 && ((old >> kFrequencyShift) & kFrequencyMax) < kFrequencyMax) {
      usage += 1u << kFrequencyShift;
    }
    if ((old & kFetched) == 0 || IdleSeconds(now) >= kAccessRefreshSeconds) {
      usage = (usage & ~kAccessMask) | AccessBits(now);
    }
    if (usage != old) usage_.store(usage, std::memory_order_relaxed);
    return (old & kProbation) != 0;
  }

  // It has been handed out, by the very operation that made it: no reason to protect it.
  void MarkFetched() { usage_.fetch_or(kFetched, std::memory_order_relaxed); }

  // A new value in place, under the bucket's lock: the item counts as new, but keeps its place.
  void MarkWritten(Tick now) { MarkAccess(now, kFetched | kProbation); }
  // The value was changed a little: whoever has read the item has read it.
  void MarkChanged(Tick now) { MarkAccess(now, kProbation); }

  // The evictor's, without the bucket's lock. False if somebody was faster.
  bool TryAge() {
    uint32_t old = usage_.load(std::memory_order_relaxed);
    if (((old >> kFrequencyShift) & kFrequencyMax) == 0) return false;
    return usage_.compare_exchange_strong(old, old - (1u << kFrequencyShift),
                                          std::memory_order_relaxed);
  }
  bool TryEndProbation() {
    uint32_t old = usage_.load(std::memory_order_relaxed);
    if ((old & kProbation) == 0) return false;
    return usage_.compare_exchange_strong(old, old & ~kProbation, std::memory_order_relaxed);
  }

  // A new item that need not be on probation, as its key had been in the cache before. `frequency`:
  // as if it had been read so many times since.
  void Protect(uint32_t frequency) {
    const uint32_t bits = frequency << kFrequencyShift;
    uint32_t old = usage_.load(std::memory_order_relaxed);
    while (
        !usage_.compare_exchange_weak(old, (old & ~kProbation) | bits, std::memory_order_relaxed)) {
    }
  }

  // The sweeper's, so that a time of 24 days ago does not come round as a recent one.
  void HoldOldAccess(Tick now) {
    uint32_t old = usage_.load(std::memory_order_relaxed);
    if (IdleSeconds(now) < kAccessMask / 2 * kAccessStepSeconds) return;
    const uint32_t held = (now.seconds / kAccessStepSeconds - kAccessMask / 2) & kAccessMask;
    usage_.compare_exchange_strong(old, (old & ~kAccessMask) | held, std::memory_order_relaxed);
  }

  // As old, and as much read, as `from`, another item of the same key. On probation only if both
  // are: the ring may have ended either's already.
  void CopyUsage(const Item& from) {
    const uint32_t usage = from.usage_.load(std::memory_order_relaxed);
    uint32_t own = usage_.load(std::memory_order_relaxed);
    while (!usage_.compare_exchange_weak(own, usage & (own | ~kProbation),
                                         std::memory_order_relaxed)) {
    }
  }

  // Makes this reserved chunk a copy of `from` in `chunk_bytes` of it, not yet linked. Under the
  // lock of the key's bucket, or while `from` is pinned.
  void CopyFrom(const Item& from, uint32_t chunk_bytes) {
    expire_.store(from.expire(), std::memory_order_relaxed);
    order_low_.store(from.order_low_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    CopyUsage(from);
    const uint32_t shape = from.shape_.load(std::memory_order_relaxed) & ~kStateMask;
    shape_.store(shape | static_cast<uint32_t>(ItemState::kReserved) << kStateShift,
                 std::memory_order_relaxed);
    std::memcpy(bytes() + kHeaderBytes, from.bytes() + kHeaderBytes, chunk_bytes - kHeaderBytes);
  }

  // A free chunk keeps the number of the next one of its page here.
  void SetFree(uint32_t next_free) {
    expire_.store(next_free, std::memory_order_relaxed);
    usage_.store(0, std::memory_order_relaxed);
    shape_.store(0, std::memory_order_release);
  }
  uint32_t next_free() const { return expire_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kStateShift = 0;
  static constexpr uint32_t kStateMask = 3u << kStateShift;
  static constexpr int kOrderShift = 2;
  static constexpr uint32_t kOrderHighMask = 0xff;
  static constexpr int kValueShift = 10;
  static constexpr uint32_t kValueMask = kSmallValueBytesMax;
  static constexpr uint32_t kHasFlags = 1u << 22;
  static constexpr uint32_t kHasExtension = 1u << 23;

  static constexpr int kKeyShift = 20;
  static constexpr uint32_t kKeyMask = 0xff;
  static constexpr int kFrequencyShift = 28;
  static constexpr uint32_t kProbation = 1u << 30;
  static constexpr uint32_t kFetched = 1u << 31;

  void MarkAccess(Tick now, uint32_t clear) {
    const uint32_t old = usage_.load(std::memory_order_relaxed);
    usage_.store((old & ~(kAccessMask | clear)) | AccessBits(now), std::memory_order_relaxed);
  }

  // Behind the value of a small item.
  static constexpr uint32_t ChosenCasBytes(uint32_t marks, bool large) {
    return (marks & kMarkChosenCas) != 0 && !large ? sizeof(uint64_t) : 0;
  }
  uint64_t ChosenCas() const {
    if (large()) {
      const ItemExtension& more = extension();
      return more.chosen_cas_low | uint64_t{more.chosen_cas_high} << 32;
    }
    uint64_t cas = 0;
    std::memcpy(&cas, value() + value_bytes(), sizeof(cas));
    return cas;
  }

  static uint32_t OrderHighBits(uint64_t order) {
    return (static_cast<uint32_t>(order >> 32) & kOrderHighMask) << kOrderShift;
  }
  static uint32_t AccessBits(Tick now) { return (now.seconds / kAccessStepSeconds) & kAccessMask; }
  static ItemState StateOf(uint32_t shape) {
    return static_cast<ItemState>((shape & kStateMask) >> kStateShift);
  }
  static uint32_t KeyOffset(uint32_t shape) {
    return static_cast<uint32_t>(kHeaderBytes) + ((shape & kHasFlags) != 0 ? 4 : 0) +
           ((shape & kHasExtension) != 0 ? static_cast<uint32_t>(sizeof(ItemExtension)) : 0);
  }
  uint32_t ExtensionOffset() const {
    return static_cast<uint32_t>(kHeaderBytes) +
           ((shape_.load(std::memory_order_relaxed) & kHasFlags) != 0 ? 4 : 0);
  }

  char* bytes() { return reinterpret_cast<char*>(this); }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }

  std::atomic<uint32_t> expire_;
  std::atomic<uint32_t> order_low_;
  std::atomic<uint32_t> shape_;
  std::atomic<uint32_t> usage_;
};
static_assert(sizeof(Item) == Item::kHeaderBytes);
static_assert(alignof(Item) == 4);

// A chunk that continues a large value. Its state is where Item has it, so that a walk over a page
// can tell the two apart. The links change only while the owner is not linked or is pinned by
// whoever moves it; the evictor may read `owner` under the lock of the chunk's class.
class ItemPart {
 public:
  static constexpr size_t kHeaderBytes = 20;

  ItemPart(const ItemPart&) = delete;
  ItemPart& operator=(const ItemPart&) = delete;

  void Init(Location owner, uint32_t value_bytes_here) {
    SetNext(0);
    SetOwner(owner);
    value_bytes_here_ = value_bytes_here;
    shape_.store(static_cast<uint32_t>(ItemState::kPart), std::memory_order_release);
  }

  Location next() const {
    return next_low_ | Location{next_high_.load(std::memory_order_relaxed)} << 32;
  }
  void SetNext(Location next) {
    next_low_ = static_cast<uint32_t>(next);
    next_high_.store(static_cast<uint16_t>(next >> 32), std::memory_order_relaxed);
  }
  Location owner() const {
    return owner_low_.load(std::memory_order_relaxed) |
           Location{owner_high_.load(std::memory_order_relaxed)} << 32;
  }
  void SetOwner(Location owner) {
    owner_low_.store(static_cast<uint32_t>(owner), std::memory_order_relaxed);
    owner_high_.store(static_cast<uint16_t>(owner >> 32), std::memory_order_relaxed);
  }
  uint32_t value_bytes_here() const { return value_bytes_here_; }
  char* value() { return reinterpret_cast<char*>(this) + kHeaderBytes; }

 private:
  uint32_t next_low_;
  std::atomic<uint32_t> owner_low_;
  std::atomic<uint32_t> shape_;
  std::atomic<uint16_t> next_high_;  // where an item has its usage, which the ring looks at
  std::atomic<uint16_t> owner_high_;
  uint32_t value_bytes_here_;
};
static_assert(sizeof(ItemPart) == ItemPart::kHeaderBytes);

}  // namespace larder
