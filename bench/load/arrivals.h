#pragma once

#include <cmath>
#include <cstdint>

#include "bench/load/random.h"

namespace larder::bench {

// When the requests of an open loop fall due, independently of how the server does: evenly spaced,
// or with exponentially distributed gaps (a Poisson process, as many independent users make it).
class ArrivalSchedule {
 public:
  struct Spec {
    double per_second;  // above 0
    bool even = false;
  };

  ArrivalSchedule(Spec spec, uint64_t start_ns, uint64_t seed)
      : gap_ns_(1e9 / spec.per_second),
        even_(spec.even),
        random_(seed),
        start_ns_(start_ns),
        offset_ns_(NextGap()) {}

  // The first request that is not taken yet.
  uint64_t next_ns() const { return start_ns_ + static_cast<uint64_t>(offset_ns_); }
  void Take() { offset_ns_ += NextGap(); }

 private:
  double NextGap() { return even_ ? gap_ns_ : -std::log1p(-random_.Unit()) * gap_ns_; }

  double gap_ns_;  // the mean
  bool even_;
  Random random_;
  uint64_t start_ns_;
  double offset_ns_;  // from the start: a sum of gaps, so that the mean rate has no rounding
};

}  // namespace larder::bench
