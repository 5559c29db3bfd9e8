#include "bench/load/keys.h"

#include <algorithm>
#include <numeric>

#include "bench/load/numbers.h"

namespace larder::bench {
namespace {

// Steps by the golden ratio spread consecutive ranks most evenly over the ids.
uint32_t CoprimeStride(uint32_t key_count) {
  constexpr double kGoldenRatio = 0.6180339887498949;
  auto stride = std::max(1U, static_cast<uint32_t>(key_count * kGoldenRatio));
  while (std::gcd(stride, key_count) != 1) ++stride;
  return stride;
}

}  // namespace

absl::StatusOr<KeyDistribution> ParseKeyDistribution(std::string_view text) {
  if (text == "uniform") return KeyDistribution{};
  constexpr std::string_view kZipf = "zipf:";
  if (text.starts_with(kZipf)) {
    const auto theta = ParseNumber<double>(text.substr(kZipf.size()));
    if (theta && *theta >= 0 && *theta <= 10) return KeyDistribution{.zipf = true, .theta = *theta};
  }
  return absl::InvalidArgumentError("a key distribution is uniform or zipf:THETA, THETA 0 to 10");
}

KeySampler::KeySampler(uint32_t key_count, KeyDistribution distribution)
    : key_count_(key_count),
      stride_(CoprimeStride(key_count)),
      is_zipf_(distribution.zipf),
      zipf_({.ranks = key_count, .theta = distribution.theta}) {}

}  // namespace larder::bench
