#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Reads that offer to recache what they find: who wins, and what they leave behind.

namespace larder {
namespace {

constexpr Tick kNow{100};
constexpr ReadOptions kClaim{.claim = true};

class StoreClaimTest : public ::testing::Test {
 protected:
  void TearDown() override { tested_.store().CheckInvariants(); }

  Found Claim(const ReadOptions& options = kClaim, Tick now = kNow) {
    const auto found = tested_.Get("abc", now, options);
    EXPECT_TRUE(found);
    if (!found) return {};
    EXPECT_EQ(tested_.last_read.won, found->won);
    return *found;
  }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 8 * kMiB}};
};

TEST_F(StoreClaimTest, AFreshItemIsNobodys) {
  tested_.Put("abc", "value", kNow, {.expire = 200});
  const Found found = Claim();
  EXPECT_EQ(found.value, "value");
  EXPECT_FALSE(found.won);
  EXPECT_FALSE(found.win_sent);
  EXPECT_FALSE(found.stale);
  EXPECT_FALSE(found.created);
}

TEST_F(StoreClaimTest, OneReaderWinsWhatExpiresSoon) {
  tested_.Put("abc", "value", kNow, {.expire = 200});
  EXPECT_FALSE(Claim({.claim = true, .recache_below = 200}).won);
  const Found first = Claim({.claim = true, .recache_below = 201});
  EXPECT_TRUE(first.won);
  EXPECT_FALSE(first.win_sent);
  const Found second = Claim({.claim = true, .recache_below = 201});
  EXPECT_FALSE(second.won);
  EXPECT_TRUE(second.win_sent);
}

TEST_F(StoreClaimTest, WhatNeverExpiresIsNotWon) {
  tested_.Put("abc", "value", kNow);
  EXPECT_FALSE(Claim({.claim = true, .recache_below = 1000}).won);
}

TEST_F(StoreClaimTest, RecacheLooksAtTheExpiryBeforeOrAfterTheTouch) {
  tested_.Put("abc", "value", kNow, {.expire = 200});
  EXPECT_FALSE(Claim({.touch = true,
                      .expire = 400,
                      .claim = true,
                      .recache_below = 300,
                      .recache_after_touch = true})
                   .won);
  tested_.Put("abc", "value", kNow, {.expire = 200});
  EXPECT_TRUE(Claim({.touch = true, .expire = 400, .claim = true, .recache_below = 300}).won);
}

TEST_F(StoreClaimTest, AWinLastsUntilTheKeyIsStoredAnew) {
  for (const WriteMode mode : {WriteMode::kSet, WriteMode::kReplace, WriteMode::kAppend}) {
    tested_.Put("abc", "value", kNow, {.expire = 200});
    EXPECT_TRUE(Claim({.claim = true, .recache_below = 300}).won);
    tested_.Put("abc", "other", kNow, {.mode = mode, .expire = 200});
    EXPECT_FALSE(Claim().win_sent);
    EXPECT_TRUE(Claim({.claim = true, .recache_below = 300}).won);
  }
}

TEST_F(StoreClaimTest, ClassicReadsTakeNoPart) {
  tested_.Put("abc", "value", kNow);
  tested_.Delete("abc", kNow, {.invalidate = true});
  const auto found = tested_.Get("abc", kNow);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->stale);
  EXPECT_FALSE(found->won);
  EXPECT_TRUE(Claim().won);
}

TEST_F(StoreClaimTest, OneReaderWinsWhatIsStale) {
  tested_.Put("abc", "value", kNow);
  tested_.Delete("abc", kNow, {.invalidate = true});
  const Found first = Claim();
  EXPECT_EQ(first.value, "value");
  EXPECT_TRUE(first.stale);
  EXPECT_TRUE(first.won);
  const Found second = Claim();
  EXPECT_TRUE(second.stale);
  EXPECT_TRUE(second.win_sent);
  EXPECT_FALSE(second.won);
  tested_.Put("abc", "fresh", kNow);
  EXPECT_FALSE(Claim().stale);
  EXPECT_FALSE(Claim().win_sent);
}

TEST_F(StoreClaimTest, ShowsWhatWasBeforeTheRead) {
  tested_.Put("abc", "value", kNow, {.expire = 500});
  uint32_t idle_seconds = 0;
  const auto read = [&](Tick now) {
    tested_.store().Read(tested_.lane(), tested_.store().MakeKey("abc"), kClaim, now,
                         [&](const ItemView& item) { idle_seconds = item.idle_seconds(now); });
  };
  EXPECT_FALSE(Claim().fetched);
  EXPECT_TRUE(Claim().fetched);
  read(Tick{170});
  EXPECT_EQ(idle_seconds, 70u);
  read(Tick{174});
  EXPECT_EQ(idle_seconds, 4u);
  const Found touched = Claim({.touch = true, .expire = 600, .claim = true});
  EXPECT_EQ(touched.expire_before, 500u);
  EXPECT_EQ(touched.expire, 600u);
}

