#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// A store that is full: who goes first, what is refused under -M, and that the limit on memory is
// one. And an index that grows while all this goes on.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreEvictTest : public ::testing::Test {
 protected:
  void MakeStore(const StoreOptions& options) {
    tested_ = std::make_unique<StoreUnderTest>(options);
  }
  void TearDown() override { store().CheckInvariants(); }

  Store& store() { return tested_->store(); }
  uint64_t evicted() { return Sum(store(), &ClassStats::evicted); }
  WriteStatus Put(uint64_t n, size_t bytes, const WriteOptions& options = {}) {
    return tested_->Put(KeyOf(n), ValueOf(bytes), kNow, options).status;
  }
  // Items of `bytes` from number `first` on until memory is full: the number of the first that
  // would not fit without an eviction.
  uint64_t FillUp(size_t bytes, uint64_t first = 0, const WriteOptions& options = {}) {
    uint64_t n = first;
    while (Put(n, bytes, options) == WriteStatus::kStored && evicted() == 0) ++n;
    return n;
  }
  // Reading promotes, so this is only for the end of a test.
  std::set<uint64_t> Missing(uint64_t first, uint64_t end) {
    std::set<uint64_t> missing;
    for (uint64_t n = first; n < end; ++n) {
      if (!tested_->Get(KeyOf(n), kNow)) missing.insert(n);
    }
    return missing;
  }

  std::unique_ptr<StoreUnderTest> tested_;
};

// A scan: what is not read goes in the order in which it came, and only what is on probation.
TEST_F(StoreEvictTest, EvictsTheOldestOnProbation) {
  MakeStore({.memory_bytes = 2 * kMiB});
  const uint64_t full = FillUp(100);
  const uint64_t end = full + full / 10;
  for (uint64_t n = full + 1; n < end; ++n) ASSERT_EQ(Put(n, 100), WriteStatus::kStored);
  EXPECT_EQ(evicted(), end - full);
  EXPECT_EQ(Sum(store(), &ClassStats::evicted_unfetched), end - full);
  const std::set<uint64_t> missing = Missing(0, end);
  ASSERT_EQ(missing.size(), end - full);
  // The 20 % that came last before memory was full, from their first on.
  EXPECT_EQ(*missing.begin(), full - full / 5);
  EXPECT_EQ(*missing.rbegin() - *missing.begin() + 1, missing.size());
}

TEST_F(StoreEvictTest, WhatIsReadOnProbationIsPromoted) {
  MakeStore({.memory_bytes = 2 * kMiB});
  const uint64_t full = FillUp(100);
  const uint64_t first = full - full / 5;
  for (uint64_t n = first + 10; n < first + 20; ++n) {
    tested_->Get(KeyOf(n), kNow);
    EXPECT_TRUE(tested_->last_read.on_probation);
    tested_->Get(KeyOf(n), kNow);
    EXPECT_FALSE(tested_->last_read.on_probation);
  }
  // Several times as many as there is room for on probation.
  for (uint64_t n = full + 1; n < 2 * full; ++n) Put(n, 100);
  for (uint64_t n = first + 10; n < first + 20; ++n) {
    EXPECT_TRUE(tested_->Get(KeyOf(n), kNow)) << n;
  }
  EXPECT_TRUE(Missing(first + 1, first + 10).size() == 9);
}

