#include "server/net/worker.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <latch>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/client.h"
#include "tests/net/test_engine.h"
#include "tests/net/test_server.h"

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
