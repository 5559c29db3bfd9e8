#include "slab/ghost_table.h"

#include <cstdint>
#include <memory>
#include <optional>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr uint64_t kBucketsMax = uint64_t{1} << 20;
constexpr uint64_t kStepBytes = uint64_t{64} << 10;

// Hashes whose fingerprints are n + 1.
uint64_t HashOf(uint64_t n) { return (n + 1) << 49; }

class GhostTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ghosts = GhostTable::Create(kBucketsMax);
    ASSERT_TRUE(ghosts.ok()) << ghosts.status();
    ghosts_ = *std::move(ghosts);
    ASSERT_TRUE(ghosts_->OpenFor(16));
  }
  void Add(uint64_t bucket, uint64_t first, uint64_t end) {
    for (uint64_t n = first; n < end; ++n) ghosts_->Add(bucket, HashOf(n), Segment::kProbation);
  }
  // How many of these have a ghost, which is taken.
  uint64_t TakeAll(uint64_t bucket, uint64_t first, uint64_t end) {
    uint64_t taken = 0;
    for (uint64_t n = first; n < end; ++n) {
      ghosts_->CheckRecord(bucket);
      if (ghosts_->Take(bucket, HashOf(n))) ++taken;
    }
    return taken;
  }

  std::unique_ptr<GhostTable> ghosts_;
};

TEST_F(GhostTableTest, RemembersTheSegmentAndForgetsWhatIsTaken) {
  EXPECT_EQ(ghosts_->Take(3, HashOf(1)), std::nullopt);
  ghosts_->Add(3, HashOf(1), Segment::kProbation);
  ghosts_->Add(3, HashOf(2), Segment::kProtected);
  EXPECT_EQ(ghosts_->Take(4, HashOf(1)), std::nullopt);
  EXPECT_EQ(ghosts_->Take(3, HashOf(1)), Segment::kProbation);
  EXPECT_EQ(ghosts_->Take(3, HashOf(1)), std::nullopt);
  EXPECT_EQ(ghosts_->Take(3, HashOf(2)), Segment::kProtected);
  EXPECT_EQ(ghosts_->Take(3, HashOf(2)), std::nullopt);
}

TEST_F(GhostTableTest, TheOldestGoesForTheSeventh) {
  Add(0, 0, 6);
  EXPECT_EQ(ghosts_->Take(0, HashOf(0)), Segment::kProbation);
  Add(0, 6, 9);  // five were left
  EXPECT_EQ(TakeAll(0, 0, 3), 0u);
  EXPECT_EQ(TakeAll(0, 3, 9), 6u);
}

// The lower bits are the bucket's, and a fingerprint of zero is not no ghost.
TEST_F(GhostTableTest, AllHashesHaveFingerprints) {
  ghosts_->Add(0, 1, Segment::kProtected);
  EXPECT_EQ(ghosts_->Take(0, HashOf(5)), std::nullopt);
  EXPECT_EQ(ghosts_->Take(0, 1), Segment::kProtected);
  ghosts_->Add(0, ~uint64_t{0}, Segment::kProbation);
  EXPECT_EQ(ghosts_->Take(0, ~uint64_t{0}), Segment::kProbation);
}

TEST_F(GhostTableTest, ASplitRecordIsInBothBuckets) {
  Add(1, 0, 6);
  Add(9, 10, 16);
  ghosts_->Split(1, 9);
  EXPECT_EQ(TakeAll(9, 10, 16), 0u);
  EXPECT_EQ(TakeAll(9, 0, 6), 6u);
  EXPECT_EQ(TakeAll(1, 0, 6), 6u);
}

TEST_F(GhostTableTest, MergedRecordsKeepTheNewerHalfOfEach) {
  Add(1, 0, 6);
  Add(9, 10, 16);
  ghosts_->Merge(9, 1);
  EXPECT_EQ(TakeAll(9, 10, 16), 0u);
  EXPECT_EQ(TakeAll(1, 0, 3), 0u);
  EXPECT_EQ(TakeAll(1, 3, 6), 3u);
  EXPECT_EQ(TakeAll(1, 10, 13), 0u);
  EXPECT_EQ(TakeAll(1, 13, 16), 3u);
}

TEST_F(GhostTableTest, MergingWhatWasSplitLosesNothing) {
  Add(1, 0, 5);
  ghosts_->Split(1, 9);
  Add(1, 5, 6);
  ghosts_->Merge(9, 1);
  EXPECT_EQ(TakeAll(1, 0, 6), 6u);
}

TEST_F(GhostTableTest, MemoryComesAndGoesInSteps) {
  EXPECT_EQ(ghosts_->bytes(), kStepBytes);
  EXPECT_TRUE(ghosts_->OpenFor(kStepBytes / 12));
  EXPECT_EQ(ghosts_->bytes(), kStepBytes);
  EXPECT_EQ(ghosts_->BytesMissing(kStepBytes / 12), 0u);
  EXPECT_EQ(ghosts_->BytesMissing(kStepBytes / 12 + 1), kStepBytes);
  EXPECT_TRUE(ghosts_->OpenFor(kStepBytes / 12 + 1));
  EXPECT_EQ(ghosts_->bytes(), 2 * kStepBytes);
  const uint64_t last = 2 * kStepBytes / 12 - 1;
  Add(last, 0, 1);
  Add(0, 0, 1);
  ghosts_->CloseBeyond(kStepBytes / 12);
  EXPECT_EQ(ghosts_->bytes(), kStepBytes);
  EXPECT_TRUE(ghosts_->OpenFor(last + 1));
  EXPECT_EQ(TakeAll(last, 0, 1), 0u);
  EXPECT_EQ(TakeAll(0, 0, 1), 1u);
  EXPECT_TRUE(ghosts_->OpenFor(kBucketsMax));
  EXPECT_FALSE(ghosts_->OpenFor(4 * kBucketsMax));
}

}  // namespace
}  // namespace larder
