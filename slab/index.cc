#include "slab/index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace larder {
namespace {

// Lines that growth and inserts may need at once before somebody opens more.
constexpr uint64_t kOverflowSpare = 64;
constexpr uint64_t kOverflowStepBytes = uint64_t{64} << 10;

}  // namespace

int Index::Line::Count() const {
  int count = items_max();
  while (count > 0 && tags[static_cast<size_t>(count) - 1] == 0) --count;
  return count;
}

void Index::Line::Set(int i, uint16_t tag, Location location) {
  const auto u = static_cast<size_t>(i);
  std::atomic_ref(references[u]).store(static_cast<uint32_t>(location), std::memory_order_relaxed);
  std::atomic_ref(tags[u]).store(static_cast<uint16_t>(tag | location >> 32),
                                 std::memory_order_relaxed);
}

void Index::Line::Clear(int i) {
  std::atomic_ref(tags[static_cast<size_t>(i)]).store(0, std::memory_order_relaxed);
}

absl::StatusOr<std::unique_ptr<Index>> Index::Create(uint64_t buckets_max, uint64_t step_bytes,
                                                     uint64_t seed) {
  buckets_max = std::max(buckets_max, kBucketsAtStart);
  auto buckets = AddressRange::Reserve(buckets_max * sizeof(Line), false);
  if (!buckets.ok()) return buckets.status();
  auto overflow = AddressRange::Reserve(buckets_max * sizeof(Line), false);
  if (!overflow.ok()) return overflow.status();
  auto ghosts = GhostTable::Create((*buckets)->bytes() / sizeof(Line));
  if (!ghosts.ok()) return ghosts.status();
  std::unique_ptr<Index> index(
      new Index(*std::move(buckets), *std::move(overflow), *std::move(ghosts), step_bytes, seed));
  if (!index->OpenBuckets() || !index->OpenOverflow()) {
    return absl::ResourceExhaustedError("cannot get memory for the index");
  }
  index->count_.store(kBucketsAtStart, std::memory_order_release);
  return index;
}

Index::Index(std::unique_ptr<AddressRange> buckets, std::unique_ptr<AddressRange> overflow,
             std::unique_ptr<GhostTable> ghosts, uint64_t step_bytes, uint64_t seed)
    : step_bytes_(std::max(step_bytes, kBucketsAtStart * sizeof(Line))),
      seed_(seed),
      bucket_range_(std::move(buckets)),
      overflow_range_(std::move(overflow)),
      ghosts_(std::move(ghosts)),
      buckets_(reinterpret_cast<Line*>(bucket_range_->base())),
      overflow_(reinterpret_cast<Line*>(overflow_range_->base())) {}

uint64_t Index::Hash(std::string_view key) const {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed_);
}

// Reads what others write under a lock that this does not take: the values are a guess, each is
// loaded whole.
Location Index::Peek(uint64_t hash) const {
  Line& line = buckets_[BucketOf(hash)];
  const uint16_t tag = TagOf(hash);
  for (size_t i = 0; i < kSlots; ++i) {
    const uint16_t found = std::atomic_ref(line.tags[i]).load(std::memory_order_relaxed);
    if ((found & kTagMask) == tag) {
      return Location{UpperOf(found)} << 32 |
             std::atomic_ref(line.references[i]).load(std::memory_order_relaxed);
    }
  }
  return 0;
}

// Buckets are told apart by the low bits of the hash, by one bit more once they are split. The
// highest of these bits counts up first, so that the walk goes from a bucket to its sibling.
uint64_t Index::PositionBehind(uint64_t position) const {
  const uint64_t count = count_.load(std::memory_order_acquire);
  const uint64_t top = std::bit_floor(count - 1);
  const bool split = (BucketAmong(position, count) | top) < count;
  uint64_t bit = split ? top : top >> 1;
  for (position &= 2 * bit - 1; bit != 0; bit >>= 1) {
    position ^= bit;
    if ((position & bit) != 0) return position;
  }
  return 0;
}

bool Index::CanGrow() const {
  return (count_.load(std::memory_order_relaxed) + 1) * sizeof(Line) <= open_bucket_bytes_;
}

