#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/protocol/parse_stream.h"

// What becomes of meta commands' lines. Each flag is seen once; then what is refused, and with
// which words when more than one would do.

namespace larder {
namespace {

using ::testing::ElementsAre;

// Of one line.
std::string Parsed(const std::string& line) {
  const std::vector<std::string> report = ParseStream(line + "\r\n");
  return report.size() == 1 ? report[0] : "not one: " + std::to_string(report.size());
}

std::string ClientError(const std::string& text) { return "error: CLIENT_ERROR " + text; }

TEST(MetaParserTest, KeysAlone) {
  EXPECT_EQ(Parsed("mg k"), "mg k");
  EXPECT_EQ(Parsed("md k"), "md k");
  EXPECT_EQ(Parsed("ma k"), "ma k");
  EXPECT_EQ(Parsed("me k"), "me k");
  EXPECT_EQ(Parsed("mg   k  "), "mg k");
  EXPECT_EQ(Parsed("mg " + std::string(250, 'k')), "mg " + std::string(250, 'k'));
}

TEST(MetaParserTest, EachFlag) {
  EXPECT_EQ(Parsed("mg k v"), "mg k v");
  EXPECT_EQ(Parsed("mg k q"), "mg k q");
  EXPECT_EQ(Parsed("mg k u"), "mg k u");
  EXPECT_EQ(Parsed("md k I"), "md k I");
  EXPECT_EQ(Parsed("md k x"), "md k x");
  EXPECT_EQ(Parsed("mg Zm9v b"), "mg Zm9v b");
  EXPECT_EQ(Parsed("mg k T30"), "mg k exptime=30 T");
  EXPECT_EQ(Parsed("mg k T-1"), "mg k exptime=-1 T");
  EXPECT_EQ(Parsed("mg k T0"), "mg k T");
  EXPECT_EQ(Parsed("mg k N30"), "mg k new=30 N");
  EXPECT_EQ(Parsed("mg k R30"), "mg k recache=30 R");
  EXPECT_EQ(Parsed("md k C18446744073709551615"), "md k cas=18446744073709551615 C");
  EXPECT_EQ(Parsed("md k E7"), "md k chosen=7 E");
  EXPECT_EQ(Parsed("ma k J13"), "ma k initial=13");
  EXPECT_EQ(Parsed("ma k D0"), "ma k number=0");
  EXPECT_EQ(Parsed("ma k D0000000000000000000007"), "ma k number=7");
  EXPECT_EQ(Parsed("mg k F4294967295"), "mg k flags=4294967295");
  EXPECT_EQ(Parsed("mg k L P"), "mg k") << "a proxy's";
  EXPECT_EQ(Parsed("mg k Pany Lthing"), "mg k");
  EXPECT_EQ(Parsed("mg k Mx"), "mg k") << "no mode where none is taken";
}

TEST(MetaParserTest, FlagsToBeAnsweredKeepTheirOrder) {
  EXPECT_EQ(Parsed("mg k k Oab s t c f l h"), "mg k (Oab) returns kOstcflh");
  EXPECT_EQ(Parsed("mg k h l f c t s Oab k"), "mg k (Oab) returns hlfctsOk");
  EXPECT_EQ(Parsed("mg k O"), "mg k (O) returns O");
  EXPECT_EQ(Parsed("mg k O" + std::string(31, 'o')),
            "mg k (O" + std::string(31, 'o') + ") returns O");
}

TEST(MetaParserTest, TheOrderOfTimes) {
  EXPECT_EQ(Parsed("mg k T5 t"), "mg k exptime=5 T t>T returns t");
  EXPECT_EQ(Parsed("mg k t T5"), "mg k exptime=5 T returns t");
  EXPECT_EQ(Parsed("mg k N5 t"), "mg k new=5 N t>N returns t");
  EXPECT_EQ(Parsed("mg k t N5"), "mg k new=5 N returns t");
  EXPECT_EQ(Parsed("mg k N5 T6"), "mg k exptime=6 new=5 T N T>N");
  EXPECT_EQ(Parsed("mg k T6 N5"), "mg k exptime=6 new=5 T N");
  EXPECT_EQ(Parsed("mg k T6 R5"), "mg k exptime=6 recache=5 T R R>T");
  EXPECT_EQ(Parsed("mg k R5 T6"), "mg k exptime=6 recache=5 T R");
}

TEST(MetaParserTest, Modes) {
  EXPECT_EQ(Parsed("ms k 0"), "ms k bytes=0");
  EXPECT_EQ(Parsed("ms k 0 MS"), "ms k bytes=0");
  EXPECT_EQ(Parsed("ms k 0 ME"), "ms k bytes=0 mode=add");
  EXPECT_EQ(Parsed("ms k 0 MR"), "ms k bytes=0 mode=replace");
  EXPECT_EQ(Parsed("ms k 0 MA"), "ms k bytes=0 mode=append");
  EXPECT_EQ(Parsed("ms k 0 MP"), "ms k bytes=0 mode=prepend");
  EXPECT_EQ(Parsed("ms k 0 MPlenty"), "ms k bytes=0 mode=prepend") << "the first letter counts";
  EXPECT_EQ(Parsed("ma k MI"), "ma k");
  EXPECT_EQ(Parsed("ma k M+"), "ma k");
  EXPECT_EQ(Parsed("ma k MD"), "ma k mode=decr");
  EXPECT_EQ(Parsed("ma k M-"), "ma k mode=decr");
  for (const char* mode : {"M", "Me", "Ms", "MI", "M+", "Mx"}) {
    EXPECT_EQ(Parsed(std::string("ms k 0 ") + mode),
              ClientError("invalid mode for ms M token, swallow 2"));
  }
  for (const char* mode : {"M", "Mi", "MS", "ME"}) {
    EXPECT_EQ(Parsed(std::string("ma k ") + mode), ClientError("invalid mode for ma M token"));
  }
}

TEST(MetaParserTest, TheValueFollowsMs) {
  EXPECT_THAT(ParseStream("ms k 3 c\r\nabc\r\nmn\r\n"),
              ElementsAre("ms k bytes=3 returns c", "mn"));
}

TEST(MetaParserTest, WordsMissing) {
  for (const char* line : {"mg", "md", "ma", "me", "ms", "ms k", "mg ", "ms  k "}) {
    EXPECT_EQ(Parsed(line), ClientError("bad command line format")) << line;
  }
}

TEST(MetaParserTest, ABadLengthTakesNoValue) {
  for (const char* length : {"abc", "-1", "S3", "+3", "2147483646", "99999999999", "3x"}) {
    EXPECT_THAT(ParseStream(std::string("ms k ") + length + " T0\r\nmn\r\n"),
                ElementsAre(ClientError("bad command line format"), "mn"))
        << length;
  }
}

TEST(MetaParserTest, WhatLooksLikeNoFlag) {
  for (const char* word : {"!", "*v", "\xff", "\t", "=", "{v", "-1"}) {
    const std::string flags = std::string(" v v ") + word;
    EXPECT_EQ(Parsed("mg k" + flags), ClientError("bad command line format")) << word;
    EXPECT_EQ(Parsed("ma k" + flags), ClientError("bad command line format")) << word;
    EXPECT_EQ(Parsed("me k" + flags), ClientError("bad command line format")) << word;
    // Not even its value is known to be there.
    EXPECT_THAT(ParseStream("ms k 3" + flags + "\r\nmn\r\n"),
                ElementsAre(ClientError("bad command line format"), "mn"));
  }
}

TEST(MetaParserTest, UnknownAndRepeatedFlags) {
  for (const char* flag : {"a", "z", "S", "S3", "W", "X", "Z", "B", "_", "5", "0v", "noreply"}) {
    EXPECT_EQ(Parsed(std::string("mg k ") + flag), ClientError("invalid flag")) << flag;
    EXPECT_EQ(Parsed(std::string("md k ") + flag), ClientError("invalid flag")) << flag;
    EXPECT_EQ(Parsed(std::string("ma k ") + flag), ClientError("invalid or duplicate flag"));
    EXPECT_EQ(Parsed(std::string("ms k 0 ") + flag), ClientError("invalid flag, swallow 2"));
  }
  for (const char* flag : {"v", "k", "Oa", "T1", "L", "b"}) {
    const std::string twice = std::string("Zm9v ") + flag + " " + flag;
    EXPECT_EQ(Parsed("mg " + twice), ClientError("duplicate flag")) << flag;
    EXPECT_EQ(Parsed("ma " + twice), ClientError("invalid or duplicate flag")) << flag;
  }
}

TEST(MetaParserTest, BadArguments) {
  for (const char* letter : {"T", "N", "R"}) {
    for (const char* number : {"", "x", "1x", "+1", "2147483648", "000000000001"}) {
      EXPECT_EQ(Parsed(std::string("mg k ") + letter + number),
                ClientError("bad token in command line format"))
          << letter << number;
    }
  }
  const std::pair<const char*, const char*> kinds[] = {{"C", "bad token in command line format"},
                                                       {"E", "bad token in command line format"},
                                                       {"J", "invalid numeric initial value"},
                                                       {"D", "invalid numeric delta value"},
                                                       {"F", "bad command line format"}};
  for (const auto& [letter, words] : kinds) {
    for (const char* number : {"", "x", "1x", "+1", "-1", "18446744073709551616"}) {
      EXPECT_EQ(Parsed(std::string("mg k ") + letter + number), ClientError(words))
          << letter << number;
      EXPECT_EQ(Parsed(std::string("ma k ") + letter + number),
                ClientError("invalid or duplicate flag"));
    }
  }
  EXPECT_EQ(Parsed("mg k F4294967296"), ClientError("bad command line format"));
}

TEST(MetaParserTest, KeysThatCannotBe) {
  const std::string long_key(251, 'k');
  EXPECT_EQ(Parsed("mg " + long_key), ClientError("bad command line format"));
  EXPECT_EQ(Parsed("md " + long_key + " v v"), ClientError("bad command line format"));
  EXPECT_EQ(Parsed("me " + long_key), ClientError("bad command line format"));
  EXPECT_EQ(Parsed("me " + long_key + " b v"), ClientError("bad command line format"));
  EXPECT_EQ(Parsed("ma " + long_key), ClientError("invalid or duplicate flag"));
  EXPECT_EQ(Parsed("ms " + long_key + " 0"), ClientError("bad command line format, swallow 2"));
  for (const char* key : {"a", "===", "AAAA===="}) {
    EXPECT_EQ(Parsed(std::string("mg ") + key + " b v"), ClientError("error decoding key"));
    EXPECT_EQ(Parsed(std::string("me ") + key + " b"), ClientError("bad command line format"));
  }
}

TEST(MetaParserTest, TooManyFlags) {
  // With command and key 20 words are taken, 21 are not; the 24th is not looked at.
  const std::string eighteen = " b C1 D1 E1 F1 I J1 L MI N1 Oa P R1 T1 c f h k";
  EXPECT_EQ(Parsed("mg Zm9v" + eighteen).substr(0, 7), "mg Zm9v");
  EXPECT_EQ(Parsed("mg Zm9v" + eighteen + " v"), ClientError("options flags are too long"));
  EXPECT_EQ(Parsed("ma Zm9v" + eighteen + " v"), ClientError("invalid or duplicate flag"));
  EXPECT_EQ(Parsed("ms Zm9v 0" + eighteen), ClientError("options flags are too long, swallow 2"));
  EXPECT_EQ(Parsed("mg Zm9v" + eighteen + " v v !"), ClientError("bad command line format"));
  EXPECT_EQ(Parsed("mg Zm9v" + eighteen + " v v v !"), ClientError("options flags are too long"));
}

TEST(MetaParserTest, AnOpaqueTooLong) {
  const std::string opaque = " O" + std::string(32, 'o');
  EXPECT_EQ(Parsed("mg k" + opaque), ClientError("opaque token too long"));
  EXPECT_EQ(Parsed("ma k" + opaque), ClientError("opaque token too long"));
  EXPECT_EQ(Parsed("ms k 0" + opaque), ClientError("opaque token too long, swallow 2"));
  EXPECT_EQ(Parsed("ms k 0 Mx" + opaque), ClientError("invalid mode for ms M token, swallow 2"));
}

TEST(MetaParserTest, WhichErrorIsTold) {
  EXPECT_EQ(Parsed("mg k Tx Dx"), ClientError("invalid numeric delta value")) << "the last";
  EXPECT_EQ(Parsed("mg k Dx Tx"), ClientError("bad token in command line format"));
  EXPECT_EQ(Parsed("mg k Dx Fx"), ClientError("invalid numeric delta value")) << "F is mute";
  EXPECT_EQ(Parsed("mg k Tx v v"), ClientError("duplicate flag")) << "what ends it";
  EXPECT_EQ(Parsed("mg k a v v"), ClientError("invalid flag"));
  EXPECT_EQ(Parsed("mg a b Tx"), ClientError("bad token in command line format"));
  EXPECT_EQ(Parsed("ms k 0 Mx Tx"), ClientError("bad token in command line format, swallow 2"));
  EXPECT_EQ(Parsed("ma k Mx Tx"), ClientError("invalid or duplicate flag"));
}

}  // namespace
}  // namespace larder
