#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/load/keys.h"
#include "bench/load/values.h"

namespace larder::bench {

struct WorkloadSpec {
  uint32_t key_count = 100'000;
  size_t key_bytes = 24;
  ValueSizeSpec value_sizes;
  KeyDistribution distribution;
  uint32_t keys_per_get = 1;
  // Requests are gets with a probability of get_weight / (get_weight + set_weight).
  uint32_t get_weight = 1;
  uint32_t set_weight = 0;
  bool meta_gets = false;            // "mg KEY v" instead of "get KEY"
  bool verify_whole_values = false;  // else large ones by samples: see ReplyReader
};

// What is asked for: the keys, their values and how both are drawn. Immutable once made; all
// threads share one.
struct Workload {
  explicit Workload(const WorkloadSpec& its_spec)
      : spec(its_spec),
        key_format(spec.key_bytes),
        sampler(spec.key_count, spec.distribution),
        values(spec.value_sizes) {}

  const WorkloadSpec spec;
  const KeyFormat key_format;
  const KeySampler sampler;
  const ValueSource values;
};

}  // namespace larder::bench
