#pragma once

#include <cstdint>

namespace larder::bench {

// Spreads every bit of `x` over all 64: the finaliser of SplitMix64. A bijection.
inline uint64_t MixBits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). A
// load generator draws a number or two for each request and shares the machine with the server it
// measures: this costs about a nanosecond, and its 64 bits of state are plenty here.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() { return MixBits(state_ += 0x9e3779b97f4a7c15ULL); }

  // Uniform in [0, bound). The multiplication's bias is below bound / 2^32 of a part and is left.
  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>(((Next() >> 32) * uint64_t{bound}) >> 32);
  }

  // Uniform in [0, 1), all 53 bits of the mantissa.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace larder::bench