TEST_F(StoreClaimTest, ShowsKeyAndSize) {
  const WriteOutcome stored = tested_.Put("abc", "value", kNow, {.client_flags = 5});
  tested_.store().Read(tested_.lane(), tested_.store().MakeKey("abc"), kClaim, kNow,
                       [&](const ItemView& item) {
                         EXPECT_EQ(item.key(), "abc");
                         EXPECT_EQ(item.class_id(), stored.class_id);
                         EXPECT_EQ(item.total_bytes(), 16u + 4 + 3 + 5);
                       });
}

TEST_F(StoreClaimTest, AReadWithoutABumpLeavesNoTrace) {
  tested_.Put("abc", "value", kNow);
  const ReadOptions look{.bump = false, .claim = true};
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Claim(look, Tick{300}).fetched);
    EXPECT_TRUE(tested_.last_read.on_probation);
  }
  EXPECT_FALSE(Claim(kClaim, Tick{300}).fetched);
  EXPECT_TRUE(tested_.last_read.on_probation);
  EXPECT_TRUE(Claim(look, Tick{300}).fetched);
  EXPECT_FALSE(tested_.last_read.on_probation);
}

TEST_F(StoreClaimTest, ALookThatClaimsNothingWinsNothing) {
  tested_.Put("abc", "value", kNow);
  tested_.Delete("abc", kNow, {.invalidate = true});
  const auto seen = tested_.Get("abc", kNow, {.bump = false});
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->stale);
  EXPECT_FALSE(seen->won);
  EXPECT_TRUE(Claim().won);
}

TEST_F(StoreClaimTest, AMissMakesAnItemAndWinsIt) {
  const ReadOptions create{.claim = true, .create = true, .create_expire = 130, .chosen_cas = 77};
  const Found first = Claim(create);
  EXPECT_EQ(tested_.last_read.status, ReadStatus::kHit);
  EXPECT_TRUE(tested_.last_read.created);
  EXPECT_TRUE(first.created);
  EXPECT_TRUE(first.won);
  EXPECT_FALSE(first.win_sent);
  EXPECT_FALSE(first.fetched);
  EXPECT_EQ(first.value, "");
  EXPECT_EQ(first.client_flags, 0u);
  EXPECT_EQ(first.expire, 130u);
  EXPECT_EQ(first.expire_before, kNeverExpires);
  EXPECT_EQ(first.cas, 77u);

  const Found second = Claim(create);
  EXPECT_FALSE(second.created);
  EXPECT_FALSE(second.won);
  EXPECT_TRUE(second.win_sent);
  EXPECT_TRUE(second.fetched);
  EXPECT_EQ(second.cas, 77u);
  EXPECT_FALSE(tested_.Get("abc", Tick{130}));

  EXPECT_TRUE(Claim(create, Tick{131}).created) << "it had expired";
  tested_.store().Flush(Tick{132}, Tick{132});
  EXPECT_TRUE(Claim({.claim = true, .create = true}, Tick{132}).created) << "it was flushed";
  EXPECT_NE(Claim(kClaim, Tick{132}).cas, 77u);
  EXPECT_EQ(tested_.store().Stats().items, 1u);
}

TEST_F(StoreClaimTest, WhatAMissMadeWithoutABumpIsNotFetched) {
  Claim({.bump = false, .claim = true, .create = true});
  EXPECT_FALSE(Claim().fetched);
}

TEST_F(StoreClaimTest, WhoeverStoresEndsTheWin) {
  Claim({.claim = true, .create = true, .create_expire = 500});
  tested_.Put("abc", "value", kNow);
  const Found found = Claim();
  EXPECT_EQ(found.value, "value");
  EXPECT_FALSE(found.win_sent);
}

TEST(StoreClaimLimitTest, AMissStaysOneWithoutMemory) {
  StoreUnderTest tested{StoreOptions{.memory_bytes = kMiB, .evict = false}};
  for (uint64_t n = 0; tested.Put(KeyOf(n), ValueOf(10), kNow, {}).status == WriteStatus::kStored;
       ++n) {
  }
  const std::string key(200, 'k');
  for (int i = 0; i < 100000; ++i) {
    const std::string value = ValueOf(50);
    if (tested.Put(KeyOf(5000000 + i), ValueOf(190), kNow).status != WriteStatus::kStored) break;
  }
  EXPECT_FALSE(tested.Get(key, kNow, {.claim = true, .create = true}));
  EXPECT_EQ(tested.last_read.status, ReadStatus::kMiss);
  EXPECT_FALSE(tested.last_read.created);
  tested.store().CheckInvariants();
}

}  // namespace
}  // namespace larder
