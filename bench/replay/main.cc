// larder-replay: asks a Store or a server for the keys of a trace, stores what it does not find,
// and prints the miss ratio.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

#include "bench/load/json_file.h"
#include "bench/load/socket.h"
#include "bench/replay/options.h"
#include "bench/replay/replay.h"
#include "bench/replay/report.h"
#include "bench/replay/server_cache.h"
#include "bench/replay/store_cache.h"
#include "bench/replay/synthetic.h"
#include "bench/replay/trace.h"

namespace larder::bench {
namespace {

// On stdout are either the lines for people or the JSON.
bool ShowsText(const ReplayOptions& options) { return options.json_path != "-"; }

// Makes the load that the options ask for, as often as it is wanted.
class LoadSource {
 public:
  static absl::StatusOr<LoadSource> Open(const ReplayOptions& options) {
    LoadSource source(options);
    if (options.value_sizes) source.value_sizes_.emplace(*options.value_sizes);
    if (options.trace_path.empty()) return source;
    const uint64_t requests_max =
        options.requests == 0 ? UINT64_MAX : options.requests / options.copies;
    auto trace = ReadTrace(options.trace_path, requests_max);
    if (!trace.ok()) return trace.status();
    if (!trace->sizes_known && !options.value_sizes) {
      return absl::InvalidArgumentError("the trace knows no sizes: give --value-bytes");
    }
    if (uint64_t{trace->key_count} * options.copies > kKeyCountMax) {
      return absl::OutOfRangeError("too many keys in so many copies");
    }
    if (trace->has_ttls && !options.ignores_ttls && options.server.port != 0) {
      return absl::InvalidArgumentError(
          "a server's clock is not the trace's, by which things expire: --ignore-ttl for both");
    }
    if (options.ignores_ttls) {
      for (Request& request : trace->requests) request.ttl_seconds = 0;
    }
    source.trace_ = *std::move(trace);
    return source;
  }

  std::unique_ptr<Load> Begin() const {
    if (!trace_) return std::make_unique<SyntheticLoad>(options_.synthetic);
    return std::make_unique<TraceLoad>(
        *trace_, TraceLoadSpec{.copies = options_.copies,
                               .staggered = options_.staggered,
                               .value_sizes = value_sizes_ ? &*value_sizes_ : nullptr});
  }

 private:
  explicit LoadSource(const ReplayOptions& options) : options_(options) {}

  const ReplayOptions& options_;
  std::optional<ValueSource> value_sizes_;
  std::optional<Trace> trace_;
};

absl::StatusOr<nlohmann::json> AskServer(const ReplayOptions& options, const LoadSource& source) {
  auto socket = ConnectTo(options.server);
  if (!socket.ok()) return socket.status();
  const auto cache = ServerCache::Create(*std::move(socket), options.server_pid, options.key_bytes);
  if (!cache.ok()) return cache.status();
  const auto result = Replay(*source.Begin(), **cache);
  if (!result.ok()) return result.status();
  if (ShowsText(options)) PrintRun(ToString(options.server), *result);
  return RunJson(*result);
}

absl::StatusOr<nlohmann::json> AskStore(const ReplayOptions& options, const LoadSource& source,
                                        double memory_mib) {
  const auto cache =
      StoreCache::Create({.memory_bytes = static_cast<uint64_t>(memory_mib * (1 << 20)),
                          .probation_percent = options.probation_percent},
                         options.key_bytes);
  if (!cache.ok()) return cache.status();
  const auto result = Replay(*source.Begin(), **cache);
  if (!result.ok()) return result.status();
  if (ShowsText(options)) PrintRun(absl::StrFormat("%.1f MiB", memory_mib), *result);
  nlohmann::json run = RunJson(*result);
  run["memory_mib"] = memory_mib;
  run["store"] = StoreJson((*cache)->store().Stats());
  return run;
}

absl::Status Run(const ReplayOptions& options) {
  const auto source = LoadSource::Open(options);
  if (!source.ok()) return source.status();
  nlohmann::json runs = nlohmann::json::array();
  const auto keep = [&](absl::StatusOr<nlohmann::json> run) {
    absl::Status status = run.status();
    if (run.ok()) runs.push_back(*std::move(run));
    return status;
  };
  const LoadSummary load = Summarize(*source->Begin());
  if (ShowsText(options)) PrintLoad(load);
  absl::Status status;
  if (options.server.port != 0) status = keep(AskServer(options, *source));
  for (const double memory_mib : options.memory_mib) {
    if (status.ok()) status = keep(AskStore(options, *source, memory_mib));
  }
  if (!status.ok() || options.json_path.empty()) return status;
  return WriteJson(options.json_path, {{"load", LoadJson(load)}, {"runs", runs}});
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::ReplayOptions options;
  if (const auto exit_code = larder::bench::ParseReplayOptions(argc, argv, options)) {
    return *exit_code;
  }
  const absl::Status status = larder::bench::Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "larder-replay: %s\n", std::string(status.message()).c_str());
  return 1;
}
