#include "slab/slab_class.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "slab/poison.h"

namespace larder {
namespace {

constexpr uint32_t kPageBytes = 64 << 10;
constexpr uint32_t kChunksPerPage = 64;
constexpr uint32_t kChunkBytes = kPageBytes / kChunksPerPage;
constexpr int kClassId = 3;
constexpr uint32_t kProbationPercent = 25;

// A class with pages but without an index: items are linked by setting their state.
class SlabClassTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeClass(kProbationPercent); }

  void MakeClass(uint32_t probation_percent) {
    arena_ = *Arena::Create(AddressRange::kFrameBytes, kPageBytes, false);
    records_.emplace(*LazyArray<PageRecord>::Create(arena_->pages()));
    class_ = std::make_unique<SlabClass>();
    class_->Init({.class_id = kClassId,
                  .chunk_bytes = kChunkBytes,
                  .chunks_per_page = kChunksPerPage,
                  .probation_percent = probation_percent},
                 arena_.get(), &*records_);
    ASSERT_TRUE(arena_->OpenPages(0, arena_->pages()));
  }

  void AddPage(uint32_t page) {
    SpinLockHolder lock(&class_->lock());
    for (size_t missing = class_->RingBlocksMissing(); missing > 0; --missing) {
      class_->ProvideRingBlock(std::make_unique<ProbationRing::Block>());
    }
    class_->AddPage(page);
  }

  Location Take(bool probation = true) {
    SpinLockHolder lock(&class_->lock());
    return class_->Take(probation);
  }
  uint32_t Free(Location chunk) {
    SpinLockHolder lock(&class_->lock());
    return class_->Free(chunk);
  }
  Location NextVictim(Tick now = {}) {
    SpinLockHolder lock(&class_->lock());
    return class_->NextVictim(now);
  }
  void Spare(Location chunk) {
    SpinLockHolder lock(&class_->lock());
    class_->Spare(chunk);
  }
  void StartEmptying(uint32_t page) {
    SpinLockHolder lock(&class_->lock());
    class_->StartEmptying(page);
  }
  void StopEmptying(uint32_t page) {
    SpinLockHolder lock(&class_->lock());
    class_->StopEmptying(page);
  }
  void RemovePage(uint32_t page) {
    SpinLockHolder lock(&class_->lock());
    class_->RemovePage(page);
  }
  // Of all.
  uint32_t PageToEmpty() {
    SpinLockHolder lock(&class_->lock());
    uint32_t looked = 0;
    return class_->PageToEmpty(&looked);
  }
  uint64_t used_chunks() {
    SpinLockHolder lock(&class_->lock());
    return class_->used_chunks();
  }
  uint64_t promoted() {
    SpinLockHolder lock(&class_->lock());
    return class_->counts().promoted;
  }

  Item* ItemAt(Location chunk) { return arena_->ItemAt(chunk); }
  uint32_t PageOf(Location chunk) { return arena_->PageOf(chunk); }

  void Link(Location chunk, uint32_t expire = kNeverExpires) {
    UnpoisonMemory(ItemAt(chunk), kChunkBytes);
    ItemAt(chunk)->Fill({.key_bytes = 1, .value_bytes = 10}, "k", expire, Tick{});
    ItemAt(chunk)->SetLinked(1);
  }
  // Items in all chunks that are free, in the order in which they were taken.
  std::vector<Location> Fill(bool probation = true) {
    std::vector<Location> chunks;
    for (Location chunk = Take(probation); chunk != 0; chunk = Take(probation)) {
      Link(chunk);
      chunks.push_back(chunk);
    }
    return chunks;
  }
  void Read(Location chunk, int times = 1) {
    for (int i = 0; i < times; ++i) ItemAt(chunk)->MarkRead(Tick{});
  }
  // The next victim, and a new item in its place.
  Location Evict(bool probation = true, Tick now = {}) {
    SpinLockHolder lock(&class_->lock());
    const Location victim = class_->NextVictim(now);
    if (victim == 0) return 0;
    class_->Reuse(victim, probation);
    EXPECT_EQ(ItemAt(victim)->state(), ItemState::kReserved);
    Link(victim);
    return victim;
  }

