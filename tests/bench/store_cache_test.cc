#include "bench/replay/store_cache.h"

#include <gtest/gtest.h>

#include "bench/replay/replay.h"
#include "bench/replay/synthetic.h"

namespace larder::bench {
namespace {

constexpr size_t kKeyBytes = 24;
constexpr uint64_t kMiB = 1 << 20;

std::unique_ptr<StoreCache> MakeCache(uint64_t memory_bytes) {
  auto cache = StoreCache::Create({.memory_bytes = memory_bytes}, kKeyBytes);
  EXPECT_TRUE(cache.ok()) << cache.status();
  return *std::move(cache);
}

TEST(StoreCache, IsAskedAsideOfWhoKnows) {
  const auto cache = MakeCache(4 * kMiB);
  const Request get = {.second = 5, .key = 1, .value_bytes = 10, .ttl_seconds = 10};
  const auto misses_of = [&](Request request) {
    Counts counts;
    EXPECT_TRUE(cache->Do({&request, 1}, counts).ok());
    EXPECT_EQ(counts.gets, request.op == Op::kGet ? 1u : 0u);
    return counts.misses;
  };
  EXPECT_EQ(misses_of(get), 1u);
  EXPECT_EQ(misses_of(get), 0u);
  EXPECT_EQ(misses_of({.second = 5, .key = 2, .op = Op::kSet}), 0u);
  EXPECT_EQ(misses_of({.second = 6, .key = 2}), 0u);
  EXPECT_EQ(misses_of({.second = 6, .key = 2, .op = Op::kDelete}), 0u);
  EXPECT_EQ(misses_of({.second = 6, .key = 2}), 1u);
  // Expiry goes by the load's time.
  EXPECT_EQ(misses_of({.second = 14, .key = 1}), 0u);
  EXPECT_EQ(misses_of({.second = 15, .key = 1}), 1u);
}

TEST(StoreCache, CountsWhatIsRefused) {
  const auto cache = MakeCache(4 * kMiB);
  const Request too_large = {.key = 1, .value_bytes = 1 << 20};
  Counts counts;
  ASSERT_TRUE(cache->Do({&too_large, 1}, counts).ok());
  EXPECT_EQ(counts.misses, 1u);
  EXPECT_EQ(counts.refused, 1u);
}

TEST(Replay, MissesEveryKeyOnceWhereAllFit) {
  SyntheticLoad load({.requests = 20'000, .keys = 100, .theta = 0});
  const auto cache = MakeCache(4 * kMiB);
  const auto result = Replay(load, *cache);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->Total().gets, 20'000u);
  EXPECT_EQ(result->Total().misses, 100u);
  EXPECT_EQ(result->tenths.front().gets, 2'000u);
  EXPECT_EQ(result->Total(/*from_tenth=*/5).misses, 0u);
}

// A tenth of the keys fit, and all are equally popular.
TEST(Replay, MissesWhatDoesNotFit) {
  constexpr uint32_t kKeys = 100'000;
  SyntheticLoad load({.requests = 400'000, .keys = kKeys, .theta = 0});
  const auto cache = MakeCache(2 * kMiB);
  const auto result = Replay(load, *cache);
  ASSERT_TRUE(result.ok()) << result.status();
  const double fit = static_cast<double>(cache->store().Stats().items) / kKeys;
  EXPECT_GT(fit, 0.1);
  EXPECT_LT(fit, 0.2);
  EXPECT_NEAR(result->Total(/*from_tenth=*/5).MissRatio(), 1 - fit, 0.01);
}

}  // namespace
}  // namespace larder::bench
