#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/engine/watch.h"

namespace larder {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Now kNow = {.tick = {5}, .wall_seconds = 1700000000, .wall_microseconds = 42};

WatchEvent Get(std::string_view key) {
  return {.kind = WatchEvent::Kind::kItemGet, .text = key, .status = "found", .connection = 28};
}

std::string Lines(Watcher* watcher) {
  std::string lines;
  watcher->Take(&lines);
  return lines;
}

TEST(WatchHubTest, NobodyWatchesAtFirst) {
  WatchHub hub(4096, 4096);
  EXPECT_EQ(hub.events(), 0u);
  EXPECT_FALSE(hub.Deliver(kNow));
}

TEST(WatchHubTest, EventsAreWhatAllWatchersWant) {
  WatchHub hub(4096, 4096);
  auto first = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  auto second = hub.Watch(
      kWatchMutations | kWatchEvictions, [] {}, kNow);
  EXPECT_EQ(hub.events(), kWatchFetchers | kWatchMutations | kWatchEvictions);
  EXPECT_EQ(hub.Stats().watchers, 2);
  second.reset();
  EXPECT_EQ(hub.events(), kWatchFetchers);
  first.reset();
  EXPECT_EQ(hub.events(), 0u);
}

TEST(WatchHubTest, LinesHaveTimeAndNumber) {
  WatchHub hub(4096, 4096);
  auto watcher = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  hub.AddLog()->Append(Get("a b"), kNow);
  EXPECT_TRUE(hub.Deliver(kNow));
  EXPECT_EQ(Lines(watcher.get()),
            "ts=1700000000.000042 gid=2 type=item_get key=a%20b status=found clsid=0 cfd=28 "
            "size=0\n");
  EXPECT_EQ(Lines(watcher.get()), "");
}

TEST(WatchHubTest, WatchersGetTheirKinds) {
  WatchHub hub(4096, 4096);
  auto fetchers = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  auto deletions = hub.Watch(
      kWatchDeletions, [] {}, kNow);
  WatchLog* const log = hub.AddLog();
  log->Append(Get("a"), kNow);
  log->Append({.kind = WatchEvent::Kind::kDeleted, .text = "a", .command = "md", .size = 3}, kNow);
  hub.Deliver(kNow);
  EXPECT_THAT(Lines(fetchers.get()), HasSubstr("type=item_get"));
  EXPECT_THAT(Lines(deletions.get()), EndsWith(" type=deleted key=a cmd=md clsid=0 size=3\n"));
}

TEST(WatchHubTest, WhatHappenedBeforeTheWatchIsNotShown) {
  WatchHub hub(4096, 4096);
  auto first = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  WatchLog* const log = hub.AddLog();
  log->Append(Get("a"), kNow);
  auto second = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  log->Append(Get("b"), kNow);
  hub.Deliver(kNow);
  EXPECT_THAT(Lines(first.get()), HasSubstr("key=a"));
  EXPECT_THAT(Lines(second.get()), testing::Not(HasSubstr("key=a")));
}

TEST(WatchHubTest, TheOtherKindsOfLines) {
  WatchHub hub(4096, 4096);
  auto watcher = hub.Watch(
      ~0u, [] {}, kNow);
  hub.common_log().Append({.kind = WatchEvent::Kind::kEviction,
                           .text = "k",
                           .ttl_seconds = -1,
                           .idle_seconds = 7,
                           .size = 3,
                           .class_id = 9,
                           .fetched = true},
                          kNow);
  hub.Deliver(kNow);
  EXPECT_THAT(Lines(watcher.get()),
              EndsWith(" type=eviction key=k fetch=yes ttl=-1 la=7 clsid=9 size=3\n"));
  hub.common_log().Append({.kind = WatchEvent::Kind::kRawCommand, .text = "get a", .connection = 4},
                          kNow);
  hub.Deliver(kNow);
  EXPECT_EQ(Lines(watcher.get()), "ts=1700000000.000042 gid=3 <4 get a\n");
}

TEST(WatchHubTest, TheWatcherIsWokenOnceADelivery) {
  WatchHub hub(4096, 4096);
  int wakes = 0;
  auto watcher = hub.Watch(
      kWatchFetchers, [&] { ++wakes; }, kNow);
  hub.Deliver(kNow);
  EXPECT_EQ(wakes, 0);
  hub.common_log().Append(Get("a"), kNow);
  hub.common_log().Append(Get("b"), kNow);
  hub.Deliver(kNow);
  EXPECT_EQ(wakes, 1);
}

TEST(WatchHubTest, AFullLogDropsAndCounts) {
  WatchHub hub(1024, 65536);
  auto watcher = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  for (int i = 0; i < 100; ++i) hub.common_log().Append(Get("a"), kNow);
  const WatchStats stats = hub.Stats();
  EXPECT_GT(stats.events_written, 3);
  EXPECT_GT(stats.events_dropped, 50);
  EXPECT_EQ(stats.events_written + stats.events_dropped, 100);
  hub.Deliver(kNow);
  EXPECT_EQ(hub.Stats().lines_sent, stats.events_written);
}

TEST(WatchHubTest, WhoMayNotWaitDropsAndCountsToo) {
  WatchHub hub(1 << 20, 65536);
  auto watcher = hub.Watch(
      kWatchEvictions, [] {}, kNow);
  constexpr int kThreads = 4;
  constexpr int kEvents = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEvents; ++i) {
        hub.common_log().TryAppend({.kind = WatchEvent::Kind::kEviction, .text = "a"}, kNow);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const WatchStats stats = hub.Stats();
  EXPECT_GT(stats.events_written, 0);
  EXPECT_EQ(stats.events_written + stats.events_dropped, kThreads * kEvents);
  hub.Deliver(kNow);
  EXPECT_EQ(hub.Stats().lines_sent + hub.Stats().lines_skipped, stats.events_written);
}

TEST(WatchHubTest, AFullWatcherSkipsIsToldAndHoldsNobodyUp) {
  WatchHub hub(65536, 200);
  auto slow = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  for (int i = 0; i < 10; ++i) hub.common_log().Append(Get("a"), kNow);
  hub.Deliver(kNow);
  const WatchStats stats = hub.Stats();
  EXPECT_EQ(stats.lines_sent, 2);
  EXPECT_EQ(stats.lines_skipped, 8);
  EXPECT_LE(Lines(slow.get()).size(), 200u);
  hub.common_log().Append(Get("b"), kNow);
  hub.Deliver(kNow);
  const std::string lines = Lines(slow.get());
  EXPECT_THAT(lines, StartsWith("skipped=8\n"));
  EXPECT_THAT(lines, HasSubstr("key=b"));
}

TEST(WatchHubTest, TwentyWatchersAndNoMore) {
  WatchHub hub(4096, 4096);
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (size_t i = 0; i < WatchHub::kWatchersMax; ++i) {
    watchers.push_back(hub.Watch(
        kWatchFetchers, [] {}, kNow));
    EXPECT_NE(watchers.back(), nullptr);
  }
  EXPECT_EQ(hub.Watch(
                kWatchFetchers, [] {}, kNow),
            nullptr);
  watchers.pop_back();
  EXPECT_NE(hub.Watch(
                kWatchFetchers, [] {}, kNow),
            nullptr);
}

TEST(WatchHubTest, ALongKeyStaysWhole) {
  WatchHub hub(4096, 4096);
  auto watcher = hub.Watch(
      kWatchFetchers, [] {}, kNow);
  hub.common_log().Append(Get(std::string(250, '\1')), kNow);
  hub.Deliver(kNow);
  EXPECT_THAT(Lines(watcher.get()), EndsWith("%01 status=found clsid=0 cfd=28 size=0\n"));
}

}  // namespace
}  // namespace larder