  // The rules of the class, and of who may be evicted: what is on probation is on the ring.
  std::set<Location> Check() {
    std::set<Location> in_use;
    SpinLockHolder lock(&class_->lock());
    std::set<Location> on_ring;
    class_->ForEachOnRing([&](Location chunk) { on_ring.insert(chunk); });
    class_->Check([&](Location chunk) {
      in_use.insert(chunk);
      EXPECT_TRUE(!ItemAt(chunk)->on_probation() || on_ring.contains(chunk));
    });
    EXPECT_EQ(in_use.size(), class_->used_chunks());
    return in_use;
  }

  std::unique_ptr<Arena> arena_;
  std::optional<LazyArray<PageRecord>> records_;
  std::unique_ptr<SlabClass> class_;
};

TEST_F(SlabClassTest, AClassWithoutPagesHasNothing) {
  EXPECT_EQ(Take(), 0u);
  EXPECT_EQ(NextVictim(), 0u);
  EXPECT_EQ(PageToEmpty(), 0u);
}

TEST_F(SlabClassTest, CutsItsPagesInOrder) {
  AddPage(5);
  EXPECT_EQ((*records_)[5].class_id, kClassId);
  const std::vector<Location> chunks = Fill();
  ASSERT_EQ(chunks.size(), kChunksPerPage);
  for (uint32_t i = 0; i < kChunksPerPage; ++i) {
    EXPECT_EQ(chunks[i], arena_->LocationIn(5, i * kChunkBytes));
    EXPECT_EQ(class_->NumberOf(chunks[i]), i);
    EXPECT_EQ(class_->ChunkAt(5, i), chunks[i]);
  }
  EXPECT_EQ(Take(), 0u);
  EXPECT_EQ(Check().size(), kChunksPerPage);
}

TEST_F(SlabClassTest, GivesFreedChunksAgainBeforeItCutsMore) {
  AddPage(5);
  const Location first = Take();
  const Location second = Take();
  EXPECT_EQ(Free(first), 0u);
  EXPECT_EQ(ItemAt(first)->state(), ItemState::kFree);
  EXPECT_EQ(Take(), first);
  EXPECT_EQ(ItemAt(first)->state(), ItemState::kReserved);
  EXPECT_EQ(class_->NumberOf(Take()), 2u);
  EXPECT_EQ(Check().size(), 3u);
  EXPECT_NE(second, 0u);
}

TEST_F(SlabClassTest, KeepsOnePageWithRoom) {
  AddPage(5);
  AddPage(6);
  const std::vector<Location> chunks = Fill();
  std::vector<uint32_t> left;
  for (const Location chunk : chunks) {
    if (const uint32_t page = Free(chunk); page != 0) left.push_back(page);
    Check();
  }
  // Whichever became empty second, found the other one to have room.
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ((*records_)[left[0]].class_id, 0);
  EXPECT_EQ(used_chunks(), 0u);
  EXPECT_EQ(Fill().size(), kChunksPerPage);
}

TEST_F(SlabClassTest, APageThatLeftMayComeBack) {
  AddPage(5);
  AddPage(6);
  for (const Location chunk : Fill()) Free(chunk);
  AddPage(7);
  AddPage(8);
  EXPECT_EQ(Fill().size(), 3 * kChunksPerPage);
  EXPECT_EQ(Check().size(), 3 * kChunksPerPage);
}

TEST_F(SlabClassTest, EvictsTheOldestOnProbation) {
  AddPage(5);
  const std::vector<Location> chunks = Fill();
  // The last quarter is on probation; before it, there was memory for all.
  const uint32_t first = kChunksPerPage * (100 - kProbationPercent) / 100;
  EXPECT_EQ(promoted(), first);
  for (uint32_t i = first; i < kChunksPerPage; ++i) EXPECT_EQ(Evict(), chunks[i]);
  // Then those that came in their places.
  EXPECT_EQ(Evict(), chunks[first]);
  Check();
}

