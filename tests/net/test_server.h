#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/engine/engine.h"
#include "server/engine/settings.h"
#include "server/net/clock.h"
#include "server/net/server.h"
#include "server/net/tls_context.h"
#include "slab/store.h"

namespace larder {

// Time that the test turns on.
class ManualClock : public Clock {
 public:
  Now Read() const override {
    const uint32_t seconds = seconds_.load(std::memory_order_relaxed);
    return {.tick = Tick{seconds}, .wall_seconds = kWallStart + seconds};
  }
  void Advance(uint32_t seconds) { seconds_.fetch_add(seconds, std::memory_order_relaxed); }

 private:
  static constexpr int64_t kWallStart = 1'700'000'000;

  std::atomic<uint32_t> seconds_ = 100;
};

struct TestServerOptions {
  Settings settings;
  std::vector<std::string> listen = {"127.0.0.1"};  // entries of -l without a port
  std::chrono::milliseconds drain_time = std::chrono::minutes(1);
};

// A whole server on free ports of 127.0.0.1, in this process. With TLS, which ignores SIGPIPE.
class TestServer {
 public:
  explicit TestServer(const TestServerOptions& options = {});
  ~TestServer();

  int port() const { return ports_.front(); }
  // Of the one of `listen` with this index.
  int port(size_t index) const { return ports_.at(index); }
  int udp_port() const { return udp_port_; }
  ManualClock& clock() { return clock_; }
  Store& store() { return *store_; }
  const Server& server() const { return *server_; }

  // Asks the server to stop, or waits until it has.
  void Stop() { server_->Stop(); }
  void Join();

 private:
  ManualClock clock_;
  std::unique_ptr<Store> store_;
  std::vector<int> ports_;
  std::unique_ptr<TlsContext> tls_;
  int udp_port_ = 0;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Engine> engine_;
  std::thread thread_;
};

}  // namespace larder
