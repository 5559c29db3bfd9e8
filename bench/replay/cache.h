#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "bench/load/keys.h"
#include "bench/replay/request.h"

namespace larder::bench {

// What came of requests.
struct Counts {
  uint64_t gets = 0;
  uint64_t misses = 0;
  uint64_t refused = 0;  // sets, as there was no memory or the value was too large

  double MissRatio() const {
    return gets == 0 ? 0 : static_cast<double>(misses) / static_cast<double>(gets);
  }
  Counts& operator+=(const Counts& other) {
    gets += other.gets;
    misses += other.misses;
    refused += other.refused;
    return *this;
  }
};

// Who is asked, and told what was not there.
class Cache {
 public:
  virtual ~Cache() = default;

  // Does `requests`, cache-aside, and adds to `counts`.
  virtual absl::Status Do(std::span<const Request> requests, Counts& counts) = 0;

  // By how much its process has grown since the cache was there and empty; of the store in this
  // process, since before it was there.
  virtual absl::StatusOr<uint64_t> ResidentBytes() const = 0;
};

// Values of every size up to the largest, all the same bytes: nobody looks at them.
class Filler {
 public:
  std::string_view Of(uint32_t bytes) {
    if (bytes > bytes_.size()) bytes_.resize(bytes, 'v');
    return std::string_view(bytes_).substr(0, bytes);
  }

 private:
  std::string bytes_;
};

}  // namespace larder::bench
