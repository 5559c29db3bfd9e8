#include "bench/load/options.h"

#include <string_view>

#include "CLI/CLI.hpp"

#include "bench/load/numbers.h"
#include "bench/load/option_parsing.h"

namespace larder::bench {
namespace {

constexpr uint32_t kPipelineMax = 1024;
constexpr uint32_t kKeysPerGetMax = 1024;
constexpr double kSecondsMax = 1e6;

struct Ratio {
  uint32_t gets = 1;
  uint32_t sets = 0;
};

absl::StatusOr<Ratio> ParseRatio(std::string_view text) {
  constexpr uint32_t kWeightMax = 1'000'000;
  const size_t colon = text.find(':');
  if (colon != text.npos) {
    const auto gets = ParseNumber<uint32_t>(text.substr(0, colon));
    const auto sets = ParseNumber<uint32_t>(text.substr(colon + 1));
    if (gets && sets && *gets <= kWeightMax && *sets <= kWeightMax && *gets + *sets > 0) {
      return Ratio{.gets = *gets, .sets = *sets};
    }
  }
  return absl::InvalidArgumentError("a ratio is GETS:SETS, such as 9:1");
}

// What the command line says in other words than Options.
struct Raw {
  Ratio ratio;
  double rate = 0;
  bool even_arrivals = false;
};

void AddServer(CLI::App& app, Options& options) {
  app.add_option("--host", options.server.host, "The server's name or address")
      ->capture_default_str();
  app.add_option("-p,--port", options.server.port, "The server's TCP port")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  app.add_option("--server-pid", options.server_pid,
                 "The server's process, if it runs on this machine: its CPU time is measured")
      ->check(CLI::PositiveNumber);
  auto* tls = app.add_flag("--tls", options.tls, "With TLS, whatever the server's certificate");
  app.add_option("--ca", options.ca_path, "File of who must have signed the server's certificate")
      ->needs(tls);
  app.add_option("--reply-timeout", options.reply_timeout_seconds,
                 "Seconds of silence after which the run is given up")
      ->capture_default_str()
      ->check(CLI::Range(0.001, kSecondsMax));
}

void AddWorkload(CLI::App& app, Options& options, Raw& raw) {
  WorkloadSpec& spec = options.workload;
  app.add_option("-k,--keys", spec.key_count, "Number of keys")
      ->capture_default_str()
      ->check(CLI::Range(1U, kKeyCountMax));
  app.add_option("--key-bytes", spec.key_bytes, "Length of every key")
      ->capture_default_str()
      ->check(CLI::Range(kKeyBytesMin, kKeyBytesMax));
  app.add_option("--value-bytes", Through(ParseValueSizes, spec.value_sizes),
                 "Length of the values: BYTES, MIN-MAX or lognormal:MEDIAN,SIGMA,MAX; fixed for "
                 "each key [100]")
      ->type_name("SIZES");
  app.add_option("-d,--distribution", Through(ParseKeyDistribution, spec.distribution),
                 "Which keys are asked for: uniform or zipf:THETA [uniform]")
      ->type_name("KIND");
  app.add_option("-r,--ratio", Through(ParseRatio, raw.ratio), "GETS:SETS [1:0]")->type_name("G:S");
  auto* multiget = app.add_option("-m,--multiget", spec.keys_per_get, "Keys in each get")
                       ->capture_default_str()
                       ->check(CLI::Range(1U, kKeysPerGetMax));
  app.add_flag("--meta", spec.meta_gets, "Gets of the meta protocol: mg KEY v")->excludes(multiget);
  app.add_flag("--verify-whole", spec.verify_whole_values,
               "Compare every byte of large values, not only samples");
  app.add_option("--seed", options.seed, "Of all that is random")->capture_default_str();
}

void AddLoad(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("-c,--connections", options.connections, "Connections, over all threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 60'000));
  app.add_option("-t,--threads", options.threads, "Threads of the generator")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_option("-P,--pipeline", options.pipeline,
                 "Requests in flight on a connection: sent as one batch in a closed loop, the most "
                 "there may be in an open one")
      ->capture_default_str()
      ->check(CLI::Range(1U, kPipelineMax));
  auto* rate = app.add_option("--rate", raw.rate,
                              "Open loop: requests that fall due each second, whatever the server "
                              "does; without it a closed loop")
                   ->check(CLI::Range(0.01, 1e9));
  app.add_flag("--even", raw.even_arrivals,
               "Requests of an open loop fall due evenly, not as a Poisson process")
      ->needs(rate);
  app.add_flag("--poll", options.polls,
               "Never sleep while waiting: costs a core, and spares the server waking one");
}

void AddPhases(CLI::App& app, Options& options) {
  auto* populate =
      app.add_flag("--populate", options.populate, "Store every key once before the run");
  app.add_flag("--populate-only", options.populate_only, "Store every key once, and that is all")
      ->excludes(populate);
  app.add_option("--populate-pipeline", options.populate_pipeline, "Pipeline of populating")
      ->capture_default_str()
      ->check(CLI::Range(1U, kPipelineMax));
  app.add_option("--warmup", options.warmup_seconds, "Seconds of load before the measured ones")
      ->check(CLI::Range(0.0, kSecondsMax));
  app.add_option("-s,--seconds", options.seconds,
                 "Length of the run [5, or without limit if --requests is given]")
      ->check(CLI::Range(0.001, kSecondsMax));
  app.add_option("-n,--requests", options.requests, "Requests of the run")
      ->check(CLI::PositiveNumber);
  app.add_flag("--fill-until-eviction", options.fill_until_eviction,
               "Store new keys until the server's statistics show an eviction, and print how many "
               "items it held then");
  app.add_option("--check-every", options.check_every,
                 "When filling: items between two looks at the statistics")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
}

// What CLI11 cannot check option by option.
void Complete(Options& options, const Raw& raw) {
  constexpr double kDefaultSeconds = 5;
  options.workload.get_weight = raw.ratio.gets;
  options.workload.set_weight = raw.ratio.sets;
  if (raw.rate > 0) options.arrivals = {.per_second = raw.rate, .even = raw.even_arrivals};
  if (options.seconds == 0 && options.requests == 0) options.seconds = kDefaultSeconds;
  if (options.tls) {
    auto context = MakeTlsContext(options.ca_path);
    if (!context.ok()) throw CLI::ValidationError("--tls", context.status().ToString());
    options.server.tls = *std::move(context);
  }
  if (options.threads > options.connections) {
    throw CLI::ValidationError("--threads", "there are fewer connections than threads");
  }
}

}  // namespace

std::optional<int> ParseOptions(int argc, char** argv, Options& options) {
  CLI::App app("Load generator for memcached's text protocol.", "larder-bench");
  Raw raw;
  app.set_version_flag("-V,--version", "larder-bench " LARDER_VERSION);
  AddServer(app, options);
  AddWorkload(app, options, raw);
  AddLoad(app, options, raw);
  AddPhases(app, options);
  app.add_option("--json", options.json_path, "Write the results to this file, - for stdout");
  app.add_flag("-q,--quiet", options.quiet, "No progress lines");
  try {
    app.parse(argc, argv);
    Complete(options, raw);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

}  // namespace larder::bench
