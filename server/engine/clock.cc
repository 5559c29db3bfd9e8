#include "server/engine/clock.h"

#include <algorithm>
#include <limits>

namespace larder {
namespace {

// Passed at every tick there is.
constexpr int64_t kLongAgo = 1;

}  // namespace

uint32_t ExpireTick(int64_t exptime, const Now& now) {
  if (exptime == 0) return kNeverExpires;
  if (exptime < 0) return kLongAgo;
  const int64_t seconds_left =
      exptime > kRelativeExpirySecondsMax ? exptime - now.wall_seconds : exptime;
  const int64_t tick = int64_t{now.tick.seconds} + seconds_left;
  return static_cast<uint32_t>(
      std::clamp<int64_t>(tick, kLongAgo, std::numeric_limits<uint32_t>::max()));
}

}  // namespace larder
