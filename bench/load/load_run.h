#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "bench/load/options.h"
#include "bench/load/process_stats.h"
#include "bench/load/tally.h"
#include "bench/load/worker.h"
#include "bench/load/workload.h"

namespace larder::bench {

// What one phase did, over all threads.
struct PhaseResult {
  Tally tally;
  double seconds = 0;  // from before the first request to behind the last reply
  double generator_cpu_seconds = 0;
  std::optional<CpuTimes> server_cpu;
};

// The connections to one server and the phases run over them, one after the other. One thread.
class LoadRun {
 public:
  // Opens all connections. `options` and `workload` must outlive the run.
  static absl::StatusOr<std::unique_ptr<LoadRun>> Connect(const Options& options,
                                                          const Workload& workload);

  absl::StatusOr<std::unique_ptr<PhaseResult>> Populate();
  absl::StatusOr<std::unique_ptr<PhaseResult>> WarmUp();
  absl::StatusOr<std::unique_ptr<PhaseResult>> Measure();

  // Stores the `count` ids from `first` on. One thread; no progress is shown.
  absl::Status Store(uint32_t first, uint64_t count, Tally& tally);

 private:
  LoadRun(const Options& options, const Workload& workload);

  absl::StatusOr<std::unique_ptr<PhaseResult>> Run(std::string_view name,
                                                   const std::vector<Phase>& phases);
  absl::Status RunThreads(std::string_view name, const std::vector<Phase>& phases,
                          std::vector<Tally>& tallies);
  std::vector<Phase> MixedPhases(double seconds, uint64_t requests) const;

  const Options& options_;
  const Workload& workload_;
  std::optional<ProcessCpu> server_cpu_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace larder::bench
