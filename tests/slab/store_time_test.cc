#include <cstdint>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// What passes with time: expiry, found by whoever asks and by the sweeper, and flushes.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreTimeTest : public ::testing::Test {
 protected:
  void TearDown() override { tested_.store().CheckInvariants(); }

  Store& store() { return tested_.store(); }
  uint64_t items() { return store().Stats().items; }
  bool Has(std::string_view key, Tick now) { return tested_.Get(key, now).has_value(); }
  uint64_t Total(uint64_t ClassStats::*field) { return Sum(store(), field); }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 8 * kMiB}};
};

using StoreExpiryTest = StoreTimeTest;
using StoreSweepTest = StoreTimeTest;
using StoreFlushTest = StoreTimeTest;

TEST_F(StoreExpiryTest, AnItemIsGoneAtItsSecond) {
  tested_.Put("key", "value", kNow, {.expire = 200});
  EXPECT_TRUE(Has("key", Tick{199}));
  EXPECT_EQ(items(), 1u);
  EXPECT_FALSE(Has("key", Tick{200}));
  EXPECT_EQ(tested_.last_read.status, ReadStatus::kExpired);
  EXPECT_EQ(items(), 0u);
  EXPECT_FALSE(Has("key", Tick{200}));
  EXPECT_EQ(tested_.last_read.status, ReadStatus::kMiss);
}

TEST_F(StoreExpiryTest, WhatExpiresAtOnceIsStoredAndGone) {
  EXPECT_EQ(tested_.Put("key", "value", kNow, {.expire = 100}).status, WriteStatus::kStored);
  EXPECT_FALSE(Has("key", kNow));
}

// To every operation, an item whose time has passed is no item.
TEST_F(StoreExpiryTest, IsNoticedByEveryOperation) {
  const Tick later{200};
  const auto expired = [&] {
    const uint64_t token = tested_.Put("key", "5", kNow, {.expire = 200}).cas;
    EXPECT_EQ(items(), 1u);
    return token;
  };
  expired();
  EXPECT_EQ(tested_.Put("key", "6", later, {.mode = WriteMode::kReplace}).status,
            WriteStatus::kNotStored);
  EXPECT_EQ(items(), 0u);
  expired();
  EXPECT_EQ(tested_.Put("key", "6", later, {.mode = WriteMode::kAppend}).status,
            WriteStatus::kNotStored);
  expired();
  EXPECT_EQ(tested_.PutInSteps("key", "6", 1, later, {.mode = WriteMode::kPrepend}).status,
            WriteStatus::kNotStored);
  WriteOptions compare{.compare = true};
  compare.compare_cas = expired();
  EXPECT_EQ(tested_.Put("key", "6", later, compare).status, WriteStatus::kNotFound);
  expired();
  EXPECT_EQ(tested_.Add("key", 1, later).status, ArithmeticStatus::kNotFound);
  expired();
  EXPECT_EQ(tested_.Delete("key", later), DeleteStatus::kNotFound);
  EXPECT_EQ(items(), 0u);
  expired();
  EXPECT_EQ(tested_.Put("key", "6", later, {.mode = WriteMode::kAdd}).status, WriteStatus::kStored);
  EXPECT_EQ(tested_.Get("key", later)->value, "6");
  EXPECT_EQ(items(), 1u);
}

TEST_F(StoreExpiryTest, TouchingMovesIt) {
  tested_.Put("key", "value", kNow, {.expire = 200});
  EXPECT_EQ(tested_.Get("key", kNow, {.touch = true, .expire = 300})->expire, 300u);
  EXPECT_TRUE(Has("key", Tick{299}));
  EXPECT_EQ(tested_.Get("key", kNow, {.touch = true})->expire, kNeverExpires);
  EXPECT_TRUE(Has("key", Tick{1000000}));
  tested_.Get("key", kNow, {.touch = true, .expire = 100});
  EXPECT_FALSE(Has("key", kNow));
  EXPECT_FALSE(tested_.Get("key", kNow, {.touch = true, .expire = 300}));
}

TEST_F(StoreExpiryTest, OverwritingMovesItToo) {
  tested_.Put("key", "value", kNow, {.expire = 200});
  tested_.Put("key", "other", kNow);
  EXPECT_TRUE(Has("key", Tick{200}));
  tested_.Put("key", "other", kNow, {.expire = 150});
  EXPECT_FALSE(Has("key", Tick{150}));
}

// The sweeper.

