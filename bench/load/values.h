#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "bench/load/random.h"

namespace larder::bench {

inline constexpr uint32_t kValueBytesMax = 64 << 20;

struct ValueSizeSpec {
  enum class Kind { kFixed, kUniform, kLogNormal };
  Kind kind = Kind::kFixed;
  uint32_t min = 100;
  uint32_t max = 100;  // inclusive; for kLogNormal where the distribution is cut off
  double median = 0;   // kLogNormal
  double sigma = 0;    // kLogNormal: of the natural logarithm
};

// "100", "10-2000" or "lognormal:MEDIAN,SIGMA,MAX", in bytes.
absl::StatusOr<ValueSizeSpec> ParseValueSizes(std::string_view text);

// The value of each id: its length and its bytes are functions of the id alone, so that any reply
// can be verified without remembering what was stored, whoever stored it.
//
// The bytes are a window of one block of random bytes (all 256 values, line ends among them), which
// begins at one of 4096 places that the id chooses. Sending needs no filling, verifying is a
// comparison of memory, and two keys' values differ (but for one pair in 4096).
//
// Immutable once made; threads share one.
class ValueSource {
 public:
  explicit ValueSource(const ValueSizeSpec& sizes);

  // Points into this object.
  std::string_view Of(uint32_t id) const {
    const uint64_t bits = MixBits(id + kIdSalt);
    return {block_.data() + (bits & (kWindows - 1)), SizeFrom(bits)};
  }

  // The size of Of(id).
  uint32_t BytesOf(uint32_t id) const { return SizeFrom(MixBits(id + kIdSalt)); }

  uint32_t max_bytes() const { return max_; }
  double mean_bytes() const;  // over all ids, without end

 private:
  static constexpr uint64_t kIdSalt = 0x6c61726465720000ULL;
  static constexpr size_t kWindows = 4096;
  static constexpr int kQuantileBits = 12;

  uint32_t SizeFrom(uint64_t bits) const {
    if (!quantiles_.empty()) return quantiles_[bits >> (64 - kQuantileBits)];
    return min_ + static_cast<uint32_t>(((bits >> 32) * (uint64_t{max_} - min_ + 1)) >> 32);
  }

  uint32_t min_;
  uint32_t max_;
  std::vector<uint32_t> quantiles_;  // for kLogNormal: 4096 sizes of equal probability
  std::string block_;
};

}  // namespace larder::bench
