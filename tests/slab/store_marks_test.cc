#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// What meta and binary commands ask of a store, a delete and an increment beyond the classic ones:
// chosen CAS tokens, stale values, items made on a miss, deletes that leave something.

namespace larder {
namespace {

constexpr Tick kNow{100};
constexpr uint64_t kChosen = uint64_t{1} << 60;

// Of value lengths: one that leaves no room for 8 bytes more in its chunk, one that does, the
// longest small one, and large ones of one and of many chunks.
class StoreMarksTest : public ::testing::TestWithParam<size_t> {
 protected:
  void TearDown() override {
    tested_.MaintainAll(Tick{kNow.seconds + 1000});
    tested_.store().CheckInvariants();
  }

  size_t bytes() const { return GetParam(); }
  Found Read(std::string_view key = "abc") {
    const auto found = tested_.Get(key, kNow, {.bump = false, .claim = true});
    EXPECT_TRUE(found) << key;
    return found.value_or(Found{});
  }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 32 * kMiB, .track_sizes = true}};
};

INSTANTIATE_TEST_SUITE_P(Bytes, StoreMarksTest, ::testing::Values(5, 600, 4095, 5000, 100000),
                         [](const auto& tested) { return std::to_string(tested.param); });

TEST_P(StoreMarksTest, AChosenCasIsTheItemsUntilTheNextChange) {
  const std::string value = ValueOf(bytes());
  for (const bool in_steps : {false, true}) {
    const WriteOptions chosen{.client_flags = 3, .chosen_cas = kChosen};
    const WriteOutcome stored = in_steps ? tested_.PutInSteps("abc", value, 1000, kNow, chosen)
                                         : tested_.Put("abc", value, kNow, chosen);
    EXPECT_EQ(stored.status, WriteStatus::kStored);
    EXPECT_EQ(stored.cas, kChosen);
    EXPECT_EQ(stored.value_bytes, bytes());
    EXPECT_EQ(Read().cas, kChosen);
    EXPECT_EQ(Read().value, value);
    EXPECT_EQ(Read().client_flags, 3u);
    EXPECT_EQ(tested_.Put("abc", value, kNow, {.compare = true, .compare_cas = kChosen - 1}).status,
              WriteStatus::kExists);
    const WriteOutcome plain =
        tested_.Put("abc", value, kNow, {.compare = true, .compare_cas = kChosen});
    EXPECT_EQ(plain.status, WriteStatus::kStored);
    EXPECT_EQ(Read().cas, plain.cas);
    EXPECT_LT(plain.cas, kChosen);
  }
}

TEST_P(StoreMarksTest, AChosenCasMayFollowAnother) {
  const std::string value = ValueOf(bytes());
  for (uint64_t cas = kChosen; cas < kChosen + 3; ++cas) {
    EXPECT_EQ(tested_.Put("abc", value, kNow, {.chosen_cas = cas}).cas, cas);
    EXPECT_EQ(Read().cas, cas);
    EXPECT_EQ(Read().value, value);
  }
}

TEST_P(StoreMarksTest, ALowerTokenStoresTheValueAsStale) {
  const std::string value = ValueOf(bytes(), 1);
  for (const WriteMode mode : {WriteMode::kSet, WriteMode::kReplace}) {
    const uint64_t first = tested_.Put("abc", "first", kNow).cas;
    const uint64_t second = tested_.Put("abc", "value", kNow, {.expire = 400}).cas;
    const WriteOutcome stored = tested_.Put("abc", value, kNow,
                                            {.mode = mode,
                                             .compare = true,
                                             .invalidate = true,
                                             .compare_cas = first,
                                             .client_flags = 9,
                                             .expire = 900});
    EXPECT_EQ(stored.status, WriteStatus::kStored);
    EXPECT_GT(stored.cas, second);
    const Found found = Read();
    EXPECT_EQ(found.value, value);
    EXPECT_TRUE(found.stale);
    EXPECT_TRUE(found.won);
    EXPECT_EQ(found.expire, 400u);
    EXPECT_EQ(found.client_flags, 9u);
    EXPECT_EQ(found.cas, stored.cas);
    // The win goes over to the next one.
    EXPECT_EQ(tested_
                  .PutInSteps("abc", value, 1000, kNow,
                              {.mode = mode,
                               .compare = true,
                               .invalidate = true,
                               .compare_cas = second,
                               .chosen_cas = kChosen})
                  .cas,
              kChosen);
    EXPECT_TRUE(Read().stale);
    EXPECT_TRUE(Read().win_sent);
    EXPECT_EQ(Read().expire, 400u);
  }
}