// Without probation it is CLOCK: round and round in address order, a chance for each read.
TEST_F(StoreEvictTest, SecondChancesInAddressOrder) {
  MakeStore({.memory_bytes = 2 * kMiB, .probation_percent = 0});
  uint64_t full = 0;
  for (; evicted() == 0; ++full) Put(full, 100);
  // Number 0 went for the last one. Read 1 once, 2 twice; the next victims are 3, 4, ...
  tested_->Get(KeyOf(1), kNow);
  tested_->Get(KeyOf(2), kNow);
  tested_->Get(KeyOf(2), kNow);
  for (uint64_t n = 0; n < 10; ++n) Put(full + n, 100);
  EXPECT_EQ(Missing(0, 20), (std::set<uint64_t>{0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST_F(StoreEvictTest, CountsWhatItEvicts) {
  MakeStore({.memory_bytes = 2 * kMiB});
  FillUp(100, 0, {.expire = 1000});
  const uint64_t before = evicted();
  const uint64_t before_nonzero = Sum(store(), &ClassStats::evicted_nonzero);
  EXPECT_EQ(before_nonzero, before);
  // Twenty seconds later.
  tested_->Put("later", ValueOf(100), Tick{120});
  EXPECT_EQ(evicted(), before + 1);
  for (const ClassStats& of_class : store().Stats().classes) {
    if (of_class.evicted > 0) {
      EXPECT_EQ(of_class.evicted_idle_seconds, 20u);
    }
  }
}

TEST_F(StoreEvictTest, TakesTheExpiredAsReclaimed) {
  MakeStore({.memory_bytes = 2 * kMiB});
  uint64_t full = 0;
  while (store().Stats().pages_free > 0) Put(full++, 100, {.expire = 150});
  for (uint64_t n = 0; n < 2000; ++n) {
    tested_->Put(KeyOf(full + n), ValueOf(100), Tick{150}, {.expire = 200});
  }
  EXPECT_EQ(evicted(), 0u);
  const uint64_t reclaimed = Sum(store(), &ClassStats::reclaimed);
  EXPECT_GT(reclaimed, 1000u);
  EXPECT_EQ(Sum(store(), &ClassStats::expired_unfetched), reclaimed);
}

TEST_F(StoreEvictTest, AFullStoreTakesWhatIsLargeToo) {
  MakeStore({.memory_bytes = 4 * kMiB});
  FillUp(100);
  const std::string large = ValueOf(1000000);
  for (uint64_t n = 0; n < 20; ++n) {
    ASSERT_EQ(tested_->Put("large" + std::to_string(n), large, kNow).status, WriteStatus::kStored);
    ASSERT_TRUE(tested_->Get("large" + std::to_string(n), kNow)->value == large);
    store().CheckInvariants();
  }
  EXPECT_GE(Missing(0, 100).size(), 1u);
}

TEST_F(StoreEvictTest, AValueLargerThanMemoryIsRefused) {
  MakeStore({.memory_bytes = 2 * kMiB, .item_limit = {.item_bytes_max = 8 << 20}});
  EXPECT_EQ(Put(1, 4 * kMiB), WriteStatus::kNoMemory);
  EXPECT_GE(Sum(store(), &ClassStats::out_of_memory), 1u);
  EXPECT_EQ(Sum(store(), &ClassStats::used_chunks), 0u);
  EXPECT_EQ(Put(1, 100), WriteStatus::kStored);
}

// -M

class StoreRefuseTest : public StoreEvictTest {
 protected:
  void SetUp() override { MakeStore({.memory_bytes = 2 * kMiB, .evict = false}); }
};

TEST_F(StoreRefuseTest, RefusesInsteadOfEvicting) {
  const uint64_t full = FillUp(100);
  for (uint64_t n = 0; n < 100; ++n) EXPECT_EQ(Put(full + n, 100), WriteStatus::kNoMemory);
  EXPECT_EQ(evicted(), 0u);
  EXPECT_EQ(Sum(store(), &ClassStats::out_of_memory), 101u);
  EXPECT_TRUE(Missing(0, full).empty());
  // Neither for a class that has no page, nor for one that has.
  EXPECT_EQ(Put(full, 5000), WriteStatus::kNoMemory);
  EXPECT_EQ(Put(full, 100000), WriteStatus::kNoMemory);
  EXPECT_EQ(tested_->Put(KeyOf(0), ValueOf(5000), kNow, {.mode = WriteMode::kAppend}).status,
            WriteStatus::kNoMemory);
  EXPECT_EQ(store().Stats().items, full);
}

TEST_F(StoreRefuseTest, GoesOnWhereThereIsRoom) {
  const uint64_t full = FillUp(100);
  // In place, nothing is needed.
  EXPECT_EQ(tested_->Put(KeyOf(5), ValueOf(100, 7), kNow).status, WriteStatus::kStored);
  EXPECT_EQ(tested_->Get(KeyOf(5), kNow)->value, ValueOf(100, 7));
  EXPECT_EQ(tested_->Delete(KeyOf(6), kNow), DeleteStatus::kDeleted);
  EXPECT_EQ(Put(full, 100), WriteStatus::kStored);
  EXPECT_EQ(Put(full + 1, 100), WriteStatus::kNoMemory);
}

TEST_F(StoreRefuseTest, ARefusedChainLeavesNothing) {
  FillUp(30000);
  const uint64_t used = Sum(store(), &ClassStats::used_chunks);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Put(9999, 300000), WriteStatus::kNoMemory);
  EXPECT_EQ(Sum(store(), &ClassStats::used_chunks), used);
}

TEST_F(StoreRefuseTest, ANumberThatMustMoveIsRefused) {
  ASSERT_EQ(tested_->Put("12345678", "99999999", kNow).status, WriteStatus::kStored);
  FillUp(100);
  EXPECT_EQ(tested_->Add("12345678", 1, kNow).status, ArithmeticStatus::kNoMemory);
  EXPECT_EQ(tested_->Get("12345678", kNow)->value, "99999999");
}

TEST_F(StoreRefuseTest, TheSweeperMakesRoom) {
  const uint64_t full = FillUp(100, 0, {.expire = 150});
  tested_->MaintainAll(Tick{150});
  EXPECT_EQ(store().Stats().items, 0u);
  uint64_t n = 0;
  while (tested_->Put(KeyOf(n), ValueOf(100), Tick{150}).status == WriteStatus::kStored) ++n;
  // But for what the index has taken meanwhile.
  EXPECT_GT(n, full * 8 / 10);
}

// The index.

// Many more items than the index starts with room for, while maintenance gets little time.
TEST_F(StoreEvictTest, TheIndexGrowsInSmallSteps) {
  constexpr uint64_t kItems = 200000;
  MakeStore({.memory_bytes = 64 * kMiB});
  const uint64_t at_start = store().Stats().index_buckets;
  for (uint64_t n = 0; n < kItems; ++n) {
    ASSERT_EQ(Put(n, 10), WriteStatus::kStored);
    if (n % 16 == 0) store().Maintain(kNow, 24);
    if (n % 997 == 0) {
      // Whatever has been stored is found at every stage.
      ASSERT_TRUE(tested_->Get(KeyOf(n / 2), kNow)) << n;
      ASSERT_TRUE(tested_->Get(KeyOf(n), kNow)) << n;
    }
    if (n % 50000 == 0) store().CheckInvariants();
  }
  tested_->MaintainAll(kNow);
  EXPECT_TRUE(Missing(0, kItems).empty());
  EXPECT_FALSE(store().Stats().index_growing);
  EXPECT_GE(store().Stats().index_buckets * Index::kItemsPerBucket, kItems);
  EXPECT_GT(store().Stats().index_buckets, 8 * at_start);
}

TEST_F(StoreEvictTest, AnIndexThatDoesNotGrowLosesNothing) {
  MakeStore({.memory_bytes = 16 * kMiB});
  for (uint64_t n = 0; n < 50000; ++n) ASSERT_EQ(Put(n, 10), WriteStatus::kStored);
  EXPECT_TRUE(Missing(0, 50000).empty());
  store().CheckInvariants();
  EXPECT_TRUE(store().Maintain(kNow, 1));
  EXPECT_TRUE(store().Stats().index_growing);
  tested_->MaintainAll(kNow);
  EXPECT_TRUE(Missing(0, 50000).empty());
}

// Memory.

// Pages never pass the limit. What is charged with them, index and rings, may by a step, until
// maintenance has taken a page back.
TEST_F(StoreEvictTest, MemoryStaysWithinTheLimit) {
  constexpr uint64_t kLimit = 4 * kMiB;
  constexpr uint64_t kStepBytes = 64 << 10;
  MakeStore({.memory_bytes = kLimit});
  uint64_t most = 0;
  for (uint64_t n = 0; n < 200000; ++n) {
    // The same sizes, and then others: the pages change hands.
    ASSERT_EQ(Put(n, n < 100000 ? n % 40 : n % 3000), WriteStatus::kStored);
    if (n % 64 == 0) store().Maintain(kNow, 256);
    if (n % 256 == 0) most = std::max(most, store().Stats().memory_bytes);
  }
  EXPECT_GT(evicted(), 10000u);
  EXPECT_GT(most, kLimit - kStepBytes);
  EXPECT_LE(most, kLimit + kStepBytes);
  tested_->MaintainAll(kNow);
  EXPECT_LE(store().Stats().memory_bytes, kLimit);
}

TEST_F(StoreEvictTest, SmallStoresHaveSmallPages) {
  for (const auto& [mebibytes, page_bytes] :
       std::vector<std::pair<uint64_t, uint64_t>>{{1, 64 << 10},
                                                  {64, 64 << 10},
                                                  {127, 64 << 10},
                                                  {128, 128 << 10},
                                                  {255, 128 << 10},
                                                  {256, 256 << 10},
                                                  {4096, 256 << 10}}) {
    MakeStore({.memory_bytes = mebibytes * kMiB});
    EXPECT_EQ(store().Stats().page_bytes, page_bytes) << mebibytes;
    EXPECT_LE(store().Stats().memory_bytes, store().Stats().memory_limit_bytes);
  }
}

}  // namespace
}  // namespace larder
