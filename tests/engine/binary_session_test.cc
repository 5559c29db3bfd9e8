#include <string>

#include "gtest/gtest.h"
#include "tests/engine/binary_client.h"
#include "tests/engine/session_harness.h"

// Reads and administration in the binary protocol, the stream's cuts, and streams that are broken.

namespace larder {
namespace {

namespace bin = binary;

class BinarySession : public testing::Test {
 protected:
  std::string Said(const std::string& request) { return bin::Summary(client_.Send(request)); }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(BinarySession, GetsWithAndWithoutTheKey) {
  client_.Send(bin::Store("k", "value"));
  EXPECT_EQ(Said(bin::Get("k") + bin::Get("k", 0x0c) + bin::Get("k", 0x09) + bin::Get("k", 0x0d)),
            "00 00 value; 0c 00 k value; 09 00 value; 0d 00 k value");
  EXPECT_EQ(Said(bin::Get("none")), "00 01 Not found");
  EXPECT_EQ(Said(bin::Get("none", 0x0c)), "0c 01 none");
  EXPECT_EQ(Said(bin::Get("none", 0x09) + bin::Get("none", 0x0d) + bin::Plain(0x0a)), "0a 00");
}

TEST_F(BinarySession, TouchAndGetAndTouch) {
  client_.Send(bin::Store("k", "value", 0x01, 0, /*flags=*/7, /*expiry=*/10));
  const auto touched = bin::ParseBinaryReplies(client_.Send(bin::Touch("k", 100)));
  ASSERT_EQ(touched.size(), 1u);
  EXPECT_EQ(touched[0].extras, bin::BigEndian(7, 4));
  EXPECT_EQ(touched[0].value, "");
  EXPECT_NE(touched[0].cas, 0u);
  harness_.Advance(50);
  EXPECT_EQ(Said(bin::Touch("k", 100, 0x1d) + bin::Touch("k", 100, 0x1e) +
                 bin::Touch("k", 100, 0x23) + bin::Touch("k", 100, 0x24)),
            "1d 00 value; 1e 00 value; 23 00 k value; 24 00 k value");
  harness_.Advance(99);
  EXPECT_EQ(Said(bin::Get("k")), "00 00 value");
  EXPECT_EQ(Said(bin::Touch("none", 0)), "1c 01 Not found");
  EXPECT_EQ(Said(bin::Touch("none", 0, 0x1d)), "1d 01 Not found");
  EXPECT_EQ(Said(bin::Touch("none", 0, 0x23)), "23 01 none");
  EXPECT_EQ(Said(bin::Touch("none", 0, 0x1e) + bin::Touch("none", 0, 0x24) + bin::Plain(0x0a)),
            "0a 00");
  const std::string stats = Client(&harness_).Send("stats\r\n");
  EXPECT_EQ(StatOf(stats, "touch_hits"), "5");
  EXPECT_EQ(StatOf(stats, "touch_misses"), "5");
  EXPECT_EQ(StatOf(stats, "cmd_get"), "1");
}

TEST_F(BinarySession, VersionAndFlush) {
  EXPECT_EQ(Said(bin::Plain(0x0b)), "0b 00 1.6.45");
  client_.Send(bin::Store("k", "value"));
  EXPECT_EQ(
      Said(bin::BinaryRequestPacket{.opcode = 0x08, .extras = bin::BigEndian(100, 4)}.Bytes()),
      "08 00");
  EXPECT_EQ(Said(bin::Get("k")), "00 00 value");
  EXPECT_EQ(Said(bin::Plain(0x08) + bin::Get("k")), "08 00; 00 01 Not found");
}

TEST(BinaryFlush, CanBeForbidden) {
  Settings settings;
  settings.flush_command = false;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(bin::Summary(client.Send(bin::Plain(0x08))), "08 20 Auth failure.");
}

TEST_F(BinarySession, QuitAnswersAndEndsTheConnection) {
  EXPECT_EQ(Said(bin::Plain(0x0a) + bin::Plain(0x07) + bin::Plain(0x0a)), "0a 00; 07 00");
  EXPECT_TRUE(client_.closed());
  Client quiet(&harness_);
  EXPECT_EQ(bin::Summary(quiet.Send(bin::Plain(0x0a) + bin::Plain(0x17) + bin::Plain(0x0a))),
            "0a 00");
  EXPECT_TRUE(quiet.closed());
}

TEST_F(BinarySession, StatsAreListedAndEndWithAnEmptyPacket) {
  const auto stats = [&](const std::string& what) {
    return bin::ParseBinaryReplies(
        client_.Send(bin::BinaryRequestPacket{.opcode = 0x10, .key = what}.Bytes()));
  };
  client_.Send(bin::Store("k", "value"));
  for (const char* what : {"", "settings", "items", "slabs", "conns"}) {
    SCOPED_TRACE(what);
    const auto packets = stats(what);
    ASSERT_FALSE(packets.empty());
    EXPECT_EQ(packets.back().key, "");
    EXPECT_EQ(packets.back().value, "");
    for (const auto& packet : packets) {
      EXPECT_EQ(packet.opcode, 0x10);
      EXPECT_EQ(packet.opaque, "OPAQ");
      EXPECT_EQ(packet.key.empty(), &packet == &packets.back());
    }
  }
  EXPECT_EQ(stats("")[0].key, "pid");
  EXPECT_EQ(stats("reset").size(), 1u);
  EXPECT_EQ(Said(bin::BinaryRequestPacket{.opcode = 0x10, .key = "none"}.Bytes()),
            "10 01 Not found");
}

TEST_F(BinarySession, PrefixesAreCounted) {
  const auto detail = [&](const std::string& what) {
    return Said(bin::BinaryRequestPacket{.opcode = 0x10, .key = "detail " + what}.Bytes());
  };
  EXPECT_EQ(detail("on"), "10 00");
  client_.Send(bin::Store("a:1", "v") + bin::Store("a:2", std::string(30'000, 'x')) +
               bin::Get("a:1") + bin::Get("a:3") + bin::Delete("a:1"));
  EXPECT_EQ(detail("dump"), "10 00 detailed PREFIX a get 2 hit 1 set 2 del 1\r\nEND\r\n; 10 00");
  EXPECT_EQ(detail("off"), "10 00");
  EXPECT_EQ(detail("else"), "10 01 Not found");
}

TEST_F(BinarySession, AnUnknownCommandIsAnswered) {
  EXPECT_EQ(Said(bin::Plain(0x1b) + bin::Plain(0x0a)), "1b 81 Unknown command; 0a 00");
  // As many bytes as its body had are dropped behind it.
  EXPECT_EQ(
      Said(bin::BinaryRequestPacket{.opcode = 0x1b, .value = "xx"}.Bytes() + bin::Plain(0x0a)),
      "1b 81 Unknown command; 0a 00");
  EXPECT_EQ(Said(bin::BinaryRequestPacket{.opcode = 0x77, .extras = "xxxx"}.Bytes() + "yyyy" +
                 bin::Plain(0x0a)),
            "77 81 Unknown command; 0a 00");
  EXPECT_EQ(Said(bin::Plain(0x20)), "20 81 Unknown command");
  EXPECT_EQ(Said(bin::BinaryRequestPacket{.opcode = 0x21, .key = "PLAIN", .value = "xyz"}.Bytes() +
                 bin::Plain(0x0a)),
            "21 81 Unknown command; 0a 00");
}

TEST_F(BinarySession, WrongPartsCloseTheConnection) {
  EXPECT_EQ(Said(bin::Get("k", 0x0a) + bin::Plain(0x0a)), "0a 04 Invalid arguments");
  EXPECT_TRUE(client_.closed());
  Client lengths(&harness_);
  std::string packet = bin::Get("key");
  packet[11] = 1;
  EXPECT_EQ(bin::Summary(lengths.Send(packet + bin::Plain(0x0a))), "00 81 Unknown command");
  EXPECT_TRUE(lengths.closed());
}

// As in memcached: what waits for other replies to be sent with is lost with them.
TEST_F(BinarySession, AnotherMagicClosesAtOnce) {
  const std::string text = "get a_key_of_some_length\r\n";
  EXPECT_EQ(Said(bin::Plain(0x0a) + bin::Store("k", "value") + bin::Get("k") + text), "0a 00");
  EXPECT_TRUE(client_.closed());
  Client after_error(&harness_);
  EXPECT_EQ(bin::Summary(after_error.Send(bin::Get("k") + bin::Get("none") + text)),
            "00 00 value; 00 01 Not found");
  Client large(&harness_);
  large.Send(bin::Store("large", std::string(100'000, 'x')));
  EXPECT_EQ(bin::Summary(large.Send(bin::Get("large") + text)), "");
}

// Every cut gives the same replies. The stream has a bit of everything, values that are received
// into their items too.
TEST_F(BinarySession, CutsDoNotMatter) {
  const std::string large(20'000, 'x');
  const std::string stream =
      bin::Plain(0x08) + bin::Store("k", "value") + bin::Get("k", 0x0d) + bin::Get("none", 0x0d) +
      bin::Store("e", "") + bin::Get("e") + bin::Store("l", large) + bin::Get("l", 0x0c) +
      bin::Extend("l", large) + bin::Increment("n", 1, 5, 0) + bin::Touch("k", 10, 0x23) +
      bin::Store("k", std::string(70'000, 'y')) + bin::BinaryRequestPacket{.opcode = 0x77}.Bytes() +
      bin::Delete("k") + bin::Plain(0x0a);
  Settings settings;
  settings.item_bytes_max = 64 << 10;
  std::string expected;
  for (const size_t cut :
       {size_t{0}, size_t{1}, size_t{7}, size_t{24}, size_t{1000}, size_t{9999}}) {
    EngineHarness harness(settings);
    Client client(&harness, {.cut_bytes = cut, .use_body_room = cut % 2 == 1});
    const std::string reply = client.Send(stream);
    if (cut == 0) expected = reply;
    EXPECT_EQ(reply, expected) << cut;
    EXPECT_TRUE(client.unconsumed().empty());
  }
  EXPECT_EQ(bin::Summary(expected).substr(0, 40), "08 00; 01 00; 0d 00 k value; 01 00; 00 0");
}

// A client that does not read is not read from; it gets everything in the end.
TEST_F(BinarySession, StopsWhenTheOutputIsFull) {
  client_.Send(bin::Store("l", std::string(300'000, 'x')));
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += bin::Get("l");
  const auto replies = bin::ParseBinaryReplies(client_.Send(requests));
  EXPECT_GT(client_.flushes(), 0);
  EXPECT_EQ(replies.size(), 40u);
}

}  // namespace
}  // namespace larder
