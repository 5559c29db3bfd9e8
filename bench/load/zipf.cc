// Zipf's distribution by rejection-inversion
//
// The popularity of keys in caches is close to Zipf's law: the key of rank k is asked for with a
// probability proportional to 1 / k^theta. The usual generator (that of YCSB, after Gray et al.)
// works for theta < 1 only and is an approximation; tables of cumulated weights need a binary
// search through memory that the caches would rather have for something else.
//
// Hoermann and Derflinger ("Rejection-inversion to generate variates from monotone discrete
// distributions", ACM TOMACS 6(3), 1996) draw from the continuous density h(x) = x^-theta instead,
// whose integral H can be inverted in closed form, and round the result to a whole number k. The
// area under h over [k - 1/2, k + 1/2] is at least h(k), as h is convex. So a draw y, uniform over
// H's range, is accepted when it falls in the part of size h(k) at the upper end of k's area:
//
//     y >= H(k + 1/2) - h(k)
//
// and drawn again otherwise, which is exact. Few draws are thrown away (at most about one in ten,
// nearly none for large k), and most are accepted without computing h and H at all: when x lies
// within `surely_inside_` above or below k the test is known to hold for every k > 1. The first
// rank's area is cut to exactly h(1) by beginning the range of y at H(3/2) - h(1).
//
// H(x) = (x^(1-theta) - 1) / (1 - theta), and log(x) for theta = 1. Both are written through
// expm1(t)/t and log1p(t)/t, which pass through t = 0 smoothly; theta = 1 is no special case and
// theta = 1 +- 1e-9 loses no digits.
#include "bench/load/zipf.h"

#include <algorithm>
#include <cmath>

namespace larder::bench {
namespace {

// Below this the first terms of the series are exact to the last bit of a double.
constexpr double kSeriesBelow = 1e-8;

double ExpMinusOneOver(double t) {
  return std::abs(t) > kSeriesBelow ? std::expm1(t) / t : 1 + t / 2;
}

double LogOnePlusOver(double t) {
  return std::abs(t) > kSeriesBelow ? std::log1p(t) / t : 1 - t / 2;
}

}  // namespace

ZipfSampler::ZipfSampler(Shape shape)
    : ranks_(shape.ranks),
      theta_(shape.theta),
      integral_first_(Integral(1.5) - 1),
      integral_last_(Integral(ranks_ + 0.5)),
      surely_inside_(2 - InverseOfIntegral(Integral(2.5) - Density(2))) {}

double ZipfSampler::Density(double x) const { return std::exp(-theta_ * std::log(x)); }

double ZipfSampler::Integral(double x) const {
  const double log_x = std::log(x);
  return ExpMinusOneOver((1 - theta_) * log_x) * log_x;
}

double ZipfSampler::InverseOfIntegral(double y) const {
  // Rounding may carry t below -1, where the logarithm has no value.
  const double t = std::max(y * (1 - theta_), -1.0);
  return std::exp(LogOnePlusOver(t) * y);
}

uint32_t ZipfSampler::Sample(Random& random) const {
  for (;;) {
    const double y = integral_last_ + random.Unit() * (integral_first_ - integral_last_);
    const double x = InverseOfIntegral(y);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, ranks_);
    if (rank - x <= surely_inside_ || y >= Integral(rank + 0.5) - Density(rank)) {
      return static_cast<uint32_t>(rank);
    }
  }
}

}  // namespace larder::bench
