#include "bench/load/progress.h"

#include <cinttypes>
#include <cstdio>

namespace larder::bench {

Progress::Progress(std::string_view phase, const std::vector<std::unique_ptr<Worker>>& workers,
                   const std::optional<ProcessCpu>& server_cpu)
    : phase_(phase), workers_(workers), server_cpu_(server_cpu), first_(Take()), last_(first_) {}

Progress::Sample Progress::Take() const {
  Sample sample{.at_ns = MonotonicNs()};
  for (const auto& worker : workers_) {
    sample.requests += worker->requests_done();
    sample.keys += worker->keys_done();
  }
  if (server_cpu_) {
    const auto times = server_cpu_->Read();
    if (times.ok()) sample.server_cpu_seconds = times->seconds;
  }
  return sample;
}

void Progress::Print() {
  const Sample now = Take();
  const double seconds = static_cast<double>(now.at_ns - last_.at_ns) * 1e-9;
  const auto per_second = [&](uint64_t later, uint64_t earlier) {
    return static_cast<double>(later - earlier) / seconds;
  };
  std::fprintf(stderr, "%-8s %5.0f s  %9.0f requests/s  %9.0f keys/s", phase_.c_str(),
               static_cast<double>(now.at_ns - first_.at_ns) * 1e-9,
               per_second(now.requests, last_.requests), per_second(now.keys, last_.keys));
  if (server_cpu_) {
    std::fprintf(stderr, "  server %3.0f %% CPU",
                 (now.server_cpu_seconds - last_.server_cpu_seconds) / seconds * 100);
  }
  std::fprintf(stderr, "  %" PRIu64 " requests in all\n", now.requests - first_.requests);
  last_ = now;
}

}  // namespace larder::bench
