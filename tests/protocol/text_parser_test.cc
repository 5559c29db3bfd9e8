#include "protocol/text_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/request.h"
#include "tests/protocol/parse_stream.h"

// Every rule and every error of the classic protocol's requests, as tables of what is sent and
// what the parser makes of it.

namespace larder {
namespace {

using ::testing::ElementsAre;

constexpr const char* kUnknownWords = "error: ERROR";
constexpr const char* kFormatWords = "error: CLIENT_ERROR bad command line format";
constexpr const char* kExptimeWords = "error: CLIENT_ERROR invalid exptime argument";
constexpr const char* kDeltaWords = "error: CLIENT_ERROR invalid numeric delta argument";
constexpr const char* kSilence = "error: silent";

// What a refused storage command says when its value is dropped.
std::string Swallowing(const char* words, size_t bytes) {
  return std::string(words) + ", swallow " + std::to_string(bytes);
}

struct Case {
  std::string line;      // without its end
  std::string expected;  // of ParseStream's words
};

// Checks each line with every end that it may have, and that what follows it is read rightly (but
// where the value of a storage command follows).
void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    for (const char* end : {"\r\n", "\n"}) {
      const std::vector<std::string> parsed = ParseStream(c.line + end);
      EXPECT_THAT(parsed, ElementsAre(c.expected)) << "of '" << c.line << "'";
    }
  }
}

const std::string& LongestKey() {
  static const std::string key(kRequestKeyBytesMax, 'k');
  return key;
}
const std::string& TooLongKey() {
  static const std::string key(kRequestKeyBytesMax + 1, 'k');
  return key;
}

TEST(TextParser, Reads) {
  ExpectAll({
      {"get k", "get k"},
      {"gets k", "gets k"},
      {"get  k ", "get k"},
      {"get " + LongestKey(), "get " + LongestKey()},
      {"get " + TooLongKey(), kFormatWords},
      {"get", kFormatWords},
      {"get ", kFormatWords},
      {"gets", kFormatWords},
      {"get noreply", "get noreply"},
      {"get a\tb", "get a\tb"},
      {"get a\rb", "get a\rb"},
      {std::string("get a\0b", 7), std::string("get a\0b", 7)},
      {"get \x80\xff", "get \x80\xff"},
      {"GET k", kUnknownWords},
      {" get k", kUnknownWords},
      {"get\tk", kUnknownWords},
      {"getk k", kUnknownWords},
  });
}

TEST(TextParser, ReadsThatTouch) {
  ExpectAll({
      {"gat 10 k", "gat k exptime=10"},
      {"gats 10 k", "gats k exptime=10"},
      {"gat 0 k", "gat k"},
      {"gat -1 k", "gat k exptime=-1"},
      {"gat - k", "gat k"},
      {"gat  10   k ", "gat k exptime=10"},
      {"gat 2147483647 k", "gat k exptime=2147483647"},
      {"gat", kFormatWords},
      {"gat 10", kFormatWords},
      {"gat 10 ", kFormatWords},
      {"gats abc", kFormatWords},
      {"gat abc k", kExptimeWords},
      {"gat +1 k", kExptimeWords},
      {"gat 1x k", kExptimeWords},
      {"gat 2147483648 k", kExptimeWords},
      {"gat abc " + TooLongKey(), kExptimeWords},
      {"gat 10 " + TooLongKey(), kFormatWords},
      {"gat noreply k", kExptimeWords},
  });
}

TEST(TextParser, ReadsOfManyKeys) {
  EXPECT_THAT(ParseStream("get a b c\r\n"), ElementsAre("get a more", "get b more", "get c"));
  EXPECT_THAT(ParseStream("gets  a   b \n"), ElementsAre("gets a more", "gets b"));
  EXPECT_THAT(ParseStream("gat 5 a b\r\nget c\r\n"),
              ElementsAre("gat a exptime=5 more", "gat b exptime=5", "get c"));
  EXPECT_THAT(ParseStream("gat 5 a b\r\nget c d\r\n"),
              ElementsAre("gat a exptime=5 more", "gat b exptime=5", "get c more", "get d"));
}

