#include "bench/load/fill.h"

#include <cinttypes>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"

#include "bench/load/keys.h"
#include "bench/load/process_stats.h"

namespace larder::bench {
namespace {

constexpr uint64_t kProgressEveryNs = 1'000'000'000;

absl::Status Look(const Options& options, StatsClient& client, FillResult& result) {
  auto stats = client.Fetch();
  if (!stats.ok()) return stats.status();
  const auto items = NumberOf(*stats, "curr_items");
  if (!items.ok()) return items.status();
  const auto evictions = NumberOf(*stats, "evictions");
  if (!evictions.ok()) return evictions.status();
  if (options.server_pid != 0) {
    const auto resident = ResidentBytes(options.server_pid);
    if (!resident.ok()) return resident.status();
    result.resident_bytes = *resident;
  }
  result.items = *items;
  result.evictions = *evictions;
  result.stats = *std::move(stats);
  return absl::OkStatus();
}

absl::Status StoreMore(const Options& options, LoadRun& run, Tally& tally, FillResult& result) {
  if (result.stored + options.check_every > kKeyCountMax) {
    return absl::OutOfRangeError("the server did not evict, and no key is left to store");
  }
  result.stored += options.check_every;
  return run.Store(static_cast<uint32_t>(result.stored - options.check_every), options.check_every,
                   tally);
}

}  // namespace

absl::StatusOr<FillResult> FillUntilEviction(const Options& options, LoadRun& run) {
  auto client =
      StatsClient::Connect(options.server, static_cast<int>(options.reply_timeout_seconds * 1000));
  if (!client.ok()) return client.status();
  FillResult result;
  absl::Status status = Look(options, *client, result);
  if (status.ok() && (result.items > 0 || result.evictions > 0)) {
    status = absl::FailedPreconditionError("the server to fill is not empty");
  }
  const uint64_t start_ns = MonotonicNs();
  uint64_t next_line_ns = start_ns + kProgressEveryNs;
  const auto tally = std::make_unique<Tally>();
  while (status.ok() && result.evictions == 0) {
    status = StoreMore(options, run, *tally, result);
    if (status.ok()) status = Look(options, *client, result);
    if (status.ok() && tally->errors > 0 && result.evictions == 0) {
      status = absl::ResourceExhaustedError(
          absl::StrCat("the server refuses items and does not evict: ", tally->first_error));
    }
    if (!options.quiet && MonotonicNs() > next_line_ns) {
      std::fprintf(stderr, "fill     %9" PRIu64 " items\n", result.items);
      next_line_ns += kProgressEveryNs;
    }
  }
  if (!status.ok()) return status;
  result.seconds = static_cast<double>(MonotonicNs() - start_ns) * 1e-9;
  return result;
}

}  // namespace larder::bench
