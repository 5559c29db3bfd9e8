#include <string>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

namespace larder {
namespace {

class AdministrationTest : public testing::Test {
 protected:
  void Set(const std::string& key) {
    ASSERT_EQ(client_.Send("set " + key + " 0 0 1\r\nx\r\n"), "STORED\r\n");
  }
  bool Has(const std::string& key) { return client_.Send("get " + key + "\r\n") != "END\r\n"; }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(AdministrationTest, Version) {
  EXPECT_EQ(client_.Send("version\r\n"), "VERSION 1.6.45\r\n");
}

TEST_F(AdministrationTest, Noop) { EXPECT_EQ(client_.Send("mn\r\n"), "MN\r\n"); }

TEST_F(AdministrationTest, Verbosity) {
  EXPECT_EQ(client_.Send("verbosity 1\r\n"), "OK\r\n");
  EXPECT_EQ(harness_.engine().verbosity(), 1);
  EXPECT_EQ(client_.Send("verbosity 7 noreply\r\n"), "");
  EXPECT_EQ(harness_.engine().verbosity(), 2);
  EXPECT_EQ(client_.Send("verbosity\r\n"), "CLIENT_ERROR bad command line format\r\n");
}

TEST_F(AdministrationTest, Unknown) {
  EXPECT_EQ(client_.Send("nonsense\r\n"), "ERROR\r\n");
  EXPECT_EQ(client_.Send("stats nonsense\r\n"), "ERROR\r\n");
}

TEST_F(AdministrationTest, QuitClosesAfterWhatWasAskedBefore) {
  EXPECT_EQ(client_.Send("version\r\nquit\r\nversion\r\n"), "VERSION 1.6.45\r\n");
  EXPECT_TRUE(client_.closed());
}

TEST_F(AdministrationTest, ALineWithoutEndCloses) {
  Client patient(&harness_);
  EXPECT_EQ(patient.Send(std::string(2048, 'x')), "");
  EXPECT_FALSE(patient.closed());
  EXPECT_EQ(patient.Send("x"), "");
  EXPECT_TRUE(patient.closed());
}

TEST_F(AdministrationTest, FlushAllAtOnce) {
  Set("a");
  EXPECT_EQ(client_.Send("flush_all\r\n"), "OK\r\n");
  EXPECT_FALSE(Has("a"));
  Set("a");
  EXPECT_TRUE(Has("a"));
  EXPECT_EQ(client_.Send("flush_all noreply\r\n"), "");
  EXPECT_FALSE(Has("a"));
  Set("a");
  EXPECT_EQ(client_.Send("flush_all 0\r\n"), "OK\r\n");
  EXPECT_FALSE(Has("a"));
  Set("a");
  EXPECT_EQ(client_.Send("flush_all -1\r\n"), "OK\r\n");
  EXPECT_FALSE(Has("a"));
  EXPECT_EQ(StatOf(client_.Send("stats\r\n"), "cmd_flush"), "4");
}

TEST_F(AdministrationTest, FlushAllDelayed) {
  Set("a");
  EXPECT_EQ(client_.Send("flush_all 10\r\n"), "OK\r\n");
  harness_.Advance(8);
  EXPECT_TRUE(Has("a"));
  Set("b");
  // As in memcached, the last of the ten seconds is not waited for.
  harness_.Advance(1);
  EXPECT_FALSE(Has("a"));
  EXPECT_FALSE(Has("b"));
  Set("a");
  EXPECT_TRUE(Has("a"));
  harness_.Advance(1);
  EXPECT_TRUE(Has("a"));
}

TEST_F(AdministrationTest, FlushAllAtADate) {
  Set("a");
  client_.Send("flush_all " + std::to_string(harness_.now.wall_seconds + 10) + "\r\n");
  harness_.Advance(8);
  EXPECT_TRUE(Has("a"));
  harness_.Advance(2);
  EXPECT_FALSE(Has("a"));
}

TEST_F(AdministrationTest, FlushAllAtADateBeforeEverythingFlushesNothing) {
  Set("a");
  EXPECT_EQ(client_.Send("flush_all 2592001\r\n"), "OK\r\n");
  EXPECT_TRUE(Has("a"));
}

TEST_F(AdministrationTest, FlushAllRefusesWhatIsNoNumber) {
  Set("a");
  EXPECT_EQ(client_.Send("flush_all x\r\n"), "CLIENT_ERROR invalid exptime argument\r\n");
  EXPECT_TRUE(Has("a"));
}

}  // namespace
}  // namespace larder
