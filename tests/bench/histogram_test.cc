#include "bench/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/load/random.h"

namespace larder::bench {
namespace {

TEST(Histogram, IsAllZeroWhenEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Count(), 0u);
  EXPECT_EQ(histogram.Min(), 0u);
  EXPECT_EQ(histogram.Max(), 0u);
  EXPECT_EQ(histogram.Mean(), 0);
  EXPECT_EQ(histogram.Percentile(99), 0u);
}

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 200; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Percentile(0), 1u);
  EXPECT_EQ(histogram.Percentile(0.5), 1u);
  EXPECT_EQ(histogram.Percentile(0.51), 2u);
  EXPECT_EQ(histogram.Percentile(50), 100u);
  EXPECT_EQ(histogram.Percentile(99), 198u);
  EXPECT_EQ(histogram.Percentile(100), 200u);
  EXPECT_EQ(histogram.Mean(), 100.5);
}

TEST(Histogram, KeepsMinAndMaxExactly) {
  Histogram histogram;
  histogram.Record(123'456'789);
  histogram.Record(987'654'321);
  EXPECT_EQ(histogram.Min(), 123'456'789u);
  EXPECT_EQ(histogram.Max(), 987'654'321u);
  EXPECT_EQ(histogram.Percentile(100), 987'654'321u);
}

// Around each power of two the bucket's width changes; there a wrong index shows.
TEST(Histogram, IsWithinItsPrecisionAtEveryMagnitude) {
  for (int bits = 0; bits < Histogram::kValueBits; ++bits) {
    for (const int64_t offset : {-1, 0, 1}) {
      const uint64_t value = (uint64_t{1} << bits) + static_cast<uint64_t>(offset);
      Histogram histogram;
      histogram.Record(value);
      histogram.Record((uint64_t{1} << Histogram::kValueBits) - 1);  // so that Max() is no help
      const uint64_t read = histogram.Percentile(50);
      EXPECT_GE(read, value);
      EXPECT_LE(read - value, value >> Histogram::kPrecisionBits) << value;
    }
  }
}

TEST(Histogram, AgreesWithTheSortedValues) {
  Random random{7};
  std::vector<uint64_t> values(50'000);
  Histogram histogram;
  for (uint64_t& value : values) {
    value = random.Next() >> (24 + random.Below(40));
    histogram.Record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * 50'000));
    const uint64_t exact = values[rank - 1];
    const uint64_t read = histogram.Percentile(percent);
    EXPECT_GE(read, exact) << percent;
    EXPECT_LE(read - exact, exact >> Histogram::kPrecisionBits) << percent;
  }
}

TEST(Histogram, CountsWhatIsLongerThanItsRange) {
  const uint64_t too_long = uint64_t{1} << (Histogram::kValueBits + 3);
  Histogram histogram;
  histogram.Record(10);
  histogram.Record(too_long);
  EXPECT_EQ(histogram.Count(), 2u);
  EXPECT_EQ(histogram.Percentile(50), 10u);
  EXPECT_EQ(histogram.Percentile(99), too_long);
}

TEST(Histogram, MergesAsIfOneHadRecordedAll) {
  Random random{3};
  Histogram all;
  Histogram left;
  Histogram right;
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t value = random.Next() >> 40;
    all.Record(value);
    (i % 3 == 0 ? left : right).Record(value);
  }
  left.Merge(right);
  EXPECT_EQ(left.Count(), all.Count());
  EXPECT_EQ(left.Min(), all.Min());
  EXPECT_EQ(left.Max(), all.Max());
  EXPECT_EQ(left.Mean(), all.Mean());
  for (const double percent : {5.0, 50.0, 99.0}) {
    EXPECT_EQ(left.Percentile(percent), all.Percentile(percent));
  }
}

}  // namespace
}  // namespace larder::bench
