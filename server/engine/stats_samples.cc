#include <string>
#include <string_view>
#include <vector>

#include "server/engine/commands.h"
#include "server/engine/stats.h"
#include "server/engine/uri.h"

// `stats hotkeys` and `stats mrc`: what is estimated from samples of the requests.

namespace larder {
namespace {

// `unit` is what the keys are weighed by.
void AddKeys(std::string_view list, std::string_view unit, const std::vector<HotKey>& keys,
             StatLines* lines) {
  size_t rank = 0;
  for (const HotKey& key : keys) {
    const std::string prefix = std::string(list) + ":" + std::to_string(++rank) + ":";
    std::string name;
    AppendUriEncoded(key.key, &name);
    lines->Add(prefix + "key", name);
    lines->AddDecimal(prefix + std::string(unit) + "_per_second", key.per_second, 1);
    lines->AddDecimal(prefix + "percent", key.percent, 2);
    lines->AddDecimal(prefix + "percent_error", key.percent_error_max, 2);
    lines->Add(prefix + "value_bytes", key.value_bytes);
  }
}

// As in the names of statistics: 0.5, 1, 1.5.
std::string NameOf(double multiple) {
  std::string name = std::to_string(multiple);
  name.erase(name.find_last_not_of('0') + 1);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

void AddHotKeys(Engine& engine, const Now& now, StatLines* lines) {
  if (engine.hot_keys() == nullptr) return lines->Add("hotkeys_status", "disabled");
  const HotKeysReport report = engine.hot_keys()->Report(now.tick);
  lines->Add("hotkeys_sample", engine.hot_keys()->sample_gap());
  lines->Add("hotkeys_sampled", static_cast<uint64_t>(report.sampled));
  lines->Add("hotkeys_seconds", static_cast<uint64_t>(report.seconds));
  AddKeys("hotkeys", "requests", report.by_requests, lines);
  AddKeys("hotbytes", "bytes", report.by_bytes, lines);
}

void AddMissRatios(const Turn& turn, StatLines* lines) {
  Engine& engine = turn.worker.engine();
  MissRatioCurve* const curve = engine.miss_ratio_curve();
  if (curve == nullptr) return lines->Add("mrc_status", "disabled");
  turn.worker.sampler().Deliver(turn.tick());
  engine.UpdateMissRatioCurve(turn.tick());
  const MissRatios ratios = curve->Estimate();
  lines->AddDecimal("mrc_sample_rate", ratios.sample_rate, 6);
  lines->Add("mrc_sampled_keys", ratios.keys);
  lines->Add("mrc_sampled_reads", static_cast<uint64_t>(ratios.reads));
  if (ratios.reads < MissRatios::kReadsMin) return;
  lines->AddDecimal("mrc_measured_hit_ratio", 1 - ratios.measured, 4);
  for (size_t i = 0; i < ratios.misses.size(); ++i) {
    const double multiple = MiniatureCaches::kMultiples[i];
    const std::string prefix = "mrc:" + NameOf(multiple) + ":";
    const double memory_bytes = multiple * static_cast<double>(ratios.memory_bytes);
    lines->Add(prefix + "memory_bytes", static_cast<uint64_t>(memory_bytes));
    lines->AddDecimal(prefix + "hit_ratio", 1 - ratios.misses[i], 4);
  }
}

}  // namespace larder
