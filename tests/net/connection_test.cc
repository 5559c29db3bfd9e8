#include "server/net/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "tests/net/client.h"
#include "tests/net/test_engine.h"

// A connection at one end of a socket pair, driven by hand: no loop and no waiting, so that what
// it does in each of its states is seen step by step.

namespace larder {
namespace {

using Wait = Connection::Wait;

constexpr size_t kLargeValueBytes = 900'000;

class ConnectionTest : public testing::Test {
 protected:
  explicit ConnectionTest(const Settings& settings = {}) : engine_(settings, now()) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    client_ = std::make_unique<Client>(UniqueFd(ends[0]));
    client_->ShrinkBuffers();
    connection_ = std::make_unique<Connection>(Stream(UniqueFd(ends[1])), ConnectionTraits{},
                                               engine_.engine().AddWorker(), now());
    turn_.now = now();
    turn_.input = &input_;
    turn_.pieces = pieces_;
  }

  static Now now() { return {.tick = Tick{100}, .wall_seconds = 1'700'000'000}; }

  // What the client has been sent by now.
  std::string Received() {
    std::string received(1 << 20, '\0');
    const ssize_t bytes = recv(client_->fd(), received.data(), received.size(), MSG_DONTWAIT);
    received.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
    return received;
  }

  const char* StateName() const { return connection_->Info(now()).state; }

  // Sends all of `bytes`, of which the connection reads what does not fit the buffers.
  Wait Feed(std::string_view bytes) {
    Wait wait = Wait::kInput;
    while (!bytes.empty()) {
      bytes.remove_prefix(client_->SendSome(bytes));
      wait = connection_->OnReadable(&turn_);
      EXPECT_EQ(wait, Wait::kInput);
    }
    return wait;
  }

  void StoreLargeValue() {
    Feed("set big 0 0 " + std::to_string(kLargeValueBytes) + "\r\n" +
         std::string(kLargeValueBytes, 'v') + "\r\n");
    EXPECT_EQ(Received(), "STORED\r\n");
  }

  TestEngine engine_;
  LentBuffer input_;
  std::array<iovec, IOV_MAX> pieces_;
  LoopTurn turn_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, AnswersWhatItReads) {
  client_->Send("set a 0 0 1\r\nx\r\nget a\r\n");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
  EXPECT_STREQ(StateName(), "conn_read");
}

TEST_F(ConnectionTest, AReadinessWithoutInputIsNothing) {
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "");
}

TEST_F(ConnectionTest, HoldsARequestThatIsNotWhole) {
  for (const char byte : std::string_view("get missing\r")) {
    client_->Send({&byte, 1});
    EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
    EXPECT_EQ(Received(), "");
  }
  EXPECT_EQ(connection_->held_bytes(), 12u);
  client_->Send("\nget also");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "END\r\n");
  EXPECT_EQ(connection_->held_bytes(), 8u);
  client_->Send("\r\n");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "END\r\n");
  EXPECT_EQ(connection_->held_bytes(), 0u);
}

TEST_F(ConnectionTest, ReceivesALargeValuePieceByPiece) {
  client_->Send("set big 0 0 " + std::to_string(kLargeValueBytes) + "\r\nabc");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_STREQ(StateName(), "conn_nread");
  EXPECT_EQ(connection_->held_bytes(), 0u);
  EXPECT_EQ(Feed(std::string(kLargeValueBytes - 3, 'v') + "\r\nget no\r\n"), Wait::kInput);
  EXPECT_EQ(Received(), "STORED\r\nEND\r\n");
  EXPECT_STREQ(StateName(), "conn_read");
}

TEST_F(ConnectionTest, ASlowReaderIsNotReadFromUntilItHasRead) {
  StoreLargeValue();
  client_->Send("get big\r\nget big\r\nget no\r\n");
  ASSERT_EQ(connection_->OnReadable(&turn_), Wait::kRoom);
  EXPECT_STREQ(StateName(), "conn_mwrite");
  client_->Send("get also_no\r\n");

  std::string received = Received();
  Wait wait = Wait::kRoom;
  while (wait != Wait::kInput) {
    wait = wait == Wait::kRoom ? connection_->OnWritable(&turn_) : connection_->Resume(&turn_);
    received += Received();
  }
  const std::string reply = "VALUE big 0 " + std::to_string(kLargeValueBytes) + "\r\n" +
                            std::string(kLargeValueBytes, 'v') + "\r\nEND\r\n";
  EXPECT_TRUE(received == reply + reply + "END\r\n") << received.size();
  // What was sent meanwhile is still in the socket.
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "END\r\n");
}