TEST_P(StoreMarksTest, AMatchingOrHigherTokenIsNotStale) {
  const std::string value = ValueOf(bytes());
  const uint64_t cas = tested_.Put("abc", value, kNow, {.expire = 400}).cas;
  const WriteOptions stale{.compare = true, .invalidate = true, .compare_cas = cas + 1};
  EXPECT_EQ(tested_.Put("abc", value, kNow, stale).status, WriteStatus::kExists);
  WriteOptions none = stale;
  none.compare_cas = 0;
  EXPECT_EQ(tested_.Put("abc", value, kNow, none).status, WriteStatus::kExists);
  WriteOptions matching = stale;
  matching.compare_cas = cas;
  EXPECT_EQ(tested_.Put("abc", value, kNow, matching).status, WriteStatus::kStored);
  EXPECT_FALSE(Read().stale);
  EXPECT_EQ(Read().expire, kNeverExpires);
  EXPECT_EQ(tested_.Put("new", value, kNow, stale).status, WriteStatus::kNotFound);
  // No compare, no stale value.
  tested_.Put("abc", value, kNow, {.invalidate = true});
  EXPECT_FALSE(Read().stale);
}

TEST_P(StoreMarksTest, AppendsCompareAndChoose) {
  const std::string value = ValueOf(bytes());
  for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kPrepend}) {
    for (const bool in_steps : {false, true}) {
      const uint64_t cas = tested_.Put("abc", value, kNow, {.client_flags = 3, .expire = 400}).cas;
      const auto put = [&](const WriteOptions& options) {
        return in_steps ? tested_.PutInSteps("abc", "12", 1, kNow, options)
                        : tested_.Put("abc", "12", kNow, options);
      };
      EXPECT_EQ(put({.mode = mode, .compare = true, .compare_cas = cas + 1}).status,
                WriteStatus::kExists);
      WriteOutcome stored = put(
          {.mode = mode, .compare = true, .compare_cas = cas, .client_flags = 8, .expire = 900});
      EXPECT_EQ(stored.status, WriteStatus::kStored);
      EXPECT_EQ(stored.value_bytes, bytes() + 2);
      stored = put({.mode = mode, .compare = true, .compare_cas = 0, .chosen_cas = kChosen});
      EXPECT_EQ(stored.cas, kChosen);
      EXPECT_EQ(stored.value_bytes, bytes() + 4);
      const bool append = mode == WriteMode::kAppend;
      EXPECT_EQ(Read().value, append ? value + "1212" : "1212" + value);
      EXPECT_EQ(Read().cas, kChosen);
      EXPECT_EQ(Read().client_flags, 3u);
      EXPECT_EQ(Read().expire, 400u);
      EXPECT_LT(put({.mode = mode}).cas, kChosen);
      EXPECT_EQ(Read().value, append ? value + "121212" : "121212" + value);
    }
  }
}

TEST_P(StoreMarksTest, AppendsMayMakeTheItem) {
  const std::string value = ValueOf(bytes());
  for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kPrepend}) {
    for (const bool in_steps : {false, true}) {
      const WriteOptions options{.mode = mode,
                                 .compare = true,
                                 .create = true,
                                 .binary_key = true,
                                 .compare_cas = 12345,
                                 .client_flags = 4,
                                 .expire = 400,
                                 .chosen_cas = kChosen};
      const WriteOutcome stored = in_steps ? tested_.PutInSteps("abc", value, 1000, kNow, options)
                                           : tested_.Put("abc", value, kNow, options);
      EXPECT_EQ(stored.status, WriteStatus::kStored);
      EXPECT_EQ(stored.value_bytes, bytes());
      const Found found = Read();
      EXPECT_EQ(found.value, value);
      EXPECT_EQ(found.client_flags, 4u);
      EXPECT_EQ(found.expire, 400u);
      EXPECT_EQ(found.cas, kChosen);
      EXPECT_TRUE(found.binary_key);
      tested_.Delete("abc", kNow);
    }
  }
}

