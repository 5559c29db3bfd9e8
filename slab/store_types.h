#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "slab/lane.h"
#include "slab/page_mover.h"
#include "slab/tick.h"

// What goes into the Store's operations and comes out of them.

namespace larder {

inline constexpr size_t kKeyBytesMax = 250;

using ClassSet = std::bitset<kClassesMax>;

// How large an item may be, counted as memcached counts it, so that `-I` accepts and refuses
// exactly the same values: its item header, key, flags when not zero, value and line end.
struct ItemLimit {
  uint32_t item_bytes_max = 1 << 20;  // -I
  // 48 of header, 1 behind the key, 2 behind the value, and 8 of CAS unless -C.
  uint32_t overhead_bytes = 59;

  bool Fits(size_t key_bytes, uint64_t value_bytes, uint32_t client_flags) const {
    return key_bytes + value_bytes + (client_flags != 0 ? 4 : 0) + overhead_bytes <= item_bytes_max;
  }
};

struct StoreOptions {
  uint64_t memory_bytes = uint64_t{64} << 20;  // -m: items, index, ghosts, rings together
  ItemLimit item_limit;
  double growth_factor = 0;          // -f; 0: eight classes for every power of two
  std::vector<uint32_t> slab_sizes;  // -o slab_sizes: the chunk sizes to have, growing; empty: by
                                     // growth_factor
  uint32_t value_bytes_min = 8;      // -n: least room for key, value and flags
  bool evict = true;                 // false: -M, refuse instead
  bool lock_memory = false;          // -k
  int memory_file = -1;              // -e: a descriptor that stays open; -1: memory of the process
  uint32_t probation_percent = 20;   // share of a class's chunks on probation, 0 to 90, at first
  bool sweeper = true;               // look for expired items in the background
  uint32_t sweep_seconds = 10;       // from the start of one sweep to that of the next; at least 1
  bool automove = true;              // move pages to the classes that miss them; keep a few free
  PageMoverOptions page_mover;       // for that
  bool track_sizes = false;          // keep counts of the items' sizes, for `stats sizes`
  uint64_t hash_seed = 0;            // random in the daemon, so that nobody can aim at one bucket
};

// A key and its hash, computed once a request (Store::MakeKey).
struct Key {
  std::string_view bytes;  // 1 to kKeyBytesMax bytes of the caller's, for the call's duration
  uint64_t hash = 0;
};

enum class ReadStatus : uint8_t {
  kHit,
  kMiss,
  kExpired,  // a miss: it was there, and its time had passed
  kFlushed,  // a miss: it was there, and older than a flush
};

struct ReadOptions {
  bool touch = false;  // set the item's expiry to `expire`
  uint32_t expire = kNeverExpires;
  bool bump = true;  // false: this read leaves no trace in who was read, and when

  // The reader offers to recache what it finds, as the meta protocol's `mg` does. It wins an item
  // that is stale, or that expires before `recache_below` (0: does not matter), unless another
  // reader has won it before; whoever stores the key's value anew, or invalidates it, makes it
  // winnable again. What follows means something only together with this.
  bool claim = false;
  uint32_t recache_below = 0;
  bool recache_after_touch = false;  // compare the expiry that `touch` sets, not the one before

  // On a miss, make an empty item, with no client flags, and win it. It gets this expiry,
  // whatever `touch` says. When there is no memory for it, the miss remains one.
  bool create = false;
  uint32_t create_expire = kNeverExpires;
  uint64_t chosen_cas = 0;  // of the item made; 0: the store's count
};

struct ReadOutcome {
  ReadStatus status = ReadStatus::kMiss;  // kHit for an item that this read has made
  uint8_t class_id = 0;                   // on a hit
  bool on_probation = false;              // on a hit: it was, which ends with a read that bumps
  bool won = false;                       // on a hit: the caller is to recache it
  bool created = false;                   // by this read
};

enum class WriteMode : uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend };

// What a store operation asks for, in all dialects.
struct WriteOptions {
  WriteMode mode = WriteMode::kSet;
  // Store only if there is an item and its CAS is `compare_cas`, where 0 is no item's. An add does
  // not compare; an append or prepend does not, either, with 0.
  bool compare = false;
  // Of a set or replace that compares: if `compare_cas` is only lower than the item's CAS, store
  // the value all the same, but as stale, with the old item's expiry and win-sent mark.
  bool invalidate = false;
  // Of an append or prepend: on a miss, store the value as a set would.
  bool create = false;
  bool binary_key = false;  // mark the item so; append and prepend remove the mark
  uint64_t compare_cas = 0;
  // Append and prepend keep the item's own, if there is one.
  uint32_t client_flags = 0;
  uint32_t expire = kNeverExpires;
  uint64_t chosen_cas = 0;  // the item's from now on; 0: the store's count
};

enum class WriteStatus : uint8_t {
  kStored,
  kNotStored,  // add found the key; replace, append or prepend did not
  kExists,     // the CAS differs
  kNotFound,   // a compare, and no such key
  kTooLarge,   // over ItemLimit
  kNoMemory,   // -M, or nothing could be evicted
};

struct WriteOutcome {
  WriteStatus status = WriteStatus::kNotStored;
  uint8_t class_id = 0;  // of the item stored, or of the one whose CAS differed
  // Of the item stored.
  uint32_t value_bytes = 0;
  uint64_t cas = 0;
};

enum class DeleteStatus : uint8_t {
  kDeleted,  // or what was asked for instead is done
  kNotFound,
  kExists,    // the CAS differs
  kNoMemory,  // for the empty item, or to choose a CAS: the item is what it was
};

struct DeleteOptions {
  bool compare = false;  // delete only if the item's CAS is `compare_cas`
  // Instead of deleting the item, mark it as stale, and as not won, and give it a new CAS. It
  // keeps its expiry unless `touch` says otherwise.
  bool invalidate = false;
  // Instead of deleting the item, leave an empty one in its place, with nothing of it but its CAS;
  // `client_flags` are its own. It never expires unless `touch` says otherwise. With `invalidate`,
  // the empty item is the one marked, and has a new CAS.
  bool remove_value = false;
  bool touch = false;
  uint64_t compare_cas = 0;
  uint32_t expire = kNeverExpires;
  uint32_t client_flags = 0;
  uint64_t chosen_cas = 0;  // of what is left, instead of the one said above; 0: not chosen
};

struct DeleteOutcome {
  DeleteStatus status = DeleteStatus::kNotFound;
  uint8_t class_id = 0;  // of the item found
};

enum class ArithmeticStatus : uint8_t { kDone, kNotFound, kNotNumber, kNoMemory, kExists };

// A number that needs more digits than its item's value has bytes is a new item, as in memcached:
// flags and expiry are the old one's, marks are not.
struct ArithmeticOptions {
  bool decrement = false;  // stops at 0, where an increment wraps at 2^64
  uint64_t delta = 0;
  bool compare = false;  // count only if the item's CAS is `compare_cas`
  // On a miss, store `initial`, with `create_expire`, whatever `touch` says.
  bool create = false;
  bool touch = false;  // set the item's expiry to `expire`
  uint64_t compare_cas = 0;
  uint64_t initial = 0;
  uint32_t create_expire = kNeverExpires;
  uint32_t expire = kNeverExpires;
  uint64_t chosen_cas = 0;  // the item's from now on; 0: the store's count
};

struct ArithmeticOutcome {
  ArithmeticStatus status = ArithmeticStatus::kNotFound;
  uint8_t class_id = 0;
  bool created = false;  // there was none: `value` is the initial one
  // Of kDone.
  uint32_t expire_before = kNeverExpires;
  uint32_t expire = kNeverExpires;
  uint64_t value = 0;
  uint64_t cas = 0;
};

// An item that has to go though it is alive.
struct Eviction {
  std::string_view key;  // valid during the call
  uint8_t class_id = 0;
  uint32_t value_bytes = 0;
  uint32_t expire = 0;        // tick; kNeverExpires: none
  uint32_t idle_seconds = 0;  // since the last access
  bool fetched = false;
};

// Is told what the store does of itself. Called by any thread, with locks of the store held: it may
// copy what it is told, and must neither wait nor call the store.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;
  virtual void OnEviction(const Eviction& eviction) = 0;
};

