#include "slab/poison.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// Overruns planted in the arena: what lies between items is ours, so only the poison there makes
// address sanitizer see them. Built with it only.

namespace larder {
namespace {

constexpr Tick kNow{100};

static_assert(kPoisons, "this test is for address sanitizer");

class PoisonDeathTest : public ::testing::Test {
 protected:
  Store& store() { return tested_.store(); }
  // Where the value of a stored item starts.
  char* ValueAt(std::string_view key) {
    const char* value = nullptr;
    store().Read(tested_.lane(), store().MakeKey(key), {}, kNow,
                 [&](const ItemView& item) { value = item.value().data(); });
    return const_cast<char*>(value);
  }
  Reservation Reserve(size_t bytes) {
    Reservation reservation;
    EXPECT_EQ(store().Reserve(tested_.lane(), store().MakeKey("key"), {.value_bytes = bytes}, kNow,
                              &reservation),
              WriteStatus::kStored);
    return reservation;
  }
  uint32_t ChunkBytes(int class_id) {
    return StatsOfClass(store(), static_cast<uint32_t>(class_id)).chunk_bytes;
  }
  // The write of one byte that must not be made, and one that may.
  static void ExpectCaught(char* at) {
    EXPECT_DEATH(*static_cast<volatile char*>(at) = 'x', "use-after-poison");
  }
  static void ExpectAllowed(char* at) { *static_cast<volatile char*>(at) = *at; }

  StoreUnderTest tested_{StoreOptions{.memory_bytes = 2 * kMiB}};
};

TEST_F(PoisonDeathTest, TheSlackBehindAnItem) {
  const size_t bytes = 1000;
  const WriteOutcome outcome = tested_.Put("key", ValueOf(bytes), kNow);
  ASSERT_GT(ChunkBytes(outcome.class_id), Item::kHeaderBytes + 3 + bytes + 1);
  char* value = ValueAt("key");
  ExpectAllowed(value + bytes - 1);
  ExpectCaught(value + bytes);
}

TEST_F(PoisonDeathTest, TheSlackFollowsTheValueInPlace) {
  tested_.Put("key", ValueOf(1000), kNow);
  char* value = ValueAt("key");
  tested_.Put("key", ValueOf(990), kNow);
  ASSERT_EQ(ValueAt("key"), value);
  ExpectAllowed(value + 989);
  ExpectCaught(value + 990);
  tested_.Put("key", "12345", kNow, {.mode = WriteMode::kAppend});
  ASSERT_EQ(ValueAt("key"), value);
  ExpectAllowed(value + 994);
  ExpectCaught(value + 995);
}

TEST_F(PoisonDeathTest, BeyondTheRoomOfAReservation) {
  for (const size_t bytes : {size_t{1000}, size_t{5000}, size_t{10000}}) {
    Reservation reservation = Reserve(bytes);
    std::span<char> room = reservation.Room();
    while (room.size() < reservation.missing_bytes()) {
      reservation.Filled(room.size());
      room = reservation.Room();
    }
    ExpectAllowed(room.data() + room.size() - 1);
    ExpectCaught(room.data() + room.size());
  }
}

TEST_F(PoisonDeathTest, AFreedChunk) {
  tested_.Put("key", ValueOf(1000), kNow);
  tested_.Put("other", ValueOf(1000), kNow);
  char* value = ValueAt("key");
  tested_.Delete("key", kNow);
  ExpectCaught(value);
  // When it is taken again it may be written again.
  tested_.Put("new", ValueOf(1000), kNow);
  ASSERT_EQ(ValueAt("new"), value);
  ExpectAllowed(value);
}

TEST_F(PoisonDeathTest, AReservationGivenBack) {
  Reservation reservation = Reserve(10000);
  char* room = reservation.Room().data();
  ExpectAllowed(room);
  reservation.Reset();
  ExpectCaught(room);
}

TEST_F(PoisonDeathTest, AValueAfterItsLastPin) {
  tested_.Put("key", ValueOf(5000), kNow);
  ItemRef pin;
  store().Read(tested_.lane(), store().MakeKey("key"), {}, kNow,
               [&](const ItemView& item) { pin = item.Pin(); });
  char* value = const_cast<char*>(pin.Pieces().Next().data());
  tested_.Delete("key", kNow);
  ExpectAllowed(value);
  pin.Reset();
  ExpectCaught(value);
}

TEST_F(PoisonDeathTest, APageNotYetCut) {
  const WriteOutcome outcome = tested_.Put("key", ValueOf(1000), kNow);
  const uint32_t chunk_bytes = ChunkBytes(outcome.class_id);
  char* chunk = ValueAt("key") - Item::kHeaderBytes - 3;
  // From the next chunk on, header and all.
  ExpectCaught(chunk + chunk_bytes);
  ExpectCaught(chunk + 10 * chunk_bytes + 5);
  tested_.Put("next", ValueOf(1000), kNow);
  ExpectAllowed(chunk + chunk_bytes);
}

TEST_F(PoisonDeathTest, APageOfNoClass) {
  const auto arena = *Arena::Create(AddressRange::kFrameBytes, 64 << 10, false);
  ASSERT_TRUE(arena->OpenPages(1, 2));
  char* page = reinterpret_cast<char*>(arena->ItemAt(arena->LocationIn(1, 0)));
  ExpectCaught(page);
  ExpectCaught(page + arena->page_bytes() - 1);
}

TEST_F(PoisonDeathTest, APageThatWasEmptied) {
  for (uint64_t n = 0; Sum(store(), &ClassStats::evicted) == 0; ++n) {
    tested_.Put(KeyOf(n), ValueOf(1000), kNow);
  }
  char* second = ValueAt(KeyOf(1));
  ASSERT_NE(second, nullptr);
  // The first page is the first to be emptied; another class has it now, and one item at its start.
  tested_.Put("other", ValueOf(100), kNow);
  ASSERT_EQ(store().Stats().items_moved, 0u);
  ASSERT_EQ(ValueAt(KeyOf(1)), nullptr);
  ExpectCaught(second);
}

TEST_F(PoisonDeathTest, WhatWasMovedLeavesPoisonBehind) {
  uint64_t n = 0;
  for (; Sum(store(), &ClassStats::evicted) == 0; ++n) {
    tested_.Put(KeyOf(n), ValueOf(1000), kNow);
  }
  for (uint64_t i = 0; i < n; i += 2) tested_.Delete(KeyOf(i), kNow);
  std::vector<char*> before;
  for (uint64_t i = 1; i < n; i += 2) before.push_back(ValueAt(KeyOf(i)));
  tested_.Put("other", ValueOf(100), kNow);
  ASSERT_GT(store().Stats().items_moved, 0u);
  constexpr int kLookedAt = 10;  // a look is a process
  int moved = 0;
  for (uint64_t i = 1; i < n && moved < kLookedAt; i += 2) {
    char* value = ValueAt(KeyOf(i));
    if (value == nullptr || value == before[i / 2]) continue;
    ++moved;
    ExpectAllowed(value + 999);
    ExpectCaught(value + 1000);
  }
  EXPECT_GT(moved, 0);
}

}  // namespace
}  // namespace larder
