#include "server/engine/hot_keys.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using testing::DoubleNear;

Key KeyOf(const std::string& bytes) { return {bytes, std::hash<std::string>()(bytes)}; }

TEST(HotKeysTest, RatesAndShares) {
  HotKeys keys(/*sample_gap=*/10, Tick{100});
  const std::string hot = "hot", cold = "cold";
  for (int i = 0; i < 30; ++i) keys.TryAdd(KeyOf(hot), 100, /*moved=*/true, Tick{101});
  for (int i = 0; i < 10; ++i) keys.TryAdd(KeyOf(cold), 9000, /*moved=*/true, Tick{102});
  const HotKeysReport report = keys.Report(Tick{120});
  EXPECT_EQ(report.sampled, 40);
  EXPECT_EQ(report.seconds, 20);
  ASSERT_EQ(report.by_requests.size(), 2u);
  EXPECT_EQ(report.by_requests[0].key, hot);
  EXPECT_EQ(report.by_requests[0].value_bytes, 100u);
  EXPECT_EQ(report.by_requests[0].per_second, 15);
  EXPECT_EQ(report.by_requests[0].percent, 75);
  EXPECT_EQ(report.by_requests[0].percent_error_max, 0);
  ASSERT_EQ(report.by_bytes.size(), 2u);
  EXPECT_EQ(report.by_bytes[0].key, cold);
  EXPECT_EQ(report.by_bytes[0].per_second, 45000);
  EXPECT_THAT(report.by_bytes[0].percent, DoubleNear(100.0 * 90 / 93, 0.01));
}

TEST(HotKeysTest, WhatMovesNoValueIsNoTraffic) {
  HotKeys keys(1, Tick{1});
  const std::string key = "key";
  keys.TryAdd(KeyOf(key), 100, /*moved=*/false, Tick{1});
  keys.TryAdd(KeyOf(key), 0, /*moved=*/true, Tick{1});
  EXPECT_EQ(keys.Report(Tick{1}).by_requests.size(), 1u);
  EXPECT_TRUE(keys.Report(Tick{1}).by_bytes.empty());
}

// A steady load keeps its rate, whenever one asks.
TEST(HotKeysTest, OldLoadCountsLessAndTheRateStaysRight) {
  HotKeys keys(1, Tick{1});
  const std::string before = "before", now = "now";
  uint32_t second = 1;
  for (; second < 300; ++second) keys.TryAdd(KeyOf(before), 0, false, Tick{second});
  EXPECT_THAT(keys.Report(Tick{second}).by_requests[0].per_second, DoubleNear(1, 0.05));
  for (; second < 500; ++second) {
    for (int i = 0; i < 2; ++i) keys.TryAdd(KeyOf(now), 0, false, Tick{second});
  }
  const HotKeysReport report = keys.Report(Tick{second});
  EXPECT_EQ(report.by_requests[0].key, now);
  EXPECT_GT(report.by_requests[0].percent, 90);
  EXPECT_LE(report.seconds, 2 * HotKeys::kHalfLifeSeconds);
}

TEST(HotKeysTest, AfterALongSilenceNothingIsHot) {
  HotKeys keys(1, Tick{1});
  const std::string key = "key";
  for (int i = 0; i < 1000; ++i) keys.TryAdd(KeyOf(key), 10, true, Tick{1});
  EXPECT_TRUE(keys.Report(Tick{4'000'000'000}).by_requests.empty());
}

// Counters go from key to key: none of these is hot.
TEST(HotKeysTest, AnEvenLoadHasNoHotKeys) {
  HotKeys keys(1, Tick{1});
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = std::to_string(i % 10'000);
    keys.TryAdd(KeyOf(key), 10, true, Tick{1});
  }
  EXPECT_TRUE(keys.Report(Tick{1}).by_requests.empty());
}

TEST(HotKeysTest, NoMoreThanItsShare) {
  HotKeys keys(1, Tick{1});
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i % 40);
    keys.TryAdd(KeyOf(key), 10, true, Tick{1});
  }
  EXPECT_EQ(keys.Report(Tick{1}).by_requests.size(), HotKeys::kReported);
}

TEST(HotKeysTest, ResetForgets) {
  HotKeys keys(1, Tick{1});
  const std::string key = "key";
  keys.TryAdd(KeyOf(key), 10, true, Tick{1});
  keys.Reset(Tick{50});
  const HotKeysReport report = keys.Report(Tick{60});
  EXPECT_TRUE(report.by_requests.empty());
  EXPECT_EQ(report.seconds, 10);
}

}  // namespace
}  // namespace larder
