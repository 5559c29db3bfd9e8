#pragma once

#include <cstdint>
#include <string>

#include "slab/store_types.h"

// What an operator chooses at start. A plain value: the command line fills it, everything else
// gets the part it needs handed in. Defaults are memcached 1.6.45's, but for the size classes.

namespace larder {

// The memcached whose behaviour larder has. Clients read it from `version` and from `stats` and
// decide by it what they may send.
inline constexpr char kCompatibleVersion[] = "1.6.45";

struct Settings {
  // Memory and items.
  uint64_t memory_bytes = uint64_t{64} << 20;  // -m
  uint32_t item_bytes_max = 1 << 20;           // -I
  double growth_factor = 0;                    // -f; 0: eight classes for every power of two
  uint32_t value_bytes_min = 8;                // -n
  bool evict = true;                           // false: -M
  bool cas = true;                             // false: -C
  bool lock_memory = false;                    // -k
  uint32_t probation_percent = 20;             // of a class's chunks
  bool track_sizes = false;                    // -o track_sizes: count items for `stats sizes`

  // Serving.
  int threads = 4;               // -t
  int requests_per_event = 20;   // -R
  int connections_max = 1024;    // -c
  bool maxconns_fast = true;     // -o: refuse at the limit; else stop accepting there
  int backlog = 1024;            // -b
  int idle_timeout_seconds = 0;  // -o idle_timeout; 0: none
  int verbosity = 0;             // -v, at the start; Engine::verbosity() is the present one
  int tcp_port = 11211;          // -p
  std::string listen;            // -l as given; empty: every address
};

// The part that the Store needs. `hash_seed` is random in the daemon and chosen in tests.
StoreOptions StoreOptionsFrom(const Settings& settings, uint64_t hash_seed);

}  // namespace larder