bool Index::OpenBuckets() {
  if (open_bucket_bytes_ + step_bytes_ > bucket_range_->bytes()) return false;
  if (!ghosts_->OpenFor((open_bucket_bytes_ + step_bytes_) / sizeof(Line)) ||
      !bucket_range_->Open(open_bucket_bytes_, step_bytes_)) {
    return false;
  }
  open_bucket_bytes_ += step_bytes_;
  bytes_.fetch_add(step_bytes_, std::memory_order_relaxed);
  return true;
}

// Tags tell all that is needed: the bucket's items need not be looked at.
void Index::Shrink() {
  const uint64_t last = count_.load(std::memory_order_relaxed) - 1;
  const uint64_t into = BucketAmong(last, last);
  Line* source = &buckets_[last];
  Line* target = &buckets_[into];
  LockLine(target);
  LockLine(source);
  for (const Entry& entry : Drain(source)) {
    LARDER_CHECK(Insert(target, entry.tag, entry.location, 0));
  }
  ghosts_->Merge(last, into);
  count_.store(last, std::memory_order_release);
  UnlockLine(source);
  UnlockLine(target);
}

// Whoever has come to one of these lines too late holds or awaits its lock for a moment. With all
// of them locked nobody holds one, and the lock bits go with the memory.
bool Index::CloseBuckets() {
  const uint64_t in_use = count_.load(std::memory_order_relaxed) * sizeof(Line);
  if (open_bucket_bytes_ < in_use + step_bytes_) return false;
  open_bucket_bytes_ -= step_bytes_;
  const uint64_t first = open_bucket_bytes_ / sizeof(Line);
  for (uint64_t i = 0; i < step_bytes_ / sizeof(Line); ++i) LockLine(&buckets_[first + i]);
  bucket_range_->Discard(open_bucket_bytes_, step_bytes_);
  ghosts_->CloseBeyond(first);
  bytes_.fetch_sub(step_bytes_, std::memory_order_relaxed);
  return true;
}

uint64_t Index::overflow_bytes() const {
  SpinLockHolder lock(&overflow_lock_);
  return uint64_t{overflow_open_} * sizeof(Line);
}

bool Index::OpenOverflow() {
  MutexLock opening(&overflow_opening_);
  uint64_t open_bytes = 0;
  {
    SpinLockHolder lock(&overflow_lock_);
    if (overflow_open_ > 0 && OverflowFree() > 2 * kOverflowSpare) return true;
    open_bytes = uint64_t{overflow_open_} * sizeof(Line);
  }
  if (open_bytes + kOverflowStepBytes > overflow_range_->bytes() ||
      !overflow_range_->Open(open_bytes, kOverflowStepBytes)) {
    return false;
  }
  bytes_.fetch_add(kOverflowStepBytes, std::memory_order_relaxed);
  SpinLockHolder lock(&overflow_lock_);
  overflow_open_ += kOverflowStepBytes / sizeof(Line);
  return true;
}

uint64_t Index::OverflowFree() const {
  return overflow_free_count_ + (overflow_open_ - overflow_fresh_);
}

bool Index::OverflowRunsLow() const {
  SpinLockHolder lock(&overflow_lock_);
  return OverflowFree() < kOverflowSpare;
}

uint64_t Index::overflow_lines_in_use() const {
  SpinLockHolder lock(&overflow_lock_);
  return overflow_fresh_ - 1 - overflow_free_count_;
}

uint32_t Index::TakeOverflow(uint64_t lines_left) {
  SpinLockHolder lock(&overflow_lock_);
  if (OverflowFree() <= lines_left) return 0;
  if (overflow_free_ != 0) {
    const uint32_t number = overflow_free_;
    overflow_free_ = OverflowAt(number)->references[0];
    --overflow_free_count_;
    return number;
  }
  return overflow_fresh_++;
}

void Index::FreeOverflow(uint32_t number) {
  SpinLockHolder lock(&overflow_lock_);
  OverflowAt(number)->references[0] = overflow_free_;
  overflow_free_ = number;
  ++overflow_free_count_;
}

