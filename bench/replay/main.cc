// larder-replay: asks a Store for the keys of a trace, stores what it does not find, and prints the
// miss ratio.
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

#include "bench/load/json_file.h"
#include "bench/replay/options.h"
#include "bench/replay/replay.h"
#include "bench/replay/report.h"
#include "bench/replay/store_cache.h"
#include "bench/replay/synthetic.h"
#include "bench/replay/trace.h"

namespace larder::bench {
namespace {

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

absl::Status Run(const ReplayOptions& options) {
  const bool shows_text = options.json_path != "-";
  const auto source = LoadSource::Open(options);
  if (!source.ok()) return source.status();
  nlohmann::json runs = nlohmann::json::array();
  if (shows_text) PrintHeading();
  for (const double memory_mib : options.memory_mib) {
    const StoreOptions store_options = {
        .memory_bytes = static_cast<uint64_t>(memory_mib * (1 << 20)),
        .probation_percent = options.probation_percent};
    const auto cache = StoreCache::Create(store_options, options.key_bytes);
    if (!cache.ok()) return cache.status();
    const std::unique_ptr<Load> load = source->Begin();
    const auto result = Replay(*load, **cache);
    if (!result.ok()) return result.status();
    if (shows_text) PrintRun(memory_mib, *result);
    nlohmann::json run = RunJson(*result);
    run["memory_mib"] = memory_mib;
    run["store"] = StoreJson((*cache)->store().Stats());
    runs.push_back(std::move(run));
  }
  if (options.json_path.empty()) return absl::OkStatus();
  return WriteJson(options.json_path, {{"runs", runs}});
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
