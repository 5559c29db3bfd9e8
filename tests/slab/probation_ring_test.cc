#include "slab/probation_ring.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

void Provide(ProbationRing* ring, size_t blocks) {
  for (size_t i = 0; i < blocks; ++i) ring->Provide(std::make_unique<ProbationRing::Block>());
}

std::vector<uint32_t> Entries(const ProbationRing& ring) {
  std::vector<uint32_t> entries;
  ring.ForEach([&](uint32_t entry) { entries.push_back(entry); });
  return entries;
}

TEST(ProbationRingTest, OldestFirst) {
  ProbationRing ring;
  EXPECT_EQ(ring.size(), 0u);
  Provide(&ring, 1);
  ring.PushBack(7);
  ring.PushBack(0);
  ring.PushBack(7);
  EXPECT_EQ(ring.size(), 3u);
  EXPECT_EQ(Entries(ring), (std::vector<uint32_t>{7, 0, 7}));
  EXPECT_EQ(ring.PopFront(), 7u);
  EXPECT_EQ(ring.PopFront(), 0u);
  EXPECT_EQ(ring.PopFront(), 7u);
  EXPECT_EQ(ring.size(), 0u);
}

TEST(ProbationRingTest, PeeksAtWhatIsComing) {
  ProbationRing ring;
  EXPECT_EQ(ring.PeekAhead(0), 0u);
  Provide(&ring, 1);
  for (uint32_t entry = 1; entry <= 10; ++entry) ring.PushBack(entry);
  EXPECT_EQ(ring.PopFront(), 1u);
  EXPECT_EQ(ring.PeekAhead(0), 2u);
  EXPECT_EQ(ring.PeekAhead(8), 10u);
  EXPECT_EQ(ring.PeekAhead(9), 0u);
}

TEST(ProbationRingTest, IsAQueueAcrossBlocks) {
  constexpr size_t kEntriesMax = 5 * ProbationRing::kBlockEntries;
  ProbationRing ring;
  Provide(&ring, ProbationRing::BlocksFor(kEntriesMax));
  std::deque<uint32_t> model;
  std::mt19937 random(1);
  for (int i = 0; i < 100000; ++i) {
    // Runs of one kind, so that the ring gets full and empty.
    const bool push = (i / 2000 + static_cast<int>(random() % 4 == 0)) % 2 == 0;
    if (push && model.size() < kEntriesMax) {
      model.push_back(random());
      ring.PushBack(model.back());
    } else if (!model.empty()) {
      ASSERT_EQ(ring.PopFront(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(ring.size(), model.size());
  }
  EXPECT_EQ(Entries(ring), std::vector<uint32_t>(model.begin(), model.end()));
}

// Wherever in a block the front is, what BlocksFor promised is enough; no block is lost on the way.
TEST(ProbationRingTest, BlocksForIsEnoughAtAnyOffset) {
  constexpr size_t kEntries = 2 * ProbationRing::kBlockEntries;
  ProbationRing ring;
  const size_t blocks = ProbationRing::BlocksFor(kEntries);
  Provide(&ring, blocks);
  EXPECT_EQ(ring.blocks(), blocks);
  for (size_t i = 0; i < kEntries; ++i) ring.PushBack(1);
  for (size_t i = 0; i < 4 * ProbationRing::kBlockEntries; ++i) {
    ring.PopFront();
    ring.PushBack(1);
  }
  EXPECT_EQ(ring.size(), kEntries);
  EXPECT_EQ(ring.blocks(), blocks);
}

TEST(ProbationRingDeathTest, NeverAllocates) {
  ProbationRing ring;
  EXPECT_DEATH(ring.PushBack(1), "check failed");
  EXPECT_DEATH(ring.PopFront(), "check failed");
}

TEST(ProbationRingTest, TheOldestComeFirst) {
  ProbationRing ring;
  ring.Provide(std::make_unique<ProbationRing::Block>());
  for (uint32_t n = 1; n <= 3; ++n) ring.PushBack(n);
  std::vector<uint32_t> oldest;
  ring.ForOldest(2, [&](uint32_t entry) { oldest.push_back(entry); });
  EXPECT_EQ(oldest, (std::vector<uint32_t>{1, 2}));
  ring.ForOldest(9, [&](uint32_t entry) { oldest.push_back(entry); });
  EXPECT_EQ(oldest, (std::vector<uint32_t>{1, 2, 1, 2, 3}));
}

}  // namespace
}  // namespace larder
