// larder-bench: puts load on a server that speaks memcached's text protocol, and measures it.
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

#include "bench/load/fill.h"
#include "bench/load/json_file.h"
#include "bench/load/load_run.h"
#include "bench/load/options.h"
#include "bench/load/report.h"
#include "bench/load/workload.h"

namespace larder::bench {
namespace {

// On stdout are either the lines for people or the JSON.
bool ShowsText(const Options& options) { return options.json_path != "-"; }

absl::Status Fill(const Options& options, LoadRun& run, nlohmann::json& json) {
  const auto filled = FillUntilEviction(options, run);
  if (!filled.ok()) return filled.status();
  if (ShowsText(options)) PrintFill(*filled);
  json["fill"] = FillJson(*filled);
  return absl::OkStatus();
}

absl::Status Load(const Options& options, LoadRun& run, nlohmann::json& json) {
  if (options.populate || options.populate_only) {
    const auto populated = run.Populate();
    if (!populated.ok()) return populated.status();
    if (ShowsText(options)) PrintPopulate(**populated);
    json["populate"] = PhaseJson(**populated);
  }
  if (options.populate_only) return absl::OkStatus();
  if (options.warmup_seconds > 0) {
    const auto warmed_up = run.WarmUp();
    if (!warmed_up.ok()) return warmed_up.status();
  }
  const auto measured = run.Measure();
  if (!measured.ok()) return measured.status();
  if (ShowsText(options)) PrintRun(options, **measured);
  json["run"] = PhaseJson(**measured);
  return absl::OkStatus();
}

absl::Status Run(const Options& options) {
  const Workload workload(options.workload);
  const auto run = LoadRun::Connect(options, workload);
  if (!run.ok()) return run.status();
  if (ShowsText(options)) PrintLoad(options);
  nlohmann::json json = {{"load", LoadJson(options, workload)}};
  absl::Status status =
      options.fill_until_eviction ? Fill(options, **run, json) : Load(options, **run, json);
  if (status.ok() && !options.json_path.empty()) status = WriteJson(options.json_path, json);
  return status;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);  // what TLS sends may meet a closed connection
  larder::bench::Options options;
  if (const auto exit_code = larder::bench::ParseOptions(argc, argv, options)) return *exit_code;
  const absl::Status status = larder::bench::Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "larder-bench: %s\n", std::string(status.message()).c_str());
  return 1;
}
