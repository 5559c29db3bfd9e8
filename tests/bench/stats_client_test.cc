#include "bench/load/stats_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace larder::bench {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

TEST(ParseStats, ReadsNamesAndValues) {
  const auto stats = ParseStats("STAT pid 12\r\nSTAT version 1.6.45\r\nSTAT empty \r\n");
  ASSERT_TRUE(stats.ok());
  EXPECT_THAT(*stats, UnorderedElementsAre(Pair("pid", "12"), Pair("version", "1.6.45"),
                                           Pair("empty", "")));
  EXPECT_TRUE(ParseStats("")->empty());
}

TEST(ParseStats, RefusesOtherLines) {
  EXPECT_FALSE(ParseStats("ERROR\r\n").ok());
  EXPECT_FALSE(ParseStats("STAT pid\r\n").ok());
  EXPECT_FALSE(ParseStats("STAT pid 12").ok());
}

TEST(NumberOf, WantsANumber) {
  const ServerStats stats = {{"evictions", "17"}, {"version", "1.6.45"}};
  EXPECT_EQ(*NumberOf(stats, "evictions"), 17u);
  EXPECT_FALSE(NumberOf(stats, "version").ok());
  EXPECT_FALSE(NumberOf(stats, "curr_items").ok());
}

}  // namespace
}  // namespace larder::bench
