#include "server/engine/key_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "tests/engine/session_harness.h"

namespace larder {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string ClassOf(Client* client, const std::string& reply_start) {
  const std::string dump = client->Send("lru_crawler metadump all\r\n");
  const size_t line = dump.find(reply_start);
  const size_t at = dump.find("cls=", line) + 4;
  return dump.substr(at, dump.find(' ', at) - at);
}

class KeyDumpTest : public testing::Test {
 protected:
  void Fill(int count) {
    for (int i = 0; i < count; ++i) {
      client_.Send("set key" + std::to_string(i) + " 0 0 1 noreply\r\nx\r\n");
    }
  }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(KeyDumpTest, MetadumpOfNothing) {
  EXPECT_EQ(client_.Send("lru_crawler metadump all\r\n"), "OK\r\nEND\r\n");
  EXPECT_EQ(client_.Send("lru_crawler mgdump all\r\n"), "OK\r\nEN\r\n");
}

TEST_F(KeyDumpTest, MetadumpLine) {
  client_.Send("set b:1 5 100 5\r\nhello\r\nget b:1\r\n");
  const std::string cas = std::to_string(
      std::stoull(client_.Send("gets b:1\r\n").substr(std::string("VALUE b:1 5 5 ").size())));
  const std::string cls = ClassOf(&client_, "key=b%3A1");
  EXPECT_EQ(client_.Send("lru_crawler metadump all\r\n"),
            "OK\r\nkey=b%3A1 exp=1700000100 la=1700000000 cas=" + cas + " fetch=yes cls=" + cls +
                " size=71 flags=5 \nEND\r\n");
}

TEST_F(KeyDumpTest, NoExpiryAndNeverFetched) {
  client_.Send("set a 0 0 3\r\nabc\r\n");
  EXPECT_THAT(client_.Send("lru_crawler metadump all\r\n"),
              testing::ContainsRegex("key=a exp=-1 la=1700000000 cas=[0-9]+ fetch=no cls=[0-9]+ "
                                     "size=63 flags=0 \n"));
}

TEST_F(KeyDumpTest, MgdumpCanBeSentBack) {
  client_.Send("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(client_.Send("lru_crawler mgdump all\r\n"), "OK\r\nmg a\r\nEN\r\n");
  EXPECT_EQ(client_.Send("lru_crawler mgdump hash\r\n"), "OK\r\nmg a\r\nEN\r\n");
}

TEST_F(KeyDumpTest, ClassesAreChosen) {
  client_.Send("set a 0 0 1\r\nx\r\nset b 0 0 5000\r\n" + std::string(5000, 'x') + "\r\n");
  const std::string small = ClassOf(&client_, "key=a ");
  const std::string large = ClassOf(&client_, "key=b ");
  ASSERT_NE(small, large);
  EXPECT_EQ(client_.Send("lru_crawler mgdump " + small + "\r\n"), "OK\r\nmg a\r\nEN\r\n");
  EXPECT_EQ(client_.Send("lru_crawler mgdump " + large + "\r\n"), "OK\r\nmg b\r\nEN\r\n");
  EXPECT_THAT(client_.Send("lru_crawler mgdump " + small + "," + large + "\r\n"),
              testing::AllOf(HasSubstr("mg a\r\n"), HasSubstr("mg b\r\n")));
  for (const char* bad : {"0", "x", "1,x", "256", "-1", "ALL"}) {
    EXPECT_EQ(client_.Send(std::string("lru_crawler metadump ") + bad + "\r\n"),
              "BADCLASS invalid class id\r\n");
  }
}

TEST_F(KeyDumpTest, EveryKeyOnceThoughTheClientReadsSlowly) {
  constexpr int kKeys = 20000;
  Fill(kKeys);
  Client::Options options;
  options.send_bytes = 5000;
  Client slow(&harness_, options);
  std::istringstream lines(slow.Send("lru_crawler mgdump all\r\nversion\r\n"));
  std::set<std::string> keys;
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "OK\r");
  while (std::getline(lines, line) && line.starts_with("mg ")) {
    EXPECT_TRUE(keys.insert(line).second) << line;
  }
  EXPECT_EQ(keys.size(), kKeys);
  EXPECT_EQ(line, "EN\r");
  std::getline(lines, line);
  EXPECT_EQ(line, "VERSION 1.6.45\r");
  // It yielded to others, and waited for the client, whose output stayed bounded.
  EXPECT_GT(slow.yields(), 10);
}

TEST_F(KeyDumpTest, AKeyThatWouldEndTheLineIsDumpedInBase64) {
  Client binary(&harness_);
  // A set of "a\r\nb" to nothing: header, flags and expiry, key.
  binary.Send(std::string("\x80\x01\0\x04\x08\0\0\0\0\0\0\x0c", 12) + std::string(12, '\0') +
              std::string(8, '\0') + "a\r\nb");
  EXPECT_EQ(client_.Send("lru_crawler mgdump all\r\n"), "OK\r\nmg YQ0KYg== b\r\nEN\r\n");
  EXPECT_EQ(client_.Send("mg YQ0KYg== b s\r\n"), "HD s0\r\n");
}

TEST_F(KeyDumpTest, OneAtATime) {
  Fill(5000);
  Client::Options options;
  Client first(&harness_, options);
  // Half of a dump: the session is run by hand.
  Output output(&harness_.worker()->output_blocks());
  Session session(harness_.worker());
  const std::string line = "lru_crawler metadump all\r\n";
  EXPECT_EQ(session.Run(line, harness_.now, &output).next, Session::Next::kYield);
  EXPECT_TRUE(session.answering());
  EXPECT_EQ(client_.Send("lru_crawler mgdump all\r\n"),
            "BUSY currently processing crawler request\r\n");
  while (session.answering()) {
    EXPECT_EQ(session.Run("", harness_.now, &output).consumed, 0u);
    output.Clear();
  }
  EXPECT_THAT(client_.Send("lru_crawler mgdump all\r\n"), StartsWith("OK\r\nmg "));
}

TEST_F(KeyDumpTest, AClientThatLeavesLetsTheNextOneDump) {
  Fill(5000);
  {
    Output output(&harness_.worker()->output_blocks());
    Session session(harness_.worker());
    EXPECT_EQ(session.Run("lru_crawler metadump all\r\n", harness_.now, &output).next,
              Session::Next::kYield);
  }
  EXPECT_THAT(client_.Send("lru_crawler metadump all\r\n"), EndsWith("END\r\n"));
}

TEST_F(KeyDumpTest, CachedumpOfOneClassUpToALimit) {
  client_.Send("set a 0 0 1\r\nx\r\nset b 0 100 2\r\nxy\r\n");
  const std::string cls = ClassOf(&client_, "key=a ");
  const std::string all = client_.Send("stats cachedump " + cls + " 0\r\n");
  EXPECT_THAT(all, HasSubstr("ITEM a [1 b; 0 s]\r\n"));
  EXPECT_THAT(all, HasSubstr("ITEM b [2 b; 1700000100 s]\r\n"));
  EXPECT_THAT(all, EndsWith("END\r\n"));
  const std::string one = client_.Send("stats cachedump " + cls + " 1\r\n");
  EXPECT_EQ(one.find("ITEM", one.find("ITEM") + 1), std::string::npos);
  EXPECT_THAT(one, EndsWith("END\r\n"));
  EXPECT_EQ(client_.Send("stats cachedump 1\r\n"), "CLIENT_ERROR bad command line\r\n");
  EXPECT_EQ(client_.Send("stats cachedump x 1\r\n"), "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(client_.Send("stats cachedump 0 1\r\n"), "END\r\n");
  EXPECT_EQ(client_.Send("stats cachedump 300 1\r\n"), "CLIENT_ERROR Illegal slab id\r\n");
}

}  // namespace
}  // namespace larder
