#include "bench/replay/options.h"

#include "CLI/CLI.hpp"

#include "bench/load/keys.h"
#include "bench/load/option_parsing.h"

namespace larder::bench {
namespace {

constexpr double kMemoryMibMax = 1 << 20;
constexpr double kMultiples[] = {0.5, 1, 1.5, 2, 4};

void AddTrace(CLI::App& app, ReplayOptions& options) {
  auto* trace = app.add_option("--trace", options.trace_path,
                               "Replay this file: CSV if .csv is in its name, else oracleGeneral; "
                               "zstd-compressed or not");
  app.add_option("--copies", options.copies, "Interleave so many copies with keys of their own")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000))
      ->needs(trace);
  app.add_flag("--stagger", options.staggered,
               "The copies begin at different places of the trace, not all at the first")
      ->needs(trace);
  app.add_flag("--ignore-ttl", options.ignores_ttls, "Nothing expires, whatever the trace says")
      ->needs(trace);
}

void AddSynthetic(CLI::App& app, SyntheticSpec& spec) {
  app.add_option("-k,--keys", spec.keys, "Without a trace: number of keys of Zipf's law")
      ->capture_default_str()
      ->check(CLI::Range(1U, kKeyCountMax / 2));
  app.add_option("--theta", spec.theta, "Its exponent; 0 is uniform")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 10.0));
  app.add_option("--one-hit-wonders", spec.one_hit_wonders,
                 "Share of requests for keys that come once only")
      ->check(CLI::Range(0.0, 1.0));
  auto* scan_keys = app.add_option("--scan-keys", spec.scan_keys,
                                   "Now and then so many keys are asked for one after the other")
                        ->check(CLI::Range(1U, kKeyCountMax / 2));
  app.add_option("--scan-every", spec.scan_every, "A scan begins after each so many requests")
      ->needs(scan_keys);
  app.add_option("--drift-every", spec.drift_every,
                 "After each so many requests the least popular key becomes the most popular one")
      ->check(CLI::PositiveNumber);
  app.add_option("--then-value-bytes", Through(ParseValueSizes, spec.later_value_sizes),
                 "In the second half of the run, other keys with values of these sizes take the "
                 "place of all others")
      ->type_name("SIZES");
  app.add_option("--requests-per-second", spec.requests_per_second, "Of the load's own time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", spec.seed, "Of all that is random")->capture_default_str();
}

void AddBoth(CLI::App& app, ReplayOptions& options) {
  app.add_option("--value-bytes", Through(ParseValueSizes, options.value_sizes),
                 "Length of the values: BYTES, MIN-MAX or lognormal:MEDIAN,SIGMA,MAX; fixed for "
                 "each key [the trace's own, or 100]")
      ->type_name("SIZES");
  app.add_option("--key-bytes", options.key_bytes, "Length of every key")
      ->capture_default_str()
      ->check(CLI::Range(kKeyBytesMin, kKeyBytesMax));
  app.add_option("-n,--requests", options.requests,
                 "Requests of all copies together [the whole trace, or 20,000,000]")
      ->check(CLI::PositiveNumber);
}

void AddStore(CLI::App& app, ReplayOptions& options, bool& multiples) {
  auto* memory =
      app.add_option("-m,--memory", options.memory_mib, "A store's memory in MiB; one run for each")
          ->delimiter(',')
          ->check(CLI::Range(1.0, kMemoryMibMax));
  app.add_flag("--multiples", multiples,
               "Runs with a half, one, one and a half, two and four times each memory")
      ->needs(memory);
  app.add_option("--probation", options.probation_percent,
                 "The store's share of new items, in percent")
      ->capture_default_str()
      ->check(CLI::Range(0, 90))
      ->needs(memory);
}

void AddServer(CLI::App& app, ReplayOptions& options) {
  auto* host = app.add_option("--host", options.server.host, "The server's name or address")
                   ->capture_default_str();
  auto* port = app.add_option("-p,--port", options.server.port,
                              "Ask the server on this TCP port, not a store in this process")
                   ->check(CLI::Range(1, 65535))
                   ->excludes("--memory");
  auto* pid = app.add_option("--server-pid", options.server_pid,
                             "Its process, on this machine, whose memory is looked at")
                  ->check(CLI::PositiveNumber);
  host->needs(port);
  port->needs(pid);
  pid->needs(port);
}

void Complete(ReplayOptions& options, bool multiples) {
  SyntheticSpec& synthetic = options.synthetic;
  if (options.requests != 0) synthetic.requests = options.requests;
  if (options.value_sizes) synthetic.value_sizes = *options.value_sizes;
  const absl::Status status = Check(synthetic);
  if (options.trace_path.empty() && !status.ok()) {
    throw CLI::ValidationError(std::string(status.message()));
  }
  if (options.memory_mib.empty() && options.server.port == 0) {
    throw CLI::RequiredError("--memory or --port");
  }
  if (!multiples) return;
  std::vector<double> multiplied;
  for (const double mib : options.memory_mib) {
    for (const double multiple : kMultiples) multiplied.push_back(multiple * mib);
  }
  options.memory_mib = std::move(multiplied);
}

}  // namespace

std::optional<int> ParseReplayOptions(int argc, char** argv, ReplayOptions& options) {
  CLI::App app("Replays a trace, or a synthetic load, cache-aside, and counts the misses.",
               "larder-replay");
  bool multiples = false;
  app.set_version_flag("-V,--version", "larder-replay " LARDER_VERSION);
  AddTrace(app, options);
  AddSynthetic(app, options.synthetic);
  AddBoth(app, options);
  AddStore(app, options, multiples);
  AddServer(app, options);
  app.add_option("--json", options.json_path, "Write the results to this file, - for stdout");
  try {
    app.parse(argc, argv);
    Complete(options, multiples);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

}  // namespace larder::bench
