#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/request.h"
#include "protocol/text_parser.h"
#include "tests/protocol/parse_stream.h"

// How long lines may be, and what becomes of gets that are longer than what is waited for.

namespace larder {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kFormatWords = "error: CLIENT_ERROR bad command line format";

// `start`, then as many `fill` as make `bytes` bytes with the line's end.
std::string LineOf(size_t bytes, std::string start, char fill) {
  start.resize(bytes - 2, fill);
  return start + "\r\n";
}

// A line of `bytes` bytes with keys of eight bytes, which number themselves.
std::string GetOf(size_t bytes, std::string start, std::vector<std::string>* keys) {
  size_t number = 10000000;
  while (start.size() + 20 < bytes) {
    keys->push_back(std::to_string(number++));
    start += ' ';
    start += keys->back();
  }
  return LineOf(bytes, start, ' ');
}

std::vector<std::string> RequestsOf(const std::vector<std::string>& keys) {
  std::vector<std::string> requests;
  for (const std::string& key : keys) requests.push_back("get " + key + " more");
  requests.back() = "get " + keys.back();
  return requests;
}

TEST(TextParserLength, LinesThatAreNoReads) {
  const std::string longest = LineOf(kLineBytesMax, "foo", 'o');
  EXPECT_THAT(ParseStream(longest), ElementsAre("error: ERROR"));
  EXPECT_THAT(ParseStream(longest, {kLineBytesMax - 1}), ElementsAre("error: ERROR"));
  EXPECT_THAT(ParseStream(LineOf(kLineBytesMax + 1, "foo", 'o')), ElementsAre("close"));
  EXPECT_THAT(ParseStream(LineOf(kLineBytesMax + 1, "set k 0 0 1", ' ')), ElementsAre("close"));
  EXPECT_THAT(ParseStream(LineOf(kLineBytesMax + 1, "getk", ' ')), ElementsAre("close"));
  EXPECT_THAT(ParseStream(LineOf(kLineBytesMax + 1, " get k", ' ')), ElementsAre("close"));
}

TEST(TextParserLength, ClosesAsSoonAsTheLineIsTooLong) {
  EXPECT_THAT(ParseStream(std::string(2048, 'x')), ElementsAre());
  EXPECT_THAT(ParseStream(std::string(2049, 'x')), ElementsAre("close"));
}

TEST(TextParserLength, ReadsOfAnyLength) {
  for (const size_t bytes :
       {kLineBytesMax, kLineBytesMax + 1, size_t{10000}, kGetPieceBytesMax - 1, kGetPieceBytesMax,
        kGetPieceBytesMax + 1, kGetPieceBytesMax + 10, 2 * kGetPieceBytesMax, size_t{1} << 20}) {
    std::vector<std::string> keys;
    const std::string line = GetOf(bytes, "get", &keys);
    std::vector<std::string> expected = RequestsOf(keys);
    EXPECT_EQ(ParseStream(line), expected) << bytes;
    EXPECT_EQ(ParseStream(line, {1, kLineBytesMax - 1, bytes - 1}), expected) << bytes;
    expected.emplace_back("get x");
    EXPECT_EQ(ParseStream(line + "get x\r\n"), expected) << bytes;
  }
}

TEST(TextParserLength, EveryReadMayBeLong) {
  for (const char* start : {"gets", "gat 5", "gats 5"}) {
    std::vector<std::string> keys;
    const std::string line = GetOf(kGetPieceBytesMax + 100, start, &keys);
    const std::vector<std::string> parsed = ParseStream(line + "mn\r\n");
    ASSERT_THAT(parsed, SizeIs(keys.size() + 1)) << start;
    EXPECT_EQ(parsed.back(), "mn");
    for (size_t i = 0; i < keys.size(); ++i) {
      EXPECT_THAT(parsed[i], ::testing::HasSubstr(keys[i]));
      EXPECT_EQ(parsed[i].ends_with(" more"), i + 1 < keys.size());
      EXPECT_EQ(parsed[i].find("exptime=5") != std::string::npos, start[1] == 'a');
    }
  }
}

// Wherever in a long line the piece ends: in a key, in the spaces between two, at the line's end.
TEST(TextParserLength, PiecesMayEndAnywhere) {
  for (size_t shift = 0; shift < 24; ++shift) {
    std::vector<std::string> keys = {std::string(shift + 1, 's')};
    std::string line = "get ";
    line += keys[0];
    while (line.size() < kGetPieceBytesMax + 50) {
      keys.push_back(std::to_string(10000000 + line.size()));
      line += "   ";
      line += keys.back();
    }
    line += " \r\n";
    EXPECT_EQ(ParseStream(line), RequestsOf(keys)) << shift;
    EXPECT_EQ(ParseStream(line, {line.size() - 3, line.size() - 2, line.size() - 1}),
              RequestsOf(keys))
        << shift;
  }
}

TEST(TextParserLength, AKeyThatIsTooLongInAFurtherPiece) {
  std::vector<std::string> keys;
  std::string line = GetOf(kGetPieceBytesMax + 1000, "get", &keys);
  line.resize(line.size() - 2);
  line += ' ' + std::string(kRequestKeyBytesMax + 1, 'k') + " more keys\r\nget x\r\n";
  for (const std::vector<size_t>& cuts : std::vector<std::vector<size_t>>{
           {}, {kGetPieceBytesMax + 5}, {line.size() - 9}, {line.size() - 8}}) {
    const std::vector<std::string> parsed = ParseStream(line, cuts);
    ASSERT_GT(parsed.size(), 2u);
    // The keys of the pieces before have been handed out; then there is one error and no more.
    EXPECT_THAT(std::vector<std::string>(parsed.begin(), parsed.end() - 2),
                Each(StartsWith("get 1")));
    EXPECT_EQ(*(parsed.end() - 2), kFormatWords);
    EXPECT_EQ(parsed.back(), "get x");
  }
}

TEST(TextParserLength, ALongReadThatIsRefusedIsSkippedToItsEnd) {
  const std::string spaces(kGetPieceBytesMax, ' ');
  const std::string key(kGetPieceBytesMax, 'k');
  std::vector<std::string> keys;
  const std::string many = GetOf(3 * kGetPieceBytesMax, "", &keys);
  for (const std::string& line : {
           "get " + spaces + "k\r\n",
           "get k" + spaces + "k\r\n",
           "get " + key + "\r\n",
           "get " + key + key + key + "\r\n",
           "get a " + key + " b\r\n",
           "gat " + spaces + "1 k\r\n",
           "gat 1" + spaces + " k\r\n",
           "gat " + key + " k\r\n",
       }) {
    const std::vector<std::string> parsed = ParseStream(line + "get x\r\n");
    EXPECT_THAT(parsed, ElementsAre(StartsWith("error: CLIENT_ERROR"), "get x"))
        << line.substr(0, 10);
  }
  EXPECT_THAT(ParseStream("gat abc" + many + "get x\r\n"),
              ElementsAre("error: CLIENT_ERROR invalid exptime argument", "get x"));
}

TEST(TextParserLength, StaysInsideTheGetBetweenPieces) {
  std::vector<std::string> keys;
  const std::string line = GetOf(kGetPieceBytesMax + 1000, "get", &keys);
  TextParser parser;
  Request request;
  std::string_view rest = line;
  size_t requests = 0;
  while (!rest.empty()) {
    const ParseResult result = parser.Parse(rest, &request);
    ASSERT_EQ(result.status, ParseStatus::kRequest);
    rest.remove_prefix(result.consumed);
    ++requests;
    EXPECT_EQ(parser.InsideGet(), !rest.empty());
    EXPECT_EQ(request.last_key, rest.empty());
  }
  EXPECT_EQ(requests, keys.size());
}

}  // namespace
}  // namespace larder
