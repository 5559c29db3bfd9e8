#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "server/engine/engine.h"
#include "server/engine/session.h"
#include "slab/assert.h"

// What a request costs between the socket's read and its send: parsing, the store, the reply. Each
// shape runs over a working set that fits the processor's caches and over one that does not, and
// reports keys a second.

namespace larder {
namespace {

constexpr int kValueBytes = 32;
constexpr Now kNow = {.tick = {1000}, .wall_seconds = 1'700'000'000};

class NoServer final : public ServerView {
 public:
  ServerStats Stats() const override { return {}; }
  std::vector<ConnectionInfo> Connections(const Now&) const override { return {}; }
  void Shutdown(bool) const override {}
};

// Keys of 24 bytes, as they are named in the wild.
std::string KeyOf(uint32_t number) {
  std::string digits = std::to_string(number);
  return "session:object:" + std::string(9 - digits.size(), '0') + digits;
}

std::string SetOf(const std::string& key) {
  return "set " + key + " 0 0 " + std::to_string(kValueBytes) + "\r\n" +
         std::string(kValueBytes, 'v') + "\r\n";
}

// A session over a store that holds `items` items.
class Rig {
 public:
  explicit Rig(uint32_t items) {
    Settings settings;
    settings.memory_bytes = (uint64_t{64} << 20) + uint64_t{160} * items;
    settings.requests_per_event = 64;
    auto store = Store::Create(StoreOptionsFrom(settings, /*hash_seed=*/42));
    LARDER_CHECK(store.ok());
    store_ = *std::move(store);
    engine_ = std::make_unique<Engine>(settings, store_.get(), &server_, kNow);
    EngineWorker* worker = engine_->AddWorker();
    session_ = std::make_unique<Session>(worker);
    out_ = std::make_unique<Output>(&worker->output_blocks());
    for (uint32_t i = 0; i < items; ++i) {
      Run(SetOf(KeyOf(i)));
      if (i % 1000 == 0) Maintain();
    }
    Maintain();
  }

  void Run(std::string_view requests) {
    while (!requests.empty()) {
      const Session::Result result = session_->Run(requests, kNow, out_.get());
      requests.remove_prefix(result.consumed);
      out_->Sent(out_->bytes());
    }
  }

 private:
  void Maintain() {
    while (store_->Maintain(kNow.tick, 10'000)) {
    }
  }

  NoServer server_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Output> out_;
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
    for (const std::string& key : keys) read += SetOf(key);
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
