#include "server/engine/clock.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr Now kNow = {.tick = {500}, .wall_seconds = 1'700'000'000};
constexpr int64_t kMonth = 30 * 24 * 3600;

TEST(ExpireTick, ZeroIsNever) { EXPECT_EQ(ExpireTick(0, kNow), kNeverExpires); }

TEST(ExpireTick, NegativeHasPassedAtEveryTick) {
  EXPECT_TRUE(HasPassed(ExpireTick(-1, kNow), {1}));
  EXPECT_TRUE(HasPassed(ExpireTick(INT64_MIN, kNow), {1}));
}

TEST(ExpireTick, UpTo30DaysCountFromNow) {
  EXPECT_EQ(ExpireTick(1, kNow), 501u);
  EXPECT_EQ(ExpireTick(kMonth, kNow), 500u + kMonth);
}

TEST(ExpireTick, AboveIsADate) {
  // A month and a second after 1970 is long ago.
  EXPECT_EQ(ExpireTick(kMonth + 1, kNow), 1u);
  EXPECT_EQ(ExpireTick(kNow.wall_seconds + 7, kNow), 507u);
  EXPECT_EQ(ExpireTick(kNow.wall_seconds, kNow), 500u);
  EXPECT_EQ(ExpireTick(kNow.wall_seconds - 7, kNow), 493u);
}

TEST(ExpireTick, StaysWithinTicks) {
  EXPECT_EQ(ExpireTick(INT64_MAX / 2, kNow), UINT32_MAX);
  EXPECT_EQ(ExpireTick(kNow.wall_seconds - 500, kNow), 1u);
}

}  // namespace
}  // namespace larder
