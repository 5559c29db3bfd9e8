#pragma once

#include <cstdint>

#include "slab/store.h"

namespace larder {

// A large value that a read has found under the bucket's lock, to be queued for sending once that
// is released.
struct LargeValue {
  ItemRef item;  // empty: the value was small, or there is none
  uint32_t bytes = 0;
};

}  // namespace larder
