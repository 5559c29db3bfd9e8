#include <string>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

namespace larder {
namespace {

constexpr char kTooLarge[] = "SERVER_ERROR object too large for cache\r\n";
constexpr char kNoMemory[] = "SERVER_ERROR out of memory storing object\r\n";
constexpr char kBadFormat[] = "CLIENT_ERROR bad command line format\r\n";
constexpr char kBadChunk[] = "CLIENT_ERROR bad data chunk\r\n";

class StorageTest : public testing::Test {
 protected:
  std::string Get(const std::string& key) { return client_.Send("get " + key + "\r\n"); }
  std::string Stat(const std::string& name) { return StatOf(client_.Send("stats\r\n"), name); }
  // The token that gets shows for the only item asked for.
  std::string Token(const std::string& key) {
    const std::string reply = client_.Send("gets " + key + "\r\n");
    const std::string line = reply.substr(0, reply.find("\r\n"));
    return line.substr(line.rfind(' ') + 1);
  }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(StorageTest, Set) {
  EXPECT_EQ(client_.Send("set k 4294967295 0 3\r\nabc\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 4294967295 3\r\nabc\r\nEND\r\n");
  EXPECT_EQ(client_.Send("set k 0 0 4\r\nabcd\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 4\r\nabcd\r\nEND\r\n");
}

TEST_F(StorageTest, ValueMayHoldAnyBytes) {
  std::string value;
  for (int i = 0; i < 256; ++i) value += static_cast<char>(i);
  EXPECT_EQ(client_.Send("set k 0 0 256\r\n" + value + "\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 256\r\n" + value + "\r\nEND\r\n");
  EXPECT_EQ(client_.Send("set k 0 0 4\r\n\r\n\r\n\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 4\r\n\r\n\r\n\r\nEND\r\n");
}

TEST_F(StorageTest, AddAndReplace) {
  EXPECT_EQ(client_.Send("replace k 0 0 1\r\na\r\n"), "NOT_STORED\r\n");
  EXPECT_EQ(client_.Send("add k 0 0 1\r\nb\r\n"), "STORED\r\n");
  EXPECT_EQ(client_.Send("add k 0 0 1\r\nc\r\n"), "NOT_STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 1\r\nb\r\nEND\r\n");
  EXPECT_EQ(client_.Send("replace k 5 0 1\r\nd\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 5 1\r\nd\r\nEND\r\n");
}

TEST_F(StorageTest, AppendAndPrependKeepFlagsAndExpiry) {
  EXPECT_EQ(client_.Send("append k 0 0 1\r\na\r\nprepend k 0 0 1\r\na\r\n"),
            "NOT_STORED\r\nNOT_STORED\r\n");
  client_.Send("set k 5 10 3\r\nmid\r\n");
  EXPECT_EQ(client_.Send("append k 9 0 4\r\n-end\r\n"), "STORED\r\n");
  EXPECT_EQ(client_.Send("prepend k 9 0 6\r\nstart-\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 5 13\r\nstart-mid-end\r\nEND\r\n");
  harness_.Advance(10);
  EXPECT_EQ(Get("k"), "END\r\n");
}

TEST_F(StorageTest, Cas) {
  EXPECT_EQ(client_.Send("cas k 0 0 1 1\r\na\r\n"), "NOT_FOUND\r\n");
  client_.Send("set k 0 0 1\r\na\r\n");
  const std::string token = Token("k");
  EXPECT_EQ(client_.Send("cas k 0 0 1 " + token + "\r\nb\r\n"), "STORED\r\n");
  EXPECT_EQ(client_.Send("cas k 0 0 1 " + token + "\r\nc\r\n"), "EXISTS\r\n");
  EXPECT_EQ(client_.Send("cas k 0 0 1 0\r\nc\r\n"), "EXISTS\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 1\r\nb\r\nEND\r\n");
  EXPECT_EQ(Stat("cas_misses"), "1");
  EXPECT_EQ(Stat("cas_hits"), "1");
  EXPECT_EQ(Stat("cas_badval"), "2");
}

TEST_F(StorageTest, NoTokenMatchesWithoutCas) {
  Settings settings;
  settings.cas = false;
  EngineHarness harness(settings);
  Client client(&harness);
  client.Send("set k 0 0 1\r\na\r\n");
  EXPECT_EQ(client.Send("cas k 0 0 1 0\r\nb\r\ncas k 0 0 1 1\r\nb\r\ncas no 0 0 1 0\r\nb\r\n"),
            "EXISTS\r\nEXISTS\r\nNOT_FOUND\r\n");
}

TEST_F(StorageTest, Expiry) {
  client_.Send("set rel 0 5 1\r\na\r\n");
  client_.Send("set abs 0 " + std::to_string(harness_.now.wall_seconds + 5) + " 1\r\na\r\n");
  client_.Send("set neg 0 -1 1\r\na\r\n");
  client_.Send("set past 0 2592001 1\r\na\r\n");
  EXPECT_EQ(Get("neg past"), "END\r\n");
  harness_.Advance(4);
  EXPECT_EQ(Get("rel abs"), "VALUE rel 0 1\r\na\r\nVALUE abs 0 1\r\na\r\nEND\r\n");
  harness_.Advance(1);
  EXPECT_EQ(Get("rel abs"), "END\r\n");
  EXPECT_EQ(client_.Send("add rel 0 0 1\r\nb\r\n"), "STORED\r\n");
}

TEST_F(StorageTest, NoreplySilencesEveryOutcome) {
  EXPECT_EQ(client_.Send("set k 0 0 1 noreply\r\na\r\nadd k 0 0 1 noreply\r\nb\r\n"
                         "replace no 0 0 1 noreply\r\nb\r\nappend k 0 0 1 noreply\r\nc\r\n"
                         "prepend k 0 0 1 noreply\r\nd\r\ncas k 0 0 1 1 noreply\r\ne\r\n"
                         "set k 0 0 1 noreply\r\ntoo long\r\nset big 0 0 1048576 noreply\r\n" +
                         std::string(1048576, 'x') + "\r\n"),
            "ERROR\r\n");  // " long" after the bad chunk
  EXPECT_EQ(Get("k"), "VALUE k 0 3\r\ndac\r\nEND\r\n");
}

TEST_F(StorageTest, BadDataChunkLeavesTheOldValueAndTheRestIsCommands) {
  client_.Send("set k 0 0 3\r\nold\r\n");
  EXPECT_EQ(client_.Send("set k 0 0 2\r\nabcdef\r\n"), std::string(kBadChunk) + "ERROR\r\n");
  EXPECT_EQ(client_.Send("set k 0 0 3\r\nabcd\r\nget k\r\n"),
            std::string(kBadChunk) + kBadFormat + "VALUE k 0 3\r\nold\r\nEND\r\n");
  EXPECT_EQ(client_.Send("set k 0 0 1\r\na\n\nget k\r\n"),
            std::string(kBadChunk) + "VALUE k 0 3\r\nold\r\nEND\r\n");
}

TEST_F(StorageTest, BadDataChunkOfAValueThatIsReceived) {
  client_.Send("set k 0 0 3\r\nold\r\n");
  const std::string value(100'000, 'x');
  client_.Feed("set k 0 0 100000\r\n");
  EXPECT_FALSE(client_.session().BodyRoom().empty());
  EXPECT_EQ(client_.Send(value + "yzget k\r\n"),
            std::string(kBadChunk) + "VALUE k 0 3\r\nold\r\nEND\r\n");
}

TEST_F(StorageTest, RefusedLinesSwallowTheirValue) {
  const std::string too_long(251, 'k');
  for (const std::string& line :
       {"set " + too_long + " 0 0 9", std::string("set k a 0 9"), std::string("set k 0 a 9"),
        std::string("cas k 0 0 9"), std::string("cas k 0 0 9 x")}) {
    EXPECT_EQ(client_.Send(line + "\r\nflush_all\r\nversion\r\n"),
              std::string(kBadFormat) + "VERSION 1.6.45\r\n")
        << line;
  }
  EXPECT_EQ(client_.Send("set k 0 0 -1\r\nset k 0 0\r\nset k 0 0 x\r\n"),
            std::string(kBadFormat) + kBadFormat + kBadFormat);
}

TEST_F(StorageTest, TooLargeIsSwallowedAndASetDropsTheOldItem) {
  const std::string value(1'048'517, 'x');
  for (const std::string command : {"set", "add", "replace", "append", "prepend"}) {
    client_.Send("set k 0 0 3\r\nold\r\n");
    EXPECT_EQ(
        client_.Send(command + " k 0 0 1048517\r\n" + value + "\r\nget k\r\n"),
        kTooLarge + std::string(command == "set" ? "END\r\n" : "VALUE k 0 3\r\nold\r\nEND\r\n"))
        << command;
  }
  EXPECT_EQ(Stat("store_too_large"), "5");
}

TEST_F(StorageTest, TheLargestValues) {
  const std::string value(1'048'516, 'x');
  EXPECT_EQ(client_.Send("set k 0 0 1048516\r\n" + value + "\r\n"), "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 1048516\r\n" + value + "\r\nEND\r\n");
  EXPECT_EQ(client_.Send("set k2 0 0 1048516\r\n" + value + "\r\n"), kTooLarge);
  EXPECT_EQ(client_.Send("set k 1 0 1048516\r\n" + value + "\r\n"), kTooLarge);
  EXPECT_EQ(client_.Send("set k 1 0 1048512\r\n" + value.substr(4) + "\r\n"), "STORED\r\n");

  Settings settings;
  settings.cas = false;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(client.Send("set k 0 0 1048524\r\n" + value + "12345678\r\n"), "STORED\r\n");
  EXPECT_EQ(client.Send("set k 0 0 1048525\r\n" + value + "123456789\r\n"), kTooLarge);
}

TEST_F(StorageTest, ASmallItemLimit) {
  Settings settings;
  settings.item_bytes_max = 1024;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(client.Send("set k 0 0 964\r\n" + std::string(964, 'x') + "\r\n"), "STORED\r\n");
  // Refused before its value has arrived, though the buffer could hold it.
  EXPECT_EQ(client.Send("set k 0 0 965\r\n"), kTooLarge);
  EXPECT_EQ(client.Send(std::string(965, 'x') + "\r\nget k\r\n"), "END\r\n");
}

TEST_F(StorageTest, AppendBeyondTheLimitIsNotStored) {
  client_.Send("set k 0 0 600000\r\n" + std::string(600'000, 'a') + "\r\n");
  EXPECT_EQ(client_.Send("append k 0 0 600000\r\n" + std::string(600'000, 'b') + "\r\n"),
            "NOT_STORED\r\n");
  EXPECT_EQ(client_.Send("append k 0 0 400000\r\n" + std::string(400'000, 'b') + "\r\n"),
            "STORED\r\n");
  EXPECT_EQ(Get("k"), "VALUE k 0 1000000\r\n" + std::string(600'000, 'a') +
                          std::string(400'000, 'b') + "\r\nEND\r\n");
}

// A store that refuses instead of evicting, filled to its last byte.
class FullStorageTest : public testing::Test {
 protected:
  static constexpr size_t kValueBytes = 200'000;
  static Settings RefuseInstead() {
    Settings settings;
    settings.memory_bytes = 16 << 20;
    settings.evict = false;
    return settings;
  }

  void SetUp() override {
    int stored = 0;
    while (client_.Send("add " + std::to_string(stored) + line_end_ + value_ + "\r\n") ==
           "STORED\r\n") {
      ASSERT_LT(++stored, 1000);
    }
    ASSERT_GT(stored, 20);
    ASSERT_EQ(StatOf(client_.Send("stats\r\n"), "evictions"), "0");
    client_.Send("stats reset\r\n");
  }

  EngineHarness harness_{RefuseInstead()};
  Client client_{&harness_};
  const std::string value_ = std::string(kValueBytes, 'x');
  const std::string line_end_ = " 0 0 200000\r\n";
};

TEST_F(FullStorageTest, RefusesAndASetDropsTheOldItem) {
  EXPECT_EQ(client_.Send("add new" + line_end_ + value_ + "\r\n"), kNoMemory);
  EXPECT_EQ(client_.Send("replace 0" + line_end_ + value_ + "\r\n"), kNoMemory);
  EXPECT_EQ(client_.Send("get 0\r\n"), "VALUE 0 0 200000\r\n" + value_ + "\r\nEND\r\n");
  EXPECT_EQ(client_.Send("set 0" + line_end_ + value_ + "\r\n"), kNoMemory);
  EXPECT_EQ(client_.Send("get 0\r\n"), "END\r\n");
  EXPECT_EQ(StatOf(client_.Send("stats\r\n"), "store_no_memory"), "3");
}

TEST_F(FullStorageTest, RefusesBeforeTheValueHasArrived) {
  EXPECT_EQ(client_.Send("set 0" + line_end_), kNoMemory);
  EXPECT_TRUE(client_.session().BodyRoom().empty());
  EXPECT_EQ(client_.Send(value_ + "\r\nget 0\r\n"), "END\r\n");
}

TEST_F(StorageTest, CountsSetsByClass) {
  client_.Send("set a 0 0 1\r\nx\r\nset a 0 0 1\r\nx\r\nadd a 0 0 1\r\nx\r\n");
  client_.Send("set b 0 0 1\r\nbad");
  EXPECT_EQ(Stat("cmd_set"), "4");
  EXPECT_EQ(Stat("curr_items"), "1");
}

}  // namespace
}  // namespace larder
