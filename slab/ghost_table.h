#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "slab/item.h"
#include "slab/memory.h"

// Ghosts: what is remembered of keys that were evicted.
//
// A key that is stored again soon after it was evicted was evicted too early. The ghost says so,
// and by which end of its class the item had left: so it goes among the protected items at once
// instead of being on probation again, and its class learns which segment was too short
// (slab_class.h), and that it could do with more pages.
//
// For every bucket of the index there is a record of six ghosts, newest first; the index has seven
// items a bucket on average, so about as many keys are remembered as are in the cache. A ghost is
// 15 bits of the key's hash, which the bucket's number does not use, and one bit for the segment;
// zero is none. The record is guarded by the lock of its bucket, which whoever evicts an item or
// links one that is new holds anyway: there is no other lock, and no order of all ghosts to be
// kept. The oldest of six goes when a seventh comes; since keys are spread evenly over the buckets,
// that is nearly the order in which the keys of all buckets were evicted.
//
// What is not a hit on a ghost for want of certainty: six ghosts name the wrong key once in 5000
// new ones, which then is protected without having earned it, and no more.
//
// The records follow the buckets. Where one is split, both get its ghosts, since nothing tells
// whose they are without the keys; those that name keys of the other bucket are never asked for and
// go as newer ones come. Where two become one again, the newer half of each remains.
//
// A ghost goes when its key is stored. Deletes, flushes and expiry neither make nor take any: they
// are no sign of too little memory, and the memory of what is not asked for again costs nothing.
// A restarted store (-e) begins with none.
//
// Cost: 1.7 bytes an item, in steps of 64 KiB. A hit touches nothing here. Evicting an item and
// storing a new one each touch a line, which can be asked for ahead.
//
// The idea is that of ARC (Megiddo and Modha, 2003), and of S3-FIFO's ghost queue (Yang et al.,
// 2023), which has fingerprints in a table, too.

namespace larder {

class GhostTable {
 public:
  static constexpr size_t kGhostsPerBucket = 6;

  // Room for `buckets_max` records at the most. None is open.
  static absl::StatusOr<std::unique_ptr<GhostTable>> Create(uint64_t buckets_max);

  // Opens the memory of the first `buckets` records, where it is not; those not used before have no
  // ghosts. False if the system has none. Opening and closing are one thread's.
  bool OpenFor(uint64_t buckets);
  // Gives back what the first `buckets` records do not need. The ghosts there are gone.
  void CloseBeyond(uint64_t buckets);
  // Open memory. Any thread.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // How much OpenFor would open.
  uint64_t BytesMissing(uint64_t buckets) const {
    return BytesFor(buckets) - std::min(bytes(), BytesFor(buckets));
  }

  // These need the lock of every bucket that they name.
  void Add(uint64_t bucket, uint64_t hash, Segment left);
  // If the key has a ghost, takes it away and says which segment its item had left.
  std::optional<Segment> Take(uint64_t bucket, uint64_t hash);
  void Split(uint64_t from, uint64_t to);
  // `from` has none afterwards. Turn by turn, the newest first.
  void Merge(uint64_t from, uint64_t into);

  // A hint, without the lock.
  void Prefetch(uint64_t bucket) const { __builtin_prefetch(&records_[bucket], 1); }

  // Ends the process if a record has a hole.
  void CheckRecord(uint64_t bucket) const;

 private:
  using Record = std::array<uint16_t, kGhostsPerBucket>;

  static constexpr uint16_t kLeftProtected = 1;
  static constexpr int kFingerprintShift = 64 - 15;  // the bits of a bucket's number are the lowest

  explicit GhostTable(std::unique_ptr<AddressRange> range)
      : range_(std::move(range)), records_(reinterpret_cast<Record*>(range_->base())) {}

  static uint64_t BytesFor(uint64_t buckets);
  static uint16_t FingerprintOf(uint64_t hash) {
    const auto bits = static_cast<uint16_t>((hash >> kFingerprintShift) << 1);
    return bits == 0 ? uint16_t{1} << 1 : bits;
  }

  const std::unique_ptr<AddressRange> range_;
  Record* const records_;
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace larder
