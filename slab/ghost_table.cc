#include "slab/ghost_table.h"

#include <algorithm>
#include <utility>

#include "slab/assert.h"

namespace larder {
namespace {

constexpr uint64_t kStepBytes = uint64_t{64} << 10;  // a multiple of any system's page

uint64_t RoundUpToStep(uint64_t bytes) {
  return (bytes + kStepBytes - 1) / kStepBytes * kStepBytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GhostTable>> GhostTable::Create(uint64_t buckets_max) {
  auto range = AddressRange::Reserve(RoundUpToStep(buckets_max * sizeof(Record)), /*lock=*/false);
  if (!range.ok()) return range.status();
  return std::unique_ptr<GhostTable>(new GhostTable(*std::move(range)));
}

uint64_t GhostTable::BytesFor(uint64_t buckets) { return RoundUpToStep(buckets * sizeof(Record)); }

bool GhostTable::OpenFor(uint64_t buckets) {
  const uint64_t open = bytes();
  const uint64_t missing = BytesMissing(buckets);
  if (missing == 0) return true;
  if (open + missing > range_->bytes() || !range_->Open(open, missing)) return false;
  bytes_.store(open + missing, std::memory_order_relaxed);
  return true;
}

void GhostTable::CloseBeyond(uint64_t buckets) {
  const uint64_t open = bytes();
  const uint64_t kept = BytesFor(buckets);
  if (kept >= open) return;
  range_->Close(kept, open - kept);
  bytes_.store(kept, std::memory_order_relaxed);
}

// Through a copy, which is two registers: the compiler would call a function to move it in place.
void GhostTable::Add(uint64_t bucket, uint64_t hash, Segment left) {
  Record& record = records_[bucket];
  const Record older = record;
  record.front() = FingerprintOf(hash) | (left == Segment::kProtected ? kLeftProtected : 0);
  std::copy(older.begin(), older.end() - 1, record.begin() + 1);
}

std::optional<Segment> GhostTable::Take(uint64_t bucket, uint64_t hash) {
  Record& record = records_[bucket];
  const uint16_t fingerprint = FingerprintOf(hash);
  for (auto ghost = record.begin(); ghost != record.end() && *ghost != 0; ++ghost) {
    const int difference = *ghost ^ fingerprint;
    if (difference > kLeftProtected) continue;
    std::shift_left(ghost, record.end(), 1);
    record.back() = 0;
    return difference == kLeftProtected ? Segment::kProtected : Segment::kProbation;
  }
  return std::nullopt;
}

void GhostTable::Split(uint64_t from, uint64_t to) { records_[to] = records_[from]; }

// Since they were split they may have the same ghosts: each is kept once.
void GhostTable::Merge(uint64_t from, uint64_t into) {
  const Record theirs = std::exchange(records_[from], {});
  const Record ours = std::exchange(records_[into], {});
  Record& merged = records_[into];
  auto end = merged.begin();
  const auto keep = [&](uint16_t ghost) {
    if (ghost != 0 && end != merged.end() && std::find(merged.begin(), end, ghost) == end) {
      *end++ = ghost;
    }
  };
  for (size_t i = 0; i < kGhostsPerBucket; ++i) {
    keep(ours[i]);
    keep(theirs[i]);
  }
}

void GhostTable::CheckRecord(uint64_t bucket) const {
  const Record& record = records_[bucket];
  const auto end = std::find(record.begin(), record.end(), 0);
  LARDER_CHECK(std::all_of(end, record.end(), [](uint16_t ghost) { return ghost == 0; }));
}

}  // namespace larder
