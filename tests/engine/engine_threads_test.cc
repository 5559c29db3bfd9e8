#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

// Workers share the store and are read by whoever asks for statistics.

namespace larder {
namespace {

constexpr int kWorkers = 3;
constexpr int kRounds = 3000;
constexpr uint32_t kKeys = 50;

// Executes `requests` as a connection of `worker` would that sends everything at once.
std::string Execute(EngineWorker* worker, const Now& now, std::string_view requests) {
  Session session(worker);
  Output out(&worker->output_blocks());
  std::string reply;
  while (!requests.empty()) {
    requests.remove_prefix(session.Run(requests, now, &out).consumed);
    iovec pieces[4];
    while (const size_t count = out.Gather(pieces)) {
      for (size_t i = 0; i < count; ++i) {
        reply.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
        out.Sent(pieces[i].iov_len);
      }
    }
  }
  return reply;
}

// A value that can be told from one that was torn: one letter, as often as it says.
std::string ValueOf(uint32_t size) { return std::string(size, static_cast<char>('a' + size % 26)); }

void ExpectWhole(const std::string& key, const std::string& reply) {
  if (reply == "END\r\n") return;
  const std::string start = "VALUE " + key + " 0 ";
  ASSERT_TRUE(reply.starts_with(start)) << reply.substr(0, 100);
  const auto size = static_cast<uint32_t>(std::stoul(reply.substr(start.size())));
  ASSERT_EQ(reply, start + std::to_string(size) + "\r\n" + ValueOf(size) + "\r\nEND\r\n");
}

void Work(EngineWorker* worker, const Now& now, unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; i < kRounds; ++i) {
    const std::string key = std::to_string(random() % kKeys);
    const uint32_t size = random() % 8 == 0 ? random() % 60'000 : random() % 200;
    switch (random() % 4) {
      case 0:
        Execute(worker, now,
                "set " + key + " 0 0 " + std::to_string(size) + "\r\n" + ValueOf(size) + "\r\n");
        break;
      case 1:
        Execute(worker, now, "delete " + key + "\r\n");
        break;
      default:
        ExpectWhole(key, Execute(worker, now, "get " + key + "\r\n"));
    }
  }
}

TEST(EngineThreads, WorkersAndStatistics) {
  Settings settings;
  settings.hot_keys_sample = 3;
  EngineHarness harness(settings);
  std::vector<std::thread> threads;
  std::atomic<int> working = kWorkers;
  for (int i = 0; i < kWorkers; ++i) {
    EngineWorker* worker = harness.engine().AddWorker();
    threads.emplace_back([&, worker, seed = static_cast<unsigned>(i)] {
      Work(worker, harness.now, seed);
      --working;
    });
  }
  while (working > 0) {
    for (const char* command : {"stats\r\n", "stats items\r\n", "stats slabs\r\n",
                                "stats hotkeys\r\n", "stats mrc\r\n"}) {
      ParseStats(Execute(harness.worker(), harness.now, command));
    }
    Execute(harness.worker(), harness.now, "verbosity 1\r\nstats reset\r\n");
  }
  for (std::thread& thread : threads) thread.join();
}

// Whoever samples never waits, and what was taken is counted.
TEST(EngineThreads, SamplesOfManyWorkers) {
  MissRatioCurve curve(UINT64_MAX);
  StoreStats store;
  store.memory_limit_bytes = 1 << 20;
  curve.Update(store, 20, {}, Tick{1});
  std::vector<std::thread> threads;
  std::atomic<int> working = kWorkers;
  for (int i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, seed = static_cast<unsigned>(i)] {
      std::mt19937_64 random(seed);
      for (int mine = 0; mine < kRounds;) {
        const SampledAccess access = {.hash = random(), .reads = 1};
        if (curve.TryTake({&access, 1}, Tick{1}).taken) {
          ++mine;
        } else {
          std::this_thread::yield();
        }
      }
      --working;
    });
  }
  while (working > 0) {
    curve.Update(store, 20, {.reads = 1}, Tick{1});
    EXPECT_LE(curve.Estimate().keys, MiniatureCaches::kKeysMax);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(curve.Estimate().reads, kWorkers * kRounds);
}

TEST(EngineThreads, NothingThatIsCountedIsLost) {
  EngineHarness harness;
  std::vector<std::thread> threads;
  for (int i = 0; i < kWorkers; ++i) {
    EngineWorker* worker = harness.engine().AddWorker();
    threads.emplace_back([&harness, worker] {
      for (int round = 0; round < kRounds; ++round) Execute(worker, harness.now, "get nope\r\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(StatOf(Execute(harness.worker(), harness.now, "stats\r\n"), "get_misses"),
            std::to_string(kWorkers * kRounds));
}

}  // namespace
}  // namespace larder
