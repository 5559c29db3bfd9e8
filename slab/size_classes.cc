#include "slab/size_classes.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "slab/lane.h"

namespace larder {
namespace {

constexpr uint32_t kClassesInPowerOfTwo = 8;

uint32_t RoundUp(uint32_t bytes, uint32_t unit) { return (bytes + unit - 1) / unit * unit; }

// The next size after `bytes`: by the factor given, or an eighth of the power of two below. From a
// sixteenth of a page on, the page is cut into one chunk less each time, so that nothing is left.
uint32_t NextSize(uint32_t bytes, const SizeClassOptions& options) {
  uint32_t next = 0;
  if (options.growth_factor > 1) {
    next = static_cast<uint32_t>(
        std::min<double>(std::ceil(bytes * options.growth_factor), options.page_bytes));
  } else {
    const uint32_t chunks = options.page_bytes / bytes;
    next = chunks <= 2 * kChunksInPageMin
               ? options.page_bytes / (chunks - 1) / options.unit_bytes * options.unit_bytes
               : bytes + std::bit_floor(bytes) / kClassesInPowerOfTwo;
  }
  return RoundUp(std::max(next, bytes + options.unit_bytes), options.unit_bytes);
}

}  // namespace

SizeClasses::SizeClasses(const SizeClassOptions& options)
    : page_bytes_(options.page_bytes),
      unit_shift_(std::countr_zero(options.unit_bytes)),
      chunk_bytes_{0} {
  const uint32_t largest = options.page_bytes / kChunksInPageMin;
  options.sizes.empty() ? AddGrowing(options, largest) : AddGiven(options, largest);
  chunk_bytes_.push_back(largest);

  class_for_.resize(largest / options.unit_bytes + 1);
  uint8_t class_id = 1;
  for (uint32_t units = 0; units < class_for_.size(); ++units) {
    while (chunk_bytes_[class_id] < units * options.unit_bytes) ++class_id;
    class_for_[units] = class_id;
  }
}

void SizeClasses::AddGrowing(const SizeClassOptions& options, uint32_t largest) {
  uint32_t bytes = RoundUp(std::min(options.chunk_bytes_min, largest), options.unit_bytes);
  // A factor close to 1 would need more classes than there are numbers for: the last one is then
  // the largest chunk, as in memcached.
  while (bytes < largest && chunk_bytes_.size() + 1 < kClassesMax) {
    chunk_bytes_.push_back(bytes);
    bytes = NextSize(bytes, options);
  }
}

void SizeClasses::AddGiven(const SizeClassOptions& options, uint32_t largest) {
  for (const uint32_t size : options.sizes) {
    const uint32_t bytes = RoundUp(std::max(size, options.chunk_bytes_min), options.unit_bytes);
    if (bytes >= largest || chunk_bytes_.size() + 1 >= kClassesMax) return;
    if (bytes > chunk_bytes_.back()) chunk_bytes_.push_back(bytes);
  }
}

}  // namespace larder
