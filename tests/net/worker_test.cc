#include "server/net/worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/net/tls_context.h"
#include "tests/net/certificates.h"
#include "tests/net/client.h"
#include "tests/net/test_engine.h"
#include "tests/net/test_server.h"
#include "tests/net/tls_client.h"

namespace larder {
namespace {

class WorkerTest : public testing::Test {
 protected:
  // A client, and the end of its connection that a worker is given.
  static std::pair<Client, UniqueFd> Connect() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const int on = 1;
    EXPECT_EQ(ioctl(ends[1], FIONBIO, &on), 0);
    return {Client(UniqueFd(ends[0])), UniqueFd(ends[1])};
  }

  ManualClock clock_;
  TestEngine engine_{{.requests_per_event = 3}, clock_.Read()};
  Worker worker_{0, {.drain_time = std::chrono::minutes(1)}, engine_.engine().AddWorker(), &clock_};
};

// Holds up whoever reads it until the test lets time begin.
class GateClock : public Clock {
 public:
  Now Read() const override {
    gate_.wait();
    return ManualClock().Read();
  }
  void Open() { gate_.count_down(); }

 private:
  mutable std::latch gate_{1};
};

TEST_F(WorkerTest, AnswersWhatHasArrivedBeforeItStops) {
  std::string requests;
  std::string replies;
  for (int i = 0; i < 100; ++i) {
    requests += "get a\r\n";
    replies += "END\r\n";
  }
  GateClock clock;
  Worker worker(0, {.drain_time = std::chrono::minutes(1)}, engine_.engine().AddWorker(), &clock);
  ASSERT_TRUE(worker.Start().ok());
  auto [first, first_fd] = Connect();
  auto [second, second_fd] = Connect();
  first.Send(requests);
  second.Send(requests);
  // The worker gets no further than welcoming the first before it is told to stop.
  worker.Adopt({.fd = std::move(first_fd), .traits = {}});
  worker.Adopt({.fd = std::move(second_fd), .traits = {}});
  worker.Stop();
  clock.Open();
  EXPECT_EQ(first.ReceiveAll(), replies);
  EXPECT_EQ(second.ReceiveAll(), replies);
  worker.Join();
  EXPECT_EQ(worker.adopted(), 2);
  EXPECT_EQ(worker.open(), 0);
}

TEST_F(WorkerTest, ConnectionsTakeTurns) {
  ASSERT_TRUE(worker_.Start().ok());
  std::vector<Client> clients;
  std::string requests;
  std::string replies;
  for (int i = 0; i < 1000; ++i) {
    requests += "get a\r\n";
    replies += "END\r\n";
  }
  for (int i = 0; i < 5; ++i) {
    auto [client, fd] = Connect();
    client.Send(requests);
    clients.push_back(std::move(client));
    worker_.Adopt({.fd = std::move(fd), .traits = {}});
  }
  for (Client& client : clients) EXPECT_EQ(client.Receive(replies.size()), replies);
  EXPECT_EQ(worker_.open(), 5);
  worker_.Stop();
  worker_.Join();
}

// Time that is read once a turn, by whoever has something to do in it, and that the test lets pass
// turn by turn.
class TurnClock : public Clock {
 public:
  Now Read() const override {
    std::unique_lock lock(mutex_);
    ++turns_begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_ || turns_begun_ <= turns_allowed_; });
    return ManualClock().Read();
  }
  // Lets the turn pass that has begun, and waits until the next has.
  void PassTurn() {
    std::unique_lock lock(mutex_);
    ++turns_allowed_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return turns_begun_ > turns_allowed_; });
  }
  void AwaitTurn() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return turns_begun_ > turns_allowed_; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int turns_begun_ = 0;
  int turns_allowed_ = 0;
  bool open_ = false;
};

int BytesArrived(int fd) {
  int bytes = 0;
  EXPECT_EQ(ioctl(fd, FIONREAD, &bytes), 0);
  return bytes;
}

TEST_F(WorkerTest, OneHandshakeATurn) {
  constexpr int kNewcomers = 8;
  constexpr int kRequests = 100;
  signal(SIGPIPE, SIG_IGN);
  const CertificateAuthority authority;
  TlsSettings settings;
  settings.chain_cert = authority.Issue("server", "server.pem");
  const auto tls = TlsContext::Create(settings, Tick{1});
  ASSERT_TRUE(tls.ok());
  TurnClock clock;
  Worker worker(0, {.tls = tls->get(), .drain_time = std::chrono::minutes(1)},
                engine_.engine().AddWorker(), &clock);
  ASSERT_TRUE(worker.Start().ok());

  // Somebody who has something to ask in every turn, by three requests of -R.
  auto [busy, busy_fd] = Connect();
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += "mn\r\n";
  busy.Send(requests);
  worker.Adopt({.fd = std::move(busy_fd), .traits = {.tls = ListenerTls::kNone}});
  clock.AwaitTurn();

  std::vector<std::unique_ptr<TlsClient>> newcomers;
  for (int i = 0; i < kNewcomers; ++i) {
    auto [client, fd] = Connect();
    newcomers.push_back(std::make_unique<TlsClient>(std::move(client)));
    newcomers.back()->Greet();
    worker.Adopt({.fd = std::move(fd), .traits = {}});
  }
  const auto answered = [&newcomers] {
    return std::ranges::count_if(newcomers,
                                 [](const auto& client) { return BytesArrived(client->fd()) > 0; });
  };
  while (answered() == 0) {
    ASSERT_LT(BytesArrived(busy.fd()), kRequests * 4) << "no handshake was begun";
    clock.PassTurn();
  }
  // They are all ready by now, and each waits for its turn while the other is served in each.
  for (int count = 1; count < kNewcomers; ++count) {
    EXPECT_EQ(answered(), count);
    const int served = BytesArrived(busy.fd());
    clock.PassTurn();
    EXPECT_EQ(BytesArrived(busy.fd()), served + 3 * 4);
  }
  EXPECT_EQ(answered(), kNewcomers);
  clock.Open();
  for (const auto& client : newcomers) EXPECT_EQ(client->Ask("mn\r\n"), "MN\r\n");
  EXPECT_EQ(busy.ReceiveThrough("\r\n").size(), 4U);
  worker.Stop();
  worker.Join();
}

TEST_F(WorkerTest, OneThatStandsStillDoesNotAnswer) {
  TurnClock clock;
  Worker worker(0, {}, engine_.engine().AddWorker(), &clock);
  ASSERT_TRUE(worker.Start().ok());
  EXPECT_TRUE(worker.has_answered());
  auto [client, fd] = Connect();
  worker.Adopt({.fd = std::move(fd), .traits = {}});
  clock.AwaitTurn();  // in the middle of which it is held up
  worker.Ask();
  EXPECT_FALSE(worker.has_answered());
  clock.Open();
  while (!worker.has_answered()) std::this_thread::yield();
  EXPECT_EQ(client.Ask("mn\r\n"), "MN\r\n");
  worker.Stop();
  worker.Join();
}

TEST_F(WorkerTest, ClosesWhatComesTooLate) {
  auto [client, fd] = Connect();
  {
    Worker worker(0, {}, engine_.engine().AddWorker(), &clock_);
    ASSERT_TRUE(worker.Start().ok());
    worker.Stop();
    worker.Join();
    worker.Adopt({.fd = std::move(fd), .traits = {}});
  }
  EXPECT_EQ(client.ReceiveAll(), "");
}

}  // namespace
}  // namespace larder
