#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/certificates.h"
#include "tests/net/client.h"
#include "tests/net/test_server.h"
#include "tests/net/tls_client.h"

// What operators do to a server that is under load: clients on several workers read, write and
// delete without a pause, and connect anew, while others watch them, dump the keys, turn the memory
// limit, move pages, reset and count. For the thread sanitizer above all.

namespace larder {
namespace {

constexpr int kClients = 4;
constexpr int kRequestsPerTurn = 30;
constexpr int kKeys = 4000;
constexpr size_t kValueBytesMax = 50'000;

// Clients that keep the server busy as long as this lives.
class Load {
 public:
  explicit Load(int port) {
    for (uint32_t i = 0; i < kClients; ++i) {
      threads_.emplace_back([this, port, i] { Run(port, i); });
    }
  }
  ~Load() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

 private:
  void Run(int port, uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      Client client(port);
      for (int turn = 0; turn < 10 && !stop_; ++turn) {
        client.Ask(MakeRequests(&random) + "mn\r\n", "MN\r\n");
      }
    }
  }

  static std::string MakeRequests(std::mt19937* random) {
    std::string requests;
    for (int i = 0; i < kRequestsPerTurn; ++i) {
      const std::string key = "k:" + std::to_string((*random)() % kKeys);
      const size_t bytes = (*random)() % ((*random)() % 8 == 0 ? kValueBytesMax : 300);
      const std::string value = std::to_string(bytes) + "\r\n" + std::string(bytes, 'v') + "\r\n";
      switch ((*random)() % 6) {
        case 0:
        case 1:
          requests += "set " + key + " 0 100 " + value;
          break;
        case 2:
          requests += "ms " + key + " " + value;
          break;
        case 3:
          requests += "delete " + key + "\r\n";
          break;
        case 4:
          requests += "mg " + key + " s t\r\n";
          break;
        default:
          requests += "get " + key + "\r\n";
      }
    }
    return requests;
  }

  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

class OperatorThreadsTest : public testing::Test {
 protected:
  ~OperatorThreadsTest() override {
    server_.Stop();
    server_.Join();
    server_.store().CheckInvariants();
  }

  TestServer server_{{.settings = {.memory_bytes = uint64_t{8} << 20, .threads = 3}}};
};

// One watcher comes after the other, several at a time; some leave while they are told something.
TEST_F(OperatorThreadsTest, WatchersComeAndGo) {
  constexpr const char* kEvents[] = {"fetchers\r\n", "mutations deletions\r\n", "evictions\r\n",
                                     "connevents\r\n", "rawcmds fetchers connevents\r\n"};
  const Load load(server_.port());
  std::vector<std::thread> threads;
  for (const char* events : kEvents) {
    threads.emplace_back([this, events] {
      for (int round = 0; round < 20; ++round) {
        Client watcher(server_.port());
        EXPECT_EQ(watcher.Ask(std::string("watch ") + events), "OK\r\n");
        for (int line = 0; line < 10; ++line) {
          const std::string told = watcher.ReceiveThrough("\n");
          EXPECT_TRUE(told.starts_with("ts=") || told.starts_with("skipped=")) << told;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(OperatorThreadsTest, DumpsWhileItemsChange) {
  const Load load(server_.port());
  Client client(server_.port());
  for (int round = 0; round < 20; ++round) {
    const std::string keys = client.Ask("lru_crawler metadump all\r\n", "END\r\n");
    EXPECT_TRUE(keys.starts_with("OK\r\n")) << keys.substr(0, 100);
    EXPECT_TRUE(client.Ask("lru_crawler mgdump hash\r\n", "EN\r\n").starts_with("OK\r\n"));
    client.Ask("stats cachedump 5 100\r\n", "END\r\n");
  }
}

// The evicted are watched, too: those who tell of them are not the workers alone.
TEST_F(OperatorThreadsTest, MemoryIsTurnedUpAndDown) {
  const Load load(server_.port());
  Client watcher(server_.port());
  EXPECT_EQ(watcher.Ask("watch evictions\r\n"), "OK\r\n");
  Client client(server_.port());
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    EXPECT_EQ(client.Ask("cache_memlimit " + std::to_string(8 + random() % 17) + "\r\n"), "OK\r\n");
    client.Ask("slabs reassign -1 " + std::to_string(1 + random() % 30) + "\r\n");
    client.Ask("slabs automove " + std::to_string(random() % 3) + "\r\n");
    client.Ask("lru_crawler crawl all\r\n");
    client.Ask("lru tune " + std::to_string(1 + random() % 50) + " 20 0.1 2.0\r\n");
    if (round % 10 == 0) client.Ask("flush_all\r\n");
    if (round % 20 == 0)
      client.Ask("lru_crawler disable\r\nlru_crawler enable\r\nmn\r\n", "MN\r\n");
    server_.clock().Advance(1);
  }
}

TEST_F(OperatorThreadsTest, CountsAreReadAndReset) {
  const Load load(server_.port());
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this] {
      constexpr const char* kStats[] = {
          "stats\r\n",       "stats items\r\n",    "stats slabs\r\n",      "stats conns\r\n",
          "stats sizes\r\n", "stats settings\r\n", "stats detail dump\r\n"};
      Client client(server_.port());
      for (int round = 0; round < 15; ++round) {
        EXPECT_EQ(client.Ask("stats detail on\r\n"), "OK\r\n");
        for (const char* request : kStats) {
          EXPECT_TRUE(client.Ask(request, "END\r\n").ends_with("END\r\n")) << request;
        }
        EXPECT_EQ(client.Ask("stats detail off\r\n"), "OK\r\n");
        EXPECT_EQ(client.Ask("stats reset\r\n"), "RESET\r\n");
        EXPECT_EQ(client.Ask("verbosity 0\r\n"), "OK\r\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Whoever connects meets the certificate before or the one after, and is served.
TEST(TlsThreadsTest, CertificatesAreReadAgainWhileClientsConnect) {
  const CertificateAuthority authority;
  Settings settings{.threads = 3};
  settings.tls.enabled = true;
  settings.tls.chain_cert = authority.Issue("server", "server.pem");
  settings.tls.session_cache = true;
  TestServer server({.settings = settings});
  std::atomic<int> connecting = kClients;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 15; ++round) {
        TlsClient client(server.port());
        EXPECT_EQ(client.Ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n");
        EXPECT_EQ(client.Ask("get a\r\n", "END\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
      }
      --connecting;
    });
  }
  TlsClient reloading(server.port());
  while (connecting > 0) {
    EXPECT_EQ(reloading.Ask("refresh_certs\r\n"), "OK\r\n");
    reloading.Ask("stats\r\n", "END\r\n");
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder
