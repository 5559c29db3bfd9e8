#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Pages that are emptied so that another class, or the index, can have their memory: what is on
// them moves or is evicted, and what moves stays what it was.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreEmptyTest : public ::testing::Test {
 protected:
  void MakeStore(uint64_t memory_bytes) {
    tested_ = std::make_unique<StoreUnderTest>(StoreOptions{.memory_bytes = memory_bytes});
  }
  void SetUp() override { MakeStore(2 * kMiB); }
  void TearDown() override {
    pins_.clear();
    store().CheckInvariants();
  }

  Store& store() { return tested_->store(); }
  uint64_t evicted() { return Sum(store(), &ClassStats::evicted); }
  // All that a reader can know of an item depends on its number.
  static WriteOptions OptionsOf(uint64_t n) {
    return {.client_flags = static_cast<uint32_t>(n % 3),
            .expire = n % 4 == 0 ? kNeverExpires : 1000 + static_cast<uint32_t>(n)};
  }
  WriteOutcome Put(uint64_t n, size_t bytes) {
    return tested_->Put(KeyOf(n), ValueOf(bytes, n), kNow, OptionsOf(n));
  }
  // Stores items until no page is free and the class has no chunk free: their number.
  uint64_t FillUp(size_t bytes) {
    uint64_t n = 0;
    while (evicted() == 0) {
      const WriteOutcome outcome = Put(n, bytes);
      EXPECT_EQ(outcome.status, WriteStatus::kStored);
      tokens_.push_back(outcome.cas);
      ++n;
    }
    return n;
  }
  bool IsWhole(uint64_t n, size_t bytes) {
    const std::optional<Found> found = tested_->Get(KeyOf(n), kNow);
    if (!found) return false;
    EXPECT_TRUE(found->value == ValueOf(bytes, n));
    EXPECT_EQ(found->client_flags, OptionsOf(n).client_flags);
    EXPECT_EQ(found->expire, OptionsOf(n).expire);
    EXPECT_EQ(found->cas, tokens_[n]);
    return true;
  }
  uint64_t CountWhole(uint64_t end, size_t bytes) {
    uint64_t whole = 0;
    for (uint64_t n = 0; n < end; ++n) whole += IsWhole(n, bytes) ? 1 : 0;
    return whole;
  }
  void Pin(uint64_t n) {
    store().Read(tested_->lane(), store().MakeKey(KeyOf(n)), {}, kNow,
                 [&](const ItemView& item) { pins_.push_back(item.Pin()); });
  }

  // Of so many classes that there is not a page for each.
  void PutOfManySizes(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(
          tested_->Put("other" + std::to_string(i), ValueOf(100 + 239 * i % 12000), kNow).status,
          WriteStatus::kStored);
      if (i % 100 == 0) store().CheckInvariants();
    }
  }

  std::unique_ptr<StoreUnderTest> tested_;
  std::vector<uint64_t> tokens_;
  std::vector<ItemRef> pins_;
};

// A full cache gives a page to a class that has none, and loses no more than was on it.
TEST_F(StoreEmptyTest, AClassWithoutAPageGetsOne) {
  const uint64_t full = FillUp(100);
  const uint64_t before = store().Stats().items;
  EXPECT_EQ(tested_->Put("other", ValueOf(3000), kNow).status, WriteStatus::kStored);
  EXPECT_EQ(tested_->Get("other", kNow)->value, ValueOf(3000));
  // A second one, if what the index and the rings had taken passed the limit.
  const uint64_t emptied = store().Stats().pages_emptied;
  EXPECT_GE(emptied, 1u);
  EXPECT_LE(emptied, 2u);
  const uint64_t lost = before - (store().Stats().items - 1);
  EXPECT_LE(lost, emptied * store().Stats().page_bytes / 128);
  EXPECT_EQ(CountWhole(full, 100), before - lost);
}

TEST_F(StoreEmptyTest, ThenItEvictsItsOwn) {
  FillUp(100);
  tested_->Put("other", ValueOf(3000), kNow);
  const uint64_t emptied = store().Stats().pages_emptied;
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(tested_->Put("other" + std::to_string(i), ValueOf(3000), kNow).status,
              WriteStatus::kStored);
  }
  EXPECT_EQ(store().Stats().pages_emptied, emptied);
}

