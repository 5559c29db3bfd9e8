#include "bench/replay/store_cache.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "bench/load/process_stats.h"

namespace larder::bench {
namespace {

constexpr uint64_t kMaintainEvery = 1000;
constexpr size_t kMaintainBudget = 2048;

// Ticks begin at 1, and the daemon's some seconds above.
constexpr uint32_t kFirstTick = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<StoreCache>> StoreCache::Create(const StoreOptions& options,
                                                               size_t key_bytes) {
  const auto resident_before = bench::ResidentBytes(getpid());
  if (!resident_before.ok()) return resident_before.status();
  auto store = Store::Create(options);
  if (!store.ok()) return store.status();
  return std::unique_ptr<StoreCache>(
      new StoreCache(*std::move(store), key_bytes, *resident_before));
}

absl::Status StoreCache::Do(std::span<const Request> requests, Counts& counts) {
  std::array<char, bench::kKeyBytesMax> text;
  const std::string_view key_text(text.data(), key_format_.key_bytes());
  for (const Request& request : requests) {
    const Tick now{kFirstTick + request.second};
    key_format_.Write(request.key, text.data());
    const Key key = store_->MakeKey(key_text);
    switch (request.op) {
      case Op::kGet:
        Get(key, request, now, counts);
        break;
      case Op::kSet:
        Set(key, request, now, counts);
        break;
      case Op::kDelete:
        store_->Delete(lane_, key, {}, now);
        break;
    }
    if (++done_ % kMaintainEvery == 0) store_->Maintain(now, kMaintainBudget);
  }
  return absl::OkStatus();
}

void StoreCache::Get(const Key& key, const Request& request, Tick now, Counts& counts) {
  ++counts.gets;
  const ReadOutcome outcome = store_->Read(lane_, key, {}, now, [](const ItemView&) {});
  if (outcome.status == ReadStatus::kHit) return;
  ++counts.misses;
  Set(key, request, now, counts);
}

void StoreCache::Set(const Key& key, const Request& request, Tick now, Counts& counts) {
  const uint32_t expire =
      request.ttl_seconds == 0 ? kNeverExpires : now.seconds + request.ttl_seconds;
  const WriteOutcome outcome =
      store_->Write(lane_, key, filler_.Of(request.value_bytes), {.expire = expire}, now);
  if (outcome.status != WriteStatus::kStored) ++counts.refused;
}

absl::StatusOr<uint64_t> StoreCache::ResidentBytes() const {
  const auto resident = bench::ResidentBytes(getpid());
  if (!resident.ok()) return resident.status();
  return *resident - std::min(*resident, resident_before_);
}

}  // namespace larder::bench
