#pragma once

#include <cstdint>
#include <vector>

// The sizes of chunks.
//
// Class i holds chunks of ChunkBytes(i); classes are numbered from 1 and grow. Eight sizes for
// every power of two waste 4 to 5 % of a chunk on average where memcached's factor of 1.25 wastes
// 11 %; a factor given by the user is obeyed instead. The largest chunk is an eighth of a page, so
// that cutting a page wastes little at any size: with eight classes a power of two, the top ones
// are an eighth, a ninth, ... a sixteenth of a page. Whatever is larger is a chain of chunks. So
// no size lacks a fitting class, and no store needs more contiguous memory than that.

namespace larder {

// So many of the largest chunks make a page.
inline constexpr uint32_t kChunksInPageMin = 8;

struct SizeClassOptions {
  uint32_t page_bytes = 1 << 20;
  uint32_t unit_bytes = 4;        // chunk sizes are multiples of it; a power of two
  uint32_t chunk_bytes_min = 24;  // a header and the least room for a key and a value
  double growth_factor = 0;       // 0: eight classes for every power of two
  // Instead of a rule: the sizes, growing. They are rounded up to units and to the least chunk;
  // those not below the largest chunk are left out, and the largest chunk is always there.
  std::vector<uint32_t> sizes = {};
};

class SizeClasses {
 public:
  explicit SizeClasses(const SizeClassOptions& options);

  int count() const { return static_cast<int>(chunk_bytes_.size()) - 1; }
  uint32_t ChunkBytes(int class_id) const { return chunk_bytes_[static_cast<uint32_t>(class_id)]; }
  uint32_t ChunksPerPage(int class_id) const { return page_bytes_ / ChunkBytes(class_id); }
  uint32_t chunk_bytes_max() const { return chunk_bytes_.back(); }

  // The smallest class whose chunks hold `bytes`; `bytes` is at most chunk_bytes_max().
  int ClassFor(uint32_t bytes) const {
    return class_for_[(bytes + (1u << unit_shift_) - 1) >> unit_shift_];
  }

 private:
  // Fill in the sizes below `largest`.
  void AddGrowing(const SizeClassOptions& options, uint32_t largest);
  void AddGiven(const SizeClassOptions& options, uint32_t largest);

  uint32_t page_bytes_;
  int unit_shift_;
  std::vector<uint32_t> chunk_bytes_;  // [0] is no class
  std::vector<uint8_t> class_for_;     // by size in units, rounded up
};

}  // namespace larder
