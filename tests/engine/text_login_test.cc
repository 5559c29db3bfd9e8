#include "server/engine/text_login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/engine/session_harness.h"

// What a client of the text protocol sees that has not said who it is (-Y). The replies are
// memcached's.

namespace larder {
namespace {

using testing::StartsWith;

constexpr char kUnauthenticated[] = "CLIENT_ERROR unauthenticated\r\n";
constexpr char kFailure[] = "CLIENT_ERROR authentication failure\r\n";
constexpr char kBadFormat[] = "CLIENT_ERROR bad authentication token format\r\n";

// An auth file of two users.
class Users {
 public:
  Users() {
    std::ofstream(path_) << "foo:bar\nbaz:bun:x\n";
    EXPECT_TRUE(file_.Load().ok());
    std::filesystem::remove(path_);
  }

  AuthFile* file() { return &file_; }

 private:
  const std::string path_ = testing::TempDir() + "larder-login-" + std::to_string(getpid());
  AuthFile file_{path_};
};

class TextLoginTest : public testing::Test {
 protected:
  // What a client of its own is answered.
  std::string Send(std::string_view bytes) {
    Client client(&harness_);
    const std::string reply = client.Send(bytes);
    closed_ = client.closed();
    return reply;
  }
  int64_t attempts() { return harness_.worker()->counters().auth_commands.value(); }
  int64_t errors() { return harness_.worker()->counters().auth_errors.value(); }

  Users users_;
  EngineHarness harness_{{}, nullptr, users_.file()};
  bool closed_ = false;
};

TEST_F(TextLoginTest, IsAskedForBeforeAnythingElse) {
  Client client(&harness_);
  for (const char* command : {"get a\r\n", "version\r\n", "quit\r\n", "stats\r\n", "mn\r\n", "\r\n",
                              "\n", "set a 0 0\r\n", "add a 0 0 7\r\n", "set a 0 0 x\r\n",
                              "set a 0 0 -1\r\n", "set a 0 0 7x\r\n", "set a 0 0 \r\n",
                              " get a\r\n", "bogus noreply\r\n", "GET / HTTP/1.0\r\n"}) {
    EXPECT_EQ(client.Send(command), kUnauthenticated) << command;
  }
  EXPECT_EQ(client.Send("ms a 7\r\nfoo bar\r\n"), std::string(kUnauthenticated) + kUnauthenticated);
  EXPECT_FALSE(client.closed());
  EXPECT_EQ(attempts(), 0);
  EXPECT_EQ(client.Send("set any 0 0 7\r\nfoo bar\r\n"), "STORED\r\n");
  EXPECT_EQ(attempts(), 1);
  EXPECT_EQ(errors(), 0);
  // It is no item, and from now on a set is one.
  EXPECT_EQ(client.Send("get any\r\n"), "END\r\n");
  EXPECT_EQ(client.Send("set any 0 0 1\r\nx\r\nget any\r\n"),
            "STORED\r\nVALUE any 0 1\r\nx\r\nEND\r\n");
}

TEST_F(TextLoginTest, TakesWhatMemcachedTakes) {
  const std::string good = "STORED\r\nVERSION 1.6.45\r\n";
  EXPECT_EQ(Send("set x 0 0 7\r\nfoo bar\r\nversion\r\n"), good);
  EXPECT_EQ(Send("set x 0 0 7\nfoo bar\r\nversion\r\n"), good);
  EXPECT_EQ(Send("set x y z +7 noreply\r\nfoo bar\r\nversion\r\n"), good);
  EXPECT_EQ(Send("  set  x  0 0  7 \r\nfoo bar\r\nversion\r\n"), good);
  EXPECT_EQ(Send("set x 0 0 9\r\nbaz bun:x\r\nversion\r\n"), good);
  EXPECT_EQ(Send("set x 0 0 9\r\nfoo  bar \r\nversion\r\n"), good);
  EXPECT_EQ(Send("set x 0 0 11\r\nfoo bar baz\r\nversion\r\n"), good);
  EXPECT_EQ(Send("set " + std::string(300, 'k') + " 0 0 7\r\nfoo bar\r\nversion\r\n"), good);
}

TEST_F(TextLoginTest, CountsFailures) {
  EXPECT_EQ(Send("set x 0 0 7\r\nfoo baz\r\n"), kFailure);
  EXPECT_EQ(Send("set x 0 0 7\r\nfoo barX\n"), "CLIENT_ERROR bad command line termination\r\n");
  EXPECT_EQ(Send("set x 0 0 3\r\nfoo\r\n"), kBadFormat);
  EXPECT_EQ(Send("set x 0 0 0\r\n\r\n"), kBadFormat);
  EXPECT_EQ(Send("set x 0 0 6\r\n foo  \r\n"), kBadFormat);
  EXPECT_EQ(attempts(), 1);
  EXPECT_EQ(errors(), 1);
  // One may try again.
  EXPECT_EQ(Send("set x 0 0 7\r\nbaz bar\r\nset x 0 0 7\r\nfoo bar\r\nversion\r\n"),
            std::string(kFailure) + "STORED\r\nVERSION 1.6.45\r\n");
  EXPECT_EQ(attempts(), 3);
  EXPECT_EQ(errors(), 2);
}

TEST_F(TextLoginTest, DoesNotDependOnHowTheStreamIsCut) {
  const std::string input =
      "get a\r\nset x 0 0 7\r\nfoo baz\r\nset x 0 0 7\r\nfoo bar\r\nversion\r\n";
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    Client client(&harness_, {.cut_bytes = cut});
    EXPECT_EQ(client.Send(input),
              std::string(kUnauthenticated) + kFailure + "STORED\r\nVERSION 1.6.45\r\n")
        << cut;
  }
}

TEST_F(TextLoginTest, ClosesOnWhatIsNoLineAndOnNoPassword) {
  EXPECT_EQ(Send(std::string(2048, 'a')), "");
  EXPECT_FALSE(closed_);
  EXPECT_EQ(Send(std::string(2049, 'a')), "");
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Send("set x 0 0 16000\r\n"), "");
  EXPECT_FALSE(closed_);
  EXPECT_EQ(Send("set x 0 0 20000\r\n"), "");
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Send("set x 0 0 4294967295\r\n"), "");
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Send("get a\r\n" + std::string(2049, 'a')), kUnauthenticated);
  EXPECT_TRUE(closed_);
}

