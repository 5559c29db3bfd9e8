#include "tests/engine/binary_client.h"

#include "gtest/gtest.h"

namespace larder::binary {
namespace {

constexpr size_t kHeaderBytes = 24;

uint64_t Number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

}  // namespace

std::string BigEndian(uint64_t number, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = bytes; i > 0; --i, number >>= 8) text[i - 1] = static_cast<char>(number);
  return text;
}

std::string BinaryRequestPacket::Bytes() const {
  return BigEndian(0x80, 1) + BigEndian(opcode, 1) + BigEndian(key.size(), 2) +
         BigEndian(extras.size(), 1) + BigEndian(0, 3) +
         BigEndian(extras.size() + key.size() + value.size(), 4) + opaque + BigEndian(cas, 8) +
         extras + key + value;
}

std::vector<BinaryReplyPacket> ParseBinaryReplies(std::string_view reply) {
  std::vector<BinaryReplyPacket> packets;
  while (!reply.empty()) {
    const size_t body = reply.size() < kHeaderBytes ? SIZE_MAX : Number(reply.substr(8, 4));
    const size_t key = body == SIZE_MAX ? 0 : Number(reply.substr(2, 2));
    const size_t extras = body == SIZE_MAX ? 0 : Number(reply.substr(4, 1));
    if (body == SIZE_MAX || reply.size() - kHeaderBytes < body || key + extras > body ||
        reply[0] != '\x81' || reply[5] != 0) {
      ADD_FAILURE() << "no packet: " << testing::PrintToString(std::string(reply.substr(0, 100)));
      return packets;
    }
    const std::string_view rest = reply.substr(kHeaderBytes, body);
    packets.push_back({.opcode = static_cast<uint8_t>(reply[1]),
                       .status = static_cast<uint16_t>(Number(reply.substr(6, 2))),
                       .extras = std::string(rest.substr(0, extras)),
                       .key = std::string(rest.substr(extras, key)),
                       .value = std::string(rest.substr(extras + key)),
                       .opaque = std::string(reply.substr(12, 4)),
                       .cas = Number(reply.substr(16, 8))});
    reply.remove_prefix(kHeaderBytes + body);
  }
  return packets;
}

std::string Summary(std::string_view reply) {
  std::string summary;
  for (const BinaryReplyPacket& packet : ParseBinaryReplies(reply)) {
    char numbers[16];
    std::snprintf(numbers, sizeof(numbers), "%02x %02x", packet.opcode, packet.status);
    if (!summary.empty()) summary += "; ";
    summary += numbers;
    if (!packet.key.empty()) summary += " " + packet.key;
    if (!packet.value.empty()) summary += " " + packet.value;
  }
  return summary;
}

std::string Get(std::string_view key, uint8_t opcode) {
  return BinaryRequestPacket{.opcode = opcode, .key = std::string(key)}.Bytes();
}

std::string Store(std::string_view key, std::string_view value, uint8_t opcode, uint64_t cas,
                  uint32_t flags, uint32_t expiry) {
  return BinaryRequestPacket{.opcode = opcode,
                             .extras = BigEndian(flags, 4) + BigEndian(expiry, 4),
                             .key = std::string(key),
                             .value = std::string(value),
                             .cas = cas}
      .Bytes();
}

std::string Extend(std::string_view key, std::string_view value, uint8_t opcode, uint64_t cas) {
  return BinaryRequestPacket{
      .opcode = opcode, .key = std::string(key), .value = std::string(value), .cas = cas}
      .Bytes();
}

std::string Delete(std::string_view key, uint8_t opcode, uint64_t cas) {
  return BinaryRequestPacket{.opcode = opcode, .key = std::string(key), .cas = cas}.Bytes();
}

std::string Increment(std::string_view key, uint64_t delta, uint64_t initial, uint32_t expiry,
                      uint8_t opcode, uint64_t cas) {
  return BinaryRequestPacket{
      .opcode = opcode,
      .extras = BigEndian(delta, 8) + BigEndian(initial, 8) + BigEndian(expiry, 4),
      .key = std::string(key),
      .cas = cas}
      .Bytes();
}

std::string Touch(std::string_view key, uint32_t expiry, uint8_t opcode) {
  return BinaryRequestPacket{
      .opcode = opcode, .extras = BigEndian(expiry, 4), .key = std::string(key)}
      .Bytes();
}

std::string Plain(uint8_t opcode) { return BinaryRequestPacket{.opcode = opcode}.Bytes(); }

}  // namespace larder::binary