TEST_P(StoreMarksTest, TheBinaryKeyMarkIsTheWritesOwn) {
  const std::string value = ValueOf(bytes());
  tested_.Put("abc", value, kNow, {.binary_key = true});
  EXPECT_TRUE(Read().binary_key);
  tested_.Put("abc", value, kNow);
  EXPECT_FALSE(Read().binary_key);
  tested_.PutInSteps("abc", value, 1000, kNow, {.binary_key = true});
  EXPECT_TRUE(Read().binary_key);
  tested_.Delete("abc", kNow, {.invalidate = true});
  EXPECT_TRUE(Read().binary_key);
  tested_.Put("abc", "x", kNow, {.mode = WriteMode::kAppend, .binary_key = true});
  EXPECT_FALSE(Read().binary_key);
}

TEST_P(StoreMarksTest, InvalidatingKeepsTheItemButForItsCasAndMarks) {
  const std::string value = ValueOf(bytes());
  for (const uint64_t chosen : {uint64_t{0}, kChosen}) {
    tested_.Put("abc", value, kNow, {.client_flags = 3, .expire = 400});
    const uint64_t before = Read().cas;
    tested_.Get("abc", kNow);
    EXPECT_EQ(tested_.Delete("abc", kNow,
                             {.compare = true, .invalidate = true, .compare_cas = before + 1}),
              DeleteStatus::kExists);
    EXPECT_EQ(
        tested_.Delete(
            "abc", kNow,
            {.compare = true, .invalidate = true, .compare_cas = before, .chosen_cas = chosen}),
        DeleteStatus::kDeleted);
    const Found first = Read();
    EXPECT_EQ(first.value, value);
    EXPECT_EQ(first.client_flags, 3u);
    EXPECT_EQ(first.expire, 400u);
    EXPECT_TRUE(first.fetched);
    EXPECT_TRUE(first.stale);
    EXPECT_TRUE(first.won);
    EXPECT_TRUE(chosen != 0 ? first.cas == chosen : first.cas > before);
    EXPECT_TRUE(Read().win_sent);
    // Once more, and it can be won again.
    EXPECT_EQ(tested_.Delete("abc", kNow, {.invalidate = true, .touch = true, .expire = 600}),
              DeleteStatus::kDeleted);
    EXPECT_EQ(Read().expire, 600u);
    EXPECT_LT(Read().cas, kChosen);
    EXPECT_EQ(Read().value, value);
  }
}

TEST_P(StoreMarksTest, RemovingTheValueKeepsTheCas) {
  const std::string value = ValueOf(bytes());
  for (const uint64_t chosen : {uint64_t{0}, kChosen}) {
    tested_.Put("abc", value, kNow,
                {.binary_key = true, .client_flags = 3, .expire = 400, .chosen_cas = chosen});
    const uint64_t cas = Read().cas;
    tested_.Get("abc", kNow);
    EXPECT_EQ(tested_.Delete("abc", kNow,
                             {.compare = true, .remove_value = true, .compare_cas = cas + 1}),
              DeleteStatus::kExists);
    EXPECT_EQ(
        tested_.Delete("abc", kNow, {.compare = true, .remove_value = true, .compare_cas = cas}),
        DeleteStatus::kDeleted);
    const Found found = Read();
    EXPECT_EQ(found.value, "");
    EXPECT_EQ(found.cas, cas);
    EXPECT_EQ(found.client_flags, 0u);
    EXPECT_EQ(found.expire, kNeverExpires);
    EXPECT_FALSE(found.stale);
    EXPECT_FALSE(found.fetched);
    EXPECT_FALSE(found.binary_key);
  }
}

