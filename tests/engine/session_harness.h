#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/engine.h"
#include "server/engine/session.h"
#include "server/engine/settings.h"
#include "slab/store.h"

// Sessions without sockets: an engine over a store of its own, and clients that feed it.

namespace larder {

// A server of which everything is known.
class FakeServer final : public ServerView {
 public:
  ServerStats Stats() const override { return stats; }
  std::vector<ConnectionInfo> Connections(const Now&) const override { return connections; }

  void Shutdown(bool graceful) const override { shutdowns.push_back(graceful); }

  mutable std::vector<bool> shutdowns;
  ServerStats stats;
  std::vector<ConnectionInfo> connections;
};

class EngineHarness {
 public:
  // What is pointed to must outlive the harness.
  explicit EngineHarness(const Settings& settings = {}, Authenticator* authenticator = nullptr,
                         const AuthFile* auth_file = nullptr);
  // Checks the store's invariants.
  ~EngineHarness();

  EngineWorker* worker() { return worker_; }
  Engine& engine() { return *engine_; }
  Store& store() { return *store_; }

  // Both clocks go on.
  void Advance(uint32_t seconds) {
    now.tick.seconds += seconds;
    now.wall_seconds += seconds;
  }

  Now now = {.tick = {1000}, .wall_seconds = 1'700'000'000};
  FakeServer server;

 private:
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
  EngineWorker* worker_;
};

// One connection. Keeps what a session leaves of its input, as a server would.
class Client {
 public:
  struct Options {
    // How many bytes arrive at once; 0: all.
    size_t cut_bytes = 0;
    // Whether values that arrive are read straight into their items.
    bool use_body_room = true;
    // How many bytes a send takes when the output is at its cap; 0: all.
    size_t send_bytes = 0;
    SessionOptions session = {};
  };
  explicit Client(EngineHarness* harness) : Client(harness, Options()) {}
  Client(EngineHarness* harness, const Options& options);

  // What comes back for `bytes`.
  std::string Send(std::string_view bytes);
  // Feeds `bytes` and sends nothing.
  void Feed(std::string_view bytes);
  // Runs the session though nothing has arrived, as a server does for a watcher.
  void Wake() { RunAll(); }
  // Sends what waits: all, or so many bytes.
  std::string Receive(size_t bytes = SIZE_MAX);

  bool closed() const { return closed_; }
  Output& output() { return output_; }
  Session& session() { return session_; }
  const std::string& unconsumed() const { return input_; }
  int yields() const { return yields_; }
  int flushes() const { return flushes_; }

 private:
  void Arrive(std::string_view bytes);
  void RunAll();

  EngineHarness* const harness_;
  const Options options_;
  Output output_;
  Session session_;
  std::string input_;
  std::string received_;
  bool closed_ = false;
  int yields_ = 0;
  int flushes_ = 0;
};

// "STAT name value" lines as pairs, without END.
std::vector<std::pair<std::string, std::string>> ParseStats(const std::string& reply);
// The value of `name`; fails the test if it is not there.
std::string StatOf(const std::string& reply, const std::string& name);

}  // namespace larder
