#include "slab/index.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr uint64_t kStepBytes = 64 << 10;
constexpr Location kLastLocation = (Location{1} << kLocationBits) - 1;

// An index of locations whose hashes the test knows: to the index, a location is a number.
class IndexTest : public ::testing::Test {
 protected:
  void MakeIndex(uint64_t buckets_max) {
    auto index = Index::Create(buckets_max, kStepBytes, /*seed=*/1);
    ASSERT_TRUE(index.ok()) << index.status();
    index_ = *std::move(index);
  }
  void SetUp() override { MakeIndex(1 << 20); }

  bool TryInsert(uint64_t hash, Location location) {
    if (!index_->Lock(hash).Insert(hash, location)) return false;
    hashes_[location] = hash;
    return true;
  }
  void Insert(uint64_t hash, Location location) {
    while (!TryInsert(hash, location)) ASSERT_TRUE(index_->OpenOverflow());
  }

  static Index::Slot Find(const Index::LockedBucket& bucket, uint64_t hash, Location location) {
    return bucket.Find(hash, [&](Location found) { return found == location; });
  }
  bool Has(uint64_t hash, Location location) {
    return static_cast<bool>(Find(index_->Lock(hash), hash, location));
  }
  void Remove(Location location) {
    const uint64_t hash = hashes_.at(location);
    Index::LockedBucket bucket = index_->Lock(hash);
    const Index::Slot slot = Find(bucket, hash, location);
    ASSERT_TRUE(slot);
    bucket.Remove(slot);
    hashes_.erase(location);
  }

  void Grow() {
    while (!index_->CanGrow()) ASSERT_TRUE(index_->OpenBuckets());
    while (index_->OverflowRunsLow()) ASSERT_TRUE(index_->OpenOverflow());
    index_->Grow([](Location) {}, [&](Location location) { return hashes_.at(location); });
  }

  void Shrink(uint64_t* closed) {
    while (index_->OverflowRunsLow()) ASSERT_TRUE(index_->OpenOverflow());
    index_->Shrink();
    if (index_->CloseBuckets()) ++*closed;
  }

  // Everything is where it belongs, once, and nothing else is.
  void Check() {
    size_t found = 0;
    for (uint64_t bucket = 0; bucket < index_->buckets(); ++bucket) {
      index_->CheckBucket(bucket);
      index_->ForEachInBucket(bucket, [&](Location location) {
        ++found;
        ASSERT_TRUE(hashes_.contains(location));
        ASSERT_EQ(index_->BucketOfHash(hashes_[location]), bucket);
      });
    }
    EXPECT_EQ(found, hashes_.size());
    for (const auto& [location, hash] : hashes_) ASSERT_TRUE(Has(hash, location));
  }

  std::unique_ptr<Index> index_;
  std::unordered_map<Location, uint64_t> hashes_;
};

TEST_F(IndexTest, FindsWhatWasInserted) {
  EXPECT_FALSE(Has(42, 7));
  Insert(42, 7);
  EXPECT_TRUE(Has(42, 7));
  EXPECT_FALSE(Has(42, 8));
  EXPECT_FALSE(Has(43, 7));
  Remove(7);
  EXPECT_FALSE(Has(42, 7));
}

TEST_F(IndexTest, ShowsOnlyWhatHasTheTag) {
  const uint64_t same_bucket = uint64_t{1} << 60;
  Insert(42, 7);
  Insert(42 | same_bucket, 8);
  std::vector<Location> shown;
  index_->Lock(42).Find(42, [&](Location location) {
    shown.push_back(location);
    return false;
  });
  EXPECT_EQ(shown, std::vector<Location>{7});
}

TEST_F(IndexTest, HashesAndLocationsOfNoBitsAndOfAll) {
  // An empty slot is a tag of zero, which no hash may have.
  Insert(0, 1);
  Insert(0, Location{1} << 32);
  Insert(0, kLastLocation);
  Insert(~uint64_t{0}, 2);
  Insert(~uint64_t{0}, kLastLocation - 1);
  Check();
}

TEST_F(IndexTest, ReplacesInPlace) {
  Insert(42, 7);
  Insert(42, 9);
  {
    Index::LockedBucket bucket = index_->Lock(42);
    const Index::Slot slot = Find(bucket, 42, 7);
    EXPECT_EQ(bucket.At(slot), 7u);
    bucket.Replace(slot, kLastLocation);
    EXPECT_EQ(bucket.At(slot), kLastLocation);
  }
  EXPECT_TRUE(Has(42, kLastLocation));
  EXPECT_TRUE(Has(42, 9));
  EXPECT_FALSE(Has(42, 7));
}

TEST_F(IndexTest, TenInALineTheEleventhInAnother) {
  for (Location location = 1; location <= 10; ++location) Insert(42, location);
  EXPECT_EQ(index_->overflow_lines_in_use(), 0u);
  Insert(42, 11);
  EXPECT_EQ(index_->overflow_lines_in_use(), 1u);
  Check();
  Remove(3);
  EXPECT_EQ(index_->overflow_lines_in_use(), 1u);
  Remove(11);
  EXPECT_EQ(index_->overflow_lines_in_use(), 0u);
  Check();
}

