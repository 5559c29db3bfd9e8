#include "bench/load/load_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <utility>

#include "absl/status/status.h"

#include "bench/load/progress.h"

namespace larder::bench {
namespace {

constexpr auto kProgressEvery = std::chrono::seconds(1);

// The part of `total` that falls to one of `parts`; the parts differ by one at most.
uint64_t Share(uint64_t total, size_t parts, size_t index) {
  return total / parts + (index < total % parts ? 1 : 0);
}

uint64_t ToNs(double seconds) { return static_cast<uint64_t>(seconds * 1e9); }

}  // namespace

LoadRun::LoadRun(const Options& options, const Workload& workload)
    : options_(options), workload_(workload) {}

absl::StatusOr<std::unique_ptr<LoadRun>> LoadRun::Connect(const Options& options,
                                                          const Workload& workload) {
  std::unique_ptr<LoadRun> run(new LoadRun(options, workload));
  if (options.server_pid != 0) {
    auto server_cpu = ProcessCpu::Of(options.server_pid);
    if (!server_cpu.ok()) return server_cpu.status();
    run->server_cpu_ = *server_cpu;
  }
  for (size_t i = 0; i < options.threads; ++i) {
    std::vector<Socket> sockets;
    for (uint64_t left = Share(options.connections, options.threads, i); left > 0; --left) {
      auto socket = ConnectTo(options.server);
      if (!socket.ok()) return socket.status();
      sockets.push_back(*std::move(socket));
    }
    auto worker =
        Worker::Make(workload, std::move(sockets),
                     {.pipeline_max = std::max(options.pipeline, options.populate_pipeline),
                      .seed = MixBits(options.seed + i),
                      .polls = options.polls,
                      .reply_timeout_ns = ToNs(options.reply_timeout_seconds)});
    if (!worker.ok()) return worker.status();
    run->workers_.push_back(*std::move(worker));
  }
  return run;
}

absl::StatusOr<std::unique_ptr<PhaseResult>> LoadRun::Populate() {
  std::vector<Phase> phases;
  for (size_t i = 0; i < workers_.size(); ++i) {
    phases.push_back(
        {.store = Phase::IdsInOrder{.first = static_cast<uint32_t>(i), .step = options_.threads},
         .pipeline = options_.populate_pipeline,
         .requests = Share(workload_.spec.key_count, workers_.size(), i)});
  }
  return Run("populate", phases);
}

absl::StatusOr<std::unique_ptr<PhaseResult>> LoadRun::WarmUp() {
  return Run("warm-up", MixedPhases(options_.warmup_seconds, 0));
}

absl::StatusOr<std::unique_ptr<PhaseResult>> LoadRun::Measure() {
  return Run("run", MixedPhases(options_.seconds, options_.requests));
}

absl::Status LoadRun::Store(uint32_t first, uint64_t count, Tally& tally) {
  const Phase phase{.store = Phase::IdsInOrder{.first = first, .step = 1},
                    .pipeline = options_.populate_pipeline,
                    .requests = count};
  return workers_.front()->Run(phase, tally, std::atomic<bool>(false));
}

// 0 is no limit, in both.
std::vector<Phase> LoadRun::MixedPhases(double seconds, uint64_t requests) const {
  std::vector<Phase> phases;
  for (size_t i = 0; i < workers_.size(); ++i) {
    Phase phase{.arrivals = options_.arrivals, .pipeline = options_.pipeline};
    if (phase.arrivals) phase.arrivals->per_second /= static_cast<double>(workers_.size());
    if (requests > 0) phase.requests = Share(requests, workers_.size(), i);
    if (seconds > 0) phase.duration_ns = ToNs(seconds);
    phases.push_back(phase);
  }
  return phases;
}

absl::StatusOr<std::unique_ptr<PhaseResult>> LoadRun::Run(std::string_view name,
                                                          const std::vector<Phase>& phases) {
  auto result = std::make_unique<PhaseResult>();
  std::vector<Tally> tallies(workers_.size());
  CpuTimes server_before;
  if (server_cpu_) {
    const auto times = server_cpu_->Read();
    if (!times.ok()) return times.status();
    server_before = *times;
  }
  const double generator_before = OwnCpuSeconds();
  const uint64_t start_ns = MonotonicNs();

  const absl::Status status = RunThreads(name, phases, tallies);
  if (!status.ok()) return status;

  result->seconds = static_cast<double>(MonotonicNs() - start_ns) * 1e-9;
  result->generator_cpu_seconds = OwnCpuSeconds() - generator_before;
  if (server_cpu_) {
    const auto times = server_cpu_->Read();
    if (!times.ok()) return times.status();
    result->server_cpu = *times - server_before;
  }
  for (const Tally& tally : tallies) result->tally.Merge(tally);
  return result;
}

// A thread for each worker, while this one shows their progress. The first error stops all.
absl::Status LoadRun::RunThreads(std::string_view name, const std::vector<Phase>& phases,
                                 std::vector<Tally>& tallies) {
  std::atomic<bool> stop{false};
  std::vector<std::future<absl::Status>> ends;
  for (size_t i = 0; i < workers_.size(); ++i) {
    ends.push_back(std::async(std::launch::async, [&, i] {
      absl::Status status = workers_[i]->Run(phases[i], tallies[i], stop);
      if (!status.ok()) stop.store(true, std::memory_order_relaxed);
      return status;
    }));
  }
  Progress progress(name, workers_, server_cpu_);
  auto next = std::chrono::steady_clock::now() + kProgressEvery;
  absl::Status first_error;
  for (auto& end : ends) {
    for (; end.wait_until(next) == std::future_status::timeout; next += kProgressEvery) {
      if (!options_.quiet) progress.Print();
    }
    first_error.Update(end.get());
  }
  return first_error;
}

}  // namespace larder::bench