TEST_F(StoreSweepTest, SweepsOutWhatNobodyAsksFor) {
  for (uint64_t n = 0; n < 1000; ++n) {
    tested_.Put(KeyOf(n), ValueOf(n % 50 == 0 ? 30000 : 100), kNow,
                {.expire = n % 2 == 0 ? 200 : kNeverExpires});
  }
  tested_.Get(KeyOf(2), kNow);
  tested_.MaintainAll(Tick{199});
  EXPECT_EQ(items(), 1000u);
  tested_.MaintainAll(Tick{209});
  EXPECT_EQ(items(), 500u);
  EXPECT_EQ(Total(&ClassStats::sweeper_reclaimed), 500u);
  EXPECT_EQ(Total(&ClassStats::expired_unfetched), 499u);
  EXPECT_EQ(Total(&ClassStats::reclaimed), 0u);
  for (uint64_t n = 1; n < 1000; n += 2) ASSERT_TRUE(Has(KeyOf(n), Tick{210}));
}

TEST_F(StoreSweepTest, EveryTenSeconds) {
  tested_.MaintainAll(kNow);
  EXPECT_EQ(store().Stats().sweeps, 1u);
  tested_.Put("key", "value", kNow, {.expire = 101});
  tested_.MaintainAll(Tick{109});
  EXPECT_EQ(items(), 1u);
  tested_.MaintainAll(Tick{110});
  EXPECT_EQ(store().Stats().sweeps, 2u);
  EXPECT_EQ(items(), 0u);
}

// However often and little maintenance runs, what expires is gone after one interval and the sweep
// that then begins: at `steps` a second, the length of a sweep is known.
TEST_F(StoreSweepTest, WithinABoundedTime) {
  constexpr uint32_t kInterval = 4;
  constexpr uint64_t kItems = 20000;
  constexpr size_t kStepsASecond = 8192;
  constexpr uint32_t kSweepTakes = 4;
  StoreUnderTest tested(StoreOptions{.memory_bytes = 8 * kMiB, .sweep_seconds = kInterval});
  for (uint64_t n = 0; n < kItems; ++n) {
    tested.Put(KeyOf(n), ValueOf(100), kNow,
               {.expire = kNow.seconds + 1 + static_cast<uint32_t>(n % 40)});
  }
  for (uint32_t second = kNow.seconds; second < kNow.seconds + 60; ++second) {
    for (size_t steps = 0; steps < kStepsASecond; steps += 512) {
      tested.store().Maintain(Tick{second}, 512);
    }
    uint64_t overdue = 0;
    for (uint32_t n = 0; n < 40; ++n) {
      if (kNow.seconds + 1 + n + kInterval + kSweepTakes <= second) overdue += kItems / 40;
    }
    ASSERT_LE(Sum(tested.store(), &ClassStats::used_chunks), kItems - overdue) << second;
  }
  EXPECT_EQ(Sum(tested.store(), &ClassStats::used_chunks), 0u);
  EXPECT_GE(tested.store().Stats().sweeps, 12u);
  tested.store().CheckInvariants();
}

TEST_F(StoreSweepTest, InPieces) {
  for (uint64_t n = 0; n < 2000; ++n) tested_.Put(KeyOf(n), ValueOf(100), kNow, {.expire = 200});
  int pieces = 1;
  uint64_t before = items();
  for (; store().Maintain(Tick{200}, 64); ++pieces) {
    EXPECT_TRUE(store().Stats().sweeping);
    // A budget of 64 chunks looks at no more of them.
    EXPECT_LE(before - items(), 64u);
    before = items();
  }
  EXPECT_FALSE(store().Stats().sweeping);
  EXPECT_GE(pieces, 2000 / 64);
  EXPECT_EQ(items(), 0u);
}

