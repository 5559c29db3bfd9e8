#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The binary protocol from a client's side, for tests: its own words, so that a mistake in larder's
// encoder is not made twice.

namespace larder::binary {

struct BinaryRequestPacket {
  uint8_t opcode = 0;
  std::string extras = {};
  std::string key = {};
  std::string value = {};
  uint64_t cas = 0;
  std::string opaque = "OPAQ";  // four bytes

  std::string Bytes() const;
};

struct BinaryReplyPacket {
  uint8_t opcode = 0;
  uint16_t status = 0;
  std::string extras;
  std::string key;
  std::string value;
  std::string opaque;
  uint64_t cas = 0;
};

// `bytes` big-endian bytes.
std::string BigEndian(uint64_t number, size_t bytes);

// The packets of `reply`; fails the test if it is not whole packets with good headers.
std::vector<BinaryReplyPacket> ParseBinaryReplies(std::string_view reply);

// What matters of the packets, one after the other: "<opcode> <status> [key ]<value>", numbers in
// hex and "; " between packets.
std::string Summary(std::string_view reply);

// Requests with the usual extras.
std::string Get(std::string_view key, uint8_t opcode = 0x00);
std::string Store(std::string_view key, std::string_view value, uint8_t opcode = 0x01,
                  uint64_t cas = 0, uint32_t flags = 0, uint32_t expiry = 0);
std::string Extend(std::string_view key, std::string_view value, uint8_t opcode = 0x0e,
                   uint64_t cas = 0);
std::string Delete(std::string_view key, uint8_t opcode = 0x04, uint64_t cas = 0);
std::string Increment(std::string_view key, uint64_t delta, uint64_t initial = 0,
                      uint32_t expiry = 0xffffffff, uint8_t opcode = 0x05, uint64_t cas = 0);
std::string Touch(std::string_view key, uint32_t expiry, uint8_t opcode = 0x1c);
std::string Plain(uint8_t opcode);

}  // namespace larder::binary
