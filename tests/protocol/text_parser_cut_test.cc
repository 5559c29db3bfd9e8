#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocol/request.h"
#include "tests/protocol/parse_stream.h"

// What a stream means does not depend on how it was cut into inputs: checked over random streams of
// good and broken commands.

namespace larder {
namespace {

class StreamMaker {
 public:
  explicit StreamMaker(uint32_t seed) : random_(seed) {}

  std::string Stream(size_t commands) {
    std::string stream;
    for (size_t i = 0; i < commands; ++i) stream += Command();
    return stream;
  }

  size_t Below(size_t bound) { return random_() % bound; }

 private:
  template <size_t kCount>
  std::string OneOf(const char* const (&choices)[kCount]) {
    return choices[Below(kCount)];
  }

  std::string Key() {
    if (Below(40) == 0) return std::string(kRequestKeyBytesMax + Below(2), 'k');
    return std::string(1 + Below(30), static_cast<char>('a' + Below(26)));
  }

  std::string Number() {
    return OneOf({"0", "1", "3", "12", "-1", "+5", "abc", "5x", "4294967296", "2147483648",
                  "18446744073709551616", "-", "\t7", "noreply"});
  }

  std::string Spaces() { return OneOf({" ", " ", " ", " ", "  ", "   "}); }

  std::string LineEnd() { return OneOf({"\r\n", "\r\n", "\r\n", "\n", " \r\n", "\r\r\n"}); }

  std::string Words(std::vector<std::string> words) {
    // Sometimes there are too few of them or too many.
    while (words.size() > 1 && Below(10) == 0) words.pop_back();
    while (Below(10) == 0) words.push_back(Number());
    if (Below(4) == 0) words.emplace_back("noreply");
    std::string line = words[0];
    for (size_t i = 1; i < words.size(); ++i) line += Spaces() + words[i];
    return line + LineEnd();
  }

  std::string Read() {
    std::vector<std::string> words = {OneOf({"get", "gets", "gat", "gats"})};
    if (words[0].starts_with("ga")) words.push_back(Number());
    const size_t keys = 1 + (Below(4) == 0 ? Below(40) : Below(3));
    for (size_t i = 0; i < keys; ++i) words.push_back(Key());
    return Words(words);
  }

  std::string Storage() {
    const size_t bytes = Below(30);
    std::string line = Words({OneOf({"set", "add", "replace", "append", "prepend", "cas"}), Key(),
                              Below(4) == 0 ? Number() : "0", Below(4) == 0 ? Number() : "0",
                              Below(8) == 0 ? Number() : std::to_string(bytes), Number()});
    // Sometimes the value has another length than the line says, or looks like commands.
    line += Below(8) == 0 ? "get value\r\n" : std::string(bytes + (Below(8) == 0), 'v');
    return line + "\r\n";
  }

  std::string Meta() {
    std::vector<std::string> words = {OneOf({"mg", "md", "ma", "me"}), Key()};
    for (size_t i = Below(6); i > 0; --i) {
      words.push_back(OneOf({"v", "k", "t", "c", "q", "b", "!", "Oab", "MI", "I", "x"}));
      if (Below(3) == 0) words.back() = OneOf({"T", "N", "R", "C", "E", "D", "J", "F"}) + Number();
    }
    return Words(words);
  }

  std::string MetaSet() {
    const size_t bytes = Below(30);
    return Words({"ms", Key(), Below(8) == 0 ? Number() : std::to_string(bytes),
                  OneOf({"T", "C", "F"}) + Number(), OneOf({"c", "q", "k", "ME", "Mx"})}) +
           std::string(bytes, 'v') + "\r\n";
  }

  std::string Command() {
    switch (Below(10)) {
      case 8:
        return Meta();
      case 9:
        return MetaSet();
      case 0:
      case 1:
        return Read();
      case 2:
      case 3:
        return Storage();
      case 4:
        return Words({OneOf({"delete", "incr", "decr", "touch"}), Key(), Number()});
      case 5:
        return Words(
            {OneOf({"flush_all", "verbosity", "stats", "version", "quit", "mn"}), Number()});
      case 6:
        return Words({OneOf({"foo", "GET", "", "getx", "flush_alx", "\r"}), Key()});
      default:
        return OneOf({"\r\n", "\n", "a\r\n", "mn\r\n", "mn\n", "   \r\n"});
    }
  }

  std::mt19937 random_;
};

TEST(TextParserCut, ByteByByte) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    const std::string stream = StreamMaker(seed).Stream(20);
    std::vector<size_t> cuts(stream.size());
    std::iota(cuts.begin(), cuts.end(), 0);
    ASSERT_EQ(ParseStream(stream, cuts), ParseStream(stream)) << "seed " << seed;
  }
}

TEST(TextParserCut, AtRandom) {
  for (uint32_t seed = 0; seed < 600; ++seed) {
    StreamMaker maker(seed);
    const std::string stream = maker.Stream(60);
    std::vector<size_t> cuts(maker.Below(20));
    for (size_t& cut : cuts) cut = maker.Below(stream.size() + 1);
    std::sort(cuts.begin(), cuts.end());
    ASSERT_EQ(ParseStream(stream, cuts), ParseStream(stream)) << "seed " << seed;
  }
}

// The streams are of use only if most of what is in them is understood.
TEST(TextParserCut, StreamsHoldRequestsAndErrors) {
  size_t requests = 0;
  size_t errors = 0;
  for (uint32_t seed = 0; seed < 50; ++seed) {
    for (const std::string& line : ParseStream(StreamMaker(seed).Stream(60))) {
      ++(line.starts_with("error") ? errors : requests);
    }
  }
  EXPECT_GT(requests, 1000u);
  EXPECT_GT(errors, 500u);
}

}  // namespace
}  // namespace larder