TEST_F(SlabClassTest, WhatWasReadOnProbationStays) {
  AddPage(5);
  const std::vector<Location> chunks = Fill();
  const uint32_t first = kChunksPerPage * (100 - kProbationPercent) / 100;
  Read(chunks[first]);
  Read(chunks[first + 2]);
  EXPECT_EQ(Evict(), chunks[first + 1]);
  // One on probation fewer than its share: now a protected one goes.
  EXPECT_EQ(Evict(), chunks[0]);
  EXPECT_EQ(Evict(), chunks[first + 3]);
  EXPECT_EQ(promoted(), first + 2);
  Check();
}

TEST_F(SlabClassTest, TheHandGivesASecondChanceForEachRead) {
  MakeClass(/*probation_percent=*/0);
  AddPage(5);
  const std::vector<Location> chunks = Fill(/*probation=*/false);
  Read(chunks[0], 1);
  Read(chunks[1], 2);
  Read(chunks[3], 9);
  std::vector<Location> evicted;
  for (uint32_t i = 0; i < 3 * kChunksPerPage; ++i) evicted.push_back(Evict(false));
  const auto evicted_at = [&](uint32_t number) {
    return std::find(evicted.begin(), evicted.end(), chunks[number]) - evicted.begin();
  };
  // In address order; who had been read is passed over once for each read, three times at most.
  EXPECT_EQ(evicted_at(2), 0);
  EXPECT_EQ(evicted_at(4), 1);
  EXPECT_EQ(evicted_at(63), 60);
  EXPECT_EQ(evicted_at(0), 61);
  EXPECT_EQ(evicted_at(1), 61 + 62 + 1);
  EXPECT_EQ(evicted_at(3), 61 + 62 + 63 + 3);
}

// However often everything was read, a victim is found in bounded time: the least used one seen.
TEST_F(SlabClassTest, TakesTheLeastUsedOfMany) {
  MakeClass(/*probation_percent=*/0);
  for (uint32_t page = 1; page <= 8; ++page) AddPage(page);
  std::vector<Location> chunks = Fill(/*probation=*/false);
  std::sort(chunks.begin(), chunks.end());
  for (const Location chunk : chunks) Read(chunk, 3);
  SpinLockHolder lock(&class_->lock());
  ItemAt(chunks[77])->TryAge();
  EXPECT_EQ(class_->NextVictim(Tick{}), chunks[77]);
  EXPECT_EQ(ItemAt(chunks[0])->frequency(), 2u);
  EXPECT_EQ(ItemAt(chunks.back())->frequency(), 3u);
}

TEST_F(SlabClassTest, TheHandTakesTheExpiredHoweverMuchUsed) {
  MakeClass(/*probation_percent=*/0);
  AddPage(5);
  const std::vector<Location> chunks = Fill(/*probation=*/false);
  for (const Location chunk : chunks) Read(chunk, 3);
  ItemAt(chunks[9])->SetExpire(50);
  EXPECT_EQ(NextVictim(Tick{50}), chunks[9]);
}

TEST_F(SlabClassTest, WhatIsBeingFilledIsNoVictim) {
  MakeClass(/*probation_percent=*/0);
  AddPage(5);
  const Location filling = Take(false);
  const Location linked = Take(false);
  Link(linked);
  EXPECT_EQ(NextVictim(), linked);
  ItemAt(linked)->SetState(ItemState::kReserved);
  EXPECT_EQ(NextVictim(), 0u);
  EXPECT_NE(filling, 0u);
}

TEST_F(SlabClassTest, APartIsAsHotAsItsOwner) {
  MakeClass(/*probation_percent=*/0);
  AddPage(5);
  const Location head = Take(false);
  const Location part = Take(false);
  UnpoisonMemory(ItemAt(part), kChunkBytes);
  arena_->PartAt(part)->Init(head, 100);
  // The head is still being filled.
  EXPECT_EQ(NextVictim(), 0u);
  Link(head);
  Read(head, 3);
  EXPECT_EQ(NextVictim(), head);  // both were aged from 2 down to 0
  EXPECT_EQ(ItemAt(head)->frequency(), 0u);
  EXPECT_EQ(NextVictim(), part);
}