// One bucket with everything in it, as if somebody had aimed at it: slow, but right.
TEST_F(IndexTest, LongChains) {
  std::mt19937_64 random(1);
  std::vector<Location> locations;
  for (Location location = 1; location <= 300; ++location) {
    // The same bucket, tags of all kinds.
    Insert((random() << 48) | 42, location);
    locations.push_back(location);
  }
  Check();
  EXPECT_EQ(index_->overflow_lines_in_use(), (300u - 10 + 8) / 9);
  std::shuffle(locations.begin(), locations.end(), random);
  for (const Location location : locations) {
    Remove(location);
    index_->CheckBucket(index_->BucketOfHash(42));
    ASSERT_FALSE(Has(42, location));
    if (location % 25 == 0) Check();
  }
  EXPECT_EQ(index_->overflow_lines_in_use(), 0u);
}

TEST_F(IndexTest, PeeksWithoutTheLock) {
  EXPECT_EQ(index_->Peek(42), 0u);
  Insert(42, kLastLocation);
  const Index::LockedBucket bucket = index_->Lock(42);
  EXPECT_EQ(index_->Peek(42), kLastLocation);
  EXPECT_EQ(index_->Peek(42 | uint64_t{1} << 60), 0u);
}

TEST_F(IndexTest, OneLockABucket) {
  const uint64_t other = 43;
  {
    const Index::LockedBucket bucket = index_->Lock(42);
    EXPECT_FALSE(index_->TryLock(42));
    EXPECT_TRUE(index_->TryLock(other));
  }
  EXPECT_TRUE(index_->TryLock(42));
}

TEST_F(IndexTest, TheHashDependsOnTheSeed) {
  const auto other = *Index::Create(1024, kStepBytes, /*seed=*/2);
  EXPECT_EQ(index_->Hash("key"), index_->Hash("key"));
  EXPECT_NE(index_->Hash("key"), index_->Hash("kez"));
  EXPECT_NE(index_->Hash("key"), other->Hash("key"));
}

TEST_F(IndexTest, GrowsBucketByBucketAndLosesNothing) {
  std::mt19937_64 random(1);
  for (Location location = 1; location <= 30000; ++location) {
    Insert(random(), location);
    if (hashes_.size() > index_->buckets() * Index::kItemsPerBucket) Grow();
    if (location % 10000 == 0) Check();
  }
  EXPECT_EQ(index_->buckets(), 30000u / Index::kItemsPerBucket + 1);
}

// Growth that comes late has whole chains to split.
TEST_F(IndexTest, GrowsFromChains) {
  std::mt19937_64 random(1);
  for (Location location = 1; location <= 100000; ++location) Insert(random(), location);
  EXPECT_GT(index_->overflow_lines_in_use(), 8000u);
  while (index_->buckets() < 32768) Grow();
  Check();
  EXPECT_LT(index_->overflow_lines_in_use(), 100u);
}

TEST_F(IndexTest, ShrinksBucketByBucketAndLosesNothing) {
  std::mt19937_64 random(1);
  const uint64_t bucket_bytes_at_start = index_->bytes() - index_->overflow_bytes();
  for (Location location = 1; location <= 70000; ++location) {
    Insert(random(), location);
    if (hashes_.size() > index_->buckets() * Index::kItemsPerBucket) Grow();
  }
  const uint64_t bucket_bytes = index_->bytes() - index_->overflow_bytes();
  uint64_t closed = 0;
  for (Location location = 70000; location > 500; --location) {
    Remove(location);
    if (hashes_.size() < index_->buckets() * Index::kItemsPerBucket && index_->CanShrink()) {
      Shrink(&closed);
    }
    if (location % 10000 == 0) Check();
  }
  EXPECT_EQ(index_->buckets(), 1024u);
  EXPECT_FALSE(index_->CanShrink());
  EXPECT_EQ(bucket_bytes_at_start, bucket_bytes - closed * kStepBytes);
  EXPECT_EQ(index_->bytes() - index_->overflow_bytes(), bucket_bytes_at_start);
  Check();
  // Grown again over the memory that was given back.
  while (index_->buckets() < 5000) Grow();
  Check();
}

TEST_F(IndexTest, AWalkMissesNothingWhereTheIndexShrinks) {
  std::mt19937_64 random(1);
  for (Location location = 1; location <= 20000; ++location) Insert(random(), location);
  while (index_->buckets() < 3000) Grow();
  std::set<Location> seen;
  uint64_t closed = 0;
  uint64_t position = 0;
  uint64_t steps = 0;
  do {
    position = index_->WalkBucket(
        position, [](Location) {}, [&](Location location) { seen.insert(location); });
    if (++steps % 2 == 0 && index_->CanShrink()) Shrink(&closed);
  } while (position != 0);
  EXPECT_LT(index_->buckets(), 2200u);
  EXPECT_EQ(seen.size(), hashes_.size());
}

