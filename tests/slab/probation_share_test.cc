#include "slab/probation_share.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr uint64_t kChunks = 10'000;

class ProbationShareTest : public ::testing::Test {
 protected:
  void Evict(uint64_t on_probation, uint64_t protected_items) {
    for (uint64_t n = 0; n < on_probation; ++n) share_.CountEviction(Segment::kProbation, kChunks);
    for (uint64_t n = 0; n < protected_items; ++n) {
      share_.CountEviction(Segment::kProtected, kChunks);
    }
  }
  void Hit(Segment left, int times) {
    for (int n = 0; n < times; ++n) share_.MoveTo(share_.PercentAfterHit(left, kChunks));
  }

  ProbationShare share_;
};

TEST_F(ProbationShareTest, StartsAtTheSetting) {
  EXPECT_EQ(share_.ChunksOf(kChunks), 0u);
  share_.Start(29);
  EXPECT_EQ(share_.percent(), 29);
  EXPECT_EQ(share_.ChunksOf(100), 29u);
  EXPECT_EQ(share_.ChunksOf(99), 28u);
}

TEST_F(ProbationShareTest, GoesToTheSegmentWhoseGhostsAreHit) {
  share_.Start(20);
  Hit(Segment::kProbation, 1);
  EXPECT_DOUBLE_EQ(share_.percent(), 20.01);  // by an item
  Hit(Segment::kProtected, 2);
  EXPECT_DOUBLE_EQ(share_.percent(), 19.99);
  Hit(Segment::kProbation, 5000);
  EXPECT_EQ(share_.percent(), ProbationShare::kPercentMax);
  Hit(Segment::kProtected, 5000);
  EXPECT_EQ(share_.percent(), ProbationShare::kPercentMin);
}

// Three times as many ghosts that are hit three times as often are worth the same each.
TEST_F(ProbationShareTest, WeighsAHitByTheGhostsThereAre) {
  share_.Start(20);
  Evict(2999, 999);
  Hit(Segment::kProbation, 3);
  EXPECT_DOUBLE_EQ(share_.percent(), 20 + 3 * 0.01 * 0.5);
  Hit(Segment::kProtected, 1);
  EXPECT_DOUBLE_EQ(share_.percent(), 20);
}

TEST_F(ProbationShareTest, ForgetsEvictionsOfLongAgo) {
  share_.Start(20);
  Evict(100 * kChunks, 0);
  Evict(0, 5 * kChunks);
  Hit(Segment::kProbation, 1);
  EXPECT_GT(share_.percent(), 20 + 0.01 * 1.9);
}

TEST_F(ProbationShareTest, ASettingOutsideTheRangeIsPartOfIt) {
  share_.Start(4);
  Hit(Segment::kProtected, 100);
  EXPECT_EQ(share_.percent(), 4);
  Hit(Segment::kProbation, 10'000);
  EXPECT_EQ(share_.percent(), ProbationShare::kPercentMax);
  share_.Start(70);
  Hit(Segment::kProbation, 100);
  EXPECT_EQ(share_.percent(), 70);
  Hit(Segment::kProtected, 10'000);
  EXPECT_EQ(share_.percent(), ProbationShare::kPercentMin);
}

TEST_F(ProbationShareTest, NoneStaysNone) {
  share_.Start(0);
  Hit(Segment::kProbation, 100);
  EXPECT_EQ(share_.percent(), 0);
  share_.Start(20);
  EXPECT_EQ(share_.PercentAfterHit(Segment::kProbation, /*chunks=*/0), 20);
}

}  // namespace
}  // namespace larder
