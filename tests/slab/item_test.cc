#include "slab/item.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr uint32_t kDaySeconds = 24 * 60 * 60;

// A chunk outside of any arena.
class Chunk {
 public:
  Item* operator->() { return item(); }
  Item* item() { return reinterpret_cast<Item*>(bytes_.data()); }
  ItemPart* part() { return reinterpret_cast<ItemPart*>(bytes_.data()); }
  const char* bytes() const { return bytes_.data(); }

  // A linked item with this value, as far as it fits here.
  void Store(std::string_view key, std::string_view value, uint32_t client_flags = 0,
             uint32_t expire = kNeverExpires, Tick now = {}) {
    item()->SetReserved(/*probation=*/true);
    item()->Fill({.key_bytes = static_cast<uint32_t>(key.size()),
                  .value_bytes = static_cast<uint32_t>(value.size()),
                  .client_flags = client_flags},
                 key, expire, now);
    std::memcpy(item()->value(), value.data(), value.size());
    item()->SetLinked(1);
  }

 private:
  alignas(Item) std::array<char, 8192> bytes_{};
};

struct Layout {
  std::string name;
  size_t key_bytes;
  size_t value_bytes;
  uint32_t client_flags;
  size_t prefix_bytes;
};

class ItemLayoutTest : public ::testing::TestWithParam<Layout> {};

