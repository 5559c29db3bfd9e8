#include "server/engine/turn_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "server/engine/settings.h"
#include "tests/engine/session_harness.h"

namespace larder {
namespace {

using testing::ElementsAre;
using testing::Pair;

TurnTimeTotals TotalsOf(const TurnTimes& times) {
  TurnTimeTotals totals;
  times.AddTo(&totals);
  return totals;
}

TEST(TurnTimesTest, EveryTimeHasItsBucket) {
  size_t bucket = 0;
  for (uint64_t time = 0; time < 100'000; ++time) {
    if (time > TurnTimeTotals::LongestIn(bucket)) ++bucket;
    ASSERT_EQ(TurnTimeTotals::BucketOf(time), bucket) << time;
    // The bucket's width, which is how far a percentile may be off.
    ASSERT_LE(TurnTimeTotals::LongestIn(bucket) - time, time / 16) << time;
  }
  constexpr size_t kLast = TurnTimeTotals::kBuckets - 1;
  EXPECT_EQ(TurnTimeTotals::BucketOf((uint64_t{1} << TurnTimeTotals::kTimeBits) - 1), kLast);
  EXPECT_EQ(TurnTimeTotals::BucketOf(UINT64_MAX), kLast);
}

TEST(TurnTimesTest, NothingRecorded) {
  const TurnTimes times;
  EXPECT_EQ(TotalsOf(times).Count(), 0u);
  EXPECT_EQ(TotalsOf(times).Percentile(99), 0u);
}

TEST(TurnTimesTest, Percentiles) {
  TurnTimes times;
  for (uint64_t time = 1; time <= 1000; ++time) times.Record(time);
  const TurnTimeTotals totals = TotalsOf(times);
  EXPECT_EQ(totals.Count(), 1000u);
  EXPECT_GE(totals.Percentile(50), 500u);
  EXPECT_LE(totals.Percentile(50), 500u + 500 / 16);
  EXPECT_GE(totals.Percentile(99), 990u);
  EXPECT_EQ(totals.Percentile(100), 1000u);  // never more than the longest
  EXPECT_EQ(totals.longest_nanoseconds, 1000u);
}

TEST(TurnTimesTest, WhatIsLongerThanAllBucketsIsKnownByTheLongest) {
  TurnTimes times;
  times.Record(uint64_t{1} << 50);
  EXPECT_EQ(TotalsOf(times).Percentile(50), uint64_t{1} << 50);
}

TEST(TurnTimesTest, Octaves) {
  TurnTimes times;
  for (const uint64_t time : {0, 5, 7, 255, 256, 300, 511}) times.Record(time);
  std::vector<std::pair<uint64_t, uint64_t>> octaves;
  TotalsOf(times).ForEachOctave(
      [&](uint64_t end, uint64_t turns) { octaves.emplace_back(end, turns); });
  EXPECT_THAT(octaves, ElementsAre(Pair(1, 1), Pair(8, 2), Pair(256, 1), Pair(512, 3)));
}

TEST(TurnTimesTest, WorkersAddUp) {
  TurnTimes one;
  TurnTimes other;
  one.Record(100);
  other.Record(100);
  other.Record(900);
  TurnTimeTotals totals;
  one.AddTo(&totals);
  other.AddTo(&totals);
  EXPECT_EQ(totals.Count(), 3u);
  EXPECT_EQ(totals.longest_nanoseconds, 900u);
}

// At once for who asks, though the worker does it at its next turn.
TEST(TurnTimesTest, Clear) {
  TurnTimes times;
  times.Record(5000);
  times.Clear();
  EXPECT_EQ(TotalsOf(times).Count(), 0u);
  EXPECT_EQ(TotalsOf(times).longest_nanoseconds, 0u);
  times.Record(10);
  EXPECT_EQ(TotalsOf(times).Count(), 1u);
  EXPECT_EQ(TotalsOf(times).longest_nanoseconds, 10u);
}

TEST(TurnTimesTest, NobodyMeasuresUnlessAsked) {
  EngineHarness harness;
  EXPECT_EQ(harness.worker()->turn_times(), nullptr);
  Client client(&harness);
  EXPECT_EQ(client.Send("stats turns\r\n"), "STAT turns_status disabled\r\nEND\r\n");
}

TEST(TurnTimesTest, Statistics) {
  Settings settings;
  settings.track_turn_times = true;
  EngineHarness harness(settings);
  Client client(&harness);
  harness.worker()->turn_times()->Record(1500);
  harness.worker()->turn_times()->Record(1500);
  harness.worker()->turn_times()->Record(70'000);
  EXPECT_EQ(client.Send("stats turns\r\n"),
            "STAT turns 3\r\n"
            "STAT cpu_us_p50 1.5\r\n"
            "STAT cpu_us_p99 70.0\r\n"
            "STAT cpu_us_p99.9 70.0\r\n"
            "STAT cpu_us_p99.99 70.0\r\n"
            "STAT cpu_us_max 70.0\r\n"
            "STAT below_ns_2048 2\r\n"
            "STAT below_ns_131072 1\r\n"
            "END\r\n");
  client.Send("stats reset\r\n");
  EXPECT_EQ(StatOf(client.Send("stats turns\r\n"), "turns"), "0");
}

}  // namespace
}  // namespace larder
