// The numbers of the keys, from 0: those of Zipf's law; those that take their place in the second
// half; those of the scans; and those asked for once, without end.
#include "bench/replay/synthetic.h"

#include "absl/strings/str_cat.h"

#include "bench/load/keys.h"

namespace larder::bench {

absl::Status Check(const SyntheticSpec& spec) {
  if (spec.scan_keys > 0 && spec.scan_every <= spec.scan_keys) {
    return absl::InvalidArgumentError("a scan must have ended when the next one begins");
  }
  const double keys = 2.0 * spec.keys + spec.scan_keys +
                      static_cast<double>(spec.requests) * spec.one_hit_wonders * 1.01;
  if (keys <= kKeyCountMax) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("that may be more than ", kKeyCountMax, " keys"));
}

SyntheticLoad::SyntheticLoad(const SyntheticSpec& spec)
    : spec_(spec),
      zipf_({.ranks = spec.keys, .theta = spec.theta}),
      sizes_(spec.value_sizes),
      later_sizes_(spec.later_value_sizes.value_or(spec.value_sizes)),
      random_(spec.seed) {}

Request SyntheticLoad::Next() {
  const uint32_t key = NextKey();
  const ValueSource& sizes = InSecondHalf() ? later_sizes_ : sizes_;
  const Request request = {.second = static_cast<uint32_t>(done_ / spec_.requests_per_second),
                           .key = key,
                           .value_bytes = sizes.BytesOf(key)};
  ++done_;
  return request;
}

uint32_t SyntheticLoad::NextKey() {
  const uint32_t first_scanned = 2 * spec_.keys;
  if (spec_.scan_keys > 0 && done_ > 0 && done_ % spec_.scan_every == 0) {
    scan_left_ = spec_.scan_keys;
  }
  if (scan_left_ > 0) return first_scanned + spec_.scan_keys - scan_left_--;
  if (spec_.one_hit_wonders > 0 && random_.Unit() < spec_.one_hit_wonders) {
    return first_scanned + spec_.scan_keys + one_hit_wonders_++;
  }
  return PopularKey();
}

uint32_t SyntheticLoad::PopularKey() {
  const uint64_t rank = zipf_.Sample(random_) - 1;
  const uint64_t moved = spec_.drift_every == 0 ? 0 : done_ / spec_.drift_every;
  const auto key = static_cast<uint32_t>((rank + spec_.keys - moved % spec_.keys) % spec_.keys);
  return spec_.later_value_sizes && InSecondHalf() ? spec_.keys + key : key;
}

}  // namespace larder::bench
