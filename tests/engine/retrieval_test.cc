#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

namespace larder {
namespace {

using testing::MatchesRegex;

class RetrievalTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(client_.Send("set k 7 0 5\r\nhello\r\n"), "STORED\r\n"); }

  std::string Stat(const std::string& name) { return StatOf(client_.Send("stats\r\n"), name); }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(RetrievalTest, Get) {
  EXPECT_EQ(client_.Send("get k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n");
  EXPECT_EQ(client_.Send("get nope\r\n"), "END\r\n");
}

TEST_F(RetrievalTest, GetOfManyKeysAnswersInOrderAndSkipsMisses) {
  client_.Send("set b 0 0 1\r\nB\r\nset c 0 0 0\r\n\r\n");
  EXPECT_EQ(client_.Send("get b nope k c k\r\n"),
            "VALUE b 0 1\r\nB\r\nVALUE k 7 5\r\nhello\r\nVALUE c 0 0\r\n\r\n"
            "VALUE k 7 5\r\nhello\r\nEND\r\n");
}

TEST_F(RetrievalTest, GetOfMoreKeysThanTheWindowHolds) {
  std::string request = "get", expected;
  for (int i = 0; i < 500; ++i) {
    request += i % 3 == 0 ? " k" : " missing" + std::to_string(i);
    if (i % 3 == 0) expected += "VALUE k 7 5\r\nhello\r\n";
  }
  EXPECT_EQ(client_.Send(request + "\r\n"), expected + "END\r\n");
  EXPECT_EQ(client_.yields(), 0);  // one request, however many keys
}

TEST_F(RetrievalTest, GetsTellsATokenThatChangesWithTheItem) {
  const std::string first = client_.Send("gets k\r\n");
  EXPECT_THAT(first, MatchesRegex("VALUE k 7 5 [0-9]+\r\nhello\r\nEND\r\n"));
  EXPECT_EQ(client_.Send("gets k\r\n"), first);
  client_.Send("set k 7 0 5\r\nhello\r\n");
  EXPECT_NE(client_.Send("gets k\r\n"), first);
}

TEST_F(RetrievalTest, TokensAreZeroWithoutCas) {
  Settings settings;
  settings.cas = false;
  EngineHarness harness(settings);
  Client client(&harness);
  client.Send("set k 0 0 1\r\nx\r\n");
  EXPECT_EQ(client.Send("gets k\r\n"), "VALUE k 0 1 0\r\nx\r\nEND\r\n");
  EXPECT_EQ(client.Send("gats 0 k\r\n"), "VALUE k 0 1 0\r\nx\r\nEND\r\n");
}

TEST_F(RetrievalTest, GatReturnsAndTouches) {
  EXPECT_EQ(client_.Send("gat 10 k nope\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n");
  EXPECT_THAT(client_.Send("gats 10 k\r\n"),
              MatchesRegex("VALUE k 7 5 [0-9]+\r\nhello\r\nEND\r\n"));
  harness_.Advance(9);
  EXPECT_EQ(client_.Send("get k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n");
  harness_.Advance(1);
  EXPECT_EQ(client_.Send("get k\r\n"), "END\r\n");
}

TEST_F(RetrievalTest, GatWithNegativeTimeReturnsTheItemForTheLastTime) {
  EXPECT_EQ(client_.Send("gat -1 k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n");
  EXPECT_EQ(client_.Send("get k\r\n"), "END\r\n");
}

TEST_F(RetrievalTest, Touch) {
  EXPECT_EQ(client_.Send("touch k 10\r\n"), "TOUCHED\r\n");
  EXPECT_EQ(client_.Send("touch nope 10\r\n"), "NOT_FOUND\r\n");
  EXPECT_EQ(client_.Send("touch k 20 noreply\r\n"), "");
  harness_.Advance(19);
  EXPECT_EQ(client_.Send("get k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n");
  EXPECT_EQ(client_.Send("touch k 0\r\n"), "TOUCHED\r\n");
  harness_.Advance(1'000'000);
  EXPECT_EQ(client_.Send("get k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n");
  EXPECT_EQ(client_.Send("touch k -1\r\n"), "TOUCHED\r\n");
  EXPECT_EQ(client_.Send("get k\r\n"), "END\r\n");
}

TEST_F(RetrievalTest, AnOverlongKeyIsTheWholeReply) {
  const std::string too_long(251, 'x');
  EXPECT_EQ(client_.Send("get k " + too_long + " k\r\nget k\r\n"),
            "CLIENT_ERROR bad command line format\r\nVALUE k 7 5\r\nhello\r\nEND\r\n");
  const std::string longest(250, 'x');
  EXPECT_EQ(client_.Send("get " + longest + "\r\n"), "END\r\n");
}

TEST_F(RetrievalTest, CountsGets) {
  client_.Send("get k nope\r\ngets k\r\nset e 0 1 1\r\nx\r\nset f 0 0 1\r\nx\r\n");
  harness_.Advance(2);
  client_.Send("get e\r\nflush_all\r\nget f\r\n");
  EXPECT_EQ(Stat("cmd_get"), "5");
  EXPECT_EQ(Stat("get_hits"), "2");
  EXPECT_EQ(Stat("get_misses"), "3");
  EXPECT_EQ(Stat("get_expired"), "1");
  EXPECT_EQ(Stat("get_flushed"), "1");
  EXPECT_EQ(Stat("cmd_touch"), "0");
}

TEST_F(RetrievalTest, CountsGatsAsTouchesOnly) {
  client_.Send("gat 0 k nope\r\ngats 0 k\r\ntouch k 0\r\ntouch nope 0\r\n");
  EXPECT_EQ(Stat("cmd_touch"), "5");
  EXPECT_EQ(Stat("touch_hits"), "3");
  EXPECT_EQ(Stat("touch_misses"), "2");
  EXPECT_EQ(Stat("cmd_get"), "0");
}

TEST_F(RetrievalTest, LargeValuesAreSentFromTheItem) {
  const std::string value(100'000, 'v');
  client_.Send("set big 0 0 100000\r\n" + value + "\r\n");
  client_.Feed("get k big k\r\n");
  EXPECT_EQ(client_.output().pinned_bytes(), value.size());
  EXPECT_EQ(client_.Receive(), "VALUE k 7 5\r\nhello\r\nVALUE big 0 100000\r\n" + value +
                                   "\r\nVALUE k 7 5\r\nhello\r\nEND\r\n");
}

TEST_F(RetrievalTest, PinnedValueSurvivesWhateverHappensToItsItem) {
  const std::string value(100'000, 'v');
  for (const char* command : {"delete big\r\n", "flush_all\r\n", "touch big -1\r\n",
                              "set big 0 0 1\r\nx\r\n", "append big 0 0 1\r\nx\r\n"}) {
    client_.Send("set big 0 0 100000\r\n" + value + "\r\n");
    client_.Feed("get big\r\n");
    Client other(&harness_);
    other.Send(command);
    other.Send("get big\r\n");
    // Memory that was freed would be taken again.
    for (int i = 0; i < 20; ++i) {
      other.Send("set other" + std::to_string(i) + " 0 0 100000\r\n" + std::string(100'000, 'o') +
                 "\r\n");
    }
    EXPECT_EQ(client_.Receive(), "VALUE big 0 100000\r\n" + value + "\r\nEND\r\n") << command;
  }
}

TEST_F(RetrievalTest, ValuesAroundTheSizesThatAreCopied) {
  for (const size_t bytes : {0u, 1u, 4094u, 4095u, 4096u, 4097u, 16384u, 16385u, 1'000'000u}) {
    const std::string value(bytes, 'v');
    const std::string size = std::to_string(bytes);
    ASSERT_EQ(client_.Send("set v 1 0 " + size + "\r\n" + value + "\r\n"), "STORED\r\n") << bytes;
    EXPECT_EQ(client_.Send("get v v\r\n"), "VALUE v 1 " + size + "\r\n" + value + "\r\nVALUE v 1 " +
                                               size + "\r\n" + value + "\r\nEND\r\n")
        << bytes;
  }
}

}  // namespace
}  // namespace larder