TEST_F(IndexTest, ASplitAsksForTheItemsOfItsBucketOnly) {
  for (uint64_t hash = 0; hash < 4096; ++hash) Insert(hash, hash + 1);
  std::set<Location> fetched;
  std::set<Location> asked;
  ASSERT_EQ(index_->buckets(), 1024u);
  while (!index_->CanGrow()) ASSERT_TRUE(index_->OpenBuckets());
  index_->Grow([&](Location location) { fetched.insert(location); },
               [&](Location location) {
                 asked.insert(location);
                 return hashes_.at(location);
               });
  const std::set<Location> of_bucket_0 = {1, 1025, 2049, 3073};
  EXPECT_EQ(fetched, of_bucket_0);
  EXPECT_EQ(asked, of_bucket_0);
  std::set<Location> moved;
  index_->ForEachInBucket(1024, [&](Location location) { moved.insert(location); });
  EXPECT_EQ(moved, (std::set<Location>{1025, 3073}));
  Check();
}

// Two keys of one bucket, which are told apart once it is split.
TEST_F(IndexTest, GhostsFollowTheBuckets) {
  const uint64_t buckets = index_->buckets();
  const uint64_t stays = 0x1234'0000'0000'0000 | 1;
  const uint64_t moves = 0x5678'0000'0000'0000 | 1 | buckets;
  const auto take_both = [&] {
    EXPECT_EQ(index_->Lock(stays).TakeGhost(stays), Segment::kProbation);
    EXPECT_EQ(index_->Lock(moves).TakeGhost(moves), Segment::kProtected);
    EXPECT_EQ(index_->Lock(stays).TakeGhost(stays), std::nullopt);
    EXPECT_EQ(index_->Lock(moves).TakeGhost(moves), std::nullopt);
  };
  const auto add_both = [&] {
    index_->Lock(stays).AddGhost(stays, Segment::kProbation);
    index_->Lock(moves).AddGhost(moves, Segment::kProtected);
  };
  ASSERT_EQ(index_->BucketOfHash(stays), index_->BucketOfHash(moves));
  add_both();
  take_both();
  add_both();
  while (index_->buckets() < 2 * buckets) Grow();
  ASSERT_NE(index_->BucketOfHash(stays), index_->BucketOfHash(moves));
  take_both();
  add_both();
  uint64_t closed = 0;
  while (index_->buckets() > buckets) Shrink(&closed);
  take_both();
}

TEST_F(IndexTest, GrowsToItsLargestSizeAndNoFurther) {
  MakeIndex(32768);
  uint64_t bytes = index_->bytes();
  while (index_->buckets() < 32768) {
    if (!index_->CanGrow()) {
      const uint64_t after = bytes + index_->ghost_bytes() + index_->step_bytes();
      ASSERT_TRUE(index_->OpenBuckets());
      EXPECT_EQ(index_->bytes(), bytes + kStepBytes);
      EXPECT_EQ(index_->bytes() + index_->ghost_bytes(), after);
      EXPECT_GE(index_->ghost_bytes(), index_->buckets() * 12);
    }
    bytes = index_->bytes();
    Grow();
  }
  EXPECT_EQ(index_->buckets(), 32768u);
  EXPECT_FALSE(index_->OpenBuckets());
  EXPECT_EQ(index_->bytes(), bytes);
}

TEST_F(IndexTest, OverflowLinesAreOpenedAsTheyAreNeeded) {
  EXPECT_FALSE(index_->OverflowRunsLow());
  Location location = 0;
  while (TryInsert(location % 64, location + 1)) ++location;
  EXPECT_TRUE(index_->OverflowRunsLow());
  Check();
  const uint64_t bytes = index_->bytes();
  ASSERT_TRUE(index_->OpenOverflow());
  EXPECT_GT(index_->bytes(), bytes);
  EXPECT_FALSE(index_->OverflowRunsLow());
  EXPECT_TRUE(TryInsert(location % 64, location + 1));
  // There are enough now: no more are opened.
  const uint64_t enough = index_->bytes();
  EXPECT_TRUE(index_->OpenOverflow());
  EXPECT_EQ(index_->bytes(), enough);
  Check();
}

TEST_F(IndexTest, AnIndexWithoutMoreOverflowLinesRefuses) {
  MakeIndex(1024);
  std::mt19937_64 random(1);
  Location location = 0;
  uint64_t hash = random();
  while (TryInsert(hash, location + 1) || index_->OpenOverflow()) {
    if (!hashes_.contains(location + 1)) continue;
    ++location;
    hash = random();
  }
  EXPECT_GT(location, 200000u);
  EXPECT_FALSE(TryInsert(hash, location + 1));
  Check();
  // What it has can still go, and makes room.
  const uint64_t lines = index_->overflow_lines_in_use();
  while (index_->overflow_lines_in_use() + 100 > lines) Remove(location--);
  EXPECT_TRUE(TryInsert(hash, location + 1));
}

}  // namespace
}  // namespace larder
