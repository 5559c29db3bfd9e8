#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "benchmark/benchmark.h"
#include "slab/store.h"

// What the store costs without a protocol: nanoseconds an operation, the making of a key's hash
// included, alone and with two threads on one store.
//
// The small working set stays in the processor's caches; the large one does not, and every lookup
// waits for two lines from memory unless it is asked for them ahead.

namespace larder {
namespace {

constexpr Tick kNow{1000};
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSmallSet = 10'000;
constexpr uint64_t kLargeSet = 4'000'000;
constexpr size_t kKeyBytes = 24;
constexpr size_t kValueBytes = 32;
constexpr size_t kLargeValueBytes = 100'000;
// As many requests as a session looks ahead.
constexpr size_t kWindow = 16;
// Of a store that is meant to be full.
constexpr uint64_t kFullMemoryBytes = 64 * kMiB;

// A key made where it is used, as a request's lies in the input that has just been read: a table of
// keys would add misses of its own.
class KeyText {
 public:
  explicit KeyText(uint64_t number = 0) {
    for (size_t i = 0; i < 16; ++i) {
      bytes_[8 + i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
    }
  }
  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, kKeyBytes> bytes_ = {'k', 'e', 'y', ':', 'a', 'b', 'c', ':'};
};

class Random {
 public:
  explicit Random(int thread) : state_(static_cast<uint64_t>(thread) * 7919 + 1) {}
  uint64_t Below(uint64_t end) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 32) * end >> 32;
  }

