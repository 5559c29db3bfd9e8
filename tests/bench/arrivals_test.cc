#include "bench/load/arrivals.h"

#include <gtest/gtest.h>

#include <cmath>

namespace larder::bench {
namespace {

TEST(ArrivalSchedule, IsEvenIfAsked) {
  ArrivalSchedule schedule({.per_second = 1000, .even = true}, 5'000, 1);
  for (uint64_t i = 1; i <= 100'000; ++i) {
    ASSERT_EQ(schedule.next_ns(), 5'000 + i * 1'000'000);
    schedule.Take();
  }
}

TEST(ArrivalSchedule, KeepsTheMeanRateWithoutRounding) {
  // 3 a second: gaps of 333,333,333.3 ns, which would lose a millisecond here if cut to whole ones.
  ArrivalSchedule schedule({.per_second = 3, .even = true}, 0, 1);
  for (int i = 0; i < 3'000'000 - 1; ++i) schedule.Take();
  EXPECT_NEAR(static_cast<double>(schedule.next_ns()), 1e15, 1e5);
}

// The gaps of a Poisson process have a standard deviation equal to their mean.
TEST(ArrivalSchedule, IsAPoissonProcess) {
  constexpr int kCount = 200'000;
  ArrivalSchedule schedule({.per_second = 1e6}, 0, 9);
  double sum = 0;
  double sum_of_squares = 0;
  uint64_t last = 0;
  for (int i = 0; i < kCount; ++i) {
    const auto gap = static_cast<double>(schedule.next_ns() - last);
    last = schedule.next_ns();
    sum += gap;
    sum_of_squares += gap * gap;
    schedule.Take();
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 1000, 10);
  EXPECT_NEAR(std::sqrt(sum_of_squares / kCount - mean * mean), 1000, 20);
}

}  // namespace
}  // namespace larder::bench
