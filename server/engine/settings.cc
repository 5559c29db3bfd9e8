#include "server/engine/settings.h"

namespace larder {

const char* ProtocolName(ProtocolChoice protocol) {
  switch (protocol) {
    case ProtocolChoice::kText:
      return "ascii";
    case ProtocolChoice::kBinary:
      return "binary";
    case ProtocolChoice::kNegotiate:
      break;
  }
  return "auto-negotiate";
}

StoreOptions StoreOptionsFrom(const Settings& settings, uint64_t hash_seed) {
  // Without CAS an item of memcached's is 8 bytes smaller, and so its value may be 8 bytes larger.
  constexpr uint32_t kCasBytes = 8;
  ItemLimit limit;
  limit.item_bytes_max = settings.item_bytes_max;
  if (!settings.cas) limit.overhead_bytes -= kCasBytes;
  return {.memory_bytes = settings.memory_bytes,
          .item_limit = limit,
          .growth_factor = settings.growth_factor,
          .slab_sizes = settings.slab_sizes,
          .value_bytes_min = settings.value_bytes_min,
          .evict = settings.evict,
          .lock_memory = settings.lock_memory,
          .probation_percent = settings.lru_maintainer ? settings.probation_percent : 0,
          .sweeper = settings.sweeper,
          .sweep_seconds = settings.sweep_seconds,
          .automove = settings.automove != 0,
          .track_sizes = settings.track_sizes,
          .hash_seed = hash_seed};
}

}  // namespace larder
