#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

// Numbers on the wire: big-endian, at any address.

namespace larder {

static_assert(std::endian::native == std::endian::little);

constexpr uint16_t SwapBytes(uint16_t number) { return __builtin_bswap16(number); }
constexpr uint32_t SwapBytes(uint32_t number) { return __builtin_bswap32(number); }
constexpr uint64_t SwapBytes(uint64_t number) { return __builtin_bswap64(number); }

template <std::unsigned_integral Number>
Number LoadBigEndian(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof(number));
  return SwapBytes(number);
}

// Returns the end of what was written.
template <std::unsigned_integral Number>
char* StoreBigEndian(char* to, Number number) {
  number = SwapBytes(number);
  std::memcpy(to, &number, sizeof(number));
  return to + sizeof(number);
}

}  // namespace larder