TEST_P(ItemLayoutTest, EverythingIsWhereItWasPut) {
  const Layout& layout = GetParam();
  const std::string key(layout.key_bytes, 'k');
  const std::string value(layout.value_bytes, 'v');
  const Item::Shape shape{.key_bytes = static_cast<uint32_t>(key.size()),
                          .value_bytes = static_cast<uint32_t>(value.size()),
                          .client_flags = layout.client_flags};
  EXPECT_EQ(shape.PrefixBytes(), layout.prefix_bytes);
  EXPECT_EQ(shape.TotalBytes(), layout.prefix_bytes + value.size());

  Chunk chunk;
  chunk.Store(key, value, layout.client_flags, /*expire=*/1234567);
  EXPECT_EQ(chunk->key(), key);
  EXPECT_EQ(chunk->value_bytes(), value.size());
  EXPECT_EQ(std::string_view(chunk->value(), value.size()), value);
  EXPECT_EQ(chunk->client_flags(), layout.client_flags);
  EXPECT_EQ(chunk->has_client_flags(), layout.client_flags != 0);
  EXPECT_EQ(chunk->expire(), 1234567u);
  EXPECT_EQ(chunk->large(), value.size() > kSmallValueBytesMax);
  EXPECT_EQ(chunk->PrefixBytes(), layout.prefix_bytes);
  EXPECT_EQ(chunk->TotalBytes(), shape.TotalBytes());
  EXPECT_EQ(chunk->value(), chunk.bytes() + layout.prefix_bytes);
  if (chunk->large()) {
    EXPECT_EQ(chunk->extension().value_bytes_here, value.size());
    EXPECT_EQ(chunk->extension().pins, 0u);
    EXPECT_EQ(chunk->extension().next_part(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, ItemLayoutTest,
                         ::testing::Values(Layout{"Smallest", 1, 0, 0, 17},
                                           Layout{"Usual", 24, 10, 0, 40},
                                           Layout{"Flags", 24, 10, 0xffffffff, 44},
                                           Layout{"LongestKey", 250, 100, 1, 270},
                                           Layout{"LargestSmall", 3, 4095, 0, 19},
                                           Layout{"SmallestLarge", 3, 4096, 0, 47},
                                           Layout{"LargeWithFlags", 250, 4096, 7, 298}),
                         [](const auto& tested) { return tested.param.name; });

TEST(ItemTest, OrderHasFortyBitsBesideLengthAndFlags) {
  Chunk chunk;
  chunk.Store("key", std::string(4095, 'v'), 5);
  for (const uint64_t order : {uint64_t{1}, uint64_t{0xffffffff}, uint64_t{1} << 32, kOrderMask}) {
    chunk->SetLinked(order);
    EXPECT_EQ(chunk->order(), order);
    EXPECT_EQ(chunk->value_bytes(), 4095u);
    EXPECT_EQ(chunk->client_flags(), 5u);
    EXPECT_EQ(chunk->state(), ItemState::kLinked);
  }
}

// Orders are compared modulo 2^40, as of two moments that are not half of that apart.
TEST(ItemTest, OrdersAreComparedAcrossTheirWrap) {
  constexpr uint64_t kHalf = uint64_t{1} << 39;
  EXPECT_TRUE(OrderIsAtOrBefore(7, 7));
  EXPECT_TRUE(OrderIsAtOrBefore(6, 7));
  EXPECT_FALSE(OrderIsAtOrBefore(8, 7));
  // The mark, or what came after it, has gone round.
  EXPECT_TRUE(OrderIsAtOrBefore(kOrderMask, 1));
  EXPECT_FALSE(OrderIsAtOrBefore(1, kOrderMask));
  EXPECT_TRUE(OrderIsAtOrBefore(kOrderMask - 5, kOrderMask));
  EXPECT_TRUE(OrderIsAtOrBefore(1, kHalf));
  EXPECT_FALSE(OrderIsAtOrBefore(1, kHalf + 2));
}

TEST(ItemTest, StateChangesNothingElse) {
  Chunk chunk;
  chunk.Store("key", "value", 5);
  chunk->SetLinked(kOrderMask);
  chunk->SetState(ItemState::kReserved);
  EXPECT_EQ(chunk->state(), ItemState::kReserved);
  EXPECT_EQ(chunk->order(), kOrderMask);
  EXPECT_EQ(chunk->value_bytes(), 5u);
  EXPECT_EQ(chunk->client_flags(), 5u);
}

TEST(ItemTest, ChangesOfASmallItemInPlace) {
  Chunk chunk;
  chunk.Store("key", "value", 5);
  chunk->SetSmallShape(4095, 0, 1);
  EXPECT_EQ(chunk->value_bytes(), 4095u);
  chunk->SetSmallShape(0, 0, 1);
  EXPECT_EQ(chunk->value_bytes(), 0u);
  chunk->SetClientFlags(6);
  EXPECT_EQ(chunk->client_flags(), 6u);
  chunk->SetExpire(99);
  EXPECT_EQ(chunk->expire(), 99u);
  EXPECT_EQ(chunk->key(), "key");
}

TEST(ItemTest, MarksChangeNothingElse) {
  Chunk chunk;
  chunk.Store("key", "value", 5);
  chunk->SetLinked(kOrderMask);
  chunk->SetMarks(kMarkStale | kMarkBinaryKey, 0);
  chunk->SetMarks(kMarkWinSent, kMarkStale);
  EXPECT_FALSE(chunk->stale());
  EXPECT_TRUE(chunk->win_sent());
  EXPECT_TRUE(chunk->binary_key());
  EXPECT_EQ(chunk->order(), kOrderMask);
  EXPECT_EQ(chunk->cas(), kOrderMask);
  EXPECT_EQ(chunk->value_bytes(), 5u);
  EXPECT_EQ(chunk->client_flags(), 5u);
  EXPECT_EQ(chunk->state(), ItemState::kLinked);
}

// Behind a small value, in the extension of a large one.
TEST(ItemTest, AChosenCasIsBesideTheOrder) {
  constexpr uint64_t kChosen = ~uint64_t{0} - 1;
  for (const size_t bytes : {0, 5, 4095, 4096}) {
    const std::string value(bytes, 'v');
    Chunk chunk;
    chunk.Store("key", value, 5);
    const uint64_t plain_bytes = chunk->TotalBytes();
    chunk->SetMarks(kMarkChosenCas, 0);
    chunk->SetChosenCas(kChosen);
    EXPECT_EQ(chunk->cas(), kChosen);
    EXPECT_EQ(chunk->order(), 1u);
    EXPECT_EQ(std::string_view(chunk->value(), bytes), value);
    EXPECT_EQ(chunk->TotalBytes() - plain_bytes, chunk->large() ? 0u : 8u);
    const Item::Shape shape{.key_bytes = 3,
                            .value_bytes = static_cast<uint32_t>(bytes),
                            .client_flags = 5,
                            .marks = kMarkChosenCas};
    EXPECT_EQ(shape.TotalBytes(), chunk->TotalBytes());
    Chunk to;
    to->SetReserved(/*probation=*/false);
    to->CopyFrom(*chunk.item(), static_cast<uint32_t>(chunk->TotalBytes()));
    EXPECT_EQ(to->cas(), kChosen);
  }
}

TEST(ItemTest, AnUntouchedChunkIsFree) {
  Chunk chunk;
  EXPECT_EQ(chunk->state(), ItemState::kFree);
  chunk.Store("key", "value");
  chunk->SetFree(77);
  EXPECT_EQ(chunk->state(), ItemState::kFree);
  EXPECT_EQ(chunk->next_free(), 77u);
}

TEST(ItemTest, TheFirstReadPromotesAndLaterOnesCount) {
  Chunk chunk;
  chunk.Store("key", "value");
  EXPECT_TRUE(chunk->on_probation());
  EXPECT_FALSE(chunk->fetched());
  EXPECT_TRUE(chunk->MarkRead(Tick{}));
  EXPECT_FALSE(chunk->on_probation());
  EXPECT_TRUE(chunk->fetched());
  EXPECT_EQ(chunk->frequency(), 0u);
  for (uint32_t reads = 1; reads < 10; ++reads) {
    EXPECT_FALSE(chunk->MarkRead(Tick{}));
    EXPECT_EQ(chunk->frequency(), std::min(reads, kFrequencyMax));
  }
  EXPECT_EQ(chunk->key(), "key");
}

TEST(ItemTest, AgesDownToNothing) {
  Chunk chunk;
  chunk.Store("key", "value");
  for (int i = 0; i < 3; ++i) chunk->MarkRead(Tick{});
  EXPECT_TRUE(chunk->TryAge());
  EXPECT_TRUE(chunk->TryAge());
  EXPECT_FALSE(chunk->TryAge());
  EXPECT_EQ(chunk->frequency(), 0u);
  EXPECT_TRUE(chunk->fetched());
}

TEST(ItemTest, ProbationEndsOnce) {
  Chunk chunk;
  chunk.Store("key", "value");
  EXPECT_TRUE(chunk->TryEndProbation());
  EXPECT_FALSE(chunk->on_probation());
  EXPECT_FALSE(chunk->TryEndProbation());
}

TEST(ItemTest, AReadWritesTheAccessTimeWhenItIsAMinuteOld) {
  Chunk chunk;
  chunk.Store("key", "value", 0, kNeverExpires, Tick{100});
  EXPECT_EQ(chunk->IdleSeconds(Tick{150}), 50u);
  chunk->MarkRead(Tick{150});  // the first
  EXPECT_EQ(chunk->IdleSeconds(Tick{150}), 0u);
  chunk->MarkRead(Tick{208});
  EXPECT_EQ(chunk->IdleSeconds(Tick{208}), 58u);
  chunk->MarkRead(Tick{210});
  EXPECT_EQ(chunk->IdleSeconds(Tick{210}), 0u);
}

TEST(ItemTest, AChangeInPlaceCountsAsNewButKeepsItsPlace) {
  Chunk chunk;
  chunk.Store("key", "value", 0, kNeverExpires, Tick{100});
  for (int i = 0; i < 3; ++i) chunk->MarkRead(Tick{100});
  chunk->MarkWritten(Tick{140});
  EXPECT_FALSE(chunk->fetched());
  EXPECT_FALSE(chunk->on_probation());
  EXPECT_EQ(chunk->frequency(), 2u);
  EXPECT_EQ(chunk->IdleSeconds(Tick{140}), 0u);
  EXPECT_EQ(chunk->key(), "key");
}

TEST(ItemTest, OldAccessTimesAreHeldBeforeTheyComeRound) {
  Chunk held;
  Chunk forgotten;
  held.Store("key", "value", 0, kNeverExpires, Tick{100});
  forgotten.Store("key", "value", 0, kNeverExpires, Tick{100});
  uint32_t day = 1;
  for (; day <= 12; ++day) held->HoldOldAccess(Tick{100 + day * kDaySeconds});
  EXPECT_EQ(held->IdleSeconds(Tick{100 + 12 * kDaySeconds}), 12 * kDaySeconds);
  for (; day <= 40; ++day) held->HoldOldAccess(Tick{100 + day * kDaySeconds});
  EXPECT_GT(held->IdleSeconds(Tick{100 + 40 * kDaySeconds}), 12 * kDaySeconds);
  // Nobody swept this one: 24.3 days later it looks as if it had just been read.
  EXPECT_LT(forgotten->IdleSeconds(Tick{100 + 2 * (kAccessMask + 1)}), 2u);
}

TEST(ItemTest, ACopyIsTheSameButNotLinked) {
  Chunk from;
  from.Store("key", "value", 5, 99, Tick{100});
  from->SetLinked(uint64_t{1} << 35);
  for (int i = 0; i < 3; ++i) from->MarkRead(Tick{100});
  Chunk to;
  to->SetReserved(/*probation=*/false);
  to->CopyFrom(*from.item(), static_cast<uint32_t>(from->TotalBytes()));
  EXPECT_EQ(to->state(), ItemState::kReserved);
  EXPECT_EQ(to->key(), "key");
  EXPECT_EQ(std::string_view(to->value(), to->value_bytes()), "value");
  EXPECT_EQ(to->client_flags(), 5u);
  EXPECT_EQ(to->expire(), 99u);
  EXPECT_EQ(to->order(), uint64_t{1} << 35);
  EXPECT_EQ(to->frequency(), 2u);
  EXPECT_TRUE(to->fetched());
  EXPECT_FALSE(to->on_probation());
  EXPECT_EQ(to->IdleSeconds(Tick{130}), 30u);
}

TEST(ItemPartTest, LinksHaveThirtySevenBits) {
  constexpr Location kLast = (Location{1} << kLocationBits) - 1;
  Chunk chunk;
  chunk.part()->Init(kLast, 1000);
  EXPECT_EQ(chunk.part()->owner(), kLast);
  EXPECT_EQ(chunk.part()->next(), 0u);
  EXPECT_EQ(chunk.part()->value_bytes_here(), 1000u);
  chunk.part()->SetNext(kLast - 1);
  chunk.part()->SetOwner(5);
  EXPECT_EQ(chunk.part()->next(), kLast - 1);
  EXPECT_EQ(chunk.part()->owner(), 5u);
  EXPECT_EQ(chunk.part()->value(), chunk.bytes() + ItemPart::kHeaderBytes);
  // Whoever walks over a page tells it from an item.
  EXPECT_EQ(chunk->state(), ItemState::kPart);
}

TEST(ItemExtensionTest, PartLinksHaveThirtySevenBits) {
  constexpr Location kLast = (Location{1} << kLocationBits) - 1;
  ItemExtension extension{};
  extension.SetNextPart(kLast);
  EXPECT_EQ(extension.next_part(), kLast);
}

}  // namespace
}  // namespace larder
