#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Values of every size at which something changes: none, small, large, chains of every length, and
// the largest; and pins, which keep large ones readable.

namespace larder {
namespace {

constexpr Tick kNow{100};
// Of a page of 64 KiB, which stores of up to 64 MiB have.
constexpr size_t kChunkBytesMax = 8192;
constexpr size_t kPartBytesMax = kChunkBytesMax - ItemPart::kHeaderBytes;

size_t HeadBytesMax(size_t key_bytes, uint32_t client_flags) {
  return kChunkBytesMax - Item::Shape{.key_bytes = static_cast<uint32_t>(key_bytes),
                                      .value_bytes = kSmallValueBytesMax + 1,
                                      .client_flags = client_flags}
                              .PrefixBytes();
}

// Every size at which the layout of an item with such a key changes, and its neighbours.
std::vector<size_t> SizesAtBoundaries(size_t key_bytes, uint32_t client_flags) {
  const size_t head = HeadBytesMax(key_bytes, client_flags);
  std::vector<size_t> sizes = {0, 1, 2};
  for (const size_t at : {size_t{kSmallValueBytesMax}, head, head + kPartBytesMax,
                          head + 2 * kPartBytesMax, head + 7 * kPartBytesMax, size_t{256} << 10}) {
    for (const size_t bytes : {at - 1, at, at + 1, at + 2}) sizes.push_back(bytes);
  }
  return sizes;
}

class StoreValuesTest : public ::testing::Test {
 protected:
  void TearDown() override { tested_.store().CheckInvariants(); }

  Store& store() { return tested_.store(); }
  uint64_t used_chunks() { return Sum(store(), &ClassStats::used_chunks); }
  bool Holds(std::string_view key, std::string_view value) {
    const auto found = tested_.Get(key, kNow);
    return found && found->value == value;
  }
  ItemRef Pin(std::string_view key) {
    ItemRef pin;
    store().Read(tested_.lane(), store().MakeKey(key), {}, kNow, [&](const ItemView& item) {
      EXPECT_TRUE(item.large());
      pin = item.Pin();
    });
    return pin;
  }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 32 * kMiB}};
};

TEST_F(StoreValuesTest, EverySmallSizeInEveryClass) {
  constexpr size_t kBytesEnd = 4400;
  for (size_t bytes = 0; bytes < kBytesEnd; ++bytes) {
    const WriteOutcome outcome = tested_.Put(KeyOf(bytes), ValueOf(bytes, bytes), kNow);
    ASSERT_EQ(outcome.status, WriteStatus::kStored);
  }
  for (size_t bytes = 0; bytes < kBytesEnd; ++bytes) {
    ASSERT_TRUE(Holds(KeyOf(bytes), ValueOf(bytes, bytes))) << bytes;
  }
}

TEST_F(StoreValuesTest, EveryBoundary) {
  for (const size_t key_bytes : {size_t{1}, size_t{250}}) {
    for (const uint32_t flags : {0u, 9u}) {
      const std::string key(key_bytes, 'k');
      for (const size_t bytes : SizesAtBoundaries(key_bytes, flags)) {
        SCOPED_TRACE(bytes);
        const std::string value = ValueOf(bytes, bytes);
        const WriteOptions options{.client_flags = flags};
        ASSERT_EQ(tested_.Put(key, value, kNow, options).status, WriteStatus::kStored);
        ASSERT_TRUE(Holds(key, value));
        store().CheckInvariants();
        tested_.Delete(key, kNow);
        ASSERT_EQ(used_chunks(), 0u);
        ASSERT_EQ(tested_.PutInSteps(key, value, 1000, kNow, options).status, WriteStatus::kStored);
        ASSERT_TRUE(Holds(key, value));
        EXPECT_EQ(tested_.Get(key, kNow)->client_flags, flags);
      }
      tested_.Delete(key, kNow);
    }
  }
}

TEST_F(StoreValuesTest, ChainsHaveTheChunksTheyNeed) {
  const size_t head = HeadBytesMax(1, 0);
  for (const auto& [bytes, chunks] : std::vector<std::pair<size_t, uint64_t>>{
           {head, 1}, {head + 1, 2}, {head + kPartBytesMax, 2}, {head + kPartBytesMax + 1, 3}}) {
    tested_.Put("k", ValueOf(bytes), kNow);
    EXPECT_EQ(used_chunks(), chunks) << bytes;
    EXPECT_EQ(store().Stats().items, 1u);
  }
}

