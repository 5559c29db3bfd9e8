#include "server/ops/monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/ops/memory_stream.h"

namespace larder {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

// A monitor, and what it has said since it was asked last.
class MonitorTest : public testing::Test {
 protected:
  explicit MonitorTest(milliseconds watchdog_limit = milliseconds(0))
      : monitor_(watchdog_limit, &log_,
                 [this](std::string_view state) { told_.emplace_back(state); }) {
    stats_.store.memory_limit_bytes = 64 << 20;
  }

  // A look after `seconds` more.
  void Look(uint32_t seconds = 1, const std::vector<int>& silent_workers = {}) {
    now_.tick.seconds += seconds;
    monitor_.Look(stats_, silent_workers, now_);
  }
  std::string Logged() { return stream_.Take(); }
  std::vector<std::string> Told() { return std::exchange(told_, {}); }

  StatsSnapshot stats_;
  MemoryStream stream_;
  const Log log_{{.stream = stream_.get(), .journal = true}, [] { return 0; }};
  std::vector<std::string> told_;
  Monitor monitor_;
  Now now_ = {.tick = Tick{100}};
};

class WatchdogTest : public MonitorTest {
 protected:
  WatchdogTest() : MonitorTest(milliseconds(2000)) {}
};

TEST_F(MonitorTest, SaysNothingWhenNothingHappens) {
  for (int i = 0; i < 100; ++i) Look();
  EXPECT_EQ(Logged(), "");
}

TEST_F(MonitorTest, TheFirstEvictionIsToldOnce) {
  stats_.store.items = 12345;
  stats_.store.classes = {{.evicted = 0}, {.evicted = 3}};
  Look();
  EXPECT_EQ(Logged(), "<6>first eviction: 12345 items fill the 64 MiB of -m\n");
  stats_.store.classes[0].evicted = 1;
  Look(1000);
  stats_.store.classes.clear();  // stats reset
  Look();
  stats_.store.classes = {{.evicted = 1}};
  Look();
  EXPECT_EQ(Logged(), "");
}

TEST_F(MonitorTest, WhatGoesOnIsToldOnceAMinute) {
  stats_.server.connections_rejected = 2;
  Look();
  EXPECT_EQ(Logged(), "<4>the limit of connections (-c) was reached; clients refused: 2\n");
  for (int i = 0; i < 59; ++i) {
    ++stats_.server.connections_rejected;
    Look();
  }
  EXPECT_EQ(Logged(), "");
  Look();
  EXPECT_EQ(Logged(), "<4>the limit of connections (-c) was reached; clients refused: 59\n");
  Look(60);
  EXPECT_EQ(Logged(), "");
}

TEST_F(MonitorTest, CountsOnFromAReset) {
  stats_.server.connections_rejected = 10;
  Look();
  stats_.server.connections_rejected = 4;
  Look(60);
  EXPECT_EQ(Logged(),
            "<4>the limit of connections (-c) was reached; clients refused: 10\n"
            "<4>the limit of connections (-c) was reached; clients refused: 4\n");
}

TEST_F(MonitorTest, EachLimitHasALineOfItsOwn) {
  stats_.server.accepting_stopped = 1;
  stats_.counters.stores_out_of_memory = 7;
  Look();
  EXPECT_EQ(Logged(),
            "<4>out of memory; values not stored: 7\n"
            "<4>the limit of connections (-c) or of open files was reached; times that clients "
            "had to wait: 1\n");
}

TEST_F(MonitorTest, AWorkerThatStandsStillIsToldWhenItIsSureAndWhenItIsOver) {
  Look(1, {2});
  Look(2, {0, 2});
  EXPECT_EQ(Logged(), "");
  Look(1, {2});
  EXPECT_EQ(Logged(), "<3>worker 2 has stood still for 3 s: its clients wait\n");
  Look(1, {2});
  EXPECT_EQ(Logged(), "");
  Look(1);
  EXPECT_EQ(Logged(), "<4>worker 2 goes on after 5 s\n");
  Look(1, {2});
  EXPECT_EQ(Logged(), "");
}

TEST_F(MonitorTest, TheStatusIsToldWhenItChangesButNotOften) {
  Look();
  EXPECT_THAT(Told(), ElementsAre("STATUS=0 items, no gets, 0 connections"));
  stats_.store.items = 10;
  stats_.server.connections = 3;
  stats_.counters.classes[0].probation_hits = 1;
  stats_.counters.classes[5].protected_hits = 1;
  stats_.counters.get_misses = 1;
  Look(4);
  EXPECT_THAT(Told(), IsEmpty());
  Look();
  EXPECT_THAT(Told(), ElementsAre("STATUS=10 items, hit ratio 66.7 %, 3 connections"));
  Look(5);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(MonitorTest, WithoutAWatchdogItIsNotFed) {
  Look();
  Told();
  Look();
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(monitor_.Period(), milliseconds(1000));
}

TEST_F(WatchdogTest, IsFedWhileAllWorkersAnswer) {
  EXPECT_EQ(monitor_.Period(), milliseconds(500));
  Look();
  Told();
  Look(0);
  EXPECT_THAT(Told(), ElementsAre("WATCHDOG=1"));
  Look(0, {1});
  EXPECT_THAT(Told(), IsEmpty());
  Look(0);
  EXPECT_THAT(Told(), ElementsAre("WATCHDOG=1"));
}

TEST(MonitorPeriodTest, IsAPartOfTheWatchdogsLimit) {
  const MemoryStream stream;
  const Log log({.stream = stream.get()}, [] { return 0; });
  const auto period = [&log](std::chrono::microseconds limit) {
    return Monitor(limit, &log, [](std::string_view) {}).Period();
  };
  EXPECT_EQ(period(std::chrono::minutes(1)), milliseconds(1000));
  EXPECT_EQ(period(milliseconds(100)), milliseconds(25));
  EXPECT_EQ(period(std::chrono::microseconds(1)), milliseconds(1));
}

}  // namespace
}  // namespace larder