// A page on which nothing expires yet is not looked at.
TEST_F(StoreSweepTest, SkipsPagesWhoseTimeHasNotCome) {
  // Two pages and some of a class, the items in the order of their addresses.
  const ClassStats of_class =
      StatsOfClass(store(), tested_.Put(KeyOf(0), ValueOf(1000), kNow, {.expire = 1000}).class_id);
  const uint32_t chunks = of_class.chunks_per_page;
  for (uint64_t n = 1; n < 2 * chunks + 5; ++n) {
    tested_.Put(KeyOf(n), ValueOf(1000), kNow, {.expire = n % 2 == 0 ? 1000 : kNeverExpires});
  }
  const auto checked = [&] { return Total(&ClassStats::sweeper_checked); };
  tested_.MaintainAll(Tick{900});
  EXPECT_EQ(checked(), 0u);
  // One item of the second page: the whole page is gone over, and only that.
  tested_.Get(KeyOf(chunks + 3), Tick{900}, {.touch = true, .expire = 905});
  tested_.MaintainAll(Tick{910});
  EXPECT_EQ(checked(), chunks);
  EXPECT_EQ(Total(&ClassStats::sweeper_reclaimed), 1u);
  // Then it is known when its time comes next.
  tested_.MaintainAll(Tick{920});
  EXPECT_EQ(checked(), chunks);
  // Overwriting in place and storing into a used page count too.
  tested_.Put(KeyOf(5), ValueOf(1000), Tick{920}, {.expire = 930});
  tested_.MaintainAll(Tick{930});
  EXPECT_EQ(checked(), 2 * chunks);
  tested_.Put(KeyOf(7777), ValueOf(1000), Tick{930}, {.expire = 940});
  tested_.MaintainAll(Tick{940});
  EXPECT_GT(checked(), 2 * chunks);
  EXPECT_EQ(Total(&ClassStats::sweeper_reclaimed), 3u);
  tested_.MaintainAll(Tick{1000});
  // The odd ones are left, but for two.
  EXPECT_EQ(items(), (2 * chunks + 5) / 2 - 2);
}

// A large value that is being sent when it is swept out is there until it has been sent.
TEST_F(StoreSweepTest, WaitsForPins) {
  tested_.Put("key", ValueOf(30000), kNow, {.expire = 200});
  ItemRef pin;
  store().Read(tested_.lane(), store().MakeKey("key"), {}, kNow,
               [&](const ItemView& item) { pin = item.Pin(); });
  tested_.MaintainAll(Tick{200});
  EXPECT_EQ(items(), 0u);
  EXPECT_TRUE(ReadAll(pin.Pieces()) == ValueOf(30000));
  EXPECT_GT(Total(&ClassStats::used_chunks), 0u);
  pin.Reset();
  EXPECT_EQ(Total(&ClassStats::used_chunks), 0u);
}

TEST_F(StoreSweepTest, GivesPagesBack) {
  for (uint64_t n = 0; n < 500; ++n) tested_.Put(KeyOf(n), ValueOf(5000), kNow, {.expire = 200});
  const uint64_t pages = store().Stats().pages;
  const uint64_t pages_free = store().Stats().pages_free;
  EXPECT_GT(pages, 30u);
  tested_.MaintainAll(Tick{200});
  EXPECT_EQ(store().Stats().pages, 1u);
  EXPECT_EQ(store().Stats().pages_free, pages_free + pages - 1);
}

// Flushes.

TEST_F(StoreFlushTest, AtOnce) {
  for (uint64_t n = 0; n < 100; ++n) tested_.Put(KeyOf(n), ValueOf(n * 100), kNow);
  store().Flush(kNow, kNow);
  tested_.Put("after", "value", kNow);
  for (uint64_t n = 0; n < 100; ++n) {
    EXPECT_FALSE(Has(KeyOf(n), kNow));
    EXPECT_EQ(tested_.last_read.status, ReadStatus::kFlushed);
  }
  EXPECT_TRUE(Has("after", kNow));
  EXPECT_EQ(items(), 1u);
  EXPECT_EQ(store().Stats().flushed_items, 100u);
}

TEST_F(StoreFlushTest, NothingFromBeforeItIsThereForAnyOperation) {
  uint64_t token = 0;
  const auto flushed = [&] {
    token = tested_.Put("key", "5", kNow).cas;
    store().Flush(kNow, kNow);
  };
  flushed();
  EXPECT_EQ(tested_.Put("key", "6", kNow, {.mode = WriteMode::kReplace}).status,
            WriteStatus::kNotStored);
  flushed();
  EXPECT_EQ(tested_.Put("key", "6", kNow, {.mode = WriteMode::kAppend}).status,
            WriteStatus::kNotStored);
  flushed();
  EXPECT_EQ(tested_.Put("key", "6", kNow, {.compare = true, .compare_cas = token}).status,
            WriteStatus::kNotFound);
  flushed();
  EXPECT_EQ(tested_.Add("key", 1, kNow).status, ArithmeticStatus::kNotFound);
  flushed();
  EXPECT_EQ(tested_.Delete("key", kNow), DeleteStatus::kNotFound);
  flushed();
  EXPECT_EQ(tested_.Put("key", "6", kNow, {.mode = WriteMode::kAdd}).status, WriteStatus::kStored);
  EXPECT_TRUE(Has("key", kNow));
}

TEST_F(StoreFlushTest, Later) {
  tested_.Put("before", "value", kNow);
  store().Flush(Tick{200}, kNow);
  EXPECT_TRUE(Has("before", Tick{199}));
  tested_.Put("between", "value", Tick{199});
  EXPECT_TRUE(Has("between", Tick{199}));
  EXPECT_FALSE(Has("before", Tick{200}));
  EXPECT_FALSE(Has("between", Tick{200}));
  // It happens once.
  tested_.Put("after", "value", Tick{200});
  EXPECT_TRUE(Has("after", Tick{201}));
}

// Whichever operation comes first after its time starts it, before it does its own work.
TEST_F(StoreFlushTest, LaterIsNoticedByAStore) {
  tested_.Put("before", "value", kNow);
  store().Flush(Tick{200}, kNow);
  tested_.Put("after", "value", Tick{250});
  EXPECT_FALSE(Has("before", Tick{250}));
  EXPECT_TRUE(Has("after", Tick{250}));
}

TEST_F(StoreFlushTest, LaterIsNoticedByMaintenance) {
  tested_.Put("before", "value", kNow);
  store().Flush(Tick{200}, kNow);
  tested_.MaintainAll(Tick{199});
  EXPECT_EQ(items(), 1u);
  tested_.MaintainAll(Tick{250});
  EXPECT_EQ(items(), 0u);
}

TEST_F(StoreFlushTest, ALaterOneReplacesOneThatIsNotDue) {
  tested_.Put("key", "value", kNow);
  store().Flush(Tick{200}, kNow);
  store().Flush(Tick{300}, Tick{150});
  EXPECT_TRUE(Has("key", Tick{299}));
  EXPECT_FALSE(Has("key", Tick{300}));

  tested_.Put("key", "value", Tick{300});
  store().Flush(Tick{400}, Tick{300});
  store().Flush(Tick{300}, Tick{300});  // at once
  EXPECT_FALSE(Has("key", Tick{300}));
  tested_.Put("key", "value", Tick{301});
  EXPECT_TRUE(Has("key", Tick{400}));
}

TEST_F(StoreFlushTest, ASweepReclaimsWhatIsFlushedAndRetiresTheFlush) {
  for (uint64_t n = 0; n < 1000; ++n) tested_.Put(KeyOf(n), ValueOf(100), kNow);
  for (uint64_t n = 0; n < 20; ++n) tested_.Put(KeyOf(5000 + n), ValueOf(20000), kNow);
  store().Flush(kNow, kNow);
  tested_.Put("after", "value", kNow);
  tested_.MaintainAll(kNow);
  EXPECT_EQ(items(), 1u);
  EXPECT_EQ(store().Stats().flushed_items, 1020u);
  EXPECT_TRUE(Has("after", kNow));
  // Nothing is left to look for: pages on which nothing expires are skipped again.
  const uint64_t checked = Total(&ClassStats::sweeper_checked);
  tested_.MaintainAll(Tick{200});
  EXPECT_EQ(store().Stats().sweeps, 2u);
  EXPECT_EQ(Total(&ClassStats::sweeper_checked), checked);
}

// A flush that comes while a sweep is under way is retired by the next one, which sees every page.
TEST_F(StoreFlushTest, DuringASweep) {
  for (uint64_t n = 0; n < 2000; ++n) tested_.Put(KeyOf(n), ValueOf(100), kNow);
  store().Flush(kNow, kNow);
  for (uint64_t n = 2000; n < 4000; ++n) tested_.Put(KeyOf(n), ValueOf(100), kNow);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store().Maintain(kNow, 64));
  store().Flush(kNow, kNow);
  tested_.MaintainAll(kNow);
  for (uint64_t n = 0; n < 4000; n += 3) ASSERT_FALSE(Has(KeyOf(n), kNow));
  tested_.MaintainAll(Tick{110});
  EXPECT_EQ(items(), 0u);
}

TEST_F(StoreFlushTest, AReservationIsStoredWhenItIsCommitted) {
  Reservation reservation;
  ASSERT_EQ(store().Reserve(tested_.lane(), store().MakeKey("key"), {.value_bytes = 0}, kNow,
                            &reservation),
            WriteStatus::kStored);
  store().Flush(kNow, kNow);
  store().Commit(std::move(reservation), {}, kNow);
  EXPECT_TRUE(Has("key", kNow));
}

}  // namespace
}  // namespace larder
