#include "bench/replay/report.h"

#include <cinttypes>
#include <cstdio>

#include "nlohmann/json.hpp"

namespace larder::bench {
namespace {

constexpr double kMiB = 1 << 20;

}  // namespace

void PrintLoad(const LoadSummary& load) {
  std::printf("%" PRIu64 " requests for %" PRIu64 " keys; a cache that holds all misses %.4f\n",
              load.requests, load.keys, load.LeastMissRatio());
  std::printf("%-16s %12s %12s %12s %10s %10s   %s\n", "cache", "resident MiB", "gets", "misses",
              "miss ratio", "seconds", "miss ratio of each tenth");
}

void PrintRun(const std::string& cache, const ReplayResult& result) {
  const Counts total = result.Total();
  std::printf("%-16s %12.1f %12" PRIu64 " %12" PRIu64 " %10.4f %10.1f  ", cache.c_str(),
              static_cast<double>(result.resident_bytes) / kMiB, total.gets, total.misses,
              total.MissRatio(), result.seconds);
  for (const Counts& counts : result.tenths) std::printf(" %.4f", counts.MissRatio());
  std::printf("\n");
  if (total.refused > 0) std::printf("%" PRIu64 " values were refused\n", total.refused);
  std::fflush(stdout);
}

nlohmann::json LoadJson(const LoadSummary& load) {
  nlohmann::json tenths = nlohmann::json::array();
  for (const LoadSummary::Tenth& tenth : load.tenths) {
    tenths.push_back({{"gets", tenth.gets}, {"first_gets", tenth.first_gets}});
  }
  return {{"requests", load.requests}, {"keys", load.keys}, {"tenths", tenths}};
}

nlohmann::json RunJson(const ReplayResult& result) {
  const Counts total = result.Total();
  nlohmann::json tenths = nlohmann::json::array();
  for (const Counts& counts : result.tenths) {
    tenths.push_back({{"gets", counts.gets}, {"misses", counts.misses}});
  }
  return {{"gets", total.gets},
          {"misses", total.misses},
          {"miss_ratio", total.MissRatio()},
          {"refused", total.refused},
          {"resident_bytes", result.resident_bytes},
          {"seconds", result.seconds},
          {"tenths", tenths}};
}

nlohmann::json StoreJson(const StoreStats& stats) {
  nlohmann::json classes = nlohmann::json::array();
  for (const ClassStats& each : stats.classes) {
    classes.push_back({{"class", each.class_id},
                       {"chunk_bytes", each.chunk_bytes},
                       {"pages", each.pages},
                       {"items", each.items},
                       {"items_on_probation", each.items_on_probation},
                       {"evicted", each.evicted},
                       {"evicted_unfetched", each.evicted_unfetched},
                       {"promoted", each.promoted}});
  }
  return {{"items", stats.items},
          {"item_bytes", stats.item_bytes},
          {"memory_bytes", stats.memory_bytes},
          {"index_bytes", stats.index_bytes},
          {"pages_emptied", stats.pages_emptied},
          {"items_moved", stats.items_moved},
          {"items_dropped", stats.items_dropped},
          {"classes", classes}};
}

}  // namespace larder::bench