// Sizes of values whose items are emptied out of a page: small, large in one chunk, and chains
// whose parts are of the largest class and of another.
class StoreMoveTest : public StoreEmptyTest, public ::testing::WithParamInterface<size_t> {
 protected:
  size_t bytes() const { return GetParam(); }
  // A full store in which every second item has been deleted: about every second chunk is free.
  uint64_t FillUpWithHoles() {
    const uint64_t full = FillUp(bytes());
    for (uint64_t n = 0; n < full; n += 2) tested_->Delete(KeyOf(n), kNow);
    return full;
  }
};

TEST_P(StoreMoveTest, WhereThereIsRoomItemsMove) {
  const uint64_t full = FillUpWithHoles();
  while (store().Stats().pages_free > 0) {
    // Pages that became empty of themselves go to a class of their own.
    ASSERT_EQ(
        tested_->Put("own" + std::to_string(store().Stats().items), ValueOf(400), kNow).status,
        WriteStatus::kStored);
  }
  const uint64_t before_evicted = evicted();
  const uint64_t whole = CountWhole(full, bytes());
  EXPECT_GT(whole, full / 3);
  EXPECT_EQ(tested_->Put("other", ValueOf(1500), kNow).status, WriteStatus::kStored);
  EXPECT_GE(store().Stats().pages_emptied, 1u);
  EXPECT_GT(store().Stats().items_moved + store().Stats().parts_moved, 0u);
  EXPECT_EQ(evicted(), before_evicted);
  store().CheckInvariants();
  EXPECT_EQ(CountWhole(full, bytes()), whole);
}

// Page after page changes hands; what is lost was evicted, and what is not is whole.
TEST_P(StoreMoveTest, ManyPagesLater) {
  const uint64_t full = FillUpWithHoles();
  PutOfManySizes(400);
  CountWhole(full, bytes());
  EXPECT_GT(store().Stats().pages_emptied, 10u);
}

TEST_P(StoreMoveTest, WhatWasMovedCanBeChangedAndGoes) {
  const uint64_t full = FillUpWithHoles();
  ASSERT_EQ(tested_->Put("other", ValueOf(1500), kNow).status, WriteStatus::kStored);
  for (uint64_t n = 1; n < full; n += 2) {
    if (!IsWhole(n, bytes())) continue;
    tested_->Put(KeyOf(n), "x", kNow, {.mode = WriteMode::kAppend});
    ASSERT_EQ(tested_->Delete(KeyOf(n), kNow), DeleteStatus::kDeleted);
  }
  tested_->Delete("other", kNow);
  EXPECT_EQ(Sum(store(), &ClassStats::used_chunks), store().Stats().items);
}

INSTANTIATE_TEST_SUITE_P(Bytes, StoreMoveTest, ::testing::Values(100, 5000, 20000, 70000),
                         [](const auto& tested) { return std::to_string(tested.param); });

// Pins.

TEST_F(StoreEmptyTest, WhatIsPinnedStaysAndItsPageToo) {
  const uint64_t full = FillUp(5000);
  for (uint64_t n = 0; n < full; ++n) Pin(n);
  EXPECT_EQ(tested_->Put("other", ValueOf(100), kNow).status, WriteStatus::kNoMemory);
  EXPECT_EQ(store().Stats().pages_emptied, 0u);
  EXPECT_EQ(CountWhole(full, 5000), pins_.size());
  // Half of them nobody sends any more.
  pins_.erase(pins_.begin(), pins_.begin() + static_cast<ptrdiff_t>(pins_.size() / 2));
  EXPECT_EQ(tested_->Put("other", ValueOf(100), kNow).status, WriteStatus::kStored);
  EXPECT_GE(store().Stats().pages_emptied, 1u);
  EXPECT_GE(CountWhole(full, 5000), pins_.size());
}

TEST_F(StoreEmptyTest, OnePinDoesNotKeepOthersOut) {
  const uint64_t full = FillUp(5000);
  for (uint64_t n = 0; n < full; n += 2) tested_->Delete(KeyOf(n), kNow);
  Pin(1);
  for (const size_t bytes : {100, 200, 400, 800}) {
    EXPECT_EQ(tested_->Put("other" + std::to_string(bytes), ValueOf(bytes), kNow).status,
              WriteStatus::kStored);
  }
  EXPECT_TRUE(IsWhole(1, 5000));
}