TEST_F(StoreValuesTest, GrowsByAppendingAndPrependingAcrossEveryBoundary) {
  const std::vector<size_t> sizes = SizesAtBoundaries(1, 0);
  for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kPrepend}) {
    for (const bool in_steps : {false, true}) {
      for (size_t i = 0; i + 1 < sizes.size(); ++i) {
        const std::string value = ValueOf(sizes[i + 1], i);
        const size_t cut = mode == WriteMode::kAppend ? sizes[i] : value.size() - sizes[i];
        const std::string first = value.substr(0, cut);
        const std::string second = value.substr(cut);
        const std::string& old = mode == WriteMode::kAppend ? first : second;
        const std::string& added = mode == WriteMode::kAppend ? second : first;
        tested_.Put("k", old, kNow);
        const WriteOptions options{.mode = mode};
        const WriteOutcome outcome = in_steps ? tested_.PutInSteps("k", added, 3000, kNow, options)
                                              : tested_.Put("k", added, kNow, options);
        ASSERT_EQ(outcome.status, WriteStatus::kStored);
        ASSERT_TRUE(Holds("k", value)) << sizes[i] << " to " << sizes[i + 1];
      }
    }
  }
  tested_.Delete("k", kNow);
  EXPECT_EQ(used_chunks(), 0u);
}

TEST_F(StoreValuesTest, AppendsALargeValueToALargeOne) {
  const std::string first = ValueOf(30000, 1);
  const std::string second = ValueOf(50000, 2);
  tested_.Put("k", first, kNow);
  tested_.Put("k", second, kNow, {.mode = WriteMode::kAppend});
  EXPECT_TRUE(Holds("k", first + second));
  tested_.PutInSteps("k", second, 77, kNow, {.mode = WriteMode::kPrepend});
  EXPECT_TRUE(Holds("k", second + first + second));
}

// The limit is on what memcached would take for the item.
TEST_F(StoreValuesTest, TheLimitIsMemcacheds) {
  const size_t largest = 1048516;
  EXPECT_EQ(tested_.Put("k", ValueOf(largest), kNow).status, WriteStatus::kStored);
  EXPECT_TRUE(Holds("k", ValueOf(largest)));
  EXPECT_EQ(tested_.Put("k", ValueOf(largest + 1), kNow).status, WriteStatus::kTooLarge);
  EXPECT_TRUE(Holds("k", ValueOf(largest)));
  EXPECT_EQ(tested_.Put("kk", ValueOf(largest), kNow).status, WriteStatus::kTooLarge);
  EXPECT_EQ(tested_.Put("k", ValueOf(largest - 3), kNow, {.client_flags = 1}).status,
            WriteStatus::kTooLarge);
  EXPECT_EQ(tested_.Put("k", ValueOf(largest - 4), kNow, {.client_flags = 1}).status,
            WriteStatus::kStored);
  Reservation reservation;
  EXPECT_EQ(store().Reserve(tested_.lane(), store().MakeKey("k"), {.value_bytes = largest + 1},
                            kNow, &reservation),
            WriteStatus::kTooLarge);
  EXPECT_FALSE(reservation);
}

TEST_F(StoreValuesTest, NothingGrowsBeyondTheLimit) {
  for (const uint32_t limit : {1000u, 6000u, 100000u}) {
    StoreUnderTest tested(
        StoreOptions{.memory_bytes = 8 * kMiB, .item_limit = {.item_bytes_max = limit}});
    const std::string value = ValueOf(limit - 59 - 1);
    ASSERT_EQ(tested.Put("k", value, kNow).status, WriteStatus::kStored);
    for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kPrepend}) {
      EXPECT_EQ(tested.Put("k", "x", kNow, {.mode = mode}).status, WriteStatus::kTooLarge);
      EXPECT_EQ(tested.PutInSteps("k", "x", 1, kNow, {.mode = mode}).status,
                WriteStatus::kTooLarge);
    }
    EXPECT_EQ(tested.Put("k", value + "x", kNow).status, WriteStatus::kTooLarge);
    EXPECT_TRUE(tested.Get("k", kNow)->value == value);
  }
}

