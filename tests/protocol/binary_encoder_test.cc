#include "protocol/binary_encoder.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace larder {
namespace {

TEST(BinaryEncoder, WritesAHeader) {
  uint32_t opaque = 0;
  std::memcpy(&opaque, "OPAQ", sizeof(opaque));
  std::string header(kBinaryHeaderBytes, 'x');
  char* const end = EncodeBinaryHeader(header.data(), {.opcode = 0x0c,
                                                       .opaque = opaque,
                                                       .status = BinaryStatus::kUnknownCommand,
                                                       .extras_bytes = 4,
                                                       .key_bytes = 0x0102,
                                                       .value_bytes = 0x03040506,
                                                       .cas = 0x1112131415161718});
  EXPECT_EQ(end, header.data() + header.size());
  using std::string_literals::operator""s;
  EXPECT_EQ(header,
            "\x81\x0c\x01\x02\x04\x00\x00\x81"
            "\x03\x04\x06\x0c"
            "OPAQ"
            "\x11\x12\x13\x14\x15\x16\x17\x18"s);
}

TEST(BinaryEncoder, WritesFlagsAndNumbers) {
  std::string bytes(12, 'x');
  char* const end = EncodeBinaryNumber(EncodeBinaryFlags(bytes.data(), 0x01020304), 0x11121314);
  EXPECT_EQ(end, bytes.data() + bytes.size());
  using std::string_literals::operator""s;
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x00\x00\x00\x00\x11\x12\x13\x14"s);
}

TEST(BinaryEncoder, SaysErrorsInMemcachedsWords) {
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kNotFound), "Not found");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kExists), "Data exists for key.");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kTooLarge), "Too large.");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kInvalidArguments), "Invalid arguments");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kNotStored), "Not stored.");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kNotNumber),
            "Non-numeric server-side value for incr or decr");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kAuthError), "Auth failure.");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kUnknownCommand), "Unknown command");
  EXPECT_EQ(BinaryErrorText(BinaryStatus::kNoMemory), "Out of memory");
}

}  // namespace
}  // namespace larder
