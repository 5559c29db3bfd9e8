#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// What an operator changes while the store is in use.

namespace larder {
namespace {

using testing::Each;
using testing::Field;

constexpr Tick kNow{100};
constexpr size_t kSmall = 100;
constexpr size_t kLarger = 3000;

class StoreControlTest : public ::testing::Test {
 protected:
  void MakeStore(const StoreOptions& options) {
    tested_ = std::make_unique<StoreUnderTest>(options);
  }
  void SetUp() override { MakeStore({.memory_bytes = 8 * kMiB}); }
  void TearDown() override { store().CheckInvariants(); }

  Store& store() { return tested_->store(); }
  uint64_t evicted() { return Sum(store(), &ClassStats::evicted); }
  int Put(uint64_t n, size_t bytes = kSmall) {
    const WriteOutcome outcome = tested_->Put(KeyOf(n), ValueOf(bytes, n), kNow);
    EXPECT_EQ(outcome.status, WriteStatus::kStored);
    return outcome.class_id;
  }
  // Until something is evicted: how many items that took.
  uint64_t FillUp(size_t bytes = kSmall) {
    uint64_t n = 0;
    for (const uint64_t before = evicted(); evicted() == before; ++n) Put(n, bytes);
    return n;
  }
  uint64_t CountWhole(uint64_t end, size_t bytes = kSmall) {
    uint64_t whole = 0;
    for (uint64_t n = 0; n < end; ++n) {
      const auto found = tested_->Get(KeyOf(n), kNow);
      if (!found) continue;
      EXPECT_EQ(found->value, ValueOf(bytes, n));
      ++whole;
    }
    return whole;
  }
  uint64_t PagesOf(int class_id) {
    return StatsOfClass(store(), static_cast<uint32_t>(class_id)).pages;
  }

