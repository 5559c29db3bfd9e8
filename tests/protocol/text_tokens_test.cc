#include "protocol/text_tokens.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace larder {
namespace {

template <typename Number>
std::optional<Number> Strict(std::string_view word) {
  Number number = 0;
  return ParseStrict(word, &number) ? std::optional(number) : std::nullopt;
}

template <typename Number>
std::optional<Number> Loose(std::string_view word) {
  Number number = 0;
  return ParseLoose(word, &number) ? std::optional(number) : std::nullopt;
}

TEST(FindSpace, FindsTheFirstOneAtEveryPlace) {
  for (size_t bytes = 0; bytes < 40; ++bytes) {
    // 0x21, 0xa0 and 0xff are what a careless comparison of eight bytes takes for spaces.
    for (const char fill : {'x', '\x21', '\xa0', '\xff', '\0', '\t'}) {
      const std::string text(bytes, fill);
      EXPECT_EQ(FindSpace(text), bytes);
      for (size_t at = 0; at < bytes; ++at) {
        std::string spaced = text;
        spaced[at] = ' ';
        EXPECT_EQ(FindSpace(spaced), at) << bytes;
        spaced[bytes - 1] = ' ';
        EXPECT_EQ(FindSpace(spaced), at) << bytes;
      }
    }
  }
}

TEST(TakeWord, TakesWordsThatSpacesPart) {
  std::string_view text = "  one two\tand\r  three ";
  EXPECT_EQ(TakeWord(&text), "one");
  EXPECT_EQ(TakeWord(&text), "two\tand\r");
  EXPECT_EQ(TakeWord(&text), "three");
  EXPECT_EQ(TakeWord(&text), "");
  EXPECT_EQ(TakeWord(&text), "");
}

TEST(LastWord, IsWhatFollowsTheLastSpace) {
  EXPECT_EQ(LastWord("one two"), "two");
  EXPECT_EQ(LastWord("one two  "), "two");
  EXPECT_EQ(LastWord("one"), "one");
  EXPECT_EQ(LastWord("   "), "");
  EXPECT_EQ(LastWord(""), "");
}

TEST(Trim, TakesSpacesOnly) {
  EXPECT_EQ(TrimLeft("  a "), "a ");
  EXPECT_EQ(TrimRight("  a "), "  a");
  EXPECT_EQ(TrimLeft("\ta"), "\ta");
  EXPECT_EQ(TrimRight("   "), "");
  EXPECT_EQ(TrimLeft("   "), "");
}

TEST(ParseStrict, SignedNumbers) {
  EXPECT_EQ(Strict<int32_t>("0"), 0);
  EXPECT_EQ(Strict<int32_t>("2147483647"), 2147483647);
  EXPECT_EQ(Strict<int32_t>("2147483648"), std::nullopt);
  EXPECT_EQ(Strict<int32_t>("-2147483648"), -2147483647 - 1);
  EXPECT_EQ(Strict<int32_t>("-2147483649"), std::nullopt);
  EXPECT_EQ(Strict<int32_t>("99999999999"), std::nullopt);
  EXPECT_EQ(Strict<int32_t>("-1"), -1);
  EXPECT_EQ(Strict<int32_t>("-0"), 0);
  EXPECT_EQ(Strict<int32_t>("-"), 0);
  EXPECT_EQ(Strict<int32_t>("00000000012"), 12);
  EXPECT_EQ(Strict<int32_t>("000000000012"), std::nullopt);
  for (const char* word : {"", "+1", "1x", "x", " 1", "1 ", "--1", "1-", "0x1", "1\t"}) {
    EXPECT_EQ(Strict<int32_t>(word), std::nullopt) << word;
  }
}

TEST(ParseStrict, UnsignedNumbers) {
  EXPECT_EQ(Strict<uint32_t>("0"), 0u);
  EXPECT_EQ(Strict<uint32_t>("4294967295"), 4294967295u);
  EXPECT_EQ(Strict<uint32_t>("4294967296"), std::nullopt);
  EXPECT_EQ(Strict<uint32_t>("00000000012"), 12u);
  EXPECT_EQ(Strict<uint32_t>("000000000012"), std::nullopt);
  for (const char* word : {"", "-", "-0", "+1", "1x", "x", "noreply"}) {
    EXPECT_EQ(Strict<uint32_t>(word), std::nullopt) << word;
  }
}

TEST(ParseLoose, Unsigned64) {
  EXPECT_EQ(Loose<uint64_t>("0"), 0u);
  EXPECT_EQ(Loose<uint64_t>("18446744073709551615"), 18446744073709551615u);
  EXPECT_EQ(Loose<uint64_t>("18446744073709551616"), std::nullopt);
  EXPECT_EQ(Loose<uint64_t>("99999999999999999999"), std::nullopt);
  EXPECT_EQ(Loose<uint64_t>("000000000000000000000000000000000007"), 7u);
  EXPECT_EQ(Loose<uint64_t>("+5"), 5u);
  EXPECT_EQ(Loose<uint64_t>("01"), 1u);
  EXPECT_EQ(Loose<uint64_t>("-0"), 0u);
  EXPECT_EQ(Loose<uint64_t>("-1"), std::nullopt);
  EXPECT_EQ(Loose<uint64_t>("-9223372036854775808"), std::nullopt);
  EXPECT_EQ(Loose<uint64_t>("-9223372036854775809"), 9223372036854775807u);
  EXPECT_EQ(Loose<uint64_t>("-18446744073709551615"), 1u);
  EXPECT_EQ(Loose<uint64_t>("-18446744073709551616"), std::nullopt);
}

TEST(ParseLoose, StopsWhereTheCLibraryDoes) {
  EXPECT_EQ(Loose<uint64_t>("\t\r\v\f5"), 5u);
  EXPECT_EQ(Loose<uint64_t>("5\t"), 5u);
  EXPECT_EQ(Loose<uint64_t>("5\tx"), 5u);
  EXPECT_EQ(Loose<uint64_t>("5\rx"), 5u);
  EXPECT_EQ(Loose<uint64_t>(std::string_view("5\0x", 3)), 5u);
  for (const char* word : {"", "\t", "+", "-", "+-5", "5x", "0x5", "x", "5-", "abc"}) {
    EXPECT_EQ(Loose<uint64_t>(word), std::nullopt) << word;
  }
}

TEST(ParseLoose, Unsigned32IsCutDown) {
  EXPECT_EQ(Loose<uint32_t>("4294967295"), 4294967295u);
  EXPECT_EQ(Loose<uint32_t>("4294967296"), 0u);
  EXPECT_EQ(Loose<uint32_t>("4294967301"), 5u);
  EXPECT_EQ(Loose<uint32_t>("-1"), std::nullopt);
}

TEST(ParseLoose, Signed32IsCutDown) {
  EXPECT_EQ(Loose<int32_t>("-1"), -1);
  EXPECT_EQ(Loose<int32_t>("+60"), 60);
  EXPECT_EQ(Loose<int32_t>("2147483648"), -2147483647 - 1);
  EXPECT_EQ(Loose<int32_t>("4294967296"), 0);
  EXPECT_EQ(Loose<int32_t>("-4294967297"), -1);
  EXPECT_EQ(Loose<int32_t>("9223372036854775807"), -1);
  EXPECT_EQ(Loose<int32_t>("9223372036854775808"), std::nullopt);
  EXPECT_EQ(Loose<int32_t>("-9223372036854775808"), 0);
  EXPECT_EQ(Loose<int32_t>("-9223372036854775809"), std::nullopt);
  EXPECT_EQ(Loose<int32_t>("b"), std::nullopt);
}

TEST(TakePlainNumber, TakesUpToNineDigits) {
  uint32_t number = 0;
  for (const std::string word : {"0", "7", "12", "00", "999999999"}) {
    for (const char* rest : {"", " ", " x", "  5 6"}) {
      const std::string line = "  " + word + rest;
      std::string_view text = line;
      EXPECT_TRUE(TakePlainNumber(&text, &number)) << line;
      EXPECT_EQ(number, std::stoul(word));
      EXPECT_EQ(text, rest);
    }
  }
}

TEST(TakePlainNumber, LeavesEverythingElse) {
  for (const char* line : {"", "  ", "-1", "+1", "1x", "1\t", "1234567890", "x", " x 1"}) {
    std::string_view text = line;
    uint32_t number = 42;
    EXPECT_FALSE(TakePlainNumber(&text, &number)) << line;
    EXPECT_EQ(text, line);
    EXPECT_EQ(number, 42u);
  }
}

TEST(TakeNumbers, TakeTheirWordWhetherItIsOneOrNot) {
  std::string_view text = "5 -6 7x 4294967296 +8 9";
  int32_t number = 0;
  EXPECT_TRUE(TakeStrict(&text, &number));
  EXPECT_EQ(number, 5);
  EXPECT_TRUE(TakeLoose(&text, &number));
  EXPECT_EQ(number, -6);
  EXPECT_FALSE(TakeLoose(&text, &number));
  uint64_t wide = 0;
  EXPECT_TRUE(TakeLoose(&text, &wide));
  EXPECT_EQ(wide, 4294967296u);
  EXPECT_FALSE(TakeStrict(&text, &number));
  EXPECT_TRUE(TakeLoose(&text, &number));
  EXPECT_EQ(number, 9);
  EXPECT_FALSE(TakeStrict(&text, &number));
}

}  // namespace
}  // namespace larder
