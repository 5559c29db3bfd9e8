#include "bench/load/report.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"

namespace larder::bench {
namespace {

// Below this a closed loop says more of the generator than of the server.
constexpr double kSaturated = 0.95;

struct NamedPercentile {
  const char* name;
  double percent;
};
constexpr std::array<NamedPercentile, 5> kPercentiles = {
    {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}}};

double Us(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

// "1234567" -> "1,234,567".
std::string Grouped(double number) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.0f", number);
  const std::string_view plain = digits;
  std::string text;
  for (size_t i = 0; i < plain.size(); ++i) {
    if (i > 0 && (plain.size() - i) % 3 == 0) text += ',';
    text += plain[i];
  }
  return text;
}

std::string Grouped(uint64_t number) { return Grouped(static_cast<double>(number)); }

double PerSecond(uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

Histogram AllLatencies(const Tally& tally) {
  Histogram all = tally.get_latency;
  all.Merge(tally.set_latency);
  return all;
}

void PrintLatency(const char* label, const Histogram& latency) {
  if (latency.Count() == 0) return;
  std::printf("%-11s mean %.0f", label, latency.Mean() / 1000);
  for (const auto& [name, percent] : kPercentiles) {
    std::printf("  %s %.0f", name, Us(latency.Percentile(percent)));
  }
  std::printf("  max %.0f us\n", Us(latency.Max()));
}

void PrintServer(const PhaseResult& result) {
  const CpuTimes& cpu = *result.server_cpu;
  std::printf("server      %.2f s of CPU (%.1f %% of one; user %.2f, system %.2f)\n", cpu.seconds,
              cpu.seconds / result.seconds * 100, cpu.user_seconds, cpu.system_seconds);
  std::printf("            %s requests and %s keys per server CPU second\n",
              Grouped(PerSecond(result.tally.requests(), cpu.seconds)).c_str(),
              Grouped(PerSecond(result.tally.keys(), cpu.seconds)).c_str());
}

void PrintTrouble(const Tally& tally) {
  if (tally.errors > 0) {
    std::printf("errors      %s, the first: %s\n", Grouped(tally.errors).c_str(),
                tally.first_error.c_str());
  }
  if (tally.unsent > 0) {
    std::printf("unsent      %s requests fell due and found no connection free until the end\n",
                Grouped(tally.unsent).c_str());
  }
}

std::string SizesText(const ValueSizeSpec& sizes) {
  char text[96];
  switch (sizes.kind) {
    case ValueSizeSpec::Kind::kFixed:
      std::snprintf(text, sizeof(text), "%u", sizes.min);
      break;
    case ValueSizeSpec::Kind::kUniform:
      std::snprintf(text, sizeof(text), "%u-%u", sizes.min, sizes.max);
      break;
    case ValueSizeSpec::Kind::kLogNormal:
      std::snprintf(text, sizeof(text), "lognormal:%g,%g,%u", sizes.median, sizes.sigma, sizes.max);
      break;
  }
  return text;
}

std::string DistributionText(const KeyDistribution& distribution) {
  if (!distribution.zipf) return "uniform";
  char text[32];
  std::snprintf(text, sizeof(text), "zipf:%g", distribution.theta);
  return text;
}

nlohmann::json LatencyJson(const Histogram& latency) {
  nlohmann::json json = {{"count", latency.Count()},
                         {"min", Us(latency.Min())},
                         {"mean", latency.Mean() / 1000},
                         {"max", Us(latency.Max())}};
  for (const auto& [name, percent] : kPercentiles) json[name] = Us(latency.Percentile(percent));
  return json;
}

}  // namespace

void PrintLoad(const Options& options) {
  const WorkloadSpec& spec = options.workload;
  std::printf("server      %s\n", ToString(options.server).c_str());
  std::printf("keys        %s of %zu bytes, %s; values of %s bytes\n",
              Grouped(uint64_t{spec.key_count}).c_str(), spec.key_bytes,
              DistributionText(spec.distribution).c_str(), SizesText(spec.value_sizes).c_str());
  std::printf(
      "load        gets to sets %u:%u, keys a get %u, connections %u, threads %u, "
      "pipeline %u, ",
      spec.get_weight, spec.set_weight, spec.keys_per_get, options.connections, options.threads,
      options.pipeline);
  if (options.arrivals) {
    std::printf("open loop of %s requests/s, %s\n", Grouped(options.arrivals->per_second).c_str(),
                options.arrivals->even ? "even" : "Poisson");
  } else {
    std::printf("closed loop\n");
  }
}

void PrintPopulate(const PhaseResult& result) {
  std::printf("populated   %s sets in %.2f s, %s/s\n", Grouped(result.tally.set_requests).c_str(),
              result.seconds,
              Grouped(PerSecond(result.tally.set_requests, result.seconds)).c_str());
  PrintLatency("latency", result.tally.set_latency);
  PrintTrouble(result.tally);
}

void PrintRun(const Options& options, const PhaseResult& result) {
  const Tally& tally = result.tally;
  std::printf("run         %.2f s, %s requests, %s/s; %s keys, %s/s\n", result.seconds,
              Grouped(tally.requests()).c_str(),
              Grouped(PerSecond(tally.requests(), result.seconds)).c_str(),
              Grouped(tally.keys()).c_str(),
              Grouped(PerSecond(tally.keys(), result.seconds)).c_str());
  std::printf("replies     %s hits, %s misses, %s sets; %.1f MB/s sent, %.1f MB/s received\n",
              Grouped(tally.hits).c_str(), Grouped(tally.misses).c_str(),
              Grouped(tally.set_requests).c_str(),
              PerSecond(tally.sent_bytes, result.seconds) / 1e6,
              PerSecond(tally.received_bytes, result.seconds) / 1e6);
  PrintTrouble(tally);
  PrintLatency("get latency", tally.get_latency);
  PrintLatency("set latency", tally.set_latency);
  if (result.server_cpu) PrintServer(result);
  std::printf("generator   %.2f s of CPU (%.1f %% of one)\n", result.generator_cpu_seconds,
              result.generator_cpu_seconds / result.seconds * 100);
  if (result.server_cpu && !options.arrivals &&
      result.server_cpu->seconds < kSaturated * result.seconds) {
    std::printf(
        "note        The server had time to spare. What it does per CPU second holds, the "
        "rates per second are the generator's.\n");
  }
}

void PrintFill(const FillResult& result) {
  std::printf("filled      %s items at the first eviction (%s sets, %s evictions) in %.1f s\n",
              Grouped(result.items).c_str(), Grouped(result.stored).c_str(),
              Grouped(result.evictions).c_str(), result.seconds);
  if (result.resident_bytes > 0) {
    std::printf("resident    %s bytes, %.1f an item\n", Grouped(result.resident_bytes).c_str(),
                static_cast<double>(result.resident_bytes) / static_cast<double>(result.items));
  }
}

nlohmann::json LoadJson(const Options& options, const Workload& workload) {
  const WorkloadSpec& spec = options.workload;
  nlohmann::json json = {{"server", ToString(options.server)},
                         {"keys", spec.key_count},
                         {"key_bytes", spec.key_bytes},
                         {"value_bytes", SizesText(spec.value_sizes)},
                         {"value_bytes_mean", workload.values.mean_bytes()},
                         {"distribution", DistributionText(spec.distribution)},
                         {"gets", spec.get_weight},
                         {"sets", spec.set_weight},
                         {"keys_per_get", spec.keys_per_get},
                         {"connections", options.connections},
                         {"threads", options.threads},
                         {"pipeline", options.pipeline},
                         {"seed", options.seed}};
  if (options.arrivals) {
    json["rate_per_second"] = options.arrivals->per_second;
    json["arrivals"] = options.arrivals->even ? "even" : "poisson";
  }
  return json;
}

nlohmann::json PhaseJson(const PhaseResult& result) {
  const Tally& tally = result.tally;
  nlohmann::json json = {
      {"seconds", result.seconds},
      {"requests", tally.requests()},
      {"gets", tally.get_requests},
      {"sets", tally.set_requests},
      {"keys", tally.keys()},
      {"hits", tally.hits},
      {"misses", tally.misses},
      {"errors", tally.errors},
      {"unsent", tally.unsent},
      {"sent_bytes", tally.sent_bytes},
      {"received_bytes", tally.received_bytes},
      {"requests_per_second", PerSecond(tally.requests(), result.seconds)},
      {"keys_per_second", PerSecond(tally.keys(), result.seconds)},
      {"generator",
       {{"cpu_seconds", result.generator_cpu_seconds},
        {"utilisation", result.generator_cpu_seconds / result.seconds}}},
      {"latency_us", LatencyJson(AllLatencies(tally))},
      {"get_latency_us", LatencyJson(tally.get_latency)},
      {"set_latency_us", LatencyJson(tally.set_latency)},
  };
  if (!tally.first_error.empty()) json["first_error"] = tally.first_error;
  if (result.server_cpu) {
    const CpuTimes& cpu = *result.server_cpu;
    json["server"] = {{"cpu_seconds", cpu.seconds},
                      {"user_seconds", cpu.user_seconds},
                      {"system_seconds", cpu.system_seconds},
                      {"utilisation", cpu.seconds / result.seconds},
                      {"requests_per_cpu_second", PerSecond(tally.requests(), cpu.seconds)},
                      {"keys_per_cpu_second", PerSecond(tally.keys(), cpu.seconds)}};
  }
  return json;
}

nlohmann::json FillJson(const FillResult& result) {
  return {{"items", result.items},         {"stored", result.stored},
          {"evictions", result.evictions}, {"seconds", result.seconds},
          {"stats", result.stats},         {"resident_bytes", result.resident_bytes}};
}

}  // namespace larder::bench
