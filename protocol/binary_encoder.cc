#include "protocol/binary_encoder.h"

#include <cstring>

#include "protocol/big_endian.h"

namespace larder {

char* EncodeBinaryHeader(char* to, const BinaryReply& reply) {
  constexpr char kRawBytes = 0;
  *to++ = static_cast<char>(kBinaryReplyMagic);
  *to++ = static_cast<char>(reply.opcode);
  to = StoreBigEndian(to, reply.key_bytes);
  *to++ = static_cast<char>(reply.extras_bytes);
  *to++ = kRawBytes;
  to = StoreBigEndian(to, static_cast<uint16_t>(reply.status));
  to = StoreBigEndian(to, reply.extras_bytes + reply.key_bytes + reply.value_bytes);
  std::memcpy(to, &reply.opaque, sizeof(reply.opaque));
  return StoreBigEndian(to + sizeof(reply.opaque), reply.cas);
}

char* EncodeBinaryFlags(char* to, uint32_t client_flags) {
  return StoreBigEndian(to, client_flags);
}

char* EncodeBinaryNumber(char* to, uint64_t number) { return StoreBigEndian(to, number); }

std::string_view BinaryErrorText(BinaryStatus status) {
  switch (status) {
    case BinaryStatus::kOk:
    case BinaryStatus::kAuthContinue:
      return "";
    case BinaryStatus::kNotFound:
      return "Not found";
    case BinaryStatus::kExists:
      return "Data exists for key.";
    case BinaryStatus::kTooLarge:
      return "Too large.";
    case BinaryStatus::kInvalidArguments:
      return "Invalid arguments";
    case BinaryStatus::kNotStored:
      return "Not stored.";
    case BinaryStatus::kNotNumber:
      return "Non-numeric server-side value for incr or decr";
    case BinaryStatus::kAuthError:
      return "Auth failure.";
    case BinaryStatus::kUnknownCommand:
      return "Unknown command";
    case BinaryStatus::kNoMemory:
      return "Out of memory";
  }
  return "";
}

}  // namespace larder
