#include "bench/replay/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace larder::bench {
namespace {

std::vector<Request> All(const SyntheticSpec& spec) {
  EXPECT_TRUE(Check(spec).ok());
  SyntheticLoad load(spec);
  std::vector<Request> all(load.requests());
  for (Request& request : all) request = load.Next();
  return all;
}

std::map<uint32_t, uint32_t> CountsOf(const std::vector<Request>& requests) {
  std::map<uint32_t, uint32_t> counts;
  for (const Request& request : requests) ++counts[request.key];
  return counts;
}

TEST(SyntheticLoad, IsTheSameEachTime) {
  const SyntheticSpec spec = {.requests = 1000, .one_hit_wonders = 0.5};
  const std::vector<Request> one = All(spec);
  const std::vector<Request> other = All(spec);
  for (size_t i = 0; i < one.size(); ++i) ASSERT_EQ(one[i].key, other[i].key);
}

TEST(SyntheticLoad, AsksByZipfsLaw) {
  const auto counts = CountsOf(All({.requests = 100'000, .keys = 1000, .theta = 1}));
  // The sum of 1/k up to 1000 is 7.485.
  EXPECT_NEAR(counts.at(0), 13'359, 500);
  EXPECT_NEAR(counts.at(1), 6'680, 350);
  EXPECT_LE(counts.rbegin()->first, 999u);
}

TEST(SyntheticLoad, HasItsOwnTime) {
  const auto requests = All({.requests = 1000, .requests_per_second = 100});
  EXPECT_EQ(requests.front().second, 0u);
  EXPECT_EQ(requests[100].second, 1u);
  EXPECT_EQ(requests.back().second, 9u);
}

TEST(SyntheticLoad, OneHitWondersComeOnce) {
  const auto counts =
      CountsOf(All({.requests = 100'000, .keys = 10, .theta = 0, .one_hit_wonders = 0.25}));
  const auto once = std::count_if(counts.begin(), counts.end(),
                                  [](const auto& count) { return count.second == 1; });
  EXPECT_NEAR(static_cast<double>(once), 25'000, 500);
  EXPECT_EQ(counts.size() - static_cast<size_t>(once), 10u);
}

TEST(SyntheticLoad, ScansComeOften) {
  const auto requests = All({.requests = 1000, .keys = 10, .scan_keys = 50, .scan_every = 100});
  for (size_t i = 0; i < requests.size(); ++i) {
    const bool scanned = i >= 100 && i % 100 < 50;
    if (scanned) {
      ASSERT_EQ(requests[i].key, 20 + i % 100) << i;
    } else {
      ASSERT_LT(requests[i].key, 10u) << i;
    }
  }
}

TEST(SyntheticLoad, PopularityMovesOn) {
  const auto requests = All({.requests = 40'000, .keys = 10, .theta = 2, .drift_every = 10'000});
  for (const uint32_t part : {0, 1, 2, 3}) {
    const auto begin = requests.begin() + part * 10'000;
    const auto counts = CountsOf({begin, begin + 10'000});
    // The last of the keys has become the first, and the former first is the second.
    const uint32_t first = (10 - part) % 10;
    EXPECT_NEAR(counts.at(first), 6'453, 250) << part;
    EXPECT_NEAR(counts.at((first + 1) % 10), 1'613, 150) << part;
  }
}

TEST(SyntheticLoad, SizesChangeInTheMiddle) {
  const auto requests = All({.requests = 1001,
                             .keys = 10,
                             .later_value_sizes = *ParseValueSizes("400"),
                             .value_sizes = *ParseValueSizes("100")});
  for (size_t i = 0; i < requests.size(); ++i) {
    const bool later = i >= 501;
    ASSERT_EQ(requests[i].value_bytes, later ? 400u : 100u) << i;
    ASSERT_EQ(requests[i].key >= 10, later) << i;
  }
}

TEST(SyntheticLoad, RefusesWhatCannotBe) {
  EXPECT_FALSE(Check({.scan_keys = 100, .scan_every = 100}).ok());
  EXPECT_FALSE(Check({.requests = 1'000'000'000, .one_hit_wonders = 0.5}).ok());
}

}  // namespace
}  // namespace larder::bench
