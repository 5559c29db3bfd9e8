#pragma once

#include <cstddef>

// Under address sanitizer, what is not an item's may not be touched, though it lies in memory of
// ours: free chunks behind their header, the slack behind an item, pages not yet cut. Without
// this, the arena would hide every overrun.

#if defined(__SANITIZE_ADDRESS__)
#define LARDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARDER_ASAN 1
#endif
#endif

#ifdef LARDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace larder {

#ifdef LARDER_ASAN
inline constexpr bool kPoisons = true;
inline void PoisonMemory(const void* start, size_t bytes) {
  ASAN_POISON_MEMORY_REGION(start, bytes);
}
inline void UnpoisonMemory(const void* start, size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(start, bytes);
}
#else
inline constexpr bool kPoisons = false;
inline void PoisonMemory(const void*, size_t) {}
inline void UnpoisonMemory(const void*, size_t) {}
#endif

}  // namespace larder
