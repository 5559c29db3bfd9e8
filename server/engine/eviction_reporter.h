#pragma once

#include "server/engine/watch.h"
#include "slab/store_types.h"

namespace larder {

// Tells watchers what the store evicts. Neither waits nor allocates: what the log has no room or no
// moment for is dropped and counted.
class EvictionReporter final : public StoreObserver {
 public:
  explicit EvictionReporter(WatchHub* hub) : hub_(hub) {}

  void OnEviction(const Eviction& eviction) override;

 private:
  WatchHub* const hub_;
};

}  // namespace larder
