#pragma once

#include <cstdint>

#include "bench/load/random.h"

namespace larder::bench {

// Ranks 1..n with probability proportional to 1 / rank^theta, for any theta >= 0, in constant
// time and without a table. See zipf.cc for how.
//
// Immutable once made: threads may share one and bring their own Random.
class ZipfSampler {
 public:
  struct Shape {
    uint32_t ranks;  // at least 1
    double theta;    // at least 0; 0 is uniform, 0.99 is YCSB's, above 1 is steeper
  };

  explicit ZipfSampler(Shape shape);

  // A rank in [1, ranks].
  uint32_t Sample(Random& random) const;

 private:
  double Density(double x) const;
  double Integral(double x) const;
  double InverseOfIntegral(double y) const;

  double ranks_;
  double theta_;
  double integral_first_;  // the integral at 1.5, less the whole weight of rank 1
  double integral_last_;   // the integral at ranks + 0.5
  double surely_inside_;   // nearer to the rank than this needs no test: see Sample()
};

}  // namespace larder::bench
