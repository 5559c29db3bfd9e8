#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Never out of memory while anything can be evicted: a value of any size up to the limit on items
// is stored in a full cache, whatever fills it. Only what clients hold, by reading or by not having
// sent the rest of it, is not to be had.

namespace larder {
namespace {

constexpr Tick kNow{100};
constexpr uint64_t kMemoryBytes = 16 * kMiB;
// As -I must be: at most half of -m. A value of it, with its key.
constexpr uint32_t kItemBytesMax = kMemoryBytes / 2;
constexpr size_t kLargest = kItemBytesMax - 200;

StoreOptions SmallStore() {
  return {.memory_bytes = kMemoryBytes, .item_limit = {.item_bytes_max = kItemBytesMax}};
}

class StoreRoomTest : public ::testing::Test {
 protected:
  void SetUp() override { tested_ = std::make_unique<StoreUnderTest>(SmallStore()); }
  void TearDown() override {
    pins_.clear();
    store().CheckInvariants();
  }

  Store& store() { return tested_->store(); }
  uint64_t evicted() { return Sum(store(), &ClassStats::evicted); }
  uint64_t refused() { return Sum(store(), &ClassStats::out_of_memory); }
  WriteStatus Put(std::string_view key, size_t bytes) {
    return tested_->Put(key, ValueOf(bytes), kNow).status;
  }
  void FillUp(size_t bytes) {
    const std::string value = ValueOf(bytes);
    const uint64_t before = evicted();
    for (uint64_t n = 0; evicted() == before; ++n) {
      ASSERT_EQ(tested_->Put(KeyOf(n), value, kNow).status, WriteStatus::kStored) << n;
    }
  }
  void Pin(std::string_view key) {
    store().Read(tested_->lane(), store().MakeKey(key), {}, kNow,
                 [&](const ItemView& item) { pins_.push_back(item.Pin()); });
  }

  std::unique_ptr<StoreUnderTest> tested_;
  std::vector<ItemRef> pins_;
};

// Small, in one chunk, chains whose last part is of the largest class or of a small one.
constexpr size_t kSizes[] = {1,     100,         1000, 5000,         8000,    8300,
                             30000, 8 * 65536UL, kMiB, 3 * kMiB + 7, kLargest};

class StoreRoomAfterTest : public StoreRoomTest, public ::testing::WithParamInterface<size_t> {};

TEST_P(StoreRoomAfterTest, AnyOtherSizeIsStored) {
  for (const size_t bytes : kSizes) {
    FillUp(GetParam());
    ASSERT_EQ(Put("other", bytes), WriteStatus::kStored) << bytes;
    EXPECT_TRUE(tested_->Get("other", kNow)->value == ValueOf(bytes)) << bytes;
    // And in the old one's presence.
    ASSERT_EQ(Put("other", bytes), WriteStatus::kStored) << bytes;
  }
  EXPECT_EQ(refused(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Bytes, StoreRoomAfterTest, ::testing::ValuesIn(kSizes),
                         [](const auto& tested) { return std::to_string(tested.param); });

// As many of each order of magnitude as of every other.
size_t RandomBytes(std::mt19937_64* random, size_t most) {
  const auto magnitude = std::uniform_real_distribution<double>(0, std::log(most))(*random);
  return std::min(static_cast<size_t>(std::exp(magnitude)), most);
}

TEST_F(StoreRoomTest, AnyMixOfSizesIsStored) {
  const std::string value = ValueOf(kLargest);
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 4000; ++i) {
      const std::string key = KeyOf(random() % 2000);
      const size_t bytes = RandomBytes(&random, kLargest);
      ASSERT_EQ(tested_->Put(key, std::string_view(value).substr(0, bytes), kNow).status,
                WriteStatus::kStored)
          << "seed " << seed << ", store " << i << ", bytes " << bytes;
      ASSERT_TRUE(tested_->Get(key, kNow));
      tested_->Get(KeyOf(random() % 2000), kNow);
      if (seed % 2 == 0 && i % 16 == 0) store().Maintain(kNow, 100);
    }
    store().CheckInvariants();
  }
  EXPECT_GT(evicted(), 5000u);
  EXPECT_EQ(refused(), 0u);
}

TEST_F(StoreRoomTest, AReaderOfOneLargeValueKeepsNobodyOut) {
  FillUp(kMiB);
  Pin(KeyOf(3));
  ASSERT_EQ(pins_.size(), 1u);
  for (uint64_t n = 0; n < 100; ++n) {
    ASSERT_EQ(Put("new" + KeyOf(n), kMiB), WriteStatus::kStored) << n;
  }
  EXPECT_TRUE(ReadAll(pins_[0].Pieces()) == ValueOf(kMiB));
  EXPECT_EQ(refused(), 0u);
}

// A third of the memory is being read, a third is being received, and a third changes hands.
TEST_F(StoreRoomTest, WhatIsNotHeldIsEnough) {
  FillUp(kMiB / 2);
  for (uint64_t n = 0; pins_.size() < 10; ++n) Pin(KeyOf(n));
  std::vector<Reservation> arriving(5);
  for (size_t i = 0; i < arriving.size(); ++i) {
    const std::string key = "arriving" + std::to_string(i);
    ASSERT_EQ(store().Reserve(tested_->lane(), store().MakeKey(key), {.value_bytes = kMiB}, kNow,
                              &arriving[i]),
              WriteStatus::kStored);
  }
  std::mt19937_64 random(1);
  for (uint64_t n = 0; n < 2000; ++n) {
    const size_t bytes = RandomBytes(&random, 3 * kMiB);
    ASSERT_EQ(Put("new" + KeyOf(n % 300), bytes), WriteStatus::kStored) << n << ' ' << bytes;
  }
  EXPECT_EQ(refused(), 0u);
}

}  // namespace
}  // namespace larder