TEST_P(StoreMarksTest, RemovingTheValueTakesWhatIsGiven) {
  const uint64_t cas = tested_.Put("abc", ValueOf(bytes()), kNow).cas;
  EXPECT_EQ(tested_.Delete("abc", kNow,
                           {.remove_value = true,
                            .touch = true,
                            .expire = 500,
                            .client_flags = 7,
                            .chosen_cas = kChosen}),
            DeleteStatus::kDeleted);
  EXPECT_EQ(Read().cas, kChosen);
  EXPECT_EQ(Read().client_flags, 7u);
  EXPECT_EQ(Read().expire, 500u);
  // Stale too: then the CAS is a new one.
  EXPECT_EQ(tested_.Delete("abc", kNow, {.invalidate = true, .remove_value = true}),
            DeleteStatus::kDeleted);
  EXPECT_GT(Read().cas, cas);
  EXPECT_LT(Read().cas, kChosen);
  EXPECT_TRUE(Read().stale);
  EXPECT_EQ(Read().value, "");
}

TEST_P(StoreMarksTest, DeletesOfNothingLeaveNothing) {
  EXPECT_EQ(tested_.Delete("new", kNow, {.invalidate = true}), DeleteStatus::kNotFound);
  EXPECT_EQ(tested_.Delete("new", kNow, {.remove_value = true}), DeleteStatus::kNotFound);
  tested_.Put("abc", ValueOf(bytes()), kNow, {.expire = 90});
  EXPECT_EQ(tested_.Delete("abc", kNow, {.invalidate = true}), DeleteStatus::kNotFound);
  EXPECT_EQ(tested_.store().Stats().items, 0u);
}

// A reader that still sends the value has it whole, whatever becomes of the item.
TEST(StorePinsTest, PinsOutliveWhatIsLeft) {
  for (const size_t bytes : {5000, 100000}) {
    StoreUnderTest tested{StoreOptions{.memory_bytes = 8 * kMiB}};
    const std::string value = ValueOf(bytes);
    tested.Put("abc", value, kNow);
    std::vector<ItemRef> pins;
    const auto pin = [&](const ItemView& item) { pins.push_back(item.Pin()); };
    const Key key = tested.store().MakeKey("abc");
    tested.store().Read(tested.lane(), key, {}, kNow, pin);
    tested.Delete("abc", kNow, {.invalidate = true, .chosen_cas = kChosen});
    tested.store().Read(tested.lane(), key, {}, kNow, pin);
    tested.Delete("abc", kNow, {.remove_value = true});
    EXPECT_EQ(tested.Get("abc", kNow).value_or(Found{.value = "gone"}).value, "");
    for (const ItemRef& ref : pins) EXPECT_EQ(ReadAll(ref.Pieces()), value);
    pins.clear();
    tested.store().CheckInvariants();
  }
}

class StoreCountTest : public ::testing::Test {
 protected:
  void TearDown() override { tested_.store().CheckInvariants(); }
  Found Read() {
    return tested_.Get("abc", kNow, {.bump = false, .claim = true}).value_or(Found{});
  }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 8 * kMiB}};
};

TEST_F(StoreCountTest, MakesTheNumber) {
  const ArithmeticOptions options{.delta = 5,
                                  .create = true,
                                  .touch = true,
                                  .initial = 13,
                                  .create_expire = 400,
                                  .expire = 900,
                                  .chosen_cas = kChosen};
  const ArithmeticOutcome made = tested_.Count("abc", kNow, options);
  EXPECT_EQ(made.status, ArithmeticStatus::kDone);
  EXPECT_TRUE(made.created);
  EXPECT_EQ(made.value, 13u);
  EXPECT_EQ(made.cas, kChosen);
  EXPECT_EQ(made.expire_before, kNeverExpires);
  EXPECT_EQ(made.expire, 400u);
  EXPECT_EQ(Read().value, "13");
  EXPECT_EQ(Read().expire, 400u);
  EXPECT_EQ(Read().cas, kChosen);

  const ArithmeticOutcome counted = tested_.Count("abc", kNow, options);
  EXPECT_FALSE(counted.created);
  EXPECT_EQ(counted.value, 18u);
  EXPECT_EQ(counted.expire_before, 400u);
  EXPECT_EQ(counted.expire, 900u);
  EXPECT_EQ(Read().expire, 900u);
  EXPECT_EQ(tested_.Count("new", kNow, {.delta = 5}).status, ArithmeticStatus::kNotFound);
}

