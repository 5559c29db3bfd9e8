#include "protocol/binary_parser.h"

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "protocol/big_endian.h"

namespace larder {
namespace {

constexpr uint32_t kOpaque = 0x01020304;

// A packet as a client would write it; the lengths can be made wrong.
struct Packet {
  uint8_t opcode = 0;
  std::string extras;
  std::string key;
  std::string value;
  uint64_t cas = 0;
  int64_t body_bytes = -1;  // -1: what extras, key and value have
  uint8_t magic = kBinaryRequestMagic;

  std::string Bytes() const {
    std::string bytes(kBinaryHeaderBytes, '\0');
    char* const at = bytes.data();
    at[0] = static_cast<char>(magic);
    at[1] = static_cast<char>(opcode);
    StoreBigEndian(at + 2, static_cast<uint16_t>(key.size()));
    at[4] = static_cast<char>(extras.size());
    const size_t body = extras.size() + key.size() + value.size();
    StoreBigEndian(at + 8, static_cast<uint32_t>(body_bytes < 0 ? body : body_bytes));
    std::memcpy(at + 12, &kOpaque, sizeof(kOpaque));
    StoreBigEndian(at + 16, cas);
    return bytes + extras + key + value;
  }
};

std::string Number32(uint32_t number) {
  std::string bytes(sizeof(number), '\0');
  StoreBigEndian(bytes.data(), number);
  return bytes;
}

std::string Number64(uint64_t number) {
  std::string bytes(sizeof(number), '\0');
  StoreBigEndian(bytes.data(), number);
  return bytes;
}

// Copied to exactly its size, so that reading past its end is seen.
struct Parsed {
  explicit Parsed(const std::string& bytes) : input(bytes.begin(), bytes.end()) {
    result = ParseBinaryRequest({input.data(), input.size()}, &request);
  }
  std::vector<char> input;
  Request request;
  BinaryParseResult result;
};

TEST(BinaryParser, ReadsASet) {
  const std::string bytes = Packet{.opcode = 0x01,
                                   .extras = Number32(0xdeadbeef) + Number32(0xffffffff),
                                   .key = "key",
                                   .value = "value",
                                   .cas = 0x0102030405060708}
                                .Bytes();
  const Parsed parsed(bytes);
  ASSERT_EQ(parsed.result.status, BinaryParseStatus::kRequest);
  EXPECT_EQ(parsed.result.consumed, bytes.size() - 5);
  const Request& request = parsed.request;
  EXPECT_EQ(request.command, Command::kSet);
  EXPECT_FALSE(request.noreply);
  EXPECT_EQ(request.key, "key");
  EXPECT_EQ(request.value_bytes, 5u);
  EXPECT_EQ(request.client_flags, 0xdeadbeefu);
  EXPECT_EQ(request.exptime, 0xffffffff);  // a date, and not before all time
  EXPECT_EQ(request.cas, 0x0102030405060708u);
  EXPECT_EQ(request.opaque, kOpaque);
  EXPECT_EQ(request.opcode, 0x01);
}

TEST(BinaryParser, ReadsAnIncrement) {
  const auto increment = [](uint32_t expiry) {
    return Parsed(
        Packet{.opcode = 0x15, .extras = Number64(5) + Number64(7) + Number32(expiry), .key = "n"}
            .Bytes());
  };
  const Parsed creating = increment(100);
  ASSERT_EQ(creating.result.status, BinaryParseStatus::kRequest);
  EXPECT_EQ(creating.request.command, Command::kIncrement);
  EXPECT_TRUE(creating.request.noreply);
  EXPECT_EQ(creating.request.number, 5u);
  EXPECT_TRUE(creating.request.create);
  EXPECT_EQ(creating.request.initial, 7u);
  EXPECT_EQ(creating.request.exptime, 100);
  EXPECT_FALSE(increment(0xffffffff).request.create);
  EXPECT_TRUE(increment(0xfffffffe).request.create);
}

// Every opcode that there is, with the parts that it must have.
TEST(BinaryParser, KnowsTheOpcodes) {
  struct Known {
    Command command;
    bool quiet;
    size_t extras;
    bool key;
    bool value;
  };
  std::array<std::optional<Known>, 256> opcodes;
  const auto know = [&](uint8_t opcode, uint8_t quiet, Command command, size_t extras, bool key,
                        bool value = false) {
    opcodes[opcode] = Known{command, false, extras, key, value};
    if (quiet != 0) opcodes[quiet] = Known{command, true, extras, key, value};
  };
  know(0x00, 0x09, Command::kGet, 0, true);
  know(0x0c, 0x0d, Command::kGet, 0, true);
  know(0x01, 0x11, Command::kSet, 8, true, true);
  know(0x02, 0x12, Command::kAdd, 8, true, true);
  know(0x03, 0x13, Command::kReplace, 8, true, true);
  know(0x04, 0x14, Command::kDelete, 0, true);
  know(0x05, 0x15, Command::kIncrement, 20, true);
  know(0x06, 0x16, Command::kDecrement, 20, true);
  know(0x07, 0x17, Command::kQuit, 0, false);
  know(0x08, 0x18, Command::kFlushAll, 0, false);
  know(0x0a, 0, Command::kNoop, 0, false);
  know(0x0b, 0, Command::kVersion, 0, false);
  know(0x0e, 0x19, Command::kAppend, 0, true, true);
  know(0x0f, 0x1a, Command::kPrepend, 0, true, true);
  know(0x10, 0, Command::kStats, 0, false);
  know(0x1c, 0, Command::kTouch, 4, true);
  know(0x1d, 0x1e, Command::kGat, 4, true);
  know(0x23, 0x24, Command::kGat, 4, true);
  know(0x20, 0, Command::kSaslList, 0, false);
  know(0x21, 0, Command::kSaslAuth, 0, true, true);
  know(0x22, 0, Command::kSaslStep, 0, true, true);
  for (size_t opcode = 0; opcode < opcodes.size(); ++opcode) {
    SCOPED_TRACE(opcode);
    const std::optional<Known>& known = opcodes[opcode];
    Packet packet = {.opcode = static_cast<uint8_t>(opcode)};
    if (!known) {
      EXPECT_EQ(Parsed(packet.Bytes()).result.refusal, BinaryRefusal::kUnknownCommand);
      continue;
    }
    packet.extras = std::string(known->extras, 'x');
    packet.key = known->key ? "k" : "";
    packet.value = known->value ? "v" : "";
    const Parsed good(packet.Bytes());
    ASSERT_EQ(good.result.status, BinaryParseStatus::kRequest);
    EXPECT_EQ(good.request.command, known->command);
    EXPECT_EQ(good.request.noreply, known->quiet);
    EXPECT_EQ(good.request.value_bytes, known->value ? 1u : 0u);
    Packet more_extras = packet;
    more_extras.extras += 'x';
    EXPECT_EQ(Parsed(more_extras.Bytes()).result.refusal, BinaryRefusal::kBadArguments);
    Packet other_key = packet;
    other_key.key = known->key ? "" : "k";
    const bool any_key = known->command == Command::kStats;
    EXPECT_EQ(Parsed(other_key.Bytes()).result.status,
              any_key ? BinaryParseStatus::kRequest : BinaryParseStatus::kRefused);
  }
}

TEST(BinaryParser, AFlushMayHaveADelay) {
  const Parsed delayed(Packet{.opcode = 0x08, .extras = Number32(10)}.Bytes());
  ASSERT_EQ(delayed.result.status, BinaryParseStatus::kRequest);
  EXPECT_EQ(delayed.request.exptime, 10);
  EXPECT_EQ(Parsed(Packet{.opcode = 0x08, .extras = "123"}.Bytes()).result.status,
            BinaryParseStatus::kRefused);
  EXPECT_EQ(
      Parsed(Packet{.opcode = 0x08, .extras = Number32(10), .value = "x"}.Bytes()).result.status,
      BinaryParseStatus::kRefused);
}

TEST(BinaryParser, WaitsForHeaderExtrasAndKey) {
  const std::string bytes =
      Packet{.opcode = 0x01, .extras = std::string(8, 'x'), .key = "key", .value = "value"}.Bytes();
  const size_t prefix = bytes.size() - 5;
  for (size_t size = 0; size < prefix; ++size) {
    const Parsed parsed(bytes.substr(0, size));
    ASSERT_EQ(parsed.result.status, BinaryParseStatus::kNeedMore) << size;
    EXPECT_EQ(parsed.result.need_bytes, size < kBinaryHeaderBytes ? kBinaryHeaderBytes : prefix);
    EXPECT_EQ(parsed.result.consumed, 0u);
  }
  EXPECT_EQ(Parsed(bytes.substr(0, prefix)).result.status, BinaryParseStatus::kRequest);
}

TEST(BinaryParser, KeysOfAllLengths) {
  EXPECT_EQ(Parsed(Packet{.key = std::string(250, '\0')}.Bytes()).result.status,
            BinaryParseStatus::kRequest);
  const Parsed parsed(Packet{.key = std::string(251, 'k')}.Bytes());
  EXPECT_EQ(parsed.result.status, BinaryParseStatus::kRefused);
  EXPECT_EQ(parsed.result.refusal, BinaryRefusal::kBadArguments);
  // Whatever it is: even a command that is not known.
  EXPECT_EQ(Parsed(Packet{.opcode = 0x77, .key = std::string(251, 'k')}.Bytes()).result.refusal,
            BinaryRefusal::kBadArguments);
}

TEST(BinaryParser, ABodyShorterThanItsPartsIsNone) {
  for (const int64_t body_bytes : {0, 1, 10}) {
    const Parsed parsed(Packet{
        .opcode = 0x77, .extras = std::string(8, 'x'), .key = "key", .body_bytes = body_bytes}
                            .Bytes());
    EXPECT_EQ(parsed.result.status, BinaryParseStatus::kRefused);
    EXPECT_EQ(parsed.result.refusal, BinaryRefusal::kBadLengths);
    EXPECT_EQ(parsed.request.opcode, 0x77);
    EXPECT_EQ(parsed.request.opaque, kOpaque);
  }
}

// As many bytes as the body has, though extras and key were read already.
TEST(BinaryParser, AnUnknownCommandTakesItsBodyTwice) {
  const Parsed parsed(
      Packet{.opcode = 0x1b, .extras = "1234", .key = "k", .value = "value"}.Bytes());
  EXPECT_EQ(parsed.result.refusal, BinaryRefusal::kUnknownCommand);
  EXPECT_EQ(parsed.result.consumed, kBinaryHeaderBytes + 5);
  EXPECT_EQ(parsed.result.swallow_bytes, 10u);
}

TEST(BinaryParser, WhatTouchAndStatLeaveIsTheNextRequest) {
  for (const auto& [opcode, extras] : {std::pair{0x1c, 4}, {0x1d, 4}, {0x24, 4}, {0x10, 0}}) {
    const Parsed parsed(Packet{.opcode = static_cast<uint8_t>(opcode),
                               .extras = std::string(static_cast<size_t>(extras), 'x'),
                               .key = "key",
                               .value = "rest"}
                            .Bytes());
    ASSERT_EQ(parsed.result.status, BinaryParseStatus::kRequest);
    EXPECT_EQ(parsed.result.consumed, parsed.input.size() - 4);
    EXPECT_EQ(parsed.request.value_bytes, 0u);
  }
}

TEST(BinaryParser, AnotherMagicIsNoRequest) {
  for (const uint8_t magic : {0x00, 0x81, 0x67}) {
    EXPECT_EQ(Parsed(Packet{.magic = magic}.Bytes()).result.status, BinaryParseStatus::kNotBinary);
  }
}

}  // namespace
}  // namespace larder
