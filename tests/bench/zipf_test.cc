#include "bench/load/zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "bench/load/random.h"

namespace larder::bench {
namespace {

class ZipfSamplerTest : public testing::TestWithParam<double> {};

// Pearson's chi-squared against the exact probabilities. The seed is fixed: this passes always or
// never.
TEST_P(ZipfSamplerTest, HasTheExactProbabilities) {
  constexpr uint32_t kRanks = 1000;
  constexpr int kDraws = 2'000'000;
  const double theta = GetParam();
  const ZipfSampler sampler({.ranks = kRanks, .theta = theta});
  std::vector<int> counts(kRanks + 1);
  Random random{42};
  for (int i = 0; i < kDraws; ++i) {
    const uint32_t rank = sampler.Sample(random);
    ASSERT_GE(rank, 1u);
    ASSERT_LE(rank, kRanks);
    ++counts[rank];
  }

  double total_weight = 0;
  for (uint32_t rank = 1; rank <= kRanks; ++rank) total_weight += std::pow(rank, -theta);
  double chi_squared = 0;
  int cells = 0;
  double expected = 0;
  int counted = 0;
  for (uint32_t rank = 1; rank <= kRanks; ++rank) {
    expected += kDraws * std::pow(rank, -theta) / total_weight;
    counted += counts[rank];
    if (expected < 10 && rank < kRanks) continue;  // rare ranks share a cell
    chi_squared += (counted - expected) * (counted - expected) / expected;
    ++cells;
    expected = 0;
    counted = 0;
  }
  EXPECT_LT(chi_squared, cells + 4 * std::sqrt(2.0 * cells));
  EXPECT_GT(chi_squared, cells - 4 * std::sqrt(2.0 * cells));
}

INSTANTIATE_TEST_SUITE_P(Thetas, ZipfSamplerTest,
                         testing::Values(0, 0.5, 0.99, 1, 1 + 1e-9, 1.2, 2, 3.5));

TEST(ZipfSampler, KnowsOnlyOneRankIfThereIsOne) {
  const ZipfSampler sampler({.ranks = 1, .theta = 0.99});
  Random random{1};
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(sampler.Sample(random), 1u);
}

TEST(ZipfSampler, ReachesTheLastOfManyRanks) {
  constexpr uint32_t kRanks = 100'000'000;
  const ZipfSampler sampler({.ranks = kRanks, .theta = 0.5});
  Random random{1};
  uint32_t highest = 0;
  for (int i = 0; i < 100'000; ++i) highest = std::max(highest, sampler.Sample(random));
  EXPECT_LE(highest, kRanks);
  EXPECT_GT(highest, kRanks - kRanks / 1000);
}

}  // namespace
}  // namespace larder::bench
