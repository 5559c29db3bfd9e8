#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// What a full store remembers of the keys it has evicted, and makes of it when they come back.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreGhostTest : public ::testing::Test {
 protected:
  void MakeStore(const StoreOptions& options) {
    tested_ = std::make_unique<StoreUnderTest>(options);
  }
  void TearDown() override { store().CheckInvariants(); }

  Store& store() { return tested_->store(); }
  uint64_t Count(uint64_t ClassStats::*field) { return Sum(store(), field); }
  void Put(uint64_t n, const WriteOptions& options = {}) {
    ASSERT_EQ(tested_->Put(KeyOf(n), ValueOf(100), kNow, options).status, WriteStatus::kStored);
  }
  // Stores new items from number `first` on, one of them each time, until `evictions` more are
  // gone; the number behind the last.
  uint64_t PutUntilEvicted(uint64_t first, uint64_t evictions, const WriteOptions& options = {}) {
    const uint64_t end = Count(&ClassStats::evicted) + evictions;
    uint64_t n = first;
    while (Count(&ClassStats::evicted) < end) {
      Put(n++, options);
      if (n % 64 == 0) tested_->MaintainAll(kNow);
    }
    tested_->MaintainAll(kNow);
    return n;
  }
  bool Has(uint64_t n) {
    return store().Peek(store().MakeKey(KeyOf(n)), kNow, [](const ItemView&) {});
  }
  // Of those from `first` on, the first that is gone.
  uint64_t FirstEvicted(uint64_t first = 0) {
    while (Has(first)) ++first;
    return first;
  }

  std::unique_ptr<StoreUnderTest> tested_;
};

TEST_F(StoreGhostTest, WhatComesBackIsProtected) {
  MakeStore({.memory_bytes = 2 * kMiB});
  const uint64_t full = PutUntilEvicted(0, 1);
  const uint64_t end = PutUntilEvicted(full, full / 2);
  EXPECT_GT(Count(&ClassStats::evicted_on_probation), full / 2 - 10);
  const uint64_t hits = Count(&ClassStats::ghost_hits);
  EXPECT_LT(hits, 10u);  // of keys that look like another
  const uint64_t back = FirstEvicted(full);
  Put(back);
  EXPECT_EQ(Count(&ClassStats::ghost_hits), hits + 1);
  EXPECT_EQ(Count(&ClassStats::ghost_hits_on_probation), hits + 1);
  tested_->Get(KeyOf(back), kNow);
  EXPECT_FALSE(tested_->last_read.on_probation);
  // More than there is room for on probation pass it by.
  PutUntilEvicted(end, end / 2);
  EXPECT_TRUE(Has(back));
}

TEST_F(StoreGhostTest, NewKeysAndThoseInTheCacheHaveNone) {
  MakeStore({.memory_bytes = 2 * kMiB});
  tested_->Put("of its class", ValueOf(300), kNow);
  const uint64_t end = PutUntilEvicted(0, 1);
  const uint64_t back = FirstEvicted();
  Put(back);
  Put(back);                                      // in place
  tested_->Put(KeyOf(back), ValueOf(300), kNow);  // elsewhere
  Put(end);
  EXPECT_EQ(Count(&ClassStats::ghost_hits), 1u);
}

TEST_F(StoreGhostTest, OnlyEvictionMakesGhosts) {
  MakeStore({.memory_bytes = 2 * kMiB});
  for (uint64_t n = 0; n < 100; ++n) Put(n, {.expire = 150});
  for (uint64_t n = 0; n < 100; ++n) tested_->Delete(KeyOf(n), kNow);
  for (uint64_t n = 0; n < 100; ++n) Put(n, {.expire = 150});
  tested_->MaintainAll(Tick{200});
  for (uint64_t n = 0; n < 100; ++n) Put(n);
  store().Flush(kNow, kNow);
  for (uint64_t n = 0; n < 100; ++n) Put(n);
  EXPECT_EQ(Count(&ClassStats::ghost_hits), 0u);
}

// About as many as there are items.
TEST_F(StoreGhostTest, RemembersAsManyAsItHolds) {
  MakeStore({.memory_bytes = 4 * kMiB});
  uint64_t end = PutUntilEvicted(0, 1);
  const uint64_t items = store().Stats().items;
  end = PutUntilEvicted(end, items / 2);
  const uint64_t recent = end;
  end = PutUntilEvicted(end, items / 2);
  // Scans: what was evicted last are those on probation, in the order in which they came.
  uint64_t again = 0;
  for (uint64_t n = recent; n < recent + items / 4; ++n) {
    if (!Has(n)) {
      Put(n);
      ++again;
    }
  }
  ASSERT_GT(again, items / 8);
  EXPECT_GT(Count(&ClassStats::ghost_hits), again * 8 / 10);
  // Those of long ago are forgotten.
  end = PutUntilEvicted(end, 3 * items);
  const uint64_t hits = Count(&ClassStats::ghost_hits);
  for (uint64_t n = recent; n < recent + items / 4; ++n) {
    if (!Has(n)) Put(n);
  }
  EXPECT_LT(Count(&ClassStats::ghost_hits), hits + items / 40);
}