 private:
  uint64_t state_;
};

std::unique_ptr<Store> MakeStore(uint64_t memory_bytes) {
  auto store = Store::Create({.memory_bytes = memory_bytes});
  if (!store.ok()) std::abort();
  return *std::move(store);
}

void MaintainAll(Store* store) {
  while (store->Maintain(kNow, 1 << 20)) {
  }
}

void Fill(Store* store, uint64_t first, uint64_t end) {
  Lane& lane = store->AddLane();
  const std::string value(kValueBytes, 'v');
  for (uint64_t n = first; n < end; ++n) {
    const KeyText key(n);
    store->Write(lane, store->MakeKey(key.view()), value, {}, kNow);
    if (n % 1024 == 0) MaintainAll(store);
  }
  MaintainAll(store);
}

// Stores that several benchmarks, and all threads of each, use: made by whoever is first.
Store* StoreOf(uint64_t items) {
  const auto filled = [](uint64_t end) {
    std::unique_ptr<Store> store = MakeStore(1024 * kMiB);
    Fill(store.get(), 0, end);
    return store;
  };
  if (items == kSmallSet) {
    static const std::unique_ptr<Store> store = filled(kSmallSet);
    return store.get();
  }
  static const std::unique_ptr<Store> store = filled(kLargeSet);
  return store.get();
}

Store* FullStore() {
  static const std::unique_ptr<Store> full = [] {
    std::unique_ptr<Store> store = MakeStore(kFullMemoryBytes);
    // More than fit, so that eviction has settled.
    Fill(store.get(), 0, 2 * kFullMemoryBytes / (kKeyBytes + kValueBytes));
    return store;
  }();
  return full.get();
}

// What a session's visitor does with a small value.
void CopyValue(Store* store, Lane* lane, const Key& key, std::array<char, kValueBytes>* out) {
  store->Read(*lane, key, {}, kNow, [&](const ItemView& item) {
    const std::string_view value = item.value();
    std::copy(value.begin(), value.end(), out->begin());
  });
  benchmark::DoNotOptimize(*out);
}

void BM_Get(benchmark::State& state) {
  const auto items = static_cast<uint64_t>(state.range(0));
  Store* store = StoreOf(items);
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  std::array<char, kValueBytes> out;
  for (auto _ : state) {
    const KeyText key(random.Below(items));
    CopyValue(store, &lane, store->MakeKey(key.view()), &out);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Get)->Arg(kSmallSet)->Arg(kLargeSet)->ThreadRange(1, 2);

void BM_GetMiss(benchmark::State& state) {
  const auto items = static_cast<uint64_t>(state.range(0));
  Store* store = StoreOf(items);
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  std::array<char, kValueBytes> out;
  for (auto _ : state) {
    const KeyText key(kLargeSet + random.Below(items));
    CopyValue(store, &lane, store->MakeKey(key.view()), &out);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_GetMiss)->Arg(kSmallSet)->Arg(kLargeSet)->ThreadRange(1, 2);

// The same keys, a window at a time: all buckets are asked for, then all items, then it is read.
void BM_GetInWindows(benchmark::State& state) {
  const auto items = static_cast<uint64_t>(state.range(0));
  Store* store = StoreOf(items);
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  std::array<char, kValueBytes> out;
  for (auto _ : state) {
    std::array<KeyText, kWindow> texts;
    std::array<Key, kWindow> keys;
    for (size_t i = 0; i < kWindow; ++i) {
      texts[i] = KeyText(random.Below(items));
      keys[i] = store->MakeKey(texts[i].view());
      store->PrefetchBucket(keys[i]);
    }
    for (const Key& key : keys) store->PrefetchItem(key);
    for (const Key& key : keys) CopyValue(store, &lane, key, &out);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kWindow));
}
BENCHMARK(BM_GetInWindows)->Arg(kSmallSet)->Arg(kLargeSet)->ThreadRange(1, 2);

void BM_OverwriteInPlace(benchmark::State& state) {
  const auto items = static_cast<uint64_t>(state.range(0));
  Store* store = StoreOf(items);
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  const std::string value(kValueBytes, 'w');
  for (auto _ : state) {
    const KeyText key(random.Below(items));
    benchmark::DoNotOptimize(store->Write(lane, store->MakeKey(key.view()), value, {}, kNow));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_OverwriteInPlace)->Arg(kSmallSet)->Arg(kLargeSet)->ThreadRange(1, 2);

// A new key each time, for which another item must go.
void BM_InsertAndEvict(benchmark::State& state) {
  Store* store = FullStore();
  Lane& lane = store->AddLane();
  // Of this thread and this run alone.
  static std::atomic<uint64_t> runs{1};
  uint64_t n = runs.fetch_add(1) << 40;
  const std::string value(kValueBytes, 'w');
  for (auto _ : state) {
    const KeyText key(++n);
    benchmark::DoNotOptimize(store->Write(lane, store->MakeKey(key.view()), value, {}, kNow));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_InsertAndEvict)->ThreadRange(1, 2);

void BM_DeleteAndInsert(benchmark::State& state) {
  const auto items = static_cast<uint64_t>(state.range(0));
  Store* store = StoreOf(items);
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  const std::string value(kValueBytes, 'w');
  for (auto _ : state) {
    const KeyText text(random.Below(items));
    const Key key = store->MakeKey(text.view());
    benchmark::DoNotOptimize(store->Delete(lane, key, {}, kNow));
    benchmark::DoNotOptimize(store->Write(lane, key, value, {}, kNow));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DeleteAndInsert)->Arg(kSmallSet)->Arg(kLargeSet)->ThreadRange(1, 2);

Store* LargeValueStore() {
  static const std::unique_ptr<Store> filled = [] {
    std::unique_ptr<Store> store = MakeStore(kFullMemoryBytes);
    Lane& lane = store->AddLane();
    const std::string value(kLargeValueBytes, 'v');
    for (uint64_t n = 0; n < 100; ++n) {
      const KeyText key(n);
      store->Write(lane, store->MakeKey(key.view()), value, {}, kNow);
    }
    return store;
  }();
  return filled.get();
}

// Pinned, walked over piece by piece as for a gathering write, and let go.
void BM_ReadLargeValue(benchmark::State& state) {
  Store* store = LargeValueStore();
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  for (auto _ : state) {
    const KeyText key(random.Below(100));
    ItemRef pin;
    store->Read(lane, store->MakeKey(key.view()), {}, kNow,
                [&](const ItemView& item) { pin = item.Pin(); });
    ValuePieces pieces = pin.Pieces();
    for (std::string_view piece = pieces.Next(); !piece.empty(); piece = pieces.Next()) {
      benchmark::DoNotOptimize(piece);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ReadLargeValue)->ThreadRange(1, 2);

void BM_WriteLargeValue(benchmark::State& state) {
  Store* store = LargeValueStore();
  Lane& lane = store->AddLane();
  Random random(state.thread_index());
  const std::string value(kLargeValueBytes, 'w');
  for (auto _ : state) {
    const KeyText key(random.Below(100));
    benchmark::DoNotOptimize(store->Write(lane, store->MakeKey(key.view()), value, {}, kNow));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kLargeValueBytes));
}
BENCHMARK(BM_WriteLargeValue)->ThreadRange(1, 2);

}  // namespace
}  // namespace larder
