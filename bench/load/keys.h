#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "bench/load/random.h"
#include "bench/load/zipf.h"

namespace larder::bench {

inline constexpr size_t kKeyBytesMin = 8;
inline constexpr size_t kKeyBytesMax = 250;
inline constexpr uint32_t kKeyCountMax = 100'000'000;

// The eight decimal digits of `number`, below 10^8, as the bytes of a little-endian word. All
// eight are divided out at once: in halves of four digits, then pairs, then single digits, each
// step a multiplication by the reciprocal over all lanes.
inline uint64_t EightDigits(uint32_t number) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t fours = (number / 10'000) | (uint64_t{number % 10'000} << 32);
  const uint64_t hundreds = ((fours * 10'486) >> 20) & 0x0000007f'0000007fULL;
  const uint64_t twos = hundreds + ((fours - 100 * hundreds) << 16);
  const uint64_t tens = ((twos * 103) >> 10) & 0x000f'000f'000f'000fULL;
  return (tens + ((twos - 10 * tens) << 8)) | 0x3030303030303030ULL;
}

// The key of each id: "key-", zeros and the id in eight digits at the end, all keys of one length.
// Making one is cheaper than fetching it from a table of millions, so there is no table.
class KeyFormat {
 public:
  // `key_bytes` in [kKeyBytesMin, kKeyBytesMax].
  explicit KeyFormat(size_t key_bytes)
      : prefix_(std::string_view("key-").substr(0, key_bytes - kKeyBytesMin)) {
    prefix_.resize(key_bytes - kKeyBytesMin, '0');
  }

  size_t key_bytes() const { return prefix_.size() + kKeyBytesMin; }

  // Writes key_bytes() bytes at `to` and returns the position behind them. `id` < kKeyCountMax.
  char* Write(uint32_t id, char* to) const {
    std::memcpy(to, prefix_.data(), prefix_.size());
    const uint64_t digits = EightDigits(id);
    std::memcpy(to + prefix_.size(), &digits, sizeof(digits));
    return to + key_bytes();
  }

  std::string Key(uint32_t id) const {
    std::string key(key_bytes(), '\0');
    Write(id, key.data());
    return key;
  }

 private:
  std::string prefix_;
};

struct KeyDistribution {
  bool zipf = false;
  double theta = 0;  // of Zipf's law
};

// "uniform" or "zipf:THETA".
absl::StatusOr<KeyDistribution> ParseKeyDistribution(std::string_view text);

// Draws ids in [0, key_count). Immutable: threads share one and bring their own Random.
class KeySampler {
 public:
  // `key_count` in [1, kKeyCountMax].
  KeySampler(uint32_t key_count, KeyDistribution distribution);

  uint32_t Sample(Random& random) const {
    if (!is_zipf_) return random.Below(key_count_);
    return IdOfRank(zipf_.Sample(random));
  }

  // A bijection from ranks, 1 the most popular, to ids. Items lie in memory in the order in which
  // they were stored, which is that of the ids: without it all popular items would be neighbours,
  // on a few pages, as they are in no real cache.
  uint32_t IdOfRank(uint32_t rank) const {
    return static_cast<uint32_t>(uint64_t{rank - 1} * stride_ % key_count_);
  }

 private:
  uint32_t key_count_;
  uint32_t stride_;  // has no divisor in common with key_count_
  bool is_zipf_;
  ZipfSampler zipf_;
};

}  // namespace larder::bench
