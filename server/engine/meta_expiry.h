#pragma once

#include <cstdint>

#include "protocol/request.h"
#include "server/engine/clock.h"
#include "slab/tick.h"

// Expiries in meta commands. memcached obeys flags from left to right, so of an item that is made,
// the later of N and T decides, and t tells what is so when its turn comes.

namespace larder {

// What an item that is made gets.
inline uint32_t MetaCreateExpire(const Request& request, const Now& now) {
  const bool touch_decides = (request.meta & kMetaTouchAfterCreate) != 0;
  return ExpireTick(touch_decides ? request.exptime : request.create_exptime, now);
}

// An item's expiry before and after a command.
struct MetaExpiry {
  bool created = false;  // by the command
  uint32_t before = kNeverExpires;
  uint32_t after = kNeverExpires;
};

// What t tells.
inline uint32_t MetaShownExpire(const Request& request, const Now& now, const MetaExpiry& expiry) {
  const bool touched = (request.meta & kMetaTtlAfterTouch) != 0;
  if (!expiry.created) return touched ? expiry.after : expiry.before;
  const bool created = (request.meta & kMetaTtlAfterCreate) != 0;
  if (touched && created) return expiry.after;
  if (touched) return ExpireTick(request.exptime, now);
  return created ? ExpireTick(request.create_exptime, now) : kNeverExpires;
}

}  // namespace larder