TEST(TextParser, OneKeyThatIsTooLongRefusesTheWholeLine) {
  for (const char* before : {"", "a ", "a bb  "}) {
    for (const char* after : {"", " c", "  c d "}) {
      const std::string keys = before + TooLongKey() + after;
      EXPECT_THAT(ParseStream("get " + keys + "\r\nget b\r\n"), ElementsAre(kFormatWords, "get b"));
      EXPECT_THAT(ParseStream("gats 1 " + keys + "\r\nget b\r\n"),
                  ElementsAre(kFormatWords, "get b"));
    }
  }
  EXPECT_THAT(ParseStream("get a " + LongestKey() + "  " + LongestKey() + " b\r\n"),
              ElementsAre("get a more", "get " + LongestKey() + " more",
                          "get " + LongestKey() + " more", "get b"));
}

TEST(TextParser, StorageCommands) {
  ExpectAll({
      {"set k 0 0 3", "set k bytes=3"},
      {"add k 1 2 3", "add k flags=1 exptime=2 bytes=3"},
      {"replace k 1 2 3", "replace k flags=1 exptime=2 bytes=3"},
      {"append k 1 2 3", "append k flags=1 exptime=2 bytes=3"},
      {"prepend k 1 2 3", "prepend k flags=1 exptime=2 bytes=3"},
      {"cas k 1 2 3 4", "cas k flags=1 exptime=2 bytes=3 cas=4"},
      {"set k 1 2 3 noreply", "set k flags=1 exptime=2 bytes=3 noreply"},
      {"cas k 1 2 3 4 noreply", "cas k flags=1 exptime=2 bytes=3 cas=4 noreply"},
      {"set  k  0 0  3 ", "set k bytes=3"},
      {"set " + LongestKey() + " 0 0 3", "set " + LongestKey() + " bytes=3"},
      {"set noreply 0 0 3", "set noreply bytes=3"},
      // What stands behind the words that are known is not looked at.
      {"set k 0 0 3 4 5 6", "set k bytes=3"},
      {"set k 0 0 3 noreply 6", "set k bytes=3"},
      {"set k 0 0 3 xnoreply", "set k bytes=3"},
      {"set k 0 0 3 4 noreply ", "set k bytes=3 noreply"},
      {"cas k 0 0 3 4 5", "cas k bytes=3 cas=4"},
  });
}

TEST(TextParser, NumbersOfStorageCommands) {
  ExpectAll({
      {"set k 4294967295 0 3", "set k flags=4294967295 bytes=3"},
      {"set k 4294967296 0 3", "set k bytes=3"},
      {"set k 4294967301 0 3", "set k flags=5 bytes=3"},
      {"set k +1 0 3", "set k flags=1 bytes=3"},
      {"set k 1\tx 0 3", "set k flags=1 bytes=3"},
      {"set k 0 -1 3", "set k exptime=-1 bytes=3"},
      {"set k 0 +60 3", "set k exptime=60 bytes=3"},
      {"set k 0 2147483648 3", "set k exptime=-2147483648 bytes=3"},
      {"set k 0 4294967296 3", "set k bytes=3"},
      {"cas k 0 0 3 18446744073709551615", "cas k bytes=3 cas=18446744073709551615"},
      {"set k 0 0 0", "set k bytes=0"},
      {"set k 0 0 -0", "set k bytes=0"},
      {"set k 0 0 00000000003", "set k bytes=3"},
      {"set k 0 0 2147483645", "set k bytes=2147483645"},
  });
}

TEST(TextParser, StorageCommandsWhoseLengthIsUnknown) {
  for (const std::string command : {"set", "add", "replace", "append", "prepend", "cas"}) {
    for (const char* words : {"", " ", " k", " k 0", " k 0 0", " k 0 0 ", " k 0 0 abc", " k 0 0 3x",
                              " k 0 0 -1", " k 0 0 +3", " k 0 0 2147483646", " k 0 0 2147483647",
                              " k 0 0 2147483648", " k 0 0 4294967299", " k 0 0 000000000003"}) {
      for (const char* noreply : {"", " noreply"}) {
        // Without the length there is nothing to drop, and the client is told even so.
        const std::string line = command + words + noreply;
        EXPECT_THAT(ParseStream(line + "\r\nget a\r\n"), ElementsAre(kFormatWords, "get a"))
            << line;
      }
    }
  }
}

