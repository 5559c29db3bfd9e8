#include "slab/store.h"

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "slab/poison.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Every operation of the store and every outcome, in a store with room for all.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreTest : public ::testing::Test {
 protected:
  void TearDown() override { tested_.store().CheckInvariants(); }

  Store& store() { return tested_.store(); }
  std::string ValueAt(std::string_view key) {
    const auto found = tested_.Get(key, kNow);
    return found ? found->value : "(none)";
  }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 8 * kMiB}};
};

// Writing: what each mode and comparison does to a key that is there and to one that is not.

enum class Compare { kNothing, kItsToken, kAnotherToken };

struct Attempt {
  std::string name;
  bool there;
  WriteMode mode;
  Compare compare;
  WriteStatus status;
  std::string value_after;
};

class StoreWriteTest : public ::testing::TestWithParam<Attempt> {};

TEST_P(StoreWriteTest, DoesWhatItsModeSays) {
  const Attempt& attempt = GetParam();
  // Small in place, by way of a reservation, and with values that need a chunk of their own.
  for (const bool in_steps : {false, true}) {
    for (const size_t bytes : {size_t{3}, size_t{5000}}) {
      StoreUnderTest tested(StoreOptions{.memory_bytes = 8 * kMiB});
      const std::string old_value = ValueOf(bytes, 1);
      const std::string new_value = ValueOf(bytes, 2);
      uint64_t token = 5;
      if (attempt.there) token = tested.Put("key", old_value, kNow).cas;
      WriteOptions options{.mode = attempt.mode};
      options.compare = attempt.compare != Compare::kNothing;
      options.compare_cas = attempt.compare == Compare::kItsToken ? token : token + 1;
      const WriteOutcome outcome = in_steps ? tested.PutInSteps("key", new_value, 2, kNow, options)
                                            : tested.Put("key", new_value, kNow, options);
      EXPECT_EQ(outcome.status, attempt.status);
      const auto found = tested.Get("key", kNow);
      const std::string expected = attempt.value_after == "old"      ? old_value
                                   : attempt.value_after == "new"    ? new_value
                                   : attempt.value_after == "oldnew" ? old_value + new_value
                                   : attempt.value_after == "newold" ? new_value + old_value
                                                                     : "";
      ASSERT_EQ(found.has_value(), !expected.empty());
      if (found) {
        EXPECT_TRUE(found->value == expected) << found->value.substr(0, 10);
        EXPECT_EQ(found->cas, attempt.status == WriteStatus::kStored ? outcome.cas : token);
      }
      tested.store().CheckInvariants();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Attempts, StoreWriteTest,
    ::testing::Values(
        Attempt{"Set", true, WriteMode::kSet, Compare::kNothing, WriteStatus::kStored, "new"},
        Attempt{"SetNew", false, WriteMode::kSet, Compare::kNothing, WriteStatus::kStored, "new"},
        Attempt{"Add", true, WriteMode::kAdd, Compare::kNothing, WriteStatus::kNotStored, "old"},
        Attempt{"AddNew", false, WriteMode::kAdd, Compare::kNothing, WriteStatus::kStored, "new"},
        Attempt{"Replace", true, WriteMode::kReplace, Compare::kNothing, WriteStatus::kStored,
                "new"},
        Attempt{"ReplaceNew", false, WriteMode::kReplace, Compare::kNothing,
                WriteStatus::kNotStored, ""},
        Attempt{"Append", true, WriteMode::kAppend, Compare::kNothing, WriteStatus::kStored,
                "oldnew"},
        Attempt{"AppendNew", false, WriteMode::kAppend, Compare::kNothing, WriteStatus::kNotStored,
                ""},
        Attempt{"Prepend", true, WriteMode::kPrepend, Compare::kNothing, WriteStatus::kStored,
                "newold"},
        Attempt{"PrependNew", false, WriteMode::kPrepend, Compare::kNothing,
                WriteStatus::kNotStored, ""},
        Attempt{"Cas", true, WriteMode::kSet, Compare::kItsToken, WriteStatus::kStored, "new"},
        Attempt{"CasDiffers", true, WriteMode::kSet, Compare::kAnotherToken, WriteStatus::kExists,
                "old"},
        Attempt{"CasNew", false, WriteMode::kSet, Compare::kItsToken, WriteStatus::kNotFound, ""},
        Attempt{"AppendCas", true, WriteMode::kAppend, Compare::kItsToken, WriteStatus::kStored,
                "oldnew"},
        Attempt{"PrependCasDiffers", true, WriteMode::kPrepend, Compare::kAnotherToken,
                WriteStatus::kExists, "old"},
        Attempt{"AppendCasNew", false, WriteMode::kAppend, Compare::kItsToken,
                WriteStatus::kNotStored, ""}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(StoreTest, AMissIsAMiss) {
  EXPECT_FALSE(tested_.Get("key", kNow));
  EXPECT_EQ(tested_.last_read.status, ReadStatus::kMiss);
}

TEST_F(StoreTest, FlagsAndExpiryComeBack) {
  tested_.Put("key", "value", kNow, {.client_flags = 0xfffffffe, .expire = 200});
  const auto found = tested_.Get("key", kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->client_flags, 0xfffffffeu);
  EXPECT_EQ(found->expire, 200u);
  EXPECT_EQ(tested_.last_read.status, ReadStatus::kHit);
}

TEST_F(StoreTest, AppendAndPrependKeepFlagsAndExpiry) {
  for (const size_t bytes : {size_t{2}, size_t{300}, size_t{5000}}) {
    tested_.Put("key", "value", kNow, {.client_flags = 7, .expire = 200});
    const std::string added = ValueOf(bytes);
    for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kPrepend}) {
      tested_.Put("key", added, kNow, {.mode = mode, .client_flags = 8, .expire = 300});
    }
    const auto found = tested_.Get("key", kNow);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value, added + "value" + added);
    EXPECT_EQ(found->client_flags, 7u);
    EXPECT_EQ(found->expire, 200u);
  }
}

TEST_F(StoreTest, NothingCanBeAppended) {
  tested_.Put("key", "value", kNow);
  const uint64_t token = tested_.Get("key", kNow)->cas;
  EXPECT_EQ(tested_.Put("key", {}, kNow, {.mode = WriteMode::kAppend}).status,
            WriteStatus::kStored);
  EXPECT_EQ(ValueAt("key"), "value");
  EXPECT_NE(tested_.Get("key", kNow)->cas, token);
}

TEST_F(StoreTest, AnEmptyValueIsAValue) {
  tested_.Put("key", {}, kNow);
  EXPECT_EQ(ValueAt("key"), "");
  tested_.Put("key", "value", kNow);
  tested_.Put("key", "", kNow);
  EXPECT_EQ(ValueAt("key"), "");
}

TEST_F(StoreTest, TokensOfAKeyGrow) {
  uint64_t last = 0;
  const auto expect_more = [&](uint64_t token) {
    EXPECT_GT(token, last);
    last = token;
  };
  expect_more(tested_.Put("key", "1", kNow).cas);
  expect_more(tested_.Put("key", "2", kNow).cas);                                // in place
  expect_more(tested_.Put("key", "3", kNow, {.mode = WriteMode::kAppend}).cas);  // in place
  expect_more(tested_.Add("key", 1, kNow).cas);
  expect_more(tested_.Put("key", ValueOf(500), kNow).cas);
  expect_more(tested_.Put("key", ValueOf(50000), kNow).cas);
  expect_more(tested_.Put("key", "1", kNow, {.mode = WriteMode::kPrepend}).cas);
  EXPECT_EQ(tested_.Get("key", kNow)->cas, last);
}

TEST_F(StoreTest, ASmallValueIsOverwrittenWhereItIs) {
  const WriteOutcome first = tested_.Put("key", "value", kNow, {.client_flags = 5});
  const WriteOutcome second = tested_.Put("key", "other", kNow, {.client_flags = 6});
  EXPECT_EQ(second.class_id, first.class_id);
  const auto found = tested_.Get("key", kNow);
  EXPECT_EQ(found->value, "other");
  EXPECT_EQ(found->client_flags, 6u);
  EXPECT_EQ(StatsOfClass(store(), first.class_id).used_chunks, 1u);
}

TEST_F(StoreTest, AValueThatShrinksOrGrowsMovesToItsClass) {
  uint32_t class_before = 0;
  for (const size_t bytes : {100, 1000, 20000, 5000, 3000, 10}) {
    const std::string value = ValueOf(bytes);
    const WriteOutcome outcome = tested_.Put("key", value, kNow);
    EXPECT_NE(outcome.class_id, class_before);
    EXPECT_EQ(ValueAt("key"), value);
    EXPECT_EQ(store().Stats().items, 1u);
    class_before = outcome.class_id;
  }
  EXPECT_EQ(Sum(store(), &ClassStats::used_chunks), 1u);
}

TEST_F(StoreTest, FlagsMayComeAndGo) {
  for (const uint32_t flags : {0u, 3u, 0u, 4u}) {
    tested_.Put("key", "value", kNow, {.client_flags = flags});
    EXPECT_EQ(tested_.Get("key", kNow)->client_flags, flags);
  }
  EXPECT_EQ(store().Stats().items, 1u);
}

TEST_F(StoreTest, KeysOfAllLengthsAndBytes) {
  for (size_t bytes = 1; bytes <= kKeyBytesMax; ++bytes) {
    const std::string key(bytes, static_cast<char>(bytes));
    tested_.Put(key, key, kNow);
  }
  for (size_t bytes = 1; bytes <= kKeyBytesMax; ++bytes) {
    const std::string key(bytes, static_cast<char>(bytes));
    EXPECT_EQ(ValueAt(key), key);
  }
}

TEST_F(StoreTest, HintsChangeNothing) {
  tested_.Put("key", "value", kNow);
  for (const std::string_view text : {"key", "none"}) {
    const Key key = store().MakeKey(text);
    store().PrefetchBucket(key);
    store().PrefetchItem(key);
  }
  EXPECT_EQ(ValueAt("key"), "value");
  EXPECT_EQ(ValueAt("none"), "(none)");
}

// Deleting.

TEST_F(StoreTest, Deletes) {
  EXPECT_EQ(tested_.Delete("key", kNow), DeleteStatus::kNotFound);
  for (const size_t bytes : {size_t{5}, size_t{5000}, size_t{50000}}) {
    tested_.Put("key", ValueOf(bytes), kNow);
    EXPECT_EQ(tested_.Delete("key", kNow), DeleteStatus::kDeleted);
    EXPECT_FALSE(tested_.Get("key", kNow));
    EXPECT_EQ(tested_.Delete("key", kNow), DeleteStatus::kNotFound);
    EXPECT_EQ(Sum(store(), &ClassStats::used_chunks), 0u);
  }
}

TEST_F(StoreTest, DeletesWhatStillHasTheToken) {
  const uint64_t token = tested_.Put("key", "value", kNow).cas;
  EXPECT_EQ(tested_.Delete("key", kNow, {.compare = true, .compare_cas = token + 1}),
            DeleteStatus::kExists);
  EXPECT_EQ(ValueAt("key"), "value");
  EXPECT_EQ(tested_.Delete("key", kNow, {.compare = true, .compare_cas = token}),
            DeleteStatus::kDeleted);
  EXPECT_EQ(tested_.Delete("key", kNow, {.compare = true, .compare_cas = token}),
            DeleteStatus::kNotFound);
}

// Arithmetic.

struct Sum64 {
  std::string before;
  bool decrement;
  uint64_t delta;
  std::optional<uint64_t> result;  // none: not a number
  std::string after;
};

TEST_F(StoreTest, CountsAsMemcachedDoes) {
  const std::vector<Sum64> sums = {
      {"5", false, 3, 8, "8"},
      {"5", true, 3, 2, "2"},
      {"5", true, 6, 0, "0"},
      {"99", false, 1, 100, "100"},
      {"100", true, 1, 99, "99 "},
      {"18446744073709551615", false, 1, 0, "0                   "},
      {"18446744073709551615", false, 0, UINT64_MAX, "18446744073709551615"},
      {"0", false, UINT64_MAX, UINT64_MAX, "18446744073709551615"},
      {"007", false, 1, 8, "8  "},
      {"12 ", false, 1, 13, "13 "},
      {"12 monkeys", false, 1, 13, "13        "},
      {" \t7", false, 1, 8, "8  "},
      {"+7", false, 1, 8, "8 "},
      {"-0", false, 1, 1, "1 "},
      {"", false, 1, {}, ""},
      {" ", false, 1, {}, " "},
      {"-", false, 1, {}, "-"},
      {"-1", false, 1, {}, "-1"},
      {"12monkeys", false, 1, {}, "12monkeys"},
      {"0x10", false, 1, {}, "0x10"},
      {"18446744073709551616", false, 1, {}, "18446744073709551616"},
  };
  for (const Sum64& sum : sums) {
    SCOPED_TRACE("'" + sum.before + "'");
    tested_.Put("key", sum.before, kNow);
    const ArithmeticOutcome outcome = tested_.Add("key", sum.delta, kNow, sum.decrement);
    EXPECT_EQ(outcome.status, sum.result ? ArithmeticStatus::kDone : ArithmeticStatus::kNotNumber);
    EXPECT_EQ(outcome.value, sum.result.value_or(0));
    EXPECT_EQ(ValueAt("key"), sum.after);
    if (sum.result) {
      EXPECT_EQ(outcome.cas, tested_.Get("key", kNow)->cas);
    }
  }
}

TEST_F(StoreTest, CountsOnlyWhatIsThere) {
  EXPECT_EQ(tested_.Add("key", 1, kNow).status, ArithmeticStatus::kNotFound);
  EXPECT_EQ(store().Stats().items, 0u);
}

TEST_F(StoreTest, ALargeValueIsNotANumber) {
  tested_.Put("key", std::string(5000, '1'), kNow);
  EXPECT_EQ(tested_.Add("key", 1, kNow).status, ArithmeticStatus::kNotNumber);
}

TEST_F(StoreTest, ANumberThatOutgrowsItsChunkKeepsFlagsAndExpiry) {
  // Header, flags, key and value are 32 bytes, which is a chunk.
  const WriteOutcome stored =
      tested_.Put("12345678", "9999", kNow, {.client_flags = 7, .expire = 200});
  const ArithmeticOutcome outcome = tested_.Add("12345678", 1, kNow);
  EXPECT_EQ(outcome.status, ArithmeticStatus::kDone);
  EXPECT_EQ(outcome.value, 10000u);
  EXPECT_NE(outcome.class_id, stored.class_id);
  const auto found = tested_.Get("12345678", kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value, "10000");
  EXPECT_EQ(found->client_flags, 7u);
  EXPECT_EQ(found->expire, 200u);
  EXPECT_EQ(found->cas, outcome.cas);
  EXPECT_EQ(Sum(store(), &ClassStats::used_chunks), 1u);
}

TEST_F(StoreTest, CountsWhatStillHasTheToken) {
  const uint64_t token = tested_.Put("key", "5", kNow).cas;
  const Key key = store().MakeKey("key");
  ArithmeticOptions options{.delta = 1, .compare = true, .compare_cas = token + 1};
  EXPECT_EQ(store().Arithmetic(tested_.lane(), key, options, kNow).status,
            ArithmeticStatus::kExists);
  options.compare_cas = token;
  EXPECT_EQ(store().Arithmetic(tested_.lane(), key, options, kNow).value, 6u);
}

TEST_F(StoreTest, AnEmptyValueIsNoNumberWhateverItsToken) {
  const uint64_t token = tested_.Put("key", "", kNow).cas;
  const ArithmeticOptions options{.delta = 1, .compare = true, .compare_cas = token + 1};
  EXPECT_EQ(store().Arithmetic(tested_.lane(), store().MakeKey("key"), options, kNow).status,
            ArithmeticStatus::kNotNumber);
}

// Reservations.

class ReservationTest : public StoreTest {
 protected:
  WriteStatus Reserve(std::string_view key, size_t bytes, Reservation* reservation) {
    return store().Reserve(tested_.lane(), store().MakeKey(key), {.value_bytes = bytes}, kNow,
                           reservation);
  }
  static void FillWith(char c, Reservation* reservation) {
    while (reservation->missing_bytes() > 0) {
      const std::span<char> room = reservation->Room();
      ASSERT_FALSE(room.empty());
      std::fill(room.begin(), room.end(), c);
      reservation->Filled(room.size());
    }
    EXPECT_TRUE(reservation->Room().empty());
  }
  uint64_t used_chunks() { return Sum(store(), &ClassStats::used_chunks); }
};

TEST_F(ReservationTest, IsNotThereUntilItIsCommitted) {
  tested_.Put("key", "old", kNow);
  Reservation reservation;
  EXPECT_FALSE(reservation);
  ASSERT_EQ(Reserve("key", 50000, &reservation), WriteStatus::kStored);
  EXPECT_TRUE(reservation);
  EXPECT_EQ(reservation.key(), "key");
  EXPECT_EQ(reservation.missing_bytes(), 50000u);
  FillWith('v', &reservation);
  EXPECT_EQ(ValueAt("key"), "old");
  const WriteOutcome outcome = store().Commit(std::move(reservation), {}, kNow);
  EXPECT_EQ(outcome.status, WriteStatus::kStored);
  EXPECT_EQ(outcome.cas, tested_.Get("key", kNow)->cas);
  EXPECT_TRUE(ValueAt("key") == std::string(50000, 'v'));
  EXPECT_FALSE(reservation);
}

TEST_F(ReservationTest, GivesItsMemoryBackIfItIsNotCommitted) {
  for (const size_t bytes : {size_t{0}, size_t{10}, size_t{5000}, size_t{100000}}) {
    Reservation reservation;
    ASSERT_EQ(Reserve("key", bytes, &reservation), WriteStatus::kStored);
    EXPECT_GE(used_chunks(), 1u);
    reservation.Reset();
    EXPECT_EQ(used_chunks(), 0u);
    reservation.Reset();
  }
  {
    Reservation reservation;
    ASSERT_EQ(Reserve("key", 100000, &reservation), WriteStatus::kStored);
  }
  EXPECT_EQ(used_chunks(), 0u);
  EXPECT_FALSE(tested_.Get("key", kNow));
}

TEST_F(ReservationTest, GivesItsMemoryBackIfItIsRefused) {
  tested_.Put("key", "old", kNow);
  Reservation reservation;
  ASSERT_EQ(Reserve("key", 50000, &reservation), WriteStatus::kStored);
  FillWith('v', &reservation);
  EXPECT_EQ(store().Commit(std::move(reservation), {.mode = WriteMode::kAdd}, kNow).status,
            WriteStatus::kNotStored);
  EXPECT_EQ(used_chunks(), 1u);
  EXPECT_EQ(ValueAt("key"), "old");
}

TEST_F(ReservationTest, MovesAndReplaces) {
  Reservation first;
  Reservation second;
  ASSERT_EQ(Reserve("first", 10, &first), WriteStatus::kStored);
  ASSERT_EQ(Reserve("second", 10, &second), WriteStatus::kStored);
  EXPECT_EQ(used_chunks(), 2u);
  first = std::move(second);
  EXPECT_EQ(used_chunks(), 1u);
  EXPECT_EQ(first.key(), "second");
  EXPECT_FALSE(second);
  ASSERT_EQ(Reserve("third", 10, &first), WriteStatus::kStored);
  EXPECT_EQ(used_chunks(), 1u);
  EXPECT_EQ(first.key(), "third");
}

TEST_F(ReservationTest, WhatHappensMeanwhileIsJudgedAtTheEnd) {
  const uint64_t token = tested_.Put("key", "old", kNow).cas;
  Reservation reservation;
  ASSERT_EQ(Reserve("key", 5, &reservation), WriteStatus::kStored);
  FillWith('v', &reservation);
  tested_.Put("key", "another", kNow);
  EXPECT_EQ(
      store().Commit(std::move(reservation), {.compare = true, .compare_cas = token}, kNow).status,
      WriteStatus::kExists);
  EXPECT_EQ(ValueAt("key"), "another");
}

// The store as a whole.

TEST_F(StoreTest, CountsWhatItHolds) {
  EXPECT_EQ(store().Stats().items, 0u);
  EXPECT_EQ(store().Stats().memory_limit_bytes, 8 * kMiB);
  const WriteOutcome small = tested_.Put("abc", "value", kNow);
  tested_.Put("abd", ValueOf(5000), kNow, {.client_flags = 1});
  tested_.Put("abc", "VALUE", kNow);
  tested_.Get("abc", kNow);
  const StoreStats stats = store().Stats();
  EXPECT_EQ(stats.items, 2u);
  EXPECT_EQ(stats.items_stored, 3u);
  EXPECT_EQ(stats.item_bytes, (16u + 3 + 5) + (16 + 4 + 28 + 3 + 5000));
  EXPECT_EQ(stats.pages, 2u);
  EXPECT_EQ(stats.classes.size(), 2u);
  EXPECT_GE(stats.memory_bytes, stats.pages * stats.page_bytes + stats.index_bytes);
  const ClassStats of_class = StatsOfClass(store(), small.class_id);
  EXPECT_EQ(of_class.items, 1u);
  EXPECT_EQ(of_class.item_bytes, 24u);
  EXPECT_EQ(of_class.used_chunks, 1u);
  EXPECT_EQ(of_class.pages, 1u);
  EXPECT_EQ(of_class.chunks, of_class.chunks_per_page);
  EXPECT_EQ(of_class.chunk_bytes, 24u);
}

TEST_F(StoreTest, LanesAddUp) {
  Lane& other = store().AddLane();
  for (uint64_t n = 0; n < 100; ++n) tested_.Put(KeyOf(n), "value", kNow);
  for (uint64_t n = 0; n < 70; ++n) {
    store().Delete(other, store().MakeKey(KeyOf(n)), {}, kNow);
  }
  EXPECT_EQ(store().Stats().items, 30u);
  EXPECT_EQ(store().Stats().item_bytes, 30u * (16 + 12 + 5));
}

TEST_F(StoreTest, RefusesMemoryThatCannotBeAddressed) {
  const auto refused = Store::Create({.memory_bytes = uint64_t{1} << 58});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("address space"), std::string::npos)
      << refused.status();
}

// The system may refuse, and then the store says so.
TEST_F(StoreTest, LocksItsMemoryIfAskedTo) {
  const auto locked_kib = [] {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      if (word != "VmLck:") continue;
      uint64_t kib = 0;
      status >> kib;
      return kib;
    }
    return uint64_t{0};
  };
  StoreUnderTest locked(StoreOptions{.memory_bytes = 8 * kMiB, .lock_memory = true});
  locked.Put("key", "value", kNow);
  EXPECT_EQ(locked.Get("key", kNow)->value, "value");
  // Sanitizers make locking do nothing.
  EXPECT_TRUE(!locked.store().memory_locked() || locked_kib() > 0 || kPoisons);
  EXPECT_FALSE(store().memory_locked());
}

}  // namespace
}  // namespace larder