// With plain CLOCK nothing is on probation, and ghosts are only counted.
TEST_F(StoreGhostTest, WithoutProbationTheyAreCounted) {
  MakeStore({.memory_bytes = 2 * kMiB, .probation_percent = 0});
  PutUntilEvicted(0, 100);
  Put(FirstEvicted());
  EXPECT_EQ(Count(&ClassStats::ghost_hits), 1u);
  EXPECT_EQ(Count(&ClassStats::ghost_hits_on_probation), 0u);
  EXPECT_EQ(Count(&ClassStats::evicted_on_probation), 0u);
}

// Where popularity drifts, a key's second read comes late: the share on probation grows. Where it
// stays and scans pass by, it shrinks.
class StoreShareTest : public StoreGhostTest {
 protected:
  // Ranks by Zipf's law, nearly.
  uint64_t Rank(uint64_t ranks) {
    const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
    return static_cast<uint64_t>(std::exp(uniform * std::log(static_cast<double>(ranks))));
  }
  void GetOrPut(uint64_t n) {
    if (!tested_->Get(KeyOf(n), kNow)) Put(n);
    if (++requests_ % 64 == 0) tested_->MaintainAll(kNow);
  }
  // Of the class that has the items.
  double Share() {
    for (const ClassStats& of_class : store().Stats().classes) {
      if (of_class.items > 0) return of_class.probation_percent;
    }
    return 0;
  }
  void Drift() {
    for (uint64_t n = 0; n < 300'000; ++n) GetOrPut(n / 2 + Rank(50'000));
  }

  std::mt19937_64 random_{1};
  uint64_t requests_ = 0;
};

TEST_F(StoreShareTest, GrowsWherePopularityDrifts) {
  MakeStore({.memory_bytes = 2 * kMiB});
  EXPECT_EQ(Share(), 0);
  GetOrPut(0);
  EXPECT_EQ(Share(), 20);
  Drift();
  EXPECT_GT(Share(), 40);
  EXPECT_LE(Share(), 50);
  EXPECT_GT(Count(&ClassStats::ghost_hits_on_probation), Count(&ClassStats::ghost_hits) / 2);
}

TEST_F(StoreShareTest, ShrinksWhereScansPassBy) {
  MakeStore({.memory_bytes = 2 * kMiB});
  uint64_t scanned = 1'000'000;
  for (int round = 0; round < 80; ++round) {
    for (int n = 0; n < 10'000; ++n) GetOrPut(Rank(50'000));
    for (int n = 0; n < 5'000; ++n) GetOrPut(scanned++);
  }
  EXPECT_LT(Share(), 15);
  EXPECT_GE(Share(), 10);
}

TEST_F(StoreShareTest, StaysZeroAndBeginsAnewAtTheSetting) {
  MakeStore({.memory_bytes = 2 * kMiB, .probation_percent = 0});
  Drift();
  EXPECT_GT(Count(&ClassStats::ghost_hits), 1000u);
  EXPECT_EQ(Share(), 0);
  store().SetProbationPercent(70);
  EXPECT_EQ(Share(), 70);
  store().SetProbationPercent(20);
  EXPECT_EQ(Share(), 20);
}

// They go with the memory limit, as the index does.
TEST_F(StoreGhostTest, TheirMemoryIsChargedAndFollowsTheIndex) {
  MakeStore({.memory_bytes = 64 * kMiB});
  const uint64_t few = store().Stats().ghost_bytes;
  for (uint64_t n = 0; n < 300'000; ++n) {
    tested_->Put(KeyOf(n), "v", kNow);
    if (n % 10'000 == 0) tested_->MaintainAll(kNow);
  }
  const StoreStats many = store().Stats();
  EXPECT_GE(many.ghost_bytes, 4 * few);
  EXPECT_GE(many.ghost_bytes, many.index_buckets * 12);
  EXPECT_GE(many.memory_bytes, many.pages * many.page_bytes + many.index_bytes + many.ghost_bytes);
  EXPECT_LT(many.ghost_bytes, many.items * 2);
  ASSERT_TRUE(store().SetMemoryLimit(4 * kMiB));
  tested_->MaintainAll(kNow);
  EXPECT_LT(store().Stats().ghost_bytes, many.ghost_bytes / 2);
  EXPECT_LE(store().Stats().memory_bytes, 4 * kMiB);
}

}  // namespace
}  // namespace larder
