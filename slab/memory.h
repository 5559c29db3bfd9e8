#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "slab/item.h"

// Memory from the system: ranges of addresses that are reserved once and opened piece by piece.
//
// A reservation costs address space only. Opening a piece asks for huge pages and touches the
// memory, so that no page fault happens later under a lock; closing gives it back to the system.
// With huge pages a lookup spares the page walk that would cost as much as the item's own line.

namespace larder {

// A range of addresses without access, of which parts are opened. Different parts may be opened and
// closed by different threads at once.
class AddressRange {
 public:
  static constexpr uint64_t kFrameBytes = uint64_t{2} << 20;  // of a huge page

  // Rounds `bytes` up to whole frames; starts at a frame's boundary. With a file (a descriptor that
  // must stay open; -1: none), the memory is the file's, from its start: what is written is there
  // for whoever reserves a range on the file later, and the file is made as long as the range.
  static absl::StatusOr<std::unique_ptr<AddressRange>> Reserve(uint64_t bytes, bool lock,
                                                               int file = -1);
  ~AddressRange();

  AddressRange(const AddressRange&) = delete;
  AddressRange& operator=(const AddressRange&) = delete;

  char* base() const { return base_; }
  uint64_t bytes() const { return bytes_; }
  // False if locking was asked for and the system refused it once.
  bool locked() const { return locked_.load(std::memory_order_relaxed); }

  // Makes [offset, offset + bytes) readable and writable and has the system provide the memory
  // now; what is there stays. False if it cannot. Multiples of the system's page size.
  bool Open(uint64_t offset, uint64_t bytes);
  // The same for a piece of a file that is to keep what is in it.
  bool Reopen(uint64_t offset, uint64_t bytes);
  // Gives the memory back, not a file's, and leaves access: it reads as zeroes from now on. Use of
  // it costs memory again.
  void Discard(uint64_t offset, uint64_t bytes);
  // Gives the memory back, a file's too, and takes access away.
  void Close(uint64_t offset, uint64_t bytes);

 private:
  AddressRange(char* mapping, uint64_t mapping_bytes, char* base, uint64_t bytes, bool lock,
               int file)
      : mapping_(mapping),
        mapping_bytes_(mapping_bytes),
        base_(base),
        bytes_(bytes),
        file_(file),
        locked_(lock) {}

  // Gives access, and locks what is to be locked.
  bool Allow(uint64_t offset, uint64_t bytes);

  char* mapping_;
  uint64_t mapping_bytes_;
  char* base_;
  uint64_t bytes_;
  int file_;
  std::atomic<bool> locked_;
};

// Where the items are: pages of one size in an address range. Items are named by Location, not by
// pointer, so that a location fits in 37 bits and means the same wherever the range lies.
class Arena {
 public:
  static absl::StatusOr<std::unique_ptr<Arena>> Create(uint64_t bytes, uint32_t page_bytes,
                                                       bool lock, int file = -1);

  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Chunk sizes are multiples of it.
  uint32_t unit_bytes() const { return 1u << unit_shift_; }
  uint32_t page_bytes() const { return 1u << page_shift_; }
  uint32_t pages() const { return static_cast<uint32_t>(range_->bytes() >> page_shift_); }
  bool locked() const { return range_->locked(); }

  Item* ItemAt(Location location) const {
    return reinterpret_cast<Item*>(base_ + (location << unit_shift_));
  }
  ItemPart* PartAt(Location location) const {
    return reinterpret_cast<ItemPart*>(base_ + (location << unit_shift_));
  }
  Location LocationOf(const void* chunk) const {
    return static_cast<uint64_t>(static_cast<const char*>(chunk) - base_) >> unit_shift_;
  }
  uint32_t PageOf(Location location) const {
    return static_cast<uint32_t>((location << unit_shift_) >> page_shift_);
  }
  uint32_t OffsetInPage(Location location) const {
    return static_cast<uint32_t>(location << unit_shift_) & (page_bytes() - 1);
  }
  Location LocationIn(uint32_t page, uint32_t offset_bytes) const {
    return ((uint64_t{page} << page_shift_) + offset_bytes) >> unit_shift_;
  }

  uint32_t PagesPerFrame() const {
    return static_cast<uint32_t>(AddressRange::kFrameBytes >> page_shift_);
  }
  // The page pool sees to it that nobody else does anything with these pages. Pages of one frame
  // opened together can have a huge page.
  bool OpenPages(uint32_t first, uint32_t count);
  // Of a file, with what is in it.
  bool ReopenPages(uint32_t first, uint32_t count);
  void ClosePage(uint32_t page);

 private:
  Arena(std::unique_ptr<AddressRange> range, int page_shift, int unit_shift)
      : range_(std::move(range)),
        base_(range_->base()),
        page_shift_(page_shift),
        unit_shift_(unit_shift) {}

  std::unique_ptr<AddressRange> range_;
  char* base_;
  int page_shift_;
  int unit_shift_;
  std::atomic<uint32_t> pages_end_{0};  // none was opened from here on
};

// Zeroed memory for `count` objects whose zero bytes are their start, provided by the system page
// by page as it is touched.
template <typename T>
class LazyArray {
 public:
  static absl::StatusOr<LazyArray> Create(uint64_t count);
  T& operator[](uint64_t i) const { return data_.get()[i]; }

 private:
  struct Unmap {
    uint64_t bytes;
    void operator()(T* data) const;
  };
  explicit LazyArray(T* data, uint64_t bytes) : data_(data, Unmap{bytes}) {}

  std::unique_ptr<T, Unmap> data_;
};

// Physical memory of the machine.
uint64_t PhysicalMemoryBytes();

void* MapZeroed(uint64_t bytes);  // null if the system refuses
void UnmapZeroed(void* start, uint64_t bytes);

template <typename T>
absl::StatusOr<LazyArray<T>> LazyArray<T>::Create(uint64_t count) {
  void* data = MapZeroed(count * sizeof(T));
  if (data == nullptr) return absl::ResourceExhaustedError("cannot map memory for page records");
  return LazyArray(static_cast<T*>(data), count * sizeof(T));
}

template <typename T>
void LazyArray<T>::Unmap::operator()(T* data) const {
  UnmapZeroed(data, bytes);
}

}  // namespace larder
