#include "slab/size_classes.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "slab/lane.h"

namespace larder {
namespace {

constexpr uint32_t kPageBytes = 1 << 20;

// The share of a chunk that is left over, on average over all sizes between the two.
double MeanWaste(const SizeClasses& sizes, uint32_t from_bytes, uint32_t to_bytes) {
  double waste = 0;
  for (uint32_t bytes = from_bytes; bytes < to_bytes; ++bytes) {
    waste += 1.0 - bytes / static_cast<double>(sizes.ChunkBytes(sizes.ClassFor(bytes)));
  }
  return waste / (to_bytes - from_bytes);
}

// What holds for any options.
class AnySizeClassesTest : public ::testing::TestWithParam<SizeClassOptions> {};

TEST_P(AnySizeClassesTest, ClassForIsTheSmallestThatFits) {
  const SizeClasses sizes(GetParam());
  for (uint32_t bytes = 1; bytes <= sizes.chunk_bytes_max(); ++bytes) {
    const int id = sizes.ClassFor(bytes);
    ASSERT_GE(sizes.ChunkBytes(id), bytes);
    if (id > 1) {
      ASSERT_LT(sizes.ChunkBytes(id - 1), bytes);
    }
  }
}

TEST_P(AnySizeClassesTest, SizesGrowInWholeUnitsUpToAnEighthOfAPage) {
  const SizeClassOptions& options = GetParam();
  const SizeClasses sizes(options);
  ASSERT_GE(sizes.count(), 1);
  ASSERT_LT(sizes.count(), kClassesMax);
  for (int id = 1; id <= sizes.count(); ++id) {
    EXPECT_EQ(sizes.ChunkBytes(id) % options.unit_bytes, 0u);
    EXPECT_EQ(sizes.ChunksPerPage(id), options.page_bytes / sizes.ChunkBytes(id));
    if (id > 1) {
      EXPECT_GT(sizes.ChunkBytes(id), sizes.ChunkBytes(id - 1));
    }
  }
  EXPECT_GE(sizes.ChunkBytes(1), std::min(options.chunk_bytes_min, options.page_bytes / 8));
  EXPECT_EQ(sizes.ChunkBytes(sizes.count()), options.page_bytes / 8);
  EXPECT_EQ(sizes.chunk_bytes_max(), options.page_bytes / 8);
}

INSTANTIATE_TEST_SUITE_P(
    Options, AnySizeClassesTest,
    ::testing::Values(
        SizeClassOptions{}, SizeClassOptions{.page_bytes = 64 << 10},
        SizeClassOptions{.unit_bytes = 8}, SizeClassOptions{.unit_bytes = 64},
        SizeClassOptions{.chunk_bytes_min = 17}, SizeClassOptions{.chunk_bytes_min = 5000},
        SizeClassOptions{.chunk_bytes_min = 1 << 20}, SizeClassOptions{.growth_factor = 1.25},
        SizeClassOptions{.growth_factor = 1.0001}, SizeClassOptions{.growth_factor = 1000}),
    [](const auto& tested) {
      const SizeClassOptions& o = tested.param;
      return "Page" + std::to_string(o.page_bytes) + "Unit" + std::to_string(o.unit_bytes) + "Min" +
             std::to_string(o.chunk_bytes_min) + "Factor" +
             std::to_string(static_cast<int>(o.growth_factor * 10000));
    });

TEST(SizeClassesTest, EightSizesForEveryPowerOfTwo) {
  const SizeClasses sizes(SizeClassOptions{});
  for (int id = 1; id + 8 <= sizes.count(); ++id) {
    const uint32_t bytes = sizes.ChunkBytes(id);
    // Below, an eighth is less than a unit; above, the page is cut without rest instead.
    if (bytes < 32 || bytes >= kPageBytes / 32) continue;
    EXPECT_EQ(sizes.ChunkBytes(id + 8), 2 * bytes);
    EXPECT_EQ(sizes.ChunkBytes(id + 1) - bytes, std::bit_floor(bytes) / 8);
  }
}

TEST(SizeClassesTest, TopSizesCutThePageWithoutRest) {
  const SizeClasses sizes(SizeClassOptions{});
  int id = sizes.count();
  for (uint32_t chunks = 8; chunks <= 16; ++chunks, --id) {
    EXPECT_EQ(sizes.ChunksPerPage(id), chunks);
    EXPECT_LT(kPageBytes - chunks * sizes.ChunkBytes(id), chunks * 4);
  }
}

TEST(SizeClassesTest, WastesHalfOfWhatAFactorOfAQuarterDoes) {
  const SizeClasses eight(SizeClassOptions{});
  const SizeClasses quarter(SizeClassOptions{.growth_factor = 1.25});
  EXPECT_LT(MeanWaste(eight, 40, 16384), 0.055);
  EXPECT_GT(MeanWaste(quarter, 40, 16384), 0.09);
}

TEST(SizeClassesTest, ObeysTheUsersFactor) {
  const SizeClasses sizes(SizeClassOptions{.chunk_bytes_min = 64, .growth_factor = 1.5});
  EXPECT_EQ(sizes.ChunkBytes(1), 64u);
  for (int id = 2; id < sizes.count(); ++id) {
    const uint32_t exact = static_cast<uint32_t>(std::ceil(sizes.ChunkBytes(id - 1) * 1.5));
    EXPECT_GE(sizes.ChunkBytes(id), exact);
    EXPECT_LT(sizes.ChunkBytes(id), exact + 4);
  }
}

TEST(SizeClassesTest, ObeysTheUsersSmallestChunk) {
  EXPECT_EQ(SizeClasses(SizeClassOptions{.chunk_bytes_min = 64}).ChunkBytes(1), 64u);
  EXPECT_EQ(SizeClasses(SizeClassOptions{.chunk_bytes_min = 65}).ChunkBytes(1), 68u);
}

TEST(SizeClassesTest, ObeysTheUsersSizes) {
  const SizeClasses sizes(
      SizeClassOptions{.chunk_bytes_min = 64, .sizes = {10, 30, 101, 4096, 500000}});
  ASSERT_EQ(sizes.count(), 4);
  EXPECT_EQ(sizes.ChunkBytes(1), 64u);  // the least stands for what is below it
  EXPECT_EQ(sizes.ChunkBytes(2), 104u);
  EXPECT_EQ(sizes.ChunkBytes(3), 4096u);
  EXPECT_EQ(sizes.ChunkBytes(4), kPageBytes / 8);
  EXPECT_EQ(sizes.ClassFor(105), 3);
  EXPECT_EQ(sizes.ClassFor(4097), 4);
}

TEST(SizeClassesTest, OneClassIfTheSmallestChunkIsTheLargest) {
  const SizeClasses sizes(SizeClassOptions{.chunk_bytes_min = 1 << 20});
  EXPECT_EQ(sizes.count(), 1);
  EXPECT_EQ(sizes.ClassFor(1), 1);
}

TEST(SizeClassesTest, AFactorNearOneRunsOutOfNumbersNotOfSizes) {
  const SizeClasses sizes(SizeClassOptions{.growth_factor = 1.0001});
  EXPECT_EQ(sizes.count(), kClassesMax - 1);
  EXPECT_EQ(sizes.ClassFor(kPageBytes / 8), kClassesMax - 1);
}

}  // namespace
}  // namespace larder
