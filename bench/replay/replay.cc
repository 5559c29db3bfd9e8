#include "bench/replay/replay.h"

#include <algorithm>
#include <vector>

#include "bench/load/worker.h"

namespace larder::bench {
namespace {

constexpr uint64_t kBatch = 4096;

}  // namespace

absl::StatusOr<ReplayResult> Replay(Load& load, Cache& cache) {
  ReplayResult result;
  std::vector<Request> batch;
  const uint64_t start_ns = MonotonicNs();
  uint64_t done = 0;
  for (size_t tenth = 0; tenth < result.tenths.size(); ++tenth) {
    const uint64_t end = load.requests() * (tenth + 1) / result.tenths.size();
    while (done < end) {
      batch.resize(std::min(kBatch, end - done));
      for (Request& request : batch) request = load.Next();
      if (absl::Status status = cache.Do(batch, result.tenths[tenth]); !status.ok()) return status;
      done += batch.size();
    }
  }
  result.seconds = static_cast<double>(MonotonicNs() - start_ns) * 1e-9;
  const auto resident = cache.ResidentBytes();
  if (!resident.ok()) return resident.status();
  result.resident_bytes = *resident;
  return result;
}

}  // namespace larder::bench