TEST_F(StoreValuesTest, WithoutCasThereIsRoomForMore) {
  StoreUnderTest tested(
      StoreOptions{.memory_bytes = 8 * kMiB, .item_limit = {.overhead_bytes = 51}});
  EXPECT_EQ(tested.Put("k", ValueOf(1048524), kNow).status, WriteStatus::kStored);
  EXPECT_EQ(tested.Put("k", ValueOf(1048525), kNow).status, WriteStatus::kTooLarge);
}

// Pages of 256 KiB, chunks of an eighth of it, values of many pages.
TEST_F(StoreValuesTest, LargeStoresHaveLargePages) {
  constexpr uint32_t kChunk = 32 << 10;
  StoreUnderTest tested(
      StoreOptions{.memory_bytes = 1024 * kMiB, .item_limit = {.item_bytes_max = 32 << 20}});
  EXPECT_EQ(tested.store().Stats().page_bytes, 8 * kChunk);
  for (const size_t bytes : {size_t{kChunk - 37}, size_t{kChunk - 36}, size_t{20} << 20}) {
    const std::string value = ValueOf(bytes);
    ASSERT_EQ(tested.PutInSteps("k", value, 16384, kNow).status, WriteStatus::kStored);
    EXPECT_TRUE(tested.Get("k", kNow)->value == value);
    tested.store().CheckInvariants();
  }
  EXPECT_EQ(Sum(tested.store(), &ClassStats::used_chunks),
            ((20u << 20) + 37 + kChunk - 1 - 20) / (kChunk - 20));
}

// Pins.

TEST_F(StoreValuesTest, APinnedValueOutlivesItsItem) {
  const std::string value = ValueOf(30000);
  const std::string other = ValueOf(30000, 1);
  tested_.Put("deleted", value, kNow);
  tested_.Put("replaced", value, kNow);
  tested_.Put("extended", value, kNow);
  tested_.Put("expired", value, kNow, {.expire = 150});
  std::vector<ItemRef> pins;
  for (const char* key : {"deleted", "replaced", "extended", "expired"}) pins.push_back(Pin(key));
  const uint64_t before = used_chunks();

  tested_.Delete("deleted", kNow);
  tested_.Put("replaced", other, kNow);
  tested_.Put("extended", "x", kNow, {.mode = WriteMode::kAppend});
  EXPECT_FALSE(tested_.Get("expired", Tick{150}));
  // The old chains are still there, beside the two new ones.
  EXPECT_EQ(used_chunks(), before + before / 4 * 2);
  EXPECT_EQ(store().Stats().items, 2u);
  for (ItemRef& pin : pins) {
    EXPECT_TRUE(ReadAll(pin.Pieces()) == value);
    pin.Reset();
    EXPECT_FALSE(pin);
  }
  EXPECT_EQ(used_chunks(), before / 4 * 2);
  EXPECT_TRUE(Holds("replaced", other));
  EXPECT_TRUE(Holds("extended", value + "x"));
}

TEST_F(StoreValuesTest, TheLastPinFreesTheValue) {
  tested_.Put("k", ValueOf(5000), kNow);
  ItemRef first = Pin("k");
  ItemRef second = Pin("k");
  tested_.Delete("k", kNow);
  first.Reset();
  EXPECT_TRUE(ReadAll(second.Pieces()) == ValueOf(5000));
  EXPECT_EQ(used_chunks(), 1u);
  second.Reset();
  EXPECT_EQ(used_chunks(), 0u);
}

TEST_F(StoreValuesTest, PinsMove) {
  tested_.Put("k", ValueOf(5000, 1), kNow);
  tested_.Put("l", ValueOf(5000, 2), kNow);
  ItemRef pin = Pin("k");
  ItemRef moved = std::move(pin);
  EXPECT_FALSE(pin);
  EXPECT_TRUE(ReadAll(moved.Pieces()) == ValueOf(5000, 1));
  tested_.Delete("k", kNow);
  moved = Pin("l");
  // What it held before is gone.
  EXPECT_EQ(used_chunks(), 1u);
  EXPECT_TRUE(ReadAll(moved.Pieces()) == ValueOf(5000, 2));
}

TEST_F(StoreValuesTest, AnUnpinnedItemThatIsStillThereStays) {
  tested_.Put("k", ValueOf(5000), kNow);
  Pin("k").Reset();
  EXPECT_TRUE(Holds("k", ValueOf(5000)));
}

}  // namespace
}  // namespace larder
