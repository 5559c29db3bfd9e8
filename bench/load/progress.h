#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/process_stats.h"
#include "bench/load/worker.h"

namespace larder::bench {

// The line that shows what a phase does at the moment.
class Progress {
 public:
  // Begins the first interval. All must outlive this object.
  Progress(std::string_view phase, const std::vector<std::unique_ptr<Worker>>& workers,
           const std::optional<ProcessCpu>& server_cpu);

  // Prints the rates since the last call (or since construction) to stderr.
  void Print();

 private:
  struct Sample {
    uint64_t at_ns = 0;
    uint64_t requests = 0;
    uint64_t keys = 0;
    double server_cpu_seconds = 0;
  };

  Sample Take() const;

  std::string phase_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  const std::optional<ProcessCpu>& server_cpu_;
  Sample first_;
  Sample last_;
};

}  // namespace larder::bench