TEST(TextParser, StorageCommandsThatAreRefusedDropTheirValue) {
  ExpectAll({
      {"set " + TooLongKey() + " 0 0 3", Swallowing(kFormatWords, 5)},
      {"set k a 0 3", Swallowing(kFormatWords, 5)},
      {"set k -1 0 3", Swallowing(kFormatWords, 5)},
      {"set k 1x 0 3", Swallowing(kFormatWords, 5)},
      {"set k 18446744073709551616 0 3", Swallowing(kFormatWords, 5)},
      {"set k 0 b 0", Swallowing(kFormatWords, 2)},
      {"set k 0 9223372036854775808 3", Swallowing(kFormatWords, 5)},
      {"set k a 0 2147483645", Swallowing(kFormatWords, 2147483647)},
      {"cas k 0 0 3", Swallowing(kFormatWords, 5)},
      {"cas k 0 0 3 abc", Swallowing(kFormatWords, 5)},
      {"cas k 0 0 3 -1", Swallowing(kFormatWords, 5)},
      {"cas k 0 0 3 1x", Swallowing(kFormatWords, 5)},
      {"cas k 0 0 3 18446744073709551616", Swallowing(kFormatWords, 5)},
      {"set k a 0 3 noreply", Swallowing(kSilence, 5)},
      {"set " + TooLongKey() + " 0 0 3 noreply", Swallowing(kSilence, 5)},
      {"cas k 0 0 3 noreply", Swallowing(kSilence, 5)},
      {"cas k 0 0 3 abc noreply", Swallowing(kSilence, 5)},
  });
  EXPECT_THAT(ParseStream("set k a 0 5\r\nget a\r\nget b\r\n"),
              ElementsAre(Swallowing(kFormatWords, 7), "get b"));
}

TEST(TextParser, TheValueIsNotLookedAt) {
  EXPECT_THAT(ParseStream("set k 0 0 7\r\nget a\r\n\r\nget b\r\n"),
              ElementsAre("set k bytes=7", "get b"));
  EXPECT_THAT(ParseStream("set k 0 0 0\r\n\r\nget b\r\n"), ElementsAre("set k bytes=0", "get b"));
}

TEST(TextParser, Delete) {
  ExpectAll({
      {"delete k", "delete k"},
      {"delete k noreply", "delete k noreply"},
      {"delete noreply", "delete noreply noreply"},
      {"delete k 0", "delete k"},
      {"delete k 0 noreply", "delete k noreply"},
      {"delete k 5", "delete k"},
      {"delete k 1 2 3", "delete k"},
      {"delete k xnoreply", "delete k"},
      {"delete k noreplyx", "delete k"},
      {"delete", kFormatWords},
      {"delete ", kFormatWords},
      {"delete " + LongestKey(), "delete " + LongestKey()},
      {"delete " + TooLongKey(), kFormatWords},
      {"delete " + TooLongKey() + " noreply", kSilence},
  });
}

TEST(TextParser, Arithmetic) {
  ExpectAll({
      {"incr k 1", "incr k number=1"},
      {"decr k 1 noreply", "decr k number=1 noreply"},
      {"incr k 0", "incr k"},
      {"incr k +1", "incr k number=1"},
      {"incr k 01", "incr k number=1"},
      {"incr k 1 2", "incr k number=1"},
      {"incr k 18446744073709551615", "incr k number=18446744073709551615"},
      {"incr", kFormatWords},
      {"incr k", kFormatWords},
      {"decr k ", kFormatWords},
      {"incr noreply", kFormatWords},
      {"incr k abc", kDeltaWords},
      {"incr k -1", kDeltaWords},
      {"incr k 1x", kDeltaWords},
      {"incr k 0x1", kDeltaWords},
      {"decr k 18446744073709551616", kDeltaWords},
      {"incr " + TooLongKey() + " abc", kFormatWords},
      {"incr k abc noreply", kSilence},
      {"incr k noreply", kSilence},
      {"incr " + TooLongKey() + " 1 noreply", kSilence},
  });
}