TEST_F(StoreCountTest, ComparesAndChooses) {
  // In its chunk there is no room for 8 bytes behind the number, then there is.
  for (const std::string& number : {std::string("10000"), "10000" + std::string(600, ' ')}) {
    const uint64_t cas = tested_.Put("abc", number, kNow, {.client_flags = 3, .expire = 400}).cas;
    tested_.Get("abc", kNow);
    EXPECT_EQ(
        tested_.Count("abc", kNow, {.delta = 1, .compare = true, .compare_cas = cas + 1}).status,
        ArithmeticStatus::kExists);
    ArithmeticOutcome outcome = tested_.Count(
        "abc", kNow, {.delta = 1, .compare = true, .compare_cas = cas, .chosen_cas = kChosen});
    EXPECT_EQ(outcome.status, ArithmeticStatus::kDone);
    EXPECT_EQ(outcome.value, 10001u);
    EXPECT_EQ(outcome.cas, kChosen);
    const Found found = Read();
    EXPECT_EQ(found.value, "10001" + number.substr(5));
    EXPECT_EQ(found.cas, kChosen);
    EXPECT_EQ(found.client_flags, 3u);
    EXPECT_EQ(found.expire, 400u);
    EXPECT_TRUE(found.fetched) << "whoever had read the number has read it";
    EXPECT_EQ(tested_.Count("abc", kNow, {.delta = 1, .compare = true, .compare_cas = 0}).status,
              ArithmeticStatus::kExists);
    outcome = tested_.Count("abc", kNow, {.delta = 1});
    EXPECT_EQ(outcome.value, 10002u);
    EXPECT_LT(outcome.cas, kChosen);
    EXPECT_EQ(Read().cas, outcome.cas);
    tested_.Delete("abc", kNow);
  }
}

TEST_F(StoreCountTest, AShorterNumberKeepsItsLengthWhereverItGoes) {
  tested_.Put("abc", "10000", kNow);
  tested_.Count("abc", kNow, {.decrement = true, .delta = 9999, .chosen_cas = kChosen});
  EXPECT_EQ(Read().value, "1    ");
  EXPECT_EQ(Read().cas, kChosen);
}

TEST_F(StoreCountTest, MarksLastUntilTheNumberOutgrowsItsItem) {
  for (const uint64_t chosen : {uint64_t{0}, kChosen}) {
    tested_.Put("abc", "98", kNow, {.binary_key = true, .expire = 400});
    tested_.Delete("abc", kNow, {.invalidate = true});
    tested_.Get("abc", kNow);
    EXPECT_TRUE(Read().won);
    tested_.Count("abc", kNow, {.delta = 1, .chosen_cas = chosen});
    EXPECT_EQ(Read().value, "99");
    EXPECT_TRUE(Read().stale);
    EXPECT_TRUE(Read().win_sent);
    EXPECT_TRUE(Read().binary_key);
    EXPECT_TRUE(Read().fetched);
    tested_.Count("abc", kNow, {.delta = 1, .touch = true, .expire = 600, .chosen_cas = chosen});
    EXPECT_EQ(Read().value, "100");
    EXPECT_FALSE(Read().stale);
    EXPECT_FALSE(Read().win_sent);
    EXPECT_FALSE(Read().binary_key);
    EXPECT_FALSE(Read().fetched);
    EXPECT_EQ(Read().expire, 600u);
    EXPECT_TRUE(chosen == 0 || Read().cas == chosen);
  }
}

TEST_F(StoreCountTest, AnEmptyValueIsNoNumberWhateverItsCas) {
  tested_.Put("abc", "", kNow);
  EXPECT_EQ(tested_.Count("abc", kNow, {.delta = 1, .compare = true, .compare_cas = 12345}).status,
            ArithmeticStatus::kNotNumber);
}

TEST_F(StoreCountTest, OnlyAnOutgrownNumberIsAnItemStored) {
  tested_.Put("abc", "8", kNow);
  tested_.Count("abc", kNow, {.delta = 1});
  EXPECT_EQ(tested_.store().Stats().items_stored, 1u);
  tested_.Count("abc", kNow, {.delta = 1});
  EXPECT_EQ(tested_.store().Stats().items_stored, 2u);
}

}  // namespace
}  // namespace larder
