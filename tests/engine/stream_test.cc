#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

// What comes out of a session depends on the bytes that went in and on nothing else: not on how
// they were cut, not on how many requests were looked at together, not on how fast the client
// reads.

namespace larder {
namespace {

std::string SetCommand(const std::string& key, const std::string& value,
                       const std::string& rest = "") {
  return "set " + key + " 0 0 " + std::to_string(value.size()) + rest + "\r\n" + value + "\r\n";
}

// Something of everything, good and bad.
std::string Conversation() {
  const std::string small(300, 's'), large(20'000, 'l');
  std::string text;
  text += SetCommand("a", "1") + SetCommand("b", small) + "get a b c\r\ngets a\r\n";
  text += SetCommand("big", large) + "get a big b\r\nappend big 0 0 3\r\nend\r\nget big\r\n";
  text += "add a 0 0 1\r\n2\r\nreplace a 5 0 1\r\n3\r\nprepend a 0 0 2\r\n10\r\nincr a 7\r\n";
  text += "decr a 1000\r\nget a\r\ncas a 0 0 1 1\r\nx\r\ncas nope 0 0 1 1\r\nx\r\n";
  text += "touch a 100\r\ngat 100 a nope\r\ngats 0 a b\r\ndelete b\r\ndelete b\r\nget b\r\n";
  text +=
      "nonsense\r\n\r\nget\r\nset a 0 0\r\nset a 0 0 x\r\nget " + std::string(251, 'k') + "\r\n";
  text += "set " + std::string(251, 'k') + " 0 0 5\r\nget a\r\n";
  text += "set a 0 0 2\r\ntoo long\r\nset a 0 0 3\r\nabcd\r\nget a\r\n";
  text += "set huge 0 0 1048576\r\n" + std::string(1'048'576, 'h') + "\r\nget huge\r\n";
  text += SetCommand("a", "quiet", " noreply") + "delete a noreply\r\nget a\r\n";
  text += "set big 0 0 20000\r\n" + large + "xxget big\r\n";
  text += "version\nmn\r\nverbosity 0\r\nflush_all\r\nget big\r\nstats nonsense\r\nincr n x\r\n";
  text += "get a " + std::string(200, ' ') + " b  c \r\n";
  return text + "quit\r\nversion\r\n";
}

std::string ReplyTo(const std::string& conversation, const Client::Options& options,
                    const Settings& settings = {}) {
  EngineHarness harness(settings);
  Client client(&harness, options);
  const std::string reply = client.Send(conversation);
  EXPECT_TRUE(client.closed());
  return reply;
}

TEST(Stream, SameReplyHoweverItIsCut) {
  const std::string conversation = Conversation();
  const std::string expected = ReplyTo(conversation, {});
  EXPECT_TRUE(expected.ends_with("END\r\n"));
  for (const size_t cut : {2u, 3u, 7u, 100u, 1000u, 4096u, 16384u, 65536u}) {
    for (const bool use_body_room : {true, false}) {
      const Client::Options options = {.cut_bytes = cut, .use_body_room = use_body_room};
      EXPECT_EQ(ReplyTo(conversation, options), expected) << cut << " " << use_body_room;
    }
  }
}

TEST(Stream, SameReplyCutAtEveryByte) {
  // Without the million bytes that only repeat themselves.
  std::string conversation = Conversation();
  const size_t huge = conversation.find("set huge");
  conversation.erase(huge, conversation.find("get huge") - huge);
  const std::string expected = ReplyTo(conversation, {});
  // Inside of runs of one letter nothing happens.
  for (size_t cut = 1; cut < conversation.size(); ++cut) {
    if (cut > 40 && cut + 40 < conversation.size() &&
        conversation.substr(cut - 40, 80) == std::string(80, conversation[cut])) {
      continue;
    }
    EngineHarness fresh;
    Client client(&fresh);
    std::string reply = client.Send(std::string_view(conversation).substr(0, cut));
    reply += client.Send(std::string_view(conversation).substr(cut));
    ASSERT_EQ(reply, expected) << cut;
  }
}

TEST(Stream, SameReplyAtRandomCuts) {
  const std::string conversation = Conversation();
  const std::string expected = ReplyTo(conversation, {});
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    EngineHarness harness;
    Client client(&harness, {.use_body_room = round % 2 == 0});
    std::string reply;
    std::string_view rest = conversation;
    while (!rest.empty() && !client.closed()) {
      // Small pieces and large ones.
      const size_t most = size_t{1} << (random() % 18);
      const size_t n = std::min<size_t>(1 + random() % most, rest.size());
      reply += client.Send(rest.substr(0, n));
      rest.remove_prefix(n);
    }
    ASSERT_EQ(reply, expected) << round;
  }
}

TEST(Stream, SameReplyWhateverTheBudgetOfRequests) {
  const std::string conversation = Conversation();
  const std::string expected = ReplyTo(conversation, {});
  for (const int requests : {1, 2, 3, 31, 32, 33, 1000}) {
    Settings settings;
    settings.requests_per_event = requests;
    EXPECT_EQ(ReplyTo(conversation, {}, settings), expected) << requests;
  }
}

TEST(Stream, RequestsOfOneWindowSeeEachOther) {
  EngineHarness harness;
  Client client(&harness);
  EXPECT_EQ(client.Send("set k 0 0 1\r\na\r\nget k\r\nset k 0 0 1\r\nb\r\nget k\r\ndelete k\r\n"
                        "get k\r\nadd k 0 0 1\r\n1\r\nincr k 1\r\nget k\r\nflush_all\r\nget k\r\n"),
            "STORED\r\nVALUE k 0 1\r\na\r\nEND\r\nSTORED\r\nVALUE k 0 1\r\nb\r\nEND\r\nDELETED\r\n"
            "END\r\nSTORED\r\n2\r\nVALUE k 0 1\r\n2\r\nEND\r\nOK\r\nEND\r\n");
}

TEST(Stream, YieldsAfterItsBudget) {
  Settings settings;
  settings.requests_per_event = 10;
  EngineHarness harness(settings);
  Client client(&harness);
  std::string requests;
  for (int i = 0; i < 25; ++i) requests += "get a b c\r\n";
  std::string expected;
  for (int i = 0; i < 25; ++i) expected += "END\r\n";
  EXPECT_EQ(client.Send(requests), expected);
  EXPECT_EQ(client.yields(), 2);
  EXPECT_EQ(StatOf(client.Send("stats\r\n"), "conn_yields"), "2");
  // Nothing left over is no reason to yield.
  client.Send(requests.substr(0, 10 * 11));
  EXPECT_EQ(client.yields(), 2);
}

TEST(Stream, SaysHowMuchInputItNeeds) {
  EngineHarness harness;
  Client client(&harness);
  client.Feed("get a");
  EXPECT_EQ(client.session().min_input_bytes(), 6u);
  client.Feed("\r\n");
  EXPECT_EQ(client.session().min_input_bytes(), 1u);
  client.Feed("get a\r\nset k 0 0 1000\r\nabc");
  EXPECT_EQ(client.unconsumed(), "set k 0 0 1000\r\nabc");
  EXPECT_EQ(client.session().min_input_bytes(), 16u + 1000 + 2);
}

TEST(Stream, SmallValuesAreWaitedForAndLargeOnesReceived) {
  EngineHarness harness;
  Client client(&harness);
  // The line and its value are just as large as a buffer.
  const std::string line = "set k 0 0 16365\r\n";
  ASSERT_EQ(line.size() + 16365 + 2, kSessionInputBytes);
  client.Feed(line);
  EXPECT_TRUE(client.session().BodyRoom().empty());
  EXPECT_EQ(client.unconsumed(), line);
  EXPECT_EQ(client.Send(std::string(16365, 'x') + "\r\n"), "STORED\r\n");

  client.Feed("set k 0 0 16366\r\nabc");
  EXPECT_EQ(client.unconsumed(), "");
  EXPECT_FALSE(client.session().BodyRoom().empty());
  EXPECT_EQ(client.Send(std::string(16363, 'x') + "\r"), "");
  EXPECT_EQ(client.unconsumed(), "\r");
  EXPECT_TRUE(client.session().BodyRoom().empty());
  EXPECT_EQ(client.Send("\nget k\r\n"),
            "STORED\r\nVALUE k 0 16366\r\nabc" + std::string(16363, 'x') + "\r\nEND\r\n");
}

TEST(Stream, AChainedValueIsReceivedPieceByPiece) {
  Settings settings;
  settings.item_bytes_max = 8 << 20;
  EngineHarness harness(settings);
  std::string value;
  while (value.size() < (6 << 20)) value += std::to_string(value.size());
  const std::string size = std::to_string(value.size());
  for (const bool use_body_room : {true, false}) {
    Client client(&harness, {.cut_bytes = 10'000, .use_body_room = use_body_room});
    EXPECT_EQ(client.Send(SetCommand("k", value)), "STORED\r\n");
    Client reader(&harness);
    EXPECT_EQ(reader.Send("get k\r\n"), "VALUE k 0 " + size + "\r\n" + value + "\r\nEND\r\n");
  }
}

TEST(Stream, AConnectionThatGoesWithItsValueHalfReceivedLeavesNothing) {
  EngineHarness harness;
  {
    Client client(&harness);
    client.Feed("set k 0 0 500000\r\n" + std::string(250'000, 'x'));
  }
  Client other(&harness);
  EXPECT_EQ(other.Send("get k\r\n"), "END\r\n");
  EXPECT_EQ(StatOf(other.Send("stats\r\n"), "curr_items"), "0");
  // The harness's store finds all chunks free.
}

TEST(Stream, StopsAtTheCapOfCopiedBytes) {
  EngineHarness harness;
  Client client(&harness);
  const std::string value(4000, 'v');
  client.Send(SetCommand("k", value));
  std::string request = "get", expected;
  for (int i = 0; i < 1000; ++i) {
    request += " k";
    expected += "VALUE k 0 4000\r\n" + value + "\r\n";
  }
  EXPECT_EQ(client.Send(request + "\r\n"), expected + "END\r\n");
  EXPECT_GE(client.flushes(), 1000 * 4000 / static_cast<int>(kOutputCopiedBytesMax) - 1);
}

TEST(Stream, StopsAtTheCapOfPinnedBytes) {
  EngineHarness harness;
  // So slow a reader that the cap is met at every second key.
  Client client(&harness, {.send_bytes = 200'000});
  const std::string value(100'000, 'v');
  client.Send(SetCommand("k", value));
  std::string request = "get", expected;
  for (int i = 0; i < 100; ++i) {
    request += i % 2 == 0 ? " k" : " nope";
    if (i % 2 == 0) expected += "VALUE k 0 100000\r\n" + value + "\r\n";
  }
  request += "\r\nversion\r\n";
  EXPECT_EQ(client.Send(request), expected + "END\r\nVERSION 1.6.45\r\n");
  EXPECT_GE(client.flushes(), 10);
}

TEST(Stream, FlushesBetweenRequestsOfAPipelineToo) {
  EngineHarness harness;
  Client client(&harness, {.send_bytes = 1000});
  client.Send(SetCommand("k", std::string(4000, 'v')));
  std::string requests, expected;
  for (int i = 0; i < 200; ++i) {
    requests += "get k\r\ngat 0 k nope\r\nset n 0 0 1\r\n1\r\nincr n 1\r\n";
    const std::string hit = "VALUE k 0 4000\r\n" + std::string(4000, 'v') + "\r\nEND\r\n";
    expected += hit + hit + "STORED\r\n2\r\n";
  }
  EXPECT_EQ(client.Send(requests), expected);
  EXPECT_GT(client.flushes(), 100);
}

TEST(Stream, AnEmptyOutputHoldsNoBlock) {
  EngineHarness harness;
  const OutputBlocks& blocks = harness.worker()->output_blocks();
  Client client(&harness);
  client.Send("get a b c\r\nset k 0 0 1 noreply\r\nx\r\nget k\r\n");
  EXPECT_EQ(blocks.count(), blocks.free_count());
  // A long get that comes in pieces finds nothing, and has not ended.
  std::string get = "get";
  while (get.size() < 100'000) get += " missing";
  client.Feed(get);
  EXPECT_EQ(blocks.count(), blocks.free_count());
}

TEST(Stream, SwallowsNoMoreThanTheRefusedValue) {
  EngineHarness harness;
  Client client(&harness, {.cut_bytes = 1000});
  EXPECT_EQ(client.Send("set k 0 0 2000000\r\n" + std::string(2'000'000, 'x') + "\r\nversion\r\n"),
            "SERVER_ERROR object too large for cache\r\nVERSION 1.6.45\r\n");
}

}  // namespace
}  // namespace larder
