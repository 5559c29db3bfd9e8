#include "protocol/base64.h"

#include <string>

#include "gtest/gtest.h"

namespace larder {
namespace {

std::string Decoded(std::string_view text) {
  std::string bytes(Base64DecodedBytesMax(text.size()), '\0');
  bytes.resize(DecodeBase64(text, bytes.data()));
  return bytes;
}

std::string Encoded(std::string_view bytes) {
  std::string text(Base64EncodedBytes(bytes.size()), '\0');
  EXPECT_EQ(EncodeBase64(bytes, text.data()), text.data() + text.size());
  return text;
}

TEST(Base64Test, TheTextsOfTheStandard) {
  const std::pair<const char*, const char*> pairs[] = {
      {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : pairs) {
    EXPECT_EQ(Encoded(bytes), text);
    EXPECT_EQ(Decoded(text), bytes);
  }
  EXPECT_EQ(Encoded(""), "");
}

TEST(Base64Test, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(Decoded(Encoded(bytes)), bytes);
  EXPECT_EQ(Encoded("\xfb\xff"), "+/8=");
}

TEST(Base64Test, WhatIsNoBase64) {
  for (const char* text : {"", "a", "abc", "===", "A===", "====", "AAAA====", "!!!!", "Zg==A"}) {
    EXPECT_EQ(Decoded(text), "") << text;
  }
}

TEST(Base64Test, IsAsLaxAsMemcached) {
  EXPECT_EQ(Decoded("Z!m-9_v"), "foo") << "other bytes are skipped";
  EXPECT_EQ(Decoded("Zg==Zm9v"), "f") << "padding ends it";
  EXPECT_EQ(Decoded("Zh=="), "f") << "spare bits are dropped";
}

}  // namespace
}  // namespace larder
