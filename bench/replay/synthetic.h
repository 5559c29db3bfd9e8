#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"

#include "bench/load/random.h"
#include "bench/load/values.h"
#include "bench/load/zipf.h"
#include "bench/replay/request.h"

namespace larder::bench {

// Requests by Zipf's law, and what may come between them.
struct SyntheticSpec {
  uint64_t requests = 20'000'000;
  uint32_t keys = 1'000'000;
  double theta = 0.99;
  uint32_t requests_per_second = 10'000;  // of the load's own time
  // The share of requests for keys that are asked for this one time only.
  double one_hit_wonders = 0;
  // After each `scan_every` requests, `scan_keys` keys are asked for one after the other, each time
  // the same, which nobody else asks for. The requests of a scan count as such too. 0: no scans.
  uint32_t scan_keys = 0;
  uint64_t scan_every = 0;
  // After each so many requests a key that was the least popular becomes the most popular one, and
  // all others go down by one rank. 0: popularity stays.
  uint64_t drift_every = 0;
  // In the second half of the run the keys are others, and their values have these sizes. None: it
  // is as the first.
  std::optional<ValueSizeSpec> later_value_sizes;
  ValueSizeSpec value_sizes;
  uint64_t seed = 1;
};

// Why there is no such load; OK if there is.
absl::Status Check(const SyntheticSpec& spec);

class SyntheticLoad : public Load {
 public:
  // `spec` has passed Check().
  explicit SyntheticLoad(const SyntheticSpec& spec);

  uint64_t requests() const override { return spec_.requests; }
  Request Next() override;

 private:
  bool InSecondHalf() const { return done_ >= (spec_.requests + 1) / 2; }
  uint32_t NextKey();
  uint32_t PopularKey();

  const SyntheticSpec spec_;
  const ZipfSampler zipf_;
  const ValueSource sizes_;
  const ValueSource later_sizes_;
  Random random_;
  uint64_t done_ = 0;
  uint32_t scan_left_ = 0;  // keys of the scan under way
  uint32_t one_hit_wonders_ = 0;
};

}  // namespace larder::bench