TEST_F(ConnectionTest, WhatWaitsForASlowReaderIsBounded) {
  StoreLargeValue();
  std::string requests;
  for (int i = 0; i < 15; ++i) requests += "get big\r\n";
  client_->Send(requests);
  ASSERT_EQ(connection_->OnReadable(&turn_), Wait::kRoom);
  // Not all of them have been executed, and so those that have not are still held.
  EXPECT_GE(connection_->held_bytes(), 12 * std::string_view("get big\r\n").size());
}

TEST_F(ConnectionTest, ClosesWhenTheClientHasFinished) {
  client_->Send("get a\r\n");
  client_->FinishSending();
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "END\r\n");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kClosed);
}

TEST_F(ConnectionTest, SendsAllThatWasAskedForBeforeClosing) {
  StoreLargeValue();
  client_->Send("get big\r\nquit\r\n");
  client_->FinishSending();
  Wait wait = connection_->OnReadable(&turn_);
  std::string received = Received();
  while (wait == Wait::kRoom) {
    wait = connection_->OnWritable(&turn_);
    received += Received();
  }
  EXPECT_EQ(wait, Wait::kClosed);
  EXPECT_TRUE(received.ends_with("v\r\nEND\r\n"));
}

TEST_F(ConnectionTest, AClientThatIsGoneIsNoError) {
  client_->Send("get a\r\n");
  client_.reset();
  testing::internal::CaptureStderr();
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kClosed);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(ConnectionTest, QuitCloses) {
  client_->Send("get a\r\nquit\r\nget b\r\n");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kClosed);
  EXPECT_EQ(Received(), "END\r\n");
}

TEST_F(ConnectionTest, IsIdleOnceNothingMovedForLongEnough) {
  Now later = now();
  later.tick.seconds += 5;
  EXPECT_FALSE(connection_->IsIdle(later, 5));
  EXPECT_EQ(connection_->Info(later).idle_seconds, 5u);
  later.tick.seconds += 1;
  EXPECT_TRUE(connection_->IsIdle(later, 5));
  turn_.now = later;
  client_->Send("g");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_FALSE(connection_->IsIdle(later, 5));
}

class FewRequestsTest : public ConnectionTest {
 protected:
  FewRequestsTest() : ConnectionTest({.requests_per_event = 2}) {}
};

TEST_F(FewRequestsTest, LetsOthersHaveATurn) {
  client_->Send("get a\r\nget b\r\nget c\r\nget d\r\nget e\r\nget");
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kTurn);
  EXPECT_EQ(Received(), "END\r\nEND\r\n");
  EXPECT_STREQ(StateName(), "conn_new_cmd");
  EXPECT_EQ(connection_->Resume(&turn_), Wait::kTurn);
  EXPECT_EQ(Received(), "END\r\nEND\r\n");
  EXPECT_EQ(connection_->Resume(&turn_), Wait::kInput);
  EXPECT_EQ(Received(), "END\r\n");
  EXPECT_EQ(connection_->held_bytes(), 3u);
}

class VerboseTest : public ConnectionTest {
 protected:
  VerboseTest() : ConnectionTest({.verbosity = 3}) {}
};

TEST_F(VerboseTest, LogsCommandsAndStates) {
  const std::string fd = std::to_string(connection_->fd());
  client_->Send("get a\r\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            fd + ": going from conn_read to conn_parse_cmd\n" + "<" + fd + " get a\n" + fd +
                ": going from conn_parse_cmd to conn_read\n");
}

TEST_F(VerboseTest, HasNoWordForClientsThatAreGone) {
  client_->Send("get a\r\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kInput);
  client_.reset();  // with the reply unread, which resets the connection
  EXPECT_EQ(connection_->OnReadable(&turn_), Wait::kClosed);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::Not(testing::HasSubstr("failed")));
}

}  // namespace
}  // namespace larder
