#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Pages that move by themselves to the classes that miss them, and stay where none does.

namespace larder {
namespace {

constexpr Tick kNow{100};
constexpr size_t kSmall = 100;
constexpr size_t kLarger = 3000;

class StoreBalanceTest : public ::testing::Test {
 protected:
  void MakeStore(const StoreOptions& options) {
    tested_ = std::make_unique<StoreUnderTest>(options);
  }
  void SetUp() override { MakeStore({.memory_bytes = 8 * kMiB}); }
  void TearDown() override {
    pins_.clear();
    store().CheckInvariants();
  }

  Store& store() { return tested_->store(); }
  uint64_t emptied() { return store().Stats().pages_emptied; }
  uint64_t PagesOf(int class_id) {
    return StatsOfClass(store(), static_cast<uint32_t>(class_id)).pages;
  }

  void FillUp(size_t bytes) {
    const uint64_t before = Sum(store(), &ClassStats::evicted);
    for (uint64_t n = 0; Sum(store(), &ClassStats::evicted) == before; ++n) {
      ASSERT_EQ(tested_->Put("old" + KeyOf(n), ValueOf(bytes), kNow).status, WriteStatus::kStored);
    }
    tested_->MaintainAll(kNow);
  }
  // As a cache is used: asks for `gets` of `keys` keys at random, and stores what is not there.
  // Maintenance gets a little of the time. The share that is missed.
  template <typename BytesOf>
  double Use(uint64_t gets, uint64_t keys, BytesOf&& bytes_of) {
    uint64_t misses = 0;
    for (uint64_t i = 0; i < gets; ++i) {
      const uint64_t n = random_() % keys;
      if (!tested_->Get(KeyOf(n), kNow)) {
        ++misses;
        const WriteOutcome outcome = tested_->Put(KeyOf(n), value_.substr(0, bytes_of(n)), kNow);
        EXPECT_EQ(outcome.status, WriteStatus::kStored);
        class_id_ = outcome.class_id;
      }
      if (i % 64 == 0) store().Maintain(kNow, 512);
    }
    return static_cast<double>(misses) / static_cast<double>(gets);
  }
  double UseLarger(uint64_t gets) {
    // Two thirds of the memory.
    constexpr uint64_t kKeys = 1700;
    return Use(gets, kKeys, [](uint64_t) { return kLarger; });
  }

  std::unique_ptr<StoreUnderTest> tested_;
  std::mt19937_64 random_{1};
  std::string value_ = ValueOf(20000);
  int class_id_ = 0;
  std::vector<ItemRef> pins_;
};

// Calcification: everything is in one class, and then the sizes change.
TEST_F(StoreBalanceTest, AfterTheSizesHaveChangedPagesFollow) {
  FillUp(kSmall);
  UseLarger(60000);
  const uint64_t before = emptied();
  EXPECT_LT(UseLarger(20000), 0.01);
  EXPECT_GT(PagesOf(class_id_), store().Stats().pages * 6 / 10);
  // All fit: nothing moves any more.
  EXPECT_LE(emptied(), before + 2);
}

TEST_F(StoreBalanceTest, SwitchedOffTheyDoNot) {
  MakeStore({.memory_bytes = 8 * kMiB, .automove = false});
  FillUp(kSmall);
  UseLarger(60000);
  EXPECT_GT(UseLarger(20000), 0.9);
  store().SetAutomove(true);
  UseLarger(60000);
  EXPECT_LT(UseLarger(20000), 0.01);
}

// Four sizes, twice as much as there is room for, and always the same. There is chance in it, so
// now and then a page moves, but far fewer than are filled.
TEST_F(StoreBalanceTest, UnderAStableLoadPagesStay) {
  MakeStore({.memory_bytes = 16 * kMiB});
  const auto bytes_of = [](uint64_t n) {
    constexpr std::array<size_t, 4> kSizes = {60, 300, 1300, 6000};
    return kSizes[n % 4];
  };
  constexpr uint64_t kKeys = 16000;
  Use(400000, kKeys, bytes_of);
  const uint64_t before = emptied();
  const uint64_t stored = store().Stats().items_stored;
  Use(200000, kKeys, bytes_of);
  EXPECT_GT(store().Stats().items_stored, stored + 40000);
  EXPECT_LT(emptied(), before + store().Stats().pages / 10);
}

// What moves is not lost where it finds room: only so much is evicted as the page held less the
// room that there was.
TEST_F(StoreBalanceTest, WhatIsPinnedDelaysPagesAndNobody) {
  FillUp(20000);
  for (uint64_t n = 0; n < 1000; ++n) {
    store().Read(tested_->lane(), store().MakeKey("old" + KeyOf(n)), {}, kNow,
                 [&](const ItemView& item) { pins_.push_back(item.Pin()); });
  }
  ASSERT_GT(pins_.size(), 300u);
  // The first page has to come from somewhere.
  pins_.resize(pins_.size() - 20);
  UseLarger(20000);
  const double delayed = UseLarger(10000);
  EXPECT_GT(delayed, 0.5);
  for (ItemRef& pin : pins_) EXPECT_TRUE(ReadAll(pin.Pieces()) == ValueOf(20000));
  pins_.clear();
  UseLarger(60000);
  EXPECT_LT(UseLarger(20000), 0.01);
}

}  // namespace
}  // namespace larder