  std::unique_ptr<StoreUnderTest> tested_;
};

TEST_F(StoreControlTest, ALowerLimitIsReachedAndTheMemoryGivenBack) {
  const uint64_t items = FillUp();
  EXPECT_GT(store().Stats().memory_bytes, 7 * kMiB);
  ASSERT_TRUE(store().SetMemoryLimit(3 * kMiB));
  EXPECT_EQ(store().Stats().memory_limit_bytes, 3 * kMiB);
  tested_->MaintainAll(kNow);
  const StoreStats stats = store().Stats();
  EXPECT_LE(stats.memory_bytes, 3 * kMiB);
  EXPECT_GT(stats.memory_bytes, 2 * kMiB);
  const uint64_t whole = CountWhole(items);
  EXPECT_EQ(whole, stats.items);
  EXPECT_GT(whole, items / 5);
  for (uint64_t n = 0; n < 1000; ++n) Put(items + n);
  EXPECT_LE(store().Stats().memory_bytes, 3 * kMiB + 64 * 1024);
}

// Of small items the index is a good part: it must not be all that is left.
TEST_F(StoreControlTest, TheIndexBecomesSmallerWithTheLimit) {
  MakeStore({.memory_bytes = 64 * kMiB});
  uint64_t n = 0;
  for (; evicted() == 0; ++n) {
    Put(n, 1);
    if (n % 64 == 0) store().Maintain(kNow, 2048);
  }
  tested_->MaintainAll(kNow);
  const StoreStats before = store().Stats();
  ASSERT_TRUE(store().SetMemoryLimit(8 * kMiB));
  tested_->MaintainAll(kNow);
  const StoreStats after = store().Stats();
  EXPECT_LE(after.memory_bytes, 8 * kMiB);
  EXPECT_LT(after.index_buckets, before.index_buckets / 6);
  EXPECT_LT(after.index_bytes, before.index_bytes / 2);
  EXPECT_GT(after.items, before.items / 20);
  store().CheckInvariants();
  EXPECT_EQ(CountWhole(n, 1), after.items);
  // And larger again.
  ASSERT_TRUE(store().SetMemoryLimit(64 * kMiB));
  const uint64_t evicted_before = evicted();
  for (uint64_t i = 0; i < before.items / 2; ++i) {
    Put(n + i, 1);
    if (i % 64 == 0) store().Maintain(kNow, 2048);
  }
  EXPECT_EQ(evicted(), evicted_before);
  EXPECT_GT(store().Stats().index_buckets, before.index_buckets / 3);
}

TEST_F(StoreControlTest, AHigherLimitIsUsed) {
  const uint64_t items = FillUp();
  ASSERT_TRUE(store().SetMemoryLimit(24 * kMiB));
  const uint64_t before = evicted();
  for (uint64_t n = 0; n < 2 * items; ++n) Put(n);
  EXPECT_EQ(evicted(), before);
  EXPECT_GT(store().Stats().memory_bytes, 14 * kMiB);
}

TEST_F(StoreControlTest, ALimitDownAndUpAgainLosesNothingMore) {
  const uint64_t items = FillUp();
  ASSERT_TRUE(store().SetMemoryLimit(4 * kMiB));
  tested_->MaintainAll(kNow);
  const uint64_t left = CountWhole(items);
  ASSERT_TRUE(store().SetMemoryLimit(8 * kMiB));
  tested_->MaintainAll(kNow);
  const uint64_t before = evicted();
  for (uint64_t n = 0; n < (items - left) * 9 / 10; ++n) Put(items + n);
  EXPECT_EQ(evicted(), before);
  EXPECT_EQ(CountWhole(items), left);
}

TEST_F(StoreControlTest, ALimitThatCannotBeIsRefused) {
  const uint64_t limit = store().Stats().memory_limit_bytes;
  EXPECT_FALSE(store().SetMemoryLimit(uint64_t{1} << 60));
  EXPECT_FALSE(store().SetMemoryLimit(store().Stats().page_bytes));
  EXPECT_EQ(store().Stats().memory_limit_bytes, limit);
}

TEST_F(StoreControlTest, WithoutEvictionALowerLimitWaitsForItemsToGo) {
  MakeStore({.memory_bytes = 8 * kMiB, .evict = false});
  uint64_t items = 0;
  while (tested_->Put(KeyOf(items), ValueOf(kSmall, items), kNow).status == WriteStatus::kStored) {
    ++items;
  }
  ASSERT_TRUE(store().SetMemoryLimit(4 * kMiB));
  tested_->MaintainAll(kNow);
  EXPECT_EQ(CountWhole(items), items);
  for (uint64_t n = 0; n < items; ++n) tested_->Delete(KeyOf(n), kNow);
  tested_->MaintainAll(kNow);
  EXPECT_LE(store().Stats().memory_bytes, 4 * kMiB);
}

// While the limit is lowered, a class that has no page still gets one at once.
TEST_F(StoreControlTest, AClassWithoutAPageIsServedWhileMemoryShrinks) {
  FillUp();
  ASSERT_TRUE(store().SetMemoryLimit(3 * kMiB));
  Put(1000000, kLarger);
  EXPECT_TRUE(tested_->Get(KeyOf(1000000), kNow));
  tested_->MaintainAll(kNow);
  EXPECT_LE(store().Stats().memory_bytes, 3 * kMiB);
}

TEST_F(StoreControlTest, APageIsReassigned) {
  const uint64_t items = FillUp();
  const int from = Put(0);
  const int to = Put(2000000, kLarger);
  tested_->MaintainAll(kNow);
  const uint64_t pages_from = PagesOf(from);
  const uint64_t pages_to = PagesOf(to);
  EXPECT_EQ(store().Reassign(from, to), ReassignStatus::kStarted);
  EXPECT_TRUE(store().Stats().reassigning);
  EXPECT_EQ(store().Reassign(from, to), ReassignStatus::kBusy);
  tested_->MaintainAll(kNow);
  EXPECT_FALSE(store().Stats().reassigning);
  EXPECT_EQ(PagesOf(from), pages_from - 1);
  EXPECT_EQ(PagesOf(to), pages_to + 1);
  EXPECT_GT(store().Stats().items_dropped, 100u);
  EXPECT_LT(CountWhole(items), items);
  EXPECT_EQ(store().Reassign(-1, to), ReassignStatus::kStarted);
  tested_->MaintainAll(kNow);
  EXPECT_EQ(PagesOf(to), pages_to + 2);
}

TEST_F(StoreControlTest, AReassignmentThatCannotBeIsRefused) {
  const int one = Put(0);
  const int other = Put(1, kLarger);
  EXPECT_EQ(store().Reassign(one, one), ReassignStatus::kSame);
  EXPECT_EQ(store().Reassign(one, other), ReassignStatus::kNoSpare);
  EXPECT_EQ(store().Reassign(-1, other), ReassignStatus::kNoSpare);
  EXPECT_EQ(store().Reassign(one, 0), ReassignStatus::kBadClass);
  EXPECT_EQ(store().Reassign(-2, other), ReassignStatus::kBadClass);
  EXPECT_EQ(store().Reassign(one, 255), ReassignStatus::kBadClass);
  EXPECT_FALSE(store().Stats().reassigning);
}

TEST_F(StoreControlTest, AReassignmentThatIsHeldUpIsGivenUp) {
  const uint64_t items = FillUp(20000);
  const int from = Put(0, 20000);
  const int to = Put(items, kSmall);
  std::vector<ItemRef> pins;
  for (uint64_t n = 0; n < items; ++n) {
    store().Read(tested_->lane(), store().MakeKey(KeyOf(n)), {}, kNow,
                 [&](const ItemView& item) { pins.push_back(item.Pin()); });
  }
  const uint64_t pages_to = PagesOf(to);
  EXPECT_EQ(store().Reassign(from, to), ReassignStatus::kStarted);
  tested_->MaintainAll(kNow);
  EXPECT_FALSE(store().Stats().reassigning);
  EXPECT_EQ(PagesOf(to), pages_to);
}

TEST_F(StoreControlTest, WithoutAutomoveNoPageIsKeptFree) {
  // Large enough for a reserve.
  MakeStore({.memory_bytes = 64 * kMiB, .automove = false});
  FillUp(kLarger);
  tested_->MaintainAll(kNow);
  EXPECT_EQ(store().Stats().pages_free, 0u);
  store().SetAutomove(true);
  FillUp(kLarger);
  tested_->MaintainAll(kNow);
  EXPECT_GT(store().Stats().pages_free, 0u);
}

TEST_F(StoreControlTest, TheSweeperIsSwitchedOffAndOn) {
  MakeStore({.memory_bytes = 8 * kMiB, .sweeper = false});
  tested_->Put("soon", "v", kNow, {.expire = kNow.seconds + 5});
  const auto items_at = [&](uint32_t seconds) {
    tested_->MaintainAll(Tick{seconds});
    return store().Stats().items;
  };
  EXPECT_FALSE(store().Stats().sweeper);
  EXPECT_EQ(items_at(200), 1u);
  EXPECT_EQ(store().Stats().sweeps_started, 0u);
  store().SetSweeper(true);
  EXPECT_TRUE(store().Stats().sweeper);
  EXPECT_EQ(items_at(201), 0u);
  EXPECT_EQ(store().Stats().sweeps_started, 1u);
  EXPECT_EQ(store().Stats().sweeps, 1u);
}

TEST_F(StoreControlTest, ACrawlSweepsTheClassesThatWereAskedFor) {
  MakeStore({.memory_bytes = 8 * kMiB, .sweeper = false});
  const auto soon = kNow.seconds + 5;
  const int small = tested_->Put("small", "v", kNow, {.expire = soon}).class_id;
  const int large = tested_->Put("large", ValueOf(kLarger), kNow, {.expire = soon}).class_id;
  tested_->Put("stays", "v", kNow);
  const Tick later{kNow.seconds + 10};
  ClassSet classes;
  classes.set(static_cast<size_t>(large));
  EXPECT_EQ(store().Crawl(classes), CrawlStatus::kStarted);
  EXPECT_EQ(store().Crawl(classes), CrawlStatus::kBusy);
  tested_->MaintainAll(later);
  EXPECT_EQ(store().Stats().items, 2u);
  EXPECT_EQ(StatsOfClass(store(), static_cast<uint32_t>(small)).sweeper_checked, 0u);
  EXPECT_EQ(StatsOfClass(store(), static_cast<uint32_t>(large)).sweeper_reclaimed, 1u);
  EXPECT_EQ(store().Crawl(ClassSet().set()), CrawlStatus::kStarted);
  tested_->MaintainAll(later);
  EXPECT_EQ(store().Stats().items, 1u);
  // A page on which nothing is due is gone over too if somebody asks for it.
  EXPECT_EQ(StatsOfClass(store(), static_cast<uint32_t>(small)).sweeper_checked, 2u);
}

// A crawl of some classes must not end a flush whose dead are in others.
TEST_F(StoreControlTest, ACrawlDoesNotEndAFlush) {
  const int small = Put(1);
  Put(2, kLarger);
  store().Flush(kNow, kNow);
  EXPECT_EQ(store().Crawl(ClassSet().set(static_cast<size_t>(small))), CrawlStatus::kStarted);
  store().Maintain(kNow, 1000000);
  EXPECT_FALSE(tested_->Get(KeyOf(2), kNow));
}

TEST_F(StoreControlTest, TheShareOnProbationChanges) {
  FillUp();
  const int class_id = Put(0);
  const auto on_probation = [&] {
    const ClassStats stats = StatsOfClass(store(), static_cast<uint32_t>(class_id));
    return 100 * stats.items_on_probation / stats.chunks;
  };
  const auto churn = [&] {
    for (uint64_t n = 0; n < 200000; ++n) Put(1000000 + n);
  };
  churn();
  EXPECT_NEAR(static_cast<double>(on_probation()), 20, 2);
  store().SetProbationPercent(60);
  EXPECT_EQ(store().probation_percent(), 60u);
  churn();
  EXPECT_NEAR(static_cast<double>(on_probation()), 60, 2);
  store().SetProbationPercent(0);
  churn();
  EXPECT_EQ(on_probation(), 0u);
  store().SetProbationPercent(1000);
  EXPECT_EQ(store().probation_percent(), 90u);
}

struct Seen {
  std::string key;
  Eviction eviction;
};

class RecordingObserver : public StoreObserver {
 public:
  void OnEviction(const Eviction& eviction) override {
    seen.push_back({std::string(eviction.key), eviction});
  }
  std::vector<Seen> seen;
};

TEST_F(StoreControlTest, AnObserverIsToldOfEvictions) {
  RecordingObserver observer;
  store().SetObserver(&observer);
  const uint64_t items = FillUp();
  const int class_id = Put(items);
  const uint64_t by_need = observer.seen.size();
  ASSERT_GE(by_need, 1u);
  EXPECT_EQ(by_need, evicted());
  EXPECT_FALSE(tested_->Get(observer.seen.front().key, kNow));
  EXPECT_THAT(observer.seen, Each(Field(&Seen::eviction, Field(&Eviction::value_bytes, kSmall))));
  EXPECT_THAT(observer.seen, Each(Field(&Seen::eviction, Field(&Eviction::class_id, class_id))));
  EXPECT_THAT(observer.seen, Each(Field(&Seen::eviction, Field(&Eviction::fetched, false))));

  ASSERT_TRUE(store().SetMemoryLimit(4 * kMiB));
  tested_->MaintainAll(kNow);
  EXPECT_GT(observer.seen.size(), by_need + 1000);
  EXPECT_EQ(observer.seen.size(), evicted());
  store().SetObserver(nullptr);
  const size_t before = observer.seen.size();
  ASSERT_TRUE(store().SetMemoryLimit(3 * kMiB));
  tested_->MaintainAll(kNow);
  EXPECT_EQ(observer.seen.size(), before);
}

}  // namespace
}  // namespace larder