TEST(TextParser, Touch) {
  ExpectAll({
      {"touch k 10", "touch k exptime=10"},
      {"touch k 0 noreply", "touch k noreply"},
      {"touch k -1", "touch k exptime=-1"},
      {"touch k 2147483648", "touch k exptime=-2147483648"},
      {"touch k 10 x", "touch k exptime=10"},
      {"touch", kFormatWords},
      {"touch k", kFormatWords},
      {"touch k abc", kExptimeWords},
      {"touch k 1x", kExptimeWords},
      {"touch " + TooLongKey() + " abc", kFormatWords},
      {"touch k noreply", kSilence},
      {"touch k abc noreply", kSilence},
  });
}

TEST(TextParser, FlushAll) {
  ExpectAll({
      {"flush_all", "flush_all"},
      {"flush_all ", "flush_all"},
      {"flush_all 0", "flush_all"},
      {"flush_all 10", "flush_all exptime=10"},
      {"flush_all -1", "flush_all exptime=-1"},
      {"flush_all noreply", "flush_all noreply"},
      {"flush_all noreply ", "flush_all noreply"},
      {"flush_all 10 noreply", "flush_all exptime=10 noreply"},
      {"flush_all 10 20", "flush_all exptime=10"},
      {"flush_all abc", kExptimeWords},
      {"flush_all 1x", kExptimeWords},
      {"flush_all +1", kExptimeWords},
      {"flush_all 2147483648", kExptimeWords},
      {"flush_all noreply 5", kExptimeWords},
      {"flush_all abc noreply", kSilence},
      {"flush_all noreply noreply", kSilence},
      {"flush_al", kUnknownWords},
      {"flush_alx", kUnknownWords},
      {"flush_all2", kUnknownWords},
  });
}

TEST(TextParser, Verbosity) {
  ExpectAll({
      {"verbosity 0", "verbosity"},
      {"verbosity 1", "verbosity number=1"},
      {"verbosity 4294967295", "verbosity number=4294967295"},
      {"verbosity 1 noreply", "verbosity number=1 noreply"},
      {"verbosity 1 2 3", "verbosity number=1"},
      {"refresh_certs", "refresh_certs"},
      {"refresh_certs now", "refresh_certs"},
      {"refresh_cert", kUnknownWords},
      {"verbosity", kFormatWords},
      {"verbosity abc def", kFormatWords},
      {"verbosity -1", kFormatWords},
      {"verbosity 4294967296", kFormatWords},
      {"verbosity noreply", kSilence},
      {"verbosity abc noreply", kSilence},
      {"verbosity2 1", kUnknownWords},
  });
}

TEST(TextParser, CommandsWithoutKeys) {
  ExpectAll({
      {"version", "version"},
      {"version x", "version"},
      {"version noreply", "version"},
      {"quit", "quit"},
      {"quit x", "quit"},
      {"stats", "stats"},
      {"stats ", "stats"},
      {"stats items", "stats (items)"},
      {"stats  detail   on ", "stats (detail   on)"},
      {"stats noreply", "stats (noreply)"},
      {"mn x", "mn"},
      {"mnx", kUnknownWords},
  });
  EXPECT_THAT(ParseStream("mn\r\n"), ElementsAre("mn"));
}

TEST(TextParser, LinesOfLessThanFourBytes) {
  for (const char* line : {"\n", "\r\n", "a\n", "a\r\n", "ab\n", "mn\n", " \r\n"}) {
    EXPECT_THAT(ParseStream(line), ElementsAre(kFormatWords)) << line;
  }
  for (const char* line : {"ab\r\n", "abc\n", "\r\r\r\n"}) {
    EXPECT_THAT(ParseStream(line), ElementsAre(kUnknownWords)) << line;
  }
}