TEST_F(SlabClassTest, ASparedVictimGoesBackOnTheRing) {
  AddPage(5);
  const std::vector<Location> chunks = Fill();
  const Location victim = NextVictim();
  Spare(victim);
  EXPECT_TRUE(ItemAt(victim)->on_probation());
  Check();
  EXPECT_NE(NextVictim(), victim);
}

TEST_F(SlabClassTest, ClassesOfASingleItemOnProbationEvictIt) {
  AddPage(5);
  const Location chunk = Take();
  Link(chunk);
  EXPECT_EQ(NextVictim(), chunk);
}

TEST_F(SlabClassTest, NothingIsTakenFromAPageThatIsEmptied) {
  AddPage(5);
  const std::vector<Location> chunks = Fill();
  StartEmptying(5);
  EXPECT_EQ(Free(chunks[0]), 0u);
  EXPECT_EQ(Take(), 0u);
  Check();
  StopEmptying(5);
  EXPECT_EQ(Take(), chunks[0]);
  Check();
}

TEST_F(SlabClassTest, NothingIsEvictedFromAPageThatIsEmptied) {
  AddPage(5);
  AddPage(6);
  Fill();
  StartEmptying(5);
  for (uint32_t i = 0; i < 3 * kChunksPerPage; ++i) {
    const Location victim = Evict();
    ASSERT_NE(victim, 0u);
    ASSERT_EQ(PageOf(victim), 6u);
  }
}

// The evictor meets items of the page on the ring while it is being emptied; what is still there
// when the emptying is given up must be in one of the two segments.
TEST_F(SlabClassTest, APageThatIsNotEmptiedAfterAllKeepsItsSegments) {
  AddPage(5);
  AddPage(6);
  const std::vector<Location> chunks = Fill();
  const uint32_t page = PageOf(chunks.back());
  ASSERT_TRUE(ItemAt(chunks.back())->on_probation());
  StartEmptying(page);
  for (uint32_t i = 0; i < kChunksPerPage; ++i) ASSERT_NE(Evict(), 0u);
  StopEmptying(page);
  Check();
}

TEST_F(SlabClassTest, AnEmptiedPageLeaves) {
  AddPage(5);
  AddPage(6);
  for (const Location chunk : Fill()) {
    if (PageOf(chunk) == 5) {
      StartEmptying(5);
      Free(chunk);
    }
  }
  RemovePage(5);
  EXPECT_EQ((*records_)[5].class_id, 0);
  EXPECT_EQ(Check().size(), kChunksPerPage);
  EXPECT_EQ(PageToEmpty(), 6u);
  // Its references on the ring lead nowhere now, or to the page that takes its place.
  for (uint32_t i = 0; i < kChunksPerPage; ++i) ASSERT_NE(Evict(), 0u);
  AddPage(9);
  EXPECT_EQ(Fill().size(), kChunksPerPage);
  for (uint32_t i = 0; i < 3 * kChunksPerPage; ++i) ASSERT_NE(Evict(), 0u);
  Check();
}

TEST_F(SlabClassTest, KnowsItsEmptiestPage) {
  for (uint32_t page = 5; page <= 7; ++page) AddPage(page);
  for (const Location chunk : Fill()) {
    const uint32_t number = class_->NumberOf(chunk);
    if (number < (PageOf(chunk) == 6 ? 10u : 5u)) Free(chunk);
  }
  EXPECT_EQ(PageToEmpty(), 6u);
  StartEmptying(6);
  EXPECT_NE(PageToEmpty(), 6u);
}

// Others wait for the lock: nothing found is said after a bounded look, and the next look goes on
// from there until all has been looked at.
TEST_F(SlabClassTest, LooksAtABoundedNumberOfChunksForAVictim) {
  constexpr uint64_t kLookMax = 512;
  for (uint32_t page = 5; page < 25; ++page) AddPage(page);
  while (Take() != 0) {
  }
  // Reserved, all of them: nothing can be evicted.
  SpinLockHolder lock(&class_->lock());
  const uint64_t end = class_->looked_at() + class_->to_look_at();
  int looks = 0;
  for (; class_->looked_at() < end; ++looks) {
    const uint64_t before = class_->looked_at();
    EXPECT_EQ(class_->NextVictim({}), 0u);
    EXPECT_GT(class_->looked_at(), before);
    EXPECT_LE(class_->looked_at(), before + kLookMax);
  }
  EXPECT_GT(looks, 2);
  // The last one is found too, by then.
  const Location last = class_->ChunkAt(24, kChunksPerPage - 1);
  ItemAt(last)->SetLinked(1);
  Location victim = 0;
  for (int i = 0; i < looks && victim == 0; ++i) victim = class_->NextVictim({});
  EXPECT_EQ(victim, last);
}