// A pin points into the chunk, so a pinned item is not moved, though there is room.
TEST_F(StoreEmptyTest, PinnedValuesAreReadableWherePagesMove) {
  for (const size_t bytes : {size_t{5000}, size_t{20000}}) {
    MakeStore(2 * kMiB);
    tokens_.clear();
    const uint64_t full = FillUp(bytes);
    std::vector<uint64_t> pinned;
    for (uint64_t n = 0; n < full; ++n) {
      if (n % 2 == 0) {
        tested_->Delete(KeyOf(n), kNow);
      } else if (n % 37 == 1 && IsWhole(n, bytes)) {
        Pin(n);
        pinned.push_back(n);
      }
    }
    PutOfManySizes(400);
    EXPECT_GT(store().Stats().pages_emptied, 10u);
    ASSERT_EQ(pins_.size(), pinned.size());
    for (size_t i = 0; i < pins_.size(); ++i) {
      EXPECT_TRUE(ReadAll(pins_[i].Pieces()) == ValueOf(bytes, pinned[i]));
      EXPECT_TRUE(IsWhole(pinned[i], bytes));
    }
    pins_.clear();
    store().CheckInvariants();
  }
}

TEST_F(StoreEmptyTest, WhatIsBeingReceivedStaysAndItsPageToo) {
  FillUp(100);
  Reservation reservation;
  const std::string value = ValueOf(60000);
  ASSERT_EQ(store().Reserve(tested_->lane(), store().MakeKey("slow"), {.value_bytes = value.size()},
                            kNow, &reservation),
            WriteStatus::kStored);
  // Meanwhile pages go to and fro.
  PutOfManySizes(400);
  EXPECT_GT(store().Stats().pages_emptied, 10u);
  for (size_t at = 0; reservation.missing_bytes() > 0;) {
    const std::span<char> room = reservation.Room();
    value.copy(room.data(), room.size(), at);
    at += room.size();
    reservation.Filled(room.size());
  }
  EXPECT_EQ(store().Commit(std::move(reservation), {}, kNow).status, WriteStatus::kStored);
  EXPECT_TRUE(tested_->Get("slow", kNow)->value == value);
}

TEST_F(StoreEmptyTest, TheDeadAreNotMoved) {
  const uint64_t full = FillUp(100);
  for (uint64_t n = 0; n < full; n += 2) tested_->Delete(KeyOf(n), kNow);
  store().Flush(kNow, kNow);
  ASSERT_EQ(tested_->Put("other", ValueOf(3000), kNow).status, WriteStatus::kStored);
  EXPECT_EQ(store().Stats().items_moved, 0u);
  EXPECT_EQ(Sum(store(), &ClassStats::evicted), 1u);
  EXPECT_GT(Sum(store(), &ClassStats::reclaimed), 0u);
}

// Maintenance.

// A large store keeps a page in reserve, so that a class that has none does not wait for one.
class StoreReserveTest : public StoreEmptyTest {
 protected:
  static constexpr uint64_t kBytes = 900;

  void SetUp() override {
    MakeStore(32 * kMiB);
    full_ = FillUp(kBytes);
    // The index gets what it wants, and the class fills up what that left.
    tested_->MaintainAll(kNow);
    for (uint64_t first = evicted(); evicted() == first; ++full_) {
      tokens_.push_back(Put(full_, kBytes).cas);
    }
    pages_emptied_ = store().Stats().pages_emptied;
    EXPECT_EQ(store().Stats().pages_free, 1u);
  }
  void TakeReserve() {
    ASSERT_EQ(tested_->Put("other", ValueOf(200), kNow).status, WriteStatus::kStored);
    ASSERT_EQ(store().Stats().pages_free, 0u);
    ASSERT_EQ(store().Stats().pages_emptied, pages_emptied_);
  }

  uint64_t full_ = 0;
  uint64_t pages_emptied_ = 0;
};