bool Index::Insert(Line* home, uint16_t tag, Location location, uint64_t lines_left) {
  Line* line = home;
  while (line->chained()) line = OverflowAt(line->link());
  const int count = line->Count();
  if (count < kSlots) {
    line->Set(count, tag, location);
  } else {
    const uint32_t number = TakeOverflow(lines_left);
    if (number == 0) return false;
    Line* overflow = OverflowAt(number);
    overflow->header.store(0, std::memory_order_relaxed);
    for (int i = 0; i < kSlots; ++i) overflow->Clear(i);
    const uint16_t last_tag = line->TagAt(kSlots - 1);
    overflow->Set(0, last_tag, line->At(kSlots - 1));
    overflow->Set(1, tag, location);
    line->Set(kSlots - 1, 0, number);
    line->header.store(line->header.load(std::memory_order_relaxed) | kChained,
                       std::memory_order_relaxed);
    home->header.store(home->header.load(std::memory_order_relaxed) | FilterBit(last_tag),
                       std::memory_order_relaxed);
    line = overflow;
  }
  if (line != home) {
    home->header.store(home->header.load(std::memory_order_relaxed) | FilterBit(tag),
                       std::memory_order_relaxed);
  }
  return true;
}

void Index::Remove(Line* home, Line* line, int i) {
  Line* before = nullptr;
  Line* last = home;
  while (last->chained()) {
    before = last;
    last = OverflowAt(last->link());
  }
  const int end = last->Count() - 1;
  if (last != line || end != i) line->Set(i, last->TagAt(end), last->At(end));
  last->Clear(end);
  if (before == nullptr) return;
  if (end == 0) {
    const uint32_t number = before->link();
    before->header.store(before->header.load(std::memory_order_relaxed) & ~kChained,
                         std::memory_order_relaxed);
    before->Set(kSlots - 1, 0, 0);
    FreeOverflow(number);
  }
  RebuildFilter(home);
}

void Index::RebuildFilter(Line* home) {
  uint32_t filter = 0;
  for (const Line* line = home; line->chained();) {
    line = OverflowAt(line->link());
    const int count = line->Count();
    for (int i = 0; i < count; ++i) filter |= FilterBit(line->TagAt(i));
  }
  const uint32_t low = home->header.load(std::memory_order_relaxed) & ((1u << kFilterShift) - 1);
  home->header.store(low | filter, std::memory_order_relaxed);
}

Index::Entries Index::Drain(Line* home) {
  Entries entries;
  uint32_t number = 0;  // of the line, 0: home
  for (Line* line = home; line != nullptr;) {
    const int count = line->Count();
    for (int i = 0; i < count; ++i) entries.push_back({line->TagAt(i), line->At(i)});
    const uint32_t next = line->chained() ? line->link() : 0;
    for (int i = 0; i < kSlots; ++i) line->Set(i, 0, 0);
    line->header.store(line->header.load(std::memory_order_relaxed) & kLocked,
                       std::memory_order_relaxed);
    if (number != 0) FreeOverflow(number);
    number = next;
    line = next != 0 ? OverflowAt(next) : nullptr;
  }
  return entries;
}

void Index::CheckBucket(uint64_t bucket) const {
  const Line* home = &buckets_[bucket];
  uint32_t filter = 0;
  for (const Line* line = home;; line = OverflowAt(line->link())) {
    const int count = line->Count();
    LARDER_CHECK(line == home || count > 0);
    LARDER_CHECK(!line->chained() || count == kSlots - 1);
    for (int i = 0; i < count; ++i) {
      LARDER_CHECK(line->TagAt(i) != 0 && line->At(i) != 0);
      if (line != home) filter |= FilterBit(line->TagAt(i));
    }
    for (int i = count; i < line->items_max(); ++i) LARDER_CHECK(line->TagAt(i) == 0);
    if (!line->chained()) break;
  }
  LARDER_CHECK(home->header.load(std::memory_order_relaxed) >> kFilterShift ==
               filter >> kFilterShift);
  ghosts_->CheckRecord(bucket);
}

}  // namespace larder
