#include "bench/load/values.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace larder::bench {
namespace {

std::vector<size_t> SortedSizes(const ValueSource& values, uint32_t count) {
  std::vector<size_t> sizes;
  for (uint32_t id = 0; id < count; ++id) sizes.push_back(values.Of(id).size());
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

ValueSource Source(std::string_view sizes) { return ValueSource(*ParseValueSizes(sizes)); }

TEST(ValueSource, GivesAnIdTheSameBytesInEveryProcess) {
  const ValueSource one = Source("64");
  const ValueSource other = Source("64");
  for (uint32_t id = 0; id < 1000; ++id) ASSERT_EQ(one.Of(id), other.Of(id));
}

TEST(ValueSource, GivesIdsDifferentBytes) {
  const ValueSource values = Source("16");
  std::set<std::string_view> seen;
  for (uint32_t id = 0; id < 4096; ++id) seen.insert(values.Of(id));
  // 4096 draws from 4096 places meet 63 % of them.
  EXPECT_GT(seen.size(), 2500u);
}

TEST(ValueSource, HasEverySizeOfARange) {
  const ValueSource values = Source("10-19");
  const std::vector<size_t> sizes = SortedSizes(values, 100'000);
  EXPECT_EQ(sizes.front(), 10u);
  EXPECT_EQ(sizes.back(), 19u);
  for (size_t size = 10; size <= 19; ++size) {
    EXPECT_NEAR(std::count(sizes.begin(), sizes.end(), size), 10'000, 400) << size;
  }
  EXPECT_EQ(values.max_bytes(), 19u);
  EXPECT_EQ(values.mean_bytes(), 14.5);
}

TEST(ValueSource, HasFixedSizesDownToNothing) {
  for (const uint32_t bytes : {0u, 1u, 100u, 1'048'000u}) {
    const ValueSource values = Source(std::to_string(bytes));
    EXPECT_EQ(values.Of(0).size(), bytes);
    EXPECT_EQ(values.Of(99'999'999).size(), bytes);
  }
}

// A log-normal distribution has its median where it says, and exp(sigma) times that at 84.13 %.
TEST(ValueSource, FollowsALogNormalDistribution) {
  const ValueSource values = Source("lognormal:200,0.5,1000000");
  const std::vector<size_t> sizes = SortedSizes(values, 200'000);
  EXPECT_NEAR(static_cast<double>(sizes[100'000]), 200, 3);
  EXPECT_NEAR(static_cast<double>(sizes[168'269]), 200 * 1.6487, 6);
  EXPECT_NEAR(static_cast<double>(sizes[31'731]), 200 / 1.6487, 3);
  EXPECT_NEAR(values.mean_bytes(), 200 * 1.1331, 2);  // the median times exp(sigma^2 / 2)
}

TEST(ValueSource, CutsALogNormalDistribution) {
  const ValueSource values = Source("lognormal:200,1.5,1000");
  EXPECT_LE(values.max_bytes(), 1000u);
  const std::vector<size_t> sizes = SortedSizes(values, 100'000);
  EXPECT_LE(sizes.back(), 1000u);
  EXPECT_GE(sizes.front(), 1u);
  // What lies above the cut is drawn again, not heaped up at it.
  EXPECT_LT(std::count(sizes.begin(), sizes.end(), sizes.back()), 200);
}

TEST(ParseValueSizes, RefusesWhatMakesNoSense) {
  for (const char* wrong :
       {"", "x", "-5", "5-", "20-10", "100 ", "lognormal:", "lognormal:200", "lognormal:200,1",
        "lognormal:200,0,500", "lognormal:200,1,100", "lognormal:0,1,100", "67108865"}) {
    EXPECT_FALSE(ParseValueSizes(wrong).ok()) << wrong;
  }
  EXPECT_TRUE(ParseValueSizes("67108864").ok());
}

}  // namespace
}  // namespace larder::bench
