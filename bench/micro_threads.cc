#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/random.h"
#include "bench/load/zipf.h"
#include "bench/session_rig.h"
#include "benchmark/benchmark.h"

// Workers that want the same: 2, 4 and 8 threads, each with a session of its own on one store.
//
// With more threads than CPUs a thread may lose its CPU while it holds a lock, as it may in
// earnest; then the others wait, and whoever waits for long lets others run. What several workers
// achieve beside several stores is measured by shared_store, in pairs.

namespace larder {
namespace {

constexpr uint32_t kItems = 100'000;
constexpr int kRequestsARead = 16;
constexpr size_t kReads = 4096;

const std::string& Value() {
  static const std::string value(32, 'v');
  return value;
}

EngineRig& FilledEngine() {
  static const std::unique_ptr<EngineRig> engine = [] {
    Settings settings;
    settings.memory_bytes = uint64_t{256} << 20;
    auto made = std::make_unique<EngineRig>(settings);
    SessionRig session(made.get());
    for (uint32_t i = 0; i < kItems; ++i) session.Run(SetOf(KeyOf(i), Value()));
    made->Maintain();
    return made;
  }();
  return *engine;
}

// What the thread sends: reads of 16 requests, each made by `make(random)`.
template <typename Make>
void RunThread(benchmark::State& state, Make make) {
  bench::Random random(static_cast<uint64_t>(state.thread_index()) + 1);
  std::vector<std::string> reads(kReads);
  for (std::string& read : reads) {
    for (int i = 0; i < kRequestsARead; ++i) read += make(random);
  }
  SessionRig session(&FilledEngine());
  size_t next = 0;
  for (auto _ : state) {
    session.Run(reads[next]);
    if (++next == reads.size()) next = 0;
  }
  state.SetItemsProcessed(state.iterations() * kRequestsARead);
}

std::string Get(uint32_t number) { return "get " + KeyOf(number) + "\r\n"; }
std::string Set(uint32_t number) { return SetOf(KeyOf(number), Value()); }
std::string NineGetsToASet(bench::Random& random, uint32_t number) {
  return random.Below(10) == 0 ? Set(number) : Get(number);
}

// No two threads read the same item, though they do share index and pages.
void BM_GetsOfDifferentKeys(benchmark::State& state) {
  const uint32_t each = kItems / static_cast<uint32_t>(state.threads());
  const uint32_t first = each * static_cast<uint32_t>(state.thread_index());
  RunThread(state, [=](bench::Random& random) {
    return Get(first + static_cast<uint32_t>(random.Below(each)));
  });
}

void BM_GetsOfOneHotKey(benchmark::State& state) {
  RunThread(state, [](bench::Random&) { return Get(0); });
}

void BM_NineGetsToASetUniform(benchmark::State& state) {
  RunThread(state, [](bench::Random& random) {
    return NineGetsToASet(random, static_cast<uint32_t>(random.Below(kItems)));
  });
}

void BM_NineGetsToASetZipf(benchmark::State& state) {
  const bench::ZipfSampler sampler({.ranks = kItems, .theta = 0.99});
  RunThread(state, [&](bench::Random& random) {
    return NineGetsToASet(random, sampler.Sample(random) - 1);
  });
}

// All of one size, and by turns of another, so that every set takes a chunk and frees one.
void BM_SetsOfTwoSizes(benchmark::State& state) {
  const std::string values[] = {std::string(100, 'a'), std::string(200, 'b')};
  RunThread(state, [&](bench::Random& random) {
    const auto number = static_cast<uint32_t>(random.Below(kItems));
    return SetOf(KeyOf(kItems + number), values[random.Below(2)]);
  });
}

void BM_SetsInPlace(benchmark::State& state) {
  RunThread(state,
            [](bench::Random& random) { return Set(static_cast<uint32_t>(random.Below(kItems))); });
}

void Threads(benchmark::internal::Benchmark* benchmark) {
  for (const int threads : {1, 2, 4, 8}) benchmark->Threads(threads);
  benchmark->UseRealTime();
}
BENCHMARK(BM_GetsOfDifferentKeys)->Apply(Threads);
BENCHMARK(BM_GetsOfOneHotKey)->Apply(Threads);
BENCHMARK(BM_NineGetsToASetUniform)->Apply(Threads);
BENCHMARK(BM_NineGetsToASetZipf)->Apply(Threads);
BENCHMARK(BM_SetsInPlace)->Apply(Threads);
BENCHMARK(BM_SetsOfTwoSizes)->Apply(Threads);

}  // namespace
}  // namespace larder
