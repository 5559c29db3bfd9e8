#include <map>
#include <set>
#include <string>

#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Store::Walk: everything is shown once, whatever happens between the steps.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreWalkTest : public ::testing::Test {
 protected:
  // How often each key is shown; between(step) is called between two steps.
  template <typename Between>
  std::map<std::string, int> WalkAll(size_t steps, Between&& between, int class_id = 0,
                                     Tick now = kNow) {
    std::map<std::string, int> seen;
    WalkCursor cursor{.class_id = class_id};
    for (int step = 0;; ++step) {
      const bool more = tested_.store().Walk(
          &cursor, steps, now, [&](const ItemView& item) { ++seen[std::string(item.key())]; });
      if (!more) return seen;
      between(step);
    }
  }
  std::map<std::string, int> WalkAll() {
    return WalkAll(50, [](int) {});
  }

  StoreUnderTest tested_{{.memory_bytes = 16 * kMiB}};
};

TEST_F(StoreWalkTest, AnEmptyStoreShowsNothingAndTheWalkEnds) { EXPECT_TRUE(WalkAll().empty()); }

TEST_F(StoreWalkTest, EveryItemIsShownOnce) {
  constexpr uint64_t kItems = 20000;
  for (uint64_t n = 0; n < kItems; ++n) tested_.Put(KeyOf(n), "v", kNow);
  for (const size_t budget : {size_t{0}, size_t{3}, size_t{700}}) {
    // Few buckets with long chains, a round of splits half done, and many buckets.
    for (size_t i = 0; i < budget; ++i) tested_.store().Maintain(kNow, 8);
    const auto seen = WalkAll();
    ASSERT_EQ(seen.size(), kItems) << budget;
    for (const auto& [key, times] : seen) ASSERT_EQ(times, 1) << key;
  }
}

TEST_F(StoreWalkTest, TheIndexMayGrowBetweenTheSteps) {
  constexpr uint64_t kItems = 40000;
  for (uint64_t n = 0; n < kItems; ++n) tested_.Put(KeyOf(n), "v", kNow);
  const uint64_t buckets = tested_.store().Stats().index_buckets;
  const auto seen = WalkAll(100, [&](int) { tested_.store().Maintain(kNow, 100); });
  EXPECT_GT(tested_.store().Stats().index_buckets, 4 * buckets);
  ASSERT_EQ(seen.size(), kItems);
  for (const auto& [key, times] : seen) ASSERT_EQ(times, 1) << key;
}

TEST_F(StoreWalkTest, ItemsMayBeWrittenAnewAndOthersComeAndGo) {
  constexpr uint64_t kItems = 5000;
  for (uint64_t n = 0; n < 2 * kItems; ++n) tested_.Put(KeyOf(n), "v", kNow);
  const auto seen = WalkAll(10, [&](int step) {
    const auto n = static_cast<uint64_t>(step);
    tested_.Put(KeyOf(n % kItems), ValueOf(n % 4000), kNow);  // to another class
    tested_.Delete(KeyOf(kItems + n % kItems), kNow);
    tested_.Put(KeyOf(2 * kItems + n), "v", kNow);
  });
  for (uint64_t n = 0; n < kItems; ++n) ASSERT_TRUE(seen.contains(KeyOf(n))) << n;
  for (const auto& [key, times] : seen) ASSERT_EQ(times, 1) << key;
}

TEST_F(StoreWalkTest, OneClassOnly) {
  for (uint64_t n = 0; n < 300; ++n) tested_.Put(KeyOf(n), "v", kNow);
  const int class_id = tested_.Put(KeyOf(1000), ValueOf(2000), kNow).class_id;
  const auto seen = WalkAll(
      50, [](int) {}, class_id);
  EXPECT_EQ(seen, (std::map<std::string, int>{{KeyOf(1000), 1}}));
}

TEST_F(StoreWalkTest, TheDeadAreNotShown) {
  tested_.Put("soon", "v", kNow, {.expire = kNow.seconds + 5});
  tested_.Put("later", "v", kNow, {.expire = kNow.seconds + 50});
  const auto seen = WalkAll(
      50, [](int) {}, 0, Tick{kNow.seconds + 5});
  EXPECT_EQ(seen, (std::map<std::string, int>{{"later", 1}}));
  tested_.store().Flush(kNow, kNow);
  EXPECT_TRUE(WalkAll().empty());
}

TEST_F(StoreWalkTest, ALargeValueCanBePinnedFromTheWalk) {
  const std::string value = ValueOf(300000);
  tested_.Put("large", value, kNow);
  ItemRef pin;
  WalkCursor cursor;
  while (
      tested_.store().Walk(&cursor, 1000, kNow, [&](const ItemView& item) { pin = item.Pin(); })) {
  }
  ASSERT_TRUE(pin);
  tested_.Delete("large", kNow);
  EXPECT_EQ(ReadAll(pin.Pieces()), value);
}

}  // namespace
}  // namespace larder
