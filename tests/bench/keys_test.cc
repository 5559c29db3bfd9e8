#include "bench/load/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

namespace larder::bench {
namespace {

std::string DigitsOf(uint32_t number) {
  const uint64_t word = EightDigits(number);
  return {reinterpret_cast<const char*>(&word), sizeof(word)};
}

TEST(EightDigits, IsThePaddedNumber) {
  Random random{5};
  for (int i = 0; i < 200'000; ++i) {
    const uint32_t number = i < 100'000 ? i : random.Below(100'000'000);
    char expected[16];
    std::snprintf(expected, sizeof(expected), "%08u", number);
    ASSERT_EQ(DigitsOf(number), expected);
  }
  EXPECT_EQ(DigitsOf(99'999'999), "99999999");
}

TEST(KeyFormat, HasOneLength) {
  EXPECT_EQ(KeyFormat(24).Key(7), "key-00000000000000000007");
  EXPECT_EQ(KeyFormat(24).Key(99'999'999), "key-00000000000099999999");
  EXPECT_EQ(KeyFormat(12).Key(1234), "key-00001234");
  EXPECT_EQ(KeyFormat(10).Key(1234), "ke00001234");
  EXPECT_EQ(KeyFormat(8).Key(1234), "00001234");
  EXPECT_EQ(KeyFormat(250).Key(1).size(), 250u);
}

TEST(KeySampler, MapsRanksToIdsOneToOne) {
  for (const uint32_t count : {1u, 2u, 3u, 10u, 100u, 9973u, 100'000u}) {
    const KeySampler sampler(count, {.zipf = true, .theta = 1});
    std::vector<bool> seen(count);
    for (uint32_t rank = 1; rank <= count; ++rank) {
      const uint32_t id = sampler.IdOfRank(rank);
      ASSERT_LT(id, count);
      ASSERT_FALSE(seen[id]) << count << " keys, rank " << rank;
      seen[id] = true;
    }
  }
}

TEST(KeySampler, SpreadsPopularIdsOverAll) {
  constexpr uint32_t kKeys = 1'000'000;
  const KeySampler sampler(kKeys, {.zipf = true, .theta = 1});
  std::vector<int> of_each_tenth(10);
  for (uint32_t rank = 1; rank <= 1000; ++rank) {
    ++of_each_tenth[sampler.IdOfRank(rank) / (kKeys / 10)];
  }
  EXPECT_THAT(of_each_tenth, testing::Each(testing::AllOf(testing::Ge(95), testing::Le(105))));
}

TEST(KeySampler, DrawsUniformlyWithoutALaw) {
  const KeySampler sampler(10, {});
  Random random{1};
  std::vector<int> counts(10);
  for (int i = 0; i < 100'000; ++i) ++counts[sampler.Sample(random)];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Ge(9'600), testing::Le(10'400))));
}

TEST(ParseKeyDistribution, KnowsItsNames) {
  EXPECT_FALSE(ParseKeyDistribution("uniform")->zipf);
  const auto zipf = ParseKeyDistribution("zipf:1.25");
  ASSERT_TRUE(zipf.ok());
  EXPECT_TRUE(zipf->zipf);
  EXPECT_EQ(zipf->theta, 1.25);
  for (const char* wrong :
       {"", "zipf", "zipf:", "zipf:x", "zipf:-1", "zipf:11", "zipf:1 ", "zipf:nan", "gauss"}) {
    EXPECT_FALSE(ParseKeyDistribution(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace larder::bench
