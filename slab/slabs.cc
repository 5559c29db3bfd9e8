#include "slab/slabs.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace larder {
namespace {

constexpr uint64_t kPageBytesMin = uint64_t{64} << 10;
constexpr uint64_t kPageBytesMax = uint64_t{256} << 10;
// With fewer pages than this, half-empty ones would eat a good part of the memory.
constexpr uint64_t kPagesWanted = 1024;
// One page in so many is kept back, up to a few, for a class that has none.
constexpr uint64_t kPagesForOneInReserve = 512;
constexpr uint64_t kReservePagesMax = 4;
// The range of addresses reserved: so many times the limit, so that it can be raised.
constexpr uint64_t kRangeFactor = 4;

uint32_t PageBytesFor(uint64_t memory_bytes) {
  const uint64_t wanted = std::bit_floor(std::max<uint64_t>(memory_bytes / kPagesWanted, 1));
  return static_cast<uint32_t>(std::clamp(wanted, kPageBytesMin, kPageBytesMax));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Slabs>> Slabs::Create(const StoreOptions& options) {
  uint64_t range_bytes = options.memory_bytes * kRangeFactor;
  // A file's length would not have to do with the machine it is on.
  if (options.memory_file < 0) range_bytes = std::max(range_bytes, PhysicalMemoryBytes());
  auto arena = Arena::Create(range_bytes, PageBytesFor(options.memory_bytes), options.lock_memory,
                             options.memory_file);
  if (!arena.ok()) return arena.status();
  auto records = LazyArray<PageRecord>::Create((*arena)->pages());
  if (!records.ok()) return records.status();
  return std::unique_ptr<Slabs>(new Slabs(options, *std::move(arena), *std::move(records)));
}

Slabs::Slabs(const StoreOptions& options, std::unique_ptr<Arena> arena,
             LazyArray<PageRecord> records)
    : arena_(std::move(arena)),
      pool_(std::make_unique<PagePool>(arena_.get(), options.memory_bytes)),
      sizes_(
          {.page_bytes = arena_->page_bytes(),
           .unit_bytes = arena_->unit_bytes(),
           .chunk_bytes_min = static_cast<uint32_t>(Item::kHeaderBytes) + options.value_bytes_min,
           .growth_factor = options.growth_factor,
           .sizes = options.slab_sizes}),
      reserve_pages_(ReserveFor(options.memory_bytes, arena_->page_bytes())),
      records_(std::move(records)) {
  for (int id = 1; id <= sizes_.count(); ++id) {
    ClassAt(id).Init({.class_id = id,
                      .chunk_bytes = sizes_.ChunkBytes(id),
                      .chunks_per_page = sizes_.ChunksPerPage(id),
                      .probation_percent = options.probation_percent},
                     arena_.get(), &records_);
  }
}

uint64_t Slabs::ReserveFor(uint64_t memory_bytes, uint32_t page_bytes) {
  return std::min(memory_bytes / page_bytes / kPagesForOneInReserve, kReservePagesMax);
}

Location Slabs::Take(int class_id, bool probation) {
  SlabClass& slab_class = ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  return slab_class.Take(probation);
}

void Slabs::Free(Location chunk) {
  SlabClass& slab_class = ClassAt(ClassOf(chunk));
  uint32_t page = 0;
  {
    SpinLockHolder lock(&slab_class.lock());
    page = slab_class.Free(chunk);
  }
  if (page != 0) pool_->Give(page);
}

bool Slabs::AddPage(int class_id) {
  const uint32_t page = pool_->Take();
  if (page == 0) return false;
  AddPageTo(class_id, page);
  return true;
}

void Slabs::AddPageTo(int class_id, uint32_t page) { Apply({.page = page}, &ClassAt(class_id)); }

void Slabs::CountGhostHit(int class_id, Segment left) {
  SlabClass& slab_class = ClassAt(class_id);
  {
    SpinLockHolder lock(&slab_class.lock());
    if (slab_class.CountGhostHit(left)) return;
  }
  pool_->Charge(sizeof(ProbationRing::Block));
  auto block = std::make_unique<ProbationRing::Block>();
  SpinLockHolder lock(&slab_class.lock());
  slab_class.ProvideRingBlock(std::move(block));
}

void Slabs::SetProbationPercent(uint32_t percent) {
  for (int id = 1; id <= sizes_.count(); ++id) {
    Apply({.probation_percent = percent}, &ClassAt(id));
  }
}

bool Slabs::SetMemoryLimit(uint64_t bytes) {
  if (bytes > uint64_t{arena_->pages()} * arena_->page_bytes()) return false;
  reserve_pages_.store(ReserveFor(bytes, arena_->page_bytes()), std::memory_order_relaxed);
  pool_->SetLimit(bytes);
  return true;
}

// Blocks are made without the lock; another page may come meanwhile, so count again.
void Slabs::Apply(const Change& change, SlabClass* slab_class) {
  std::vector<std::unique_ptr<ProbationRing::Block>> blocks;
  while (true) {
    size_t missing = 0;
    {
      SpinLockHolder lock(&slab_class->lock());
      for (auto& block : blocks) slab_class->ProvideRingBlock(std::move(block));
      missing = slab_class->RingBlocksMissing(change.probation_percent.value_or(0));
      if (missing == 0) {
        if (change.page != 0) slab_class->AddPage(change.page);
        if (change.probation_percent) slab_class->SetProbationPercent(*change.probation_percent);
        return;
      }
    }
    pool_->Charge(missing * sizeof(ProbationRing::Block));
    blocks.clear();
    for (size_t i = 0; i < missing; ++i) {
      blocks.push_back(std::make_unique<ProbationRing::Block>());
    }
  }
}

}  // namespace larder
