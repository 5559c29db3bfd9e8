#include "bench/replay/replay.h"

#include <algorithm>
#include <vector>

#include "bench/load/keys.h"
#include "bench/load/worker.h"

namespace larder::bench {
namespace {

constexpr uint64_t kBatch = 4096;

// The request with which a tenth ends.
uint64_t EndOfTenth(size_t tenth, uint64_t requests) { return requests * (tenth + 1) / kTenths; }

}  // namespace

double LoadSummary::LeastMissRatio() const {
  Tenth all;
  for (const Tenth& tenth : tenths) {
    all.gets += tenth.gets;
    all.first_gets += tenth.first_gets;
  }
  return all.gets == 0 ? 0 : static_cast<double>(all.first_gets) / static_cast<double>(all.gets);
}

LoadSummary Summarize(Load& load) {
  LoadSummary summary{.requests = load.requests()};
  std::vector<bool> seen(kKeyCountMax);
  uint64_t done = 0;
  for (size_t i = 0; i < kTenths; ++i) {
    LoadSummary::Tenth& tenth = summary.tenths[i];
    for (; done < EndOfTenth(i, load.requests()); ++done) {
      const Request request = load.Next();
      const bool first = !seen[request.key];
      if (first) ++summary.keys;
      seen[request.key] = true;
      if (request.op != Op::kGet) continue;
      ++tenth.gets;
      if (first) ++tenth.first_gets;
    }
  }
  return summary;
}

absl::StatusOr<ReplayResult> Replay(Load& load, Cache& cache) {
  ReplayResult result;
  std::vector<Request> batch;
  const uint64_t start_ns = MonotonicNs();
  uint64_t done = 0;
  for (size_t tenth = 0; tenth < kTenths; ++tenth) {
    const uint64_t end = EndOfTenth(tenth, load.requests());
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