enum class ReassignStatus : uint8_t {
  kStarted,
  kBusy,      // the last one is not done
  kBadClass,  // no such class
  kSame,      // source and destination are one class
  kNoSpare,   // the source has no page to spare: a class keeps its last one
};

enum class CrawlStatus : uint8_t {
  kStarted,
  kBusy,  // the last one is not done
};

// How far Store::Walk has come. A new one begins a walk.
struct WalkCursor {
  int class_id = 0;       // only items of this class; 0: all
  uint64_t position = 0;  // the Store's
};

struct SizeCount {
  uint64_t bytes = 0;  // header, key, flags and value, rounded up to 32
  uint64_t items = 0;
};

// How long the items of a class have not been used that are to go next: about the longest of their
// segment.
struct ClassAges {
  uint32_t probation_seconds = 0;             // 0 where nothing is on probation
  std::optional<uint32_t> protected_seconds;  // none: nothing that is protected was found
};

// One size class, as `stats slabs` and `stats items` report it.
struct ClassStats {
  uint32_t class_id = 0;
  uint32_t chunk_bytes = 0;
  uint32_t chunks_per_page = 0;
  uint64_t pages = 0;
  uint64_t chunks = 0;
  uint64_t used_chunks = 0;  // by items, parts of chained values, and reservations
  uint64_t items = 0;
  uint64_t items_on_probation = 0;
  double probation_percent = 0;       // the share of chunks for these, as it is now
  uint64_t item_bytes = 0;            // header, key, flags and value of the items
  uint32_t evicted_idle_seconds = 0;  // since the last access of the item evicted last
  uint64_t evicted = 0;
  uint64_t evicted_nonzero = 0;  // of these, had an expiry
  uint64_t evicted_unfetched = 0;
  uint64_t evicted_active = 0;  // had been read within the last minute
  uint64_t out_of_memory = 0;
  uint64_t reclaimed = 0;  // expired or flushed when memory was looked for
  uint64_t expired_unfetched = 0;
  uint64_t promoted = 0;              // left probation alive
  uint64_t evicted_on_probation = 0;  // of `evicted`
  // Items stored anew whose key had been evicted not long before (ghost_table.h): misses that more
  // memory would have spared the class.
  uint64_t ghost_hits = 0;
  uint64_t ghost_hits_on_probation = 0;  // of these, had been evicted on probation
  uint64_t sweeper_reclaimed = 0;
  uint64_t sweeper_checked = 0;
};

struct StoreStats {
  uint64_t items = 0;
  uint64_t item_bytes = 0;    // header, key, flags and value of all items
  uint64_t items_stored = 0;  // since the start
  uint64_t memory_limit_bytes = 0;
  // Pages, index, ghosts and rings in use. Rings and the overflow lines of the index may pass the
  // limit, by some tens of KiB.
  uint64_t memory_bytes = 0;
  uint64_t page_bytes = 0;
  uint64_t pages = 0;             // in use by classes
  uint64_t pages_free = 0;        // within the limit
  uint64_t pages_given_back = 0;  // of these, had been in use, and their memory is kept
  uint64_t pages_emptied = 0;     // since the start, to be given to another class or to the index
  // Of what was on pages being emptied, since the start.
  uint64_t items_moved = 0;      // to another chunk of their class
  uint64_t parts_moved = 0;      // the same, of chunks that continue a large value
  uint64_t items_dropped = 0;    // evicted, for want of a chunk
  uint64_t items_reclaimed = 0;  // were dead
  uint64_t pages_held_up = 0;    // given up, since something on them was pinned or being filled
  bool reassigning = false;      // Store::Reassign has not come to its end
  uint64_t index_bytes = 0;
  uint64_t index_buckets = 0;
  uint64_t ghost_bytes = 0;
  bool index_growing = false;
  uint64_t flushed_items = 0;  // reclaimed because a flush had passed them
  bool sweeping = false;
  uint64_t sweeps = 0;  // ended
  uint64_t sweeps_started = 0;
  bool sweeper = true;              // switched on
  std::vector<ClassStats> classes;  // those that have, or have had, a page
};

}  // namespace larder