TEST(TextParser, UnknownCommands) {
  ExpectAll({
      {"foo", kUnknownWords},
      {"foo bar", kUnknownWords},
      {"    ", kUnknownWords},
      {std::string("get\0 k", 6), kUnknownWords},
      {std::string("mn\0\0", 4), kUnknownWords},
      {"misc misc misc misc misc misc misc misc misc misc misc misc misc misc misc misc misc misc "
       "misc misc misc misc misc misc misc misc misc misc misc misc ",
       kUnknownWords},
      {"SET k 0 0 3", kUnknownWords},
      {"foo noreply", kSilence},
      {"noreply", kUnknownWords},
      {" noreply", kUnknownWords},
      {"GET / HTTP/1.1", "close"},
      {"HTTP/1.1", kUnknownWords},
      {"GET / HTTP", kUnknownWords},
  });
  // A body that follows is read as commands.
  EXPECT_THAT(ParseStream("sett k 0 0 3\r\nabc\r\nget k\r\n"),
              ElementsAre(kUnknownWords, kUnknownWords, "get k"));
}

TEST(TextParser, OnlyOneCarriageReturnBelongsToTheLineEnd) {
  EXPECT_THAT(ParseStream("get k\r\r\n"), ElementsAre("get k\r"));
  EXPECT_THAT(ParseStream("get k \r\r\n"), ElementsAre("get k more", "get \r"));
}

TEST(TextParser, ErrorRepliesAreLines) {
  EXPECT_EQ(ErrorReply(TextError::kSilent), "");
  EXPECT_EQ(ErrorReply(TextError::kUnknown), "ERROR\r\n");
}

TEST(TextParser, NeedsAWholeLine) {
  EXPECT_THAT(ParseStream(""), ElementsAre());
  EXPECT_THAT(ParseStream("get k"), ElementsAre());
  EXPECT_THAT(ParseStream("get k\r"), ElementsAre());
  EXPECT_THAT(ParseStream("get a\r\nget k"), ElementsAre("get a"));
}

TEST(TextParser, ResetsWhatACommandDoesNotSet) {
  TextParser parser;
  Request request{.key = "old",
                  .arguments = "old",
                  .exptime = 1,
                  .cas = 2,
                  .number = 3,
                  .value_bytes = 4,
                  .client_flags = 5,
                  .noreply = true,
                  .last_key = false};
  ASSERT_EQ(parser.Parse("version\r\n", &request).status, ParseStatus::kRequest);
  EXPECT_EQ(request.command, Command::kVersion);
  EXPECT_TRUE(request.key.empty());
  EXPECT_TRUE(request.arguments.empty());
  EXPECT_EQ(request.exptime, 0);
  EXPECT_EQ(request.cas, 0u);
  EXPECT_EQ(request.number, 0u);
  EXPECT_EQ(request.value_bytes, 0u);
  EXPECT_EQ(request.client_flags, 0u);
  EXPECT_FALSE(request.noreply);
  EXPECT_TRUE(request.last_key);
}

TEST(TextParser, LeavesTheRequestAloneWithoutOne) {
  TextParser parser;
  Request request{.key = "old"};
  EXPECT_EQ(parser.Parse("get k", &request).status, ParseStatus::kNeedMore);
  EXPECT_EQ(parser.Parse("foo bar\r\n", &request).status, ParseStatus::kError);
  EXPECT_EQ(request.key, "old");
}

TEST(TextParser, ACopyTakesCallsBack) {
  constexpr std::string_view kInput = "get a b c\r\n";
  TextParser parser;
  Request request;
  const size_t first = parser.Parse(kInput, &request).consumed;
  EXPECT_TRUE(parser.InsideGet());
  const TextParser at_b = parser;
  std::string_view rest = kInput.substr(first);
  rest.remove_prefix(parser.Parse(rest, &request).consumed);
  EXPECT_EQ(request.key, "b");
  rest.remove_prefix(parser.Parse(rest, &request).consumed);
  EXPECT_EQ(request.key, "c");
  EXPECT_TRUE(request.last_key);
  EXPECT_FALSE(parser.InsideGet());

  parser = at_b;
  EXPECT_TRUE(parser.InsideGet());
  parser.Parse(kInput.substr(first), &request);
  EXPECT_EQ(request.key, "b");
  EXPECT_FALSE(request.last_key);
}

}  // namespace
}  // namespace larder