TEST_F(TextLoginTest, TheBinaryProtocolIsNoWayAround) {
  for (const ProtocolChoice protocol : {ProtocolChoice::kNegotiate, ProtocolChoice::kBinary}) {
    Client client(&harness_, {.session = {.protocol = protocol}});
    std::string version(24, '\0');
    version[0] = '\x80';
    version[1] = '\x0b';
    EXPECT_EQ(client.Send(version), "");
    EXPECT_EQ(client.Send("\n"), kUnauthenticated);
  }
}

TEST_F(TextLoginTest, WaitsForAClientThatDoesNotRead) {
  Client client(&harness_, {.send_bytes = 100});
  const std::string reply = client.Send(std::string(20000, '\n'));
  EXPECT_EQ(reply.size(), 20000 * (sizeof(kUnauthenticated) - 1));
  EXPECT_GT(client.flushes(), 0);
}

TEST_F(TextLoginTest, AFileThatIsGoneChangesNothing) {
  Client before(&harness_);
  EXPECT_EQ(before.Send("set x 0 0 7\r\nfoo bar\r\n"), "STORED\r\n");
  EXPECT_FALSE(users_.file()->Load().ok());  // it is gone
  EXPECT_EQ(Send("set x 0 0 7\r\nfoo bar\r\n"), "STORED\r\n");
  EXPECT_THAT(before.Send("version\r\n"), StartsWith("VERSION"));
}

}  // namespace
}  // namespace larder
