#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/socket.h"
#include "bench/replay/synthetic.h"

namespace larder::bench {

// What the command line asks for.
struct ReplayOptions {
  std::string trace_path;  // empty: a synthetic load
  uint32_t copies = 1;
  bool staggered = false;
  bool ignores_ttls = false;
  SyntheticSpec synthetic;
  std::optional<ValueSizeSpec> value_sizes;  // none: those of the trace, or fixed ones
  uint64_t requests = 0;                     // 0: the whole trace, or SyntheticSpec's
  size_t key_bytes = 24;

  std::vector<double> memory_mib;  // of the store, one run each; none: the server is asked instead
  uint32_t probation_percent = 20;
  Endpoint server{.host = "127.0.0.1", .port = 0};
  pid_t server_pid = 0;

  std::string json_path;  // "-" is standard output, which then has nothing else; empty: none
};

// Fills `options`, or returns the exit code with which to end at once: after --help, or after a
// line on stderr that says what is wrong.
std::optional<int> ParseReplayOptions(int argc, char** argv, ReplayOptions& options);

}  // namespace larder::bench
