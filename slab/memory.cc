#include "slab/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "slab/assert.h"
#include "slab/poison.h"

namespace larder {
namespace {

// The sanitizer's shadow has one byte for eight, so there two items cannot share eight.
constexpr int kUnitShiftMin = kPoisons ? 3 : 2;

uint64_t RoundUp(uint64_t bytes, uint64_t step) { return (bytes + step - 1) / step * step; }

// The part of a file that was never written takes no room in it.
bool MapFile(int file, char* base, uint64_t bytes) {
  struct stat status;
  if (fstat(file, &status) != 0) return false;
  if (static_cast<uint64_t>(status.st_size) < bytes &&
      ftruncate(file, static_cast<off_t>(bytes)) != 0) {
    return false;
  }
  return mmap(base, bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AddressRange>> AddressRange::Reserve(uint64_t bytes, bool lock,
                                                                    int file) {
  bytes = RoundUp(bytes, kFrameBytes);
  const uint64_t mapping_bytes = bytes + kFrameBytes;
  void* mapping =
      mmap(nullptr, mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    return absl::ResourceExhaustedError("cannot reserve " + std::to_string(bytes >> 20) +
                                        " MiB of address space: " + std::strerror(errno));
  }
  char* start = static_cast<char*>(mapping);
  char* base = start + (RoundUp(reinterpret_cast<uintptr_t>(start), kFrameBytes) -
                        reinterpret_cast<uintptr_t>(start));
  if (file >= 0 && !MapFile(file, base, bytes)) {
    const std::string reason = std::strerror(errno);
    munmap(start, mapping_bytes);
    return absl::ResourceExhaustedError("failed to mmap the memory file: " + reason);
  }
  // Best effort: without huge pages everything works, only slower.
  (void)madvise(base, bytes, MADV_HUGEPAGE);
  return std::unique_ptr<AddressRange>(
      new AddressRange(start, mapping_bytes, base, bytes, lock, file));
}

AddressRange::~AddressRange() { munmap(mapping_, mapping_bytes_); }

bool AddressRange::Allow(uint64_t offset, uint64_t bytes) {
  char* start = base_ + offset;
  if (mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  if (locked() && mlock(start, bytes) != 0) locked_.store(false, std::memory_order_relaxed);
  return true;
}

bool AddressRange::Open(uint64_t offset, uint64_t bytes) {
  LARDER_CHECK(offset + bytes <= bytes_);
  // Touching a file's page that there is no room for would end the process; this says so instead.
  if (file_ >= 0 &&
      fallocate(file_, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0 &&
      errno != EOPNOTSUPP) {
    return false;
  }
  if (!Allow(offset, bytes)) return false;
  char* start = base_ + offset;
  const uint64_t system_page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (uint64_t at = 0; at < bytes; at += system_page) {
    // A write that changes nothing: of a discarded piece, somebody may be writing at this moment.
    std::atomic_ref(start[at]).fetch_or(0, std::memory_order_relaxed);
  }
  return true;
}

bool AddressRange::Reopen(uint64_t offset, uint64_t bytes) {
  LARDER_CHECK(offset + bytes <= bytes_ && file_ >= 0);
  return Allow(offset, bytes);
}

void AddressRange::Discard(uint64_t offset, uint64_t bytes) {
  LARDER_CHECK(offset + bytes <= bytes_ && file_ < 0);
  madvise(base_ + offset, bytes, MADV_DONTNEED);
}

void AddressRange::Close(uint64_t offset, uint64_t bytes) {
  LARDER_CHECK(offset + bytes <= bytes_);
  char* start = base_ + offset;
  if (locked()) munlock(start, bytes);
  madvise(start, bytes, MADV_DONTNEED);
  if (file_ >= 0) {
    // Best effort: a file system that cannot do it keeps the room taken.
    (void)fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(bytes));
  }
  mprotect(start, bytes, PROT_NONE);
}

absl::StatusOr<std::unique_ptr<Arena>> Arena::Create(uint64_t bytes, uint32_t page_bytes, bool lock,
                                                     int file) {
  LARDER_CHECK(std::has_single_bit(page_bytes));
  auto range = AddressRange::Reserve(bytes, lock, file);
  if (!range.ok()) return range.status();
  int unit_shift = kUnitShiftMin;
  while (((*range)->bytes() >> unit_shift) >> kLocationBits != 0) ++unit_shift;
  return std::unique_ptr<Arena>(
      new Arena(*std::move(range), std::countr_zero(page_bytes), unit_shift));
}

// Whatever the system puts at these addresses next is not ours to poison.
Arena::~Arena() { UnpoisonMemory(base_, uint64_t{pages_end_} << page_shift_); }

bool Arena::OpenPages(uint32_t first, uint32_t count) {
  const uint64_t offset = uint64_t{first} << page_shift_;
  const uint64_t bytes = uint64_t{count} << page_shift_;
  UnpoisonMemory(base_ + offset, bytes);
  for (uint32_t end = pages_end_; end < first + count;) {
    if (pages_end_.compare_exchange_weak(end, first + count)) break;
  }
  const bool open = range_->Open(offset, bytes);
  if (open) PoisonMemory(base_ + offset, bytes);
  return open;
}

// All of it stays readable until whoever knows what is on the pages poisons the rest.
bool Arena::ReopenPages(uint32_t first, uint32_t count) {
  pages_end_ = std::max<uint32_t>(pages_end_, first + count);
  return range_->Reopen(uint64_t{first} << page_shift_, uint64_t{count} << page_shift_);
}

void Arena::ClosePage(uint32_t page) { range_->Close(uint64_t{page} << page_shift_, page_bytes()); }

void* MapZeroed(uint64_t bytes) {
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == MAP_FAILED ? nullptr : start;
}

void UnmapZeroed(void* start, uint64_t bytes) { munmap(start, bytes); }

uint64_t PhysicalMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace larder
