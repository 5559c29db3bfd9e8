#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/session_rig.h"
#include "benchmark/benchmark.h"

// What a request costs between the socket's read and its send: parsing, the store, the reply. Each
// shape runs over a working set that fits the processor's caches and over one that does not, and
// reports keys a second.

namespace larder {
namespace {

const std::string kValue(32, 'v');

// A session over a store that holds `items` items.
class Rig {
 public:
  explicit Rig(uint32_t items) : engine_(SettingsFor(items)), session_(&engine_) {
    for (uint32_t i = 0; i < items; ++i) {
      Run(SetOf(KeyOf(i), kValue));
      if (i % 1000 == 0) engine_.Maintain();
    }
    engine_.Maintain();
  }

  void Run(std::string_view requests) { session_.Run(requests); }

 private:
  static Settings SettingsFor(uint32_t items) {
    Settings settings;
    settings.memory_bytes = (uint64_t{64} << 20) + uint64_t{160} * items;
    settings.requests_per_event = 64;
    return settings;
  }

  EngineRig engine_;
  SessionRig session_;
};

// Filling takes seconds, so benchmarks share what they only read.
Rig& RigOf(uint32_t items) {
  static std::map<uint32_t, std::unique_ptr<Rig>> rigs;
  std::unique_ptr<Rig>& rig = rigs[items];
  if (rig == nullptr) rig = std::make_unique<Rig>(items);
  return *rig;
}

// Runs reads of `make(random key, ...)`, `keys` of them in every read from the socket.
template <typename Make>
void RunReads(benchmark::State& state, Make make) {
  const auto items = static_cast<uint32_t>(state.range(0));
  const int64_t keys = state.range(1);
  Rig& rig = RigOf(items);
  std::mt19937 random(1);
  std::uniform_int_distribution<uint32_t> any(0, items - 1);
  // So many that the keys of the large working set do not come round while they are still cached.
  std::vector<std::string> reads(static_cast<size_t>(200'000 / keys));
  for (std::string& read : reads) {
    std::vector<std::string> names;
    for (int64_t i = 0; i < keys; ++i) names.push_back(KeyOf(any(random)));
    read = make(names);
  }
  size_t next = 0;
  for (auto _ : state) {
    rig.Run(reads[next]);
    if (++next == reads.size()) next = 0;
  }
  state.SetItemsProcessed(state.iterations() * keys);
}

void BM_PipelinedGets(benchmark::State& state) {
  RunReads(state, [](const std::vector<std::string>& keys) {
    std::string read;
    for (const std::string& key : keys) read += "get " + key + "\r\n";
    return read;
  });
}

// `flags` behind every key.
void RunMetaGets(benchmark::State& state, const std::string& flags) {
  RunReads(state, [&](const std::vector<std::string>& keys) {
    std::string read;
    for (const std::string& key : keys) read.append("mg ").append(key).append(flags).append("\r\n");
    return read;
  });
}

void BM_PipelinedMetaGets(benchmark::State& state) { RunMetaGets(state, " v"); }
void BM_PipelinedMetaGetsOfAll(benchmark::State& state) { RunMetaGets(state, " s v t c f k Oq1"); }

void BM_GetOfManyKeys(benchmark::State& state) {
  RunReads(state, [](const std::vector<std::string>& keys) {
    std::string read = "get";
    for (const std::string& key : keys) read += " " + key;
    return read + "\r\n";
  });
}

void BM_PipelinedSets(benchmark::State& state) {
  RunReads(state, [](const std::vector<std::string>& keys) {
    std::string read;
    for (const std::string& key : keys) read += SetOf(key, kValue);
    return read;
  });
}

constexpr int kFew = 10'000, kMany = 4'000'000;
BENCHMARK(BM_PipelinedGets)->ArgNames({"items", "requests"})->ArgsProduct({{kFew, kMany}, {1, 16}});
BENCHMARK(BM_PipelinedMetaGets)
    ->ArgNames({"items", "requests"})
    ->ArgsProduct({{kFew, kMany}, {1, 16}});
BENCHMARK(BM_PipelinedMetaGetsOfAll)
    ->ArgNames({"items", "requests"})
    ->ArgsProduct({{kFew}, {1, 16}});
BENCHMARK(BM_GetOfManyKeys)->ArgNames({"items", "keys"})->ArgsProduct({{kFew, kMany}, {50}});
BENCHMARK(BM_PipelinedSets)->ArgNames({"items", "requests"})->ArgsProduct({{kFew, kMany}, {1, 16}});

}  // namespace
}  // namespace larder