TEST_F(SlabClassTest, LooksAtABoundedNumberOfPagesToEmpty) {
  for (uint32_t page = 1; page < 31; ++page) AddPage(page);
  Fill();
  // Chunks of a kilobyte hold nothing that could hold a page up, so every page is a candidate, but
  // only a few of them fit into one look.
  SpinLockHolder lock(&class_->lock());
  std::set<uint32_t> pages;
  for (uint32_t looked = 0; looked < class_->page_slots();) {
    const uint32_t before = looked;
    pages.insert(class_->PageToEmpty(&looked));
    EXPECT_GT(looked, before);
  }
  EXPECT_GE(pages.size(), 1u);
  EXPECT_FALSE(pages.contains(0));
}

TEST(PageRecordTest, EarliestExpiryIsOnlyLowered) {
  PageRecord record{};
  record.LowerEarliestExpire(50);
  EXPECT_EQ(record.earliest_expire, 50u);
  record.LowerEarliestExpire(60);
  EXPECT_EQ(record.earliest_expire, 50u);
  record.LowerEarliestExpire(40);
  EXPECT_EQ(record.earliest_expire, 40u);
}

// Random work of all kinds, checked against the rules at every turn.
TEST_F(SlabClassTest, RulesHoldUnderRandomWork) {
  std::vector<Location> linked;
  std::vector<uint32_t> pages_out = {1, 2, 3, 4, 5, 6};
  uint64_t random = 1;
  const auto next = [&](uint64_t end) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % end;
  };
  for (int i = 0; i < 20000; ++i) {
    if (next(3) != 0) {
      Location chunk = Take(next(4) != 0);
      if (chunk == 0 && !pages_out.empty() && next(4) == 0) {
        AddPage(pages_out.back());
        pages_out.pop_back();
        chunk = Take();
      }
      if (chunk == 0 && !linked.empty()) {
        Evict(next(4) != 0);
      } else if (chunk != 0) {
        Link(chunk);
        linked.push_back(chunk);
      }
    } else if (!linked.empty()) {
      std::swap(linked[next(linked.size())], linked.back());
      if (next(2) == 0) {
        Read(linked.back());
      } else {
        if (const uint32_t page = Free(linked.back()); page != 0) pages_out.push_back(page);
        linked.pop_back();
      }
    }
    if (i % 50 == 0) {
      ASSERT_EQ(Check(), std::set<Location>(linked.begin(), linked.end()));
    }
  }
}

// The share may not pass what the ring has blocks for, or a push would find none.
TEST_F(SlabClassTest, TheShareGrowsAsTheRingIsProvided) {
  uint32_t pages = 0;
  while (pages < 31) AddPage(++pages);
  SpinLockHolder lock(&class_->lock());
  const auto hit = [&](Segment left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(class_->lock()) {
    return class_->CountGhostHit(left);
  };
  int provided = 0;
  for (int i = 0; i < 5000; ++i) {
    const double before = class_->probation_percent();
    if (hit(Segment::kProbation)) continue;
    EXPECT_EQ(class_->probation_percent(), before);
    class_->ProvideRingBlock(std::make_unique<ProbationRing::Block>());
    ++provided;
  }
  EXPECT_EQ(class_->probation_percent(), 50);
  EXPECT_EQ(provided, 2);
  EXPECT_TRUE(hit(Segment::kProtected));
  EXPECT_LT(class_->probation_percent(), 50);
  EXPECT_EQ(class_->counts().ghost_hits, 5001u);
  EXPECT_EQ(class_->counts().ghost_hits_on_probation, 5000u);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(class_->Take(/*probation=*/true), 0u);
}

}  // namespace
}  // namespace larder
