#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "server/net/listener.h"
#include "tests/net/client.h"
#include "tests/net/datagram_client.h"
#include "tests/net/test_engine.h"
#include "tests/net/test_server.h"

// Several clients at once on several workers over a small store, so that connections come and go,
// items are evicted under readers, and statistics are read while all this is counted. What a client
// reads must be a whole value that some client wrote. For the thread sanitizer above all.

namespace larder {
namespace {

constexpr int kClients = 8;
constexpr int kRounds = 120;
constexpr int kRequestsPerRound = 40;
constexpr int kKeys = 300;
constexpr size_t kLargeBytes = 40'000;

// A value says of itself what it must be: one letter, repeated.
std::string MakeValue(std::mt19937* random) {
  const size_t bytes =
      (*random)() % 20 == 0 ? kLargeBytes + (*random)() % kLargeBytes : (*random)() % 600;
  return std::string(bytes, static_cast<char>('a' + (*random)() % 26));
}

bool IsWhole(const std::string& value) {
  return value.find_first_not_of(value.empty() ? 'a' : value.front()) == std::string::npos;
}

class ClientOfMany {
 public:
  ClientOfMany(int port, uint32_t seed) : port_(port), random_(seed) {}

  void Run() {
    for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
      if (round % 10 == 0) client_ = std::make_unique<Client>(port_);
      if (round % 25 == 0) ReadStatistics();
      RunPipeline();
    }
  }

 private:
  enum class Reply { kLine, kValues };

  std::string MakeKey() { return "key" + std::to_string(random_() % kKeys); }

  // A batch of requests in one go, then their replies.
  void RunPipeline() {
    std::string requests;
    std::vector<Reply> replies;
    for (int i = 0; i < kRequestsPerRound; ++i) {
      switch (random_() % 4) {
        case 0: {
          const std::string value = MakeValue(&random_);
          requests +=
              "set " + MakeKey() + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
          replies.push_back(Reply::kLine);
          break;
        }
        case 1:
          requests += "delete " + MakeKey() + "\r\n";
          replies.push_back(Reply::kLine);
          break;
        default:
          requests += "get " + MakeKey() + " " + MakeKey() + " " + MakeKey() + "\r\n";
          replies.push_back(Reply::kValues);
      }
    }
    // The replies to a batch may be more than the sockets hold, and the server does not read on
    // while they wait; so somebody must read while this sends.
    std::thread sender([&] { client_->Send(requests); });
    for (const Reply reply : replies) {
      reply == Reply::kLine ? ReceiveLine() : ReceiveValues();
    }
    sender.join();
  }

  void ReceiveLine() {
    const std::string line = client_->ReceiveThrough("\r\n");
    EXPECT_TRUE(line == "STORED\r\n" || line == "DELETED\r\n" || line == "NOT_FOUND\r\n") << line;
  }

  void ReceiveValues() {
    for (std::string line; (line = client_->ReceiveThrough("\r\n")) != "END\r\n";) {
      ASSERT_TRUE(line.starts_with("VALUE key")) << line;
      const size_t bytes = std::stoul(line.substr(line.rfind(' ')));
      const std::string value = client_->Receive(bytes);
      EXPECT_TRUE(IsWhole(value)) << line;
      EXPECT_EQ(client_->Receive(2), "\r\n");
    }
  }

  void ReadStatistics() {
    EXPECT_TRUE(client_->Ask("stats\r\n", "END\r\n").starts_with("STAT pid "));
    EXPECT_TRUE(client_->Ask("stats conns\r\n", "END\r\n").starts_with("STAT "));
    EXPECT_TRUE(client_->Ask("stats items\r\n", "END\r\n").ends_with("END\r\n"));
  }

  const int port_;
  std::mt19937 random_;
  std::unique_ptr<Client> client_;
};

TEST(ServerThreadsTest, ManyClientsOnSmallMemory) {
  TestServer server({.settings = {.memory_bytes = uint64_t{4} << 20, .threads = 4}});
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back(
        [&server, i] { ClientOfMany(server.port(), static_cast<uint32_t>(i)).Run(); });
  }
  for (std::thread& client : clients) client.join();
  server.Stop();
  server.Join();
  server.store().CheckInvariants();
}

TEST(ServerThreadsTest, StoppingUnderLoad) {
  TestServer server({.settings = {.threads = 4}});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    EXPECT_EQ(clients.back()->Ask("get none\r\n"), "END\r\n");
  }
  std::vector<std::thread> threads;
  for (const std::unique_ptr<Client>& client : clients) {
    threads.emplace_back([&client] {
      // Until the server is gone, which may be in the middle.
      while (client->SendSome("set a 0 0 1\r\nx\r\nget a\r\n") > 0) {
        if (!client->ReceiveMore()) break;
      }
    });
  }
  server.Stop();
  server.Join();
  for (std::thread& thread : threads) thread.join();
  server.store().CheckInvariants();
}

// Datagrams that wait when the first worker starts are answered while the others are started.
TEST(ServerThreadsTest, WhoStartsFirstKnowsOfAll) {
  constexpr int kThreads = 16;
  const Settings settings{.threads = kThreads};
  absl::StatusOr<std::vector<DatagramPort>> ports =
      OpenDatagramPorts({.listen = "127.0.0.1"}, kThreads);
  ASSERT_TRUE(ports.ok());
  std::vector<std::unique_ptr<DatagramClient>> clients;
  for (int i = 0; i < 4 * kThreads; ++i) {
    clients.push_back(std::make_unique<DatagramClient>(AddressPort(ports->front().address)));
    clients.back()->Send(1, "stats conns\r\n");
  }
  const ManualClock clock;
  const std::unique_ptr<Store> store = CreateTestStore(settings);
  Server server({.threads = kThreads}, {}, &clock);
  server.AddDatagramPorts(*std::move(ports));
  Engine engine(settings, store.get(), &server, clock.Read());
  ASSERT_TRUE(server.Start(&engine, {}).ok());
  for (const std::unique_ptr<DatagramClient>& client : clients) {
    const std::string conns = client->ReceiveMessage(1);
    size_t sockets = 0;
    for (size_t at = 0; (at = conns.find(":addr udp:", at)) != std::string::npos; ++at) ++sockets;
    EXPECT_EQ(sockets, size_t{kThreads}) << conns;
  }
  server.Stop();
  server.Run();
  server.Drain();
}

}  // namespace
}  // namespace larder
