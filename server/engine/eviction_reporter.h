#pragma once

#include "server/engine/watch.h"
#include "slab/store_types.h"

namespace larder {

// Tells watchers what the store evicts.
class EvictionReporter final : public StoreObserver {
 public:
  explicit EvictionReporter(WatchHub* hub) : hub_(hub) {}

  void OnEviction(const Eviction& eviction) override;

 private:
  WatchHub* const hub_;
};

}  // namespace larder