TEST_F(StoreReserveTest, IsFilledInSmallSteps) {
  TakeReserve();
  const uint64_t before = store().Stats().items;
  int pieces = 0;
  while (store().Maintain(kNow, 1) && pieces < 10000) {
    if (++pieces % 100 == 0) store().CheckInvariants();
  }
  EXPECT_LT(pieces, 10000);
  EXPECT_EQ(store().Stats().pages_free, 1u);
  EXPECT_EQ(store().Stats().pages_emptied, pages_emptied_ + 1);
  const uint64_t lost = before - store().Stats().items;
  EXPECT_LE(lost, store().Stats().page_bytes / kBytes);
  EXPECT_EQ(CountWhole(full_, kBytes) + 1, store().Stats().items);
  // And does not grow beyond.
  tested_->MaintainAll(Tick{200});
  EXPECT_EQ(store().Stats().pages_emptied, pages_emptied_ + 1);
}

// The index may want to grow by more than a small budget's worth, and there be no room for it yet.
TEST_F(StoreEmptyTest, AnyBudgetMakesProgress) {
  MakeStore(8 * kMiB);
  FillUp(0);
  int pieces = 0;
  while (store().Maintain(kNow, 1) && pieces < 100000) ++pieces;
  EXPECT_LT(pieces, 100000);
  EXPECT_GE(store().Stats().index_buckets * Index::kItemsPerBucket, store().Stats().items);
}

TEST_F(StoreReserveTest, OnePinDoesNotKeepItEmpty) {
  for (int i = 0; i < 20; ++i) {
    tested_->Put("pinned", ValueOf(5000), kNow);
    store().Read(tested_->lane(), store().MakeKey("pinned"), {}, kNow,
                 [&](const ItemView& item) { pins_.push_back(item.Pin()); });
  }
  for (int i = 0; i < 100 && store().Stats().pages_free == 0; ++i) store().Maintain(kNow, 1000);
  EXPECT_EQ(store().Stats().pages_free, 1u);
}

// The page that is being emptied goes back to its class when one comes free in another way.
TEST_F(StoreReserveTest, StopsWhenItIsNoLongerNeeded) {
  TakeReserve();
  ASSERT_TRUE(store().Maintain(kNow, 1));
  // Items of the page that is being emptied are met by the evictor.
  for (uint64_t n = 0; n < full_; ++n) {
    tested_->Put("new" + KeyOf(n), ValueOf(kBytes), kNow);
  }
  store().CheckInvariants();
  for (uint64_t n = 0; n < full_ && store().Stats().pages_free == 0; ++n) {
    tested_->Delete(KeyOf(n), kNow);
  }
  ASSERT_GT(store().Stats().pages_free, 0u);
  tested_->MaintainAll(kNow);
  store().CheckInvariants();
  EXPECT_EQ(store().Stats().pages_emptied, pages_emptied_);
  // All of the class can be evicted still: nothing hangs between its segments.
  for (uint64_t n = 0; n < 3 * full_; ++n) {
    const std::string key = "newer" + KeyOf(n);
    ASSERT_EQ(tested_->Put(key, ValueOf(kBytes), kNow).status, WriteStatus::kStored);
    tested_->Get(key, kNow);
  }
  EXPECT_EQ(CountWhole(full_, kBytes), 0u);
}

// The index grows in a store that is full, at the cost of items.
TEST_F(StoreEmptyTest, TheIndexGetsPagesToo) {
  MakeStore(4 * kMiB);
  const uint64_t full = FillUp(0);
  EXPECT_LT(store().Stats().index_buckets * Index::kItemsPerBucket, full / 2);
  const uint64_t before = store().Stats().memory_bytes;
  tested_->MaintainAll(kNow);
  const StoreStats stats = store().Stats();
  EXPECT_GE(stats.index_buckets * Index::kItemsPerBucket, stats.items);
  EXPECT_GT(stats.pages_emptied, 0u);
  EXPECT_GT(stats.items, full / 2);
  EXPECT_LE(stats.memory_bytes, stats.memory_limit_bytes);
  EXPECT_LE(stats.memory_bytes, before);
  EXPECT_EQ(CountWhole(full, 0), stats.items);
}

}  // namespace
}  // namespace larder
