#include "server/engine/miniature_caches.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr uint64_t kAll = UINT64_MAX;
constexpr Tick kNow{1000};

// Items of one byte, so that capacities are numbers of items.
class MiniatureCachesTest : public testing::Test {
 protected:
  void TearDown() override { caches_.Check(); }

  void Found(uint64_t hash, uint32_t reads = 1) {
    caches_.Take({.hash = hash, .bytes = 1, .reads = reads}, kNow);
  }
  void Missed(uint64_t hash, uint32_t reads = 1) {
    caches_.Take({.hash = hash, .reads = reads}, kNow);
  }
  void Stored(uint64_t hash, uint32_t expire = kNeverExpires) {
    caches_.Take({.hash = hash, .bytes = 1, .expire = expire}, kNow);
  }
  void Deleted(uint64_t hash) { caches_.Take({.hash = hash}, kNow); }

  double reads() const { return caches_.counts().reads; }
  std::vector<double> misses() const {
    return {caches_.counts().misses.begin(), caches_.counts().misses.end()};
  }

  MiniatureCaches caches_{kAll};
};

TEST_F(MiniatureCachesTest, AMissAndItsStoreCountOnce) {
  caches_.SetCapacity(100, 20);
  Missed(1);
  Stored(1);
  Found(1);
  EXPECT_EQ(reads(), 2);
  EXPECT_THAT(misses(), Each(1));
}

TEST_F(MiniatureCachesTest, SizesMissWhatTheyHaveNoRoomFor) {
  // Room for 5, 10, 15, 20 and 40.
  caches_.SetCapacity(10, 0);
  for (uint64_t key = 1; key <= 18; ++key) {
    Missed(key);
    Stored(key);
  }
  EXPECT_THAT(misses(), Each(18));
  for (uint64_t key = 1; key <= 18; ++key) {
    Missed(key);
    Stored(key);
  }
  // What comes round in turn is never found where there is not room for all.
  EXPECT_THAT(misses(), ElementsAre(36, 36, 36, 18, 18));
}

// Its client would have stored it.
TEST_F(MiniatureCachesTest, WhatTheRealCacheHasTheSmallerOneGets) {
  caches_.SetCapacity(10, 0);
  for (uint64_t key = 1; key <= 8; ++key) Stored(key);
  Found(1);
  EXPECT_THAT(misses(), ElementsAre(1, 0, 0, 0, 0));
  Found(1);
  EXPECT_THAT(misses(), ElementsAre(1, 0, 0, 0, 0));
  EXPECT_EQ(reads(), 2);
}

TEST_F(MiniatureCachesTest, WhatWasStoredBeforeIsNotCounted) {
  caches_.SetCapacity(10, 0);
  Found(1);
  EXPECT_EQ(reads(), 0);
  Found(1);
  EXPECT_EQ(reads(), 1);
  EXPECT_THAT(misses(), Each(0));
}

TEST_F(MiniatureCachesTest, RepeatedReads) {
  caches_.SetCapacity(10, 0);
  Missed(1, 3);
  EXPECT_EQ(reads(), 3);
  EXPECT_THAT(misses(), Each(3));
  for (uint64_t key = 1; key <= 8; ++key) Stored(key);
  Found(1, 5);
  EXPECT_EQ(reads(), 8);
  EXPECT_THAT(misses(), ElementsAre(4, 3, 3, 3, 3));
}

TEST_F(MiniatureCachesTest, DeletedIsGoneEverywhere) {
  caches_.SetCapacity(10, 20);
  Stored(1);
  Deleted(1);
  EXPECT_EQ(caches_.keys(), 0u);
  Missed(1);
  EXPECT_THAT(misses(), Each(1));
}

TEST_F(MiniatureCachesTest, ExpiredIsAMiss) {
  caches_.SetCapacity(10, 20);
  Stored(1, /*expire=*/kNow.seconds + 10);
  caches_.Take({.hash = 1, .reads = 1}, Tick{kNow.seconds + 9});
  EXPECT_THAT(misses(), Each(0));
  caches_.Take({.hash = 1, .reads = 1}, Tick{kNow.seconds + 10});
  EXPECT_THAT(misses(), Each(1));
  EXPECT_EQ(caches_.keys(), 0u);
}

// Or it would drive out what is alive.
TEST_F(MiniatureCachesTest, ExpiredGoesUnasked) {
  caches_.SetCapacity(1e6, 20);
  for (uint64_t key = 1; key <= 50; ++key) Stored(key, /*expire=*/kNow.seconds + 10);
  for (uint64_t key = 101; key <= 200; ++key) {
    caches_.Take({.hash = key, .bytes = 100}, Tick{kNow.seconds + 10});
  }
  EXPECT_EQ(caches_.keys(), 100u);
}

