#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slab/store_types.h"

// What an operator chooses at start. A plain value: the command line fills it, everything else
// gets the part it needs handed in. Defaults are memcached 1.6.45's, but for the size classes.

namespace larder {

// The memcached whose behaviour larder has. Clients read it from `version` and from `stats` and
// decide by it what they may send.
inline constexpr char kCompatibleVersion[] = "1.6.45";

// Which protocols a connection may speak.
enum class ProtocolChoice : uint8_t {
  kNegotiate,  // whichever its first byte shows
  kText,       // classic text and meta
  kBinary,
};

// As memcached's statistics and messages call it.
const char* ProtocolName(ProtocolChoice protocol);

enum class TlsVerify : uint8_t { kNone, kRequest, kRequire, kOnce };
enum class TlsVersion : uint8_t { k1_0, k1_1, k1_2, k1_3 };
enum class TlsKeyFormat : uint8_t { kPem, kDer, kEngine };

// -Z and the ssl_* of -o.
struct TlsSettings {
  bool enabled = false;
  std::string chain_cert;  // a file
  std::string key;         // a file; empty: in chain_cert
  TlsKeyFormat key_format = TlsKeyFormat::kPem;
  TlsVerify verify = TlsVerify::kNone;
  std::string ciphers;  // as OpenSSL takes them; empty: its default
  std::string ca_cert;  // a file; empty: none
  uint32_t write_buffer_bytes = 16 << 10;
  bool session_cache = false;
  bool kernel_offload = false;
  TlsVersion version_min = TlsVersion::k1_2;
};

struct Settings {
  // Memory and items.
  uint64_t memory_bytes = uint64_t{64} << 20;  // -m
  uint32_t item_bytes_max = 1 << 20;           // -I
  double growth_factor = 0;                    // -f; 0: eight classes for every power of two
  std::vector<uint32_t> slab_sizes;            // -o slab_sizes, growing; empty: by growth_factor
  uint32_t value_bytes_min = 8;                // -n
  bool evict = true;                           // false: -M
  bool cas = true;                             // false: -C
  bool lock_memory = false;                    // -k
  uint32_t probation_percent = 20;             // of a class's chunks, while segmented
  bool lru_maintainer = true;                  // false: not segmented, until a command says so
  int hash_power = 16;                         // -o hashpower: the least that is shown
  bool track_sizes = false;                    // -o track_sizes: count items for `stats sizes`
  bool track_turn_times = false;               // -o track_turn_times: for `stats turns`
  std::string memory_file;                     // -e; empty: memory of the process

  // Serving.
  int threads = 4;               // -t
  int requests_per_event = 20;   // -R
  int connections_max = 1024;    // -c
  bool maxconns_fast = true;     // -o: refuse at the limit; else stop accepting there
  int backlog = 1024;            // -b
  int idle_timeout_seconds = 0;  // -o idle_timeout; 0: none
  int verbosity = 0;             // -v, at the start; Engine::verbosity() is the present one
  // -p. -1: one that is free; so is 0, unless there is UDP: then there is no TCP.
  int tcp_port = 11211;
  std::string listen;                                    // -l as given; empty: every address
  int udp_port = 0;                                      // -U; 0: none, -1: one that is free
  std::string unix_socket;                               // -s; empty: none
  unsigned unix_mask = 0700;                             // -a
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;  // -B
  TlsSettings tls;

  // Who may do what.
  std::string auth_file;          // -Y; empty: none
  bool sasl = false;              // -S
  bool shutdown_command = false;  // -A
  bool flush_command = true;      // false: -F
  bool dump_commands = true;      // false: -X
  bool watch_command = true;      // false: -W

  // Statistics by the part of the key before this; counted from the start if -D gave it.
  char prefix_delimiter = ':';  // -D
  bool prefix_stats = false;

  // Samples.
  uint32_t hot_keys_sample = 1000;  // --hotkeys-sample: one request of so many; 0: none
  bool miss_ratio_curve = true;     // --mrc

  // Background work, as at the start; commands change it while the server runs.
  bool sweeper = true;                          // -o lru_crawler
  uint32_t sweep_seconds = 10;                  // -o sweep_interval
  int automove = 1;                             // -o slab_automove: 0, 1 or 2
  bool slab_reassign = true;                    // -o slab_reassign: pages may be asked to move
  uint32_t watcher_buffer_bytes = 256 << 10;    // -o watcher_logbuf_size
  uint32_t worker_log_buffer_bytes = 64 << 10;  // -o worker_logbuf_size

  // Names of options that were given and change nothing here.
  std::vector<std::string> without_effect;
};

// The part that the Store needs. `hash_seed` is random in the daemon and chosen in tests.
StoreOptions StoreOptionsFrom(const Settings& settings, uint64_t hash_seed);

}  // namespace larder
