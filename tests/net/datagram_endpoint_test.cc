#include "server/net/datagram_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <memory>
#include <string>
#include <vector>

#include "server/net/listener.h"
#include "tests/net/client.h"
#include "tests/net/datagram_client.h"
#include "tests/net/test_engine.h"

namespace larder {
namespace {

using testing::HasSubstr;
using Wait = Connection::Wait;

Settings SettingsOf(size_t item_bytes_max) {
  Settings settings;
  settings.item_bytes_max = static_cast<uint32_t>(item_bytes_max);
  return settings;
}

class DatagramEndpointTest : public testing::Test {
 protected:
  explicit DatagramEndpointTest(const Settings& settings = {})
      : engine_(settings, now()), worker_(engine_.engine().AddWorker()) {
    absl::StatusOr<std::vector<DatagramPort>> ports = OpenDatagramPorts({.listen = "127.0.0.1"}, 1);
    EXPECT_TRUE(ports.ok()) << ports.status();
    client_ = std::make_unique<DatagramClient>(AddressPort(ports->front().address));
    endpoint_ = std::make_unique<DatagramEndpoint>(std::move(ports->front().fds.front()), worker_);
    turn_.now = now();
    turn_.input = &input_;
    turn_.pieces = pieces_;
  }

  static Now now() { return {.tick = Tick{100}, .wall_seconds = 1'700'000'000}; }

  // What is answered to one datagram.
  std::string Ask(std::string_view payload) {
    client_->Send(7, payload);
    EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
    return client_->ReceiveMessage(7);
  }
  // Nothing is answered to it: the next answer is to what is asked next.
  void ExpectNoAnswer() {
    client_->Send(8, "mn\r\n");
    EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
    EXPECT_EQ(client_->ReceiveMessage(8), "MN\r\n");
  }

  TestEngine engine_;
  EngineWorker* const worker_;
  std::unique_ptr<DatagramClient> client_;
  std::unique_ptr<DatagramEndpoint> endpoint_;
  LentBuffer input_;
  iovec pieces_[1024];
  LoopTurn turn_;
};

TEST_F(DatagramEndpointTest, AnswersWithTheRequestsId) {
  client_->Send(0x1234, "version\r\n");
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  const DatagramClient::Datagram datagram = client_->Receive();
  EXPECT_EQ(datagram.request_id, 0x1234);
  EXPECT_EQ(datagram.sequence, 0);
  EXPECT_EQ(datagram.total, 1);
  EXPECT_EQ(datagram.reserved, 0);
  EXPECT_EQ(datagram.payload, "VERSION 1.6.45\r\n");
  EXPECT_EQ(worker_->counters().bytes_read.value(), 8 + 9);
  EXPECT_EQ(worker_->counters().bytes_written.value(), 8 + 16);
  EXPECT_EQ(worker_->counters().yields.value(), 0);
}

TEST_F(DatagramEndpointTest, AnswersEachCommandByAMessage) {
  client_->Send(7, "set a 0 0 1\r\nx\r\nset b 0 0 1 noreply\r\ny\r\nbogus\r\nget a none b\r\n");
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(client_->ReceiveMessage(7), "STORED\r\n");
  EXPECT_EQ(client_->ReceiveMessage(7), "ERROR\r\n");
  EXPECT_EQ(client_->ReceiveMessage(7), "VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n");
  ExpectNoAnswer();
}

TEST_F(DatagramEndpointTest, SplitsALongReply) {
  // What a message of one datagram holds, of two, and one byte beyond.
  for (const size_t reply_bytes : {1391u, 1392u, 1393u, 2784u, 2785u, 20000u, 60000u}) {
    const std::string number = std::to_string(reply_bytes - 23 - (reply_bytes < 10000 ? 0 : 1));
    const std::string value(std::stoul(number), 'v');
    EXPECT_EQ(Ask("set k 0 0 " + number + "\r\n" + value + "\r\n"), "STORED\r\n");
    const std::string reply = Ask("get k\r\n");
    EXPECT_EQ(reply.size(), reply_bytes);
    EXPECT_EQ(reply, "VALUE k 0 " + number + "\r\n" + value + "\r\nEND\r\n");
  }
}

TEST_F(DatagramEndpointTest, TakesNoRequestOfMoreThanOneDatagram) {
  client_->Send(7, "version\r\n", /*sequence=*/0, /*total=*/2);
  client_->Send(7, "version\r\n", /*sequence=*/1, /*total=*/2);
  client_->Send(7, "version\r\n", /*sequence=*/0, /*total=*/0);
  client_->Send(7, "version\r\n", /*sequence=*/0, /*total=*/257);
  ExpectNoAnswer();
  // Of the sequence number of a single one nobody asks.
  client_->Send(7, "version\r\n", /*sequence=*/1, /*total=*/1);
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(client_->ReceiveMessage(7), "VERSION 1.6.45\r\n");
}

TEST_F(DatagramEndpointTest, TakesNoDatagramWithoutAPayload) {
  client_->SendRaw("");
  client_->SendRaw("1234567");
  client_->Send(7, "");
  ExpectNoAnswer();
  EXPECT_EQ(worker_->counters().bytes_read.value(), 8 + 4);
}

TEST_F(DatagramEndpointTest, ForgetsWhatIsNotWhole) {
  client_->Send(7, "get a");
  client_->Send(7, " b\r\n");
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(client_->ReceiveMessage(7), "ERROR\r\n");
  client_->Send(7, "set a 0 0 5\r\nabc");
  client_->Send(7, "set a 0 0 100000\r\n" + std::string(30000, 'v'));
  client_->Send(7, "version\r\nset a 0 0 5\r\nab");
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(client_->ReceiveMessage(7), "VERSION 1.6.45\r\n");
  EXPECT_EQ(Ask("get a\r\n"), "END\r\n");
}

TEST_F(DatagramEndpointTest, EachDatagramHasItsDialect) {
  // Version and no-op.
  std::string requests(48, '\0');
  requests[0] = requests[24] = '\x80';
  requests[1] = '\x0b';
  requests[25] = '\x0a';
  client_->Send(7, requests);
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  const std::string version = client_->ReceiveMessage(7);
  EXPECT_EQ(version.substr(0, 2), "\x81\x0b");
  EXPECT_EQ(version.substr(24), "1.6.45");
  EXPECT_EQ(client_->ReceiveMessage(7).substr(0, 2), "\x81\x0a");
  EXPECT_EQ(Ask("version\r\n"), "VERSION 1.6.45\r\n");
}

TEST_F(DatagramEndpointTest, QuitEndsTheDatagramOnly) {
  client_->Send(7, "version\r\nquit\r\nversion\r\n");
  EXPECT_EQ(endpoint_->OnReadable(&turn_), Wait::kInput);
  EXPECT_EQ(client_->ReceiveMessage(7), "VERSION 1.6.45\r\n");
  ExpectNoAnswer();
}

TEST_F(DatagramEndpointTest, IsListedByItsAddress) {
  const ConnectionInfo info = endpoint_->Info();
  EXPECT_EQ(info.id, endpoint_->fd());
  EXPECT_THAT(info.address, HasSubstr("udp:127.0.0.1:"));
  EXPECT_EQ(info.listen_address, "");
  EXPECT_TRUE(info.datagrams);
  EXPECT_STREQ(info.state, "conn_read");
}

class LargeValuesTest : public DatagramEndpointTest {
 protected:
  LargeValuesTest() : DatagramEndpointTest(SettingsOf(size_t{16} << 20)) {}

  // By a connection, for no datagram holds it.
  void Store(size_t bytes) {
    Session session(worker_);
    Output output(&worker_->output_blocks());
    const std::string command =
        "set k 0 0 " + std::to_string(bytes) + "\r\n" + std::string(bytes, 'v') + "\r\n";
    EXPECT_EQ(session.Run(command, now(), &output).next, Session::Next::kRead);
  }
};

// A UDP socket of a pair in the local domain, unlike one of the network's, is full when its peer
// has not read.
TEST_F(LargeValuesTest, WaitsForRoomAndGoesOn) {
  constexpr size_t kValueBytes = 3'000'000;
  Store(kValueBytes);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
  const UniqueFd client(ends[0]);
  DatagramEndpoint endpoint(UniqueFd(ends[1]), worker_);
  const std::string_view request("\0\7\0\0\0\1\0\0get k\r\nversion\r\n", 8 + 16);
  ASSERT_EQ(send(client.get(), request.data(), request.size(), 0), 24);

  std::string reply;
  std::string last;
  const auto read_some = [&] {
    char datagram[1500];
    for (ssize_t bytes; (bytes = recv(client.get(), datagram, sizeof(datagram), 0)) > 0;) {
      last.assign(datagram + 8, static_cast<size_t>(bytes) - 8);
      reply += last;
    }
  };
  Wait wait = endpoint.OnReadable(&turn_);
  EXPECT_EQ(wait, Wait::kRoom);
  for (int i = 0; wait == Wait::kRoom && i < 1'000'000; ++i) {
    read_some();
    wait = endpoint.OnWritable(&turn_);
  }
  read_some();
  EXPECT_EQ(wait, Wait::kInput);
  EXPECT_EQ(last, "VERSION 1.6.45\r\n");
  EXPECT_EQ(reply.size(), 19 + kValueBytes + 7 + last.size());
}

}  // namespace
}  // namespace larder
