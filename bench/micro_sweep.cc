#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "benchmark/benchmark.h"
#include "slab/store.h"

// What looking for dead items costs, an item: where all are alive, where all are dead, and where
// nothing is due on a page, so that it is not looked at.

namespace larder {
namespace {

constexpr Tick kNow{1000};
constexpr uint64_t kMemoryBytes = uint64_t{256} << 20;
constexpr uint64_t kItems = 1'000'000;

std::unique_ptr<Store> MakeStore() {
  auto store = Store::Create({.memory_bytes = kMemoryBytes});
  if (!store.ok()) std::abort();
  return *std::move(store);
}

void MaintainAll(Store* store, Tick now) {
  while (store->Maintain(now, 1 << 20)) {
  }
}

void Fill(Store* store, Lane* lane, Tick now, uint32_t expire) {
  const std::string value(100, 'v');
  for (uint64_t n = 0; n < kItems; ++n) {
    const std::string key = "key:abcdefgh:" + std::to_string(100'000'000'000 + n);
    store->Write(*lane, store->MakeKey(key), value, {.expire = expire}, now);
    if (n % 1024 == 0) MaintainAll(store, now);
  }
  MaintainAll(store, now);
}

void CountItems(benchmark::State* state) {
  state->SetItemsProcessed(static_cast<int64_t>(kItems) * state->iterations());
  // Seconds of processor time an item.
  state->counters["item"] = benchmark::Counter(
      static_cast<double>(kItems),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// A crawl looks at every page, whether anything is due on it or not.
void SweepTheLiving(benchmark::State& state) {
  const std::unique_ptr<Store> store = MakeStore();
  Fill(store.get(), &store->AddLane(), kNow, kNow.seconds + 1'000'000);
  for (auto _ : state) {
    if (store->Crawl(ClassSet().set()) != CrawlStatus::kStarted) std::abort();
    MaintainAll(store.get(), kNow);
  }
  CountItems(&state);
}
BENCHMARK(SweepTheLiving)->Unit(benchmark::kMillisecond);

void SweepTheDead(benchmark::State& state) {
  const std::unique_ptr<Store> store = MakeStore();
  Lane& lane = store->AddLane();
  Tick now = kNow;
  for (auto _ : state) {
    state.PauseTiming();
    Fill(store.get(), &lane, now, now.seconds + 1);
    now.seconds += 20;
    state.ResumeTiming();
    MaintainAll(store.get(), now);
    if (store->Stats().items != 0) std::abort();
  }
  CountItems(&state);
}
BENCHMARK(SweepTheDead)->Unit(benchmark::kMillisecond)->Iterations(5);

void SkipWhatIsNotDue(benchmark::State& state) {
  const std::unique_ptr<Store> store = MakeStore();
  Fill(store.get(), &store->AddLane(), kNow, kNow.seconds + 1'000'000'000);
  Tick now = kNow;
  for (auto _ : state) {
    now.seconds += 10;
    MaintainAll(store.get(), now);
  }
  CountItems(&state);
}
BENCHMARK(SkipWhatIsNotDue)->Unit(benchmark::kMicrosecond)->Iterations(1000);

}  // namespace
}  // namespace larder
