#pragma once

#include <cstdint>

namespace larder::bench {

enum class Op : uint8_t { kGet, kSet, kDelete };

// One request of a load. Whoever asks for a key in vain stores its value: a get that misses is
// followed by a set of as many bytes.
struct Request {
  uint32_t second = 0;  // since the load began
  uint32_t key = 0;     // its number, below kKeyCountMax
  uint32_t value_bytes = 0;
  uint32_t ttl_seconds = 0;  // of what is set; 0: it never expires
  Op op = Op::kGet;
};

// A sequence of requests that is the same each time it is made.
class Load {
 public:
  virtual ~Load() = default;

  // How often Next() may be called.
  virtual uint64_t requests() const = 0;
  virtual Request Next() = 0;
};

}  // namespace larder::bench
