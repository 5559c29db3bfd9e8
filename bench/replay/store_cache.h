#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "bench/replay/cache.h"
#include "slab/store.h"

namespace larder::bench {

// A Store in this process. Time is the load's; every thousand requests the store does as much of
// its background work as the daemon lets it do at a time, which is what it gets from the daemon
// that is asked for a million keys a second and has nothing to catch up with. So a load has the
// same outcome every time.
class StoreCache : public Cache {
 public:
  static absl::StatusOr<std::unique_ptr<StoreCache>> Create(const StoreOptions& options,
                                                            size_t key_bytes);

  absl::Status Do(std::span<const Request> requests, Counts& counts) override;
  absl::StatusOr<uint64_t> ResidentBytes() const override;

  const Store& store() const { return *store_; }

 private:
  StoreCache(std::unique_ptr<Store> store, size_t key_bytes, uint64_t resident_before)
      : store_(std::move(store)),
        lane_(store_->AddLane()),
        key_format_(key_bytes),
        resident_before_(resident_before) {}

  void Get(const Key& key, const Request& request, Tick now, Counts& counts);
  void Set(const Key& key, const Request& request, Tick now, Counts& counts);

  std::unique_ptr<Store> store_;
  Lane& lane_;
  KeyFormat key_format_;
  Filler filler_;
  uint64_t resident_before_;
  uint64_t done_ = 0;
};

}  // namespace larder::bench
