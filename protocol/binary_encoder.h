#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/binary_format.h"

// The binary protocol's replies, written into memory of the caller's.

namespace larder {

// What a reply's header says, but for its magic and data type.
struct BinaryReply {
  uint8_t opcode = 0;   // the request's
  uint32_t opaque = 0;  // the request's, as it stood there
  BinaryStatus status = BinaryStatus::kOk;
  uint8_t extras_bytes = 0;
  uint16_t key_bytes = 0;
  uint32_t value_bytes = 0;
  uint64_t cas = 0;
};

// Writes the kBinaryHeaderBytes of a reply's header and returns their end.
char* EncodeBinaryHeader(char* to, const BinaryReply& reply);

// The extras of a reply to a read: the item's client flags. Returns their end.
inline constexpr uint8_t kBinaryFlagsBytes = 4;
char* EncodeBinaryFlags(char* to, uint32_t client_flags);

// The value of a reply to incr or decr. Returns its end.
inline constexpr uint8_t kBinaryNumberBytes = 8;
char* EncodeBinaryNumber(char* to, uint64_t number);

// What an error's reply has for its value: memcached's words. Empty for kOk and kAuthContinue,
// which are no errors.
std::string_view BinaryErrorText(BinaryStatus status);

}  // namespace larder