TEST_F(MiniatureCachesTest, ClearEmptiesAllAndKeepsTheCounts) {
  caches_.SetCapacity(10, 20);
  for (uint64_t key = 1; key <= 100; ++key) Stored(key);
  Missed(1000);
  caches_.Clear();
  EXPECT_EQ(caches_.keys(), 0u);
  EXPECT_EQ(reads(), 1);
  Missed(1);
  EXPECT_THAT(misses(), Each(2));
}

// A scan of keys that are read once does not drive out what is read often.
TEST_F(MiniatureCachesTest, ProbationLetsAScanPass) {
  const auto misses_with = [](uint32_t probation_percent) {
    MiniatureCaches caches(kAll);
    caches.SetCapacity(100'000, probation_percent);
    uint64_t once = 1'000'000;
    for (int round = 0; round < 20; ++round) {
      for (uint64_t key = 1; key <= 300; ++key) {
        caches.Take({.hash = key, .bytes = 100, .reads = 1}, kNow);
      }
      for (int i = 0; i < 600; ++i) caches.Take({.hash = ++once, .bytes = 100}, kNow);
    }
    caches.Check();
    return caches.counts().misses[0];  // room for 500
  };
  EXPECT_LT(misses_with(20), misses_with(0) / 4);
}

TEST_F(MiniatureCachesTest, WhatHasAGhostIsProtectedAtOnce) {
  caches_.SetCapacity(20, 20);  // the smallest: ten items, two of them on probation
  for (uint64_t key = 1; key <= 12; ++key) Stored(key);
  Missed(9);
  EXPECT_EQ(misses()[0], 1);
  Stored(9);
  for (uint64_t key = 20; key <= 24; ++key) Stored(key);
  Missed(9);
  EXPECT_EQ(misses()[0], 1);
  // It was as new as that, and had no ghost.
  Missed(20);
  EXPECT_EQ(misses()[0], 2);
}

TEST_F(MiniatureCachesTest, OneLargeValueDoesNotEmptyACache) {
  caches_.SetCapacity(1e6, 20);
  for (uint64_t key = 1; key <= 100; ++key) Stored(key);
  caches_.Take({.hash = 1000, .bytes = 10'000'000}, kNow);
  for (uint64_t key = 1; key <= 100; ++key) Missed(key);
  EXPECT_THAT(misses(), Each(0));
}

TEST_F(MiniatureCachesTest, TheTableIsBounded) {
  std::mt19937_64 random(3);
  caches_.SetCapacity(1e12, 20);
  uint64_t threshold = caches_.threshold();
  for (int i = 0; i < 200'000; ++i) {
    Stored(random());
    ASSERT_LE(caches_.keys(), MiniatureCaches::kKeysMax);
    ASSERT_LE(caches_.threshold(), threshold);
    threshold = caches_.threshold();
  }
  // All the table is used, by a share of the keys that the threshold tells.
  EXPECT_GT(caches_.keys(), MiniatureCaches::kKeysMax * 3 / 4);
  EXPECT_NEAR(caches_.sample_rate() * 200'000, caches_.keys(), 0.02 * caches_.keys());
}

TEST_F(MiniatureCachesTest, TheThresholdRisesAgain) {
  std::mt19937_64 random(3);
  caches_.SetCapacity(1e12, 20);
  for (int i = 0; i < 100'000; ++i) Stored(random());
  const uint64_t low = caches_.threshold();
  ASSERT_LT(low, kAll / 2);
  caches_.Clear();
  for (int i = 0; i < 10; ++i) caches_.SetCapacity(1e12, 20);
  EXPECT_GT(caches_.threshold(), low);
  EXPECT_GE(caches_.threshold(), kAll / 2);
}

// Anything, with every rule checked.
TEST_F(MiniatureCachesTest, RandomAccesses) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t hash = (random() % 3000) << 52;
    const auto bytes = static_cast<uint32_t>(random() % 3 == 0 ? 0 : random() % 3000);
    const auto expire = static_cast<uint32_t>(random() % 4 == 0 ? 1 + random() % 100 : 0);
    caches_.Take({.hash = hash,
                  .bytes = bytes,
                  .expire = expire,
                  .reads = static_cast<uint32_t>(random() % 3)},
                 Tick{static_cast<uint32_t>(1 + i / 1000)});
    if (i % 2000 == 0) {
      caches_.SetCapacity(static_cast<double>(random() % 1'000'000), random() % 2 == 0 ? 20 : 0);
      caches_.Check();
    }
    if (i % 30'000 == 0) caches_.Clear();
  }
}

}  // namespace
}  // namespace larder
