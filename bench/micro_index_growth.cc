#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "slab/store.h"

// Does any request wait while the index grows? Stores ten million small items into an empty store,
// the processor time of each single one measured, while another thread maintains the store as the
// daemon's does: in short pieces with pauses. A request that finds no page open has the system
// provide one, which shows at the very end of the distribution; a rehash of everything would show
// as a second.

namespace larder {
namespace {

constexpr Tick kNow{1000};
constexpr uint64_t kItems = 10'000'000;
constexpr uint64_t kMemoryBytes = uint64_t{1} << 30;
constexpr size_t kMaintainBudget = 2048;
constexpr std::chrono::microseconds kBusyPause{200};
constexpr std::chrono::milliseconds kIdlePause{10};

uint64_t ThreadCpuNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// Maintains a store for as long as it lives.
class Maintainer {
 public:
  explicit Maintainer(Store* store) : thread_([this, store] { Run(store); }) {}
  ~Maintainer() {
    stopping_ = true;
    thread_.join();
  }
  Maintainer(const Maintainer&) = delete;
  Maintainer& operator=(const Maintainer&) = delete;

 private:
  void Run(Store* store) {
    while (!stopping_) {
      if (store->Maintain(kNow, kMaintainBudget)) {
        std::this_thread::sleep_for(kBusyPause);
      } else {
        std::this_thread::sleep_for(kIdlePause);
      }
    }
  }

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// What each store cost, in nanoseconds of processor time.
std::vector<uint32_t> Load(Store* store) {
  Lane& lane = store->AddLane();
  std::vector<uint32_t> costs(kItems);
  std::string key = "key:00000000";
  uint64_t before = ThreadCpuNanoseconds();
  for (uint64_t n = 0; n < kItems; ++n) {
    for (uint64_t digits = n, i = key.size(); digits > 0; digits /= 10) {
      key[--i] = static_cast<char>('0' + digits % 10);
    }
    store->Write(lane, store->MakeKey(key), "01234567", {}, kNow);
    const uint64_t after = ThreadCpuNanoseconds();
    costs[n] = static_cast<uint32_t>(after - before);
    before = after;
  }
  return costs;
}

double MicrosecondsAt(double quantile, const std::vector<uint32_t>& sorted) {
  const auto at = static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1));
  return sorted[at] / 1000.0;
}

void BM_IndexGrowth(benchmark::State& state) {
  for (auto _ : state) {
    auto store = Store::Create({.memory_bytes = kMemoryBytes});
    if (!store.ok()) std::abort();
    std::vector<uint32_t> costs;
    {
      const Maintainer maintainer(store->get());
      costs = Load(store->get());
    }
    std::sort(costs.begin(), costs.end());
    const StoreStats stats = (*store)->Stats();
    if (stats.items != kItems) state.SkipWithError("items were lost");
    state.counters["p50_us"] = MicrosecondsAt(0.5, costs);
    state.counters["p99_us"] = MicrosecondsAt(0.99, costs);
    state.counters["p99.999_us"] = MicrosecondsAt(0.99999, costs);
    state.counters["max_us"] = MicrosecondsAt(1, costs);
    state.counters["buckets"] = static_cast<double>(stats.index_buckets);
    state.counters["index_bytes_an_item"] =
        static_cast<double>(stats.index_bytes) / static_cast<double>(kItems);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kItems));
}
BENCHMARK(BM_IndexGrowth)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace larder
