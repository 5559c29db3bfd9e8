#include "protocol/text_encoder.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace larder {
namespace {

// What `encode(to)` writes; checks that it stays within `bytes_max`.
template <typename Encode>
std::string Encoded(size_t bytes_max, Encode encode) {
  std::string text(bytes_max, '#');
  const char* end = encode(text.data());
  const auto bytes = static_cast<size_t>(end - text.data());
  EXPECT_LE(bytes, bytes_max);
  return text.substr(0, bytes);
}

TEST(EncodeNumber, WritesDecimalDigits) {
  for (const uint64_t number :
       {uint64_t{0}, uint64_t{7}, uint64_t{9}, uint64_t{10}, uint64_t{99}, uint64_t{100},
        uint64_t{4294967295}, uint64_t{4294967296}, UINT64_MAX - 1, UINT64_MAX}) {
    EXPECT_EQ(Encoded(kNumberBytesMax, [&](char* to) { return EncodeNumber(to, number); }),
              std::to_string(number));
  }
}

TEST(EncodeNumber, NeedsItsWholeMaximum) {
  EXPECT_EQ(std::to_string(UINT64_MAX).size(), kNumberBytesMax);
}

TEST(EncodeNumberReply, IsALine) {
  EXPECT_EQ(Encoded(kNumberReplyBytesMax, [](char* to) { return EncodeNumberReply(to, 42); }),
            "42\r\n");
  EXPECT_EQ(
      Encoded(kNumberReplyBytesMax, [](char* to) { return EncodeNumberReply(to, UINT64_MAX); }),
      "18446744073709551615\r\n");
}

std::string EncodedValueLine(const ValueLine& line) {
  return Encoded(kValueLineBytesMax, [&](char* to) { return EncodeValueLine(to, line); });
}

TEST(EncodeValueLine, WithoutToken) {
  EXPECT_EQ(EncodedValueLine({.key = "k", .client_flags = 0, .value_bytes = 3}), "VALUE k 0 3\r\n");
  EXPECT_EQ(EncodedValueLine({.key = "k", .client_flags = 12, .value_bytes = 0}),
            "VALUE k 12 0\r\n");
}

TEST(EncodeValueLine, WithToken) {
  EXPECT_EQ(EncodedValueLine({.key = "k", .client_flags = 1, .value_bytes = 2, .cas = 0}),
            "VALUE k 1 2 0\r\n");
  EXPECT_EQ(EncodedValueLine({.key = "k", .client_flags = 1, .value_bytes = 2, .cas = 77}),
            "VALUE k 1 2 77\r\n");
}

TEST(EncodeValueLine, KeyIsCopiedAsItIs) {
  const std::string_view key("a\0\t\xff", 4);
  const std::string line = EncodedValueLine({.key = key, .value_bytes = 1});
  EXPECT_EQ(line.substr(6, 4), key);
}

TEST(EncodeValueLine, LargestFitsAndNeedsItsWholeMaximum) {
  const std::string key(kRequestKeyBytesMax, 'k');
  const std::string line = EncodedValueLine(
      {.key = key, .client_flags = UINT32_MAX, .value_bytes = UINT32_MAX, .cas = UINT64_MAX});
  EXPECT_EQ(line.size(), kValueLineBytesMax);
}

TEST(EncodeStat, TextAndNumber) {
  EXPECT_EQ(Encoded(kStatOverheadBytes + 7 + 6,
                    [](char* to) { return EncodeStat(to, "version", "1.6.45"); }),
            "STAT version 1.6.45\r\n");
  EXPECT_EQ(Encoded(kStatOverheadBytes + 3 + kNumberBytesMax,
                    [](char* to) { return EncodeStat(to, "pid", UINT64_MAX); }),
            "STAT pid 18446744073709551615\r\n");
}

TEST(EncodeStat, NameAndValueMayBeEmpty) {
  EXPECT_EQ(
      Encoded(kStatOverheadBytes,
              [](char* to) { return EncodeStat(to, std::string_view(), std::string_view()); }),
      "STAT  \r\n");
}

TEST(Replies, AreLines) {
  for (const std::string_view reply :
       {kStoredReply, kNotStoredReply, kExistsReply, kNotFoundReply, kDeletedReply, kTouchedReply,
        kOkReply, kEndReply, kResetReply, kNoopReply, kUnknownReply, kBadDataReply, kNotNumberReply,
        kTooLargeReply, kNoMemoryToStoreReply, kNoMemoryReply}) {
    EXPECT_TRUE(reply.ends_with(kLineEnd)) << reply;
    EXPECT_EQ(reply.find('\n'), reply.size() - 1) << reply;
  }
}

}  // namespace
}  // namespace larder
