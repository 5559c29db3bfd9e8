#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "bench/load/arrivals.h"
#include "bench/load/socket.h"
#include "bench/load/workload.h"

namespace larder::bench {

// What the command line asks for.
struct Options {
  Endpoint server{.host = "127.0.0.1", .port = 11211};
  bool tls = false;      // which server.tls is then for
  std::string ca_path;   // of those who may sign the server's certificate; empty: anybody
  pid_t server_pid = 0;  // 0: its CPU time is not measured

  WorkloadSpec workload;
  uint32_t connections = 50;
  uint32_t threads = 1;
  uint32_t pipeline = 1;
  std::optional<ArrivalSchedule::Spec> arrivals;  // open loop

  bool polls = false;  // the generator never sleeps

  bool populate = false;
  bool populate_only = false;
  uint32_t populate_pipeline = 32;
  double warmup_seconds = 0;
  double seconds = 0;     // 0: no limit
  uint64_t requests = 0;  // 0: no limit

  bool fill_until_eviction = false;
  uint32_t check_every = 5000;  // items between two looks at the server's statistics

  double reply_timeout_seconds = 10;
  uint64_t seed = 1;
  std::string json_path;  // "-" is standard output, which then has nothing else; empty: none
  bool quiet = false;     // no progress lines
};

// Fills `options`, or returns the exit code with which to end at once: after --help, or after a
// line on stderr that says what is wrong.
std::optional<int> ParseOptions(int argc, char** argv, Options& options);

}  // namespace larder::bench
