#include <string>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

namespace larder {
namespace {

constexpr char kBadFormat[] = "CLIENT_ERROR bad command line format\r\n";
constexpr char kBadDelta[] = "CLIENT_ERROR invalid numeric delta argument\r\n";
constexpr char kNotNumber[] = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";

class MutationTest : public testing::Test {
 protected:
  void Set(const std::string& key, const std::string& value) {
    ASSERT_EQ(client_.Send("set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value +
                           "\r\n"),
              "STORED\r\n");
  }
  std::string Value(const std::string& key) {
    const std::string reply = client_.Send("get " + key + "\r\n");
    if (reply == "END\r\n") return "(none)";
    const size_t start = reply.find("\r\n") + 2;
    return reply.substr(start, reply.size() - start - 7);
  }
  std::string Stat(const std::string& name) { return StatOf(client_.Send("stats\r\n"), name); }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(MutationTest, Delete) {
  Set("k", "v");
  EXPECT_EQ(client_.Send("delete k\r\n"), "DELETED\r\n");
  EXPECT_EQ(client_.Send("delete k\r\n"), "NOT_FOUND\r\n");
  EXPECT_EQ(Value("k"), "(none)");
  Set("k", "v");
  EXPECT_EQ(client_.Send("delete k noreply\r\ndelete k noreply\r\n"), "");
  EXPECT_EQ(Value("k"), "(none)");
  EXPECT_EQ(Stat("delete_hits"), "2");
  EXPECT_EQ(Stat("delete_misses"), "2");
}

TEST_F(MutationTest, DeleteOfAnExpiredItemFindsNothing) {
  client_.Send("set k 0 5 1\r\nx\r\n");
  harness_.Advance(5);
  EXPECT_EQ(client_.Send("delete k\r\n"), "NOT_FOUND\r\n");
}

TEST_F(MutationTest, Increment) {
  Set("n", "10");
  EXPECT_EQ(client_.Send("incr n 5\r\n"), "15\r\n");
  EXPECT_EQ(client_.Send("incr n 0\r\n"), "15\r\n");
  EXPECT_EQ(client_.Send("incr n 85\r\n"), "100\r\n");
  EXPECT_EQ(Value("n"), "100");
  EXPECT_EQ(client_.Send("incr nope 1\r\n"), "NOT_FOUND\r\n");
  EXPECT_EQ(client_.Send("incr n 1 noreply\r\nincr nope 1 noreply\r\n"), "");
  EXPECT_EQ(Value("n"), "101");
  EXPECT_EQ(Stat("incr_hits"), "4");
  EXPECT_EQ(Stat("incr_misses"), "2");
}

TEST_F(MutationTest, IncrementWraps) {
  Set("n", "18446744073709551615");
  EXPECT_EQ(client_.Send("incr n 2\r\n"), "1\r\n");
  EXPECT_EQ(Value("n"), "1                   ");
}

TEST_F(MutationTest, DecrementStopsAtZeroAndPads) {
  Set("n", "10");
  EXPECT_EQ(client_.Send("decr n 1\r\n"), "9\r\n");
  EXPECT_EQ(Value("n"), "9 ");
  EXPECT_EQ(client_.Send("decr n 100\r\n"), "0\r\n");
  EXPECT_EQ(Value("n"), "0 ");
  EXPECT_EQ(client_.Send("decr nope 1\r\n"), "NOT_FOUND\r\n");
  EXPECT_EQ(client_.Send("decr n 1 noreply\r\n"), "");
  EXPECT_EQ(Stat("decr_hits"), "3");
  EXPECT_EQ(Stat("decr_misses"), "1");
}

TEST_F(MutationTest, ArithmeticChangesTheToken) {
  Set("n", "10");
  const std::string before = client_.Send("gets n\r\n");
  client_.Send("incr n 0\r\n");
  EXPECT_NE(client_.Send("gets n\r\n"), before);
}

TEST_F(MutationTest, ArithmeticOnWhatIsNoNumber) {
  for (const std::string value : {"", "a", "5a", "-5", "18446744073709551616", " "}) {
    Set("n", value);
    EXPECT_EQ(client_.Send("incr n 1\r\n"), kNotNumber) << "'" << value << "'";
    EXPECT_EQ(client_.Send("decr n 1\r\n"), kNotNumber) << "'" << value << "'";
    EXPECT_EQ(client_.Send("incr n 1 noreply\r\n"), "");
  }
  Set("n", std::string(5000, '1'));
  EXPECT_EQ(client_.Send("incr n 1\r\n"), kNotNumber);
}

TEST_F(MutationTest, BadArguments) {
  Set("n", "10");
  EXPECT_EQ(client_.Send("incr n x\r\ndecr n -1\r\n"), std::string(kBadDelta) + kBadDelta);
  EXPECT_EQ(client_.Send("incr n\r\ndelete\r\ntouch n\r\n"),
            std::string(kBadFormat) + kBadFormat + kBadFormat);
  EXPECT_EQ(client_.Send("touch n x\r\n"), "CLIENT_ERROR invalid exptime argument\r\n");
  const std::string too_long(251, 'k');
  EXPECT_EQ(client_.Send("delete " + too_long + "\r\nincr " + too_long + " 1\r\n"),
            std::string(kBadFormat) + kBadFormat);
  EXPECT_EQ(Value("n"), "10");
}

}  // namespace
}  // namespace larder
